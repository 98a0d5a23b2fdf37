/** View: emotion, kind, confidence, action units and note of the selected expression. */
import { NAMES, parseActionUnits } from "../coding/action-units.js";
import { unitText } from "../coding/unit-grammar.js";
import { fieldErrors } from "../../http.js";
import { emotionId } from "../keys/keymap.js";

/** @typedef {import("../coding/expression.js").Expression} Expression */
/** @typedef {import("../coding/action-units.js").ActionUnit} ActionUnit */

/** @param {HTMLElement} root @param {readonly string[]} emotions of the database; if empty, the coder types one */
export function buildEmotions(root, emotions) {
  const host = /** @type {HTMLElement} */ (root.querySelector("[data-emotions]"));
  if (emotions.length === 0) return host.replaceChildren(emotionInput());
  host.replaceChildren(...emotions.map((emotion) => emotionButton(emotion)));
}

/** @param {string} emotion */
function emotionButton(emotion) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-small";
  button.dataset.emotion = emotion;
  button.dataset.writes = "";
  button.setAttribute("aria-pressed", "false");
  const word = document.createElement("span");
  word.textContent = emotion;
  const kbd = document.createElement("kbd");
  kbd.dataset.key = emotionId(emotion);
  kbd.setAttribute("aria-hidden", "true");
  button.append(word, " ", kbd);
  return button;
}

function emotionInput() {
  const input = document.createElement("input");
  input.className = "input";
  input.maxLength = 40;
  input.autocomplete = "off";
  input.dataset.field = "emotion";
  input.dataset.writes = "";
  input.setAttribute("aria-label", "Emotion");
  return input;
}

/** @param {HTMLElement} root the panel @param {Expression} expression @param {readonly string[]} emotions */
export function showFields(root, { coding, problem }, emotions) {
  press(root, "emotion", coding.emotion);
  press(root, "kind", coding.kind);
  press(root, "confidence", String(coding.confidence ?? ""));
  const errors = { ...fieldErrors(problem?.body) };
  const { terms, error } = parseActionUnits(coding.action_units);
  if (error) errors.action_units = error;
  for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (root.querySelectorAll("[data-field]"))) {
    const field = /** @type {"action_units" | "note" | "emotion"} */ (input.dataset.field);
    if (input.value !== coding[field]) input.value = coding[field];
    input.setAttribute("aria-invalid", String(field in errors));
  }
  for (const message of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-error]"))) {
    const text = errors[message.dataset.error ?? ""] ?? "";
    if (message.textContent !== text) message.textContent = text;
    message.hidden = text === "";
  }
  const named = (/** @type {ActionUnit} */ unit) => `${unitText(unit)} ${NAMES.get(unit.number)?.toLowerCase() ?? ""}`.trim();
  const names = terms.map((term) => term.map(named).join(" or ")).join(", ");
  const nameLine = find(root, "[data-unit-names]");
  nameLine.textContent = error ? "" : names;
  nameLine.title = error ? "" : names;
  const unlisted = coding.emotion !== "" && emotions.length > 0 && !emotions.includes(coding.emotion);
  find(root, "[data-unlisted]").textContent = unlisted ? `Coded as “${coding.emotion}”, which is not in the list.` : "";
}

/** @param {HTMLElement} root @param {string} name @param {string} chosen */
function press(root, name, chosen) {
  for (const button of root.querySelectorAll(`[data-${name}]`)) button.setAttribute("aria-pressed", String(button.getAttribute(`data-${name}`) === chosen));
}

/** @param {HTMLElement} root @param {string} selector */
const find = (root, selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
