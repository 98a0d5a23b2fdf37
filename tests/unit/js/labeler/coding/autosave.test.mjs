import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { HttpProblem } from "../../../../../frontend/static/js/http.js";
import { AutoSave } from "../../../../../frontend/static/js/labeler/coding/autosave.js";
import { BLANK, codingOf, differences, missing } from "../../../../../frontend/static/js/labeler/coding/coding.js";
import { Drafts } from "../../../../../frontend/static/js/labeler/coding/drafts.js";
import { FakeApi } from "./fake-api.mjs";
import { MemoryStorage } from "../../memory-storage.mjs";
import { settle } from "../../settle.mjs";

const network = new HttpProblem("network", "The server does not answer.");
let api;
let storage;
let keys;
/** A page opened on the clip; `autosave.edit` codes its first expression. */
const open = async (coder = "ana") => {
  const autosave = new AutoSave({ api, drafts: new Drafts({ storage, coder, scope: "clip 1" }), makeKey: () => `k${++keys}` });
  await autosave.load();
  autosave.edit = (fields) => autosave.change((autosave.all[0] ?? autosave.add()).key, fields);
  return autosave;
};
const pass = async (ms) => {
  mock.timers.tick(ms);
  for (let i = 0; i < 24; i++) await settle();
};
/** A page that has saved an onset of 10 as k1. */
const openSaved = async () => {
  const autosave = await open();
  autosave.edit({ onset: 10 });
  await pass(400);
  return autosave;
};

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  api = new FakeApi();
  storage = new MemoryStorage();
  keys = 0;
});
afterEach(() => mock.timers.reset());

test("it shows what is there, in order of time", async () => {
  api.elsewhere({ onset: 50, emotion: "anger" }, "late");
  api.elsewhere({ onset: 10 }, "early");
  const autosave = await open();
  assert.equal(autosave.state, "saved");
  assert.deepEqual(autosave.expressions.map(({ coding }) => coding), [{ ...BLANK, onset: 10 }, { ...BLANK, onset: 50, emotion: "anger" }]);
});

test("an expression begun before the others came and left empty is not kept beside them", async () => {
  api.elsewhere({ onset: 50 }, "there");
  const autosave = new AutoSave({ api, drafts: new Drafts({ storage, coder: "ana", scope: "clip 1" }), makeKey: () => "new" });
  autosave.load();
  autosave.add();
  await pass(0);
  assert.deepEqual(autosave.expressions.map(({ key }) => key), ["there"]);
});

test("changes are saved together, a moment after the last", async () => {
  const autosave = await open();
  assert.equal(autosave.state, "empty");
  autosave.edit({ onset: 10 });
  await pass(300);
  autosave.edit({ apex: 20 });
  assert.equal(autosave.state, "unsaved");
  await pass(300);
  assert.deepEqual(api.calls, ["mine"]);
  await pass(100);
  assert.deepEqual(api.calls, ["mine", "create"]);
  assert.equal(api.record.apex, 20);
  assert.equal(autosave.state, "saved");
  assert.equal(storage.items.size, 0);
});

test("several expressions are saved each under its own key", async () => {
  const autosave = await openSaved();
  const second = autosave.add();
  autosave.change(second.key, { onset: 70 });
  await pass(400);
  assert.deepEqual(api.live.map(({ key, onset }) => [key, onset]), [["k1", 10], ["k2", 70]]);
});

test("an expression in which nothing is coded is not there, for the server", async () => {
  const autosave = await openSaved();
  autosave.add();
  await pass(400);
  assert.deepEqual(api.calls, ["mine", "create"]);
  autosave.edit({ onset: null });
  await pass(400);
  assert.equal(api.record, null);
  autosave.edit({ apex: 12 });
  await pass(400);
  assert.deepEqual([api.record.key, api.record.onset, api.record.apex], ["k1", null, 12]);
});

test("a change while saving is saved after it, with the new revision", async () => {
  const autosave = await open();
  autosave.edit({ onset: 10 });
  mock.timers.tick(400);
  autosave.edit({ onset: 11 });
  await pass(400);
  assert.deepEqual(api.calls, ["mine", "create", "update"]);
  assert.deepEqual([api.record.onset, api.record.revision], [11, 2]);
});

test("what the server says otherwise is not sent again and again", async () => {
  const autosave = await open();
  const create = api.create;
  api.create = async (key, coding) => ({ ...(await create(key, coding)), action_units: "4+L10" });
  autosave.edit({ action_units: " 4 + L10" });
  await pass(400);
  await pass(60_000);
  assert.deepEqual(api.calls, ["mine", "create"]);
  assert.equal(autosave.all[0].coding.action_units, " 4 + L10");
});

