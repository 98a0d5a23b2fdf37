/**
 * Lead from a point of a figure to what it counts: `<mer-figure point-link="/…/?true={y}&predicted={x}&by={trace}">`. The numbers in
 * the table of a heat map get the same links, for readers without a mouse. `{trace}` is the `meta` of the point's trace.
 */

/** @typedef {{x: unknown, y: unknown, trace?: unknown}} Point its place on both axes, and in which trace it is */

/** @param {string} template @param {Point} point @returns {string} an address */
export const pointAddress = (template, point) =>
  template.replace(/\{(x|y|trace)\}/g, (_, name) => encodeURIComponent(String(point[/** @type {keyof Point} */ (name)] ?? "")));

/** Follow a click on a point. @param {any} plot a Plotly graph @param {string} template */
export function followPoints(plot, template) {
  plot.removeAllListeners("plotly_click"); // of an earlier drawing
  plot.on("plotly_click", (/** @type {any} */ { points: [{ x, y, data }] }) => {
    location.assign(pointAddress(template, { x, y, trace: data.meta }));
  });
}

/**
 * Link the numbers of heat maps.
 *
 * @param {Element} details the tables of a figure @param {any[]} data its traces @param {string} template
 */
export function linkCells(details, data, template) {
  const heatMaps = data.filter((trace) => trace.type === "heatmap");
  const tables = [...details.querySelectorAll("table")].filter((table) => columnsOf(table)[0]?.includes("\\"));
  tables.forEach((table, place) => {
    const columns = columnsOf(table);
    for (const row of table.tBodies[0].rows) {
      const [line, ...cells] = row.cells;
      cells.forEach((cell, position) => {
        const link = document.createElement("a");
        link.href = pointAddress(template, { x: columns[position + 1], y: line.textContent, trace: heatMaps[place]?.meta });
        link.textContent = cell.textContent;
        cell.replaceChildren(link);
      });
    }
  });
}

/** @param {HTMLTableElement} table @returns {string[]} */
const columnsOf = (table) => [...(table.tHead?.rows[0].cells ?? [])].map((cell) => cell.textContent ?? "");
