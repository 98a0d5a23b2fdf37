/**
 * Lead from a point of a figure to what it counts: `<mer-figure point-link="/…/?true={y}&predicted={x}&by={trace}">`. The numbers in
 * the tables below the figure get the same links, for readers without a mouse. `{trace}` is the `meta` of the point's trace.
 * Labels that are not the names that the address takes are in the `meta` of the trace: `{"names": {"SAMM/006 (12)": "SAMM/006"}}`.
 */

/** @typedef {{x: unknown, y: unknown, trace?: any}} Point its place on both axes, and the `meta` of its trace */

/** @param {string} template @param {Point} point @returns {string} an address */
export function pointAddress(template, point) {
  const names = new Map(Object.entries(point.trace?.names ?? {}));
  return template.replace(/\{(x|y|trace)\}/g, (_, key) => {
    const value = String(point[/** @type {keyof Point} */ (key)] ?? "");
    return encodeURIComponent(names.get(value) ?? value);
  });
}

/** Follow a click on a point. @param {any} plot a Plotly graph @param {string} template */
export function followPoints(plot, template) {
  plot.removeAllListeners("plotly_click"); // of an earlier drawing
  plot.on("plotly_click", (/** @type {any} */ { points: [{ x, y, data }] }) => {
    location.assign(pointAddress(template, { x, y, trace: data.meta }));
  });
}

/**
 * Link the numbers of a figure's tables.
 *
 * @param {Element} details the tables @param {any[]} data the figure's traces @param {string} template
 */
export function linkCells(details, data, template) {
  const heatMaps = data.filter((trace) => trace.type === "heatmap");
  const names = new Set(Object.values(heatMaps[0]?.meta?.names ?? {}));
  for (const table of details.querySelectorAll("table")) {
    const columns = columnsOf(table);
    const trace = columns[0]?.includes("\\") ? heatMaps.shift() : undefined; // only a heat map names both axes there
    for (const row of table.tBodies[0].rows) {
      const [line, ...cells] = [...row.cells].map((cell) => cell.textContent ?? "");
      cells.forEach((text, position) => {
        const place = trace
          ? { x: columns[position + 1], y: line, trace: trace.meta }
          : placeInTable(columns, line, text, position + 1, names, data);
        if (!place) return;
        const link = document.createElement("a");
        link.href = pointAddress(template, place);
        link.textContent = text;
        row.cells[position + 1].replaceChildren(link);
      });
    }
  }
}

/**
 * The point that a number of another table stands for: of bars, or of a table with a line per subject and a column per run ("#12 …").
 *
 * @param {string[]} columns @param {string} line @param {string} text @param {number} position
 * @param {Set<unknown>} names for which labels stand @param {any[]} data
 * @returns {Point | null}
 */
export function placeInTable(columns, line, text, position, names, data) {
  const run = /^#(\d+) /.exec(columns[position])?.[1];
  if (run && names.has(line) && names.has(Number(run))) return { x: run, y: line };
  const isBars = columns.length === 2 && data.some((trace) => trace.type === "bar");
  return isBars ? { x: line, y: text } : null;
}

/** @param {HTMLTableElement} table @returns {string[]} */
const columnsOf = (table) => [...(table.tHead?.rows[0].cells ?? [])].map((cell) => cell.textContent ?? "");
