/** Emotion, kind, confidence, action units and note of the selected expression. A view. */
import { COMMON, parseActionUnits, unitText } from "../coding/action-units.js";
import { fieldErrors } from "../../http.js";
import { emotionId } from "../keys/keymap.js";

/** @typedef {import("../coding/expression.js").Expression} Expression */

const NAMES = new Map(COMMON);

/** @param {HTMLElement} root @param {readonly string[]} emotions the database's words; none: the coder's own */
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
  const { units, error } = parseActionUnits(coding.action_units);
  if (error) errors.action_units = error;
  for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (root.querySelectorAll("[data-field]"))) {
    const field = /** @type {"action_units" | "note" | "emotion"} */ (input.dataset.field);
    if (input.value !== coding[field]) input.value = coding[field];
    input.setAttribute("aria-invalid", String(field in errors));
  }
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-error]"))) {
    const text = errors[place.dataset.error ?? ""] ?? "";
    if (place.textContent !== text) place.textContent = text;
    place.hidden = text === "";
  }
  const names = units.map((unit) => `${unitText(unit)} ${NAMES.get(unit.number)?.toLowerCase() ?? ""}`.trim()).join(", ");
  const spoken = find(root, "[data-unit-names]");
  spoken.textContent = error ? "" : names;
  spoken.title = error ? "" : names;
  const stray = coding.emotion !== "" && emotions.length > 0 && !emotions.includes(coding.emotion);
  find(root, "[data-stray]").textContent = stray ? `Coded as “${coding.emotion}”, which is not in this list.` : "";
}

/** @param {HTMLElement} root @param {string} name @param {string} chosen */
function press(root, name, chosen) {
  for (const button of root.querySelectorAll(`[data-${name}]`)) button.setAttribute("aria-pressed", String(button.getAttribute(`data-${name}`) === chosen));
}

/** @param {HTMLElement} root @param {string} selector */
const find = (root, selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
