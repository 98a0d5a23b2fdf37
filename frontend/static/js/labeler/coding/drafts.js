/** Codings that the server does not have yet, kept in the browser per coder, clip and expression. */

/** @typedef {import("./coding.js").Coding} Coding */
/** @typedef {import("./coding.js").AnnotationRecord} AnnotationRecord */

/**
 * @typedef {object} Draft
 * @property {string} key of the expression
 * @property {Coding} coding
 * @property {AnnotationRecord | null} base what the server had when the coding was begun
 * @property {boolean} gone the server has deleted its copy
 * @property {boolean} deleted the coder has deleted the expression
 * @property {string} savedAt ISO time
 */

export class Drafts {
  #prefix;
  #storage;
  /** @type {Map<string, string>} what this tab wrote or read last, by expression */
  #own = new Map();

  /**
   * @param {object} options
   * @param {Storage | null} options.storage null: nothing is kept
   * @param {string} options.coder without one nothing is kept: two coders may share a browser
   * @param {string} options.scope what is coded, e.g. the API's address and the clip
   */
  constructor({ storage, coder, scope }) {
    this.#storage = coder ? storage : null;
    this.#prefix = `${prefixOf(coder)}${scope}#`;
  }

  /** @returns {Draft[]} the oldest first */
  read() {
    const storage = this.#storage;
    if (!storage) return [];
    const drafts = [];
    for (const item of keysOf(storage).filter((name) => name.startsWith(this.#prefix))) {
      try {
        const text = storage.getItem(item) ?? "";
        const draft = JSON.parse(text);
        this.#own.set(draft.key, text);
        drafts.push(draft);
      } catch {
        continue; // blocked storage or a torn draft: the server's copy holds
      }
    }
    return drafts.sort((a, b) => a.savedAt.localeCompare(b.savedAt));
  }

  /** @param {Omit<Draft, "savedAt">} draft @returns {boolean} whether it is safe now */
  write(draft) {
    if (!this.#storage) return false;
    const text = JSON.stringify({ ...draft, savedAt: new Date().toISOString() });
    try {
      this.#storage.setItem(this.#prefix + draft.key, text);
      this.#own.set(draft.key, text);
      return true;
    } catch {
      return false; // full or blocked
    }
  }

  /** Forgets this tab's draft of an expression; another tab's unsent draft stays. @param {string} key */
  clear(key) {
    try {
      const item = this.#prefix + key;
      if (this.#own.has(key) && this.#storage?.getItem(item) === this.#own.get(key)) this.#storage?.removeItem(item);
      this.#own.delete(key);
    } catch {
      // blocked: there is nothing to forget
    }
  }
}

/** @param {string} coder */
const prefixOf = (coder) => `mer.draft.v2:${coder}:`;

/** @param {Storage} storage @returns {string[]} */
function keysOf(storage) {
  try {
    return Array.from({ length: storage.length }, (_, i) => storage.key(i) ?? "");
  } catch {
    return []; // blocked
  }
}

/**
 * Which other clips have drafts that wait to be sent.
 *
 * @param {Storage | null} storage @param {string} coder
 * @returns {string[]} their scopes
 */
export function scopesWithDrafts(storage, coder) {
  if (!storage || !coder) return [];
  const prefix = prefixOf(coder);
  const scopes = keysOf(storage)
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length, name.lastIndexOf("#")));
  return [...new Set(scopes)];
}

/** @returns {Storage | null} */
export function browserStorage() {
  try {
    return localStorage;
  } catch {
    return null; // blocked by the browser's settings
  }
}
