/** Names of keys: from a keyboard event, and as printed on the key. */

/** Keys by their position, for layouts in which the character needs a modifier or another alphabet. */
const BY_CODE = new Map([["BracketLeft", "["], ["BracketRight", "]"], ["Comma", ","], ["Period", "."], ["Semicolon", ";"], ["Quote", "'"], ["Backslash", "\\"], ["Backquote", "`"]]);
const MODIFIERS = new Set(["Shift", "Control", "Alt", "Meta", "AltGraph", "CapsLock", "Dead", "Process", "Unidentified"]);

/**
 * @param {Pick<KeyboardEvent, "key" | "code" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">} event
 * @returns {string | null} for example "ArrowLeft", "Shift+1", "g", "?", "Ctrl+s"; null for a modifier alone
 */
export function keyOf({ key, code, shiftKey, ctrlKey, metaKey, altKey }) {
  if (MODIFIERS.has(key)) return null;
  if (key === "?") return "?";
  const name = nameOf(key, code, shiftKey);
  // Which of these characters need Shift depends on the keyboard, so Shift is not part of their name.
  const shift = shiftKey && !"[]+-=".includes(name);
  return `${ctrlKey || metaKey ? "Ctrl+" : ""}${altKey ? "Alt+" : ""}${shift ? "Shift+" : ""}${name}`;
}

/** @param {string} key @param {string} code @param {boolean} shift @returns {string} */
function nameOf(key, code, shift) {
  const digit = /^Digit(\d)$/.exec(code)?.[1] ?? (/^\d$/.test(key) ? key : undefined);
  if (digit) return digit;
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  // Named by its character if that is plain ASCII: AZERTY's comma is where other layouts have the M.
  if (!shift && /^[!-~]$/.test(key)) return key;
  const letter = /^Key([A-Z])$/.exec(code)?.[1].toLowerCase();
  return BY_CODE.get(code) ?? letter ?? (key === " " ? "Space" : key);
}

/** @param {string} key @returns {string} as printed on the key */
export function keyLabel(key) {
  /** @type {Record<string, string>} */
  const printed = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Delete: "Del", Backspace: "⌫", Enter: "↵", PageUp: "PgUp", PageDown: "PgDn" };
  return key
    .split(/\+(?=.)/)
    .map((part) => printed[part] ?? (/^[a-z]$/.test(part) ? part.toUpperCase() : part))
    .join("+");
}
