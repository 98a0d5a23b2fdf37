/** "Done": everything is saved, and the coder's assignment, if there is one, is told so. */
import { requestJson } from "../../http.js";

/** @typedef {import("./autosave.js").AutoSave} AutoSave */
/** @typedef {import("../../http.js").HttpProblem} HttpProblem */

/**
 * @param {AutoSave} autosave @param {{annotationsUrl: string, clip: string}} options
 * @param {boolean} nothing the coder says that the clip shows no expression
 * @returns {Promise<string | null>} null when done; else why not, and what to do
 */
export async function finishClip(autosave, { annotationsUrl, clip }, nothing) {
  await autosave.settled();
  if (autosave.conflicts.length) return "Not done: an expression was changed elsewhere. Choose which version counts first.";
  if (autosave.dirty) return `Not done: not everything is saved. ${autosave.message}`.trim();
  try {
    await requestJson(new URL("../../assignments/done", new URL(annotationsUrl, location.href)).href, { method: "POST", json: { clip: Number(clip), ...(nothing && { nothing }) } });
  } catch (error) {
    const { kind, message } = /** @type {HttpProblem} */ (error);
    if (kind !== "missing") return `Saved, but not marked as done: ${message}`; // missing: the clip was not assigned to this coder
  }
  return null;
}
