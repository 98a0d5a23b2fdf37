import assert from "node:assert/strict";
import { test } from "node:test";
import { Flip } from "../../../../../frontend/static/js/labeler/seeing/flip.js";

function makeFlip(here = 40) {
  let now = 0;
  const at = { here };
  const flip = new Flip({ go: (index) => (at.here = index), clock: () => now });
  return { flip, at, wait: (ms) => (now += ms) };
}

test("a tap switches to the onset, the next tap back", () => {
  const { flip, at, wait } = makeFlip();
  flip.press(at.here, 10);
  wait(50);
  flip.release(at.here);
  assert.equal(at.here, 10);
  assert.ok(flip.active(at.here));
  wait(2000);
  flip.press(at.here, 10);
  flip.release(at.here);
  assert.equal(at.here, 40);
  assert.ok(!flip.active(at.here));
});

test("a held key switches while it is held", () => {
  const { flip, at, wait } = makeFlip();
  flip.press(at.here, 10);
  wait(300);
  flip.release(at.here);
  assert.equal(at.here, 40);
});

test("a step in between ends it: the next press compares with the new frame", () => {
  const { flip, at } = makeFlip();
  flip.press(at.here, 10);
  at.here = 11;
  assert.ok(!flip.active(at.here));
  flip.press(at.here, 10);
  assert.equal(at.here, 10);
  flip.press(at.here, 10);
  assert.equal(at.here, 11);
});

test("both frames are kept decoded", () => {
  const { flip, at } = makeFlip();
  assert.deepEqual(flip.frames, []);
  flip.press(at.here, 10);
  assert.deepEqual(flip.frames, [40, 10]);
});
