import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTIONS } from "../../../../../frontend/static/js/labeler/keys/actions.js";
import { Keymap, emotionKeys } from "../../../../../frontend/static/js/labeler/keys/keymap.js";
import { MemoryStorage } from "../../memory-storage.mjs";

test("keys reserved by the browser cannot be assigned", () => {
  const keymap = new Keymap();
  assert.equal(keymap.bound("Ctrl+l"), null);
  assert.match(keymap.rebind("play", "Ctrl+w"), /Ctrl\+W is reserved by the browser/);
  assert.match(keymap.rebind("play", "Tab"), /is reserved by the browser/);
});

test("a coder's own keys are kept, for that coder only", () => {
  const storage = new MemoryStorage();
  const emotions = ["happiness", "disgust"];
  const keymap = new Keymap({ emotions, storage, coder: "1" });
  assert.equal(keymap.rebind("onset", "q"), null);
  assert.equal(keymap.rebind("emotion:disgust", "4"), null);
  for (const coder of ["1", "2"]) {
    const again = new Keymap({ emotions, storage, coder });
    assert.deepEqual([again.label("onset"), again.label("emotion:disgust")], coder === "1" ? ["Q", "4"] : ["1", "D"]);
  }
  assert.equal(keymap.bound("1"), null);
  assert.equal(keymap.bound("4").name, "disgust");
});

test("a key that is taken is refused with what it does", () => {
  const keymap = new Keymap({ emotions: ["happiness"] });
  assert.equal(keymap.rebind("onset", "3"), "3 is used for “Set offset here”. Choose another key, or change that one first.");
  assert.match(keymap.rebind("onset", "h"), /H is used for “happiness”/);
  assert.deepEqual(keymap.keys("onset"), ["1", "o"]);
});

test("a reset restores the default key, unless another action uses it now", () => {
  const keymap = new Keymap();
  keymap.rebind("onset", "q");
  keymap.rebind("kind", "1");
  assert.match(keymap.reset("onset"), /1 is now used for “Switch micro or macro”\. Reset that first/);
  keymap.reset();
  assert.deepEqual([keymap.keys("onset"), keymap.keys("kind")], [["1", "o"], ["k"]]);
});

test("damaged settings leave the default keys", () => {
  const storage = new MemoryStorage();
  storage.setItem("mer.keys.v1:1", "{");
  assert.equal(new Keymap({ storage, coder: "1" }).label("play"), "Space");
});

test("no two actions share a key", () => {
  const keys = ACTIONS.flatMap((action) => action.keys);
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(new Keymap().bound("3").name, "offset");
  assert.equal(new Keymap().bound("q"), null);
});

test("holding a key repeats steps and corrections, but no other change", () => {
  const repeating = ACTIONS.filter((action) => action.repeats).map((action) => action.name);
  for (const name of ["back", "forward-ten", "nudge-back", "undo"]) assert.ok(repeating.includes(name));
  for (const name of ["accept", "done", "onset", "delete-expression"]) assert.ok(!repeating.includes(name));
});

test("each emotion gets its own letter that no action uses", () => {
  const emotions = ["happiness", "disgust", "repression", "surprise", "anger", "sadness", "fear", "others", "contempt"];
  const keys = emotionKeys(emotions);
  assert.equal(keys.get("happiness"), "h");
  assert.equal(keys.get("surprise"), "s");
  assert.equal(keys.get("anger"), "c");
  assert.equal(keys.size, emotions.length);
  assert.equal(new Set(keys.values()).size, emotions.length);
  for (const key of keys.values()) assert.equal(new Keymap().bound(key), null);
});

test("emotions in another script get letters too; with too many, some get none", () => {
  assert.match(emotionKeys(["喜悦"]).get("喜悦"), /^[b-z]$/);
  assert.ok(emotionKeys(Array.from({ length: 40 }, (_, i) => `e${i}`)).size < 26);
});
