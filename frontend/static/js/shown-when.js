/**
 * `<fieldset data-shown-when="net-name=vgg_m vgg_m_spp">` is shown, and its controls are sent, only while the form's control
 * of that name has one of these values. What was typed into it stays. The server renders it as it is at first.
 */

/** @param {HTMLFormElement} form */
function showWhatCounts(form) {
  for (const part of form.querySelectorAll("fieldset[data-shown-when]")) {
    if (!(part instanceof HTMLFieldSetElement)) continue;
    const [name, values] = (part.dataset.shownWhen ?? "").split("=");
    const control = form.elements.namedItem(name);
    const value = control && "value" in control ? String(control.value) : "";
    part.hidden = part.disabled = !values.split(" ").includes(value);
  }
}

document.addEventListener("input", (event) => {
  const form = /** @type {Element} */ (event.target).closest("form");
  if (form) showWhatCounts(form);
});
// A page that comes back from the browser's history keeps what was chosen.
addEventListener("pageshow", () => document.querySelectorAll("form").forEach(showWhatCounts));
