/** Codings in words: for tables of versions. */
import { FIELDS } from "../coding/coding.js";

/** @typedef {import("../coding/coding.js").Coding} Coding */
/** @typedef {import("../frames/frame-pack.js").FramePack} FramePack */

/** @type {Readonly<Record<keyof Coding, string>>} */
export const FIELD_LABELS = Object.freeze({
  onset: "Onset", apex: "Apex", offset: "Offset", emotion: "Emotion", action_units: "Action units", kind: "Kind",
  confidence: "Confidence", note: "Note", origin: "Marks came", suggestion: "Suggested",
});

const ORIGINS = /** @type {Record<string, string>} */ ({ manual: "by hand", suggested: "from the suggestion", corrected: "from the suggestion, corrected" });

/** What a coder compares; the suggestion itself is told by where the marks came from. */
export const SHOWN = Object.freeze(/** @type {(keyof Coding)[]} */ (FIELDS.filter((field) => field !== "suggestion")));

/** @param {keyof Coding} field @param {Coding} coding @param {FramePack} pack @returns {string} */
export function fieldText(field, coding, pack) {
  const value = coding[field];
  if (value === null || value === "") return "–";
  if (field === "origin") return ORIGINS[String(value)] ?? String(value);
  if (field === "confidence") return `${value} of 5`;
  return typeof value === "number" && value <= pack.last ? pack.describe(value).replace("frame ", "") : String(value);
}
