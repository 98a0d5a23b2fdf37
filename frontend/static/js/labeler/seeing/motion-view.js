/** The motion display: motion magnified, as differences or as flow relative to a reference frame. Keeps the settings and paints. */
import { FlowLoader } from "./flow-loader.js";
import { drawFlow, fullStrain } from "./flow-overlay.js";
import { MotionFilter } from "./motion-filter.js";
import { MAX_SIGMA } from "./pixel-filter.js";
import { MotionControls } from "./motion-controls.js";

/** @typedef {import("../frames/frame-pack.js").FramePack} FramePack */
/** @typedef {import("./motion-controls.js").MotionMode} MotionMode */
/** @typedef {import("./motion-controls.js").MotionState} MotionState */

export const MAX_FACTOR = 50;
/** One key press changes the factor by about a quarter. */
const RATIO = 1.25;
const SETTINGS = "mer.motion.v1";
const NO_REFERENCE = "No reference frame: set the onset or choose a frame";

export class MotionView {
  /** @type {MotionMode} */
  mode = "plain";
  factor = 10;
  smoothing = 2;
  /** @type {number | null} */
  #chosen = null;
  /** @type {number | null} */
  #onset = null;
  /** Whether the reference was chosen only because no onset was set; the onset replaces it. */
  #provisional = false;
  /** @type {number | null} the frame whose pixels the filter has */
  #held = null;
  #status = "";
  #pack;
  #imageOf;
  #here;
  #say;
  #onchange;
  #filter;
  #flow;
  #controls;
  #storage;

  /**
   * @param {object} options
   * @param {HTMLElement} options.root the labeler
   * @param {FramePack} options.pack @param {string} options.flowUrl
   * @param {(index: number) => ImageBitmap | null} options.imageOf a frame, if it is decoded
   * @param {() => number} options.here the frame on screen
   * @param {(text: string) => void} options.say
   * @param {() => void} options.onchange called when the image must be painted again; `wanted` may have changed
   * @param {Storage | null} options.storage @param {AbortSignal} options.signal closes it
   */
  constructor({ root, pack, flowUrl, imageOf, here, say, onchange, storage, signal }) {
    this.#pack = pack;
    this.#imageOf = imageOf;
    this.#here = here;
    this.#say = say;
    this.#onchange = onchange;
    this.#storage = storage;
    this.#filter = new MotionFilter(pack);
    this.#flow = new FlowLoader({ url: flowUrl, onchange: () => this.#repaint() });
    this.#restoreSettings();
    this.#controls = new MotionControls(root, (changes) => this.#set(changes), signal);
    this.#controls.show(this.state);
    signal.addEventListener("abort", () => {
      this.#flow.cancel();
      this.#filter.close();
    });
  }

  /** @returns {number | null} */
  get reference() {
    return this.#chosen ?? this.#onset;
  }

  /** @returns {number[]} frames to keep decoded */
  get wanted() {
    return this.mode === "plain" || this.reference === null ? [] : [this.reference];
  }

