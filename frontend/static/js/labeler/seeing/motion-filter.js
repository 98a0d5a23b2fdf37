/** Makes small differences between a frame and a reference frame visible, with WebGL2 if available, else on the CPU. */
import { WebGlEngine } from "./webgl-filter.js";
import { applyFilter, lumaOf } from "./pixel-filter.js";

/** @typedef {import("./pixel-filter.js").FilterSettings} FilterSettings */
/** @typedef {ImageBitmap | HTMLCanvasElement | OffscreenCanvas} Drawable */

class CanvasEngine {
  name = "canvas";
  lost = false;
  /** @type {Float32Array | null} */
  #reference = null;
  #context;
  #width;
  #height;

  /** @param {number} width @param {number} height px */
  constructor(width, height) {
    this.canvas = new OffscreenCanvas(width, height);
    this.#width = width;
    this.#height = height;
    this.#context = /** @type {OffscreenCanvasRenderingContext2D} */ (this.canvas.getContext("2d", { alpha: false, willReadFrequently: true }));
  }

  /** @param {Drawable} image @param {"reference"} _role */
  take(image, _role) {
    this.#reference = lumaOf(this.#pixels(image).data);
  }

  /** @param {Drawable} current @param {FilterSettings} settings @returns {OffscreenCanvas} */
  draw(current, settings) {
    const pixels = this.#pixels(current);
    if (this.#reference) applyFilter(pixels.data, this.#reference, this.#width, this.#height, settings);
    this.#context.putImageData(pixels, 0, 0);
    return this.canvas;
  }

  close() {}

  /** @param {Drawable} image @returns {ImageData} */
  #pixels(image) {
    this.#context.drawImage(image, 0, 0, this.#width, this.#height);
    return this.#context.getImageData(0, 0, this.#width, this.#height);
  }
}

export class MotionFilter {
  /** @type {WebGlEngine | CanvasEngine | null} created when first needed: most clips are viewed plain */
  #engine = null;
  /** @type {OffscreenCanvas | null} the reference's pixels: its frame may be released, and a lost WebGL context needs them again */
  #kept = null;
  #gl;
  #size;

  /** @param {{width: number, height: number}} size of the frames, px @param {{gl?: "card" | "any" | "none"}} [options] gl: WebGL2 with a graphics card only, also in software, or not at all */
  constructor(size, { gl = "card" } = {}) {
    this.#size = size;
    this.#gl = gl;
  }

  /** "webgl2" or "canvas"; "" before the first use. */
  get engine() {
    return this.#engine?.name ?? "";
  }

  /** @param {Drawable} image that frames are compared with; its pixels are copied */
  set reference(image) {
    const { width, height } = this.#size;
    this.#kept ??= new OffscreenCanvas(width, height);
    this.#kept.getContext("2d", { alpha: false })?.drawImage(image, 0, 0, width, height);
    this.#ready().take(this.#kept, "reference");
  }

  /**
   * Draw a frame with its difference from the reference. Set `reference` first.
   *
   * @param {CanvasRenderingContext2D} context on a canvas of the frames' size
   * @param {Drawable} current @param {FilterSettings} settings
   */
  draw(context, current, settings) {
    const { width, height } = this.#size;
    if (this.#engine?.lost) {
      this.#engine = null;
      if (this.#kept) this.#ready().take(this.#kept, "reference");
    }
    context.drawImage(this.#ready().draw(current, settings), 0, 0, width, height);
  }

  close() {
    this.#engine?.close();
    this.#engine = null;
  }

  /** @returns {WebGlEngine | CanvasEngine} */
  #ready() {
    this.#engine ??= this.#make();
    return this.#engine;
  }

  /** @returns {WebGlEngine | CanvasEngine} */
  #make() {
    const { width, height } = this.#size;
    if (this.#gl !== "none") {
      try {
        return new WebGlEngine(width, height, this.#gl === "any");
      } catch {
        this.#gl = "none"; // WebGL2 is missing, or cannot draw images of this size
      }
    }
    return new CanvasEngine(width, height);
  }
}
