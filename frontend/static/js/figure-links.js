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
  for (const table of details.querySelectorAll("table")) {
    const columns = columnsOf(table);
    const trace = columns[0]?.includes("\\") ? heatMaps.shift() : undefined; // only a heat map names both axes there
    for (const row of table.tBodies[0].rows) {
      const [line, ...cells] = row.cells;
      cells.forEach((cell, position) => {
        const place = trace ? { x: columns[position + 1], y: line.textContent } : { x: line.textContent, y: cell.textContent };
        const link = document.createElement("a");
        link.href = pointAddress(template, { ...place, trace: trace?.meta });
        link.textContent = cell.textContent;
        cell.replaceChildren(link);
      });
    }
  }
}

/** @param {HTMLTableElement} table @returns {string[]} */
const columnsOf = (table) => [...(table.tHead?.rows[0].cells ?? [])].map((cell) => cell.textContent ?? "");
