/** A queue of files to upload, a few at a time. Independent of the page and of XMLHttpRequest. */

/** @typedef {"chosen" | "waiting" | "sending" | "checking" | "done" | "failed" | "cancelled"} UploadState */

/**
 * @typedef {object} Upload
 * @property {number} id
 * @property {File} file
 * @property {UploadState} state
 * @property {Record<string, string>} fields the form's values when the upload was started
 * @property {number} fraction 0..1 of the bytes sent
 * @property {string} message a sentence if it failed
 * @property {any} result the API's answer once it is done
 */

/**
 * @callback Send
 * @param {Upload} upload
 * @param {{onprogress: (fraction: number) => void, signal: AbortSignal}} options
 * @returns {Promise<any>} rejects with an Error whose message is a sentence
 */

export class UploadQueue {
  /** @type {Upload[]} */
  uploads = [];
  /** @type {Map<number, AbortController>} */
  #running = new Map();
  #serial = 0;
  #send;
  #onchange;
  #atOnce;

  /** @param {{send: Send, onchange?: (upload: Upload) => void, atOnce?: number}} options */
  constructor({ send, onchange = () => {}, atOnce = 2 }) {
    this.#send = send;
    this.#onchange = onchange;
    this.#atOnce = atOnce;
  }

  /** Whether closing the page would interrupt an upload. */
  get busy() {
    return this.uploads.some((upload) => ["waiting", "sending", "checking"].includes(upload.state));
  }

  /** @param {UploadState} state @returns {number} */
  count(state) {
    return this.uploads.filter((upload) => upload.state === state).length;
  }

  /** @param {Iterable<File>} files to add; a file that is already in the queue (same name, size and date) is skipped */
  add(files) {
    for (const file of files) {
      const twin = this.uploads.find(
        ({ file: other, state }) =>
          !["done", "cancelled"].includes(state) &&
          other.name === file.name && other.size === file.size && other.lastModified === file.lastModified,
      );
      if (twin) continue;
      const upload = { id: ++this.#serial, file, state: "chosen", fields: {}, fraction: 0, message: "", result: null };
      this.uploads.push(/** @type {Upload} */ (upload));
      this.#onchange(/** @type {Upload} */ (upload));
    }
  }

  /** @param {Record<string, string>} fields submitted with every file chosen so far */
  start(fields) {
    for (const upload of this.uploads.filter(({ state }) => state === "chosen")) {
      upload.fields = { ...fields };
      this.#become(upload, "waiting");
    }
    this.#pump();
  }

  /** @param {number} id */
  retry(id) {
    const upload = this.#find(id);
    if (!upload || !["failed", "cancelled"].includes(upload.state)) return;
    // A file that was cancelled before it was started waits for the form again.
    this.#become(upload, Object.keys(upload.fields).length ? "waiting" : "chosen");
    this.#pump();
  }

  /** @param {number} id */
  cancel(id) {
    const upload = this.#find(id);
    if (!upload || ["done", "failed", "cancelled"].includes(upload.state)) return;
    this.#running.get(id)?.abort();
    this.#become(upload, "cancelled");
  }

  /** Cancel an upload and remove it from the queue. @param {number} id */
  remove(id) {
    this.cancel(id);
    this.uploads = this.uploads.filter((upload) => upload.id !== id);
  }

  /** @param {number} id */
  #find(id) {
    return this.uploads.find((upload) => upload.id === id);
  }

  /** @param {Upload} upload @param {UploadState} state @param {string} [message] */
  #become(upload, state, message = "") {
    upload.state = state;
    upload.message = message;
    if (state === "waiting") upload.fraction = 0;
    this.#onchange(upload);
  }

  #pump() {
    for (const upload of this.uploads) {
      if (this.#running.size >= this.#atOnce) return;
      if (upload.state === "waiting") this.#run(upload);
    }
  }

  /** @param {Upload} upload */
  async #run(upload) {
    const controller = new AbortController();
    this.#running.set(upload.id, controller);
    this.#become(upload, "sending");
    try {
      const result = await this.#send(upload, {
        signal: controller.signal,
        onprogress: (fraction) => {
          if (controller.signal.aborted) return;
          upload.fraction = fraction;
          this.#become(upload, fraction >= 1 ? "checking" : "sending");
        },
      });
      upload.result = result;
      if (!controller.signal.aborted) this.#become(upload, "done");
    } catch (error) {
      if (!controller.signal.aborted) this.#become(upload, "failed", /** @type {Error} */ (error).message);
    } finally {
      this.#running.delete(upload.id);
      this.#pump();
    }
  }
}
