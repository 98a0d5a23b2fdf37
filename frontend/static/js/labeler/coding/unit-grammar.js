/**
 * The signs of facial action units and how they are put together. Reads what models_ml/formats/action_unit_grammar.py reads, where
 * action_units.py explains the signs; both are tested with tests/unit/action_units.json.
 */

/**
 * @typedef {object} ActionUnit
 * @property {number} number
 * @property {string} prefix "", L, R, U, A, T, B or M
 * @property {string} intensity "", a letter, or two ("A/B")
 * @property {boolean} doubtful
 * @property {boolean} setAside in parentheses
 * @property {boolean} reference shown by the neutral face already
 */
/** @typedef {readonly ActionUnit[]} Term one unit, or several of which the expression shows one */
/** @typedef {{kind: string, start: number, end: number, groups: Record<string, string | undefined>}} Token */

/** @param {number} first @param {number} last both included */
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

export const NUMBERS = new Set([0, 1, 2, ...range(4, 46), ...range(50, 74), ...range(80, 85), 91, 92, 97, 98]);
const LIPS = [8, 18, 22, 23, 24, 28, 32, 37];
const MOVEMENTS = [55, 56, 57, 59, 60, 61, 62, 68, 69, 83];
const ONLY_MOVEMENTS = [59, 60, 83];
const QUOTED = 60;
const DEEPEST = 4;

