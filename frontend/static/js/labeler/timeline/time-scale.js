/** Which frames the timeline shows, and where. Frames may be fractional: frame i covers i to i + 1. */

/** Not fewer frames than this fill the timeline. */
const CLOSEST = 12;
/** Share of the view that stays free before a frame that is brought in. */
const MARGIN = 0.1;

/** @param {number} count @param {number} width px @param {number} spacing px at least, between labels @returns {number} */
export function tickStep(count, width, spacing = 72) {
  const least = (count / Math.max(width, 1)) * spacing;
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  return Math.max(1, [1, 2, 5, 10].map((n) => n * power).find((step) => step >= least) ?? 1);
}

export class TimeScale {
  /** first frame in view, and how many are */
  first = 0;
  span;
  /** css px of the whole timeline */
  width = 0;
  #count;
  #pad;

  /** @param {number} count frames @param {number} [pad] px left and right, so that the first and last frame can be seen and touched */
  constructor(count, pad = 8) {
    this.#count = count;
    this.#pad = pad;
    this.span = count;
  }

  get zoomed() {
    return this.span < this.#count;
  }

  get end() {
    return this.first + this.span;
  }

  get #inner() {
    return Math.max(this.width - 2 * this.#pad, 1);
  }

  /** @param {number} frame @returns {number} px */
  x(frame) {
    return this.#pad + ((frame - this.first) / this.span) * this.#inner;
  }

  /** @param {number} x px @returns {number} the frame there, fractional; it may lie outside the clip */
  frame(x) {
    return this.first + ((x - this.#pad) / this.#inner) * this.span;
  }

  /** @param {number} frame @returns {number} px where it lies when the whole clip is shown, as in the overview */
  overviewX(frame) {
    return this.#pad + (frame / this.#count) * this.#inner;
  }

  /** @param {number} x px @returns {number} */
  overviewFrame(x) {
    return ((x - this.#pad) / this.#inner) * this.#count;
  }

  /** @param {number} factor above 1: closer @param {number} about frame that stays where it is */
  zoom(factor, about) {
    const span = Math.min(Math.max(this.span / factor, Math.min(CLOSEST, this.#count)), this.#count);
    const share = (about - this.first) / this.span;
    this.span = span;
    this.#place(about - share * span);
  }

  /** @param {number} frames to the right; may be negative */
  pan(frames) {
    this.#place(this.first + frames);
  }

  /** @param {number} frame brought to the middle */
  centre(frame) {
    this.#place(frame - this.span / 2);
  }

  reset() {
    this.span = this.#count;
    this.first = 0;
  }

  /** @param {number} index of a frame @returns {boolean} whether the view had to move for it to be seen whole */
  reveal(index) {
    if (index >= this.first && index + 1 <= this.end) return false;
    const margin = MARGIN * this.span;
    this.#place(index < this.first ? index - margin : index + 1 + margin - this.span);
    return true;
  }

  /** @returns {{step: number, ticks: number[]}} frames to label */
  ticks() {
    const step = tickStep(this.span, this.width);
    const ticks = [];
    for (let i = Math.ceil(this.first / step) * step; i < Math.min(this.end, this.#count); i += step) ticks.push(i);
    return { step, ticks };
  }

  /** @param {number} first */
  #place(first) {
    this.first = Math.min(Math.max(first, 0), this.#count - this.span);
  }
}
