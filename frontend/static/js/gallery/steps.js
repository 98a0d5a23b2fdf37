/** Where keys lead from one card of a gallery. */

/** @typedef {{by: 1 | -1, arrow: boolean, rows: boolean}} Step rows: to the card below or above */

/** @type {ReadonlyMap<string, Step>} */
const STEPS = new Map([
  ["j", { by: 1, arrow: false, rows: false }],
  ["k", { by: -1, arrow: false, rows: false }],
  ["ArrowRight", { by: 1, arrow: true, rows: false }],
  ["ArrowLeft", { by: -1, arrow: true, rows: false }],
  ["ArrowDown", { by: 1, arrow: true, rows: true }],
  ["ArrowUp", { by: -1, arrow: true, rows: true }],
]);

/** @param {string} key @returns {Step | undefined} */
export const stepOfKey = (key) => STEPS.get(key.length === 1 ? key.toLowerCase() : key);

/**
 * How many cards lie between a card and the one below or above it.
 *
 * @param {number[]} tops where each card starts, in pixels @param {number} position @param {1 | -1} by
 * @returns {number}
 */
export function rowStep(tops, position, by) {
  const columns = tops.filter((top) => top === tops[0]).length || 1;
  const below = position + by * columns;
  if (below >= 0 && below < tops.length) return by * columns;
  // From the row before a shorter last one, go to the last card; from the first or last row, leave the page.
  const isInLastRow = tops[position] === tops.at(-1);
  return by > 0 && !isInLastRow ? tops.length - 1 - position : by * columns;
}
