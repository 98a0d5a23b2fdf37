import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { HttpProblem } from "../../../frontend/static/js/http.js";
import { AutoSave, BLANK, codingOf, differences } from "../../../frontend/static/js/labeler/autosave.js";
import { Drafts } from "../../../frontend/static/js/labeler/drafts.js";
import { FakeApi, MemoryStorage } from "./fake-api.mjs";
import { settle } from "./packs.mjs";

const network = new HttpProblem("network", "The server does not answer.");
let api;
let storage;
const open = async (coder = "ana") => {
  const autosave = new AutoSave({ api, drafts: new Drafts({ storage, coder, scope: "clip 1" }) });
  await autosave.load();
  return autosave;
};
const pass = async (ms) => {
  mock.timers.tick(ms);
  for (let i = 0; i < 12; i++) await settle();
};

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  api = new FakeApi();
  storage = new MemoryStorage();
});
afterEach(() => mock.timers.reset());

test("it shows what is there", async () => {
  api.record = { id: 1, revision: 4, onset: 10, apex: null, offset: null, emotion: "anger" };
  const autosave = await open();
  assert.equal(autosave.state, "saved");
  assert.deepEqual(autosave.coding, { ...BLANK, onset: 10, emotion: "anger" });
});

test("changes are saved together, a moment after the last", async () => {
  const autosave = await open();
  assert.equal(autosave.state, "empty");
  autosave.change({ onset: 10 });
  await pass(300);
  autosave.change({ apex: 20 });
  assert.equal(autosave.state, "unsaved");
  await pass(300);
  assert.deepEqual(api.calls, ["mine"]);
  await pass(100);
  assert.deepEqual(api.calls, ["mine", "create"]);
  assert.equal(api.record.apex, 20);
  assert.equal(autosave.state, "saved");
  assert.equal(storage.items.size, 0);
});

test("a change while saving is saved after it, with the new revision", async () => {
  const autosave = await open();
  autosave.change({ onset: 10 });
  mock.timers.tick(400);
  autosave.change({ onset: 11 });
  await pass(400);
  assert.deepEqual(api.calls, ["mine", "create", "update"]);
  assert.equal(api.record.onset, 11);
  assert.equal(api.record.revision, 2);
});

test("what the server says otherwise is not sent again and again", async () => {
  const autosave = await open();
  const create = api.create;
  api.create = async (coding) => ({ ...(await create(coding)), action_units: "4+L10" });
  autosave.change({ action_units: " 4 + L10" });
  await pass(400);
  await pass(60_000);
  assert.deepEqual(api.calls, ["mine", "create"]);
  assert.equal(autosave.coding.action_units, " 4 + L10");
});

test("a server that goes away loses nothing; it is tried again, ever more slowly", async () => {
  const autosave = await open();
  api.down = network;
  autosave.change({ onset: 10 });
  await pass(400);
  assert.equal(autosave.state, "retrying");
  assert.match(autosave.message, /does not answer\. Nothing is lost: it is kept in this browser\. Trying again in 1 s/);
  await pass(1000);
  await pass(2000);
  assert.match(autosave.message, /in 4 s/);
  autosave.change({ apex: 12 });
  assert.equal(autosave.state, "retrying");
  api.down = null;
  await pass(4000);
  assert.equal(autosave.state, "saved");
  assert.deepEqual([api.record.onset, api.record.apex], [10, 12]);
});

test("a save whose answer got lost is recognised as ours", async () => {
  const autosave = await open();
  api.loseAnswers = 1;
  autosave.change({ onset: 10 });
  await pass(400);
  await pass(1000);
  assert.equal(autosave.state, "saved");
  assert.deepEqual(api.calls, ["mine", "create", "mine"]);
  api.loseAnswers = 1;
  autosave.change({ apex: 12 });
  await pass(400);
  autosave.change({ offset: 15 });
  await pass(1000);
  assert.equal(autosave.state, "saved");
  assert.deepEqual([api.record.onset, api.record.apex, api.record.offset], [10, 12, 15]);
});

test("an edit made elsewhere is never overwritten", async () => {
  const autosave = await open();
  autosave.change({ onset: 10 });
  await pass(400);
  api.record = { ...api.record, apex: 33, revision: 7 };
  autosave.change({ offset: 40 });
  await pass(400);
  assert.equal(autosave.state, "conflict");
  assert.equal(autosave.theirs.apex, 33);
  autosave.change({ offset: 41 });
  await pass(60_000);
  assert.equal(api.record.revision, 7);
  assert.equal(autosave.state, "conflict");
  assert.equal(autosave.coding.offset, 41);
});

test("the coder may keep their own", async () => {
  const autosave = await open();
  autosave.change({ onset: 10 });
  await pass(400);
  api.record = { ...api.record, apex: 33, revision: 7 };
  autosave.change({ offset: 40 });
  await pass(400);
  autosave.resolve("mine");
  await pass(0);
  assert.equal(autosave.state, "saved");
  assert.deepEqual([api.record.apex, api.record.offset, api.record.revision], [null, 40, 8]);
});

test("or take the other", async () => {
  const autosave = await open();
  autosave.change({ onset: 10 });
  await pass(400);
  api.record = { ...api.record, apex: 33, revision: 7 };
  autosave.change({ offset: 40 });
  await pass(400);
  autosave.resolve("theirs");
  await pass(0);
  assert.equal(autosave.state, "saved");
  assert.equal(api.record.revision, 7);
  assert.deepEqual([autosave.coding.apex, autosave.coding.offset], [33, null]);
  assert.equal(storage.items.size, 0);
});

