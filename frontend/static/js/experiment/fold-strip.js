/** The geometry of a strip of folds: widths, the fold at a position, and moves by arrow key. Independent of the page. */

export const HEIGHT = 18; // CSS pixels
const MIN_WIDTH = 3;
const MAX_WIDTH = 14;

/**
 * How a fold is drawn in each state: its colour and its share of the height, so that states differ without colour too.
 * A failed fold has a gap in the middle.
 * @type {Readonly<Record<string, {token: string, share: number, gap?: boolean}>>}
 */
export const LOOKS = Object.freeze({
  w: { token: "--line-strong", share: 0.2 },
  r: { token: "--data-2", share: 0.6 },
  d: { token: "--data-1", share: 1 },
  f: { token: "--bad-solid", share: 1, gap: true },
  c: { token: "--line", share: 0.2 },
});

/** @param {number} available CSS pixels @param {number} folds in the longest strip @returns {number} width of a fold, whole pixels */
export function cellWidth(available, folds) {
  return Math.max(MIN_WIDTH, Math.min(MAX_WIDTH, Math.floor(available / Math.max(folds, 1))));
}

/** @param {number} x from the strip's left edge @param {number} width of a fold @param {number} folds @returns {number} the nearest fold */
export function foldAt(x, width, folds) {
  return Math.max(0, Math.min(folds - 1, Math.floor(x / width)));
}

/** @typedef {{row: number, fold: number}} Cell */

/**
 * @param {string} key as a keyboard event names it
 * @param {Cell} from
 * @param {number[]} lengths number of folds in each row
 * @returns {Cell | null} null for a key that does not move
 */
export function step(key, { row, fold }, lengths) {
  const last = lengths[row] - 1;
  /** @param {number} to */
  const inRow = (to) => ({ row, fold: Math.max(0, Math.min(last, to)) });
  /** @param {number} to */
  const toRow = (to) => {
    const next = Math.max(0, Math.min(lengths.length - 1, to));
    return { row: next, fold: Math.max(0, Math.min(lengths[next] - 1, fold)) };
  };
  if (key === "ArrowRight") return inRow(fold + 1);
  if (key === "ArrowLeft") return inRow(fold - 1);
  if (key === "Home") return inRow(0);
  if (key === "End") return inRow(last);
  if (key === "ArrowDown") return toRow(row + 1);
  if (key === "ArrowUp") return toRow(row - 1);
  return null;
}

/** @param {string} letters @param {string} letter @returns {number} how many folds are in this state */
export function countOf(letters, letter) {
  return letters.split(letter).length - 1;
}
