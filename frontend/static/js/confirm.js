/**
 * Asks for confirmation before an action that cannot be undone. Works for submit buttons, links and htmx:
 *
 *     <button class="button button-danger" data-confirm="Delete clip s03_02 and its 2 annotations?"
 *             data-confirm-action="Delete clip">Delete</button>
 */

let serial = 0;

/**
 * @param {string} question a sentence that says what will be deleted
 * @param {string} action label of the confirm button
 * @returns {Promise<boolean>}
 */
export function confirmDialog(question, action) {
  const dialog = document.createElement("dialog");
  const id = `confirm-${++serial}`;
  dialog.className = "dialog";
  dialog.setAttribute("aria-labelledby", `${id}-title`);
  dialog.setAttribute("aria-describedby", `${id}-text`);
  dialog.innerHTML = `
    <form method="dialog">
      <div class="dialog-header"><h2 id="${id}-title">Are you sure?</h2></div>
      <div class="dialog-body"><p id="${id}-text"></p></div>
      <div class="dialog-footer">
        <button class="button" value="no" autofocus>Cancel</button>
        <button class="button button-danger is-solid" value="yes"></button>
      </div>
    </form>`;
  /** @type {HTMLElement} */ (dialog.querySelector("p")).textContent = question;
  /** @type {HTMLElement} */ (dialog.querySelector("[value=yes]")).textContent = action;
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

/** @type {WeakSet<Element>} */
const confirmed = new WeakSet();

// Capture phase: ask before htmx or any other listener sees the click.
document.addEventListener(
  "click",
  async (event) => {
    const element = /** @type {Element} */ (event.target).closest("[data-confirm]");
    if (!(element instanceof HTMLElement) || confirmed.delete(element)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const action = element.dataset.confirmAction ?? (element.textContent?.trim() || "Yes");
    if (await confirmDialog(element.dataset.confirm ?? "", action)) {
      confirmed.add(element);
      element.click();
    }
  },
  true,
);