  /** @returns {MotionState} */
  get state() {
    const why = this.#chosen !== null ? "chosen" : this.#onset !== null ? "onset" : "none";
    const { mode, factor, smoothing, reference } = this;
    return { mode, factor, smoothing, reference, why, status: this.#status };
  }

  get engine() {
    return this.#filter.engine;
  }

  /** @param {number | null} index onset of the expression: the reference, unless the coder chose another frame */
  set onset(index) {
    if (index === this.#onset) return;
    this.#onset = index;
    this.#repaint();
  }

  /** @param {string} action @returns {boolean} whether `action` is one of these */
  do(action) {
    switch (action) {
      case "magnify": case "difference": case "flow": this.#toggle(action); return true;
      case "motion-more": this.#scale(RATIO); return true;
      case "motion-less": this.#scale(1 / RATIO); return true;
      case "motion-smoother": this.#set({ smoothing: this.smoothing + 0.5 }); return true;
      case "motion-sharper": this.#set({ smoothing: this.smoothing - 0.5 }); return true;
      case "reference": this.#choose(); return true;
      default: return false;
    }
  }

  /** @param {number} index a frame that has just been decoded */
  didDecode(index) {
    if (index === this.reference && index !== this.#held && this.mode !== "plain") this.#repaint();
  }

  /**
   * Paint a frame in the current mode.
   *
   * @param {CanvasRenderingContext2D} context of the frames' size @param {number} index @param {ImageBitmap} image
   * @returns {boolean} false if nothing was painted: show the frame plain
   */
  paint(context, index, image) {
    if (this.mode === "plain") return false;
    const painted = this.mode === "flow" ? this.#paintFlow(context, index, image) : this.#paintFiltered(context, image);
    this.#controls.show(this.state);
    return painted;
  }

  /** @param {CanvasRenderingContext2D} context @param {ImageBitmap} image @returns {boolean} */
  #paintFiltered(context, image) {
    const { mode, factor, smoothing, reference } = this;
    if (reference !== null && reference !== this.#held) {
      const other = this.#imageOf(reference);
      if (other) {
        this.#filter.reference = other;
        this.#held = reference;
      }
    }
    const ready = reference !== null && reference === this.#held;
    this.#status = ready ? "" : reference === null ? NO_REFERENCE : "Loading the reference frame…";
    if (!ready || mode === "plain" || mode === "flow") return false;
    if (mode === "difference") this.#status = `Full colour at ±${Math.max(1, Math.round(255 / factor))} of 255 levels`;
    this.#filter.draw(context, image, { mode, factor, smoothing });
    return true;
  }

  /** @param {CanvasRenderingContext2D} context @param {number} index @param {ImageBitmap} image @returns {boolean} */
  #paintFlow(context, index, image) {
    if (this.reference === null) {
      this.#flow.cancel();
      this.#status = NO_REFERENCE;
      return false;
    }
    if (this.reference === index) {
      this.#flow.cancel();
      this.#status = "This is the reference frame: no motion";
      return false;
    }
    const layer = this.#flow.get(this.reference, index);
    this.#status = typeof layer === "string" ? layer : layer ? `Full tint at strain ${fullStrain(layer).toFixed(2)}` : "Computing the flow…";
    if (!layer || typeof layer === "string") return false;
    context.drawImage(image, 0, 0, this.#pack.width, this.#pack.height);
    drawFlow(context, layer, this.factor);
    return true;
  }

  /** @param {MotionMode} mode */
  #toggle(mode) {
    this.mode = this.mode === mode ? "plain" : mode;
    if (this.mode !== "flow") this.#flow.cancel();
    this.#status = "";
    if (this.mode !== "plain" && this.reference === null) {
      this.#chosen = Math.max(this.#here(), 0);
      this.#say(`Comparing with the current frame, ${this.#pack.describe(this.#chosen)}, until the onset is set.`);
      this.#provisional = true;
    }
    this.#repaint();
  }

  #choose() {
    const here = Math.max(this.#here(), 0);
    this.#provisional = false;
    if (this.#chosen === here && this.#onset !== null) {
      this.#chosen = null;
      this.#say(`Comparing with the onset again, ${this.#pack.describe(this.#onset)}.`);
    } else {
      this.#chosen = here;
      this.#say(`Comparing with ${this.#pack.describe(here)}.`);
    }
    this.#repaint();
  }

  /** @param {number} ratio */
  #scale(ratio) {
    const next = Math.round(this.factor * ratio);
    this.#set({ factor: next === this.factor ? next + Math.sign(ratio - 1) : next });
  }

  /** @param {{factor?: number, smoothing?: number}} changes */
  #set({ factor = this.factor, smoothing = this.smoothing }) {
    this.factor = Math.min(Math.max(factor, 1), MAX_FACTOR);
    this.smoothing = Math.min(Math.max(smoothing, 0), MAX_SIGMA);
    this.#storeSettings();
    this.#repaint();
  }

  #repaint() {
    if (this.#provisional && this.#onset !== null) {
      this.#chosen = null;
      this.#provisional = false;
    }
    this.#controls.show(this.state);
    this.#onchange();
  }

  #restoreSettings() {
    try {
      const { factor, smoothing } = JSON.parse(this.#storage?.getItem(SETTINGS) ?? "{}");
      if (factor >= 1 && factor <= MAX_FACTOR) this.factor = factor;
      if (smoothing >= 0 && smoothing <= MAX_SIGMA) this.smoothing = smoothing;
    } catch {
      // blocked or damaged: use the defaults
    }
  }

  #storeSettings() {
    try {
      this.#storage?.setItem(SETTINGS, JSON.stringify({ factor: this.factor, smoothing: this.smoothing }));
    } catch {
      // full or blocked: kept until the page closes
    }
  }
}
