import assert from "node:assert/strict";
import { test } from "node:test";
import { Drafts } from "../../../frontend/static/js/labeler/drafts.js";

const makeStorage = () => {
  const items = new Map();
  return { items, getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value), removeItem: (key) => items.delete(key) };
};
const drafts = (storage, coder = "ana") => new Drafts({ storage, coder, scope: "clip 1" });
const coding = { onset: 1 };

test("a draft is there at the next visit", () => {
  const storage = makeStorage();
  assert.ok(drafts(storage).write(coding, { id: 1, revision: 2 }));
  const { coding: read, base } = drafts(storage).read();
  assert.deepEqual([read, base], [coding, { id: 1, revision: 2 }]);
});

test("without a coder's name nothing is kept", () => {
  const storage = makeStorage();
  assert.equal(drafts(storage, "").write(coding, null), false);
  assert.equal(storage.items.size, 0);
});

test("a tab forgets its own draft, not another tab's", () => {
  const storage = makeStorage();
  const [one, two] = [drafts(storage), drafts(storage)];
  one.write(coding, null);
  two.write({ onset: 2 }, null);
  one.clear();
  assert.equal(drafts(storage).read().coding.onset, 2);
  two.clear();
  assert.equal(drafts(storage).read(), null);
});

test("a torn draft is no draft", () => {
  const storage = makeStorage();
  storage.getItem = () => "{";
  assert.equal(drafts(storage).read(), null);
});
