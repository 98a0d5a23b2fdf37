import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Decoder, workerCount } from "../../../../../frontend/static/js/labeler/frames/decoder.js";
import { settle } from "../../settle.mjs";

/** Workers that answer when the test says so. */
class FakeWorker extends EventTarget {
  static made = [];
  sent = [];
  constructor() {
    super();
    FakeWorker.made.push(this);
  }
  postMessage(message) {
    this.sent.push(message);
  }
  answer(data) {
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }
  terminate() {
    this.ended = true;
  }
}
globalThis.Worker = FakeWorker;
globalThis.createImageBitmap = async (blob) => ({ direct: [...new Uint8Array(await blob.arrayBuffer())] });
afterEach(() => (FakeWorker.made = []));

const bytes = Uint8Array.of(1, 2, 3);

test("workers share the decoding and are created when needed", async () => {
  const decoder = new Decoder({ url: "/worker.js", count: 2 });
  assert.equal(FakeWorker.made.length, 0);
  const images = [decoder.decode(bytes, "image/jpeg", false), decoder.decode(bytes, "image/jpeg", false)];
  assert.deepEqual(FakeWorker.made.map(({ sent }) => sent.length), [1, 1]);
  for (const worker of FakeWorker.made) worker.answer({ id: worker.sent[0].id, image: `of ${worker.sent[0].id}` });
  assert.deepEqual(await Promise.all(images), ["of 0", "of 1"]);
  assert.equal(bytes.byteLength, 3); // a copy was transferred, the clip's bytes stay
});

test("an urgent frame does not queue for a worker", async () => {
  const decoder = new Decoder({ url: "/worker.js", count: 1 });
  assert.deepEqual(await decoder.decode(bytes, "image/jpeg", true), { direct: [1, 2, 3] });
  assert.equal(FakeWorker.made.length, 0);
});

test("bytes that are not an image are rejected", async () => {
  const decoder = new Decoder({ url: "/worker.js", count: 1 });
  const image = decoder.decode(bytes, "image/jpeg", false);
  FakeWorker.made[0].answer({ id: 0, error: "InvalidStateError" });
  await assert.rejects(image, /InvalidStateError/);
});

test("decoding continues without a worker that breaks", async () => {
  const decoder = new Decoder({ url: "/worker.js", count: 1 });
  const image = decoder.decode(bytes, "image/jpeg", false);
  FakeWorker.made[0].dispatchEvent(new Event("error"));
  await assert.rejects(image, (error) => error.again === true);
  assert.deepEqual(await decoder.decode(bytes, "image/jpeg", false), { direct: [1, 2, 3] });
});

test("an image that arrives after closing is closed", async () => {
  const decoder = new Decoder({ url: "/worker.js", count: 1 });
  decoder.decode(bytes, "image/jpeg", false);
  decoder.close();
  let closed = false;
  FakeWorker.made[0].answer({ id: 0, image: { close: () => (closed = true) } });
  await settle();
  assert.ok(closed && FakeWorker.made[0].ended);
});

test("the page keeps a core for itself", () => {
  assert.deepEqual([1, 2, 4, 8, 32].map(workerCount), [1, 1, 2, 4, 4]);
});
