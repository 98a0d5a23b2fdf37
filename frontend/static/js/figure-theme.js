/** Gives a Plotly figure the page's colours and fonts. Pure functions on plain JSON. */

/** @typedef {{caption: string, columns: string[], rows: string[][]}} ServerTable */
/** @typedef {{data: any[], layout?: any, config?: any, tables?: ServerTable[], notes?: string[]}} Figure */

/**
 * Replace `"var(--data-1)"` anywhere in the figure by the token's current value, so that the server can name
 * colours without knowing the theme, and `"var(--ink-on-0.7)"` by the ink that is readable on a cell of that value
 * (`"var(--ink-on-diverging-0.7)"` on the scale of differences).
 *
 * @param {any} value @param {(token: string) => string} token returns the CSS colour of `"--data-1"` @returns {any} a copy
 */
export function resolveTokens(value, token) {
  if (typeof value === "string") {
    const ink = /^var\(--ink-on(-diverging)?-([\d.]+)\)$/.exec(value);
    if (ink) return inkOn(Number(ink[2]), token, ink[1] ? DIVERGING : RAMP);
    const match = /^var\((--[\w-]+)\)$/.exec(value);
    return match ? token(match[1]) : value;
  }
  if (Array.isArray(value)) return value.map((item) => resolveTokens(item, token));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolveTokens(item, token)]));
  }
  return value;
}

/** The colour scale of heat maps, and that of differences: below, equal, above. The server's figures name the latter. */
const RAMP = Object.freeze(["--sunken", "--accent"]);
const DIVERGING = Object.freeze(["--below", "--sunken", "--above"]);

/**
 * Black or white, the one that contrasts more with a cell of the colour scale: at least 4.58:1 on any colour.
 *
 * @param {number} share the cell's place on the scale, 0 to 1 @param {(token: string) => string} token
 * @param {readonly string[]} [scale] tokens of its colours, at equal distances @returns {string}
 */
export function inkOn(share, token, scale = RAMP) {
  const place = Math.min(Math.max(share, 0), 1) * (scale.length - 1);
  const before = Math.min(Math.floor(place), scale.length - 2);
  const [low, high] = [scale[before], scale[before + 1]].map((name) => (token(name).match(/[\d.]+/g) ?? []).slice(0, 3).map(Number));
  const luminance = low
    .map((value, i) => (value + ((high[i] ?? value) - value) * (place - before)) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  return (luminance + 0.05) ** 2 > 0.05 * 1.05 ? "#000" : "#fff";
}

/**
 * @param {any} layout the server's layout; it takes precedence over the theme
 * @param {(token: string) => string} token
 * @param {string} font a CSS font-family
 * @returns {any} a complete layout
 */
export function themedLayout(layout, token, font) {
  const quiet = { color: token("--ink-muted") };
  const axis = {
    gridcolor: token("--line"),
    linecolor: token("--line-strong"),
    zerolinecolor: token("--line"),
    tickcolor: token("--line"),
    tickfont: quiet,
    title: { font: { ...quiet, size: 13 }, standoff: 12 },
    automargin: true,
  };
  const colorbar = { outlinewidth: 0, tickfont: quiet, title: { font: quiet }, thickness: 12 };
  const errors = { error_x: { color: token("--ink") }, error_y: { color: token("--ink") } };
  const ramp = RAMP.map((name, i) => [i, token(name)]);
  const template = {
    layout: {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: font, size: 13, color: token("--ink") },
      title: { font: { size: 14, color: token("--ink") } },
      colorway: [1, 2, 3, 4, 5, 6].map((n) => token(`--data-${n}`)),
      colorscale: { sequential: ramp },
      margin: { l: 56, r: 16, t: layout?.title ? 40 : 12, b: 48 },
      hoverlabel: { bgcolor: token("--ink"), bordercolor: token("--ink"), font: { family: font, color: token("--page") } },
      legend: { font: quiet, bgcolor: "rgba(0,0,0,0)" },
      xaxis: axis,
      yaxis: axis,
    },
    data: { bar: [errors], scatter: [errors], heatmap: [{ colorbar, colorscale: ramp }] },
  };
  return { autosize: true, ...resolveTokens(layout ?? {}, token), template };
}

/** @typedef {{caption: string, header: string[], rows: string[][]}} PlainTable */

/**
 * Typed arrays by dtype: Python's plotly packs numpy arrays as base64, little-endian.
 * @type {Readonly<Record<string, any>>}
 */
const DTYPES = Object.freeze({
  f8: Float64Array, f4: Float32Array, i4: Int32Array, u4: Uint32Array, i2: Int16Array, u2: Uint16Array, i1: Int8Array, u1: Uint8Array,
});

/** @param {any} value an array, possibly packed as {dtype, bdata, shape} @returns {any} plain (nested) arrays; anything else unchanged */
export function unpackArray(value) {
  const Type = DTYPES[value?.dtype];
  if (!Type || typeof value.bdata !== "string") return value;
  const bytes = Uint8Array.from(atob(value.bdata), (character) => character.charCodeAt(0));
  /** @type {number[]} */
  const flat = Array.from(new Type(bytes.buffer));
  const columns = Number(String(value.shape ?? "").split(",")[1]);
  if (!columns) return flat;
  return Array.from({ length: flat.length / columns }, (_, row) => flat.slice(row * columns, (row + 1) * columns));
}

/** @param {any} value @returns {string} */
function cell(value) {
  if (typeof value !== "number") return value == null ? "" : String(value).replace(/<[^>]*>/g, " ");
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}

/** @param {any} title @returns {string} */
const titleText = (title) => cell(typeof title === "string" ? title : title?.text);

/**
 * Return a figure's numbers as tables, for readers who cannot see it.
 *
 * @param {Figure} figure
 * @returns {PlainTable[]} the server's tables if it sent some; otherwise one per trace: heat maps keep their layout, other
 *   traces become x and y columns
 */
export function figureTables({ data, layout, tables }) {
  if (tables?.length) return tables.map(({ caption, columns, rows }) => ({ caption, header: columns, rows }));
  const x = titleText(layout?.xaxis?.title) || "x";
  const y = titleText(layout?.yaxis?.title) || "y";
  return data.flatMap((trace) => {
    const caption = titleText(trace.name) || titleText(layout?.title);
    const z = unpackArray(trace.z);
    const [names, values] = [unpackArray(trace.x ?? trace.labels), unpackArray(trace.y ?? trace.values)];
    if (Array.isArray(z?.[0])) {
      const columns = names ?? z[0].map((/** @type {any} */ _, /** @type {number} */ i) => i);
      const rows = z.map((/** @type {any[]} */ row, /** @type {number} */ i) => [cell(values?.[i] ?? i), ...row.map(cell)]);
      return [{ caption, header: [`${y} \\ ${x}`, ...columns.map(cell)], rows }];
    }
    if (!Array.isArray(values)) return [];
    const rows = values.map((value, i) => [cell(names?.[i] ?? i), cell(value)]);
    return [{ caption, header: [x, y], rows }];
  });
}
