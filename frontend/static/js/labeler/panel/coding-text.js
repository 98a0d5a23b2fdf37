/** The fields of a coding as text, for tables of versions. */
import { FIELDS } from "../coding/coding.js";

/** @typedef {import("../coding/coding.js").Coding} Coding */
/** @typedef {import("../frames/frame-pack.js").FramePack} FramePack */

/** @type {Readonly<Record<keyof Coding, string>>} */
export const FIELD_LABELS = Object.freeze({
  onset: "Onset", apex: "Apex", offset: "Offset", emotion: "Emotion", action_units: "Action units", kind: "Kind",
  confidence: "Confidence", note: "Note", origin: "Marks set", suggestion: "Suggested",
});

const ORIGINS = /** @type {Record<string, string>} */ ({ manual: "by hand", suggested: "from a suggestion", corrected: "from a suggestion, corrected" });

/** The fields that a coder compares; the origin stands for the suggestion. */
export const SHOWN = Object.freeze(/** @type {(keyof Coding)[]} */ (FIELDS.filter((field) => field !== "suggestion")));

/** @param {keyof Coding} field @param {Coding} coding @param {FramePack} pack @returns {string} */
export function fieldText(field, coding, pack) {
  const value = coding[field];
  if (value === null || value === "") return "–";
  if (field === "origin") return ORIGINS[String(value)] ?? String(value);
  if (field === "confidence") return `${value} of 5`;
  return typeof value === "number" && value <= pack.last ? pack.describe(value).replace("frame ", "") : String(value);
}
