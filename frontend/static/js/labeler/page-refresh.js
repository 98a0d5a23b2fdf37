/** What surrounds the labeler on its page, when another clip was opened in place: title, header, details. */
import { request } from "../http.js";

const PARTS = [".page-labeler > .page-header", "#details"];

/**
 * Fetches the clip's own page and takes these parts from it. Until they are here the title says which clip it is.
 *
 * @param {string} url of the clip's page @param {string} name of the clip @param {AbortSignal} signal
 */
export async function refreshPage(url, name, signal) {
  document.title = name;
  const parts = PARTS.map((selector) => ({ selector, old: document.querySelector(selector) }));
  for (const { old } of parts) old?.setAttribute("aria-busy", "true");
  try {
    const text = await (await request(url, { signal })).text();
    const page = new DOMParser().parseFromString(text, "text/html");
    document.title = page.title;
    for (const { selector, old } of parts) {
      const renewed = page.querySelector(selector);
      if (!old || !renewed) continue;
      old.replaceWith(renewed);
      /** @type {any} */ (window).htmx?.process(renewed);
    }
  } catch {
    // Old names beside a new clip would mislead: without them the coder still sees the clip's own name.
    if (signal.aborted) return;
    for (const { old } of parts) old?.replaceChildren();
  }
}
