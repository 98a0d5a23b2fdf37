/** One coder's annotations of one clip, through the REST API. */
import { requestJson } from "../../http.js";

/** @typedef {import("./coding.js").Coding} Coding */
/** @typedef {import("./coding.js").AnnotationRecord} AnnotationRecord */

/**
 * @typedef {object} Version
 * @property {number} revision
 * @property {Coding & {deleted: boolean}} content
 * @property {string | null} made_by
 * @property {string} made_at ISO time
 * @property {string} client
 */

export class AnnotationsApi {
  #url;
  #clip;
  #client;

  /** @param {{url: string, clip: string, client?: string}} options client: the program that sends the annotations, for their history */
  constructor({ url, clip, client = "labeler" }) {
    this.#url = url.endsWith("/") ? url : `${url}/`;
    this.#clip = clip;
    this.#client = client;
  }

  /** @returns {Promise<AnnotationRecord[]>} the coder's own, from all pages */
  mine() {
    return this.#list("mine=true");
  }

  /** @returns {Promise<AnnotationRecord[]>} those of other coders that this coder may see; coding is blind */
  visible() {
    return this.#list("mine=false");
  }

  /** @returns {Promise<AnnotationRecord[]>} those that this coder deleted in this clip */
  deleted() {
    return this.#list("deleted=true");
  }

  /** @param {string} which @returns {Promise<AnnotationRecord[]>} */
  #list(which) {
    return allPages(`${this.#url}?clip=${encodeURIComponent(this.#clip)}&${which}`);
  }

  // keepalive: a save in progress completes after the tab is closed

  /** @param {string} key @param {Coding} coding @returns {Promise<AnnotationRecord>} */
  create(key, coding) {
    return this.#write(this.#url, "POST", { clip: Number(this.#clip), key, ...coding });
  }

  /** @param {AnnotationRecord} record @param {Coding} coding @returns {Promise<AnnotationRecord>} */
  update(record, coding) {
    return this.#write(this.#one(record), "PATCH", coding, record);
  }

  /** @param {AnnotationRecord} record @returns {Promise<null>} */
  remove(record) {
    return this.#write(this.#one(record), "DELETE", undefined, record);
  }

  /** @param {AnnotationRecord} record deleted @returns {Promise<AnnotationRecord>} */
  restore(record) {
    return this.#write(`${this.#one(record)}restore/`, "POST", {});
  }

  /** @param {AnnotationRecord} record @returns {Promise<Version[]>} oldest first */
  versions(record) {
    return allPages(`${this.#one(record)}versions/?`);
  }

  /** @param {string} url @param {string} method @param {unknown} json @param {AnnotationRecord} [record] the edit is based on */
  #write(url, method, json, record) {
    /** @type {Record<string, string>} */
    const headers = { "X-MER-Client": this.#client };
    if (record) headers["If-Match"] = `"${record.revision}"`;
    return requestJson(url, { method, json, headers, keepalive: true });
  }

  /** @param {AnnotationRecord} record */
  #one({ id }) {
    return `${this.#url}${encodeURIComponent(id)}/`;
  }
}

/** @param {string} url with its parameters, or “?” @returns {Promise<any[]>} the rows of all pages */
async function allPages(url) {
  const found = [];
  for (let number = 1; ; number++) {
    const page = await requestJson(`${url}&page_size=500&page=${number}`);
    found.push(...page.results);
    if (!page.next) return found;
  }
}

// The first match counts: other browsers also call themselves Chrome, Safari and Linux.
const BROWSERS = [["Edg", "Edge"], ["OPR", "Opera"], ["Firefox", "Firefox"], ["Chrome", "Chrome"], ["Safari", "Safari"]];
const SYSTEMS = [["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Windows", "Windows"], ["Mac", "macOS"], ["Linux", "Linux"]];

/** @param {string} agent a browser's user agent @returns {string} for example "labeler (Firefox on Linux)" */
export function clientName(agent) {
  const [browser, system] = [BROWSERS, SYSTEMS].map((names) => names.find(([token]) => agent.includes(token))?.[1]);
  return browser && system ? `labeler (${browser} on ${system})` : "labeler";
}
