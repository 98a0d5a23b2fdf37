/** The dialog for picking action units, by mouse or by keyboard: a number, then L or R for the side, A to E for the intensity. */
import { COMMON, INTENSITIES, parseActionUnits, termsText } from "../coding/action-units.js";
import { unitText } from "../coding/unit-grammar.js";
import { makeDialog } from "../dialog.js";

/** @typedef {import("../coding/action-units.js").ActionUnit} ActionUnit */
/** @typedef {import("../coding/action-units.js").Term} Term */

/** The picked action units; letters apply to the last one. Independent of the page. */
export class UnitPicks {
  /** @type {Term[]} */
  terms;
  /** Digits typed so far that may be the start of a number: "1" before "12". */
  typed = "";

  /** @param {string} text */
  constructor(text) {
    this.terms = parseActionUnits(text).terms;
  }

  /** The action unit that letters apply to. @returns {ActionUnit | null} */
  get current() {
    const last = this.terms.at(-1);
    return last?.length === 1 ? last[0] : null;
  }

  get text() {
    return termsText(this.terms);
  }

  /** @param {number} number @returns {boolean} */
  has(number) {
    return this.terms.some((term) => isOf(term, number));
  }

  /** @param {number} number added, or removed if it is already picked */
  toggle(number) {
    const rest = this.terms.filter((term) => !isOf(term, number));
    this.terms = rest.length < this.terms.length ? rest : [...rest, ...parseActionUnits(String(number)).terms];
  }

  /** @param {Partial<ActionUnit>} change to the current unit; choosing the same side or intensity again clears it */
  set(change) {
    const current = this.current;
    if (!current || (change.prefix && current.prefix === "M")) return; // a movement of the head or eyes has no side
    const changed = { ...current, ...change };
    if (change.prefix && change.prefix === current.prefix) changed.prefix = "";
    if (change.intensity && change.intensity === current.intensity) changed.intensity = "";
    this.terms = [...this.terms.slice(0, -1), [changed]];
  }

  /** @param {string} key as the browser names it @returns {boolean} whether the key was used */
  press(key) {
    if (/^\d$/.test(key)) return this.#pressDigit(key);
    this.finish();
    const letter = key.toUpperCase();
    if (letter === "L" || letter === "R") this.set({ prefix: letter });
    else if (key === "?") this.set({ doubtful: !this.current?.doubtful });
    else if (INTENSITIES.includes(letter)) this.set({ intensity: letter });
    else if (key === "Backspace") this.terms = this.terms.slice(0, -1);
    else return key === "+" || key === " " || key === ",";
    return true;
  }

  /** Take the typed digits as a complete number. */
  finish() {
    if (this.typed && isUnit(this.typed)) this.toggle(Number(this.typed));
    this.typed = "";
  }

  /** @param {string} digit */
  #pressDigit(digit) {
    this.typed += digit;
    if (this.typed.length >= 2 || !canGrow(this.typed)) this.finish();
    return true;
  }
}

/** @param {Term} term @param {number} number @returns {boolean} whether the expression shows this unit, surely or not; a choice is none of its units */
const isOf = ([unit, ...others], number) => others.length === 0 && unit.number === number && !unit.reference;

/** @param {string} digits */
const isUnit = (digits) => parseActionUnits(digits).error === "";

/** @param {string} digit @returns {boolean} whether a two-digit action unit starts with it, so that the picker waits for a second digit */
const canGrow = (digit) => COMMON.some(([number]) => number > 9 && String(number)[0] === digit);

/** @param {HTMLElement} host @param {string} text picked so far @param {(text: string) => void} done called if it changed */
export function pickActionUnits(host, text, done) {
  const dialog = makeDialog(
    host,
    "is-wide labeler-units",
    "Action units",
    `<div class="dialog-body" tabindex="-1" autofocus>
       <p class="labeler-units-text"><output data-text aria-live="polite"></output></p>
       <div class="labeler-units-list" role="group" aria-label="Action units"></div>
       <div class="row labeler-units-side"><span data-current></span>
         <div class="button-group" role="group" aria-label="Side">${["L", "R"].map((side) => `<button type="button" class="button button-small" data-side="${side}" aria-pressed="false">${side === "L" ? "Left" : "Right"} <kbd aria-hidden="true">${side}</kbd></button>`).join("")}</div>
         <div class="button-group" role="group" aria-label="Intensity">${INTENSITIES.map((letter) => `<button type="button" class="button button-small" data-intensity="${letter}" aria-pressed="false" aria-label="Intensity ${letter}">${letter}</button>`).join("")}</div>
       </div>
       <p class="help">Type a number to add or remove an action unit, then L or R for the side that moves (the subject’s left or right), A (trace) to E (maximum) for the intensity, and ? if you are not sure.</p>
     </div>
     <div class="dialog-footer">
       <button type="button" class="button" data-cancel>Cancel <kbd aria-hidden="true">Esc</kbd></button>
       <button class="button button-primary" value="done">Apply <kbd aria-hidden="true">↵</kbd></button>
     </div>`,
  );
  const picks = new UnitPicks(text);
  const list = /** @type {HTMLElement} */ (dialog.querySelector(".labeler-units-list"));
  list.append(...COMMON.map(([number, name]) => unitButton(number, name)));
  const show = () => showPicks(dialog, picks);
  dialog.addEventListener("keydown", (event) => {
    const onButton = /** @type {Element} */ (event.target).closest("button") !== null; // Enter and Space press it
    if (event.key === "Enter" && !onButton) return dialog.close("done");
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab" || event.key === "Escape") return;
    if (onButton && (event.key === " " || event.key === "Enter")) return;
    if (picks.press(event.key)) event.preventDefault();
    show();
  });
  dialog.addEventListener("click", (event) => {
    const { unit, side, intensity, cancel } = /** @type {Element} */ (event.target).closest("button")?.dataset ?? {};
    if (unit) picks.toggle(Number(unit));
    if (side) picks.set({ prefix: side });
    if (intensity) picks.set({ intensity });
    if (cancel !== undefined) dialog.close();
    show();
  });
  dialog.addEventListener("close", () => {
    picks.finish();
    if (dialog.returnValue === "done" && picks.text !== text) done(picks.text);
  });
  show();
  dialog.showModal();
}

/** @param {number} number @param {string} name */
function unitButton(number, name) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-small";
  button.dataset.unit = String(number);
  const strong = document.createElement("strong");
  strong.textContent = String(number);
  const span = document.createElement("span");
  span.textContent = name;
  button.append(strong, span);
  return button;
}

/** @param {HTMLElement} dialog @param {UnitPicks} picks */
function showPicks(dialog, picks) {
  const { current, text, typed } = picks;
  /** @type {HTMLElement} */ (dialog.querySelector("[data-text]")).textContent = `${text}${typed ? `${text ? "+" : ""}${typed}…` : ""}` || "No action unit picked";
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (dialog.querySelectorAll("[data-unit]"))) {
    button.setAttribute("aria-pressed", String(picks.has(Number(button.dataset.unit))));
  }
  /** @type {HTMLElement} */ (dialog.querySelector("[data-current]")).textContent = current ? `For ${unitText(current)}:` : "Pick an action unit first:";
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (dialog.querySelectorAll("[data-side], [data-intensity]"))) {
    button.disabled = current === null;
    const { side, intensity } = button.dataset;
    button.setAttribute("aria-pressed", String(Boolean(current) && (side ? current?.prefix === side : current?.intensity === intensity)));
  }
}
