import assert from "node:assert/strict";
import { test } from "node:test";
import { Keymap } from "../../../../../frontend/static/js/labeler/keys/keymap.js";
import { checkEmotion } from "../../../../../frontend/static/js/labeler/panel/emotion-dialog.js";

test("a new word is taken as it will be shown", () => {
  assert.deepEqual(checkEmotion(["fear"], "  mixed   joy "), { word: "mixed joy" });
});

test("a word that is there, empty, too long or several is refused with the reason", () => {
  assert.deepEqual(checkEmotion(["Fear"], "fear"), { error: "“Fear” is there already." });
  assert.deepEqual(checkEmotion([], " "), { error: "Type a word." });
  assert.match(checkEmotion([], "x".repeat(41)).error, /at most 40 characters; this has 41/);
  assert.match(checkEmotion([], "joy, fear").error, /one at a time/);
});

test("a new word gets a key", () => {
  const keymap = new Keymap({ emotions: ["happiness"] });
  keymap.setEmotions(["happiness", "pain"]);
  assert.deepEqual([keymap.label("emotion:happiness"), keymap.label("emotion:pain")], ["H", "P"]);
});
