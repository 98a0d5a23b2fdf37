/** The spotter's suggestions for a clip. */
import { requestJson } from "../../http.js";

/** @typedef {import("./coding.js").Suggestion} Suggestion */

/**
 * @param {string} annotationsUrl @param {string} clip @param {number} last frame of the clip
 * @returns {Promise<Suggestion[]>} in time order; empty also if they cannot be loaded: coding does not wait for them
 */
export async function fetchSuggestions(annotationsUrl, clip, last) {
  const url = new URL(`../clips/${encodeURIComponent(clip)}/suggestions/?page_size=1000`, new URL(annotationsUrl, location.href));
  try {
    return usable(await requestJson(url.href), last);
  } catch {
    return [];
  }
}

/** @param {any} rows @param {number} last @returns {Suggestion[]} those inside the clip whose marks are in order */
export function usable(rows, last) {
  /** @type {Suggestion[]} */
  const list = Array.isArray(rows) ? rows : (rows?.results ?? []);
  return list
    .filter(({ onset, apex, offset }) => [onset, apex, offset].every(Number.isInteger) && 0 <= onset && onset <= apex && apex <= offset && offset <= last)
    .map(({ onset, apex, offset, confidence }) => ({ onset, apex, offset, confidence }))
    .sort((a, b) => a.onset - b.onset);
}
