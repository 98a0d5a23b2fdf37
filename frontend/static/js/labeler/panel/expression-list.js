/** View: the list of a clip's expressions, and the number of suggestions. */
import { isBlank, missing } from "../coding/coding.js";
import { MARKS } from "../coding/marks.js";

/** @typedef {import("../coding/coding-session.js").CodingSession} CodingSession */
/** @typedef {import("../coding/expression.js").Expression} Expression */

/** @param {HTMLElement} root the panel @param {CodingSession} session */
export function showExpressions(root, session) {
  const list = /** @type {HTMLElement} */ (root.querySelector("[data-expressions]"));
  const selected = session.selected;
  list.replaceChildren(...session.expressions.map((expression, position) => row(expression, position, expression === selected)));
  reveal(list, /** @type {HTMLElement | null} */ (list.querySelector("[aria-current=true]")));
  const open = session.open.length;
  const accept = /** @type {HTMLElement} */ (root.querySelector("[data-suggestions]"));
  accept.hidden = open === 0;
  /** @type {HTMLElement} */ (accept.querySelector("[data-open]")).textContent = `${open} suggestion${open === 1 ? "" : "s"}`;
}

/** Scroll the list, but not the page, to a row. @param {HTMLElement} list @param {HTMLElement | null} row */
function reveal(list, row) {
  if (!row) return;
  const [box, inside] = [list.getBoundingClientRect(), row.getBoundingClientRect()];
  if (inside.top < box.top) list.scrollTop -= box.top - inside.top;
  if (inside.bottom > box.bottom) list.scrollTop += inside.bottom - box.bottom;
}

/** @param {Expression} expression @param {number} position @param {boolean} isSelected @returns {HTMLLIElement} */
function row(expression, position, isSelected) {
  const { coding, key, theirs } = expression;
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "expression";
  button.dataset.expression = key;
  button.setAttribute("aria-current", String(isSelected));
  const absent = missing(coding);
  const state = theirs ? "changed elsewhere" : isBlank(coding) ? "blank" : absent.length ? `no ${absent.join(", ")}` : "complete";
  const parts = [
    ["expression-number", String(position + 1)],
    ["expression-span num", MARKS.map((name) => coding[name] ?? "–").join(" · ")],
    ["expression-emotion", coding.emotion || "–"],
    [`expression-state${theirs ? " is-conflict" : absent.length ? "" : " is-complete"}`, state],
  ];
  for (const [className, text] of parts) {
    const span = document.createElement("span");
    span.className = className;
    span.textContent = text;
    span.title = className.startsWith("expression-e") || className.startsWith("expression-state") ? text : "";
    button.append(span, " ");
  }
  item.append(button);
  return item;
}
