import assert from "node:assert/strict";
import { test } from "node:test";
import { everyFrameSpeed, Playback, speedLabel, SPEEDS } from "../../../../../frontend/static/js/labeler/frames/playback.js";
import { makePack } from "./packs.mjs";

test("at full speed a frame is due at its own time", () => {
  const playback = new Playback(makePack(200), 1);
  playback.play(1000, 0);
  assert.deepEqual(playback.due(1000), { index: 0, ended: false });
  assert.equal(playback.due(1004.9).index, 0);
  assert.equal(playback.due(1005).index, 1);
  assert.equal(playback.due(1500).index, 100);
});

test("every frame boundary is exact, however long it plays", () => {
  const pack = makePack(2000, { time_base: "1/1000", pts: Array.from({ length: 2000 }, (_, i) => i * 5) });
  const playback = new Playback(pack, 1 / 20);
  playback.play(0, 0);
  for (let i = 0; i < 2000; i++) assert.equal(playback.due(i * 100).index, i);
});

test("speed is a fraction of full speed", () => {
  const playback = new Playback(makePack(200), 1 / 20);
  playback.play(0, 40);
  assert.equal(playback.due(1000).index, 50);
});

test("variable rates are played by pts", () => {
  const playback = new Playback(makePack(4, { pts: [0, 1, 101, 102] }), 1);
  playback.play(0, 0);
  assert.deepEqual([4, 5, 504, 505].map((ms) => playback.due(ms).index), [0, 1, 1, 2]);
});

test("a change of speed during play does not jump", () => {
  const playback = new Playback(makePack(200), 1);
  playback.play(0, 0);
  playback.setSpeed(1 / 10, 250);
  assert.equal(playback.due(250).index, 50);
  assert.equal(playback.due(350).index, 52);
});

test("speeds go step by step and stop at both ends", () => {
  const playback = new Playback(makePack(10), SPEEDS[0]);
  playback.changeSpeed(-1, 0);
  assert.equal(playback.speed, 1 / 20);
  for (let i = 0; i < 10; i++) playback.changeSpeed(1, 0);
  assert.equal(playback.speed, 1);
  assert.deepEqual(SPEEDS.map(speedLabel), ["1/20×", "1/10×", "1/5×", "1/3×", "1/2×", "1×"]);
});

test("play starts at the fastest speed that shows every frame", () => {
  assert.equal(everyFrameSpeed(200), 1 / 5);
  assert.equal(everyFrameSpeed(100), 1 / 2);
  assert.equal(everyFrameSpeed(59.94), 1);
  assert.equal(everyFrameSpeed(10_000), 1 / 20);
});

test("the clip ends after its last frame was shown for its full time", () => {
  const playback = new Playback(makePack(10), 1);
  playback.play(0, 0);
  assert.deepEqual(playback.due(49.9), { index: 9, ended: false });
  assert.deepEqual(playback.due(50), { index: 9, ended: true });
});

test("play from the last frame starts over; outside a loop it starts at the loop", () => {
  const playback = new Playback(makePack(100), 1);
  assert.equal(playback.play(0, 99), 0);
  assert.equal(playback.play(0, 98), 98);
  playback.loop = { first: 20, last: 30 };
  assert.equal(playback.play(0, 5), 20);
  assert.equal(playback.play(0, 25), 25);
  assert.equal(playback.play(0, 30), 20);
});

test("a loop never leaves its frames and shows the last one for its full time", () => {
  const playback = new Playback(makePack(100), 1);
  playback.loop = { first: 20, last: 29 };
  playback.play(0, 20);
  assert.equal(playback.due(49).index, 29);
  assert.equal(playback.due(50).index, 20);
  assert.equal(playback.due(95).index, 29);
  for (let ms = 95; ms < 5000; ms += 16.7) {
    const { index, ended } = playback.due(ms);
    assert.ok(index >= 20 && index <= 29 && !ended, `${index} at ${ms} ms`);
  }
});

test("a loop of one frame stays on it", () => {
  const playback = new Playback(makePack(100), 1);
  playback.loop = { first: 7, last: 7 };
  playback.play(0, 7);
  assert.deepEqual([0, 3, 5, 500].map((ms) => playback.due(ms).index), [7, 7, 7, 7]);
});

test("the clock stops while a frame is missing", () => {
  const playback = new Playback(makePack(100), 1);
  playback.play(0, 0);
  playback.hold(800, 3);
  assert.equal(playback.due(804).index, 3);
  assert.equal(playback.due(805).index, 4);
});

test("backward, each frame is shown for its own duration, from its end", () => {
  const playback = new Playback(makePack(4, { pts: [0, 1, 101, 102] }), 1);
  assert.equal(playback.play(0, 2, -1), 2);
  assert.deepEqual([0, 4.9, 5.1, 504, 505.1].map((ms) => playback.due(ms).index), [2, 2, 1, 1, 0]);
});

test("every frame boundary is exact backward too", () => {
  const pack = makePack(2000, { time_base: "1/1000", pts: Array.from({ length: 2000 }, (_, i) => i * 5) });
  const playback = new Playback(pack, 1 / 20);
  playback.play(0, 1999, -1);
  for (let i = 0; i < 2000; i++) assert.equal(playback.due(i * 100).index, 1999 - i);
});

test("backward, the clip ends after its first frame was shown for its full time, and starts over at its last", () => {
  const playback = new Playback(makePack(10), 1);
  playback.play(0, 3, -1);
  assert.deepEqual(playback.due(19.9), { index: 0, ended: false });
  assert.deepEqual(playback.due(20), { index: 0, ended: true });
  assert.equal(playback.play(0, 0, -1), 9);
});

test("a loop holds backward too", () => {
  const playback = new Playback(makePack(100), 1);
  playback.loop = { first: 20, last: 29 };
  assert.equal(playback.play(0, 5, -1), 29);
  assert.equal(playback.due(49).index, 20);
  assert.equal(playback.due(50).index, 29);
  for (let ms = 50; ms < 5000; ms += 16.7) {
    const { index, ended } = playback.due(ms);
    assert.ok(index >= 20 && index <= 29 && !ended, `${index} at ${ms} ms`);
  }
});

test("backward, the clock stops while a frame is missing, and a change of speed does not jump", () => {
  const playback = new Playback(makePack(100), 1);
  playback.play(0, 50, -1);
  playback.hold(800, 40);
  assert.equal(playback.due(804).index, 40);
  assert.equal(playback.due(805).index, 39);
  playback.setSpeed(1 / 10, 805);
  assert.equal(playback.due(854).index, 39);
  assert.equal(playback.due(856).index, 38);
});
