/** One coder's annotation of one clip, over the REST API. */
import { requestJson } from "../http.js";

/** @typedef {import("./drafts.js").Coding} Coding */
/** @typedef {import("./drafts.js").AnnotationRecord} AnnotationRecord */

export class AnnotationsApi {
  #url;
  #clip;

  /** @param {{url: string, clip: string}} options */
  constructor({ url, clip }) {
    this.#url = url.endsWith("/") ? url : `${url}/`;
    this.#clip = clip;
  }

  /** @returns {Promise<AnnotationRecord | null>} */
  async mine() {
    const { results } = await requestJson(`${this.#url}?clip=${encodeURIComponent(this.#clip)}&mine=true`);
    return results[0] ?? null;
  }

  // keepalive: a save under way outlives a closed tab

  /** @param {Coding} coding @returns {Promise<AnnotationRecord>} */
  create(coding) {
    return requestJson(this.#url, { method: "POST", json: { clip: this.#clip, ...coding }, keepalive: true });
  }

  /** @param {AnnotationRecord} record @param {Coding} coding @returns {Promise<AnnotationRecord>} */
  update(record, coding) {
    return requestJson(this.#one(record), { method: "PATCH", json: coding, headers: this.#ifMatch(record), keepalive: true });
  }

  /** @param {AnnotationRecord} record @returns {Promise<null>} */
  remove(record) {
    return requestJson(this.#one(record), { method: "DELETE", headers: this.#ifMatch(record), keepalive: true });
  }

  /** @param {AnnotationRecord} record */
  #one({ id }) {
    return `${this.#url}${encodeURIComponent(id)}/`;
  }

  /** @param {AnnotationRecord} record */
  #ifMatch({ revision }) {
    return { "If-Match": `"${revision}"` };
  }
}
