/**
 * `<button data-copy="#id">Copy</button>` copies the text or value of the element with that id.
 * `<button data-copy-from="/address">` copies the text that the address answers.
 * The button confirms it for two seconds, also to screen readers.
 */

const SHOWN_MS = 2000;

/** @param {Element} source @returns {string} */
export function textToCopy(source) {
  if (source instanceof HTMLInputElement || source instanceof HTMLTextAreaElement) return source.value;
  return (source.textContent ?? "").trim();
}

/** @param {Element} button @param {string} text */
function say(button, text) {
  const label = button.querySelector("[data-copy-label]") ?? button;
  const original = label.getAttribute("data-original") ?? label.textContent ?? "";
  label.setAttribute("data-original", original);
  label.setAttribute("aria-live", "polite");
  label.textContent = text;
  setTimeout(() => (label.textContent = original), SHOWN_MS);
}

/** @param {Element} button */
async function copyFrom(button) {
  try {
    const answer = await fetch(button.getAttribute("data-copy-from") ?? "");
    if (!answer.ok) throw new Error(answer.statusText);
    await navigator.clipboard.writeText(await answer.text());
    say(button, "Copied");
  } catch {
    say(button, "Cannot copy here. Download it instead.");
  }
}

document.addEventListener("click", async (event) => {
  const pressed = /** @type {Element} */ (event.target);
  const fetching = pressed.closest("[data-copy-from]");
  if (fetching) return copyFrom(fetching);
  const button = pressed.closest("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.getAttribute("data-copy") ?? "");
  if (!source) return;
  try {
    await navigator.clipboard.writeText(textToCopy(source));
    say(button, "Copied");
  } catch {
    // The clipboard needs HTTPS and permission. Without them, select the text so that Ctrl+C works.
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection()?.removeAllRanges();
    getSelection()?.addRange(range);
    say(button, "Press Ctrl+C");
  }
});