test("a server that goes away loses nothing; it is tried again, ever more slowly", async () => {
  const autosave = await open();
  api.down = network;
  autosave.edit({ onset: 10 });
  await pass(400);
  assert.equal(autosave.state, "retrying");
  assert.match(autosave.message, /does not answer\. Nothing is lost: it is kept in this browser\. Trying again in 1 s/);
  await pass(1000);
  await pass(2000);
  assert.match(autosave.message, /in 4 s/);
  autosave.edit({ apex: 12 });
  assert.equal(autosave.state, "retrying");
  api.down = null;
  await pass(4000);
  assert.equal(autosave.state, "saved");
  assert.deepEqual([api.record.onset, api.record.apex], [10, 12]);
});

test("sixty seconds offline lose no new, changed or deleted expression", async () => {
  api.elsewhere({ onset: 1 }, "a");
  api.elsewhere({ onset: 2 }, "b");
  const autosave = await open();
  api.down = network;
  autosave.change("a", { apex: 5 });
  autosave.setDeleted("b", true);
  autosave.change(autosave.add().key, { onset: 30 });
  autosave.change(autosave.add().key, { onset: 60 });
  for (let second = 0; second < 60; second++) await pass(1000);
  assert.equal(autosave.state, "retrying");
  api.down = null;
  await pass(30_000);
  assert.equal(autosave.state, "saved");
  assert.deepEqual(api.live.map(({ onset, apex }) => [onset, apex]), [[1, 5], [30, null], [60, null]]);
  assert.equal(storage.items.size, 0);
});

test("a tab closed without a connection sends everything when it is opened again", async () => {
  api.elsewhere({ onset: 1 }, "a");
  api.elsewhere({ onset: 2 }, "b");
  const autosave = await open();
  api.down = network;
  autosave.change("a", { apex: 5 });
  autosave.setDeleted("b", true);
  autosave.change(autosave.add().key, { onset: 30 });
  autosave.close();
  const offline = await open();
  assert.deepEqual(offline.expressions.map(({ coding }) => coding.onset), [1, 30]);
  assert.equal(offline.state, "retrying");
  offline.close();
  api.down = null;
  const next = await open();
  assert.equal(next.state, "saved");
  assert.deepEqual(api.live.map(({ onset, apex }) => [onset, apex]), [[1, 5], [30, null]]);
});

test("a save whose answer got lost is recognised as ours", async () => {
  const autosave = await open();
  api.loseAnswers = 1;
  autosave.edit({ onset: 10 });
  await pass(400);
  await pass(1000);
  assert.equal(autosave.state, "saved");
  assert.deepEqual(api.calls, ["mine", "create", "mine"]);
  api.loseAnswers = 1;
  autosave.edit({ apex: 12 });
  await pass(400);
  autosave.edit({ offset: 15 });
  await pass(1000);
  assert.equal(autosave.state, "saved");
  assert.deepEqual([api.record.onset, api.record.apex, api.record.offset], [10, 12, 15]);
});

test("what was taken back while the answer got lost stays taken back", async () => {
  const autosave = await openSaved();
  api.loseAnswers = 1;
  autosave.edit({ apex: 12 });
  await pass(400);
  autosave.edit({ apex: null });
  await pass(2000);
  assert.deepEqual([autosave.state, autosave.all[0].coding.apex, api.record.apex], ["saved", null, null]);
});

test("a deletion whose answer got lost can be undone", async () => {
  const autosave = await openSaved();
  api.loseAnswers = 1;
  autosave.setDeleted("k1", true);
  await pass(400);
  assert.equal(api.record, null);
  autosave.setDeleted("k1", false);
  await pass(2000);
  assert.deepEqual([autosave.state, api.record.onset], ["saved", 10]);
});

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

test("the coder's own version is kept when that is chosen", async () => {
  const autosave = await openSaved();
  api.elsewhere({ apex: 33 });
  autosave.edit({ offset: 40 });
  await pass(400);
  autosave.resolve("k1", "mine");
  await pass(0);
  assert.deepEqual([autosave.state, api.record.apex, api.record.offset], ["saved", null, 40]);
});

