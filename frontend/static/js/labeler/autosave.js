/**
 * Saves a coding as it is made and never loses or overwrites one: what is not on the server is kept as a draft in the
 * browser; what was changed elsewhere meanwhile is shown beside it and the coder chooses. Knows no page.
 */

/** @typedef {import("./drafts.js").Coding} Coding */
/** @typedef {import("./drafts.js").AnnotationRecord} AnnotationRecord */
/** @typedef {import("./drafts.js").Drafts} Drafts */
/** @typedef {import("../http.js").HttpProblem} HttpProblem */

/**
 * @typedef {"loading" | "empty" | "saved" | "unsaved" | "saving" | "retrying" | "refused" | "signed-out" | "conflict"} SaveState
 */

/**
 * @typedef {object} Api
 * @property {() => Promise<AnnotationRecord | null>} mine
 * @property {(coding: Coding) => Promise<AnnotationRecord>} create
 * @property {(record: AnnotationRecord, coding: Coding) => Promise<AnnotationRecord>} update
 * @property {(record: AnnotationRecord) => Promise<null>} remove
 */

const DELAY_MS = 400;
const RETRY_MS = [1000, 2000, 4000, 8000, 15_000, 30_000];

/** @type {Readonly<Coding>} */
export const BLANK = Object.freeze({ onset: null, apex: null, offset: null, emotion: "", action_units: "", kind: "micro", note: "" });

/** @type {readonly (keyof Coding)[]} */
const FIELDS = /** @type {any} */ (Object.freeze(Object.keys(BLANK)));

/** @param {Partial<Coding> | null} record @returns {Coding} the fields a coder sets, without gaps */
export function codingOf(record) {
  return /** @type {any} */ (Object.fromEntries(FIELDS.map((field) => [field, record?.[field] ?? BLANK[field]])));
}

/** @param {Coding} a @param {Coding} b @returns {(keyof Coding)[]} fields that differ; outer blanks do not count */
export function differences(a, b) {
  return FIELDS.filter((field) => String(a[field] ?? "").trim() !== String(b[field] ?? "").trim());
}

/** @param {Coding} a @param {Coding} b */
const same = (a, b) => differences(a, b).length === 0;

export class AutoSave {
  /** @type {SaveState} */
  state = "loading";
  /** A sentence that goes with the state, or "". */
  message = "";
  /** @type {Coding} what the coder sees */
  coding = codingOf(null);
  /** @type {AnnotationRecord | null} what the server has, as far as we know */
  record = null;
  /** @type {AnnotationRecord | null} in a conflict: what the server has that the coder has not seen */
  theirs = null;
  /** @type {HttpProblem | null} behind `refused` */
  problem = null;
  /** Whether the present coding would survive the tab. */
  safe = true;

  /** @type {Coding} what the server has, in the words we sent it */
  #settled = codingOf(null);
  /** @type {Coding | null} sent, answer unknown */
  #attempt = null;
  #known = false;
  #running = false;
  #removal = false;
  #failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #api;
  #drafts;
  #onchange;

  /** @param {{api: Api, drafts: Drafts, onchange?: (autosave: AutoSave) => void}} options */
  constructor({ api, drafts, onchange = () => {} }) {
    this.#api = api;
    this.#drafts = drafts;
    this.#onchange = onchange;
  }

  /** Whether the server lacks something. */
  get dirty() {
    return this.#removal || !same(this.coding, this.#settled);
  }

  /** Reads what there is; a draft from an earlier visit is sent. */
  async load() {
    const draft = this.#drafts.read();
    if (draft) {
      this.coding = codingOf(draft.coding);
      this.record = draft.base;
      this.#settled = codingOf(draft.base);
    }
    await this.#run();
  }

  /** @param {Partial<Coding>} fields what the coder has just set */
  change(fields) {
    this.coding = { ...this.coding, ...fields };
    this.#keep();
    if (this.state === "conflict") return this.#onchange(this); // kept, but not sent before the coder has chosen
    if (this.state === "retrying" || this.state === "signed-out") return this.#onchange(this);
    this.#become("unsaved");
    this.#later(DELAY_MS);
  }

