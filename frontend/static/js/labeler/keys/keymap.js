/** Which key does what. One table feeds the key handler, the hints on the buttons and the help; a coder may change it. */

/**
 * @typedef {"back" | "forward" | "back-ten" | "forward-ten" | "first" | "last" | "previous-mark" | "next-mark" | "play" | "play-back"
 *   | "slower" | "faster" | "loop" | "go-to" | "onset" | "apex" | "offset" | "clear-onset" | "clear-apex" | "clear-offset"
 *   | "clear-here" | "nudge-back" | "nudge-forward" | "nudge-back-four" | "nudge-forward-four" | "kind" | "action-units"
 *   | "pick-action-units" | "note" | "confidence-1" | "confidence-2" | "confidence-3" | "confidence-4" | "confidence-5"
 *   | "accept" | "next-expression" | "previous-expression" | "new-expression" | "delete-expression" | "history" | "undo" | "redo"
 *   | "done" | "add-emotion" | "size" | "region" | "zoom-in" | "zoom-out" | "zoom-reset" | "pan-left" | "pan-right" | "pan-up"
 *   | "pan-down" | "flip" | "next-clip" | "save" | "help"
 *   | "magnify" | "difference" | "flow" | "motion-more" | "motion-less" | "motion-smoother" | "motion-sharper" | "reference"
 *   | "timeline-in" | "timeline-out"} ActionName
 */

/** @typedef {"Move" | "Play" | "Mark" | "Describe" | "Expressions" | "View"} Group */

/**
 * @typedef {object} Action
 * @property {ActionName} name
 * @property {string} label
 * @property {string[]} keys as `keyOf` names them
 * @property {Group} group
 * @property {boolean} [repeats] holding the key repeats it
 * @property {boolean} [writes] changes the coding
 */

/** @type {readonly Group[]} */
export const GROUPS = Object.freeze(/** @type {Group[]} */ (["Move", "Play", "View", "Mark", "Describe", "Expressions"]));

