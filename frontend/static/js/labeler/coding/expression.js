/**
 * One expression between the coder and the server: what the coder wants, what the server has, and which request brings
 * the one to the other. An expression without anything coded is not there, for the server.
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
  /** @type {Coding} what the coder sees */
  coding = codingOf(null);
  /** The coder has deleted it. */
  deleted = false;
  /** @type {AnnotationRecord | null} the server's copy, as far as we know */
  record = null;
  /** @type {AnnotationRecord | "deleted" | null} in a conflict: what happened on the server that the coder has not seen */
  theirs = null;
  /** @type {HttpProblem | null} why the server does not take it */
  problem = null;
  /** Whether the present coding would survive the tab. */
  safe = true;

  /** The server has deleted its copy (and can restore it). */
  #gone = false;
  /** @type {Coding | null} what the server has, in the words we sent it; null: nothing */
  #settled = null;
  /** @type {Coding | "removal" | null} sent, answer unknown */
  #attempt = null;

  /** @param {string} key made here, so that a save whose answer was lost is not made twice */
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

  /** Whether the server lacks something. */
  get dirty() {
    const wanted = this.#wanted;
    if (wanted === null || this.#settled === null) return wanted !== this.#settled;
    return !same(wanted, this.#settled);
  }

  /** Whether sending it makes sense now. */
  get due() {
    return this.dirty && this.theirs === null && this.problem === null;
  }

  /** Whether the server has it. */
  get stored() {
    return this.record !== null && !this.#gone;
  }

  /** Brings the server one request closer to what the coder wants. @param {Api} api @throws {HttpProblem} */
  async send(api) {
    const sent = this.#wanted && { ...this.#wanted };
    try {
      if (sent === null) await this.#sendRemoval(api);
      else if (this.record && this.#gone) this.#take(await api.restore(this.record));
      else await this.#sendCoding(api, sent);
    } catch (error) {
      const { kind, body } = /** @type {HttpProblem} */ (error);
      const news = kind === "conflict" ? body?.current : null;
      if (/** @type {HttpProblem} */ (error).passes) throw error; // it may have arrived
      if (news && (news.deleted || this.#gone || news.revision !== this.record?.revision)) this.reconcile(news.deleted ? null : news, news);
      else if (kind === "missing" && this.stored) this.reconcile(null);
      else throw error;
      this.#attempt = null;
    }
  }

  /** @param {Api} api */
  async #sendRemoval(api) {
    this.#attempt = "removal";
    if (this.record) await api.remove(this.record);
    this.#vanish();
  }

  /** @param {Api} api @param {Coding} sent */
  async #sendCoding(api, sent) {
    this.#attempt = sent;
    const record = this.record ? await api.update(this.record, sent) : await api.create(this.key, sent);
    this.#take(record);
    this.#settled = sent;
  }

  /** @param {AnnotationRecord} record the server has it like this */
  #take(record) {
    this.record = record;
    this.#gone = false;
    this.#settled = codingOf(record);
    this.#attempt = null;
  }

  /** The server has it no more. */
  #vanish() {
    this.#gone = this.record !== null;
    this.#settled = null;
    this.#attempt = null;
  }

  /**
   * Takes note of what the server has now. What the coder has not seen is never overwritten: it becomes `theirs`.
   *
   * @param {AnnotationRecord | null} current null: nothing (any more)
   * @param {AnnotationRecord | null} [buried] the deleted copy, where only the server knew of one
   */
  reconcile(current, buried = null) {
    if (buried && !this.record) this.record = buried;
    if (current) this.#meet(current);
    else if (this.record && !this.#gone) this.#miss();
  }

  /** @param {AnnotationRecord} current */
  #meet(current) {
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

  #miss() {
    if (this.#wanted !== null && this.#attempt !== "removal") {
      if (this.dirty) {
        this.theirs = "deleted";
        return;
      }
      this.deleted = true;
    }
    this.#vanish();
  }

  /**
   * Whether nothing in `current` is news: it is what our edits were based on, or a save of ours whose answer got lost.
   * @param {AnnotationRecord} current
   */
  #isOurs(current) {
    const [theirs, base, attempt] = [codingOf(current), this.record, this.#attempt];
    if (base && (current.revision === base.revision || same(theirs, codingOf(base)))) return true;
    return same(theirs, this.coding) || (attempt !== null && attempt !== "removal" && same(theirs, attempt));
  }

  /** @param {"mine" | "theirs"} choice the end of a conflict */
  resolve(choice) {
    const theirs = this.theirs;
    if (theirs === null) return;
    this.theirs = null;
    if (theirs === "deleted") this.#vanish();
    else this.#take(theirs);
    if (choice === "mine") return;
    this.deleted = theirs === "deleted";
    if (theirs !== "deleted") this.coding = codingOf(theirs);
  }
}
