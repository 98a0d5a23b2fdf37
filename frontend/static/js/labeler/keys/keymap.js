/** One coder's keys. */
import { ACTIONS } from "./actions.js";
import { keyLabel } from "./key-names.js";

/** @typedef {import("./actions.js").ActionName} ActionName */
/** @typedef {import("./actions.js").Group} Group */

/** Keys that browsers reserve, and keys that move the focus. */
const RESERVED = new Set(["Ctrl+w", "Ctrl+t", "Ctrl+n", "Ctrl+Shift+w", "Ctrl+Shift+t", "Ctrl+Shift+n", "Ctrl+q", "Tab", "Shift+Tab", "Escape", "F11"]);

/**
 * Assign a letter to each emotion: the first of its letters that is free, else any free letter.
 *
 * @param {readonly string[]} emotions @param {Iterable<string>} [taken] keys that are already used
 * @returns {Map<string, string>} key by emotion; when the alphabet is used up, emotions get none
 */
export function emotionKeys(emotions, taken = ACTIONS.flatMap((action) => action.keys)) {
  const used = new Set(taken);
  /** @type {Map<string, string>} */
  const keys = new Map();
  for (const emotion of emotions) {
    const letters = emotion.toLowerCase().replace(/[^a-z]/g, "");
    const key = [...letters, ..."bcdefghijklmnpqrsvwxyz"].find((letter) => !used.has(letter));
    if (!key) continue;
    used.add(key);
    keys.set(emotion, key);
  }
  return keys;
}

/** @typedef {{kind: "action", name: ActionName, label: string, group: Group | "Emotion", repeats: boolean} | {kind: "emotion", name: string, label: string, group: "Emotion", repeats: false}} Binding */

/** The default keys with one coder's changes. */
export class Keymap {
  /** @type {Record<string, string[]>} by binding */
  #changed = {};
  /** @type {Map<string, Binding>} */
  #bindings = new Map();
  /** @type {Map<string, string[]>} */
  #keys = new Map();
  /** @type {Map<string, string>} key to binding */
  #byKey = new Map();
  #storage;
  #item;

  /** @param {{emotions?: readonly string[], storage?: Storage | null, coder?: string}} [options] */
  constructor({ emotions = [], storage = null, coder = "" } = {}) {
    this.#storage = storage;
    this.#item = `mer.keys.v1:${coder}`;
    for (const { name, label, group, repeats } of ACTIONS) this.#bindings.set(name, { kind: "action", name, label, group, repeats: Boolean(repeats) });
    this.#changed = this.#read();
    this.setEmotions(emotions);
  }

  /** @param {readonly string[]} emotions of the database */
  setEmotions(emotions) {
    for (const id of this.#bindings.keys()) if (id.startsWith(emotionId(""))) this.#bindings.delete(id);
    for (const emotion of emotions) this.#bindings.set(emotionId(emotion), { kind: "emotion", name: emotion, label: emotion, group: "Emotion", repeats: false });
    this.#assign();
  }

  /** @returns {[id: string, binding: Binding][]} */
  get bindings() {
    return [...this.#bindings];
  }

  /** @param {string} id an action's name, or `emotionId` @returns {readonly string[]} */
  keys(id) {
    return this.#keys.get(id) ?? [];
  }

  /** @param {string} id @returns {string} its first key as printed, or "" */
  label(id) {
    const [key] = this.keys(id);
    return key ? keyLabel(key) : "";
  }

  /** @param {string} key @returns {Binding | null} what the key does */
  bound(key) {
    return this.#bindings.get(this.#byKey.get(key) ?? "") ?? null;
  }

  /** @param {string} id @returns {boolean} whether the coder changed its keys */
  isChanged(id) {
    return id in this.#changed;
  }

  /**
   * Replace the keys of a binding by one key.
   *
   * @param {string} id @param {string} key
   * @returns {string | null} null if done; else why not
   */
  rebind(id, key) {
    if (RESERVED.has(key)) return `${keyLabel(key)} is reserved by the browser. Choose another key.`;
    const other = this.#byKey.get(key);
    if (other !== undefined && other !== id) return `${keyLabel(key)} is used for “${this.#bindings.get(other)?.label}”. Choose another key, or change that one first.`;
    this.#changed = { ...this.#changed, [id]: [key] };
    this.#write();
    return null;
  }

  /** Restore the default keys. @param {string} [id] of this binding only @returns {string | null} null if done; else why not */
  reset(id) {
    if (id === undefined) this.#changed = {};
    else {
      const { [id]: _, ...rest } = this.#changed;
      const wanted = ACTIONS.find((action) => action.name === id)?.keys ?? [];
      const clash = wanted.find((key) => Object.values(rest).flat().includes(key));
      if (clash) return `${keyLabel(clash)} is now used for “${this.bound(clash)?.label}”. Reset that first.`;
      this.#changed = rest;
    }
    this.#write();
    return null;
  }

  #assign() {
    this.#keys = new Map(ACTIONS.map(({ name, keys }) => [name, this.#changed[name] ?? keys]));
    const emotions = [...this.#bindings.values()].filter((binding) => binding.kind === "emotion").map(({ name }) => name);
    for (const emotion of emotions) {
      const keys = this.#changed[emotionId(emotion)];
      if (keys) this.#keys.set(emotionId(emotion), keys);
    }
    const others = emotions.filter((emotion) => !this.isChanged(emotionId(emotion)));
    for (const [emotion, key] of emotionKeys(others, [...this.#keys.values()].flat())) this.#keys.set(emotionId(emotion), [key]);
    this.#byKey = new Map([...this.#keys].flatMap(([id, keys]) => keys.map((key) => [key, id])));
  }

  /** @returns {Record<string, string[]>} */
  #read() {
    try {
      const stored = JSON.parse(this.#storage?.getItem(this.#item) ?? "{}");
      return Object.fromEntries(Object.entries(stored).filter(([, keys]) => Array.isArray(keys)));
    } catch {
      return {}; // blocked or damaged: use the defaults
    }
  }

  #write() {
    this.#assign();
    try {
      this.#storage?.setItem(this.#item, JSON.stringify(this.#changed));
    } catch {
      // full or blocked: kept until the page closes
    }
  }
}

/** @param {string} emotion @returns {string} */
export const emotionId = (emotion) => `emotion:${emotion}`;
