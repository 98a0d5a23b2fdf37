import assert from "node:assert/strict";
import { test } from "node:test";
import { Drafts, scopesWithDrafts } from "../../../../../frontend/static/js/labeler/coding/drafts.js";
import { MemoryStorage } from "../../memory-storage.mjs";

const drafts = (storage, coder = "ana", scope = "clip 1") => new Drafts({ storage, coder, scope });
const draft = (key, onset) => ({ key, coding: { onset }, base: null, gone: false, deleted: false });

test("drafts are kept until the next visit, one per expression", () => {
  const storage = new MemoryStorage();
  assert.ok(drafts(storage).write({ ...draft("k1", 1), base: { id: 1, revision: 2 } }));
  assert.ok(drafts(storage).write(draft("k2", 5)));
  const read = drafts(storage).read();
  assert.deepEqual(read.map(({ key, coding }) => [key, coding.onset]), [["k1", 1], ["k2", 5]]);
  assert.deepEqual(read[0].base, { id: 1, revision: 2 });
  assert.deepEqual(drafts(storage, "ana", "clip 11").read(), []);
});

test("without a coder nothing is kept", () => {
  const storage = new MemoryStorage();
  assert.equal(drafts(storage, "").write(draft("k1", 1)), false);
  assert.equal(storage.items.size, 0);
});

test("a tab clears its own draft, not another tab's", () => {
  const storage = new MemoryStorage();
  const [one, two] = [drafts(storage), drafts(storage)];
  one.write(draft("k1", 1));
  two.write(draft("k1", 2));
  one.clear("k1");
  assert.equal(drafts(storage).read()[0].coding.onset, 2);
  two.clear("k1");
  assert.deepEqual(drafts(storage).read(), []);
});

test("a damaged draft is ignored and does not hide the others", () => {
  const storage = new MemoryStorage();
  drafts(storage).write(draft("k1", 1));
  drafts(storage).write(draft("k2", 2));
  storage.setItem([...storage.items.keys()][0], "{");
  assert.deepEqual(drafts(storage).read().map(({ key }) => key), ["k2"]);
});

test("clips with unsent drafts are listed once each, for this coder only", () => {
  const storage = new MemoryStorage();
  drafts(storage, "ana", "/a?clip=3").write(draft("k1", 1));
  drafts(storage, "ana", "/a?clip=3").write(draft("k2", 1));
  drafts(storage, "ben", "/a?clip=4").write(draft("k3", 1));
  assert.deepEqual(scopesWithDrafts(storage, "ana"), ["/a?clip=3"]);
});
