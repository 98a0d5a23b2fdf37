/**
 * Facial action units as coders write them: "4+L10", "(R6 or R12)+15". Repeats the checks of models_ml/formats/action_units.py, so
 * that the coder sees a mistake while typing. The server decides.
 */
import { readTerms, termText } from "./unit-grammar.js";

/** @typedef {import("./unit-grammar.js").ActionUnit} ActionUnit */
/** @typedef {import("./unit-grammar.js").Term} Term */

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

/** Names of units that are too rare for the picker. */
const RARE = /** @type {[number, string][]} */ ([
  [0, "Neutral face"], [8, "Lips toward each other"], [19, "Tongue show"], [21, "Neck tightener"], [29, "Jaw thrust"], [30, "Jaw sideways"],
  [31, "Jaw clencher"], [32, "Lip bite"], [33, "Cheek blow"], [34, "Cheek puff"], [35, "Cheek suck"], [36, "Tongue bulge"], [37, "Lip wipe"],
  [41, "Lid droop"], [42, "Slit"], [44, "Squint"], [46, "Wink"], [51, "Head turn left"], [52, "Head turn right"], [53, "Head up"],
  [54, "Head down"], [55, "Head tilt left"], [56, "Head tilt right"], [57, "Head forward"], [58, "Head back"], [61, "Eyes turn left"],
  [62, "Eyes turn right"], [63, "Eyes up"], [64, "Eyes down"], [65, "Walleye"], [66, "Cross-eye"],
]);
export const NAMES = new Map([...COMMON, ...RARE]);

export const INTENSITIES = Object.freeze(["A", "B", "C", "D", "E"]);
export const MAX_CHARACTERS = 200;

const NONE = new Set(["", "-", "–", "—", "none", "na", "n/a", "nan"]);
const INVISIBLE = /[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g;
const FULL_WIDTH = /[\uff01-\uff5e]/g;

/** @param {readonly Term[]} terms @returns {string} */
export const termsText = (terms) => terms.map(termText).join("+");

/**
 * @param {string} text
 * @returns {{terms: Term[], problems: string[], error: string}} the readable units, each once, in the order written; a sentence for
 *   each part that is left out; the first of these sentences or ""
 */
export function parseActionUnits(text) {
  const usual = text.replace(INVISIBLE, "").replace(FULL_WIDTH, (sign) => String.fromCharCode(sign.charCodeAt(0) - 0xfee0));
  const plain = usual.trim().split(/\s+/).join(" ");
  const { terms, faults } = readTerms(NONE.has(plain.toLowerCase()) ? "" : plain);
  const kept = fitting(alone(consistent(terms, faults), faults), faults);
  return { terms: kept, problems: faults, error: faults[0] ?? "" };
}

/** @param {string} text @returns {string} as the platform writes it; unchanged if it cannot be read */
export function canonical(text) {
  const { terms, error } = parseActionUnits(text);
  return error ? text : termsText(terms);
}

/** @param {readonly Term[]} terms @param {string[]} faults @returns {Term[]} each once, without those that contradict each other */
function consistent(terms, faults) {
  /** @type {Map<string, Map<string, Term>>} by what may be coded once only, then as written */
  const same = new Map();
  for (const term of terms) {
    const [{ number, prefix, reference }] = term;
    const key = term.length > 1 ? termText(term) : `${prefix}${number}${reference}`;
    same.set(key, (same.get(key) ?? new Map()).set(termText(term), term));
  }
  return [...same.values()].flatMap((written) => {
    const all = [...written.values()];
    // "12" says less than "12B", but nothing else.
    const exact = all.filter(([unit]) => !all.some(([other]) => addsIntensity(other, unit)));
    if (exact.length === 1) return exact;
    faults.push(`${exact.map((term) => `“${termText(term)}”`).join(" and ")} contradict each other. Write the unit once.`);
    return [];
  });
}

/** @param {ActionUnit} unit @param {ActionUnit} other */
const addsIntensity = (unit, other) => unit.intensity !== "" && termText([{ ...unit, intensity: "" }]) === termText([other]);

/** @param {Term} term */
const isNeutral = (term) => term.length === 1 && term[0].number === 0;

/** @param {Term[]} terms @param {string[]} faults @returns {Term[]} without 0 among other units */
function alone(terms, faults) {
  if (terms.length < 2 || !terms.some(isNeutral)) return terms;
  faults.push("0 is the neutral face. Leave it out, or leave out the other units.");
  return terms.filter((term) => !isNeutral(term));
}

/** @param {Term[]} terms @param {string[]} faults @returns {Term[]} the first of the terms, as many as can be stored */
function fitting(terms, faults) {
  let length = -1;
  for (const [number, term] of terms.entries()) {
    length += 1 + termText(term).length;
    if (length <= MAX_CHARACTERS) continue;
    faults.push(`The action units have more than ${MAX_CHARACTERS} characters. Leave out “${termText(term)}” and what follows.`);
    return terms.slice(0, number);
  }
  return terms;
}