const SIGN = /(?<between>[+,;/&、]|and\b)|(?<or>or\b)|(?<doubt>\( ?\?+ ?\)|\?+)|(?<open>\()|(?<ref>ref ?\()|(?<close>\))/iy;
// Letters that stand apart from the number belong to it only if no other number follows: "12 B", but not "12 B 4".
const END = "(?=$|[ +,;/&、()?]|A[UD])";
const UNIT = new RegExp(
  "(?<reference>ref ?)?(?:A[UD] ?)?(?<before>[LRUATBM](?= ?[0-9]))?(?<gap> ?)(?<number>[0-9]{1,3})" +
    `(?: (?=[LRUTA-E])(?<after2>[LRUT])?(?<least2>[A-E])?(?: ?/ ?(?<most2>[A-E]))?${END}(?! ?[0-9])` +
    `|(?<after>[LRUT])?(?<least>[A-E])?(?:(?:/| ?/ ?(?=[A-E](?! ?[0-9])))(?<most>[A-E]))?${END}|${END})`,
  "iy",
);
const UNREADABLE = /[^]+?(?= ?(?:[+,;/&、()]|\b(?:and|or)\b|$))/iy;

/** @param {ActionUnit} unit @returns {string} */
export function unitText({ number, prefix, intensity, doubtful, setAside, reference }) {
  const bare = `${prefix}${number}${intensity}`;
  const text = `${reference ? `ref(${bare})` : bare}${doubtful ? "?" : ""}`;
  return setAside ? `(${text})` : text;
}

/** @param {Term} term @returns {string} */
export const termText = (term) => (term.length > 1 ? `(${term.map(unitText).join(" or ")})` : unitText(term[0]));

/** @param {string} text without repeated blanks and unusual signs @returns {{terms: Term[], faults: string[]}} what is left out is a fault */
export function readTerms(text) {
  const parser = new Parser(text);
  return { terms: parser.sequence(0), faults: parser.faults };
}

/** @param {string} text @returns {Token[]} */
function tokensOf(text) {
  /** @param {RegExp} pattern @param {number} at */
  const match = (pattern, at) => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  /** @type {Token[]} */
  const tokens = [];
  for (let at = 0; at < text.length; at = tokens.at(-1)?.end ?? at) {
    if (text[at] === " ") at++;
    const sign = match(SIGN, at);
    const unit = sign ? null : match(UNIT, at);
    const { groups = {}, 0: written } = sign ?? unit ?? /** @type {RegExpExecArray} */ (match(UNREADABLE, at));
    // In "12 A 4", the A may belong to either number.
    const unclear = unit && tokens.at(-1)?.kind === "unit" && groups.before && groups.gap;
    const kind = sign ? Object.keys(groups).find((name) => groups[name] !== undefined) : unit && !unclear ? "unit" : "unreadable";
    tokens.push({ kind: /** @type {string} */ (kind), start: at, end: at + written.length, groups });
  }
  return tokens;
}

class Parser {
  /** @type {string[]} */
  faults = [];
  #at = 0;
  #text;
  #tokens;

  /** @param {string} text */
  constructor(text) {
    this.#text = text;
    this.#tokens = tokensOf(text);
  }

  /** @param {number} depth @returns {Term[]} the terms up to the end or, in parentheses, up to the closing one, which stays */
  sequence(depth) {
    /** @type {Term[]} */
    const terms = [];
    while (this.#next !== "end" && (this.#next !== "close" || depth === 0)) {
      if (this.#next === "between") {
        this.#at++;
        continue;
      }
      const [first, faults] = [this.#at, this.faults.length];
      const found = this.#next === "or" ? [] : this.#term(depth);
      terms.push(...(this.#next === "or" ? this.#choice(found, first, faults, depth) : found));
    }
    return terms;
  }

  get #next() {
    return this.#tokens[this.#at]?.kind ?? "end";
  }

  /** @param {number} first @returns {string} the text from this token to the last one that was read, for a message */
  #written(first) {
    return short(this.#text.slice(this.#tokens[first].start, this.#tokens[this.#at - 1].end));
  }

  /** Units joined by "or" as one term. @param {readonly Term[]} option the first of them @param {number} first its token @param {number} faults before it @param {number} depth @returns {Term[]} */
  #choice(option, first, faults, depth) {
    const found = [option];
    while (this.#next === "or") {
      this.#at++;
      found.push(["end", "between", "or", "close"].includes(this.#next) ? [] : this.#term(depth));
    }
    if (this.faults.length === faults && found.every((terms) => terms.length === 1)) {
      const units = found.flatMap((terms) => terms[0]).map((unit) => ({ ...unit, setAside: false }));
      return [[...new Map(units.map((unit) => [unitText(unit), unit])).values()]];
    }
    // 6 alone must not remain of "6 or smile": the coder did not state it.
    this.faults.length = faults;
    this.faults.push(`“${this.#written(first)}” is not a choice between action units. Write one unit on each side of “or”, for example 6 or R12.`);
    return [];
  }

  /** @param {number} depth @returns {Term[]} the unit or parentheses that start here, with the question marks that follow */
  #term(depth) {
    const first = this.#at++;
    const token = this.#tokens[first];
    /** @type {Term[]} */
    let found = [];
    if (token.kind === "unit") found = this.#unit(token);
    else if (token.kind === "open" || token.kind === "ref") found = this.#parentheses(first, depth);
    else this.faults.push(this.#unreadable(first));
    for (; this.#next === "doubt"; this.#at++) found = found.map((term) => term.map((unit) => ({ ...unit, doubtful: true })));
    return found;
  }

  /** @param {number} first */
  #unreadable(first) {
    const written = `“${this.#written(first)}”`;
    const { kind } = this.#tokens[first];
    if (kind === "close") return `${written} closes no parenthesis. Write “(” before it, or leave it out.`;
    if (kind === "doubt") return `${written} follows no action unit. Write it after a number, for example 12?.`;
    return `${written} is not an action unit. Write numbers joined by +, for example 4+L10+R12A.`;
  }

  /** @param {number} first @param {number} depth @returns {Term[]} */
  #parentheses(first, depth) {
    const faults = this.faults.length;
    const inner = depth < DEEPEST ? this.sequence(depth + 1) : [];
    if (this.#next !== "close") {
      this.#at = this.#tokens.length;
      this.faults.length = faults;
      this.faults.push(`Cannot read the parentheses of “${this.#written(first)}”. Write one pair around a unit, for example (12).`);
      return [];
    }
    this.#at++;
    if (this.#tokens[first].kind === "ref") return inner.map((term) => term.map((unit) => ({ ...unit, reference: true })));
    return inner.map((term) => (term.length > 1 ? term : [{ ...term[0], setAside: true }]));
  }

  /** @param {Token} token @returns {Term[]} */
  #unit({ start, end, groups }) {
    /** @param {string} name */
    const letter = (name) => (groups[name] ?? groups[`${name}2`] ?? "").toUpperCase();
    const [number, before, after, least, most] = [Number(groups.number), letter("before"), letter("after"), letter("least"), letter("most")];
    const wrong = wrongWith(`“${this.#text.slice(start, end)}”`, { number, before, after, least, most });
    if (wrong) {
      this.faults.push(wrong);
      return [];
    }
    let prefix = before || after;
    if (prefix === "B" && !LIPS.includes(number)) prefix = "";
    if (ONLY_MOVEMENTS.includes(number)) prefix = "M";
    const intensity = [...new Set([least, most])].filter(Boolean).sort().join("/");
    return [[{ number, prefix, intensity, doubtful: false, setAside: false, reference: groups.reference !== undefined }]];
  }
}

/** @param {string} written @param {{number: number, before: string, after: string, least: string, most: string}} unit @returns {string} what FACS does not allow in it */
function wrongWith(written, { number, before, after, least, most }) {
  const prefix = before || after;
  if (!NUMBERS.has(number)) return `FACS has no action unit ${number} (${written}).`;
  if (before && after) return `${written} names two sides. Write one of them before the number, for example L10.`;
  if (most && !least) return `${written} has only one of two intensities. Write both, for example 10A/B.`;
  if (number === 0 && (prefix || least)) return `${written} has a side or an intensity, but 0 is the neutral face. Write 0.`;
  if (prefix === "T" && !LIPS.includes(number)) return `${written}: T is only for units of the lips (${LIPS.join(", ")}). Leave out the T.`;
  if (prefix === "M" && !MOVEMENTS.includes(number)) return `${written}: M is only for movements of the head or eyes (${MOVEMENTS.join(", ")}). Leave out the M.`;
  if (ONLY_MOVEMENTS.includes(number) && prefix !== "" && prefix !== "M") return `${written}: ${number} is a movement of the head or eyes. Write M${number}.`;
  return "";
}

/** @param {string} text */
function short(text) {
  const characters = [...text];
  return characters.length <= QUOTED ? text : `${characters.slice(0, QUOTED - 1).join("")}…`;
}
