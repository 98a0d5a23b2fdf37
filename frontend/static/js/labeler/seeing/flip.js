/**
 * The blink comparator: swaps the frame on screen for the one compared with, and back, so that what moved between them
 * jumps to the eye. A tap swaps until the next tap; a held key swaps while it is held. Wherever the coder goes meanwhile ends it.
 */

/** A key let go later than this was held. */
const HOLD_MS = 250;

export class Flip {
  /** @type {{from: number, to: number} | null} */
  #pair = null;
  #since = 0;
  #go;
  #clock;

  /** @param {{go: (index: number) => void, clock?: () => number}} options clock in ms */
  constructor({ go, clock = () => performance.now() }) {
    this.#go = go;
    this.#clock = clock;
  }

  /** @param {number} here the frame on screen @returns {boolean} whether it shows the frame compared with */
  active(here) {
    return this.#pair !== null && this.#pair.to === here;
  }

  /** Frames to keep ready. @returns {number[]} */
  get frames() {
    return this.#pair ? [this.#pair.from, this.#pair.to] : [];
  }

  /** @param {number} here the frame on screen @param {number} reference the frame to compare with */
  press(here, reference) {
    this.#since = this.#clock();
    if (this.active(here)) return this.#back();
    this.#pair = { from: here, to: reference };
    this.#go(reference);
  }

  /** The key was let go. @param {number} here the frame on screen */
  release(here) {
    if (this.active(here) && this.#clock() - this.#since >= HOLD_MS) this.#back();
  }

  #back() {
    const { from } = /** @type {{from: number}} */ (this.#pair);
    this.#pair = null;
    this.#go(from);
  }
}
