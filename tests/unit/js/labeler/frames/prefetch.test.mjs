import assert from "node:assert/strict";
import { test } from "node:test";
import { consecutiveRanges, frameWindow, nearestFirst, planChunks } from "../../../../../frontend/static/js/labeler/frames/prefetch.js";

test("a clip that fits is kept whole", () => {
  assert.deepEqual(frameWindow(5, 1, 100, 60), [0, 59]);
});

test("the window includes the current frame and lies mostly ahead", () => {
  assert.deepEqual(frameWindow(500, 1, 31, 1000), [490, 520]);
  assert.deepEqual(frameWindow(500, -1, 31, 1000), [480, 510]);
});

test("the window never leaves the clip and never shrinks", () => {
  for (const focus of [0, 3, 996, 999]) {
    const [first, last] = frameWindow(focus, 1, 31, 1000);
    assert.ok(first >= 0 && last <= 999 && first <= focus && focus <= last);
    assert.equal(last - first, 30);
  }
  assert.deepEqual(frameWindow(4, 1, 0, 10), [4, 4]);
});

test("frames come outwards from the focus, the direction of travel first", () => {
  assert.deepEqual([...nearestFirst(3, 1, 0, 6)], [3, 4, 2, 5, 1, 6, 0]);
  assert.deepEqual([...nearestFirst(3, -1, 0, 6)], [3, 2, 4, 1, 5, 0, 6]);
  assert.deepEqual([...nearestFirst(0, 1, 0, 3)], [0, 1, 2, 3]);
  assert.deepEqual([...nearestFirst(9, 1, 0, 2)], [2, 1, 0]);
});

test("chunks cover every frame once and keep to their size", () => {
  const offsets = [0, 40, 90, 100, 300, 310, 320];
  const chunks = planChunks(offsets, 100);
  assert.deepEqual(chunks, [{ first: 0, last: 2 }, { first: 3, last: 3 }, { first: 4, last: 5 }]);
});

test("consecutive indices become ranges", () => {
  assert.deepEqual(consecutiveRanges(8, (i) => [0, 1, 4, 6, 7].includes(i)), [[0, 1], [4, 4], [6, 7]]);
  assert.deepEqual(consecutiveRanges(3, () => false), []);
});
