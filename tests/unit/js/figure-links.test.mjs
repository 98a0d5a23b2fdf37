import assert from "node:assert/strict";
import { test } from "node:test";
import { pointAddress } from "../../../frontend/static/js/figure-links.js";

test("a point fills the address with its place on both axes and its trace", () => {
  const template = "/gallery/?kind=all&true={y}&predicted={x}&by={trace}";
  assert.equal(pointAddress(template, { x: "surprise", y: "negative", trace: 12 }), "/gallery/?kind=all&true=negative&predicted=surprise&by=12");
});

test("what is in the figure cannot add to the address", () => {
  assert.equal(pointAddress("?subject={y}", { x: 1, y: "CASME II/s&run=7#" }), "?subject=CASME%20II%2Fs%26run%3D7%23");
  assert.equal(pointAddress("?by={trace}&z={z}", { x: 1, y: 2 }), "?by=&z={z}");
});

test("a label leads to the name that it stands for", () => {
  const trace = { names: { "SAMM/006 (12)": "SAMM/006", "A run": 7 } };
  assert.equal(pointAddress("?subject={y}&by={x}", { x: "A run", y: "SAMM/006 (12)", trace }), "?subject=SAMM%2F006&by=7");
  assert.equal(pointAddress("?by={x}", { x: "constructor", y: 1, trace }), "?by=constructor");
});
