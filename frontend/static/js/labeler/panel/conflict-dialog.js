/** The dialog in which the coder chooses between two versions of an expression. */
import { codingOf, differences } from "../coding/coding.js";
import { FIELD_LABELS, SHOWN, fieldText } from "./coding-text.js";
import { makeDialog } from "../dialog.js";

/** @typedef {import("../coding/expression.js").Expression} Expression */
/** @typedef {import("../frames/frame-pack.js").FramePack} FramePack */

/**
 * @param {HTMLElement} host @param {FramePack} pack @param {Expression} expression in conflict
 * @param {(choice: "mine" | "theirs") => void} choose not called if the coder decides later
 */
export function showConflict(host, pack, { coding, deleted, theirs }, choose) {
  const theirsDeleted = theirs === "deleted" || theirs === null;
  const dialog = makeDialog(
    host,
    "is-wide labeler-conflict",
    "Changed elsewhere: which version do you want to keep?",
    `<div class="dialog-body">
       <p data-what></p>
       <div class="table-wrap" tabindex="0" role="region" aria-label="Both versions">
         <table class="table"><thead><tr><th scope="col">Field</th><th scope="col">Your version, not saved</th><th scope="col" data-there>Saved version</th></tr></thead><tbody></tbody></table>
       </div>
     </div>
     <div class="dialog-footer">
       <button class="button button-ghost" value="later" autofocus>Decide later</button>
       <button class="button" value="theirs"></button>
       <button class="button button-primary" value="mine"></button>
     </div>`,
  );
  const write = (/** @type {string} */ selector, /** @type {string} */ text) => (/** @type {HTMLElement} */ (dialog.querySelector(selector)).textContent = text);
  write("[data-what]", `This expression was ${theirsDeleted ? "deleted" : "changed"} in another window or on another device after you opened it here. Nothing is overwritten.`);
  write("[data-there]", theirsDeleted ? "Deleted elsewhere" : "Saved version");
  write("[value=theirs]", theirsDeleted ? "Delete it here too" : "Keep the saved version");
  write("[value=mine]", deleted ? "Delete it anyway" : "Keep my version");
  const other = theirsDeleted ? null : codingOf(theirs);
  const changed = other ? differences(coding, other) : [];
  const body = /** @type {HTMLTableSectionElement} */ (dialog.querySelector("tbody"));
  for (const field of SHOWN) {
    const row = body.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = changed.includes(field) ? `${FIELD_LABELS[field]} (differs)` : FIELD_LABELS[field];
    row.append(head);
    row.classList.toggle("is-changed", changed.includes(field));
    row.insertCell().textContent = deleted ? "deleted" : fieldText(field, coding, pack);
    row.insertCell().textContent = other ? fieldText(field, other, pack) : "deleted";
  }
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "mine" || dialog.returnValue === "theirs") choose(dialog.returnValue);
  });
  dialog.showModal();
}
