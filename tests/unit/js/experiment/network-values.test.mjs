import assert from "node:assert/strict";
import test from "node:test";

import { namesIn, withName } from "../../../../frontend/static/js/experiment/network-values.js";

test("names are separated by bars or commas, and JSON keeps its commas", () => {
  assert.deepEqual(namesIn("vgg_m, ststnet | vit"), ["vgg_m", "ststnet", "vit"]);
  assert.deepEqual(namesIn('vgg_m | {"name": "vgg_m_spp", "placement": 1}'), ["vgg_m", '{"name": "vgg_m_spp", "placement": 1}']);
  assert.deepEqual(namesIn(""), []);
});

test("a name is added once and removed without the others", () => {
  assert.equal(withName("", "vit", true), "vit");
  assert.equal(withName("vit", "vit", true), "vit");
  assert.equal(withName("vgg_m, vit", "ststnet", true), "vgg_m | vit | ststnet");
  assert.equal(withName('vit | {"name": "vgg_m"}', "vit", false), '{"name": "vgg_m"}');
});
