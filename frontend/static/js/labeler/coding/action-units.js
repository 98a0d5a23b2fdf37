/**
 * Facial action units as coders write them: "4+L10", "R12A+14". Repeats the checks of the server's annotation/action_units.py, so
 * that the coder sees a mistake while typing. The server decides.
 */

/** @typedef {{number: number, side: "" | "L" | "R", intensity: string}} ActionUnit */

/** The action units that faces in these databases show, with their names in FACS (Ekman, Friesen and Hager 2002). */
export const COMMON = Object.freeze(
  /** @type {[number, string][]} */ ([
    [1, "Inner brow raiser"], [2, "Outer brow raiser"], [4, "Brow lowerer"], [5, "Upper lid raiser"], [6, "Cheek raiser"], [7, "Lid tightener"],
    [9, "Nose wrinkler"], [10, "Upper lip raiser"], [11, "Nasolabial deepener"], [12, "Lip corner puller"], [13, "Sharp lip puller"], [14, "Dimpler"],
    [15, "Lip corner depressor"], [16, "Lower lip depressor"], [17, "Chin raiser"], [18, "Lip pucker"], [20, "Lip stretcher"], [22, "Lip funneler"],
    [23, "Lip tightener"], [24, "Lip pressor"], [25, "Lips part"], [26, "Jaw drop"], [27, "Mouth stretch"], [28, "Lip suck"],
    [38, "Nostril dilator"], [39, "Nostril compressor"], [43, "Eyes closed"], [45, "Blink"],
  ]),
);

export const INTENSITIES = Object.freeze(["A", "B", "C", "D", "E"]);

/** @param {number} first @param {number} last both included */
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
const NUMBERS = new Set([1, 2, ...range(4, 28), ...range(29, 46), ...range(50, 58), ...range(61, 69), ...range(70, 74), 80, 81, 82, 84, 85, 91, 92, 97, 98]);
const UNIT = /^(?:AU)?\s*([LRB]?)\s*(\d{1,2})\s*([LR]?)\s*([A-E]?)$/i;
const SEPARATORS = /[+,;/&]|\band\b/;

/** @param {ActionUnit} unit @returns {string} */
export const unitText = ({ number, side, intensity }) => `${side}${number}${intensity}`;

/** @param {readonly ActionUnit[]} units @returns {string} */
export const unitsText = (units) => units.map(unitText).join("+");

/**
 * @param {string} text
 * @returns {{units: ActionUnit[], error: string}} the readable units, each once, in the order written; error: "" or a
 *   sentence that names the first unreadable part
 */
export function parseActionUnits(text) {
  /** @type {ActionUnit[]} */
  const units = [];
  let error = "";
  for (const part of text.split(SEPARATORS)) {
    const written = part.trim();
    if (written === "") continue;
    const [, before, digits, after, intensity] = UNIT.exec(written) ?? [];
    const number = Number(digits);
    if (digits === undefined || (before && after)) error ||= `“${written}” is not an action unit. Write numbers joined by +, for example 4+L10+R12A.`;
    else if (!NUMBERS.has(number)) error ||= `FACS has no action unit ${number} (“${written}”).`;
    else {
      const side = (before || after).toUpperCase();
      const unit = /** @type {ActionUnit} */ ({ number, side: side === "B" ? "" : side, intensity: intensity.toUpperCase() });
      if (!units.some((other) => unitText(other) === unitText(unit))) units.push(unit);
    }
  }
  return { units, error };
}

/** @param {string} text @returns {string} as the platform writes it; unchanged if it cannot be read */
export function canonical(text) {
  const { units, error } = parseActionUnits(text);
  return error ? text : unitsText(units);
}
