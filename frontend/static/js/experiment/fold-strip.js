/** A strip of folds as numbers: how wide, which one is where, where the arrow keys lead. Knows no page. */

export const HEIGHT = 18; // CSS pixels
const NARROWEST = 3;
const WIDEST = 14;

/**
 * How a fold is drawn: its colour, and the part of the height it takes, so that states are told apart without colour.
 * A failed one has a gap in the middle.
 * @type {Readonly<Record<string, {token: string, share: number, gap?: boolean}>>}
 */
export const LOOKS = Object.freeze({
  w: { token: "--line-strong", share: 0.2 },
  r: { token: "--data-2", share: 0.6 },
  d: { token: "--data-1", share: 1 },
  f: { token: "--bad-solid", share: 1, gap: true },
  c: { token: "--line", share: 0.2 },
});

/** @param {number} available CSS pixels @param {number} folds of the longest strip @returns {number} of a fold, whole pixels */
export function cellWidth(available, folds) {
  return Math.max(NARROWEST, Math.min(WIDEST, Math.floor(available / Math.max(folds, 1))));
}

/** @param {number} x from the strip's left edge @param {number} width of a fold @param {number} folds @returns {number} */
export function foldAt(x, width, folds) {
  return Math.max(0, Math.min(folds - 1, Math.floor(x / width)));
}

/** @typedef {{row: number, fold: number}} Place */

/**
 * @param {string} key as a keyboard event names it
 * @param {Place} from
 * @param {number[]} lengths folds of each row
 * @returns {Place | null} null for a key that leads nowhere
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
