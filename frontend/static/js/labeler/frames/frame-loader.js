/** Loads the frames of a clip: FrameStore fetches their bytes, FrameCache decodes them, and Player shows them. */
import { request } from "../../http.js";
import { Decoder } from "./decoder.js";
import { FrameCache, memoryBudget } from "./frame-cache.js";
import { FrameStore, rangeFetcher } from "./frame-store.js";
import { consecutiveRanges } from "./prefetch.js";

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
  /** Whether fetching has started. A first frame whose bytes came with the page is decoded before anything is fetched. */
  #fetching = false;

  /**
   * @param {object} options
   * @param {FramePack} options.pack
   * @param {string} options.url of the pack's bytes
   * @param {string} options.decoderUrl of decode-worker.js
   * @param {Span | null} [options.head] bytes fetched in advance, with the first frame to show
   * @param {ImageBitmap | null} [options.first] the clip's first frame, decoded in advance
   * @param {(index: number) => void} options.onready called when a frame can be shown
   * @param {() => void} [options.onfetched] called when the bytes of more frames have arrived
   * @param {(sentence: string) => void} options.onproblem called with "" when the problem is over
   */
  constructor({ pack, url, decoderUrl, head = null, first = null, onready, onfetched = () => {}, onproblem }) {
    this.#pack = pack;
    this.#decoder = new Decoder({ url: decoderUrl });
    this.#store = new FrameStore({
      pack,
      head,
      fetchRange: rangeFetcher(url, request),
      onloaded: () => {
        this.#cache.pump();
        onfetched();
      },
      onproblem: (problem) => onproblem(problem ? `${problem.message}${problem.retryable === false ? "" : " Trying again."}` : ""),
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
    this.#cache.focus(index, direction); // first: a frame whose bytes are here must not wait until requests are planned
    this.#focus = index;
    this.#direction = direction;
    if (this.#fetching || this.#cache.isReady(index) || !this.#store.has(index)) this.#fetchOn();
  }

  #fetchOn() {
    this.#fetching = true;
    this.#store.focus(this.#focus, this.#direction);
  }

  /** @param {Iterable<number>} indices frames to keep decoded on any move of the coder */
  pin(indices) {
    this.#cache.pin(indices);
  }

  /** Ranges of frames whose bytes have arrived: stepping to them does not wait for the network. */
  get fetched() {
    return consecutiveRanges(this.#pack.count, (index) => this.#store.has(index));
  }

  /** Ranges of frames that can be shown immediately. */
  get ready() {
    return consecutiveRanges(this.#pack.count, (index) => this.#cache.isReady(index));
  }

  /** How many frames are fetched, how many are decoded, and how many can be kept decoded. */
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
