/** Seeing motion: magnified, as differences or as flow against a reference frame. Holds the choice and paints the image. */
import { FlowLoader } from "./flow-loader.js";
import { drawFlow, fullStrain } from "./flow-overlay.js";
import { MotionFilter } from "./motion-filter.js";
import { WIDEST } from "./pixel-filter.js";
import { MotionControls } from "./motion-controls.js";

/** @typedef {import("../frames/frame-pack.js").FramePack} FramePack */
/** @typedef {import("./motion-controls.js").MotionMode} MotionMode */
/** @typedef {import("./motion-controls.js").MotionState} MotionState */

export const MOST = 50;
/** A press changes the factor by about a quarter. */
const RATIO = 1.25;
const SETTINGS = "mer.motion.v1";
/** An expression just begun, or whose onset was cleared, has nothing to compare with. */
const NONE = "Nothing to compare with: set the onset, or take a frame";

export class MotionView {
  /** @type {MotionMode} */
  mode = "plain";
  factor = 10;
  smoothing = 2;
  /** @type {number | null} */
  #chosen = null;
  /** @type {number | null} */
  #onset = null;
  /** The reference was taken for want of any other: the onset takes its place once it is set. */
  #provisional = false;
  /** @type {number | null} the frame whose pixels the lens has */
  #held = null;
  #words = "";
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
   * @param {() => void} options.onchange the image is to be painted anew, and `wanted` may be another
   * @param {Storage | null} options.storage @param {AbortSignal} options.signal ends its life
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
    this.#recall();
    this.#controls = new MotionControls(root, (changes) => this.#set(changes), signal);
    this.#controls.show(this.state);
    signal.addEventListener("abort", () => {
      this.#flow.rest();
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
    return { mode, factor, smoothing, reference, why, words: this.#words };
  }

  get engine() {
    return this.#filter.engine;
  }

  /** @param {number | null} index where the expression begins: what is compared with, unless the coder chose another frame */
  set onset(index) {
    if (index === this.#onset) return;
    this.#onset = index;
    this.#repaint();
  }

  /** @param {string} action @returns {boolean} whether it was one of these */
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
   * Paints a frame as the mode wants it.
   *
   * @param {CanvasRenderingContext2D} context of the images' size @param {number} index @param {ImageBitmap} image
   * @returns {boolean} false: nothing is painted; show it plain
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
    this.#words = ready ? "" : reference === null ? NONE : "Loading the frame compared with…";
    if (!ready || mode === "plain" || mode === "flow") return false;
    if (mode === "difference") this.#words = `Full colour at ±${Math.max(1, Math.round(255 / factor))} of 255 levels`;
    this.#filter.draw(context, image, { mode, factor, smoothing });
    return true;
  }

  /** @param {CanvasRenderingContext2D} context @param {number} index @param {ImageBitmap} image @returns {boolean} */
  #paintFlow(context, index, image) {
    if (this.reference === null) {
      this.#flow.rest();
      this.#words = NONE;
      return false;
    }
    if (this.reference === index) {
      this.#flow.rest();
      this.#words = "This is the frame compared with: no motion";
      return false;
    }
    const layer = this.#flow.get(this.reference, index);
    this.#words = typeof layer === "string" ? layer : layer ? `Full tint at a strain of ${fullStrain(layer).toFixed(2)}` : "Computing the flow…";
    if (!layer || typeof layer === "string") return false;
    context.drawImage(image, 0, 0, this.#pack.width, this.#pack.height);
    drawFlow(context, layer, this.factor);
    return true;
  }

  /** @param {MotionMode} mode */
  #toggle(mode) {
    this.mode = this.mode === mode ? "plain" : mode;
    if (this.mode !== "flow") this.#flow.rest();
    this.#words = "";
    if (this.mode !== "plain" && this.reference === null) {
      this.#chosen = Math.max(this.#here(), 0);
      this.#say(`Compared with ${this.#pack.describe(this.#chosen)}, where you are. Setting the onset compares with that.`);
      this.#provisional = true;
    }
    this.#repaint();
  }

  #choose() {
    const here = Math.max(this.#here(), 0);
    this.#provisional = false;
    if (this.#chosen === here && this.#onset !== null) {
      this.#chosen = null;
      this.#say(`Compared with the onset again, ${this.#pack.describe(this.#onset)}.`);
    } else {
      this.#chosen = here;
      this.#say(`Compared with ${this.#pack.describe(here)} from now on.`);
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
    this.factor = Math.min(Math.max(factor, 1), MOST);
    this.smoothing = Math.min(Math.max(smoothing, 0), WIDEST);
    this.#remember();
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

  #recall() {
    try {
      const { factor, smoothing } = JSON.parse(this.#storage?.getItem(SETTINGS) ?? "{}");
      if (factor >= 1 && factor <= MOST) this.factor = factor;
      if (smoothing >= 0 && smoothing <= WIDEST) this.smoothing = smoothing;
    } catch {
      // blocked or torn: as they come
    }
  }

  #remember() {
    try {
      this.#storage?.setItem(SETTINGS, JSON.stringify({ factor: this.factor, smoothing: this.smoothing }));
    } catch {
      // full or blocked: it holds until the page closes
    }
  }
}
