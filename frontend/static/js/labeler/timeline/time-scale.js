/** Which frames the timeline shows, and at which position. Frames may be fractional: frame i covers i to i + 1. */

/** The smallest number of frames in view. */
const MIN_SPAN = 12;
/** The share of the view that is left as a margin when a frame is brought into view. */
const MARGIN = 0.1;

/** @param {number} count @param {number} width px @param {number} spacing minimum px between labels @returns {number} */
export function tickStep(count, width, spacing = 72) {
  const least = (count / Math.max(width, 1)) * spacing;
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  return Math.max(1, [1, 2, 5, 10].map((n) => n * power).find((step) => step >= least) ?? 1);
}

export class TimeScale {
  /** First frame in view; `span` is the number of frames in view. */
  first = 0;
  span;
  /** Width of the timeline, CSS px. */
  width = 0;
  #count;
  #pad;

  /** @param {number} count frames @param {number} [pad] px left and right, so that the first and last frame are visible and can be reached */
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

  /** @param {number} x px @returns {number} the frame at that position, fractional; it may lie outside the clip */
  frame(x) {
    return this.first + ((x - this.#pad) / this.#inner) * this.span;
  }

  /** @param {number} frame @returns {number} px, its position in the overview, which shows the whole clip */
  overviewX(frame) {
    return this.#pad + (frame / this.#count) * this.#inner;
  }

  /** @param {number} x px @returns {number} */
  overviewFrame(x) {
    return ((x - this.#pad) / this.#inner) * this.#count;
  }

  /** @param {number} factor above 1 zooms in @param {number} about frame whose position stays */
  zoom(factor, about) {
    const span = Math.min(Math.max(this.span / factor, Math.min(MIN_SPAN, this.#count)), this.#count);
    const share = (about - this.first) / this.span;
    this.span = span;
    this.#moveTo(about - share * span);
  }

  /** @param {number} frames to the right; may be negative */
  pan(frames) {
    this.#moveTo(this.first + frames);
  }

  /** @param {number} frame brought to the middle */
  centre(frame) {
    this.#moveTo(frame - this.span / 2);
  }

  reset() {
    this.span = this.#count;
    this.first = 0;
  }

  /** @param {number} index of a frame @returns {boolean} whether the view was moved to show the frame */
  reveal(index) {
    if (index >= this.first && index + 1 <= this.end) return false;
    const margin = MARGIN * this.span;
    this.#moveTo(index < this.first ? index - margin : index + 1 + margin - this.span);
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
  #moveTo(first) {
    this.first = Math.min(Math.max(first, 0), this.#count - this.span);
  }
}
