/**
 * The compressed frames of a clip, fetched by HTTP ranges: the chunk under the coder's eye first, then outwards.
 * Survives a server that goes away. Knows nothing of decoding or drawing.
 */
import { frameWindow, nearestFirst, planChunks } from "./window.js";

/** @typedef {import("./frame-pack.js").FramePack} FramePack */

const CHUNK_BYTES = 256 * 1024;
const BUDGET_BYTES = 768 * 1024 * 1024;
const PARALLEL = 3;
const RETRY_MS = [500, 1000, 2000, 4000, 8000];

/**
 * @callback FetchRange fetches bytes first..last (inclusive)
 * @param {number} first @param {number} last @param {AbortSignal} signal
 * @returns {Promise<{start: number, bytes: ArrayBuffer}>} at least those bytes; `start` is the first byte's position
 */

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
  /** @type {Map<number, {start: number, bytes: ArrayBuffer}>} by chunk */
  #loaded = new Map();
  /** @type {Map<number, AbortController>} by chunk */
  #pending = new Map();
  #chunkOfFrame;
  #focus = 0;
  /** @type {1 | -1} */
  #direction = 1;
  #failures = 0;
  #blocked = false;
  #closed = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  #pack;
  #fetchRange;
  #capacity;
  #onloaded;
  #onproblem;

  /**
   * @param {object} options
   * @param {FramePack} options.pack
   * @param {FetchRange} options.fetchRange
   * @param {(first: number, last: number) => void} [options.onloaded] frames whose bytes have come
   * @param {(problem: StoreProblem | null) => void} [options.onproblem] null: over
   * @param {number} [options.chunkBytes] @param {number} [options.budgetBytes]
   */
  constructor({ pack, fetchRange, onloaded = () => {}, onproblem = () => {}, chunkBytes = CHUNK_BYTES, budgetBytes = BUDGET_BYTES }) {
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
    return this.#loaded.has(this.#chunkOfFrame[index]);
  }

  /** @param {number} index @returns {Blob | null} the frame's encoded image */
  blob(index) {
    const chunk = this.#loaded.get(this.#chunkOfFrame[index]);
    if (!chunk) return null;
    const { offsets, mime } = this.#pack;
    const view = new Uint8Array(chunk.bytes, offsets[index] - chunk.start, offsets[index + 1] - offsets[index]);
    return new Blob([view], { type: mime });
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
    for (const controller of this.#pending.values()) controller.abort();
    this.#loaded.clear();
  }

  #pump() {
    if (this.#closed || this.#blocked || this.#retry !== undefined) return;
    const centre = this.#chunkOfFrame[this.#focus];
    const [first, last] = frameWindow(centre, this.#direction, this.#capacity, this.chunks.length);
    for (const chunk of this.#loaded.keys()) if (chunk < first || chunk > last) this.#loaded.delete(chunk);
    for (const chunk of nearestFirst(centre, this.#direction, first, last)) {
      // The chunk looked at never waits behind others.
      if (this.#pending.size >= PARALLEL + (chunk === centre ? 1 : 0)) return;
      if (!this.#loaded.has(chunk) && !this.#pending.has(chunk)) this.#fetch(chunk);
    }
  }

  /** @param {number} chunk */
  async #fetch(chunk) {
    const controller = new AbortController();
    this.#pending.set(chunk, controller);
    const { first, last } = this.chunks[chunk];
    const { offsets } = this.#pack;
    try {
      const { start, bytes } = await this.#fetchRange(offsets[first], offsets[last + 1] - 1, controller.signal);
      if (this.#closed) return;
      this.#pending.delete(chunk);
      if (this.#failures > 0) this.#onproblem(null);
      this.#failures = 0;
      this.#keep(chunk, start, bytes);
    } catch (error) {
      this.#pending.delete(chunk);
      if (!this.#closed) this.#didFail(/** @type {StoreProblem} */ (error));
    }
    this.#pump();
  }

  /** @param {number} chunk @param {number} start @param {ArrayBuffer} bytes may hold more chunks than the one asked for */
  #keep(chunk, start, bytes) {
    const { offsets } = this.#pack;
    this.chunks.forEach(({ first, last }, i) => {
      const inside = offsets[first] >= start && offsets[last + 1] <= start + bytes.byteLength;
      if (!inside || this.#loaded.has(i) || (i !== chunk && start !== 0)) return;
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
