/** View: the three marks of the selected expression. */
import { MARKS } from "../coding/marks.js";

/** @typedef {import("../frames/frame-pack.js").FramePack} FramePack */
/** @typedef {import("../coding/marks.js").Marks} Marks */

/** A micro-expression lasts at most half a second (Yan et al. 2013). */
const MICRO_MS = 500;

/** @param {HTMLElement} root the panel @param {FramePack} pack @param {Marks} marks @param {boolean} readonly */
export function showMarks(root, pack, marks, readonly) {
  for (const name of MARKS) showMark(/** @type {HTMLElement} */ (root.querySelector(`[data-mark=${name}]`)), name, marks[name], pack, readonly);
  const span = marks.span;
  const ms = span ? pack.durationMs(span.first, span.last) : null;
  write(root, "[data-span]", span && ms !== null ? `Onset to offset: ${ms.toFixed(0)} ms, ${span.last - span.first + 1} frames` : "");
  write(root, "[data-kind-hint]", ms !== null && ms > MICRO_MS ? `Longer than ${MICRO_MS} ms` : "");
}

/** @param {HTMLElement} row @param {string} name @param {number | null} index @param {FramePack} pack @param {boolean} readonly */
function showMark(row, name, index, pack, readonly) {
  const go = /** @type {HTMLButtonElement} */ (row.querySelector("[data-go]"));
  go.disabled = index === null;
  go.setAttribute("aria-label", index === null ? `${name} not set` : `Go to ${name}, ${pack.describe(index)}`);
  write(go, ".mark-index", index === null ? "–" : String(index));
  const [time, source] = /** @type {NodeListOf<HTMLElement>} */ (go.querySelectorAll("small"));
  time.textContent = index === null ? "" : `${pack.milliseconds(index)} ms`;
  source.textContent = index === null ? "not set" : `source ${pack.source(index)}`;
  /** @type {HTMLButtonElement} */ (row.querySelector("[data-action^=clear]")).disabled = index === null || readonly;
}

/** @param {Element} root @param {string} selector @param {string} text */
function write(root, selector, text) {
  /** @type {HTMLElement} */ (root.querySelector(selector)).textContent = text;
}
