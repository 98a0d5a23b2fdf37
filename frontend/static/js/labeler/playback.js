/** Which frame is due, by pts, at a fraction of true speed. Knows only frame times and a clock it is given. */

/** @typedef {import("./frame-pack.js").FramePack} FramePack */
/** @typedef {{first: number, last: number}} Range frame indices, both included */

/** Fractions of true speed, slow to fast. */
export const SPEEDS = Object.freeze([1 / 20, 1 / 10, 1 / 5, 1 / 3, 1 / 2, 1]);

/** @param {number} speed @returns {string} "1/5×" */
export const speedLabel = (speed) => (speed === 1 ? "1×" : `1/${Math.round(1 / speed)}×`);

/**
 * @param {number} fps of the clip @param {number} screenHz
 * @returns {number} the fastest speed at which a screen still shows every frame
 */
export function everyFrameSpeed(fps, screenHz = 60) {
  return SPEEDS.findLast((speed) => fps * speed <= screenHz * 1.01) ?? SPEEDS[0];
}

export class Playback {
  playing = false;
  /** @type {Range | null} */
  loop = null;
  #pack;
  #speed;
  /** clock reading (ms) and clip time (s) that belong together */
  #anchor = { clock: 0, time: 0 };

  /** @param {FramePack} pack @param {number} [speed] */
  constructor(pack, speed = everyFrameSpeed(pack.fps)) {
    this.#pack = pack;
    this.#speed = speed;
  }

  get speed() {
    return this.#speed;
  }

  /** What is played: the loop, or the whole clip. @returns {Range} */
  get range() {
    return this.loop ?? { first: 0, last: this.#pack.last };
  }

  /**
   * @param {number} clock ms @param {number} index the frame on screen
   * @returns {number} the frame play begins at: the range's first when `index` is outside or at the end
   */
  play(clock, index) {
    const { first, last } = this.range;
    const start = index < first || index >= last ? first : index;
    this.#anchor = { clock, time: this.#pack.seconds(start) };
    this.playing = true;
    return start;
  }

  pause() {
    this.playing = false;
  }

  /** The clock stands until the frame can be shown: nothing is skipped for being late. @param {number} clock @param {number} index */
  hold(clock, index) {
    this.#anchor = { clock, time: this.#pack.seconds(index) };
  }

  /** @param {number} speed @param {number} clock ms, so that a change in mid-play does not jump */
  setSpeed(speed, clock) {
    const time = this.#timeAt(clock);
    this.#speed = speed;
    this.#anchor = { clock, time };
  }

  /** @param {1 | -1} step one step faster or slower @param {number} clock */
  changeSpeed(step, clock) {
    const index = SPEEDS.indexOf(this.#speed) + step;
    if (index >= 0 && index < SPEEDS.length) this.setSpeed(SPEEDS[index], clock);
  }

  /** @param {number} clock @returns {number} clip seconds, unbounded */
  #timeAt(clock) {
    return this.#anchor.time + (Math.max(clock - this.#anchor.clock, 0) / 1000) * this.#speed;
  }

  /**
   * @param {number} clock ms, from the same source as play's
   * @returns {{index: number, ended: boolean}} the frame due; ended: the clip is over (never in a loop)
   */
  due(clock) {
    const { first, last } = this.range;
    const begin = this.#pack.seconds(first);
    const length = this.#pack.seconds(last) + this.#pack.length(last) - begin;
    const time = this.#timeAt(clock) - begin;
    if (time >= length && !this.loop) return { index: last, ended: true };
    const wrapped = time % length;
    if (time >= length) this.#anchor = { clock, time: begin + wrapped };
    // A nanosecond early counts: sums of floats must not hold a frame back.
    const index = this.#pack.indexAt(begin + wrapped + 1e-9);
    return { index: Math.min(Math.max(index, first), last), ended: false };
  }
}
