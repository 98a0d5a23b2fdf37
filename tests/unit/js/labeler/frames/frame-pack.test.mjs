import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FramePack } from "../../../../../frontend/static/js/labeler/frames/frame-pack.js";
import { makePack } from "./packs.mjs";

test("times count from the first frame, by pts and time base", () => {
  const pack = makePack(3, { time_base: "1/15360", pts: [512, 1024, 2048], fps: "30/1" });
  assert.equal(pack.seconds(0), 0);
  assert.equal(pack.seconds(2), 1536 / 15360);
  assert.equal(pack.length(0), 512 / 15360);
  assert.equal(pack.duration, 1536 / 15360 + 1 / 30);
});

test("frame rates such as 30000/1001 are understood", () => {
  assert.ok(Math.abs(makePack(2, { fps: "30000/1001" }).fps - 29.97) < 0.001);
});

test("the frame shown at a time is found, also at a variable frame rate", () => {
  const pack = makePack(4, { pts: [0, 1, 4, 5] });
  assert.deepEqual([0, 0.004, 0.005, 0.019, 0.02, 9].map((t) => pack.indexAt(t)), [0, 0, 1, 1, 2, 3]);
  assert.equal(pack.indexAt(-1), 0);
});

test("frame indices and source frame numbers are kept apart", () => {
  const pack = makePack(3);
  assert.equal(pack.source(0), 5562);
  assert.equal(pack.indexOfSource(5564), 2);
  assert.equal(pack.indexOfSource(2), null);
  assert.equal(pack.describe(1), "frame 1 (source 5563)");
});

test("a source frame number that occurs twice means its first frame", () => {
  assert.equal(makePack(3, { source: [7, 7, 8] }).indexOfSource(7), 0);
});

test("any number is clamped to a frame of the clip", () => {
  const pack = makePack(10);
  assert.deepEqual([-5, 3.4, 99].map((n) => pack.clamp(n)), [0, 3, 9]);
});

test("a motion curve is used only if it has a number for every frame", () => {
  assert.deepEqual(makePack(2, { motion: [0.1, 0.2] }).motion, [0.1, 0.2]);
  assert.equal(makePack(2, { motion: [0.1] }).motion, null);
});

test("an index that contradicts itself is refused with a sentence", () => {
  assert.throws(() => makePack(0), /has no frames/);
  assert.throws(() => makePack(3, { pts: [0, 1] }), /declares 3 frames but lists 4 offsets, 2 times and 3 source frame numbers/);
  assert.throws(() => makePack(3, { pts: [0, 2, 1] }), /not in time order/);
  assert.throws(() => makePack(2, { offsets: [0, 10, 10] }), /a frame without bytes/);
  assert.throws(() => makePack(2, { fps: "0/0" }), /frame rate in the frame index must be a positive fraction such as 200\/1, not "0\/0"/);
  assert.throws(() => makePack(2, { version: 2 }), /version 2 of the frame index/);
});

test("curves of parts of the face are used only if they have one number per frame", () => {
  const pack = makePack(3, { motion_regions: { brows: [0, 1, 2], eyes: [0, 1] } });
  assert.deepEqual(pack.motionRegions, { brows: [0, 1, 2] });
  assert.deepEqual(makePack(3).motionRegions, {});
});

// The Python tests read the same cases (test_packindex.py): what one side writes, the other one opens.
const cases = JSON.parse(readFileSync(new URL("../../../frame_indexes.json", import.meta.url), "utf8"));
for (const { name, valid, index, repaired } of cases) {
  test(`an index with ${name} is ${valid ? "opened" : "refused"}`, () => {
    if (valid) assert.equal(new FramePack(index).count, index.count);
    else assert.throws(() => new FramePack(index));
  });
  if (repaired) test(`an index with ${name} is opened after its repair`, () => assert.equal(new FramePack({ ...index, ...repaired }).count, index.count));
}

// The clock's tests in Python and the tests of pages, rules and exports read the same cases.
for (const { name, index, ms } of JSON.parse(readFileSync(new URL("../../../clocks.json", import.meta.url), "utf8"))) {
  test(`the labeler states the times of the clock: ${name}`, () => {
    const pack = makePack(ms.length, index);
    assert.deepEqual(ms.map((_, i) => pack.ms(i)), ms);
    assert.equal(pack.durationMs(1, 4), ms[4] - ms[1]);
  });
}
