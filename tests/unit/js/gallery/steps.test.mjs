import assert from "node:assert/strict";
import { test } from "node:test";
import { rowStep, stepOfKey } from "../../../../frontend/static/js/gallery/steps.js";

const TOPS = [0, 0, 0, 90, 90, 90, 180]; // three columns; the last row has one card

test("letters and arrows step through the cards, in either case", () => {
  assert.equal(stepOfKey("j")?.by, 1);
  assert.equal(stepOfKey("K")?.by, -1);
  assert.deepEqual(stepOfKey("ArrowUp"), { by: -1, arrow: true, rows: true });
  assert.equal(stepOfKey("x"), undefined);
  assert.equal(stepOfKey("constructor"), undefined);
});

test("up and down lead to the card above and below", () => {
  assert.equal(rowStep(TOPS, 1, 1), 3);
  assert.equal(rowStep(TOPS, 4, -1), -3);
});

test("from above a shorter last row, down leads to the last card", () => {
  assert.equal(rowStep(TOPS, 5, 1), 1);
  assert.equal(rowStep(TOPS, 3, 1), 3);
});

test("beyond the first and the last row, the step leaves the page", () => {
  assert.equal(1 + rowStep(TOPS, 1, -1), -2);
  assert.ok(6 + rowStep(TOPS, 6, 1) >= TOPS.length);
});
