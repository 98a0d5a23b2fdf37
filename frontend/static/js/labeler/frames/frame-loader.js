/** The frames of a clip, wherever they are: fetched by FrameStore, decoded by FrameCache, ready for Player to show. */
import { request } from "../../http.js";
import { Decoder } from "./decoder.js";
import { FrameCache, memoryBudget } from "./frame-cache.js";
import { FrameStore, rangesOf } from "./frame-store.js";
import { runs } from "./prefetch.js";

/** @typedef {import("./frame-pack.js").FramePack} FramePack */
/** @typedef {import("./frame-store.js").Span} Span */

export class FrameLoader {
  /** @type {FrameStore} */
  #store;
  /** @type {FrameCache<ImageBitmap>} */
  #cache;
  #pack;
  #decoder;
  #focus = 0;
  /** @type {1 | -1 | undefined} */
  #direction;
  /** Whether anything is fetched yet: the first frame, if its bytes were here from the start, goes before all others. */
  #fetching = false;

  /**
   * @param {object} options
   * @param {FramePack} options.pack
   * @param {string} options.url of the pack's bytes
   * @param {string} options.decoderUrl of decode-worker.js
   * @param {Span | null} [options.head] the first bytes to show, fetched before
   * @param {ImageBitmap | null} [options.first] the first frame of the clip, decoded before
   * @param {(index: number) => void} options.onready a frame can be shown now
   * @param {() => void} [options.onfetched] more frames' bytes are here
   * @param {(sentence: string) => void} options.onproblem "" when it is over
   */
  constructor({ pack, url, decoderUrl, head = null, first = null, onready, onfetched = () => {}, onproblem }) {
    this.#pack = pack;
    this.#decoder = new Decoder({ url: decoderUrl });
    this.#store = new FrameStore({
      pack,
      head,
      fetchRange: rangesOf(url, request),
      onloaded: () => {
        this.#cache.pump();
        onfetched();
      },
      onproblem: (problem) => onproblem(problem ? `${problem.message}${problem.passes === false ? "" : " Trying again."}` : ""),
    });
    this.#cache = new FrameCache({
      pack,
      source: this.#store,
      decode: (bytes, urgent) => this.#decoder.decode(bytes, pack.mime, urgent),
      parallel: this.#decoder.parallel,
      budgetBytes: memoryBudget(/** @type {any} */ (navigator).deviceMemory),
      ondecoded: (index) => {
        onready(index);
        this.#fetchOn();
      },
    });
    if (first) this.#cache.put(0, first);
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
    this.#cache.focus(index, direction); // first: a frame whose bytes are here must not wait for the network's housekeeping
    this.#focus = index;
    this.#direction = direction;
    if (this.#fetching || this.#cache.isReady(index) || !this.#store.has(index)) this.#fetchOn();
  }

  #fetchOn() {
    this.#fetching = true;
    this.#store.focus(this.#focus, this.#direction);
  }

  /** @param {Iterable<number>} indices frames to keep ready wherever the coder goes */
  pin(indices) {
    this.#cache.pin(indices);
  }

  /** Ranges of frames whose bytes are here: a step to any of them waits for no network. */
  get fetched() {
    return runs(this.#pack.count, (index) => this.#store.has(index));
  }

  /** Ranges of frames that can be shown at once. */
  get ready() {
    return runs(this.#pack.count, (index) => this.#cache.isReady(index));
  }

  /** How many frames' bytes are here, how many are decoded, and how many of these may be at a time. */
  get counts() {
    return { fetched: this.#store.count, decoded: this.#cache.size, capacity: Math.min(this.#cache.capacity, this.#pack.count) };
  }

  retryNow() {
    this.#store.retryNow();
  }

  close() {
    this.#cache.close();
    this.#store.close();
    this.#decoder.close();
  }
}
