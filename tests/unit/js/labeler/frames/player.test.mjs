import assert from "node:assert/strict";
import { test } from "node:test";
import { Playback } from "../../../../../frontend/static/js/labeler/frames/playback.js";
import { Player } from "../../../../../frontend/static/js/labeler/frames/player.js";
import { makePack } from "./packs.mjs";

/** A player on a screen that refreshes when the test says so; `ready` says which frames are decoded. */
function makePlayer(count = 300, ready = () => true) {
  const log = [];
  const pack = makePack(count);
  const playback = new Playback(pack, 1);
  let now = 0;
  let due = [];
  const player = new Player({
    pack,
    playback,
    frames: { get: (i) => `image ${i}`, isReady: ready, focus: () => {} },
    show: (index, image) => {
      assert.equal(image, `image ${index}`);
      log.push(index);
    },
    clock: () => now,
    nextFrame: (callback) => due.push(callback),
  });
  const refresh = (ms) => {
    now += ms;
    const callbacks = due;
    due = [];
    for (const callback of callbacks) callback(now);
  };
  return { player, playback, log, refresh };
}

test("each step shows the next frame at once", () => {
  const { player, log } = makePlayer();
  player.goTo(0);
  player.step(1);
  player.step(10);
  player.step(-1);
  assert.deepEqual(log, [0, 1, 11, 10]);
});

test("steps stop at both ends of the clip", () => {
  const { player } = makePlayer(20);
  player.step(-10);
  assert.equal(player.shown, 0);
  player.step(1000);
  assert.equal(player.shown, 19);
});

test("no step is lost while frames are loading", () => {
  const decoded = new Set();
  const { player, log } = makePlayer(300, (i) => decoded.has(i));
  player.goTo(0);
  for (let i = 0; i < 90; i++) player.step(1);
  assert.equal(player.target, 90);
  assert.equal(player.shown, -1);
  assert.ok(player.waiting);
  decoded.add(45);
  player.didDecode(45);
  assert.deepEqual(log, []);
  decoded.add(90);
  player.didDecode(90);
  assert.deepEqual(log, [90]);
  assert.ok(!player.waiting);
});

test("pausing stays at the frame on screen", () => {
  const { player, refresh } = makePlayer();
  player.goTo(10);
  player.toggle();
  for (let i = 0; i < 13; i++) refresh(16.7);
  player.toggle();
  const paused = player.shown;
  assert.equal(player.target, paused);
  assert.ok(paused > 40 && paused < 60);
  refresh(500);
  assert.equal(player.shown, paused);
  player.step(1);
  assert.equal(player.shown, paused + 1);
});

test("play skips no frame that is late", () => {
  const decoded = new Set([0, 1, 2]);
  const { player, log, refresh } = makePlayer(300, (i) => decoded.has(i));
  player.goTo(0);
  player.play();
  for (let i = 0; i < 4; i++) refresh(5);
  assert.deepEqual(log, [0, 1, 2]);
  assert.equal(player.target, 3);
  for (let i = 0; i < 100; i++) refresh(16);
  assert.equal(player.target, 3);
  decoded.add(3).add(4);
  player.didDecode(3);
  refresh(5);
  assert.deepEqual(log, [0, 1, 2, 3, 4]);
});

test("play ends at the last frame and stays there", () => {
  const { player, refresh } = makePlayer(20);
  player.goTo(0);
  player.play();
  for (let i = 0; i < 30; i++) refresh(10);
  assert.equal(player.shown, 19);
  assert.ok(!player.playing);
});

test("a step or a jump stops play", () => {
  const { player, refresh } = makePlayer();
  player.goTo(0);
  player.play();
  refresh(50);
  player.step(1);
  assert.ok(!player.playing);
  refresh(50);
  assert.equal(player.shown, 11);
});

test("play, pause and play again within one animation frame plays once", () => {
  const { player, log, refresh } = makePlayer();
  player.goTo(0);
  player.play();
  player.pause();
  player.play();
  refresh(5);
  refresh(5);
  assert.deepEqual(log, [0, 1, 2]);
});

test("a loop set during play holds at once", () => {
  const { player, refresh, log } = makePlayer();
  player.goTo(200);
  player.play();
  refresh(16);
  player.setLoop({ first: 50, last: 60 });
  log.length = 0;
  for (let i = 0; i < 40; i++) refresh(16);
  assert.ok(log.length > 10 && log.every((index) => index >= 50 && index <= 60));
});

test("play goes backward, and turns round during play", () => {
  const { player, playback, log, refresh } = makePlayer();
  player.goTo(100);
  player.toggle(-1);
  for (let i = 0; i < 3; i++) refresh(5);
  assert.deepEqual(log, [100, 99, 98, 97]);
  player.toggle(1);
  assert.equal(playback.direction, 1);
  refresh(5);
  refresh(5);
  assert.equal(player.shown, 99);
  player.toggle(1);
  assert.ok(!player.playing);
});

test("play backward ends at the first frame and stays there", () => {
  const { player, refresh } = makePlayer(20);
  player.goTo(10);
  player.toggle(-1);
  for (let i = 0; i < 30; i++) refresh(10);
  assert.equal(player.shown, 0);
  assert.ok(!player.playing);
});
