/** The labeler's dialogs: help, go to a frame, and two versions side by side. */
import { codingOf, differences } from "./autosave.js";
import { ACTIONS, keyLabel } from "./keymap.js";

/** @typedef {import("./frame-pack.js").FramePack} FramePack */
/** @typedef {import("./drafts.js").Coding} Coding */
/** @typedef {import("./drafts.js").AnnotationRecord} AnnotationRecord */

/**
 * @param {HTMLElement} host where the dialog lives while it is open
 * @param {string} className @param {string} title @param {string} content markup without data
 * @returns {HTMLDialogElement} closed; it removes itself when closed again
 */
function makeDialog(host, className, title, content) {
  const dialog = document.createElement("dialog");
  dialog.className = `dialog ${className}`;
  dialog.setAttribute("aria-label", title);
  dialog.innerHTML = `<form method="dialog"><div class="dialog-header"><h2></h2></div>${content}</form>`;
  /** @type {HTMLElement} */ (dialog.querySelector("h2")).textContent = title;
  dialog.addEventListener("close", () => dialog.remove());
  host.append(dialog);
  return dialog;
}

/** @param {HTMLElement} host @param {Map<string, string>} emotionKeys */
export function showHelp(host, emotionKeys) {
  const dialog = makeDialog(
    host,
    "is-wide",
    "Keys",
    `<div class="dialog-body labeler-help" tabindex="0"></div>
     <div class="dialog-footer"><button class="button" autofocus>Close <kbd aria-hidden="true">Esc</kbd></button></div>`,
  );
  const groups = /** @type {const} */ (["Move", "Play", "Code", "View"]);
  const lists = groups.map((group) => {
    const rows = ACTIONS.filter((action) => action.group === group).map(({ label, keys }) => [label, keys]);
    return keyList(group, /** @type {[string, string[]][]} */ (rows));
  });
  const emotions = [...emotionKeys].map(([emotion, key]) => /** @type {[string, string[]]} */ ([emotion, [key]]));
  if (emotions.length) lists.push(keyList("Emotion", emotions));
  dialog.querySelector(".labeler-help")?.append(...lists);
  dialog.showModal();
}

/** @param {string} title @param {[label: string, keys: string[]][]} rows @returns {HTMLElement} */
function keyList(title, rows) {
  const section = document.createElement("section");
  const heading = document.createElement("h3");
  heading.textContent = title;
  const list = document.createElement("dl");
  for (const [label, keys] of rows) {
    const row = document.createElement("div");
    const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
    dt.textContent = label;
    for (const key of keys) {
      const kbd = document.createElement("kbd");
      kbd.textContent = keyLabel(key);
      dd.append(kbd, " ");
    }
    row.append(dt, dd);
    list.append(row);
  }
  section.append(heading, list);
  return section;
}

/**
 * Which frame a typed number means.
 *
 * @param {FramePack} pack @param {string} text @param {"index" | "source"} numbering
 * @returns {{index: number} | {error: string}}
 */
export function findFrame(pack, text, numbering) {
  const number = /^\s*\d+\s*$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(number)) return { error: "Type a whole number." };
  if (numbering === "index") {
    return number <= pack.last ? { index: number } : { error: `This clip has frames 0 to ${pack.last}.` };
  }
  const index = pack.indexOfSource(number);
  if (index !== null) return { index };
  return { error: `No frame has the source number ${number}; they go from ${pack.source(0)} to ${pack.source(pack.last)}.` };
}

/** @type {"index" | "source"} what the coder typed last time */
let numbering = "index";

/** @param {HTMLElement} host @param {FramePack} pack @param {(index: number) => void} go */
export function askFrame(host, pack, go) {
  const dialog = makeDialog(
    host,
    "",
    "Go to frame",
    `<div class="dialog-body">
       <fieldset class="checks"><legend class="visually-hidden">Which number</legend>
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

/** @type {Readonly<Record<keyof Coding, string>>} */
const FIELD_LABELS = Object.freeze({
  onset: "Onset", apex: "Apex", offset: "Offset", emotion: "Emotion", action_units: "Action units", kind: "Kind", note: "Note",
});

/** @param {keyof Coding} field @param {Coding} coding @param {FramePack} pack @returns {string} */
function fieldText(field, coding, pack) {
  const value = coding[field];
  if (value === null || value === "") return "–";
  return typeof value === "number" && value <= pack.last ? pack.describe(value).replace("frame ", "") : String(value);
}

/**
 * @param {HTMLElement} host @param {FramePack} pack @param {Coding} mine @param {AnnotationRecord} record
 * @param {(choice: "mine" | "theirs") => void} choose not called when the coder puts it off
 */
export function showConflict(host, pack, mine, record, choose) {
  const dialog = makeDialog(
    host,
    "is-wide labeler-conflict",
    "Changed elsewhere: which one counts?",
    `<div class="dialog-body">
       <p>This coding was saved from another window or device since you opened it here. Nothing has been overwritten.</p>
       <div class="table-wrap" tabindex="0" role="region" aria-label="Both versions">
         <table class="table"><thead><tr><th scope="col">Field</th><th scope="col">Here, not saved</th><th scope="col">Saved elsewhere</th></tr></thead><tbody></tbody></table>
       </div>
     </div>
     <div class="dialog-footer">
       <button class="button button-ghost" value="later" autofocus>Decide later</button>
       <button class="button" value="theirs">Take the one saved elsewhere</button>
       <button class="button button-primary" value="mine">Keep mine</button>
     </div>`,
  );
  const theirs = codingOf(record);
  const changed = differences(mine, theirs);
  const body = /** @type {HTMLTableSectionElement} */ (dialog.querySelector("tbody"));
  for (const [field, label] of /** @type {[keyof Coding, string][]} */ (Object.entries(FIELD_LABELS))) {
    const row = body.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = changed.includes(field) ? `${label} (differs)` : label;
    row.append(head);
    row.classList.toggle("is-changed", changed.includes(field));
    for (const coding of [mine, theirs]) row.insertCell().textContent = fieldText(field, coding, pack);
  }
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "mine" || dialog.returnValue === "theirs") choose(dialog.returnValue);
  });
  dialog.showModal();
}
