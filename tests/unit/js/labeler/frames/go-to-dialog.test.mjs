import assert from "node:assert/strict";
import { test } from "node:test";
import { findFrame } from "../../../../../frontend/static/js/labeler/frames/go-to-dialog.js";
import { makePack } from "./packs.mjs";

const pack = makePack(300);

test("a typed number is read in the chosen numbering", () => {
  assert.deepEqual(findFrame(pack, "299", "index"), { index: 299 });
  assert.deepEqual(findFrame(pack, " 5562 ", "source"), { index: 0 });
});

test("a number outside the clip is refused with the range", () => {
  assert.deepEqual(findFrame(pack, "300", "index"), { error: "This clip has frames 0 to 299." });
  assert.deepEqual(findFrame(pack, "299", "source"), { error: "No frame has source frame number 299. This clip has source frames 5562 to 5861." });
  for (const text of ["", "12.5", "-3", "abc"]) assert.deepEqual(findFrame(pack, text, "index"), { error: "Enter a whole number." });
});
