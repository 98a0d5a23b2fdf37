import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { FrameStore, rangeFetcher } from "../../../../../frontend/static/js/labeler/frames/frame-store.js";
import { makePack } from "./packs.mjs";
import { settle } from "../../settle.mjs";

/** A server that answers when the test says so. Byte n of the file is n % 256. */
class Server {
  requests = [];
  fetchRange = (first, last) =>
    new Promise((resolve, reject) => {
      const answer = (start = first, end = last) =>
        resolve({ start, bytes: Uint8Array.from({ length: end - start + 1 }, (_, i) => (start + i) % 256).buffer });
      this.requests.push({ first, last, answer, fail: (problem) => reject(problem) });
    });
  get asked() {
    return this.requests.map(({ first }) => first);
  }
}

const problem = (retryable) => Object.assign(new Error("The server does not respond."), { retryable });

function makeStore(count, options = {}) {
  const server = new Server();
  const loaded = [];
  const problems = [];
  const store = new FrameStore({
    pack: makePack(count),
    fetchRange: server.fetchRange,
    onloaded: (first, last) => loaded.push([first, last]),
    onproblem: (p) => problems.push(p?.message ?? null),
    chunkBytes: 20,
    requestBytes: 20,
    ...options,
  });
  return { server, store, loaded, problems };
}

test("the chunk with the current frame is requested first, then its neighbours outwards", async () => {
  const { server, store } = makeStore(20);
  store.focus(9);
  assert.deepEqual(server.asked, [80, 100, 60]);
  server.requests[0].answer();
  await settle();
  assert.deepEqual(server.asked, [80, 100, 60, 120]);
});

test("the chunk with the current frame never waits behind others", () => {
  const { server, store } = makeStore(40);
  store.focus(0);
  assert.equal(server.requests.length, 3);
  store.focus(39);
  assert.deepEqual(server.asked.at(-1), 380);
  assert.equal(server.requests.length, 4);
});

test("each frame's bytes are cut out of its chunk", async () => {
  const { server, store, loaded } = makeStore(4);
  store.focus(2);
  assert.equal(store.bytes(2), null);
  server.requests[0].answer();
  await settle();
  assert.deepEqual(loaded, [[2, 3]]);
  assert.deepEqual([...store.bytes(3)], [30, 31, 32, 33, 34, 35, 36, 37, 38, 39]);
});

test("a server may answer with the whole file", async () => {
  const { server, store } = makeStore(10);
  store.focus(0);
  server.requests[0].answer(0, 99);
  await settle();
  assert.ok(Array.from({ length: 10 }, (_, i) => store.has(i)).every(Boolean));
  assert.equal(store.bytes(7)[0], 70);
});

test("requests are retried until the server is back, and the problem is reported", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const { server, store, problems } = makeStore(2);
    store.focus(0);
    server.requests[0].fail(problem(true));
    await settle();
    assert.deepEqual(problems, ["The server does not respond."]);
    mock.timers.tick(500);
    assert.equal(server.requests.length, 2);
    server.requests[1].answer();
    await settle();
    assert.deepEqual(problems, ["The server does not respond.", null]);
    assert.ok(store.has(1));
  } finally {
    mock.timers.reset();
  }
});

test("a permanent problem is not retried until the coder asks", async () => {
  const { server, store } = makeStore(2);
  store.focus(0);
  server.requests[0].fail(problem(false));
  await settle();
  store.focus(1);
  assert.equal(server.requests.length, 1);
  store.retryNow();
  assert.equal(server.requests.length, 2);
});

test("a clip larger than the budget drops what is far away", async () => {
  const { server, store } = makeStore(40, { budgetBytes: 100 });
  store.focus(0);
  for (let i = 0; i < 5; i++) {
    server.requests[i].answer();
    await settle();
  }
  assert.equal(server.requests.length, 5);
  assert.ok(store.has(0));
  store.focus(39);
  assert.ok(!store.has(0));
});

test("requests grow with every answer and include missing neighbours", async () => {
  const { server, store } = makeStore(80, { requestBytes: 80 });
  store.focus(0);
  assert.deepEqual(server.requests.map(({ first, last }) => [first, last]), [[0, 19], [20, 39], [40, 59]]);
  server.requests[0].answer();
  await settle();
  assert.deepEqual([server.requests[3].first, server.requests[3].last], [60, 99]);
  server.requests[1].answer();
  await settle();
  assert.deepEqual([server.requests[4].first, server.requests[4].last], [100, 179]);
  assert.equal(store.count, 4);
});

test("a missing current frame is requested alone, also while other requests are in progress", async () => {
  const { server, store } = makeStore(200, { requestBytes: 400 });
  store.focus(0);
  for (let i = 0; i < 3; i++) {
    server.requests[i].answer();
    await settle();
  }
  store.focus(190);
  assert.deepEqual([server.requests.at(-1).first, server.requests.at(-1).last], [1900, 1919]);
});

test("bytes fetched in advance are used at once", () => {
  const head = { start: 10, bytes: Uint8Array.from({ length: 20 }, (_, i) => 10 + i).buffer };
  const { server, store } = makeStore(10, { head });
  store.focus(1);
  assert.deepEqual([store.has(0), store.has(1), store.has(2), store.has(3)], [false, true, true, false]);
  assert.equal(store.bytes(2)[0], 20);
  assert.equal(server.requests.length, 3);
});

test("closing stops everything", async () => {
  const { server, store, loaded } = makeStore(20);
  store.focus(0);
  store.close();
  server.requests[0].answer();
  await settle();
  assert.equal(server.requests.length, 3);
  assert.deepEqual(loaded, []);
});

test("a range names its first and last byte, and a short answer is retryable", async () => {
  const sent = [];
  const answer = (status, length) => async (url, init) => {
    sent.push([url, init.headers.Range]);
    return { status, arrayBuffer: async () => new ArrayBuffer(length) };
  };
  const { start, bytes } = await rangeFetcher("/frames.bin", answer(206, 11))(40, 50, new AbortController().signal);
  assert.deepEqual(sent, [["/frames.bin", "bytes=40-50"]]);
  assert.deepEqual([start, bytes.byteLength], [40, 11]);
  assert.equal((await rangeFetcher("/frames.bin", answer(200, 100))(40, 50)).start, 0);
  await assert.rejects(rangeFetcher("/frames.bin", answer(206, 5))(40, 50), (error) => error.retryable && /only part of the requested frames/.test(error.message));
});
