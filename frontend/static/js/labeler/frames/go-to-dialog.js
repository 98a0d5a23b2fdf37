/** The dialog that goes to a frame by its number. */
import { makeDialog } from "../dialog.js";

/** @typedef {import("./frame-pack.js").FramePack} FramePack */

/**
 * Find the frame that a typed number means.
 *
 * @param {FramePack} pack @param {string} text @param {"index" | "source"} numbering
 * @returns {{index: number} | {error: string}}
 */
export function findFrame(pack, text, numbering) {
  const number = /^\s*\d+\s*$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(number)) return { error: "Enter a whole number." };
  if (numbering === "index") {
    return number <= pack.last ? { index: number } : { error: `This clip has frames 0 to ${pack.last}.` };
  }
  const index = pack.indexOfSource(number);
  if (index !== null) return { index };
  return { error: `No frame has source frame number ${number}. This clip has source frames ${pack.source(0)} to ${pack.source(pack.last)}.` };
}

/** @type {"index" | "source"} the numbering that the coder used last */
let numbering = "index";

/** @param {HTMLElement} host @param {FramePack} pack @param {(index: number) => void} go */
export function askFrame(host, pack, go) {
  const dialog = makeDialog(
    host,
    "",
    "Go to frame",
    `<div class="dialog-body">
       <fieldset class="checks"><legend class="visually-hidden">Numbering</legend>
         <label><input type="radio" name="numbering" value="index"> <span data-index></span></label>
         <label><input type="radio" name="numbering" value="source"> <span data-source></span></label>
       </fieldset>
       <div class="field">
         <label for="labeler-go-to">Number</label>
         <input id="labeler-go-to" type="text" inputmode="numeric" autocomplete="off" autofocus aria-describedby="labeler-go-to-error">
         <p class="errors" id="labeler-go-to-error" role="alert" hidden></p>
       </div>
     </div>
     <div class="dialog-footer">
       <button type="button" class="button" data-cancel>Cancel</button>
       <button class="button button-primary">Go <kbd aria-hidden="true">↵</kbd></button>
     </div>`,
  );
  /** @param {string} selector @param {string} text */
  const write = (selector, text) => (/** @type {HTMLElement} */ (dialog.querySelector(selector)).textContent = text);
  write("[data-index]", `Frame index (0 to ${pack.last})`);
  write("[data-source]", `Source frame number (${pack.source(0)} to ${pack.source(pack.last)})`);
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
  const input = /** @type {HTMLInputElement} */ (dialog.querySelector("#labeler-go-to"));
  const radios = /** @type {RadioNodeList} */ (form.elements.namedItem("numbering"));
  radios.value = numbering;
  dialog.querySelector("[data-cancel]")?.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    numbering = radios.value === "source" ? "source" : "index";
    const found = findFrame(pack, input.value, numbering);
    if ("index" in found) {
      dialog.close();
      return go(found.index);
    }
    const error = /** @type {HTMLElement} */ (dialog.querySelector(".errors"));
    error.hidden = false;
    error.textContent = found.error;
    input.setAttribute("aria-invalid", "true");
    input.select();
  });
  dialog.showModal();
}
