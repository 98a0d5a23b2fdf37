/**
 * The compressed frames of a clip, fetched by HTTP ranges: the chunk under the coder's eye first, then outwards.
 * Survives a server that goes away. Knows nothing of decoding or drawing.
 */
import { frameWindow, nearestFirst, planChunks } from "./prefetch.js";

/** @typedef {import("./frame-pack.js").FramePack} FramePack */

const CHUNK_BYTES = 256 * 1024;
/** A request takes up to so many bytes of neighbouring chunks; the first ones less, so that their frames are there soon. */
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

/** @typedef {Error & {passes?: boolean}} StoreProblem `passes`: it is worth trying again */

/**
 * @param {string} url
 * @param {(url: string, init: RequestInit & {timeoutMs?: number}) => Promise<Response>} request
 * @returns {FetchRange}
 */
export function rangesOf(url, request) {
  return async (first, last, signal) => {
    const response = await request(url, { headers: { Range: `bytes=${first}-${last}` }, signal, timeoutMs: 60_000 });
    const bytes = await response.arrayBuffer().catch(() => {
      throw Object.assign(new Error("The connection broke while the clip was loading."), { passes: true });
    });
    // A server may answer a range request with the whole file.
    const start = response.status === 206 ? first : 0;
    if (start + bytes.byteLength <= last) {
      throw Object.assign(new Error("The server sent less of the clip than asked for."), { passes: true });
    }
    return { start, bytes };
  };
}

export class FrameStore {
  /** @type {{first: number, last: number}[]} */
  chunks;
  /** @type {Map<number, Span>} by chunk */
  #loaded = new Map();
  /** @type {Set<{first: number, last: number, controller: AbortController}>} requests under way, by chunks */
  #pending = new Set();
  #chunkOfFrame;
  #focus = 0;
  /** @type {1 | -1} */
  #direction = 1;
  /** requests answered, from which the size of the next follows */
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
   * @param {(first: number, last: number) => void} [options.onloaded] frames whose bytes have come
   * @param {(problem: StoreProblem | null) => void} [options.onproblem] null: over
   * @param {Span | null} [options.head] bytes that were fetched before: those of the first frame to show
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

  /** How many frames' bytes are here. */
  get count() {
    let count = 0;
    for (const chunk of this.#loaded.keys()) count += this.chunks[chunk].last - this.chunks[chunk].first + 1;
    return count;
  }

  /** @param {number} index the frame looked at @param {1 | -1} [direction] */
  focus(index, direction = 1) {
    this.#focus = index;
    this.#direction = direction;
    this.#pump();
  }

  /** Tries again at once what has failed: the coder asked, or the network came back. */
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
      // The chunk looked at never waits behind others, nor in their company.
      const urgent = chunk === centre && !this.has(this.#focus);
      if (this.#pending.size >= PARALLEL + (urgent ? 1 : 0)) return;
      if (!this.#isMissing(chunk)) continue;
      const [least, most] = chunk < centre ? [first, chunk] : [chunk, last];
      this.#fetch(...this.#stretch(chunk, urgent ? 1 : this.#requestChunks, least, most));
    }
  }

  /** @param {number} chunk @returns {boolean} */
  #isMissing(chunk) {
    return !this.#loaded.has(chunk) && !this.#asked(chunk);
  }

  /** @param {number} chunk @returns {boolean} */
  #asked(chunk) {
    for (const { first, last } of this.#pending) if (chunk >= first && chunk <= last) return true;
    return false;
  }

  /** Chunks to ask for in one request: more as answers come. */
  get #requestChunks() {
    const bytes = Math.min(this.#chunkBytes * 2 ** Math.min(this.#answered, 16), this.#requestBytes);
    return Math.max(1, Math.floor(bytes / this.#chunkBytes));
  }

  /**
   * Takes in missing neighbours, away from the coder.
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

  /** @param {number} start @param {ArrayBuffer} bytes may hold more chunks than those asked for */
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
    if (problem.passes === false) this.#blocked = true;
    if (this.#blocked || this.#retry !== undefined) return;
    const wait = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)];
    this.#retry = setTimeout(() => this.retryNow(), wait);
  }
}
