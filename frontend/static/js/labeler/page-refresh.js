/** Refreshes the page around the labeler after another clip was opened in place: title, header and details. */
import { request } from "../http.js";

const PARTS = [".page-labeler > .page-header", "#details"];

/**
 * Fetch the clip's page and replace the parts around the labeler. Until it arrives, the title is the clip's name.
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
    // The old clip's details next to a new clip would mislead; the title still names the new clip.
    if (signal.aborted) return;
    for (const { old } of parts) old?.replaceChildren();
  }
}
