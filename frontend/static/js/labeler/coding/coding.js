/** What a coder says of one expression, and how two such codings differ. */

/** @typedef {{onset: number, apex: number, offset: number, confidence: number}} Suggestion what the spotter offers; confidence 0 to 1 */

/**
 * @typedef {object} Coding what a coder says of one expression
 * @property {number | null} onset
 * @property {number | null} apex
 * @property {number | null} offset
 * @property {string} emotion
 * @property {string} action_units
 * @property {string} kind "micro" or "macro"
 * @property {number | null} confidence 1 (guess) to 5 (certain)
 * @property {string} note
 * @property {string} origin "manual", "suggested" or "corrected"
 * @property {Suggestion | null} suggestion what was offered, if it began from an offer
 */

/** @typedef {Coding & {id: number | string, key: string, coder?: string, revision: number | string, complete?: boolean, deleted?: boolean}} AnnotationRecord */

/** @type {Readonly<Coding>} */
export const BLANK = Object.freeze({
  onset: null, apex: null, offset: null, emotion: "", action_units: "", kind: "micro", confidence: null, note: "", origin: "manual", suggestion: null,
});

/** @type {readonly (keyof Coding)[]} */
export const FIELDS = /** @type {any} */ (Object.freeze(Object.keys(BLANK)));

/** @param {Partial<Coding> | null} record @returns {Coding} the fields a coder sets, without gaps */
export function codingOf(record) {
  return /** @type {any} */ (Object.fromEntries(FIELDS.map((field) => [field, record?.[field] ?? BLANK[field]])));
}

/** @param {unknown} value @returns {string} one text for equal values */
function comparable(value) {
  if (value === null || typeof value !== "object") return String(value ?? "").trim();
  return JSON.stringify(Object.entries(value).sort());
}

/** @param {Coding} a @param {Coding} b @returns {(keyof Coding)[]} fields that differ; outer blanks do not count */
export function differences(a, b) {
  return FIELDS.filter((field) => comparable(a[field]) !== comparable(b[field]));
}

/** @param {Coding} a @param {Coding} b */
export const same = (a, b) => differences(a, b).length === 0;

/** @param {Coding} coding @returns {boolean} whether nothing has been coded */
export const isBlank = (coding) => same(coding, BLANK);

/** @param {Coding} coding @returns {("onset" | "apex" | "offset" | "emotion")[]} what a complete coding still needs */
export function missing(coding) {
  const needed = /** @type {const} */ (["onset", "apex", "offset", "emotion"]);
  return needed.filter((field) => coding[field] === null || coding[field] === "");
}