  /** Saves now, or tries again now. @returns {Promise<void>} */
  async flush() {
    if (this.state === "conflict" || (this.#known && !this.dirty)) return;
    await this.#run();
  }

  /** Deletes the annotation. */
  async remove() {
    this.coding = codingOf(null);
    this.#removal = this.record !== null || this.#running;
    this.#keep();
    await this.#run();
  }

  /** @param {"mine" | "theirs"} choice the end of a conflict */
  async resolve(choice) {
    if (!this.theirs) return;
    this.record = this.theirs;
    this.theirs = null;
    this.#settled = codingOf(this.record);
    if (choice === "theirs") {
      this.coding = codingOf(this.record);
      this.#removal = false;
    }
    this.#become("unsaved");
    await this.#run();
  }

  /** Stops the clock: the page goes away. */
  close() {
    clearTimeout(this.#timer);
  }

  async #run() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#running || this.state === "conflict") return;
    this.#running = true;
    try {
      if (!this.#known) {
        const current = await this.#api.mine();
        this.#known = true;
        this.#reconcile(current);
      }
      while (this.dirty && !this.theirs) await this.#send();
      this.#failures = 0;
      if (this.theirs) this.#become("conflict", "It was saved from another window or device meanwhile. Nothing is overwritten: choose which counts (Ctrl+S).");
      else this.#settle();
    } catch (error) {
      this.#didFail(/** @type {HttpProblem} */ (error));
    } finally {
      this.#running = false;
    }
  }

  async #send() {
    this.#become("saving");
    const sent = { ...this.coding };
    try {
      if (this.#removal) {
        if (this.record) await this.#api.remove(this.record);
        this.record = null;
        this.#removal = false;
        this.#settled = codingOf(null);
        return;
      }
      this.#attempt = sent;
      this.record = this.record ? await this.#api.update(this.record, sent) : await this.#api.create(sent);
      this.#attempt = null;
      this.#settled = sent;
    } catch (error) {
      const { kind, body } = /** @type {HttpProblem} */ (error);
      const moved = kind === "conflict" && body?.current && body.current.revision !== this.record?.revision;
      if (moved) this.#reconcile(body.current);
      else if (kind === "missing" && this.record) this.#reconcile(null);
      else throw error;
    }
  }

  /**
   * Takes note of what the server has now.
   * @param {AnnotationRecord | null} current
   */
  #reconcile(current) {
    const base = this.record;
    if (current && this.dirty && !this.#isOurs(current, base)) {
      this.theirs = current;
      return;
    }
    const clean = !this.dirty;
    this.record = current;
    if (!current) this.#removal = false;
    this.#settled = this.#attempt && current && same(codingOf(current), this.#attempt) ? this.#attempt : codingOf(current);
    this.#attempt = null;
    if (clean) this.coding = codingOf(current);
  }

  /**
   * Whether nothing in `current` is news: it is what our edits were based on, or a save of ours whose answer got lost.
   * @param {AnnotationRecord} current @param {AnnotationRecord | null} base
   */
  #isOurs(current, base) {
    const theirs = codingOf(current);
    if (base && (current.revision === base.revision || same(theirs, codingOf(base)))) return true;
    return same(theirs, this.coding) || (this.#attempt !== null && same(theirs, this.#attempt));
  }

  #settle() {
    this.#drafts.clear();
    this.safe = true;
    this.#become(this.record ? "saved" : "empty");
  }

  #keep() {
    this.safe = this.#drafts.write(this.coding, this.record);
  }

  /** @param {HttpProblem} problem */
  #didFail(problem) {
    const kept = this.safe ? "Nothing is lost: it is kept in this browser." : "Keep this page open: this browser cannot store it.";
    // A save may have arrived although its answer did not: look before writing again.
    if (problem.kind !== "refused") this.#known = false;
    if (problem.kind === "signed-out") return this.#become("signed-out", `You are signed out. ${this.dirty ? `${kept} It is sent when you are back.` : ""}`.trim());
    if (!problem.passes) return this.#become("refused", problem.message, problem);
    const wait = Math.max(RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)], (problem.retryAfter ?? 0) * 1000);
    this.#become("retrying", `${problem.message} ${this.dirty ? kept : ""} Trying again in ${Math.round(wait / 1000)} s.`.replace("  ", " "));
    this.#later(wait);
  }

  /** @param {number} wait ms */
  #later(wait) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run(), wait);
  }

  /** @param {SaveState} state @param {string} [message] @param {HttpProblem | null} [problem] */
  #become(state, message = "", problem = null) {
    this.state = state;
    this.message = message;
    this.problem = problem;
    this.#onchange(this);
  }
}
