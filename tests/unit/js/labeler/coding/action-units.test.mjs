import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { canonical, parseActionUnits, termsText } from "../../../../../frontend/static/js/labeler/coding/action-units.js";
import { NUMBERS } from "../../../../../frontend/static/js/labeler/coding/unit-grammar.js";
import { UnitPicks } from "../../../../../frontend/static/js/labeler/panel/unit-picker.js";

const shared = JSON.parse(readFileSync(new URL("../../../action_units.json", import.meta.url), "utf8"));

for (const { written, read, left_out } of shared.cases) {
  test(`“${written.slice(0, 40)}” is read as the server reads it`, () => {
    const { terms, problems } = parseActionUnits(written);
    assert.deepEqual([termsText(terms), problems], [read, left_out]);
    assert.equal(canonical(written), left_out.length ? written : read);
    assert.equal(canonical(read), read);
  });
}

test("the server and the labeler know the same numbers", () => {
  assert.deepEqual([...NUMBERS].sort((a, b) => a - b), shared.numbers);
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

test("a question mark marks the current unit as doubtful, and a choice stays as it is", () => {
  assert.equal(press(new UnitPicks("4"), "12a?"), "4+12A?");
  assert.equal(press(new UnitPicks("4+12?"), "?"), "4+12");
  assert.equal(press(new UnitPicks("4+(6 or 12)"), "Lb"), "4+(6 or 12)");
  assert.equal(press(new UnitPicks("(6 or 12)"), "12"), "(6 or 12)+12");
  assert.equal(press(new UnitPicks("ref(7B)"), "7 "), "ref(7B)+7");
  assert.equal(press(new UnitPicks("M59"), "L"), "M59");
});
