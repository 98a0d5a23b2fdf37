/** View: whether everything is saved, and what the coder can do if not. */
import { fieldErrors } from "../../http.js";
import { isBlank, missing } from "../coding/coding.js";

/** @typedef {import("../coding/autosave.js").AutoSave} AutoSave */
/** @typedef {import("../coding/autosave.js").SaveState} SaveState */
/** @typedef {import("../coding/expression.js").Expression} Expression */

const BADGES = /** @type {const} */ ({
  loading: ["Loading", "is-queued"],
  empty: ["Nothing coded yet", ""],
  unsaved: ["Not saved yet", "is-queued"],
  saving: ["Saving", "is-running"],
  saved: ["Saved", "is-done"],
  retrying: ["Not saved: retrying", "is-warning"],
  refused: ["Not saved", "is-failed"],
  "signed-out": ["Not saved: signed out", "is-failed"],
  conflict: ["Changed elsewhere", "is-warning"],
});

/** @type {Partial<Record<SaveState, [name: string, label: string]>>} */
const ACTIONS = { retrying: ["now", "Try now"], refused: ["now", "Try again"], conflict: ["now", "Compare and choose"], "signed-out": ["sign-in", "Sign in again"] };

/** @type {ReadonlySet<SaveState>} */
const ANNOUNCED = new Set(/** @type {SaveState[]} */ (["saved", "retrying", "refused", "signed-out", "conflict"]));

/**
 * @param {HTMLElement} root the panel @param {AutoSave} autosave @param {Expression} expression the selected one
 * @param {boolean} readonly @param {(text: string) => void} announce to a screen reader
 */
export function showSave(root, { state, message }, { coding, problem }, readonly, announce) {
  const box = /** @type {HTMLElement} */ (root.querySelector(".labeler-save"));
  const [label, badge] = BADGES[state];
  const changed = box.dataset.state !== state;
  box.dataset.state = state;
  const element = /** @type {HTMLElement} */ (box.querySelector("[data-save-badge]"));
  element.className = `badge ${badge}`;
  element.textContent = readonly ? "View only" : label;
  const text = /** @type {HTMLElement} */ (box.querySelector("[data-save-message]"));
  const shownAtField = state === "refused" && Object.keys(fieldErrors(problem?.body)).some((name) => name !== "");
  text.textContent = message;
  text.hidden = message === "" || shownAtField;
  const absent = missing(coding);
  const complete = /** @type {HTMLElement} */ (box.querySelector("[data-complete]"));
  complete.textContent = absent.length === 0 ? "Complete" : isBlank(coding) ? "" : `Missing: ${absent.join(", ")}`;
  complete.classList.toggle("is-complete", absent.length === 0);
  if (!changed) return;
  showActions(/** @type {HTMLElement} */ (box.querySelector("[data-save-actions]")), shownAtField ? "unsaved" : state);
  if (ANNOUNCED.has(state)) announce(`${label}. ${message}`);
}

/** @param {HTMLElement} host @param {SaveState} state */
function showActions(host, state) {
  const [name, label] = ACTIONS[state] ?? [];
  host.hidden = !name;
  host.replaceChildren();
  if (!name || !label) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-small";
  button.dataset.save = name;
  button.textContent = label;
  host.append(button);
}
