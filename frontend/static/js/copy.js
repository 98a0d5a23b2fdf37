/**
 * `<button data-copy="#id">Copy</button>` copies the text (or the value) of the element with that id.
 * The button says so for two seconds, to a screen reader as well.
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
  const usual = label.getAttribute("data-usual") ?? label.textContent ?? "";
  label.setAttribute("data-usual", usual);
  label.setAttribute("aria-live", "polite");
  label.textContent = text;
  setTimeout(() => (label.textContent = usual), SHOWN_MS);
}

document.addEventListener("click", async (event) => {
  const button = /** @type {Element} */ (event.target).closest("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.getAttribute("data-copy") ?? "");
  if (!source) return;
  try {
    await navigator.clipboard.writeText(textToCopy(source));
    say(button, "Copied");
  } catch {
    // No clipboard without https or permission: select the text, so that Ctrl+C works.
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection()?.removeAllRanges();
    getSelection()?.addRange(range);
    say(button, "Press Ctrl+C");
  }
});
