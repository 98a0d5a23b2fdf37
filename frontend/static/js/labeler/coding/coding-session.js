/**
 * A coder's work on a clip's expressions: which one is selected, edits, undo, and the spotter's suggestions. Independent of the page.
 */
import { BLANK, isBlank, missing } from "./coding.js";
import { MARKS } from "./marks.js";
import { UndoHistory } from "./undo.js";

/** @typedef {import("./autosave.js").AutoSave} AutoSave */
/** @typedef {import("./coding.js").Coding} Coding */
/** @typedef {import("./coding.js").Suggestion} Suggestion */
/** @typedef {import("./expression.js").Expression} Expression */
/** @typedef {import("./undo.js").Change} Change */

export class CodingSession {
  /** @type {Suggestion[]} */
  suggestions = [];
  #autosave;
  #history = new UndoHistory();
  #key = "";

  /** @param {AutoSave} autosave */
  constructor(autosave) {
    this.#autosave = autosave;
  }

  get expressions() {
    return this.#autosave.expressions;
  }

  /** The selected expression; there is always one. @returns {Expression} */
  get selected() {
    const list = this.expressions;
    const found = list.find((expression) => expression.key === this.#key) ?? list[0] ?? this.#autosave.add();
    this.#key = found.key;
    return found;
  }

  get coding() {
    return this.selected.coding;
  }

  /** @returns {number} the position of the selected expression, from 0 */
  get position() {
    return this.expressions.indexOf(this.selected);
  }

  /** @param {string} key */
  select(key) {
    this.#history.seal();
    if (this.expressions.some((expression) => expression.key === key)) this.#key = key;
  }

  /** @param {1 | -1} direction @returns {boolean} whether there is one in that direction */
  step(direction) {
    const next = this.expressions[this.position + direction];
    if (next) this.select(next.key);
    return next !== undefined;
  }

  /** Select a blank expression; add one if there is none. */
  addExpression() {
    const blank = this.expressions.find((expression) => isBlank(expression.coding)) ?? this.#autosave.add();
    this.select(blank.key);
  }

  /**
   * @param {Partial<Coding>} fields set by the coder @param {string} label describes the edit, for undo
   * @param {{typing?: boolean}} [options] typing: merged into one undo step until something else is done
   */
  edit(fields, label, { typing = false } = {}) {
    const after = { ...fields, ...this.#originOf({ ...this.coding, ...fields }) };
    const names = /** @type {(keyof Coding)[]} */ (Object.keys(after));
    const before = Object.fromEntries(names.map((name) => [name, this.coding[name]]));
    const key = this.selected.key;
    this.#history.record({ key, label, before, after }, typing);
    this.#autosave.change(key, after);
  }

  /** End the undo step of typing into a field. */
  seal() {
    this.#history.seal();
  }

  /** Delete the selected expression and select the one before it. */
  remove() {
    const { key } = this.selected;
    const position = this.position;
    this.#history.record({ key, label: `expression ${position + 1} deleted`, before: { deleted: false }, after: { deleted: true } });
    this.#autosave.setDeleted(key, true);
    this.#key = this.expressions[Math.max(position - 1, 0)]?.key ?? "";
  }

  /** @param {import("./coding.js").AnnotationRecord} record deleted earlier, to be restored */
  restore(record) {
    const { key } = this.#autosave.addDeleted(record);
    this.#history.record({ key, label: "expression restored", before: { deleted: true }, after: { deleted: false } });
    this.#apply(key, { deleted: false });
  }

  /** @returns {string | null} label of the undone step */
  undo() {
    const step = this.#history.undo();
    if (step) this.#apply(step.key, step.before);
    return step?.label ?? null;
  }

  /** @returns {string | null} label of the redone step */
  redo() {
    const step = this.#history.redo();
    if (step) this.#apply(step.key, step.after);
    return step?.label ?? null;
  }

  /** @param {string} key @param {Change} change */
  #apply(key, { deleted, ...fields }) {
    if (deleted !== undefined) this.#autosave.setDeleted(key, deleted);
    else if (this.#autosave.find(key)?.deleted) this.#autosave.setDeleted(key, false); // deleted elsewhere since then: restore it
    if (Object.keys(fields).length) this.#autosave.change(key, fields);
    if (!deleted) this.#key = key;
  }

  /** @returns {Suggestion[]} those that overlap no expression */
  get open() {
    const spans = this.expressions.map(({ coding }) => spanOf(coding)).filter((span) => span !== null);
    const taken = this.expressions.map(({ coding }) => coding.suggestion?.onset);
    return this.suggestions.filter(
      ({ onset, offset }) => !taken.includes(onset) && !spans.some((span) => onset <= span.last && span.first <= offset),
    );
  }

  /**
   * Accept the nearest open suggestion: into the selected expression if it has no marks, else into a new one.
   *
   * @param {number} index where the coder is
   * @returns {Suggestion | null} null if there is none
   */
  accept(index) {
    const distance = (/** @type {Suggestion} */ { onset, offset }) => Math.max(onset - index, index - offset, 0);
    const nearest = this.open.reduce((/** @type {Suggestion | null} */ best, other) => (best && distance(best) <= distance(other) ? best : other), null);
    if (!nearest) return null;
    if (MARKS.some((name) => this.coding[name] !== null)) this.addExpression();
    const { onset, apex, offset } = nearest;
    this.edit({ onset, apex, offset, suggestion: nearest }, `suggestion at frame ${onset} accepted`);
    return nearest;
  }

  /** @returns {{key: string, missing: string[]} | null} the first expression that is neither blank nor complete */
  get incomplete() {
    const started = this.expressions.filter(({ coding }) => !isBlank(coding));
    const found = started.find(({ coding }) => missing(coding).length);
    return found ? { key: found.key, missing: missing(found.coding) } : null;
  }

  /** @param {Coding} coding after the edit @returns {Partial<Coding>} the change of its origin */
  #originOf(coding) {
    const { suggestion } = coding;
    if (!suggestion) return coding.origin === BLANK.origin ? {} : { origin: BLANK.origin };
    if (MARKS.every((name) => coding[name] === null)) return { origin: BLANK.origin, suggestion: null };
    const origin = MARKS.every((name) => coding[name] === suggestion[name]) ? "suggested" : "corrected";
    return origin === coding.origin ? {} : { origin };
  }
}

/** @param {Coding} coding @returns {{first: number, last: number} | null} from its first mark to its last */
export function spanOf(coding) {
  const set = MARKS.map((name) => coding[name]).filter((value) => value !== null);
  return set.length ? { first: Math.min(...set), last: Math.max(...set) } : null;
}
