/**
 * The encoded frames of a clip, fetched with HTTP range requests: the chunk with the current frame first, then its neighbours
 * outwards. Retries while the server does not respond. Does not decode or draw.
 */
import { frameWindow, nearestFirst, planChunks } from "./prefetch.js";

/** @typedef {import("./frame-pack.js").FramePack} FramePack */

const CHUNK_BYTES = 256 * 1024;
/** The most bytes of neighbouring chunks per request. The first requests take fewer, so that their frames arrive soon. */
const REQUEST_BYTES = 4 * 1024 * 1024;
const BUDGET_BYTES = 768 * 1024 * 1024;
const PARALLEL = 3;
const RETRY_MS = [500, 1000, 2000, 4000, 8000];

/**
 * @callback FetchRange fetches bytes first..last (inclusive)
 * @param {number} first @param {number} last @param {AbortSignal} signal
 * @returns {Promise<{start: number, bytes: ArrayBuffer}>} at least those bytes; `start` is the first byte's position
 */

/** @typedef {{start: number, bytes: ArrayBuffer}} Span of the pack's bytes, from position `start` */

/** @typedef {Error & {retryable?: boolean}} StoreProblem `retryable`: whether to try again */

/**
 * @param {string} url
 * @param {(url: string, init: RequestInit & {timeoutMs?: number}) => Promise<Response>} request
 * @returns {FetchRange}
 */
export function rangeFetcher(url, request) {
  return async (first, last, signal) => {
    const response = await request(url, { headers: { Range: `bytes=${first}-${last}` }, signal, timeoutMs: 60_000 });
    const bytes = await response.arrayBuffer().catch(() => {
      throw Object.assign(new Error("The connection was lost while the clip was loading."), { retryable: true });
    });
    // A server may answer a range request with the whole file.
    const start = response.status === 206 ? first : 0;
    if (start + bytes.byteLength <= last) {
      throw Object.assign(new Error("The server sent only part of the requested frames."), { retryable: true });
    }
    return { start, bytes };
  };
}

export class FrameStore {
  /** @type {{first: number, last: number}[]} */
  chunks;
  /** @type {Map<number, Span>} by chunk */
  #loaded = new Map();
  /** @type {Set<{first: number, last: number, controller: AbortController}>} requests in progress, by chunk */
  #pending = new Set();
  #chunkOfFrame;
  #focus = 0;
  /** @type {1 | -1} */
  #direction = 1;
  /** Requests answered; the size of the next request depends on it. */
  #answered = 0;
  #failures = 0;
  #blocked = false;
  #closed = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  #pack;
  #fetchRange;
  #capacity;
  #head;
  #chunkBytes;
  #requestBytes;
  #onloaded;
  #onproblem;

