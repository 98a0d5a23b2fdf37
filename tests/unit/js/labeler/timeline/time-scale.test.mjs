import assert from "node:assert/strict";
import { test } from "node:test";
import { TimeScale, tickStep } from "../../../../../frontend/static/js/labeler/timeline/time-scale.js";

function makeScale(count = 1000, width = 816) {
  const scale = new TimeScale(count, 8);
  scale.width = width;
  return scale;
}

test("the whole clip fills the width between the margins", () => {
  const scale = makeScale();
  assert.equal(scale.x(0), 8);
  assert.equal(scale.x(1000), 808);
  assert.equal(scale.frame(408), 500);
  assert.equal(scale.zoomed, false);
});

test("positions and frames are each other's inverse at any zoom", () => {
  const scale = makeScale();
  scale.zoom(7, 321);
  for (const frame of [scale.first, 321, 333.25]) assert.ok(Math.abs(scale.frame(scale.x(frame)) - frame) < 1e-9);
});

test("zooming keeps the frame under the pointer where it is", () => {
  const scale = makeScale();
  const before = scale.x(640);
  scale.zoom(4, 640);
  assert.equal(scale.span, 250);
  assert.ok(Math.abs(scale.x(640) - before) < 1e-9);
});

test("the view never shows fewer than a dozen frames or anything outside the clip", () => {
  const scale = makeScale();
  scale.zoom(1e6, 999.5);
  assert.equal(scale.span, 12);
  assert.ok(scale.end <= 1000);
  scale.pan(500);
  assert.equal(scale.end, 1000);
  scale.pan(-5000);
  assert.equal(scale.first, 0);
  scale.zoom(1e-6, 0);
  assert.deepEqual([scale.first, scale.span, scale.zoomed], [0, 1000, false]);
  const short = makeScale(5);
  short.zoom(10, 2);
  assert.equal(short.span, 5);
});

test("a frame outside the view is brought in with a margin; a frame in view moves nothing", () => {
  const scale = makeScale();
  scale.zoom(10, 50); // 100 frames
  assert.equal(scale.reveal(Math.ceil(scale.first)), false);
  assert.equal(scale.reveal(400), true);
  assert.equal(scale.end, 411);
  assert.equal(scale.reveal(200), true);
  assert.equal(scale.first, 190);
  assert.equal(scale.reveal(0), true);
  assert.equal(scale.first, 0);
});

test("labels are round numbers of frames in view, far enough apart", () => {
  const scale = makeScale();
  scale.zoom(20, 503);
  const { step, ticks } = scale.ticks();
  assert.equal(step, tickStep(50, 816));
  assert.ok(ticks.every((tick) => tick % step === 0 && tick >= scale.first && tick < scale.end));
  assert.ok(scale.x(ticks[1]) - scale.x(ticks[0]) >= 72);
});

test("the overview shows the whole clip at any zoom", () => {
  const scale = makeScale();
  scale.zoom(10, 500);
  assert.deepEqual([scale.overviewX(0), scale.overviewX(1000)], [8, 808]);
  assert.equal(scale.overviewFrame(scale.overviewX(300)), 300);
  scale.centre(300);
  assert.equal(scale.first, 250);
});

test("the axis has round ticks with room between them", () => {
  assert.equal(tickStep(300, 1000), 50);
  assert.equal(tickStep(10, 1000), 1);
  assert.equal(tickStep(5, 2000), 1);
  assert.equal(tickStep(20_000, 400), 5000);
});
