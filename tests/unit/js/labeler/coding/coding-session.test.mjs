import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { AutoSave } from "../../../../../frontend/static/js/labeler/coding/autosave.js";
import { CodingSession } from "../../../../../frontend/static/js/labeler/coding/coding-session.js";
import { Drafts } from "../../../../../frontend/static/js/labeler/coding/drafts.js";
import { usable } from "../../../../../frontend/static/js/labeler/coding/suggestions.js";
import { FakeApi } from "./fake-api.mjs";

let api;
let autosave;
let session;
const marks = () => [session.coding.onset, session.coding.apex, session.coding.offset];
const near = { onset: 10, apex: 15, offset: 20, confidence: 0.9 };
const far = { onset: 60, apex: 65, offset: 70, confidence: 0.4 };

beforeEach(async () => {
  api = new FakeApi();
  let keys = 0;
  autosave = new AutoSave({ api, drafts: new Drafts({ storage: null, coder: "", scope: "" }), makeKey: () => `k${++keys}` });
  await autosave.load();
  session = new CodingSession(autosave);
});

test("a clip without expressions starts with a blank one", () => {
  assert.equal(session.coding.onset, null);
  assert.deepEqual([session.expressions.length, session.position, session.incomplete], [1, 0, null]);
});

test("a blank expression is reused before another is added", () => {
  session.addExpression();
  session.addExpression();
  assert.equal(session.expressions.length, 1);
  session.edit({ onset: 3 }, "onset");
  session.addExpression();
  assert.deepEqual([session.expressions.length, session.position, session.coding.onset], [2, 1, null]);
});

test("every step is undone and redone in its own expression", () => {
  session.edit({ onset: 3 }, "onset set");
  session.edit({ emotion: "fear" }, "emotion: fear");
  session.addExpression();
  session.edit({ onset: 50 }, "onset set in the second");
  assert.equal(session.undo(), "onset set in the second");
  assert.equal(session.undo(), "emotion: fear");
  assert.deepEqual([session.position, session.coding.onset, session.coding.emotion], [0, 3, ""]);
  assert.equal(session.undo(), "onset set");
  assert.equal(session.undo(), null);
  assert.deepEqual([session.redo(), session.redo(), session.redo(), session.redo()], ["onset set", "emotion: fear", "onset set in the second", null]);
  assert.deepEqual(session.expressions.map(({ coding }) => [coding.onset, coding.emotion]), [[3, "fear"], [50, ""]]);
});

test("deleting an expression can be undone; the one before it is selected", () => {
  session.edit({ onset: 3 }, "onset");
  session.addExpression();
  session.edit({ onset: 50 }, "onset");
  session.remove();
  assert.deepEqual([session.expressions.length, session.coding.onset], [1, 3]);
  assert.equal(session.undo(), "expression 2 deleted");
  assert.deepEqual([session.expressions.length, session.coding.onset], [2, 50]);
});

test("an expression deleted on an earlier visit is restored as the same annotation, and can be deleted again", async () => {
  api.elsewhere({ onset: 30, deleted: true }, "old");
  session.restore(api.rows.get("old"));
  await autosave.settled();
  assert.deepEqual([session.coding.onset, api.live.map(({ key }) => key)], [30, ["old"]]);
  session.undo();
  await autosave.settled();
  assert.deepEqual(api.live, []);
});

test("a new step discards what was undone", () => {
  session.edit({ onset: 3 }, "onset");
  session.undo();
  session.edit({ apex: 4 }, "apex");
  assert.equal(session.redo(), null);
});

test("typing is one step until the field is left", () => {
  for (const note of ["a", "ab", "abc"]) session.edit({ note }, "note typed", { typing: true });
  session.seal();
  session.edit({ note: "abcd" }, "note typed", { typing: true });
  session.undo();
  assert.equal(session.coding.note, "abc");
  session.undo();
  assert.equal(session.coding.note, "");
});

test("the nearest suggestion is accepted into a blank expression, the next into a new one", () => {
  session.suggestions = [near, far];
  assert.equal(session.accept(58), far);
  assert.deepEqual([...marks(), session.coding.origin], [60, 65, 70, "suggested"]);
  assert.equal(session.accept(58), near);
  assert.deepEqual([session.position, ...marks()], [1, 10, 15, 20]);
  assert.equal(session.accept(58), null);
});

test("a suggestion is not saved unless it is accepted, and says whether it was corrected", async () => {
  session.suggestions = [near];
  await autosave.settled();
  assert.equal(api.record, null);
  session.accept(0);
  session.edit({ apex: 16 }, "apex");
  assert.equal(session.coding.origin, "corrected");
  session.edit({ apex: 15 }, "apex");
  assert.equal(session.coding.origin, "suggested");
  await autosave.settled();
  assert.deepEqual([api.record.origin, api.record.suggestion], ["suggested", near]);
});

test("clearing all marks removes the link to the suggestion", () => {
  session.suggestions = [near];
  session.accept(0);
  session.edit({ onset: null, apex: null, offset: null }, "cleared");
  assert.deepEqual([session.coding.origin, session.coding.suggestion, session.open], ["manual", null, [near]]);
});

test("nothing is suggested where something is coded", () => {
  session.suggestions = [near, far];
  session.edit({ onset: 12, offset: 30 }, "marks");
  assert.deepEqual(session.open, [far]);
});

test("an expression that was started but is not complete is found", () => {
  session.edit({ onset: 3, apex: 4, offset: 5, emotion: "fear" }, "all");
  assert.equal(session.incomplete, null);
  session.addExpression();
  assert.equal(session.incomplete, null);
  session.edit({ apex: 9 }, "apex");
  assert.deepEqual(session.incomplete, { key: "k2", missing: ["onset", "offset", "emotion"] });
});

test("suggestions outside the clip are not offered", () => {
  assert.deepEqual(usable([far, near, { onset: 5, apex: 4, offset: 9 }, { onset: 90, apex: 95, offset: 100 }], 99), [near, far]);
  assert.deepEqual(usable({ results: [near] }, 99), [near]);
  assert.deepEqual(usable({ detail: "?" }, 99), []);
});
