/**
 * @param {HTMLElement} host where the dialog lives while it is open
 * @param {string} className @param {string} title @param {string} content markup without data
 * @returns {HTMLDialogElement} closed; it removes itself when closed again
 */
export function makeDialog(host, className, title, content) {
  const dialog = document.createElement("dialog");
  dialog.className = `dialog ${className}`;
  dialog.setAttribute("aria-label", title);
  dialog.innerHTML = `<form method="dialog"><div class="dialog-header"><h2></h2></div>${content}</form>`;
  /** @type {HTMLElement} */ (dialog.querySelector("h2")).textContent = title;
  dialog.addEventListener("close", () => dialog.remove());
  host.append(dialog);
  return dialog;
}
