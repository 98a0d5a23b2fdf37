/** Codings that the server does not have yet, kept in the browser per coder, clip and expression. */

/** @typedef {import("./coding.js").Coding} Coding */
/** @typedef {import("./coding.js").AnnotationRecord} AnnotationRecord */

/**
 * @typedef {object} Draft
 * @property {string} key of the expression
 * @property {Coding} coding
 * @property {AnnotationRecord | null} base the server's version that the coding is based on
 * @property {boolean} gone whether the server's copy is deleted
 * @property {boolean} deleted whether the coder has deleted the expression
 * @property {string} savedAt ISO time
 */

export class Drafts {
  #prefix;
  #storage;
  /** @type {Map<string, string>} the draft that this tab last wrote or read, by expression */
  #own = new Map();

  /**
   * @param {object} options
   * @param {Storage | null} options.storage if null, nothing is kept
   * @param {string} options.coder if empty, nothing is kept: two coders may share a browser
   * @param {string} options.scope identifies the clip: the API's address and the clip's id
   */
  constructor({ storage, coder, scope }) {
    this.#storage = coder ? storage : null;
    this.#prefix = `${prefixOf(coder)}${scope}#`;
  }

  /** @returns {Draft[]} oldest first */
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
        continue; // storage is blocked or the draft is damaged: use the server's copy
      }
    }
    return drafts.sort((a, b) => a.savedAt.localeCompare(b.savedAt));
  }

  /** @param {Omit<Draft, "savedAt">} draft @returns {boolean} whether it is stored */
  write(draft) {
    if (!this.#storage) return false;
    const text = JSON.stringify({ ...draft, savedAt: new Date().toISOString() });
    try {
      this.#storage.setItem(this.#prefix + draft.key, text);
      this.#own.set(draft.key, text);
      return true;
    } catch {
      return false; // storage is full or blocked
    }
  }

  /** Delete this tab's draft of an expression; another tab's unsent draft stays. @param {string} key */
  clear(key) {
    try {
      const item = this.#prefix + key;
      if (this.#own.has(key) && this.#storage?.getItem(item) === this.#own.get(key)) this.#storage?.removeItem(item);
      this.#own.delete(key);
    } catch {
      // storage is blocked: there is no draft
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
 * List the clips that have unsent drafts.
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
    return null; // blocked in the browser's settings
  }
}
