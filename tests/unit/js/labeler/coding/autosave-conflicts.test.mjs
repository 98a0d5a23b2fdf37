import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { network, SavingLab } from "./saving-lab.mjs";

let lab;
let api;
let storage;
const open = (coder) => lab.open(coder);
const openSaved = () => lab.openSaved();
const pass = (ms) => lab.pass(ms);

beforeEach(() => {
  lab = new SavingLab();
  ({ api, storage } = lab);
});
afterEach(() => lab.close());

test("an edit made elsewhere is never overwritten", async () => {
  const autosave = await openSaved();
  api.elsewhere({ apex: 33 });
  autosave.edit({ offset: 40 });
  await pass(400);
  assert.equal(autosave.state, "conflict");
  assert.equal(autosave.conflicts[0].theirs.apex, 33);
  autosave.edit({ offset: 41 });
  await pass(60_000);
  assert.deepEqual([api.record.apex, api.record.offset, api.record.revision], [33, null, 2]);
});

test("the coder can keep their own version", async () => {
  const autosave = await openSaved();
  api.elsewhere({ apex: 33 });
  autosave.edit({ offset: 40 });
  await pass(400);
  autosave.resolve("k1", "mine");
  await pass(0);
  assert.deepEqual([autosave.state, api.record.apex, api.record.offset], ["saved", null, 40]);
});

test("the coder can keep the other version", async () => {
  const autosave = await openSaved();
  api.elsewhere({ apex: 33 });
  autosave.edit({ offset: 40 });
  await pass(400);
  autosave.resolve("k1", "theirs");
  await pass(0);
  assert.equal(autosave.state, "saved");
  assert.equal(api.record.revision, 2);
  assert.deepEqual([autosave.all[0].coding.apex, autosave.all[0].coding.offset], [33, null]);
  assert.equal(storage.items.size, 0);
});

test("a conflict in one expression does not block the others", async () => {
  const autosave = await openSaved();
  api.elsewhere({ apex: 33 });
  autosave.edit({ offset: 40 });
  autosave.change(autosave.add().key, { onset: 70 });
  await pass(400);
  assert.equal(autosave.state, "conflict");
  assert.deepEqual(api.live.map(({ onset }) => onset), [10, 70]);
});

test("a higher revision with the same content is not a conflict", async () => {
  const autosave = await openSaved();
  api.elsewhere({});
  autosave.edit({ onset: 11 });
  await pass(400);
  assert.equal(autosave.state, "saved");
  assert.equal(api.record.revision, 3);
});

test("a change here and a deletion elsewhere are a conflict; keeping the change restores the expression", async () => {
  const autosave = await openSaved();
  api.elsewhere({ deleted: true });
  autosave.edit({ apex: 11 });
  await pass(400);
  assert.equal(autosave.state, "conflict");
  assert.equal(autosave.conflicts[0].theirs, "deleted");
  autosave.resolve("k1", "mine");
  await pass(0);
  assert.deepEqual([autosave.state, api.record.onset, api.record.apex], ["saved", 10, 11]);
});

test("the coder can accept a deletion made elsewhere", async () => {
  const autosave = await openSaved();
  api.elsewhere({ deleted: true });
  autosave.edit({ apex: 11 });
  await pass(400);
  autosave.resolve("k1", "theirs");
  await pass(0);
  assert.deepEqual([autosave.state, api.record, autosave.expressions], ["empty", null, []]);
});

test("returning to the page shows changes made elsewhere", async () => {
  const autosave = await openSaved();
  api.elsewhere({ apex: 33 });
  api.elsewhere({ onset: 90 }, "other");
  await autosave.refresh();
  assert.deepEqual(autosave.expressions.map(({ coding }) => [coding.onset, coding.apex]), [[10, 33], [90, null]]);
  assert.equal(autosave.state, "saved");
});

test("a draft of an annotation that was changed elsewhere is a conflict", async () => {
  const autosave = await openSaved();
  api.down = network;
  autosave.edit({ onset: 12 });
  autosave.close();
  api.down = null;
  api.elsewhere({ onset: 99 });
  const next = await open();
  assert.equal(next.state, "conflict");
  assert.deepEqual([next.conflicts[0].coding.onset, next.conflicts[0].theirs.onset], [12, 99]);
});

test("deleting an expression that was changed elsewhere asks first", async () => {
  const autosave = await openSaved();
  api.elsewhere({ apex: 11 });
  autosave.setDeleted("k1", true);
  await pass(400);
  assert.equal(autosave.state, "conflict");
  assert.ok(api.record);
  autosave.resolve("k1", "mine");
  await pass(0);
  assert.equal(api.record, null);
});
