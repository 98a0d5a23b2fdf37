import assert from "node:assert/strict";
import { test } from "node:test";
import { canonical, parseActionUnits } from "../../../../../frontend/static/js/labeler/coding/action-units.js";
import { UnitPicks } from "../../../../../frontend/static/js/labeler/panel/unit-picker.js";

test("action units are read as coders write them", () => {
  for (const [written, read] of [["4+L10", "4+L10"], [" au4, 10l ", "4+L10"], ["R12A+14", "R12A+14"], ["1 and 2", "1+2"], ["B6c/12", "6C+12"], ["4+4", "4"], ["", ""]]) {
    assert.equal(canonical(written), read);
  }
});

test("an unreadable part is named and stays as written", () => {
  assert.equal(parseActionUnits("4+smile").error, "“smile” is not an action unit. Write numbers joined by +, for example 4+L10+R12A.");
  assert.equal(parseActionUnits("4+99").error, "FACS has no action unit 99 (“99”).");
  assert.match(parseActionUnits("L4R").error, /“L4R”/);
  assert.equal(canonical("4,smile"), "4,smile");
});

/** @param {UnitPicks} picks @param {string} keys */
const press = (picks, keys) => {
  for (const key of keys) picks.press(key);
  picks.finish();
  return picks.text;
};

test("action units are picked by keyboard alone", () => {
  assert.equal(press(new UnitPicks(""), "4 10L"), "4+L10");
  assert.equal(press(new UnitPicks(""), "12ra14"), "R12A+14");
  assert.equal(press(new UnitPicks(""), "7"), "7");
});

test("choosing the same again removes it: a unit, its side, its intensity", () => {
  assert.equal(press(new UnitPicks("4+L10"), "4 "), "L10");
  assert.equal(press(new UnitPicks("4+L10B"), "lb"), "4+10");
});

test("a number that is not an action unit picks nothing", () => {
  assert.equal(press(new UnitPicks("4"), "30"), "4+30");
  assert.equal(press(new UnitPicks("4"), "3 "), "4");
  assert.equal(press(new UnitPicks("4"), "99"), "4");
});
