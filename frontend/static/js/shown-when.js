/**
 * `<fieldset data-shown-when="net-name=vgg_m vgg_m_spp">` is shown, and its controls are sent, only while the form's control
 * of that name has one of these values; after a semicolon stand other conditions, of which one is enough. What was typed
 * into it stays. The server renders it as it is at first.
 */

/** @param {HTMLFormElement} form @param {string} condition @returns {boolean} */
function holds(form, condition) {
  const [name, values] = condition.split("=");
  const control = form.elements.namedItem(name);
  return values.split(" ").includes(control && "value" in control ? String(control.value) : "");
}

/** @param {HTMLFormElement} form */
function showWhatCounts(form) {
  for (const part of form.querySelectorAll("fieldset[data-shown-when]")) {
    if (!(part instanceof HTMLFieldSetElement)) continue;
    const conditions = (part.dataset.shownWhen ?? "").split(";");
    part.hidden = part.disabled = !conditions.some((condition) => holds(form, condition));
  }
}

document.addEventListener("input", (event) => {
  const form = /** @type {Element} */ (event.target).closest("form");
  if (form) showWhatCounts(form);
});
// A page that comes back from the browser's history keeps what was chosen.
addEventListener("pageshow", () => document.querySelectorAll("form").forEach(showWhatCounts));
