import assert from "node:assert/strict";
import { test } from "node:test";
import { FlowLoader } from "../../../../../frontend/static/js/labeler/seeing/flow-loader.js";
import { arrowsOf, fullStrain, toFrame } from "../../../../../frontend/static/js/labeler/seeing/flow-overlay.js";

/** A server that answers when the test says so. */
function makeLoader() {
  const asked = [];
  let changes = 0;
  let heard = () => {};
  const loader = new FlowLoader({
    url: "/clips/1/flow/",
    restMs: 0,
    onchange: () => changes++,
    fetchJson: (url, { signal }) =>
      new Promise((resolve, reject) => {
        asked.push({ url, signal, resolve, reject });
        heard();
      }),
  });
  /** The request number n, once it is made. */
  const request = async (n) => {
    while (asked.length <= n) await new Promise((resolve) => (heard = resolve));
    return asked[n];
  };
  const answer = async (n, body) => {
    (await request(n)).resolve(body);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { loader, asked, request, answer, changes: () => changes };
}

test("a layer is requested once and kept", async () => {
  const { loader, asked, answer, changes } = makeLoader();
  assert.equal(loader.get(10, 20), null);
  assert.equal(loader.get(10, 20), null);
  const layer = { from: 10, to: 20 };
  await answer(0, layer);
  assert.equal(asked[0].url, "/clips/1/flow/?from=10&to=20");
  assert.equal(changes(), 1);
  assert.equal(loader.get(10, 20), layer);
  assert.equal(asked.length, 1);
});

test("the request is repeated while a worker computes the layer", async () => {
  const { loader, answer, request, changes } = makeLoader();
  loader.get(10, 20);
  await answer(0, { state: "queued" });
  assert.equal(changes(), 0);
  await request(1);
  const layer = { from: 10 };
  await answer(1, layer);
  assert.equal(loader.get(10, 20), layer);
});

test("the reason for a missing layer is reported, and not requested again", async () => {
  const { loader, asked, request } = makeLoader();
  loader.get(10, 20);
  (await request(0)).reject(Object.assign(new Error("There is no face in frame 10."), { retryable: false }));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(loader.get(10, 20), "There is no face in frame 10.");
  assert.equal(asked.length, 1);
});

test("a request is dropped when the coder moves to another frame", async () => {
  const { loader, request, answer, changes } = makeLoader();
  loader.get(10, 20);
  const first = await request(0);
  loader.get(10, 21);
  assert.equal(first.signal.aborted, true);
  await answer(0, { from: 10, to: 20 });
  assert.equal(changes(), 0);
  await answer(1, { from: 10, to: 21 });
  assert.deepEqual(loader.get(10, 21), { from: 10, to: 21 });
  loader.cancel();
});

/** 4 × 4 cells of 20 px, from (100, 50) on; the cell (2, 1) moves by (0.5, -0.25) px. */
function makeLayer() {
  const [u, v, strain] = [0, 0, 0].map(() => new Array(16).fill(0));
  [u[6], v[6]] = [0.5, -0.25];
  return { from: 0, to: 1, size: 4, u, v, strain, to_frame: [[20, 0, 100], [0, 20, 50]] };
}

test("arrows start in the middle of their cells and are scaled by the factor; still cells have none", () => {
  assert.deepEqual(arrowsOf(makeLayer(), 10), [{ x: 150, y: 80, dx: 5, dy: -2.5 }]);
  assert.deepEqual(arrowsOf(makeLayer(), 1), []);
});

test("a rotated grid is drawn rotated", () => {
  const turned = { ...makeLayer(), to_frame: [[0, -20, 200], [20, 0, 50]] };
  assert.deepEqual(toFrame(turned, 2.5, 1.5), [170, 100]);
});

test("noise in the strain is not tinted fully", () => {
  assert.equal(fullStrain(makeLayer()), 0.02);
  assert.equal(fullStrain({ ...makeLayer(), strain: new Array(16).fill(0.3) }), 0.3);
});
