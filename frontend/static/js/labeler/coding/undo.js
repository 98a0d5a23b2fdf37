/** The coder's steps, so that they can be undone and redone. Refers to expressions by key; independent of saving. */

/** @typedef {import("./coding.js").Coding} Coding */

/**
 * @typedef {Partial<Coding> & {deleted?: boolean}} Change fields and their values; deleted: whether the expression is deleted
 *
 * @typedef {object} Step
 * @property {string} key of the expression
 * @property {string} label says what was done: "onset set at frame 3 (source 4)"
 * @property {Change} before
 * @property {Change} after
 */

export class UndoHistory {
  /** @type {Step[]} */
  #done = [];
  /** @type {Step[]} */
  #undone = [];
  /** Whether the next step of typing is merged with the last. */
  #open = false;

  /** @param {Step} step @param {boolean} [merges] whether to merge it with the previous step of typing in the same field */
  record(step, merges = false) {
    this.#undone = [];
    const last = this.#done.at(-1);
    if (merges && this.#open && last && last.key === step.key && last.label === step.label) {
      this.#done[this.#done.length - 1] = { ...last, after: step.after };
    } else this.#done.push(step);
    this.#open = merges;
  }

  /** Start a new step with the next typing. */
  seal() {
    this.#open = false;
  }

  /** @returns {Step | null} to undo: apply its `before` */
  undo() {
    return this.#move(this.#done, this.#undone);
  }

  /** @returns {Step | null} to redo: apply its `after` */
  redo() {
    return this.#move(this.#undone, this.#done);
  }

  /** @param {Step[]} from @param {Step[]} to @returns {Step | null} */
  #move(from, to) {
    this.#open = false;
    const step = from.pop() ?? null;
    if (step) to.push(step);
    return step;
  }
}
