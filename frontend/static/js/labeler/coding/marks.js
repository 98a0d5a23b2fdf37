/** Onset, apex and offset of one expression: frame indices, always in order. */

/** @typedef {"onset" | "apex" | "offset"} MarkName */
/** @typedef {Record<MarkName, number | null>} MarkValues */

/** @type {readonly MarkName[]} */
export const MARKS = Object.freeze(["onset", "apex", "offset"]);

export class Marks {
  /** @type {number | null} */
  onset = null;
  /** @type {number | null} */
  apex = null;
  /** @type {number | null} */
  offset = null;
  #describe;
  #clearKey;

  /**
   * @param {(index: number) => string} describe names a frame, for messages
   * @param {Partial<MarkValues>} [values]
   * @param {(name: MarkName) => string} [clearKey] the key that clears a mark, for messages
   */
  constructor(describe, values = {}, clearKey = () => "") {
    this.#describe = describe;
    this.#clearKey = clearKey;
    this.replace(values);
  }

  /** @returns {MarkValues} */
  get values() {
    return { onset: this.onset, apex: this.apex, offset: this.offset };
  }

  /** @param {Partial<MarkValues>} values as the server has them */
  replace(values) {
    for (const name of MARKS) this[name] = values[name] ?? null;
  }

  /**
   * @param {MarkName} name @param {number} index
   * @returns {string | null} null if set; else why not, and what to do
   */
  set(name, index) {
    const place = MARKS.indexOf(name);
    const blocker =
      MARKS.slice(0, place).findLast((other) => (this[other] ?? -Infinity) > index) ??
      MARKS.slice(place + 1).find((other) => (this[other] ?? Infinity) < index);
    if (!blocker) {
      this[name] = index;
      return null;
    }
    const side = MARKS.indexOf(blocker) < place ? "before" : "after";
    const at = /** @type {number} */ (this[blocker]);
    const key = this.#clearKey(blocker);
    return (
      `The ${name} cannot be at ${this.#describe(index)}, ${side} the ${blocker} at ${this.#describe(at)}. ` +
      `Move the ${blocker} first, or clear it${key ? ` with ${key}` : ""}.`
    );
  }

  /** @param {MarkName} name @returns {boolean} whether it was set */
  clear(name) {
    const had = this[name] !== null;
    this[name] = null;
    return had;
  }

  /** @param {number} index @returns {MarkName[]} */
  at(index) {
    return MARKS.filter((name) => this[name] === index);
  }

  /**
   * @param {number} index @param {number} by the direction it will be moved in
   * @returns {MarkName | null} the mark nearest to a frame; of two equally near, the one that is free to move that way
   */
  nearest(index, by) {
    const distance = (/** @type {MarkName} */ name) => Math.abs((this[name] ?? Infinity) - index);
    const set = MARKS.filter((name) => this[name] !== null);
    const least = Math.min(...set.map(distance));
    const near = set.filter((name) => distance(name) === least);
    return near.at(by > 0 ? -1 : 0) ?? null;
  }

  /** @param {number} index @param {1 | -1} direction @returns {number | null} the frame of the next mark in that direction */
  next(index, direction) {
    const set = MARKS.map((name) => this[name]).filter((value) => value !== null);
    const beyond = set.filter((value) => (value - index) * direction > 0);
    return beyond.length ? beyond.reduce((a, b) => (Math.abs(b - index) < Math.abs(a - index) ? b : a)) : null;
  }

  /** @returns {{first: number, last: number} | null} onset to offset, for the loop */
  get span() {
    return this.onset === null || this.offset === null ? null : { first: this.onset, last: this.offset };
  }

  /** @returns {MarkName[]} */
  get missing() {
    return MARKS.filter((name) => this[name] === null);
  }
}
