/** The dialog that shows all keys and lets the coder change them. */
import { makeDialog } from "../dialog.js";
import { GROUPS } from "./actions.js";
import { keyLabel, keyOf } from "./key-names.js";

/** @typedef {import("./keymap.js").Keymap} Keymap */
/** @typedef {import("./keymap.js").Binding} Binding */

/** @param {HTMLElement} host @param {Keymap} keymap @param {() => void} onchange called when keys have changed */
export function showKeys(host, keymap, onchange) {
  const dialog = makeDialog(
    host,
    "is-wide is-keys",
    "Keys",
    `<div class="dialog-body"><p class="help" data-status role="status" aria-live="polite">Select a key to change it.</p><div class="labeler-keys" tabindex="0" role="region" aria-label="Keys"><div class="labeler-help"></div></div></div>
     <div class="dialog-footer"><button type="button" class="button button-ghost" data-reset-all>Reset all</button><button class="button" autofocus>Close <kbd aria-hidden="true">Esc</kbd></button></div>`,
  );
  const status = /** @type {HTMLElement} */ (dialog.querySelector("[data-status]"));
  /** @type {string | null} the binding that waits for a key */
  let waiting = null;
  const show = (/** @type {string} */ text, refused = false) => {
    if (text) status.textContent = text;
    status.classList.toggle("errors", refused);
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.rebind;
    dialog.querySelector(".labeler-help")?.replaceChildren(...lists(keymap, waiting));
    if (focused) /** @type {HTMLElement | null} */ (dialog.querySelector(`[data-rebind="${CSS.escape(focused)}"]`))?.focus();
    onchange();
  };
  dialog.addEventListener("click", (event) => {
    const { rebind, reset, resetAll } = /** @type {Element} */ (event.target).closest("button")?.dataset ?? {};
    if (rebind !== undefined) {
      waiting = rebind;
      show(`Press the new key for “${labelOf(keymap, rebind)}”, or Esc to cancel.`);
    } else if (reset !== undefined) {
      const refusal = keymap.reset(reset);
      show(refusal ?? `“${labelOf(keymap, reset)}” has its default key again.`, refusal !== null);
    } else if (resetAll !== undefined) {
      keymap.reset();
      show("All keys reset to their defaults.");
    }
  });
  dialog.addEventListener("keydown", (event) => {
    if (waiting === null) return;
    const key = keyOf(event);
    event.preventDefault();
    event.stopPropagation();
    if (key === null) return; // a modifier alone
    const id = waiting;
    if (key === "Escape") {
      waiting = null;
      return show("No key changed.");
    }
    const refusal = keymap.rebind(id, key);
    if (refusal === null) waiting = null;
    show(refusal ?? `“${labelOf(keymap, id)}” is now ${keyLabel(key)}.`, refusal !== null);
  });
  dialog.addEventListener("cancel", (event) => {
    if (waiting !== null) event.preventDefault();
  });
  show("");
  dialog.showModal();
}

/** @param {Keymap} keymap @param {string} id */
const labelOf = (keymap, id) => keymap.bindings.find(([other]) => other === id)?.[1].label ?? id;

/** @param {Keymap} keymap @param {string | null} waiting @returns {HTMLElement[]} */
function lists(keymap, waiting) {
  return [...GROUPS, /** @type {const} */ ("Emotion")].flatMap((group) => {
    const rows = keymap.bindings.filter(([, binding]) => binding.group === group);
    if (!rows.length) return [];
    const section = document.createElement("section");
    const heading = document.createElement("h3");
    heading.textContent = group;
    const list = document.createElement("dl");
    list.append(...rows.map(([id, binding]) => row(keymap, id, binding, waiting === id)));
    section.append(heading, list);
    return [section];
  });
}

/** @param {Keymap} keymap @param {string} id @param {Binding} binding @param {boolean} waits */
function row(keymap, id, { label }, waits) {
  const element = document.createElement("div");
  const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
  dt.textContent = label;
  const keys = keymap.keys(id).map(keyLabel);
  if (keymap.isChanged(id)) dd.append(button("reset", id, "Reset", `Reset the key for ${label}`, "button button-small button-ghost"), " ");
  const change = button("rebind", id, "", `${label}: ${keys.join(" or ") || "no key"}. Change`, "labeler-key");
  change.append(...(waits ? ["press a key…"] : keys.length ? keys.flatMap((key) => [kbd(key), " "]) : ["none"]));
  dd.append(change);
  element.append(dt, dd);
  return element;
}

/** @param {string} text */
function kbd(text) {
  const element = document.createElement("kbd");
  element.textContent = text;
  return element;
}

/** @param {"reset" | "rebind"} name @param {string} id @param {string} text @param {string} label @param {string} className */
function button(name, id, text, label, className) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = className;
  element.dataset[name] = id;
  element.textContent = text;
  element.setAttribute("aria-label", label);
  return element;
}