  /**
   * @param {object} options
   * @param {FramePack} options.pack
   * @param {FetchRange} options.fetchRange
   * @param {(first: number, last: number) => void} [options.onloaded] called with the frames whose bytes have arrived
   * @param {(problem: StoreProblem | null) => void} [options.onproblem] called with null when the problem is over
   * @param {Span | null} [options.head] bytes fetched in advance, with the first frame to show
   * @param {number} [options.chunkBytes] @param {number} [options.requestBytes] @param {number} [options.budgetBytes]
   */
  constructor({
    pack,
    fetchRange,
    onloaded = () => {},
    onproblem = () => {},
    head = null,
    chunkBytes = CHUNK_BYTES,
    requestBytes = REQUEST_BYTES,
    budgetBytes = BUDGET_BYTES,
  }) {
    this.#head = head;
    this.#chunkBytes = chunkBytes;
    this.#requestBytes = requestBytes;
    this.#pack = pack;
    this.#fetchRange = fetchRange;
    this.#onloaded = onloaded;
    this.#onproblem = onproblem;
    this.chunks = planChunks(pack.offsets, chunkBytes);
    this.#chunkOfFrame = new Uint32Array(pack.count);
    this.chunks.forEach(({ first, last }, i) => this.#chunkOfFrame.fill(i, first, last + 1));
    const meanBytes = pack.byteLength / this.chunks.length;
    this.#capacity = Math.max(PARALLEL + 1, Math.floor(budgetBytes / meanBytes));
  }

  /** @param {number} index @returns {boolean} */
  has(index) {
    return this.#spanOf(index) !== null;
  }

  /** @param {number} index @returns {Uint8Array<ArrayBuffer> | null} the frame's encoded image: a view, not a copy */
  bytes(index) {
    const span = this.#spanOf(index);
    const { offsets } = this.#pack;
    return span && new Uint8Array(span.bytes, offsets[index] - span.start, offsets[index + 1] - offsets[index]);
  }

  /** Number of frames whose bytes have arrived. */
  get count() {
    let count = 0;
    for (const chunk of this.#loaded.keys()) count += this.chunks[chunk].last - this.chunks[chunk].first + 1;
    return count;
  }

  /** @param {number} index the current frame @param {1 | -1} [direction] */
  focus(index, direction = 1) {
    this.#focus = index;
    this.#direction = direction;
    this.#pump();
  }

  /** Retry failed requests at once: the coder asked for it, or the network is back. */
  retryNow() {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#blocked = false;
    this.#pump();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#retry);
    for (const { controller } of this.#pending) controller.abort();
    this.#loaded.clear();
  }

  #pump() {
    if (this.#closed || this.#blocked || this.#retry !== undefined) return;
    const centre = this.#chunkOfFrame[this.#focus];
    const [first, last] = frameWindow(centre, this.#direction, this.#capacity, this.chunks.length);
    for (const chunk of this.#loaded.keys()) if (chunk < first || chunk > last) this.#loaded.delete(chunk);
    for (const chunk of nearestFirst(centre, this.#direction, first, last)) {
      // The chunk with the current frame is requested alone and never waits behind others.
      const urgent = chunk === centre && !this.has(this.#focus);
      if (this.#pending.size >= PARALLEL + (urgent ? 1 : 0)) return;
      if (!this.#isMissing(chunk)) continue;
      const [least, most] = chunk < centre ? [first, chunk] : [chunk, last];
      this.#fetch(...this.#stretch(chunk, urgent ? 1 : this.#requestChunks, least, most));
    }
  }

  /** @param {number} chunk @returns {boolean} */
  #isMissing(chunk) {
    return !this.#loaded.has(chunk) && !this.#isRequested(chunk);
  }

  /** @param {number} chunk @returns {boolean} */
  #isRequested(chunk) {
    for (const { first, last } of this.#pending) if (chunk >= first && chunk <= last) return true;
    return false;
  }

  /** How many chunks to request at a time: more with every answer. */
  get #requestChunks() {
    const bytes = Math.min(this.#chunkBytes * 2 ** Math.min(this.#answered, 16), this.#requestBytes);
    return Math.max(1, Math.floor(bytes / this.#chunkBytes));
  }

  /**
   * Extend the request to missing neighbours on the far side of the current frame.
   * @param {number} chunk @param {number} limit chunks @param {number} least @param {number} most
   * @returns {[first: number, last: number]}
   */
  #stretch(chunk, limit, least, most) {
    let [first, last] = [chunk, chunk];
    while (last - first + 1 < limit && last < most && this.#isMissing(last + 1)) last++;
    while (last - first + 1 < limit && first > least && this.#isMissing(first - 1)) first--;
    return [first, last];
  }

  /** @param {number} index @returns {Span | null} */
  #spanOf(index) {
    const chunk = this.#loaded.get(this.#chunkOfFrame[index]);
    if (chunk || !this.#head) return chunk ?? null;
    const { offsets } = this.#pack;
    const { start, bytes } = this.#head;
    return offsets[index] >= start && offsets[index + 1] <= start + bytes.byteLength ? this.#head : null;
  }

  /** @param {number} firstChunk @param {number} lastChunk */
  async #fetch(firstChunk, lastChunk) {
    const request = { first: firstChunk, last: lastChunk, controller: new AbortController() };
    this.#pending.add(request);
    const { offsets } = this.#pack;
    const first = offsets[this.chunks[firstChunk].first];
    const last = offsets[this.chunks[lastChunk].last + 1] - 1;
    try {
      const { start, bytes } = await this.#fetchRange(first, last, request.controller.signal);
      if (this.#closed) return;
      this.#pending.delete(request);
      if (this.#failures > 0) this.#onproblem(null);
      this.#failures = 0;
      this.#answered++;
      this.#keep(start, bytes);
    } catch (error) {
      this.#pending.delete(request);
      if (!this.#closed) this.#didFail(/** @type {StoreProblem} */ (error));
    }
    this.#pump();
  }

  /** @param {number} start @param {ArrayBuffer} bytes may hold more chunks than requested */
  #keep(start, bytes) {
    const { offsets } = this.#pack;
    this.chunks.forEach(({ first, last }, i) => {
      const inside = offsets[first] >= start && offsets[last + 1] <= start + bytes.byteLength;
      if (!inside || this.#loaded.has(i)) return;
      this.#loaded.set(i, { start, bytes });
      this.#onloaded(first, last);
    });
  }

  /** @param {StoreProblem} problem */
  #didFail(problem) {
    this.#onproblem(problem);
    if (problem.retryable === false) this.#blocked = true;
    if (this.#blocked || this.#retry !== undefined) return;
    const wait = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)];
    this.#retry = setTimeout(() => this.retryNow(), wait);
  }
}