/** @type {readonly Action[]} */
export const ACTIONS = Object.freeze([
  { name: "back", label: "One frame back", keys: ["ArrowLeft"], group: "Move", repeats: true },
  { name: "forward", label: "One frame forward", keys: ["ArrowRight"], group: "Move", repeats: true },
  { name: "back-ten", label: "Ten frames back", keys: ["Shift+ArrowLeft"], group: "Move", repeats: true },
  { name: "forward-ten", label: "Ten frames forward", keys: ["Shift+ArrowRight"], group: "Move", repeats: true },
  { name: "first", label: "First frame", keys: ["Home"], group: "Move" },
  { name: "last", label: "Last frame", keys: ["End"], group: "Move" },
  { name: "previous-mark", label: "Mark before", keys: ["ArrowUp"], group: "Move" },
  { name: "next-mark", label: "Mark after", keys: ["ArrowDown"], group: "Move" },
  { name: "next-clip", label: "Next clip", keys: ["n"], group: "Move" },
  { name: "go-to", label: "Go to a frame number", keys: ["g"], group: "Move" },
  { name: "play", label: "Play or pause", keys: ["Space"], group: "Play" },
  { name: "play-back", label: "Play backward or pause", keys: ["Shift+Space"], group: "Play" },
  { name: "slower", label: "Slower", keys: ["["], group: "Play" },
  { name: "faster", label: "Faster", keys: ["]"], group: "Play" },
  { name: "loop", label: "Loop from onset to offset", keys: ["l"], group: "Play" },
  { name: "onset", label: "Onset here", keys: ["1", "o"], group: "Mark", writes: true },
  { name: "apex", label: "Apex here", keys: ["2", "a"], group: "Mark", writes: true },
  { name: "offset", label: "Offset here", keys: ["3", "f"], group: "Mark", writes: true },
  { name: "accept", label: "Accept nearest suggestion", keys: ["Enter"], group: "Mark", writes: true },
  { name: "nudge-back", label: "Move nearest mark back", keys: [",", "Alt+ArrowLeft"], group: "Mark", repeats: true, writes: true },
  { name: "nudge-forward", label: "Move nearest mark on", keys: [".", "Alt+ArrowRight"], group: "Mark", repeats: true, writes: true },
  { name: "nudge-back-four", label: "… by four frames back", keys: ["Shift+,"], group: "Mark", writes: true },
  { name: "nudge-forward-four", label: "… by four frames on", keys: ["Shift+."], group: "Mark", writes: true },
  { name: "clear-onset", label: "Clear onset", keys: ["Shift+1", "Shift+o"], group: "Mark", writes: true },
  { name: "clear-apex", label: "Clear apex", keys: ["Shift+2", "Shift+a"], group: "Mark", writes: true },
  { name: "clear-offset", label: "Clear offset", keys: ["Shift+3", "Shift+f"], group: "Mark", writes: true },
  { name: "clear-here", label: "Clear mark on this frame", keys: ["Delete", "Backspace"], group: "Mark", writes: true },
  { name: "kind", label: "Micro or macro", keys: ["k"], group: "Describe", writes: true },
  { name: "action-units", label: "Type action units", keys: ["u"], group: "Describe" },
  { name: "pick-action-units", label: "Pick action units", keys: ["Shift+u"], group: "Describe", writes: true },
  { name: "confidence-1", label: "Confidence 1 (guess)", keys: ["5"], group: "Describe", writes: true },
  { name: "confidence-2", label: "Confidence 2", keys: ["6"], group: "Describe", writes: true },
  { name: "confidence-3", label: "Confidence 3", keys: ["7"], group: "Describe", writes: true },
  { name: "confidence-4", label: "Confidence 4", keys: ["8"], group: "Describe", writes: true },
  { name: "confidence-5", label: "Confidence 5 (certain)", keys: ["9"], group: "Describe", writes: true },
  { name: "note", label: "Type a note", keys: ["t"], group: "Describe" },
  { name: "add-emotion", label: "Add an emotion (researchers)", keys: ["Shift+w"], group: "Describe" },
  { name: "next-expression", label: "Next expression", keys: ["e", "PageDown"], group: "Expressions" },
  { name: "previous-expression", label: "Expression before", keys: ["Shift+e", "PageUp"], group: "Expressions" },
  { name: "new-expression", label: "New expression", keys: ["Shift+n", "Insert"], group: "Expressions", writes: true },
  { name: "delete-expression", label: "Delete expression", keys: ["Shift+Delete", "Shift+Backspace"], group: "Expressions", writes: true },
  { name: "history", label: "Versions, and what was deleted", keys: ["Shift+h"], group: "Expressions" },
  { name: "undo", label: "Undo", keys: ["Ctrl+z"], group: "Expressions", repeats: true, writes: true },
  { name: "redo", label: "Redo", keys: ["Ctrl+Shift+z", "Ctrl+y"], group: "Expressions", repeats: true, writes: true },
  { name: "save", label: "Save now (it saves by itself)", keys: ["Ctrl+s"], group: "Expressions" },
  { name: "done", label: "Done, next clip", keys: ["Ctrl+Enter"], group: "Expressions", writes: true },
  { name: "flip", label: "Flip between onset and this frame (tap, or hold)", keys: ["b"], group: "View" },
  { name: "region", label: "Face, brows and eyes, nose, mouth, everything", keys: ["x"], group: "View" },
  { name: "zoom-in", label: "Closer (wheel, pinch)", keys: ["+", "="], group: "View", repeats: true },
  { name: "zoom-out", label: "Farther", keys: ["-"], group: "View", repeats: true },
  { name: "zoom-reset", label: "Whole picture", keys: ["0"], group: "View" },
  { name: "pan-left", label: "Look left (drag)", keys: ["Shift+j"], group: "View", repeats: true },
  { name: "pan-right", label: "Look right", keys: ["Shift+l"], group: "View", repeats: true },
  { name: "pan-up", label: "Look up", keys: ["Shift+i"], group: "View", repeats: true },
  { name: "pan-down", label: "Look down", keys: ["Shift+k"], group: "View", repeats: true },
  { name: "size", label: "Fit, or whole multiples of pixels", keys: ["z"], group: "View" },
  { name: "magnify", label: "Magnify motion, or not", keys: ["m"], group: "View" },
  { name: "difference", label: "Difference to the reference, or not", keys: ["Shift+m"], group: "View" },
  { name: "flow", label: "Optical flow and strain, or not", keys: ["v"], group: "View" },
  { name: "motion-more", label: "Larger factor of motion", keys: ["'"], group: "View", repeats: true },
  { name: "motion-less", label: "Smaller factor", keys: [";"], group: "View", repeats: true },
  { name: "motion-smoother", label: "Smoother", keys: ["y"], group: "View", repeats: true },
  { name: "motion-sharper", label: "Sharper", keys: ["Shift+y"], group: "View", repeats: true },
  { name: "reference", label: "Compare with this frame (again: the onset)", keys: ["Shift+r"], group: "View" },
  { name: "timeline-in", label: "Timeline closer (wheel)", keys: ["Shift+ArrowUp"], group: "View", repeats: true },
  { name: "timeline-out", label: "Timeline wider", keys: ["Shift+ArrowDown"], group: "View", repeats: true },
  { name: "help", label: "All keys, and changing them", keys: ["?"], group: "View" },
]);

/** Keys by their place, for layouts where the character needs another modifier or another alphabet. */
const BY_CODE = new Map([["BracketLeft", "["], ["BracketRight", "]"], ["Comma", ","], ["Period", "."], ["Semicolon", ";"], ["Quote", "'"], ["Backslash", "\\"], ["Backquote", "`"]]);
const MODIFIERS = new Set(["Shift", "Control", "Alt", "Meta", "AltGraph", "CapsLock", "Dead", "Process", "Unidentified"]);

