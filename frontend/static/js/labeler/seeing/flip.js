/**
 * A blink comparator: switches between the current frame and a reference frame, so that movement between them stands out.
 * A tap switches until the next tap; a held key switches while it is held. Going to another frame ends it.
 */

/** A key released later than this was held. */
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

  /** @param {number} here the frame on screen @returns {boolean} whether that is the reference frame of a flip */
  active(here) {
    return this.#pair !== null && this.#pair.to === here;
  }

  /** Frames to keep decoded. @returns {number[]} */
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

  /** Handle the release of the key. @param {number} here the frame on screen */
  release(here) {
    if (this.active(here) && this.#clock() - this.#since >= HOLD_MS) this.#back();
  }

  #back() {
    const { from } = /** @type {{from: number}} */ (this.#pair);
    this.#pair = null;
    this.#go(from);
  }
}
