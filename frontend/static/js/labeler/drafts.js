/** Codings that the server does not have yet, kept in the browser per coder and clip. */

/**
 * @typedef {object} Coding what a coder says of one expression
 * @property {number | null} onset
 * @property {number | null} apex
 * @property {number | null} offset
 * @property {string} emotion
 * @property {string} action_units
 * @property {string} kind "micro" or "macro"
 * @property {string} note
 */

/** @typedef {Coding & {id: number | string, revision: number | string, complete?: boolean}} AnnotationRecord */

/**
 * @typedef {object} Draft
 * @property {Coding} coding
 * @property {AnnotationRecord | null} base what the server had when the coding was begun
 * @property {string} savedAt ISO time
 */

export class Drafts {
  #key;
  #storage;
  #own = "";

  /**
   * @param {object} options
   * @param {Storage | null} options.storage null: nothing is kept
   * @param {string} options.coder without one nothing is kept: two coders may share a browser
   * @param {string} options.scope what is coded, e.g. the API's address and the clip
   */
  constructor({ storage, coder, scope }) {
    this.#storage = coder ? storage : null;
    this.#key = `mer.draft.v1:${coder}:${scope}`;
  }

  /** @returns {Draft | null} */
  read() {
    try {
      const text = this.#storage?.getItem(this.#key) ?? null;
      if (text === null) return null;
      this.#own = text;
      return JSON.parse(text);
    } catch {
      return null; // blocked storage or a torn draft: the server's copy holds
    }
  }

  /** @param {Coding} coding @param {AnnotationRecord | null} base @returns {boolean} whether it is safe now */
  write(coding, base) {
    if (!this.#storage) return false;
    const text = JSON.stringify({ coding, base, savedAt: new Date().toISOString() });
    try {
      this.#storage.setItem(this.#key, text);
      this.#own = text;
      return true;
    } catch {
      return false; // full or blocked
    }
  }

  /** Forgets this tab's draft; another tab's unsent draft stays. */
  clear() {
    try {
      if (this.#storage?.getItem(this.#key) === this.#own) this.#storage.removeItem(this.#key);
    } catch {
      // blocked: there is nothing to forget
    }
  }
}

/** @returns {Storage | null} */
export function browserStorage() {
  try {
    return localStorage;
  } catch {
    return null; // blocked by the browser's settings
  }
}
