import assert from "node:assert/strict";
import { test } from "node:test";
import { Keymap } from "../../../../../frontend/static/js/labeler/keys/keymap.js";
import { checkEmotion } from "../../../../../frontend/static/js/labeler/panel/emotion-dialog.js";

test("a new emotion is normalised as it will be shown", () => {
  assert.deepEqual(checkEmotion(["fear"], "  mixed   joy "), { emotion: "mixed joy" });
});

test("an emotion that exists, is empty, is too long or is several is refused with the reason", () => {
  assert.deepEqual(checkEmotion(["Fear"], "fear"), { error: "“Fear” is already in the list." });
  assert.deepEqual(checkEmotion([], " "), { error: "Enter an emotion." });
  assert.match(checkEmotion([], "x".repeat(41)).error, /at most 40 characters; this has 41/);
  assert.match(checkEmotion([], "joy, fear").error, /one at a time/);
});

test("a new emotion gets a key", () => {
  const keymap = new Keymap({ emotions: ["happiness"] });
  keymap.setEmotions(["happiness", "pain"]);
  assert.deepEqual([keymap.label("emotion:happiness"), keymap.label("emotion:pain")], ["H", "P"]);
});
