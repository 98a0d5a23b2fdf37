/** "Done": save everything and mark the coder's assignment as done, if there is one. */
import { requestJson } from "../../http.js";

/** @typedef {import("./autosave.js").AutoSave} AutoSave */
/** @typedef {import("../../http.js").HttpProblem} HttpProblem */

/**
 * @param {AutoSave} autosave @param {{annotationsUrl: string, clip: string}} options
 * @param {boolean} nothing whether the coder has confirmed that the clip shows no expression
 * @returns {Promise<string | null>} null if done; else why not, and what to do
 */
export async function finishClip(autosave, { annotationsUrl, clip }, nothing) {
  await autosave.settled();
  if (autosave.conflicts.length) return "Not done: an expression was changed elsewhere. Choose which version to keep first.";
  if (autosave.dirty) return `Not done: some changes are not saved. ${autosave.message}`.trim();
  try {
    await requestJson(new URL("../../assignments/done", new URL(annotationsUrl, location.href)).href, { method: "POST", json: { clip: Number(clip), ...(nothing && { nothing }) } });
  } catch (error) {
    const { kind, message } = /** @type {HttpProblem} */ (error);
    if (kind !== "missing") return `Saved, but the clip could not be marked as done. ${message}`; // missing: the clip is not assigned to this coder
  }
  return null;
}
