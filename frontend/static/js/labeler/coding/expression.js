/**
 * One expression and how it is synchronised: what the coder has coded, what the server has, and which request makes the server
 * match. The server does not store blank expressions.
 */
import { codingOf, isBlank, same } from "./coding.js";

/** @typedef {import("./coding.js").Coding} Coding */
/** @typedef {import("./coding.js").AnnotationRecord} AnnotationRecord */
/** @typedef {import("./drafts.js").Draft} Draft */
/** @typedef {import("../../http.js").HttpProblem} HttpProblem */

/**
 * @typedef {object} Api
 * @property {() => Promise<AnnotationRecord[]>} mine
 * @property {(key: string, coding: Coding) => Promise<AnnotationRecord>} create
 * @property {(record: AnnotationRecord, coding: Coding) => Promise<AnnotationRecord>} update
 * @property {(record: AnnotationRecord) => Promise<null>} remove
 * @property {(record: AnnotationRecord) => Promise<AnnotationRecord>} restore
 */

export class Expression {
  /** @type {Coding} as the coder sees it */
  coding = codingOf(null);
  /** Whether the coder has deleted it. */
  deleted = false;
  /** @type {AnnotationRecord | null} the server's copy, as last known */
  record = null;
  /** @type {AnnotationRecord | "deleted" | null} in a conflict: the server's version that the coder has not seen */
  theirs = null;
  /** @type {HttpProblem | null} why the server refused it */
  problem = null;
  /** Whether the current coding is kept if the tab is closed. */
  safe = true;

  /** Whether the server's copy is deleted (it can be restored). */
  #gone = false;
  /** @type {Coding | null} what the server has, as it was sent; null: nothing */
  #settled = null;
  /** @type {Coding | "removal" | null} sent, but the answer is unknown */
  #attempt = null;

  /** @param {string} key created in the browser, so that a save whose answer was lost is not repeated as a second annotation */
  constructor(key) {
    this.key = key;
  }

  /** @param {Draft} draft @returns {Expression} */
  static fromDraft({ key, coding, base, gone, deleted }) {
    const expression = new Expression(key);
    expression.coding = codingOf(coding);
    expression.record = base;
    expression.deleted = deleted;
    expression.#gone = gone;
    expression.#settled = base && !gone ? codingOf(base) : null;
    return expression;
  }

  /** @param {AnnotationRecord} record @returns {Expression} */
  static fromRecord(record) {
    const expression = new Expression(record.key);
    expression.reconcile(record);
    return expression;
  }

  /** @returns {Omit<Draft, "savedAt">} */
  get draft() {
    return { key: this.key, coding: this.coding, base: this.record, gone: this.#gone, deleted: this.deleted };
  }

  /** @returns {Coding | null} what the server should have; null: nothing */
  get #wanted() {
    return this.deleted || isBlank(this.coding) ? null : this.coding;
  }

  /** Whether the server does not have the current coding. */
  get dirty() {
    const wanted = this.#wanted;
    if (wanted === null || this.#settled === null) return wanted !== this.#settled;
    return !same(wanted, this.#settled);
  }

  /** Whether it should be sent now. */
  get due() {
    return this.dirty && this.theirs === null && this.problem === null;
  }

  /** Whether the server has a copy. */
  get stored() {
    return this.record !== null && !this.#gone;
  }

  /** Send one request that brings the server closer to the current coding. @param {Api} api @throws {HttpProblem} */
  async send(api) {
    const sent = this.#wanted && { ...this.#wanted };
    try {
      if (sent === null) await this.#sendRemoval(api);
      else if (this.record && this.#gone) this.#take(await api.restore(this.record));
      else await this.#sendCoding(api, sent);
    } catch (error) {
      const { kind, body } = /** @type {HttpProblem} */ (error);
      const current = kind === "conflict" ? body?.current : null;
      if (/** @type {HttpProblem} */ (error).retryable) throw error; // the request may have arrived
      const isNew = current && (current.deleted || this.#gone || current.revision !== this.record?.revision);
      if (isNew) this.reconcile(current.deleted ? null : current, current);
      else if (kind === "missing" && this.stored) this.reconcile(null);
      else throw error;
      this.#attempt = null;
    }
  }

  /** @param {Api} api */
  async #sendRemoval(api) {
    this.#attempt = "removal";
    if (this.record) await api.remove(this.record);
    this.#markGone();
  }

  /** @param {Api} api @param {Coding} sent */
  async #sendCoding(api, sent) {
    this.#attempt = sent;
    const record = this.record ? await api.update(this.record, sent) : await api.create(this.key, sent);
    this.#take(record);
    this.#settled = sent;
  }

  /** @param {AnnotationRecord} record the server's copy now */
  #take(record) {
    this.record = record;
    this.#gone = false;
    this.#settled = codingOf(record);
    this.#attempt = null;
  }

  /** Record that the server no longer has it. */
  #markGone() {
    this.#gone = this.record !== null;
    this.#settled = null;
    this.#attempt = null;
  }

  /**
   * Record what the server has now. A version that the coder has not seen is never overwritten: it becomes `theirs`.
   *
   * @param {AnnotationRecord | null} current null: no copy, or no longer one
   * @param {AnnotationRecord | null} [deletedCopy] the deleted copy, if only the server knew of it
   */
  reconcile(current, deletedCopy = null) {
    if (deletedCopy && !this.record) this.record = deletedCopy;
    if (current) this.#receive(current);
    else if (this.record && !this.#gone) this.#receiveMissing();
  }

  /** @param {AnnotationRecord} current */
  #receive(current) {
    const clean = !this.dirty && this.#attempt === null;
    if (!clean && !this.#isOurs(current)) {
      this.theirs = current;
      return;
    }
    const attempt = this.#attempt;
    this.#take(current);
    if (attempt && attempt !== "removal" && same(codingOf(current), attempt)) this.#settled = attempt;
    if (!clean) return;
    this.coding = codingOf(current);
    this.deleted = false;
  }

  #receiveMissing() {
    if (this.#wanted !== null && this.#attempt !== "removal") {
      if (this.dirty) {
        this.theirs = "deleted";
        return;
      }
      this.deleted = true;
    }
    this.#markGone();
  }

  /**
   * Return whether `current` is known: the version that the edits are based on, or a save whose answer was lost.
   * @param {AnnotationRecord} current
   */
  #isOurs(current) {
    const [theirs, base, attempt] = [codingOf(current), this.record, this.#attempt];
    if (base && (current.revision === base.revision || same(theirs, codingOf(base)))) return true;
    return same(theirs, this.coding) || (attempt !== null && attempt !== "removal" && same(theirs, attempt));
  }

  /** @param {"mine" | "theirs"} choice ends a conflict */
  resolve(choice) {
    const theirs = this.theirs;
    if (theirs === null) return;
    this.theirs = null;
    if (theirs === "deleted") this.#markGone();
    else this.#take(theirs);
    if (choice === "mine") return;
    this.deleted = theirs === "deleted";
    if (theirs !== "deleted") this.coding = codingOf(theirs);
  }
}
