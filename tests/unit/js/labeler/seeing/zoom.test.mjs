import assert from "node:assert/strict";
import { test } from "node:test";
import { fitScale, keepInside, partOf, placeBox, REGIONS, zoomAbout } from "../../../../../frontend/static/js/labeler/seeing/zoom.js";

const image = { width: 640, height: 480 };
const viewport = { width: 1280, height: 720 };

test("the whole image fits along its tighter side", () => {
  assert.equal(fitScale(image, viewport), 1.5);
  assert.equal(fitScale(image, { width: 320, height: 720 }), 0.5);
});

test("an image smaller than the viewport is centred; a larger one leaves no empty border", () => {
  assert.deepEqual(keepInside({ scale: 1.5, x: 0, y: 0 }, image, viewport), { scale: 1.5, x: 160, y: 0 });
  assert.deepEqual(keepInside({ scale: 4, x: 50, y: -9999 }, image, viewport), { scale: 4, x: 0, y: 720 - 1920 });
});

test("the point under the pointer stays there", () => {
  const before = { scale: 2, x: -100, y: -50 };
  const after = zoomAbout(before, 3, 400, 300);
  /** @param {{scale: number, x: number, y: number}} place */
  const under = ({ scale, x, y }) => [(400 - x) / scale, (300 - y) / scale];
  assert.deepEqual(under(after), under(before));
});

test("a region is shown in the middle, as large as it can be", () => {
  const box = { left: 200, top: 100, right: 400, bottom: 200 };
  assert.deepEqual(placeBox(box, viewport, 100), { scale: 6.4, x: 640 - 300 * 6.4, y: 360 - 150 * 6.4 });
  assert.equal(placeBox(box, viewport, 2).scale, 2);
});

test("regions follow the face: brows above the nose, the nose above the mouth", () => {
  const face = { left: 100, top: 100, right: 300, bottom: 300 };
  const [all, eyes, nose, mouth] = REGIONS.map(({ share }) => partOf(face, share));
  assert.ok(all.left < 100 && all.bottom > 300);
  assert.ok(eyes.top < 100 && eyes.bottom < 200);
  assert.ok(nose.top > eyes.top && nose.bottom > eyes.bottom && nose.bottom < mouth.bottom);
});
