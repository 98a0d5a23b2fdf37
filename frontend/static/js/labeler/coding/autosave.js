/**
 * Saves the expressions of a clip as they are coded and never loses or overwrites one. What the server does not have yet is kept
 * as drafts in the browser. If an expression was changed elsewhere, the coder chooses a version. Independent of the page.
 */
import { Expression } from "./expression.js";

/** @typedef {import("./coding.js").Coding} Coding */
/** @typedef {import("./coding.js").AnnotationRecord} AnnotationRecord */
/** @typedef {import("./drafts.js").Drafts} Drafts */
/** @typedef {import("./expression.js").Api} Api */
/** @typedef {import("../../http.js").HttpProblem} HttpProblem */

/**
 * @typedef {"loading" | "empty" | "saved" | "unsaved" | "saving" | "retrying" | "refused" | "signed-out" | "conflict"} SaveState
 */

const DELAY_MS = 400;
const RETRY_MS = [1000, 2000, 4000, 8000, 15_000, 30_000];
const CHANGED_ELSEWHERE =
  "This expression was changed in another window or on another device. Nothing is overwritten: choose which version to keep.";

export class AutoSave {
  /** @type {SaveState} the worst state of all expressions */
  state = "loading";
  /** A sentence about the state, or "". */
  message = "";
  /** @type {Expression[]} in order of arrival; deleted ones too, so that a deletion can be undone */
  all = [];
  /** Whether the server's expressions have been read. */
  loaded = false;

  #known = false;
  /** @type {Promise<void> | null} */
  #running = null;
  #failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #api;
  #drafts;
  #onchange;
  #makeKey;

  /** @param {{api: Api, drafts: Drafts, onchange?: (autosave: AutoSave) => void, makeKey?: () => string}} options */
  constructor({ api, drafts, onchange = () => {}, makeKey = makeUuid }) {
    this.#api = api;
    this.#drafts = drafts;
    this.#onchange = onchange;
    this.#makeKey = makeKey;
  }

  /** @returns {Expression[]} what the coder sees */
  get expressions() {
    return this.all.filter((expression) => !expression.deleted || expression.theirs !== null);
  }

  /** Whether the server does not have everything yet. */
  get dirty() {
    return this.all.some((expression) => expression.dirty);
  }

  /** Whether everything is kept if the tab is closed. */
  get safe() {
    return this.all.every((expression) => expression.safe || !expression.dirty);
  }

  /** @returns {Expression[]} changed elsewhere: the coder has to choose a version */
  get conflicts() {
    return this.all.filter((expression) => expression.theirs !== null);
  }

  /** @param {string} key @returns {Expression | undefined} */
  find(key) {
    return this.all.find((expression) => expression.key === key);
  }

  /** Read the coder's annotations and send drafts of an earlier visit. */
  async load() {
    this.all = this.#drafts.read().map((draft) => Expression.fromDraft(draft));
    await this.#run();
  }

  /** @returns {Expression} a new, blank one */
  add() {
    const expression = new Expression(this.#makeKey());
    this.all.push(expression);
    return expression;
  }

  /** @param {AnnotationRecord} record deleted on an earlier visit; hidden until `setDeleted` restores it @returns {Expression} */
  addDeleted(record) {
    const there = this.find(record.key);
    if (there) return there;
    const draft = { key: record.key, coding: record, base: record, gone: true, deleted: true, savedAt: "" };
    const expression = Expression.fromDraft(draft);
    this.all.push(expression);
    return expression;
  }

  /** @param {string} key @param {Partial<Coding>} fields set by the coder just now */
  change(key, fields) {
    const expression = this.#get(key);
    expression.coding = { ...expression.coding, ...fields };
    this.#didEdit(expression);
  }

  /** @param {string} key @param {boolean} deleted whether the coder has deleted it */
  setDeleted(key, deleted) {
    const expression = this.#get(key);
    expression.deleted = deleted;
    this.#didEdit(expression);
  }

  /** Save or retry now. @returns {Promise<void>} */
  async flush() {
    for (const expression of this.all) expression.problem = null;
    if (this.#known && !this.all.some((expression) => expression.due)) return;
    await this.#run();
  }

  /** Save, and wait until the attempt is over. */
  async settled() {
    await this.flush();
    await this.#running;
  }

  /** Check whether something was changed elsewhere, unless something is waiting to be sent. */
  async refresh() {
    if (this.state !== "saved" && this.state !== "empty") return;
    this.#known = false;
    await this.#run();
  }

  /** @param {string} key @param {"mine" | "theirs"} choice ends a conflict */
  async resolve(key, choice) {
    const expression = this.#get(key);
    expression.resolve(choice);
    this.#keep(expression);
    this.#become("unsaved");
    await this.#run();
  }

  /** Stop the timer: the page is closing. */
  close() {
    clearTimeout(this.#timer);
  }

  /** @param {string} key @returns {Expression} */
  #get(key) {
    const expression = this.find(key);
    if (!expression) throw new Error(`There is no expression ${key}.`);
    return expression;
  }

  /** @param {Expression} expression */
  #didEdit(expression) {
    expression.problem = null;
    this.#keep(expression);
    if (this.state === "retrying" || this.state === "signed-out") return this.#onchange(this);
    if (!expression.due && !this.all.some((other) => other.due)) {
      // A conflict is kept, but not sent before the coder has chosen; otherwise there is nothing to send.
      return this.#running ? this.#onchange(this) : this.#settle();
    }
    this.#become("unsaved");
    this.#later(DELAY_MS);
  }

  /** Send everything that is due. Only one pass runs at a time; changes during it are sent in the same pass. @returns {Promise<void>} */
  #run() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running ??= this.#work().finally(() => (this.#running = null));
    return this.#running;
  }

