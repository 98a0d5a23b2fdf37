/**
 * The index of a frame pack: where each frame's bytes are, when the frame is shown and its number in the source.
 * A frame index is 0-based. A source frame number is the one in the database's own coding sheets (SAMM's start at 5562).
 */

/**
 * @typedef {object} PackJson
 * @property {number} version
 * @property {number} width px
 * @property {number} height px
 * @property {string} fps "num/den"
 * @property {string} time_base "num/den" seconds per pts tick
 * @property {string} mime of every frame
 * @property {number} count
 * @property {number[]} offsets count + 1 byte positions
 * @property {number[]} pts
 * @property {number[]} source
 * @property {number[]} [motion] one number per frame
 * @property {number[][]} [faces] one row per frame searched: [frame, left, top, right, bottom] px, or [frame] if no face was found
 * @property {Record<string, number[]>} [motion_regions] one curve per part of the face: brows, eyes, nose, mouth
 */

/** @param {string} text "num/den" @param {string} what @returns {[number, number]} numerator and denominator */
function ratio(text, what) {
  const [numerator, denominator] = `${text}/1`.split("/").map(Number);
  const value = numerator / denominator;
  if (!(value > 0 && Number.isFinite(value))) throw new Error(`The ${what} in the frame index must be a positive fraction such as 200/1, not "${text}".`);
  return [numerator, denominator];
}

/** @param {readonly number[]} numbers @param {boolean} strictly @returns {boolean} */
const ascends = (numbers, strictly) => numbers.every((n, i) => i === 0 || (strictly ? n > numbers[i - 1] : n >= numbers[i - 1]));

export class FramePack {
  /** @type {Map<number, number>} */
  #indexOfSource = new Map();
  #ticks;
  #tick;

  /** @param {PackJson} json @throws {Error} with a sentence for the user, if the index contradicts itself */
  constructor(json) {
    const { count, offsets, pts, source, width, height, mime, motion, faces } = json;
    if (json.version !== 1) throw new Error(`This page cannot read version ${json.version} of the frame index. Reload the page.`);
    if (!(count > 0)) throw new Error("This clip has no frames.");
    if (offsets?.length !== count + 1 || pts?.length !== count || source?.length !== count) {
      throw new Error(`The frame index declares ${count} frames but lists ${offsets?.length} offsets, ${pts?.length} times and ${source?.length} source frame numbers.`);
    }
    if (!ascends(offsets, true)) throw new Error("The frame index has a frame without bytes.");
    if (!ascends(pts, true)) throw new Error("The frames in the frame index are not in time order.");
    this.width = width;
    this.height = height;
    this.mime = mime;
    this.count = count;
    const [frames, seconds] = ratio(json.fps, "frame rate");
    this.fps = frames / seconds;
    this.motion = motion?.length === count ? motion : null;
    this.faces = (faces ?? []).filter((row) => row.length === 5);
    /** @type {Record<string, number[]>} curves of parts of the face; empty for a clip without a face and for one ingested by an older version */
    this.motionRegions = Object.fromEntries(Object.entries(json.motion_regions ?? {}).filter(([, values]) => values?.length === count));
    this.offsets = offsets;
    this.sources = source;
    this.#ticks = pts;
    this.#tick = ratio(json.time_base, "time base");
    const [numerator, denominator] = this.#tick;
    /** seconds from the first frame, per frame */
    this.times = Float64Array.from(pts, (value) => ((value - pts[0]) * numerator) / denominator);
    for (let i = count - 1; i >= 0; i--) this.#indexOfSource.set(source[i], i);
  }

  get last() {
    return this.count - 1;
  }

  /** Seconds from the first frame's start to the last frame's end. */
  get duration() {
    return this.times[this.last] + 1 / this.fps;
  }

  get byteLength() {
    return this.offsets[this.count];
  }

  /** @param {number} index any number @returns {number} the nearest frame index of this clip */
  clamp(index) {
    return Math.min(Math.max(Math.round(index), 0), this.last);
  }

  /** @param {number} index @returns {number} seconds from the first frame */
  seconds(index) {
    return this.times[index];
  }

  /**
   * Whole numbers are divided once, as in clock.py, so that all pages and exports state the same time.
   * @param {number} first @param {number} last @returns {number} milliseconds from one frame to another: the duration of an expression
   */
  durationMs(first, last) {
    const [numerator, denominator] = this.#tick;
    return (1000 * (this.#ticks[last] - this.#ticks[first]) * numerator) / denominator;
  }

  /** @param {number} index @returns {number} milliseconds from the first frame */
  ms(index) {
    return this.durationMs(0, index);
  }

  /** @param {number} index @returns {string} milliseconds from the first frame, to a tenth */
  milliseconds(index) {
    return this.ms(index).toFixed(1);
  }

  /** @param {number} index @returns {number} seconds for which the frame is shown at full speed */
  length(index) {
    return (index < this.last ? this.times[index + 1] : this.duration) - this.times[index];
  }

  /** @param {number} index @returns {number} */
  source(index) {
    return this.sources[index];
  }

  /** @param {number} number @returns {number | null} the frame index of a source frame number */
  indexOfSource(number) {
    return this.#indexOfSource.get(number) ?? null;
  }

  /** @param {number} index @returns {import("../seeing/zoom.js").Box | null} the face in the nearest frame where one was found */
  faceNear(index) {
    if (this.faces.length === 0) return null;
    const [, left, top, right, bottom] = this.faces.reduce((a, b) => (Math.abs(b[0] - index) < Math.abs(a[0] - index) ? b : a));
    return { left, top, right, bottom };
  }

  /** @param {number} seconds @returns {number} the frame shown at that time: the last one that has started */
  indexAt(seconds) {
    let low = 0;
    let high = this.last;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.times[middle] <= seconds) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** @param {number} index @returns {string} both of a frame's numbers, for messages */
  describe(index) {
    return `frame ${index} (source ${this.source(index)})`;
  }
}