test("only a higher revision with the same content is no conflict", async () => {
  const autosave = await open();
  autosave.change({ onset: 10 });
  await pass(400);
  api.record = { ...api.record, revision: 9 };
  autosave.change({ onset: 11 });
  await pass(400);
  assert.equal(autosave.state, "saved");
  assert.equal(api.record.revision, 10);
});

test("an annotation deleted elsewhere is made anew from what the coder has", async () => {
  const autosave = await open();
  autosave.change({ onset: 10 });
  await pass(400);
  api.record = null;
  autosave.change({ apex: 11 });
  await pass(400);
  assert.equal(autosave.state, "saved");
  assert.deepEqual([api.record.onset, api.record.apex], [10, 11]);
});

test("what the server refuses stays, with the reason, until it is changed", async () => {
  const autosave = await open();
  const create = api.create;
  const body = { action_units: ["“XYZ” is no action unit."] };
  api.create = async () => {
    throw new HttpProblem("refused", "action units: “XYZ” is no action unit.", { status: 400, body });
  };
  autosave.change({ action_units: "XYZ", onset: 3 });
  await pass(400);
  assert.equal(autosave.state, "refused");
  assert.equal(autosave.problem.body, body);
  assert.equal(storage.items.size, 1);
  await pass(60_000);
  assert.equal(autosave.state, "refused");
  api.create = create;
  autosave.change({ action_units: "4" });
  await pass(400);
  assert.equal(autosave.state, "saved");
  assert.equal(autosave.problem, null);
});

test("after the session has ended the draft waits for the coder's next visit", async () => {
  const autosave = await open();
  autosave.change({ onset: 10 });
  await pass(400);
  api.down = new HttpProblem("signed-out", "Authentication credentials were not provided.", { status: 403 });
  autosave.change({ onset: 12 });
  await pass(400);
  assert.equal(autosave.state, "signed-out");
  assert.match(autosave.message, /You are signed out\. Nothing is lost: it is kept in this browser/);
  await pass(60_000);
  assert.equal(api.record.onset, 10);
  api.down = null;
  const next = await open();
  await pass(0);
  assert.equal(next.state, "saved");
  assert.equal(api.record.onset, 12);
  assert.equal(storage.items.size, 0);
});

test("a draft whose annotation was changed elsewhere meanwhile is a conflict", async () => {
  const autosave = await open();
  autosave.change({ onset: 10 });
  await pass(400);
  api.down = network;
  autosave.change({ onset: 12 });
  autosave.close();
  api.down = null;
  api.record = { ...api.record, onset: 99, revision: 5 };
  const next = await open();
  assert.equal(next.state, "conflict");
  assert.equal(next.coding.onset, 12);
  assert.equal(next.theirs.onset, 99);
});

test("one coder's draft is never sent as another's", async () => {
  const autosave = await open("ana");
  api.down = network;
  autosave.change({ onset: 12 });
  autosave.close();
  api.down = null;
  const other = await open("ben");
  await pass(1000);
  assert.equal(other.coding.onset, null);
  assert.equal(api.record, null);
});

test("coding can begin before the earlier coding could be read; both are then shown", async () => {
  api.record = { id: 1, revision: 2, onset: 50 };
  api.down = network;
  const autosave = await open();
  assert.equal(autosave.state, "retrying");
  autosave.change({ onset: 60 });
  api.down = null;
  await pass(1000);
  assert.equal(autosave.state, "conflict");
  assert.equal(api.record.onset, 50);
});

test("deleting deletes, and the next mark begins a new annotation", async () => {
  const autosave = await open();
  autosave.change({ onset: 10 });
  await pass(400);
  autosave.remove();
  await pass(0);
  assert.equal(api.record, null);
  assert.equal(autosave.state, "empty");
  autosave.change({ onset: 20 });
  await pass(400);
  assert.equal(api.record.onset, 20);
});

test("deleting what was changed elsewhere asks first", async () => {
  const autosave = await open();
  autosave.change({ onset: 10 });
  await pass(400);
  api.record = { ...api.record, apex: 11, revision: 5 };
  autosave.remove();
  await pass(0);
  assert.equal(autosave.state, "conflict");
  assert.ok(api.record);
  autosave.resolve("mine");
  await pass(0);
  assert.equal(api.record, null);
});

test("flush saves at once", async () => {
  const autosave = await open();
  autosave.change({ onset: 10 });
  autosave.flush();
  await pass(0);
  assert.equal(api.record.onset, 10);
});

test("a browser that cannot keep drafts is told apart", async () => {
  storage.setItem = () => {
    throw new Error("quota");
  };
  const autosave = await open();
  api.down = network;
  autosave.change({ onset: 10 });
  await pass(400);
  assert.equal(autosave.safe, false);
  assert.match(autosave.message, /Keep this page open/);
});

test("blanks around words make no difference, values do", () => {
  assert.deepEqual(differences({ ...BLANK, note: " a " }, { ...BLANK, note: "a" }), []);
  assert.deepEqual(differences({ ...BLANK, onset: 0 }, BLANK), ["onset"]);
  assert.deepEqual(codingOf({ id: 3, revision: 1, onset: 5, complete: false }), { ...BLANK, onset: 5 });
});
