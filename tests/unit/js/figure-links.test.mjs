import assert from "node:assert/strict";
import { test } from "node:test";
import { placeInTable, pointAddress } from "../../../frontend/static/js/figure-links.js";

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

test("a table leads to a run's subject, and to nothing that it does not name", () => {
  const columns = ["Subject", "Samples", "#7 A run", "#8 Of elsewhere"];
  const names = new Set(["SAMM/006", 7]);
  assert.deepEqual(placeInTable(columns, "SAMM/006", "3", 2, names, [{ type: "heatmap" }]), { x: "7", y: "SAMM/006" });
  assert.equal(placeInTable(columns, "SAMM/006", "12", 1, names, [{ type: "heatmap" }]), null);
  assert.equal(placeInTable(columns, "SAMM/006", "3", 3, names, [{ type: "heatmap" }]), null);
  assert.equal(placeInTable(columns, "SAMM/007", "3", 2, names, [{ type: "heatmap" }]), null);
});

test("a table of bars leads to what each bar counts", () => {
  assert.deepEqual(placeInTable(["subject", "correct"], "SAMM/006", "0.5", 1, new Set(), [{ type: "bar" }]), { x: "SAMM/006", y: "0.5" });
});
