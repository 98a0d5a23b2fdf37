/** The frames of a clip, wherever they are: fetched by FrameStore, decoded by FrameCache, ready for Player to show. */
import { request } from "../http.js";
import { FrameCache, memoryBudget } from "./frame-cache.js";
import { FrameStore, rangesOf } from "./frame-store.js";
import { runs } from "./window.js";

/** @typedef {import("./frame-pack.js").FramePack} FramePack */

export class Film {
  /** @type {FrameStore} */
  #store;
  /** @type {FrameCache<ImageBitmap>} */
  #cache;
  #pack;

  /**
   * @param {object} options
   * @param {FramePack} options.pack
   * @param {string} options.url of the pack's bytes
   * @param {(index: number) => void} options.onready a frame can be shown now
   * @param {(sentence: string) => void} options.onproblem "" when it is over
   */
  constructor({ pack, url, onready, onproblem }) {
    this.#pack = pack;
    this.#store = new FrameStore({
      pack,
      fetchRange: rangesOf(url, request),
      onloaded: () => this.#cache.pump(),
      onproblem: (problem) => onproblem(problem ? `${problem.message}${problem.passes === false ? "" : " Trying again."}` : ""),
    });
    this.#cache = new FrameCache({
      pack,
      bytes: this.#store,
      decode: (blob) => createImageBitmap(blob),
      budgetBytes: memoryBudget(/** @type {any} */ (navigator).deviceMemory),
      ondecoded: onready,
    });
  }

  /** @param {number} index @returns {ImageBitmap | null} */
  get(index) {
    return this.#cache.get(index);
  }

  /** @param {number} index @returns {boolean} */
  isReady(index) {
    return this.#cache.isReady(index);
  }

  /** @param {number} index @param {1 | -1} [direction] of travel */
  focus(index, direction) {
    this.#store.focus(index, direction);
    this.#cache.focus(index, direction);
  }

  /** @param {Iterable<number>} indices frames to keep ready wherever the coder goes */
  pin(indices) {
    this.#cache.pin(indices);
  }

  /** Ranges of frames that can be shown at once. */
  get ready() {
    return runs(this.#pack.count, (index) => this.#cache.isReady(index));
  }

  /** How many frames are decoded, and how many may be at a time. */
  get counts() {
    return { decoded: this.#cache.size, capacity: this.#cache.capacity };
  }

  retryNow() {
    this.#store.retryNow();
  }

  close() {
    this.#cache.close();
    this.#store.close();
  }
}
