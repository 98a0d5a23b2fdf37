/** How a coder describes one expression, and how two descriptions differ. */

/** @typedef {{onset: number, apex: number, offset: number, confidence: number}} Suggestion from the spotter; confidence 0 to 1 */

/**
 * @typedef {object} Coding how a coder describes one expression
 * @property {number | null} onset
 * @property {number | null} apex
 * @property {number | null} offset
 * @property {string} emotion
 * @property {string} action_units
 * @property {string} kind "micro" or "macro"
 * @property {number | null} confidence 1 (guess) to 5 (certain)
 * @property {string} note
 * @property {string} origin "manual", "suggested" or "corrected"
 * @property {Suggestion | null} suggestion the accepted suggestion, if there was one
 */

/** @typedef {Coding & {id: number | string, key: string, coder?: string, revision: number | string, complete?: boolean, deleted?: boolean}} AnnotationRecord */

/** @type {Readonly<Coding>} */
export const BLANK = Object.freeze({
  onset: null, apex: null, offset: null, emotion: "", action_units: "", kind: "micro", confidence: null, note: "", origin: "manual", suggestion: null,
});

/** @type {readonly (keyof Coding)[]} */
export const FIELDS = /** @type {any} */ (Object.freeze(Object.keys(BLANK)));

/** @param {Partial<Coding> | null} record @returns {Coding} the fields that a coder sets, missing ones filled in */
export function codingOf(record) {
  return /** @type {any} */ (Object.fromEntries(FIELDS.map((field) => [field, record?.[field] ?? BLANK[field]])));
}

/** @param {unknown} value @returns {string} the same text for equal values */
function comparable(value) {
  if (value === null || typeof value !== "object") return String(value ?? "").trim();
  return JSON.stringify(Object.entries(value).sort());
}

/** @param {Coding} a @param {Coding} b @returns {(keyof Coding)[]} fields that differ; leading and trailing spaces do not count */
export function differences(a, b) {
  return FIELDS.filter((field) => comparable(a[field]) !== comparable(b[field]));
}

/** @param {Coding} a @param {Coding} b */
export const same = (a, b) => differences(a, b).length === 0;

/** @param {Coding} coding @returns {boolean} whether nothing is coded */
export const isBlank = (coding) => same(coding, BLANK);

/** @param {Coding} coding @returns {("onset" | "apex" | "offset" | "emotion")[]} what is missing to be complete */
export function missing(coding) {
  const needed = /** @type {const} */ (["onset", "apex", "offset", "emotion"]);
  return needed.filter((field) => coding[field] === null || coding[field] === "");
}
