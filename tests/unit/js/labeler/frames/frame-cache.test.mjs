import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameCache, memoryBudget } from "../../../../../frontend/static/js/labeler/frames/frame-cache.js";
import { makePack } from "./packs.mjs";
import { settle } from "../../settle.mjs";

const FRAME_BYTES = 640 * 480 * 4;

function makeCache(count, { frames = 1000, parallel = 3, missing = () => false, broken = () => false } = {}) {
  const closed = [];
  const decoded = [];
  const started = [];
  const urgent = [];
  const cache = new FrameCache({
    pack: makePack(count),
    source: { has: (i) => !missing(i), bytes: (i) => ({ index: i }) },
    parallel,
    decode: async ({ index }, hurry) => {
      started.push(index);
      if (hurry) urgent.push(index);
      const problem = broken(index);
      if (problem) throw problem === true ? new Error("not an image") : problem;
      return { index, close: () => closed.push(index) };
    },
    budgetBytes: frames * FRAME_BYTES,
    ondecoded: (i) => decoded.push(i),
  });
  const finish = async () => {
    for (let i = 0; i < count + 5; i++) await settle();
  };
  return { cache, closed, decoded, started, urgent, finish };
}

test("the current frame is decoded first, then its neighbours outwards", async () => {
  const { cache, started, finish } = makeCache(30);
  cache.focus(10);
  assert.deepEqual(started, [10, 11, 9]);
  await finish();
  assert.equal(cache.size, 30);
  assert.equal(cache.get(7).index, 7);
});

test("the cache keeps to its budget and closes the frames it releases", async () => {
  const { cache, closed, finish } = makeCache(200, { frames: 20 });
  cache.focus(0);
  await finish();
  assert.equal(cache.size, 20);
  cache.focus(150);
  await finish();
  assert.equal(cache.size, 20);
  assert.equal(new Set(closed).size, 20);
  assert.equal(cache.get(0), null);
  assert.equal(cache.get(150).index, 150);
});

test("decoding continues when bytes arrive", async () => {
  let there = false;
  const { cache, finish } = makeCache(5, { missing: () => !there });
  cache.focus(2);
  await finish();
  assert.equal(cache.size, 0);
  there = true;
  cache.pump();
  await finish();
  assert.equal(cache.size, 5);
});

test("a damaged frame is recorded, tried once and does not stop the others", async () => {
  const { cache, decoded, started, finish } = makeCache(5, { broken: (i) => i === 2 });
  cache.focus(0);
  await finish();
  assert.ok(cache.isDamaged(2) && cache.isReady(2));
  assert.equal(cache.get(2), null);
  assert.equal(cache.size, 4);
  assert.ok(decoded.includes(2));
  assert.equal(started.filter((i) => i === 2).length, 1);
});

test("the current frame is decoded at once, ahead of others in progress", async () => {
  const { cache, started, urgent } = makeCache(200);
  cache.focus(0);
  cache.focus(120);
  assert.deepEqual(started, [0, 1, 2, 120]);
  assert.deepEqual(urgent, [0, 120]);
});

test("decoded frames stay until room is needed; the farthest are released first", async () => {
  const { cache, closed, finish } = makeCache(200, { frames: 20 });
  cache.focus(0);
  await finish();
  cache.focus(30);
  assert.deepEqual(closed, []);
  await finish();
  assert.deepEqual(closed, Array.from({ length: 20 }, (_, i) => i));
});

test("pinned frames are decoded and stay on any move of the coder", async () => {
  const { cache, finish } = makeCache(200, { frames: 20 });
  cache.pin([5, 199]);
  cache.focus(100);
  await finish();
  cache.focus(60);
  await finish();
  assert.ok(cache.get(5) && cache.get(199) && cache.get(60));
  assert.equal(cache.size, 20);
});

test("a decoder that stopped does not make a frame damaged", async () => {
  let left = 1;
  const { cache, finish } = makeCache(3, { broken: () => left-- > 0 && Object.assign(new Error("ended"), { again: true }) });
  cache.focus(0);
  await finish();
  assert.ok(!cache.isDamaged(0));
  assert.equal(cache.size, 3);
});

test("closing closes every image", async () => {
  const { cache, closed, finish } = makeCache(5);
  cache.focus(0);
  await finish();
  cache.close();
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(closed.length, 5);
});

test("the budget follows the device's memory, with a default where the browser does not report it", () => {
  assert.equal(memoryBudget(8), 2 ** 29);
  assert.equal(memoryBudget(32), 2 ** 29);
  assert.equal(memoryBudget(0.25), 2 ** 27);
  assert.equal(memoryBudget(undefined), 2 ** 28);
});

test("a pinned frame stays decoded until another one is pinned", async () => {
  const { cache, closed, finish } = makeCache(200, { frames: 20 });
  cache.pin([3]);
  cache.focus(150);
  await finish();
  assert.equal(cache.get(3).index, 3);
  assert.equal(cache.size, 20);
  cache.pin([190]);
  cache.focus(151);
  await finish();
  assert.deepEqual([cache.get(3), cache.get(190).index], [null, 190]);
  assert.ok(closed.includes(3));
});
