import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTIONS, actionOf, emotionKeys, keyLabel, keyOf } from "../../../frontend/static/js/labeler/keymap.js";

const event = (key, code = "", modifiers = {}) => ({ key, code, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...modifiers });
const shift = { shiftKey: true };

test("keys have one name each", () => {
  assert.equal(keyOf(event("ArrowRight", "ArrowRight", shift)), "Shift+ArrowRight");
  assert.equal(keyOf(event(" ", "Space")), "Space");
  assert.equal(keyOf(event("G", "KeyG")), "g");
  assert.equal(keyOf(event("?", "Slash", shift)), "?");
  assert.equal(keyOf(event("!", "Digit1", shift)), "Shift+1");
  assert.equal(keyOf(event(" ", "Space", shift)), "Shift+Space");
  assert.equal(keyOf(event("+", "Equal", shift)), "+");
  assert.equal(keyOf(event("-", "Minus")), "-");
});

test("other layouts and alphabets reach the same keys", () => {
  assert.equal(keyOf(event("&", "Digit1")), "1"); // French
  assert.equal(keyOf(event("п", "KeyG")), "g"); // Russian
  assert.equal(keyOf(event("ü", "BracketLeft")), "["); // German
  assert.equal(keyOf(event("1", "Numpad1")), "1");
});

test("the browser keeps its own keys", () => {
  assert.equal(keyOf(event("l", "KeyL", { ctrlKey: true })), null);
  assert.equal(keyOf(event("ArrowLeft", "ArrowLeft", { altKey: true })), null);
  assert.equal(keyOf(event("s", "KeyS", { metaKey: true })), "Ctrl+s");
});

test("no two actions share a key", () => {
  const keys = ACTIONS.flatMap((action) => action.keys);
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(actionOf("3").name, "offset");
  assert.equal(actionOf("y"), null);
});

test("steps, zoom and pan repeat while a key is held; nothing else does", () => {
  const moves = ["back", "forward", "back-ten", "forward-ten"];
  const views = ["zoom-in", "zoom-out", "pan-left", "pan-right", "pan-up", "pan-down"];
  assert.deepEqual(ACTIONS.filter((action) => action.repeats).map((action) => action.name), [...moves, ...views]);
});

test("emotions get a letter of their own that no action uses", () => {
  const emotions = ["happiness", "disgust", "repression", "surprise", "anger", "sadness", "fear", "others", "contempt"];
  const keys = emotionKeys(emotions);
  assert.equal(keys.get("happiness"), "h");
  assert.equal(keys.get("surprise"), "s");
  assert.equal(keys.get("anger"), "e");
  assert.equal(keys.size, emotions.length);
  assert.equal(new Set(keys.values()).size, emotions.length);
  for (const key of keys.values()) assert.equal(actionOf(key), null);
});

test("emotions in another script get letters too; too many go without", () => {
  assert.match(emotionKeys(["喜悦"]).get("喜悦"), /^[b-z]$/);
  assert.ok(emotionKeys(Array.from({ length: 40 }, (_, i) => `e${i}`)).size < 26);
});

test("keys are shown as they are printed", () => {
  assert.equal(keyLabel("Shift+ArrowLeft"), "Shift+←");
  assert.equal(keyLabel("g"), "G");
  assert.equal(keyLabel("Space"), "Space");
});
