/** Makes a Plotly figure take the page's colours and type. Pure: works on plain JSON. */

/** @typedef {{data: any[], layout?: any, config?: any}} Figure */

/**
 * `"var(--data-1)"` anywhere in the figure becomes the token's present value, so that the server can name
 * colours without knowing the theme.
 *
 * @param {any} value @param {(token: string) => string} token `"--data-1"` to a CSS colour @returns {any} a copy
 */
export function resolveTokens(value, token) {
  if (typeof value === "string") {
    const match = /^var\((--[\w-]+)\)$/.exec(value);
    return match ? token(match[1]) : value;
  }
  if (Array.isArray(value)) return value.map((item) => resolveTokens(item, token));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolveTokens(item, token)]));
  }
  return value;
}

/**
 * @param {any} layout the server's layout; what it says wins over the theme
 * @param {(token: string) => string} token
 * @param {string} font a CSS font-family
 * @returns {any} a complete layout
 */
export function themedLayout(layout, token, font) {
  const axis = {
    gridcolor: token("--line"),
    linecolor: token("--line-strong"),
    zerolinecolor: token("--line"),
    tickcolor: token("--line"),
    tickfont: { color: token("--ink-muted") },
    title: { font: { color: token("--ink-muted"), size: 13 } },
    automargin: true,
  };
  const base = {
    autosize: true,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: font, size: 13, color: token("--ink") },
    title: { font: { size: 14, color: token("--ink") } },
    colorway: [1, 2, 3, 4, 5, 6].map((n) => token(`--data-${n}`)),
    margin: { l: 56, r: 16, t: layout?.title ? 40 : 12, b: 48 },
    hoverlabel: { bgcolor: token("--ink"), bordercolor: token("--ink"), font: { family: font, color: token("--page") } },
    legend: { font: { color: token("--ink-muted") }, bgcolor: "rgba(0,0,0,0)" },
  };
  const axes = new Set(["xaxis", "yaxis", ...Object.keys(layout ?? {}).filter((key) => /^[xy]axis\d*$/.test(key))]);
  const withAxes = { ...base, ...Object.fromEntries([...axes].map((name) => [name, axis])) };
  // A template brings colours of its own theme: ours replaces it.
  const { template, ...rest } = layout ?? {};
  return merge(withAxes, resolveTokens(rest, token));
}

/** @param {any} under @param {any} over @returns {any} */
function merge(under, over) {
  const plain = [under, over].every((value) => value && typeof value === "object" && !Array.isArray(value));
  if (!plain) return over === undefined ? under : over;
  const keys = new Set([...Object.keys(under), ...Object.keys(over)]);
  return Object.fromEntries([...keys].map((key) => [key, merge(under[key], over[key])]));
}

/** @typedef {{caption: string, header: string[], rows: string[][]}} PlainTable */

/** @param {any} value @returns {string} */
function cell(value) {
  if (typeof value !== "number") return value == null ? "" : String(value).replace(/<[^>]*>/g, " ");
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}

/** @param {any} title @returns {string} */
const titleText = (title) => cell(typeof title === "string" ? title : title?.text);

/**
 * The numbers behind a figure, for those who cannot see it.
 *
 * @param {Figure} figure
 * @returns {PlainTable[]} one a trace; heat maps keep their form, other traces become x and y columns
 */
export function figureTables({ data, layout }) {
  const x = titleText(layout?.xaxis?.title) || "x";
  const y = titleText(layout?.yaxis?.title) || "y";
  return data.flatMap((trace) => {
    const caption = titleText(trace.name) || titleText(layout?.title);
    if (Array.isArray(trace.z) && Array.isArray(trace.z[0])) {
      const columns = trace.x ?? trace.z[0].map((/** @type {any} */ _, /** @type {number} */ i) => i);
      const rows = trace.z.map((/** @type {any[]} */ row, /** @type {number} */ i) => [cell(trace.y?.[i] ?? i), ...row.map(cell)]);
      return [{ caption, header: [`${y} \\ ${x}`, ...columns.map(cell)], rows }];
    }
    const [names, values] = [trace.x ?? trace.labels, trace.y ?? trace.values];
    if (!Array.isArray(values)) return [];
    const rows = values.map((value, i) => [cell(names?.[i] ?? i), cell(value)]);
    return [{ caption, header: [x, y], rows }];
  });
}
