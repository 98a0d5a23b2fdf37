import assert from "node:assert/strict";
import { test } from "node:test";
import { keyLabel, keyOf } from "../../../../../frontend/static/js/labeler/keys/key-names.js";

const event = (key, code = "", modifiers = {}) => ({ key, code, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...modifiers });
const shift = { shiftKey: true };

test("each key has one name", () => {
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

test("a character is named by itself if the layout has it, else by its position", () => {
  assert.equal(keyOf(event(",", "KeyM")), ","); // French
  assert.equal(keyOf(event(";", "Comma", shift)), "Shift+,"); // German
  assert.equal(keyOf(event("+", "Equal", shift)), "+");
});

test("modifiers are part of the key name; alone they are not a key", () => {
  assert.equal(keyOf(event("Z", "KeyZ", { ctrlKey: true, shiftKey: true })), "Ctrl+Shift+z");
  assert.equal(keyOf(event("ArrowLeft", "ArrowLeft", { altKey: true })), "Alt+ArrowLeft");
  assert.equal(keyOf(event("s", "KeyS", { metaKey: true })), "Ctrl+s");
  assert.equal(keyOf(event("Control", "ControlLeft", { ctrlKey: true })), null);
});

test("keys are shown as they are printed", () => {
  assert.equal(keyLabel("Shift+ArrowLeft"), "Shift+←");
  assert.equal(keyLabel("g"), "G");
  assert.equal(keyLabel("Space"), "Space");
  assert.equal(keyLabel("+"), "+");
});
