import assert from "node:assert/strict";
import { test } from "node:test";

/** @type {Record<string, (event: any) => void>} */
const handlers = {};
const listen = (/** @type {string} */ name, /** @type {any} */ handler) => (handlers[name] = handler);
Object.assign(globalThis, { addEventListener: listen, document: { addEventListener: listen } });
await import("../../../frontend/static/js/leaving.js");

/** Return whether an answer at this time, in milliseconds, is taken. */
function isTaken(/** @type {number} */ timeStamp) {
  let taken = true;
  handlers["htmx:beforeOnLoad"]({ timeStamp, preventDefault: () => (taken = false) });
  return taken;
}

test("a page takes answers until it is left, and again after a download", () => {
  assert.ok(isTaken(100));
  handlers.beforeunload({ timeStamp: 1000 });
  assert.ok(!isTaken(1200));
  assert.ok(isTaken(7000));
});
