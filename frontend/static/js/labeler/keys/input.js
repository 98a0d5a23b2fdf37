/** Turns key presses and clicks in the labeler into actions. */
import { keyOf } from "./key-names.js";

/** @typedef {import("./actions.js").ActionName} ActionName */

/**
 * @param {object} options
 * @param {HTMLElement} options.root the labeler
 * @param {import("./keymap.js").Keymap} options.keymap
 * @param {(name: ActionName) => void} options.act
 * @param {(name: ActionName) => void} options.release called when the action's key is let go
 * @param {(emotion: string) => void} options.chooseEmotion
 * @param {AbortSignal} options.signal stops listening
 */
export function listenForInput({ root, keymap, act, release, chooseEmotion, signal }) {
  /** @param {KeyboardEvent} event */
  const didPressKey = (event) => {
    const target = event.target instanceof HTMLElement ? event.target : document.body;
    if (document.querySelector("dialog[open]") || event.defaultPrevented) return;
    const key = keyOf(event);
    if (isTyping(target)) {
      const leaves = event.key === "Escape" || (event.key === "Enter" && target instanceof HTMLInputElement);
      if (leaves && root.contains(target)) target.blur();
    }
    const bound = key === null ? null : keymap.bound(key);
    // In a text field the field's own keys come first: Ctrl+Z undoes typing there.
    if (!bound || (isTyping(target) && bound.name !== "save" && bound.name !== "done")) return;
    // Space or Enter presses a focused button or link, as everywhere.
    if ((key === "Space" || key === "Enter") && target.closest("button, a, summary")) return;
    event.preventDefault();
    if (event.repeat && !bound.repeats) return;
    if (bound.kind === "action") act(bound.name);
    else chooseEmotion(bound.name);
  };

  /** @param {KeyboardEvent} event */
  const didReleaseKey = (event) => {
    const key = keyOf(event);
    const bound = key === null ? null : keymap.bound(key);
    if (bound?.kind === "action") release(bound.name);
  };

  /** Keep the focus off a clicked button (Space would press it again), and out of text fields. @param {Event} event */
  const didPressMouse = (event) => {
    if (!(/** @type {Element} */ (event.target).closest("button, output"))) return;
    event.preventDefault();
    const active = document.activeElement;
    if (active instanceof HTMLElement && isTyping(active)) active.blur();
  };

  /** @param {Event} event */
  const didClick = (event) => {
    const action = /** @type {Element} */ (event.target).closest("button")?.dataset.action;
    if (action) act(/** @type {ActionName} */ (action));
  };

  document.addEventListener("keydown", didPressKey, { signal });
  document.addEventListener("keyup", didReleaseKey, { signal });
  root.addEventListener("mousedown", didPressMouse, { signal });
  root.addEventListener("click", didClick, { signal });
}

/** @param {Element} element that has the focus @returns {boolean} whether it takes typed text */
export function isTyping(element) {
  if (element.closest("dialog:not([open])")) return false; // just closed; the browser moves the focus a moment later
  const notText = "[type=checkbox], [type=radio], [type=button], [type=submit]";
  return element.closest(`input:not(${notText}), textarea, select, [contenteditable]`) !== null;
}
