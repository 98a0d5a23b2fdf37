/**
 * Decodes images off the main thread. Workers decode the frames that are fetched ahead. A frame that the coder is waiting for
 * is decoded at once with createImageBitmap, which has its own threads, ahead of everything queued for the workers.
 */

/** @typedef {{resolve: (image: ImageBitmap) => void, reject: (error: Error) => void}} Waiting */

/** @param {number} [cores] navigator.hardwareConcurrency @returns {number} of workers; the page needs a core too */
export const workerCount = (cores = 2) => Math.min(Math.max(Math.floor(cores / 2), 1), 4);

export class Decoder {
  /** @type {Worker[]} */
  #workers = [];
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  #next = 0;
  #broken = false;
  #url;
  #count;

  /** @param {{url: string, count?: number}} options url of decode-worker.js */
  constructor({ url, count = workerCount(navigator.hardwareConcurrency) }) {
    this.#url = url;
    this.#count = count;
  }

  /** How many images to decode at a time: two per worker, so that no worker is idle between two images. */
  get parallel() {
    return this.#count * 2;
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} bytes of one image; copied @param {string} mime @param {boolean} urgent the coder is waiting for it
   * @returns {Promise<ImageBitmap>} rejects if the bytes are not an image
   */
  decode(bytes, mime, urgent) {
    if (urgent || this.#broken) return createImageBitmap(new Blob([bytes], { type: mime }));
    const id = this.#next++;
    const worker = this.#worker(id % this.#count);
    const copy = bytes.slice();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ id, bytes: copy, mime }, [copy.buffer]);
    });
  }

  close() {
    for (const worker of this.#workers) worker.terminate();
    this.#workers = [];
    this.#waiting.clear();
  }

  /** @param {number} number @returns {Worker} created when first needed, so that the first image does not wait for it */
  #worker(number) {
    const known = this.#workers[number];
    if (known) return known;
    const worker = new Worker(this.#url);
    worker.addEventListener("message", ({ data }) => this.#didAnswer(data));
    worker.addEventListener("error", () => this.#didBreak());
    this.#workers[number] = worker;
    return worker;
  }

  /** @param {{id: number, image?: ImageBitmap, error?: string}} answer */
  #didAnswer({ id, image, error }) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (!waiting) return image?.close();
    if (image) waiting.resolve(image);
    else waiting.reject(new Error(error));
  }

  /** Decode without workers from now on: a worker that cannot start must not make frames look damaged. */
  #didBreak() {
    this.#broken = true;
    for (const { reject } of this.#waiting.values()) reject(Object.assign(new Error("The decoding worker stopped."), { again: true }));
    this.close();
  }
}
