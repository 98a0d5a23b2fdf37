import assert from "node:assert/strict";
import { test } from "node:test";

import { cellWidth, countOf, foldAt, step } from "../../../../frontend/static/js/experiment/fold-strip.js";

test("folds are as wide as the column allows, within limits", () => {
  assert.equal(cellWidth(816, 68), 12);
  assert.equal(cellWidth(100, 68), 3);
  assert.equal(cellWidth(816, 4), 14);
});

test("a point next to the strip means the nearest fold", () => {
  assert.deepEqual([-3, 0, 23, 24, 9999].map((x) => foldAt(x, 12, 68)), [0, 0, 1, 2, 67]);
});

test("arrow keys stay within rows of different lengths", () => {
  const lengths = [5, 2];
  assert.deepEqual(step("ArrowRight", { row: 0, fold: 4 }, lengths), { row: 0, fold: 4 });
  assert.deepEqual(step("ArrowDown", { row: 0, fold: 4 }, lengths), { row: 1, fold: 1 });
  assert.deepEqual(step("ArrowUp", { row: 0, fold: 4 }, lengths), { row: 0, fold: 4 });
  assert.deepEqual(step("End", { row: 1, fold: 0 }, lengths), { row: 1, fold: 1 });
  assert.equal(step("a", { row: 0, fold: 0 }, lengths), null);
});

test("folds are counted by state", () => {
  assert.equal(countOf("ddwrd", "d"), 3);
  assert.equal(countOf("", "d"), 0);
});
