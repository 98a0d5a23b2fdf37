/**
 * Decoded frames, ready to draw, within a memory budget: a window that slides with the coder, nearest decoded first.
 * The browser decodes off the main thread (createImageBitmap of a Blob).
 */
import { frameWindow, nearestFirst } from "./window.js";

/** @typedef {import("./frame-pack.js").FramePack} FramePack */
/** @typedef {{has(index: number): boolean, blob(index: number): Blob | null}} Bytes */
/** @typedef {{close(): void}} Picture an ImageBitmap, or what a test decodes to */

const PARALLEL = 4;

/**
 * @param {number | undefined} deviceGiB navigator.deviceMemory, which only some browsers tell
 * @returns {number} bytes to spend on decoded frames
 */
export function memoryBudget(deviceGiB = 4) {
  return Math.min(Math.max(deviceGiB / 8, 0.125), 1) * 2 ** 30;
}

/** @template {Picture} T */
export class FrameCache {
  /** @type {Map<number, T>} */
  #pictures = new Map();
  /** @type {Set<number>} */
  #decoding = new Set();
  /** @type {Set<number>} */
  #damaged = new Set();
  /** @type {Set<number>} */
  #pinned = new Set();
  #focus = 0;
  /** @type {1 | -1} */
  #direction = 1;
  #closed = false;
  #pack;
  #bytes;
  #decode;
  #ondecoded;

  /**
   * @param {object} options
   * @param {FramePack} options.pack
   * @param {Bytes} options.bytes
   * @param {(blob: Blob) => Promise<T>} options.decode
   * @param {number} options.budgetBytes of decoded pixels
   * @param {(index: number) => void} [options.ondecoded] also for a frame that turned out damaged
   */
  constructor({ pack, bytes, decode, budgetBytes, ondecoded = () => {} }) {
    this.#pack = pack;
    this.#bytes = bytes;
    this.#decode = decode;
    this.#ondecoded = ondecoded;
    /** frames that fit the budget; a handful always does */
    this.capacity = Math.max(16, Math.floor(budgetBytes / (pack.width * pack.height * 4)));
  }

  /** @param {number} index @returns {T | null} */
  get(index) {
    return this.#pictures.get(index) ?? null;
  }

  /** @param {number} index @returns {boolean} its bytes are there, but are no image */
  isDamaged(index) {
    return this.#damaged.has(index);
  }

  /** @param {number} index @returns {boolean} nothing to wait for */
  isReady(index) {
    return this.#pictures.has(index) || this.#damaged.has(index);
  }

  get size() {
    return this.#pictures.size;
  }

  /** @param {number} index the frame looked at @param {1 | -1} [direction] of travel */
  focus(index, direction = 1) {
    this.#focus = index;
    this.#direction = direction;
    const [first, last] = this.#window();
    for (const [i, picture] of this.#pictures) {
      if ((i >= first && i <= last) || this.#pinned.has(i)) continue;
      this.#pictures.delete(i);
      picture.close();
    }
    this.pump();
  }

  /** @param {Iterable<number>} indices frames to keep decoded wherever the coder goes; they replace those pinned before */
  pin(indices) {
    this.#pinned = new Set([...indices].slice(0, this.capacity >> 2));
    this.pump();
  }

  /** Decodes on: call when bytes have come. */
  pump() {
    if (this.#closed || this.#decoding.size >= PARALLEL) return;
    const [first, last] = this.#window();
    for (const index of [...this.#pinned, ...nearestFirst(this.#focus, this.#direction, first, last)]) {
      if (this.isReady(index) || this.#decoding.has(index) || !this.#bytes.has(index)) continue;
      this.#run(index);
      if (this.#decoding.size >= PARALLEL) return;
    }
  }

  close() {
    this.#closed = true;
    for (const picture of this.#pictures.values()) picture.close();
    this.#pictures.clear();
  }

  /** @returns {[number, number]} */
  #window() {
    return frameWindow(this.#focus, this.#direction, this.capacity - this.#pinned.size, this.#pack.count);
  }

  /** @param {number} index */
  async #run(index) {
    const blob = this.#bytes.blob(index);
    if (!blob) return;
    this.#decoding.add(index);
    try {
      const picture = await this.#decode(blob);
      const [first, last] = this.#window();
      const wanted = (index >= first && index <= last) || this.#pinned.has(index);
      if (this.#closed || !wanted) picture.close(); // the coder has moved on
      else this.#pictures.set(index, picture);
    } catch {
      this.#damaged.add(index);
    }
    this.#decoding.delete(index);
    if (this.#closed) return;
    this.#ondecoded(index);
    this.pump();
  }
}
