import assert from "node:assert/strict";
import { test } from "node:test";
import { BLANK, codingOf, differences, missing } from "../../../../../frontend/static/js/labeler/coding/coding.js";

test("spaces around text do not count as a difference, values do", () => {
  assert.deepEqual(differences({ ...BLANK, note: " a " }, { ...BLANK, note: "a" }), []);
  assert.deepEqual(differences({ ...BLANK, onset: 0 }, BLANK), ["onset"]);
  const suggestion = { onset: 1, apex: 2, offset: 3, confidence: 0.5 };
  assert.deepEqual(differences({ ...BLANK, suggestion }, { ...BLANK, suggestion: { confidence: 0.5, offset: 3, apex: 2, onset: 1 } }), []);
  assert.deepEqual(codingOf({ id: 3, revision: 1, onset: 5, complete: false }), { ...BLANK, onset: 5 });
  assert.deepEqual(missing({ ...BLANK, onset: 0, emotion: "fear" }), ["apex", "offset"]);
});
