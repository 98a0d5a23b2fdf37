/**
 * Decoded frames, ready to draw, within a memory budget. Frames nearest to the coder are decoded first. Pinned frames (marks,
 * the reference frame) are always kept. The farthest frames are released when room is needed.
 */
import { frameWindow, nearestFirst } from "./prefetch.js";

/** @typedef {import("./frame-pack.js").FramePack} FramePack */
/** @typedef {{has(index: number): boolean, bytes(index: number): Uint8Array<ArrayBuffer> | null}} Source */
/** @typedef {{close(): void}} Closable an ImageBitmap, or its stand-in in a test */

/**
 * @param {number | undefined} deviceGiB navigator.deviceMemory, which only some browsers report
 * @returns {number} bytes to spend on decoded frames
 */
export function memoryBudget(deviceGiB = 4) {
  return Math.min(Math.max(deviceGiB / 16, 0.125), 0.5) * 2 ** 30;
}

/** @template {Closable} T */
export class FrameCache {
  /** @type {Map<number, T>} */
  #images = new Map();
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
  #source;
  #decode;
  #parallel;
  #ondecoded;

  /**
   * @param {object} options
   * @param {FramePack} options.pack
   * @param {Source} options.source of encoded frames
   * @param {(bytes: Uint8Array<ArrayBuffer>, urgent: boolean) => Promise<T>} options.decode urgent: the coder is waiting for it
   * @param {number} [options.parallel] how many frames to decode ahead at a time
   * @param {number} options.budgetBytes of decoded pixels
   * @param {(index: number) => void} [options.ondecoded] also called for a damaged frame
   */
  constructor({ pack, source, decode, parallel = 2, budgetBytes, ondecoded = () => {} }) {
    this.#pack = pack;
    this.#source = source;
    this.#decode = decode;
    this.#parallel = parallel;
    this.#ondecoded = ondecoded;
    /** Frames that fit the budget, at least 16. */
    this.capacity = Math.max(16, Math.floor(budgetBytes / (pack.width * pack.height * 4)));
  }

  /** @param {number} index @returns {T | null} */
  get(index) {
    return this.#images.get(index) ?? null;
  }

  /** @param {number} index @returns {boolean} whether its bytes have arrived but are not an image */
  isDamaged(index) {
    return this.#damaged.has(index);
  }

  /** @param {number} index @returns {boolean} whether there is nothing to wait for */
  isReady(index) {
    return this.#images.has(index) || this.#damaged.has(index);
  }

  get size() {
    return this.#images.size;
  }

  /** @param {number} index the current frame @param {1 | -1} [direction] of travel */
  focus(index, direction = 1) {
    this.#focus = index;
    this.#direction = direction;
    this.pump();
  }

  /** @param {Iterable<number>} indices frames to keep decoded on any move of the coder; they replace the frames pinned before */
  pin(indices) {
    this.#pinned = new Set([...indices].slice(0, this.capacity >> 2));
    this.pump();
  }

  /** Decode more frames. Call it when bytes have arrived. */
  pump() {
    if (this.#closed) return;
    if (this.#wants(this.#focus)) this.#run(this.#focus, true);
    for (const index of this.#order()) {
      if (this.#decoding.size >= this.#parallel) return;
      if (this.#wants(index)) this.#run(index, false);
    }
  }

  /** @param {number} index @param {T} image decoded elsewhere */
  put(index, image) {
    this.#images.set(index, image);
  }

  close() {
    this.#closed = true;
    const images = [...this.#images.values()];
    this.#images.clear();
    // Closing hundreds of images takes a while; the next clip's first frame must not wait for it.
    setTimeout(() => images.forEach((image) => image.close()));
  }

  /** @param {number} index @returns {boolean} */
  #wants(index) {
    return !this.isReady(index) && !this.#decoding.has(index) && this.#source.has(index);
  }

  *#order() {
    yield* this.#pinned;
    yield* nearestFirst(this.#focus, this.#direction, ...this.#window());
  }

  /** @returns {[number, number]} */
  #window() {
    return frameWindow(this.#focus, this.#direction, this.capacity - this.#pinned.size, this.#pack.count);
  }

  /** @param {number} index @param {boolean} urgent */
  async #run(index, urgent) {
    const bytes = this.#source.bytes(index);
    if (!bytes) return;
    this.#decoding.add(index);
    try {
      const image = await this.#decode(bytes, urgent);
      if (this.#closed) return image.close();
      this.#images.set(index, image);
      this.#makeRoom();
    } catch (error) {
      if (!(/** @type {any} */ (error).again)) this.#damaged.add(index);
    }
    this.#decoding.delete(index);
    if (this.#closed) return;
    this.#ondecoded(index);
    this.pump();
  }

  /** Release the frames farthest from the window until the rest fits the budget. */
  #makeRoom() {
    while (this.#images.size > this.capacity) {
      const [first, last] = this.#window();
      let farthest = -1;
      let most = 0;
      for (const index of this.#images.keys()) {
        const distance = Math.max(first - index, index - last);
        if (distance > most && !this.#pinned.has(index)) [farthest, most] = [index, distance];
      }
      if (farthest < 0) return;
      this.#images.get(farthest)?.close();
      this.#images.delete(farthest);
    }
  }
}