/** What browsers keep for themselves, whatever a page says, and what finds the way around a page. */
const BROWSERS_OWN = new Set(["Ctrl+w", "Ctrl+t", "Ctrl+n", "Ctrl+Shift+w", "Ctrl+Shift+t", "Ctrl+Shift+n", "Ctrl+q", "Tab", "Shift+Tab", "Escape", "F11"]);

/**
 * @param {Pick<KeyboardEvent, "key" | "code" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">} event
 * @returns {string | null} e.g. "ArrowLeft", "Shift+1", "g", "?", "Ctrl+s"; null for a modifier alone
 */
export function keyOf({ key, code, shiftKey, ctrlKey, metaKey, altKey }) {
  if (MODIFIERS.has(key)) return null;
  if (key === "?") return "?";
  const name = nameOf(key, code, shiftKey);
  // Which signs need Shift depends on the keyboard; it says nothing about them.
  const shift = shiftKey && !"[]+-=".includes(name);
  return `${ctrlKey || metaKey ? "Ctrl+" : ""}${altKey ? "Alt+" : ""}${shift ? "Shift+" : ""}${name}`;
}

/** @param {string} key @param {string} code @param {boolean} shift @returns {string} */
function nameOf(key, code, shift) {
  const digit = /^Digit(\d)$/.exec(code)?.[1] ?? (/^\d$/.test(key) ? key : undefined);
  if (digit) return digit;
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  // Its own character where that is a plain one: AZERTY's comma lies where others have the M.
  if (!shift && /^[!-~]$/.test(key)) return key;
  const letter = /^Key([A-Z])$/.exec(code)?.[1].toLowerCase();
  return BY_CODE.get(code) ?? letter ?? (key === " " ? "Space" : key);
}

/**
 * A letter for each emotion: its first letter that is still free, else any that is.
 *
 * @param {readonly string[]} emotions @param {Iterable<string>} [taken] keys that do something else
 * @returns {Map<string, string>} emotion to key; emotions beyond the alphabet get none
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

/** The keys of one coder: the table's, with what the coder changed. */
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

  /** @param {readonly string[]} emotions the database's words */
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

  /** @param {string} key @returns {Binding | null} what it does */
  bound(key) {
    return this.#bindings.get(this.#byKey.get(key) ?? "") ?? null;
  }

  /** @param {string} id @returns {boolean} whether the coder changed its keys */
  isChanged(id) {
    return id in this.#changed;
  }

  /**
   * Gives a binding a key, instead of those it has.
   *
   * @param {string} id @param {string} key
   * @returns {string | null} null when done; else why not
   */
  rebind(id, key) {
    if (BROWSERS_OWN.has(key)) return `${keyLabel(key)} belongs to the browser. Take another key.`;
    const other = this.#byKey.get(key);
    if (other !== undefined && other !== id) return `${keyLabel(key)} is “${this.#bindings.get(other)?.label}”. Give that another key first, or take another one here.`;
    this.#changed = { ...this.#changed, [id]: [key] };
    this.#write();
    return null;
  }

  /** Back to the table. @param {string} [id] only this binding's keys @returns {string | null} why not */
  reset(id) {
    if (id === undefined) this.#changed = {};
    else {
      const { [id]: _, ...rest } = this.#changed;
      const wanted = ACTIONS.find((action) => action.name === id)?.keys ?? [];
      const clash = wanted.find((key) => Object.values(rest).flat().includes(key));
      if (clash) return `${keyLabel(clash)} is “${this.bound(clash)?.label}” now. Reset that first.`;
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
      return {}; // blocked or torn: the table holds
    }
  }

  #write() {
    this.#assign();
    try {
      this.#storage?.setItem(this.#item, JSON.stringify(this.#changed));
    } catch {
      // full or blocked: it holds until the page closes
    }
  }
}

/** @param {string} emotion @returns {string} */
export const emotionId = (emotion) => `emotion:${emotion}`;

/** @param {string} key @returns {string} as printed on a key */
export function keyLabel(key) {
  /** @type {Record<string, string>} */
  const printed = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Delete: "Del", Backspace: "⌫", Enter: "↵", PageUp: "PgUp", PageDown: "PgDn" };
  return key
    .split(/\+(?=.)/)
    .map((part) => printed[part] ?? (/^[a-z]$/.test(part) ? part.toUpperCase() : part))
    .join("+");
}

/** @param {Element} element that has the focus @returns {boolean} whether keys belong to a text field */
export function isTyping(element) {
  if (element.closest("dialog:not([open])")) return false; // just closed; the browser moves the focus a little later
  const notText = "[type=checkbox], [type=radio], [type=button], [type=submit]";
  return element.closest(`input:not(${notText}), textarea, select, [contenteditable]`) !== null;
}
