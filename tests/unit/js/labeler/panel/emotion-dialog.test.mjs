import assert from "node:assert/strict";
import { test } from "node:test";
import { Keymap } from "../../../../../frontend/static/js/labeler/keys/keymap.js";
import { checkWord } from "../../../../../frontend/static/js/labeler/panel/emotion-dialog.js";

test("a new word is taken as it will be shown", () => {
  assert.deepEqual(checkWord(["fear"], "  mixed   joy "), { word: "mixed joy" });
});

test("a word that is there, empty, too long or several is refused with the reason", () => {
  assert.deepEqual(checkWord(["Fear"], "fear"), { error: "“Fear” is there already." });
  assert.deepEqual(checkWord([], " "), { error: "Type a word." });
  assert.match(checkWord([], "x".repeat(41)).error, /at most 40 characters; this has 41/);
  assert.match(checkWord([], "joy, fear").error, /one at a time/);
});

test("a new word gets a key", () => {
  const keymap = new Keymap({ emotions: ["happiness"] });
  keymap.setEmotions(["happiness", "pain"]);
  assert.deepEqual([keymap.label("emotion:happiness"), keymap.label("emotion:pain")], ["H", "P"]);
});
