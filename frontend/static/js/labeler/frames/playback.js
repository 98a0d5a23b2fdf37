/** Which frame is due, by pts, at a fraction of full speed, forward or backward. Knows only frame times and a given clock. */

/** @typedef {import("./frame-pack.js").FramePack} FramePack */
/** @typedef {{first: number, last: number}} Range frame indices, both included */
/** @typedef {1 | -1} Direction of time */

/** Fractions of full speed, slow to fast. */
export const SPEEDS = Object.freeze([1 / 20, 1 / 10, 1 / 5, 1 / 3, 1 / 2, 1]);

/** Seconds. Rounding of sums must not show a frame late or early. */
const NANOSECOND = 1e-9;

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
  /** @type {Direction} */
  direction = 1;
  /** @type {Range | null} */
  loop = null;
  #pack;
  #speed;
  /** A clock reading (ms) and the clip time (s) at that moment. */
  #anchor = { clock: 0, time: 0 };

  /** @param {FramePack} pack @param {number} [speed] */
  constructor(pack, speed = everyFrameSpeed(pack.fps)) {
    this.#pack = pack;
    this.#speed = speed;
  }

  get speed() {
    return this.#speed;
  }

  /** The frames that are played: the loop, or the whole clip. @returns {Range} */
  get range() {
    return this.loop ?? { first: 0, last: this.#pack.last };
  }

  /**
   * @param {number} clock ms @param {number} index the frame on screen @param {Direction} [direction]
   * @returns {number} the frame that play starts at: the range's start if `index` is outside the range or at its end
   */
  play(clock, index, direction = 1) {
    const { first, last } = this.range;
    const [rangeStart, rangeEnd] = direction > 0 ? [first, last] : [last, first];
    const start = index < first || index > last || index === rangeEnd ? rangeStart : index;
    this.direction = direction;
    this.#anchor = { clock, time: this.#edge(start) };
    this.playing = true;
    return start;
  }

  pause() {
    this.playing = false;
  }

  /** Stop the clock until the frame can be shown, so that no frame is skipped. @param {number} clock @param {number} index */
  hold(clock, index) {
    this.#anchor = { clock, time: this.#edge(index) };
  }

  /** @param {number} speed @param {number} clock ms, so that a change during play does not jump */
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

  /** Return when a frame starts in the direction of play; backward, that is its end. @param {number} index @returns {number} s */
  #edge(index) {
    return this.#pack.seconds(index) + (this.direction > 0 ? 0 : this.#pack.length(index));
  }

  /** @param {number} clock @returns {number} clip seconds, unbounded */
  #timeAt(clock) {
    return this.#anchor.time + this.direction * (Math.max(clock - this.#anchor.clock, 0) / 1000) * this.#speed;
  }

  /**
   * @param {number} clock ms, from the same source as play's
   * @returns {{index: number, ended: boolean}} the frame due; ended: whether the clip is over (never in a loop)
   */
  due(clock) {
    const { first, last } = this.range;
    const start = this.#pack.seconds(first);
    const length = this.#pack.seconds(last) + this.#pack.length(last) - start;
    const time = this.#timeAt(clock) - start;
    const over = this.direction > 0 ? time >= length : time <= 0;
    if (over && !this.loop) return { index: this.direction > 0 ? last : first, ended: true };
    const wrapped = over ? this.#wrap(time, length) : time;
    if (over) this.#anchor = { clock, time: start + wrapped };
    const index = this.#pack.indexAt(start + wrapped + this.direction * NANOSECOND);
    return { index: Math.min(Math.max(index, first), last), ended: false };
  }

  /** @param {number} time s from the range's start, outside the range @param {number} length s @returns {number} inside the range */
  #wrap(time, length) {
    const rest = time % length;
    return this.direction > 0 ? rest : rest + length;
  }
}