test("the other version is taken when that is chosen", async () => {
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

test("a conflict in one expression does not keep the others from being saved", async () => {
  const autosave = await openSaved();
  api.elsewhere({ apex: 33 });
  autosave.edit({ offset: 40 });
  autosave.change(autosave.add().key, { onset: 70 });
  await pass(400);
  assert.equal(autosave.state, "conflict");
  assert.deepEqual(api.live.map(({ onset }) => onset), [10, 70]);
});

test("only a higher revision with the same content is no conflict", async () => {
  const autosave = await openSaved();
  api.elsewhere({});
  autosave.edit({ onset: 11 });
  await pass(400);
  assert.equal(autosave.state, "saved");
  assert.equal(api.record.revision, 3);
});

test("what was deleted elsewhere and changed here is a conflict; keeping it brings it back", async () => {
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

test("what was deleted elsewhere stays deleted when that is chosen", async () => {
  const autosave = await openSaved();
  api.elsewhere({ deleted: true });
  autosave.edit({ apex: 11 });
  await pass(400);
  autosave.resolve("k1", "theirs");
  await pass(0);
  assert.deepEqual([autosave.state, api.record, autosave.expressions], ["empty", null, []]);
});

test("coming back to the page shows what was done elsewhere", async () => {
  const autosave = await openSaved();
  api.elsewhere({ apex: 33 });
  api.elsewhere({ onset: 90 }, "other");
  await autosave.refresh();
  assert.deepEqual(autosave.expressions.map(({ coding }) => [coding.onset, coding.apex]), [[10, 33], [90, null]]);
  assert.equal(autosave.state, "saved");
});

test("what the server refuses stays, with the reason, until it is changed; the rest is saved", async () => {
  const autosave = await open();
  const create = api.create;
  const body = { action_units: ["“XYZ” is no action unit."] };
  api.create = async (key, coding) => {
    if (coding.action_units !== "XYZ") return create(key, coding);
    throw new HttpProblem("refused", "action units: “XYZ” is no action unit.", { status: 400, body });
  };
  autosave.edit({ action_units: "XYZ", onset: 3 });
  autosave.change(autosave.add().key, { onset: 70 });
  await pass(400);
  assert.equal(autosave.state, "refused");
  assert.equal(autosave.all[0].problem.body, body);
  assert.equal(storage.items.size, 1);
  assert.deepEqual(api.live.map(({ onset }) => onset), [70]);
  await pass(60_000);
  assert.equal(autosave.state, "refused");
  autosave.edit({ action_units: "4" });
  await pass(400);
  assert.equal(autosave.state, "saved");
  assert.equal(autosave.all[0].problem, null);
});

test("after the session has ended the draft waits for the coder's next visit", async () => {
  const autosave = await openSaved();
  api.down = new HttpProblem("signed-out", "Authentication credentials were not provided.", { status: 403 });
  autosave.edit({ onset: 12 });
  await pass(400);
  assert.equal(autosave.state, "signed-out");
  assert.match(autosave.message, /You are signed out\. Nothing is lost: it is kept in this browser/);
  await pass(60_000);
  assert.equal(api.record.onset, 10);
  api.down = null;
  const next = await open();
  assert.equal(next.state, "saved");
  assert.equal(api.record.onset, 12);
  assert.equal(storage.items.size, 0);
});

test("a draft whose annotation was changed elsewhere meanwhile is a conflict", async () => {
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

test("one coder's draft is never sent as another's", async () => {
  const autosave = await open("ana");
  api.down = network;
  autosave.edit({ onset: 12 });
  autosave.close();
  api.down = null;
  const other = await open("ben");
  await pass(1000);
  assert.deepEqual(other.expressions, []);
  assert.equal(api.record, null);
});

test("coding can begin before the earlier coding could be read; both are then there", async () => {
  api.elsewhere({ onset: 50 }, "earlier");
  api.down = network;
  const autosave = await open();
  assert.equal(autosave.state, "retrying");
  autosave.edit({ onset: 60 });
  api.down = null;
  await pass(1000);
  assert.deepEqual(api.live.map(({ onset }) => onset), [50, 60]);
  assert.equal(autosave.state, "saved");
});

test("deleting deletes, undoing it brings the same annotation back", async () => {
  const autosave = await openSaved();
  autosave.setDeleted("k1", true);
  await pass(400);
  assert.equal(api.record, null);
  assert.equal(autosave.state, "empty");
  autosave.setDeleted("k1", false);
  autosave.edit({ onset: 20 });
  await pass(400);
  assert.deepEqual([api.record.id, api.record.onset], [1, 20]);
});

test("deleting what was changed elsewhere asks first", async () => {
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

test("flush saves at once", async () => {
  const autosave = await open();
  autosave.edit({ onset: 10 });
  await autosave.settled();
  assert.equal(api.record.onset, 10);
});

test("a browser that cannot keep drafts is told apart", async () => {
  storage.setItem = () => {
    throw new Error("quota");
  };
  const autosave = await open();
  api.down = network;
  autosave.edit({ onset: 10 });
  await pass(400);
  assert.equal(autosave.safe, false);
  assert.match(autosave.message, /Keep this page open/);
});

test("blanks around words make no difference, values do", () => {
  assert.deepEqual(differences({ ...BLANK, note: " a " }, { ...BLANK, note: "a" }), []);
  assert.deepEqual(differences({ ...BLANK, onset: 0 }, BLANK), ["onset"]);
  const suggestion = { onset: 1, apex: 2, offset: 3, confidence: 0.5 };
  assert.deepEqual(differences({ ...BLANK, suggestion }, { ...BLANK, suggestion: { confidence: 0.5, offset: 3, apex: 2, onset: 1 } }), []);
  assert.deepEqual(codingOf({ id: 3, revision: 1, onset: 5, complete: false }), { ...BLANK, onset: 5 });
  assert.deepEqual(missing({ ...BLANK, onset: 0, emotion: "fear" }), ["apex", "offset"]);
});
