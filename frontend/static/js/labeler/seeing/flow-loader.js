/** Loads optical flow between two frames from the server, once the coder stays at a frame, and keeps it. */
import { requestJson } from "../../http.js";

/**
 * @typedef {object} FlowLayer
 * @property {number} from @property {number} to frames
 * @property {number} size cells along each side of the grid
 * @property {number[]} u @property {number[]} v image px to the right and down, row by row
 * @property {number[]} strain dimensionless
 * @property {[number[], number[]]} to_frame maps (column, row) of the grid to image px
 */

const REST_MS = 250;
const POLL_MS = [300, 500, 1000, 2000];
const KEPT = 200;

export class FlowLoader {
  /** @type {Map<string, FlowLayer | string>} by pair; a sentence if there is no layer */
  #answers = new Map();
  /** @type {AbortController | null} */
  #asking = null;
  #pair = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #url;
  #fetchJson;
  #onchange;
  #restMs;

  /**
   * @param {object} options
   * @param {string} options.url @param {() => void} options.onchange called when an answer has arrived
   * @param {(url: string, init: {signal: AbortSignal}) => Promise<any>} [options.fetchJson] @param {number} [options.restMs]
   */
  constructor({ url, onchange, fetchJson = requestJson, restMs = REST_MS }) {
    this.#url = url;
    this.#onchange = onchange;
    this.#fetchJson = fetchJson;
    this.#restMs = restMs;
  }

  /**
   * @param {number} from @param {number} to
   * @returns {FlowLayer | string | null} the layer, or why there is none; null: not loaded yet, and requested if the coder stays
   */
  get(from, to) {
    const pair = `from=${from}&to=${to}`;
    if (pair !== this.#pair) this.#drop();
    this.#pair = pair;
    const answer = this.#answers.get(pair) ?? null;
    if (answer === null && !this.#asking) {
      const asking = (this.#asking = new AbortController());
      this.#timer = setTimeout(() => this.#ask(pair, asking.signal, 0), this.#restMs);
    }
    return answer;
  }

  /** Drop the request: the coder moved on. */
  cancel() {
    this.#drop();
    this.#pair = "";
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#asking = null;
  }

  /** @param {string} pair @param {AbortSignal} signal @param {number} times number of earlier requests */
  async #ask(pair, signal, times) {
    /** @type {FlowLayer | string | null} */
    let answer = null;
    try {
      const body = await this.#fetchJson(`${this.#url}?${pair}`, { signal });
      answer = body?.state ? null : body;
    } catch (error) {
      if (signal.aborted) return;
      const { retryable, message } = /** @type {Error & {retryable?: boolean}} */ (error);
      if (!retryable) answer = message;
    }
    if (signal.aborted) return;
    if (answer === null) {
      const wait = POLL_MS[Math.min(times, POLL_MS.length - 1)];
      this.#timer = setTimeout(() => this.#ask(pair, signal, times + 1), wait);
      return;
    }
    this.#asking = null;
    this.#answers.set(pair, answer);
    if (this.#answers.size > KEPT) this.#answers.delete(/** @type {string} */ (this.#answers.keys().next().value));
    this.#onchange();
  }
}
