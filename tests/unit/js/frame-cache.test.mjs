import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameCache, memoryBudget } from "../../../frontend/static/js/labeler/frame-cache.js";
import { makePack, settle } from "./packs.mjs";

const FRAME_BYTES = 640 * 480 * 4;

function makeCache(count, { frames = 1000, missing = () => false, broken = () => false } = {}) {
  const closed = [];
  const decoded = [];
  const started = [];
  const cache = new FrameCache({
    pack: makePack(count),
    bytes: { has: (i) => !missing(i), blob: (i) => ({ index: i }) },
    decode: async ({ index }) => {
      started.push(index);
      if (broken(index)) throw new Error("not an image");
      return { index, close: () => closed.push(index) };
    },
    budgetBytes: frames * FRAME_BYTES,
    ondecoded: (i) => decoded.push(i),
  });
  const finish = async () => {
    for (let i = 0; i < count + 5; i++) await settle();
  };
  return { cache, closed, decoded, started, finish };
}

test("it decodes the frame looked at first and goes outwards", async () => {
  const { cache, started, finish } = makeCache(30);
  cache.focus(10);
  assert.deepEqual(started, [10, 11, 9, 12]);
  await finish();
  assert.equal(cache.size, 30);
  assert.equal(cache.get(7).index, 7);
});

test("it keeps to its budget and closes what it lets go", async () => {
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

test("it goes on when bytes come", async () => {
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

test("a damaged frame is known as such, tried once and stops nothing", async () => {
  const { cache, decoded, started, finish } = makeCache(5, { broken: (i) => i === 2 });
  cache.focus(0);
  await finish();
  assert.ok(cache.isDamaged(2) && cache.isReady(2));
  assert.equal(cache.get(2), null);
  assert.equal(cache.size, 4);
  assert.ok(decoded.includes(2));
  assert.equal(started.filter((i) => i === 2).length, 1);
});

test("a picture that comes when the coder has moved on is closed", async () => {
  const { cache, closed } = makeCache(200, { frames: 16 });
  cache.focus(0);
  cache.focus(180);
  await settle();
  assert.deepEqual(closed.filter((i) => i < 16).sort(), [0, 1, 2, 3]);
});

test("closing closes every picture", async () => {
  const { cache, closed, finish } = makeCache(5);
  cache.focus(0);
  await finish();
  cache.close();
  assert.equal(closed.length, 5);
});

test("the budget follows the machine and stays sensible where it does not tell", () => {
  assert.equal(memoryBudget(8), 2 ** 30);
  assert.equal(memoryBudget(32), 2 ** 30);
  assert.equal(memoryBudget(0.25), 2 ** 27);
  assert.equal(memoryBudget(undefined), 2 ** 29);
});

test("a frame compared with stays decoded wherever the coder goes, until another is", async () => {
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
