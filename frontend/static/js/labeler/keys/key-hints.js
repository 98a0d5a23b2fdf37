/** Shows the coder's current keys on the controls; `data-key` names the action. */

/** @param {HTMLElement} root @param {import("./keymap.js").Keymap} keymap */
export function showKeyHints(root, keymap) {
  for (const kbd of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("kbd[data-key]"))) {
    const label = keymap.label(kbd.dataset.key ?? "");
    kbd.textContent = label;
    kbd.hidden = label === "";
  }
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-action][data-tip]"))) {
    const key = keymap.label(button.dataset.action ?? "");
    const label = button.getAttribute("aria-label") ?? "";
    button.dataset.tip = key ? `${label} (${key})` : label;
  }
}
