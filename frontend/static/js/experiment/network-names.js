/**
 * The networks that a grid may try, as checkboxes: ticking one writes its name among the values of the setting “Network”, in
 * a free row if it has none yet. Other values in the row, such as JSON with settings, stay. Only the row is submitted.
 */

import { namesIn, withName } from "./network-values.js";

/** @typedef {{setting: HTMLSelectElement, values: HTMLInputElement}} Row */

/** @returns {Row[]} */
function rows() {
  return [...document.querySelectorAll(".axis")].flatMap((axis) => {
    const setting = axis.querySelector("select");
    const values = axis.querySelector("input");
    return setting && values ? [{ setting, values }] : [];
  });
}

const NETWORK = "net";
const list = document.querySelector("#network-names");

/** @returns {HTMLInputElement[]} */
const boxes = () => [...(list?.querySelectorAll("input") ?? [])];

/** Tick the networks that are among the values. */
function follow() {
  const row = rows().find(({ setting }) => setting.value === NETWORK);
  const names = row ? namesIn(row.values.value) : [];
  for (const box of boxes()) box.checked = names.includes(box.value);
}

if (list instanceof HTMLElement) {
  list.hidden = false;
  follow();
  document.querySelector(".axes")?.addEventListener("input", follow);
  list.addEventListener("change", (event) => {
    const box = /** @type {HTMLInputElement} */ (event.target);
    const all = rows();
    const row = all.find(({ setting }) => setting.value === NETWORK) ?? all.find(({ setting }) => !setting.value);
    if (!row) return follow();
    row.setting.value = NETWORK;
    row.values.value = withName(row.values.value, box.value, box.checked);
    row.values.dispatchEvent(new Event("input", { bubbles: true }));
    row.values.dispatchEvent(new Event("change", { bubbles: true }));
  });
}
