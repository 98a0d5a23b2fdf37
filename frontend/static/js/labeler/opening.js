/**
 * Fetches what is needed to show a clip's first frame: the frame index and the bytes of that frame, in parallel. Preload links in
 * the page's head request both before any script runs; those of the next clip are fetched while this one is on screen.
 */
import { request, requestJson } from "../http.js";
import { FramePack } from "./frames/frame-pack.js";

/**
 * @typedef {object} Opening the answer of `next-url`
 * @property {number | null} clip null: there is no next clip
 * @property {string} page_url the clip's page; without a clip, where to go instead
 * @property {string} [message] why there is no next clip
 * @property {string} [name] @property {string} [frames_url] @property {string} [pack_url] @property {string} [head_url]
 * @property {string[]} [emotions] @property {boolean} [readonly] @property {string} [next_url]
 * @property {string} [database_url] of the API, if the user may change its emotions; else ""
 */

/**
 * @typedef {object} Ready
 * @property {FramePack} pack
 * @property {import("./frames/frame-store.js").Span | null} head
 * @property {ImageBitmap | null} first frame 0, decoded, for a clip fetched ahead
 */

/**
 * @param {{framesUrl: string, headUrl: string}} urls @param {AbortSignal} signal
 * @returns {Promise<Ready>}
 */
export async function fetchOpening({ framesUrl, headUrl }, signal) {
  const [json, head] = await Promise.all([requestJson(framesUrl, { signal }), headUrl ? fetchHead(headUrl, signal) : null]);
  return { pack: new FramePack(json), head, first: null };
}

/** Fetch the head of the pack. It only speeds up the start: without it, the frames are fetched as usual. @param {string} url @param {AbortSignal} signal */
async function fetchHead(url, signal) {
  const start = Number(new URL(url, location.href).searchParams.get("first"));
  try {
    return { start, bytes: await (await request(url, { signal })).arrayBuffer() };
  } catch {
    return null;
  }
}

/** @param {Ready} ready @returns {Promise<ImageBitmap | null>} null: the labeler decodes the frame itself, or reports what is wrong with it */
async function decodeFirst({ pack: { offsets, mime }, head }) {
  if (!head || head.start > offsets[0] || head.start + head.bytes.byteLength < offsets[1]) return null;
  const bytes = new Uint8Array(head.bytes, offsets[0] - head.start, offsets[1] - offsets[0]);
  return createImageBitmap(new Blob([bytes], { type: mime })).catch(() => null);
}

/** The clip after this one, fetched ahead. */
export class NextClip {
  /** @type {Promise<{opening: Opening, ready: Ready | null}> | null} */
  #coming = null;
  #url;
  #signal;

  /** @param {string} url answers with an Opening @param {AbortSignal} signal stops it */
  constructor(url, signal) {
    this.#url = url;
    this.#signal = signal;
  }

  fetchAhead() {
    this.#coming ??= this.#fetch();
    this.#coming.catch(() => (this.#coming = null)); // requested again when it is needed
  }

  /** @returns {Promise<{opening: Opening, ready: Ready | null}>} */
  get() {
    this.fetchAhead();
    return /** @type {Promise<{opening: Opening, ready: Ready | null}>} */ (this.#coming);
  }

  async #fetch() {
    /** @type {Opening} */
    const opening = await requestJson(this.#url, { signal: this.#signal });
    if (opening.clip === null) return { opening, ready: null };
    const ready = await fetchOpening({ framesUrl: opening.frames_url ?? "", headUrl: opening.head_url ?? "" }, this.#signal);
    return { opening, ready: { ...ready, first: await decodeFirst(ready) } };
  }
}