  async #work() {
    try {
      if (!this.#known) {
        const records = await this.#api.mine();
        this.#reconcile(records);
        this.#known = this.loaded = true;
      }
      for (let next; (next = this.all.find((expression) => expression.due)); ) await this.#send(next);
      this.#failures = 0;
      this.#settle();
    } catch (error) {
      this.#didFail(/** @type {HttpProblem} */ (error));
    }
  }

  /** @param {AnnotationRecord[]} records all of this coder's annotations on the server */
  #reconcile(records) {
    const found = new Map(records.map((record) => [record.key, record]));
    for (const expression of this.all) expression.reconcile(found.get(expression.key) ?? null);
    const known = new Set(this.all.map((expression) => expression.key));
    this.all.push(...records.filter((record) => !known.has(record.key)).map((record) => Expression.fromRecord(record)));
    if (this.loaded) return; // later ones are added at the end, so that numbers the coder has seen do not change
    if (records.length) this.all = this.all.filter((expression) => expression.record || expression.dirty);
    this.all.sort((a, b) => (a.coding.onset ?? Infinity) - (b.coding.onset ?? Infinity) || 0);
  }

  /** Send one expression. If the server refuses it, the others are still saved. @param {Expression} expression */
  async #send(expression) {
    this.#become("saving");
    try {
      await expression.send(this.#api);
    } catch (error) {
      const problem = /** @type {HttpProblem} */ (error);
      if (problem.kind === undefined || problem.retryable || problem.kind === "signed-out") throw error;
      expression.problem = problem;
    }
    this.#keep(expression);
  }

  /** Update the state after everything that can be sent was sent. */
  #settle() {
    for (const expression of this.all) this.#keep(expression);
    const refused = this.all.find((expression) => expression.problem);
    if (this.conflicts.length) this.#become("conflict", CHANGED_ELSEWHERE);
    else if (refused) this.#become("refused", refused.problem?.message);
    else this.#become(this.all.some((expression) => expression.stored) ? "saved" : "empty");
  }

  /** Keep a draft in the browser until the server has the expression. @param {Expression} expression */
  #keep(expression) {
    if (expression.dirty) expression.safe = this.#drafts.write(expression.draft);
    else {
      this.#drafts.clear(expression.key);
      expression.safe = true;
    }
  }

  /** @param {HttpProblem} problem */
  #didFail(problem) {
    const kept = this.safe ? "Nothing is lost: your changes are kept in this browser." : "Keep this page open: this browser cannot store your changes.";
    this.#known = false; // a save may have arrived although its answer did not: read before writing again
    if (problem.kind === "signed-out") return this.#become("signed-out", `You are signed out. ${this.dirty ? `${kept} They are sent after you sign in.` : ""}`.trim());
    if (!problem.retryable) return this.#become("refused", problem.message);
    const wait = Math.max(RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)], (problem.retryAfter ?? 0) * 1000);
    this.#become("retrying", `${problem.message} ${this.dirty ? kept : ""} Trying again in ${Math.round(wait / 1000)} s.`.replace("  ", " "));
    this.#later(wait);
  }

  /** @param {number} wait ms */
  #later(wait) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run(), wait);
  }

  /** @param {SaveState} state @param {string} [message] */
  #become(state, message = "") {
    this.state = state;
    this.message = message;
    this.#onchange(this);
  }
}

/** @returns {string} a UUID; over plain HTTP too, where crypto.randomUUID does not exist */
function makeUuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
