/** Which key does what. One table feeds the key handler, the hints on the buttons and the help. */

/**
 * @typedef {"back" | "forward" | "back-ten" | "forward-ten" | "first" | "last" | "previous-mark" | "next-mark" | "play"
 *   | "slower" | "faster" | "loop" | "go-to" | "onset" | "apex" | "offset" | "clear-onset" | "clear-apex" | "clear-offset"
 *   | "clear-here" | "kind" | "action-units" | "note" | "size" | "save" | "help"
 *   | "magnify" | "difference" | "flow" | "motion-more" | "motion-less" | "motion-smoother" | "motion-sharper" | "reference"
 *   | "timeline-in" | "timeline-out"} ActionName
 */

/**
 * @typedef {object} Action
 * @property {ActionName} name
 * @property {string} label
 * @property {string[]} keys as `keyOf` names them
 * @property {"Move" | "Play" | "Code" | "View"} group
 * @property {boolean} [repeats] holding the key repeats it
 * @property {boolean} [writes] changes the coding
 */

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
  { name: "go-to", label: "Go to a frame number", keys: ["g"], group: "Move" },
  { name: "play", label: "Play or pause", keys: ["Space"], group: "Play" },
  { name: "slower", label: "Slower", keys: ["["], group: "Play" },
  { name: "faster", label: "Faster", keys: ["]"], group: "Play" },
  { name: "loop", label: "Loop from onset to offset", keys: ["l"], group: "Play" },
  { name: "onset", label: "Onset here", keys: ["1", "o"], group: "Code", writes: true },
  { name: "apex", label: "Apex here", keys: ["2", "a"], group: "Code", writes: true },
  { name: "offset", label: "Offset here", keys: ["3", "f"], group: "Code", writes: true },
  { name: "clear-onset", label: "Clear onset", keys: ["Shift+1", "Shift+o"], group: "Code", writes: true },
  { name: "clear-apex", label: "Clear apex", keys: ["Shift+2", "Shift+a"], group: "Code", writes: true },
  { name: "clear-offset", label: "Clear offset", keys: ["Shift+3", "Shift+f"], group: "Code", writes: true },
  { name: "clear-here", label: "Clear the mark on this frame", keys: ["Delete", "Backspace"], group: "Code", writes: true },
  { name: "kind", label: "Micro or macro", keys: ["k"], group: "Code", writes: true },
  { name: "action-units", label: "Type action units", keys: ["u"], group: "Code" },
  { name: "note", label: "Type a note", keys: ["t"], group: "Code" },
  { name: "save", label: "Save now (it saves by itself)", keys: ["Ctrl+s"], group: "Code" },
  { name: "size", label: "Fit, or whole multiples of pixels", keys: ["z"], group: "View" },
  { name: "magnify", label: "Magnify motion, or not", keys: ["m"], group: "View" },
  { name: "difference", label: "Difference to the reference, or not", keys: ["Shift+m"], group: "View" },
  { name: "flow", label: "Optical flow and strain, or not", keys: ["v"], group: "View" },
  { name: "motion-more", label: "Larger factor of motion", keys: ["w"], group: "View" },
  { name: "motion-less", label: "Smaller factor", keys: ["Shift+w"], group: "View" },
  { name: "motion-smoother", label: "Smoother", keys: ["y"], group: "View" },
  { name: "motion-sharper", label: "Sharper", keys: ["Shift+y"], group: "View" },
  { name: "reference", label: "Compare with this frame (again: the onset)", keys: ["Shift+r"], group: "View" },
  { name: "timeline-in", label: "Timeline closer (wheel)", keys: ["Shift+ArrowUp"], group: "View" },
  { name: "timeline-out", label: "Timeline wider", keys: ["Shift+ArrowDown"], group: "View" },
  { name: "help", label: "This help", keys: ["?"], group: "View" },
]);

const BY_KEY = new Map(ACTIONS.flatMap((action) => action.keys.map((key) => [key, action])));
const RESERVED = new Set([...BY_KEY.keys()].filter((key) => /^[a-z]$/.test(key)));

/** Keys by their place, for layouts where the character needs another modifier or another alphabet. */
const BY_CODE = new Map([["BracketLeft", "["], ["BracketRight", "]"]]);

/**
 * @param {Pick<KeyboardEvent, "key" | "code" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">} event
 * @returns {string | null} e.g. "ArrowLeft", "Shift+1", "g", "?"; null for what belongs to the browser
 */
export function keyOf({ key, code, shiftKey, ctrlKey, metaKey, altKey }) {
  if (altKey) return null;
  if (ctrlKey || metaKey) return key.toLowerCase() === "s" && !shiftKey ? "Ctrl+s" : null;
  if (key === "?") return "?";
  const digit = /^Digit(\d)$/.exec(code)?.[1] ?? (/^\d$/.test(key) ? key : null);
  const letter = /^[a-z]$/i.test(key) ? key.toLowerCase() : /^Key([A-Z])$/.exec(code)?.[1].toLowerCase();
  const name = digit ?? letter ?? BY_CODE.get(code) ?? (key === " " ? "Space" : key);
  return shiftKey && name !== "[" && name !== "]" ? `Shift+${name}` : name;
}

/** @param {string} key @returns {Action | null} */
export const actionOf = (key) => BY_KEY.get(key) ?? null;

/**
 * A letter for each emotion: its first letter that is still free, else any that is.
 *
 * @param {readonly string[]} emotions
 * @returns {Map<string, string>} emotion to key; emotions beyond the alphabet get none
 */
export function emotionKeys(emotions) {
  const taken = new Set(RESERVED);
  /** @type {Map<string, string>} */
  const keys = new Map();
  for (const emotion of emotions) {
    const letters = emotion.toLowerCase().replace(/[^a-z]/g, "");
    const key = [...letters, ..."bcdefghijklmnpqrsvwxyz"].find((letter) => !taken.has(letter));
    if (!key) continue;
    taken.add(key);
    keys.set(emotion, key);
  }
  return keys;
}

/** @param {string} key @returns {string} as printed on a key */
export function keyLabel(key) {
  /** @type {Record<string, string>} */
  const printed = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Delete: "Del", Backspace: "⌫" };
  return key
    .split("+")
    .map((part) => printed[part] ?? (/^[a-z]$/.test(part) ? part.toUpperCase() : part))
    .join("+");
}

/** @param {Element} element that has the focus @returns {boolean} whether keys belong to a text field */
export function isTyping(element) {
  if (element.closest("dialog:not([open])")) return false; // just closed; the browser moves the focus a little later
  const notText = "[type=checkbox], [type=radio], [type=button], [type=submit]";
  return element.closest(`input:not(${notText}), textarea, select, [contenteditable]`) !== null;
}
