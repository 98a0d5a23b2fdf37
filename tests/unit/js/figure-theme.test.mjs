import assert from "node:assert/strict";
import { test } from "node:test";
import { figureTables, inkOn, resolveTokens, themedLayout, unpackArray } from "../../../frontend/static/js/figure-theme.js";

const token = (name) => `<${name}>`;

test("tokens become colours at any depth", () => {
  const figure = { colorscale: [[0, "var(--sunken)"], [1, "var(--accent)"]], marker: { color: "var(--data-2)" }, name: "var", z: [1] };
  assert.deepEqual(resolveTokens(figure, token), {
    colorscale: [[0, "<--sunken>"], [1, "<--accent>"]],
    marker: { color: "<--data-2>" },
    name: "var",
    z: [1],
  });
});

test("the server's layout wins over the theme, its template does not", () => {
  const layout = themedLayout({ yaxis: { range: [0, 1] }, template: { layout: { paper_bgcolor: "white" } }, paper_bgcolor: "red" }, token, "Arial");
  assert.equal(layout.paper_bgcolor, "red");
  assert.deepEqual(layout.yaxis, { range: [0, 1] });
  assert.equal(layout.template.layout.paper_bgcolor, "rgba(0,0,0,0)");
  assert.equal(layout.template.layout.font.family, "Arial");
});

test("a heat map's table keeps its layout", () => {
  const data = [{ type: "heatmap", x: ["neg", "pos"], y: ["neg", "pos"], z: [[9, 1], [2, 8.5]] }];
  const layout = { xaxis: { title: { text: "Predicted" } }, yaxis: { title: "True" } };
  assert.deepEqual(figureTables({ data, layout }), [
    { caption: "", header: ["True \\ Predicted", "neg", "pos"], rows: [["neg", "9", "1"], ["pos", "2", "8.500"]] },
  ]);
});

test("other traces become two columns under their names", () => {
  const data = [{ type: "bar", name: "UF1", x: ["all"], y: [0.74213] }, { type: "table" }];
  assert.deepEqual(figureTables({ data }), [{ caption: "UF1", header: ["x", "y"], rows: [["all", "0.7421"]] }]);
});

test("arrays packed by numpy are read", () => {
  const bdata = Buffer.from(new Float64Array([1.5, 2, 3, 4]).buffer).toString("base64");
  assert.deepEqual(unpackArray({ dtype: "f8", bdata }), [1.5, 2, 3, 4]);
  assert.deepEqual(unpackArray({ dtype: "f8", bdata, shape: "2, 2" }), [[1.5, 2], [3, 4]]);
  assert.deepEqual(unpackArray([1]), [1]);
  assert.equal(unpackArray(undefined), undefined);
});

/** @param {number[]} rgb @returns {number} */
const luminance = (rgb) =>
  rgb
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);

test("the ink on a cell contrasts by 4.5 to 1 or more, in both themes and at every value", () => {
  const themes = [
    { "--sunken": [234, 238, 240], "--accent": [10, 104, 113] },
    { "--sunken": [10, 14, 18], "--accent": [84, 196, 204] },
  ];
  for (const theme of themes) {
    const token = (/** @type {string} */ name) => `rgb(${theme[/** @type {keyof typeof theme} */ (name)].join(", ")})`;
    for (let share = 0; share <= 1; share += 0.01) {
      const cell = theme["--sunken"].map((low, i) => low + (theme["--accent"][i] - low) * share);
      const [dark, light] = [luminance(cell), inkOn(share, token) === "#fff" ? 1 : 0].sort((a, b) => a - b);
      assert.ok((light + 0.05) / (dark + 0.05) >= 4.5, `share ${share}`);
    }
  }
});

test("the same holds on the scale of differences", () => {
  const themes = [
    { "--below": [179, 89, 12], "--sunken": [234, 238, 240], "--above": [36, 88, 166] },
    { "--below": [255, 157, 87], "--sunken": [10, 14, 18], "--above": [110, 168, 255] },
  ];
  for (const theme of themes) {
    const token = (/** @type {string} */ name) => `rgb(${theme[/** @type {keyof typeof theme} */ (name)].join(", ")})`;
    for (let share = 0; share <= 1; share += 0.01) {
      const end = theme[share < 0.5 ? "--below" : "--above"];
      const cell = theme["--sunken"].map((middle, i) => middle + (end[i] - middle) * Math.abs(2 * share - 1));
      const { color } = resolveTokens({ color: `var(--ink-on-diverging-${share.toFixed(3)})` }, token);
      const [dark, light] = [luminance(cell), color === "#fff" ? 1 : 0].sort((a, b) => a - b);
      assert.ok((light + 0.05) / (dark + 0.05) >= 4.5, `share ${share}`);
    }
  }
});

test("a table of the server replaces those of the traces", () => {
  const table = { caption: "UF1", columns: ["Run", "UF1"], rows: [["#1", "0.5 (0.4–0.6)"]] };
  const data = [{ type: "bar", name: "UF1", x: ["all"], y: [0.5] }];
  assert.deepEqual(figureTables({ data, tables: [table, table] }), Array(2).fill({ caption: "UF1", header: table.columns, rows: table.rows }));
});

test("the server names the ink of a cell by its value", () => {
  const token = (/** @type {string} */ name) => (name === "--accent" ? "rgb(10, 104, 113)" : "rgb(234, 238, 240)");
  assert.deepEqual(resolveTokens({ color: "var(--ink-on-0.000)" }, token), { color: "#000" });
  assert.deepEqual(resolveTokens({ color: "var(--ink-on-1.000)" }, token), { color: "#fff" });
});
