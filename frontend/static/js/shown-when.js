/**
 * `<fieldset data-shown-when="net-name=vgg_m vgg_m_spp">` is shown, and its controls are submitted, only while the form's
 * control of that name has one of these values. Semicolons separate alternative conditions. Values typed into a hidden
 * fieldset are kept. The server renders the initial state.
 */

/** @param {HTMLFormElement} form @param {string} condition @returns {boolean} */
function holds(form, condition) {
  const [name, values] = condition.split("=");
  const control = form.elements.namedItem(name);
  return values.split(" ").includes(control && "value" in control ? String(control.value) : "");
}

/** @param {HTMLFormElement} form */
function updateFieldsets(form) {
  for (const part of form.querySelectorAll("fieldset[data-shown-when]")) {
    if (!(part instanceof HTMLFieldSetElement)) continue;
    const conditions = (part.dataset.shownWhen ?? "").split(";");
    part.hidden = part.disabled = !conditions.some((condition) => holds(form, condition));
  }
}

document.addEventListener("input", (event) => {
  const form = /** @type {Element} */ (event.target).closest("form");
  if (form) updateFieldsets(form);
});
// A page restored from the browser's history keeps its values.
addEventListener("pageshow", () => document.querySelectorAll("form").forEach(updateFieldsets));
