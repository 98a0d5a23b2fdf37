import assert from "node:assert/strict";
import { test } from "node:test";
import { UploadQueue } from "../../../frontend/static/js/upload-queue.js";
import { settle } from "./settle.mjs";

const file = (name, size = 10) => ({ name, size, lastModified: 1 });

function makeQueue() {
  const sent = [];
  const queue = new UploadQueue({
    send: (upload, { onprogress, signal }) =>
      new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("Cancelled.")));
        sent.push({ name: upload.file.name, fields: upload.fields, onprogress, resolve, fail: (message) => reject(new Error(message)) });
      }),
  });
  const states = () => queue.uploads.map((upload) => upload.state);
  return { queue, sent, states };
}

test("files wait until the form is submitted, then upload two at a time with its fields", async () => {
  const { queue, sent, states } = makeQueue();
  queue.add([file("a"), file("b"), file("c")]);
  assert.deepEqual(states(), ["chosen", "chosen", "chosen"]);
  assert.ok(!queue.busy);
  queue.start({ database: "3", subject: "s01" });
  assert.deepEqual(states(), ["sending", "sending", "waiting"]);
  assert.deepEqual(sent[0].fields, { database: "3", subject: "s01" });
  sent[0].resolve({ id: 7 });
  await settle();
  assert.deepEqual(states(), ["done", "sending", "sending"]);
  assert.deepEqual(queue.uploads[0].result, { id: 7 });
});

test("a failed file does not stop the others and keeps its reason", async () => {
  const { queue, sent, states } = makeQueue();
  queue.add([file("a"), file("b"), file("c")]);
  queue.start({});
  sent[0].fail("a is not a video.");
  await settle();
  assert.deepEqual(states(), ["failed", "sending", "sending"]);
  assert.equal(queue.uploads[0].message, "a is not a video.");
});

test("retry sends a file again with the fields of its first attempt", async () => {
  const { queue, sent } = makeQueue();
  queue.add([file("a")]);
  queue.start({ subject: "s01" });
  sent[0].fail("broken");
  await settle();
  queue.retry(1);
  assert.equal(sent.length, 2);
  assert.deepEqual(sent[1].fields, { subject: "s01" });
  assert.equal(queue.uploads[0].message, "");
});

test("cancelling frees the slot at once and ignores late progress", async () => {
  const { queue, sent, states } = makeQueue();
  queue.add([file("a"), file("b"), file("c")]);
  queue.start({});
  queue.cancel(1);
  await settle();
  assert.deepEqual(states(), ["cancelled", "sending", "sending"]);
  sent[0].onprogress(0.5);
  assert.equal(queue.uploads[0].state, "cancelled");
});

test("a file whose bytes are all sent is not done yet", () => {
  const { queue, sent } = makeQueue();
  queue.add([file("a")]);
  queue.start({});
  sent[0].onprogress(0.4);
  assert.deepEqual([queue.uploads[0].state, queue.uploads[0].fraction], ["sending", 0.4]);
  sent[0].onprogress(1);
  assert.equal(queue.uploads[0].state, "checking");
  assert.ok(queue.busy);
});

test("the same file is not added twice, unless its first upload is done", async () => {
  const { queue, sent } = makeQueue();
  queue.add([file("a")]);
  queue.add([file("a"), file("a", 11)]);
  assert.equal(queue.uploads.length, 2);
  queue.start({});
  sent[0].resolve({});
  await settle();
  queue.add([file("a")]);
  assert.equal(queue.uploads.length, 3);
});

test("files chosen later wait for the next submit", () => {
  const { queue, states } = makeQueue();
  queue.add([file("a")]);
  queue.start({});
  queue.add([file("b")]);
  assert.deepEqual(states(), ["sending", "chosen"]);
  queue.remove(2);
  assert.equal(queue.uploads.length, 1);
});
