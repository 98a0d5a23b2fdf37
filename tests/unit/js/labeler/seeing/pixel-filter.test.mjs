import assert from "node:assert/strict";
import { test } from "node:test";
import { GROUND, applyFilter, halfKernel, lumaOf, smooth } from "../../../../../frontend/static/js/labeler/seeing/pixel-filter.js";

const [WIDTH, HEIGHT] = [24, 16];

/** @param {(x: number, y: number) => number[]} colour */
function image(colour) {
  const rgba = new Uint8ClampedArray(WIDTH * HEIGHT * 4);
  for (let y = 0; y < HEIGHT; y++) for (let x = 0; x < WIDTH; x++) rgba.set([...colour(x, y), 255], 4 * (y * WIDTH + x));
  return rgba;
}

const grey = (value) => () => [value, value, value];
const at = (rgba, x, y) => [...rgba.subarray(4 * (y * WIDTH + x), 4 * (y * WIDTH + x) + 3)];

function applied(current, reference, settings) {
  const pixels = current.slice();
  applyFilter(pixels, lumaOf(reference), WIDTH, HEIGHT, { mode: "magnify", factor: 10, smoothing: 0, ...settings });
  return pixels;
}

test("a kernel sums to one, and without smoothing it is a single weight", () => {
  assert.deepEqual([...halfKernel(0)], [1]);
  for (const sigma of [0.5, 2, 8]) {
    const half = [...halfKernel(sigma)];
    assert.ok(Math.abs(half.reduce((sum, weight) => sum + 2 * weight, -half[0]) - 1) < 1e-6);
    assert.equal(half.length, Math.ceil(3 * sigma) + 1);
  }
});

test("smoothing spreads a point evenly and keeps the sum", () => {
  const field = new Float32Array(WIDTH * HEIGHT);
  field[8 * WIDTH + 12] = 100;
  const soft = smooth(field, WIDTH, HEIGHT, 1);
  assert.ok(Math.abs(soft.reduce((sum, value) => sum + value, 0) - 100) < 1e-3);
  assert.ok(Math.abs(soft[8 * WIDTH + 12] - 100 * halfKernel(1)[0] ** 2) < 1e-4);
  assert.ok(Math.abs(soft[8 * WIDTH + 13] - soft[9 * WIDTH + 12]) < 1e-5);
});

test("the border is repeated: a flat field stays flat", () => {
  const flat = new Float32Array(WIDTH * HEIGHT).fill(7);
  assert.ok(smooth(flat, WIDTH, HEIGHT, 8).every((value) => Math.abs(value - 7) < 1e-3));
});

test("magnification adds the difference in brightness times the factor, and leaves the rest alone", () => {
  const before = image((x) => [100, 80, 60].map((c) => c + x));
  const now = image((x, y) => [100, 80, 60].map((c) => c + x + (x === 5 && y === 5 ? 3 : 0)));
  const seen = applied(now, before, { factor: 10 });
  assert.deepEqual(at(seen, 5, 5), [138, 118, 98]);
  assert.deepEqual(at(seen, 6, 5), at(now, 6, 5));
});

test("values magnified beyond black or white are clipped", () => {
  assert.deepEqual(at(applied(image(grey(120)), image(grey(100)), { factor: 50 }), 3, 3), [255, 255, 255]);
  assert.deepEqual(at(applied(image(grey(80)), image(grey(100)), { factor: 50 }), 3, 3), [0, 0, 0]);
});

test("a change of colour at the same brightness is not magnified", () => {
  const [before, now] = [image(() => [119, 100, 50]), image(() => [100, 100, 100])]; // 0.299 · 19 = 0.114 · 50
  assert.deepEqual(at(applied(now, before, {}), 4, 4), at(now, 4, 4));
});

test("the heat map is grey where nothing differs, blue where darker and red where brighter", () => {
  const before = image(grey(100));
  const now = image((x) => grey(x < 8 ? 90 : x < 16 ? 100 : 110)());
  const seen = applied(now, before, { mode: "difference", factor: 20 });
  const ground = Math.round(255 * GROUND.dark + GROUND.contrast * 100);
  assert.deepEqual(at(seen, 12, 8), [ground, ground, ground]);
  const [darker, brighter] = [at(seen, 2, 8), at(seen, 20, 8)];
  assert.ok(darker[2] > darker[0] + 50, String(darker));
  assert.ok(brighter[0] > brighter[2] + 50, String(brighter));
});
