import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { HttpProblem } from "../../../../../frontend/static/js/http.js";
import { BLANK } from "../../../../../frontend/static/js/labeler/coding/coding.js";
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

test("expressions are loaded in time order", async () => {
  api.elsewhere({ onset: 50, emotion: "anger" }, "late");
  api.elsewhere({ onset: 10 }, "early");
  const autosave = await open();
  assert.equal(autosave.state, "saved");
  assert.deepEqual(autosave.expressions.map(({ coding }) => coding), [{ ...BLANK, onset: 10 }, { ...BLANK, onset: 50, emotion: "anger" }]);
});

test("a blank expression added before the others arrived is dropped", async () => {
  api.elsewhere({ onset: 50 }, "there");
  const autosave = lab.make("ana", () => "new");
  autosave.load();
  autosave.add();
  await pass(0);
  assert.deepEqual(autosave.expressions.map(({ key }) => key), ["there"]);
});

test("changes are saved together, a moment after the last one", async () => {
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

test("each expression is saved under its own key", async () => {
  const autosave = await openSaved();
  const second = autosave.add();
  autosave.change(second.key, { onset: 70 });
  await pass(400);
  assert.deepEqual(api.live.map(({ key, onset }) => [key, onset]), [["k1", 10], ["k2", 70]]);
});

test("a blank expression is not stored on the server", async () => {
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

test("a change during a save is saved afterwards, with the new revision", async () => {
  const autosave = await open();
  autosave.edit({ onset: 10 });
  mock.timers.tick(400);
  autosave.edit({ onset: 11 });
  await pass(400);
  assert.deepEqual(api.calls, ["mine", "create", "update"]);
  assert.deepEqual([api.record.onset, api.record.revision], [11, 2]);
});

test("a value that the server normalises is not sent again", async () => {
  const autosave = await open();
  const create = api.create;
  api.create = async (key, coding) => ({ ...(await create(key, coding)), action_units: "4+L10" });
  autosave.edit({ action_units: " 4 + L10" });
  await pass(400);
  await pass(60_000);
  assert.deepEqual(api.calls, ["mine", "create"]);
  assert.equal(autosave.all[0].coding.action_units, " 4 + L10");
});

test("nothing is lost while the server is down; saving is retried at growing intervals", async () => {
  const autosave = await open();
  api.down = network;
  autosave.edit({ onset: 10 });
  await pass(400);
  assert.equal(autosave.state, "retrying");
  assert.match(autosave.message, /does not respond\. Nothing is lost: your changes are kept in this browser\. Trying again in 1 s/);
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

test("a minute offline loses no new, changed or deleted expression", async () => {
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

test("a tab closed offline sends everything when it is opened again", async () => {
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

test("a save whose answer was lost is recognised", async () => {
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

test("a change undone while an answer was lost stays undone", async () => {
  const autosave = await openSaved();
  api.loseAnswers = 1;
  autosave.edit({ apex: 12 });
  await pass(400);
  autosave.edit({ apex: null });
  await pass(2000);
  assert.deepEqual([autosave.state, autosave.all[0].coding.apex, api.record.apex], ["saved", null, null]);
});

test("a deletion whose answer was lost can be undone", async () => {
  const autosave = await openSaved();
  api.loseAnswers = 1;
  autosave.setDeleted("k1", true);
  await pass(400);
  assert.equal(api.record, null);
  autosave.setDeleted("k1", false);
  await pass(2000);
  assert.deepEqual([autosave.state, api.record.onset], ["saved", 10]);
});

test("a refused change stays, with the reason, until it is edited; the rest is saved", async () => {
  const autosave = await open();
  const create = api.create;
  const body = { errors: [{ pointer: "/action_units", detail: "“XYZ” is not an action unit.", code: "invalid_value" }] };
  api.create = async (key, coding) => {
    if (coding.action_units !== "XYZ") return create(key, coding);
    throw new HttpProblem("refused", "action units: “XYZ” is not an action unit.", { status: 400, body });
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

test("after the session ends, the draft is kept for the coder's next visit", async () => {
  const autosave = await openSaved();
  api.down = new HttpProblem("signed-out", "Sign in.", { status: 401 });
  autosave.edit({ onset: 12 });
  await pass(400);
  assert.equal(autosave.state, "signed-out");
  assert.match(autosave.message, /You are signed out\. Nothing is lost: your changes are kept in this browser/);
  await pass(60_000);
  assert.equal(api.record.onset, 10);
  api.down = null;
  const next = await open();
  assert.equal(next.state, "saved");
  assert.equal(api.record.onset, 12);
  assert.equal(storage.items.size, 0);
});

test("a coder's draft is never sent as that of another coder", async () => {
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

test("coding can start before earlier annotations are loaded; both are kept", async () => {
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

test("undoing a deletion restores the same annotation", async () => {
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

test("flush saves at once", async () => {
  const autosave = await open();
  autosave.edit({ onset: 10 });
  await autosave.settled();
  assert.equal(api.record.onset, 10);
});

test("a browser that cannot store drafts is detected", async () => {
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
