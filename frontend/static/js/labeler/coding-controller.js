/** Runs the coder's actions on a clip, by key or click. Connects the coding session, saving, the panel and the dialogs. */
import { AnnotationsApi, clientName } from "./coding/annotations-api.js";
import { canonical } from "./coding/action-units.js";
import { AutoSave } from "./coding/autosave.js";
import { missing } from "./coding/coding.js";
import { CodingPanel } from "./panel/coding-panel.js";
import { CodingSession } from "./coding/coding-session.js";
import { showConflict } from "./panel/conflict-dialog.js";
import { Drafts, browserStorage } from "./coding/drafts.js";
import { finishClip } from "./coding/finish.js";
import { showHistory } from "./panel/history-dialog.js";
import { showKeyHints } from "./keys/key-hints.js";
import { ACTIONS } from "./keys/actions.js";
import { emotionId } from "./keys/keymap.js";
import { markActions } from "./coding/mark-actions.js";
import { MARKS, Marks } from "./coding/marks.js";
import { sendUnsentDrafts } from "./coding/unsent-drafts.js";
import { fetchSuggestions } from "./coding/suggestions.js";
import { pickActionUnits } from "./panel/unit-picker.js";
import { askForEmotion } from "./panel/emotion-dialog.js";

/** @typedef {import("./frames/frame-pack.js").FramePack} FramePack */
/** @typedef {import("./keys/actions.js").ActionName} ActionName */
/** @typedef {import("./keys/keymap.js").Keymap} Keymap */
/** @typedef {import("./panel/coding-panel.js").Tone} Tone */
/** @typedef {import("./coding/coding.js").Coding} Coding */
/** @typedef {import("./coding/mark-actions.js").CodingHost} CodingHost */

/** @type {ReadonlySet<string>} */
const WRITES = new Set(ACTIONS.filter((action) => action.writes).map(({ name }) => name));

/**
 * @typedef {object} Options
 * @property {string} annotationsUrl
 * @property {string} clip
 * @property {string[]} emotions
 * @property {string} coder
 * @property {boolean} readonly
 * @property {string} databaseUrl of the API, if the user may change the database's emotions; else ""
 */

export class CodingController {
  #root;
  #pack;
  #options;
  #keymap;
  #host;
  #api;
  #panel;
  #markActions;
  /** Whether the coder was warned that nothing is coded and can confirm with "done". */
  #warned = false;

  /** @param {HTMLElement} root @param {FramePack} pack @param {Options} options @param {Keymap} keymap @param {CodingHost} host @param {AbortSignal} signal */
  constructor(root, pack, options, keymap, host, signal) {
    this.#root = root;
    this.#pack = pack;
    this.#options = options;
    this.#keymap = keymap;
    this.#host = host;
    const { annotationsUrl: url, clip, coder, readonly, emotions } = options;
    this.#api = new AnnotationsApi({ url, clip, client: clientName(navigator.userAgent) });
    this.autosave = new AutoSave({
      api: this.#api,
      drafts: new Drafts({ storage: browserStorage(), coder: readonly ? "" : coder, scope: scopeOf(url, clip) }),
      onchange: () => this.#didChange(),
    });
    this.session = new CodingSession(this.autosave);
    this.marks = new Marks((index) => pack.describe(index), {}, (name) => keymap.label(`clear-${name}`));
    const panel = /** @type {HTMLElement} */ (root.querySelector(".labeler-panel"));
    this.#panel = new CodingPanel({ root: panel, pack, readonly, emotions, session: this.session, autosave: this.autosave, marks: this.marks, announce: host.announce });
    const edit = (/** @type {Partial<Coding>} */ fields, /** @type {string} */ label) => this.#edit(fields, label);
    this.#markActions = markActions({ pack, keymap, host, session: this.session, marks: this.marks, edit, say: (text, tone) => this.say(text, tone) });
    panel.querySelector("[data-action=add-emotion]")?.toggleAttribute("hidden", !options.databaseUrl);
    panel.addEventListener("input", this.#didType, { signal });
    panel.addEventListener("change", this.#didLeaveField, { signal });
    panel.addEventListener("click", this.#didClick, { signal });
  }

  /** Read the coder's annotations and the suggestions, and send unsent drafts. */
  async load() {
    const { annotationsUrl: url, clip, coder, readonly } = this.#options;
    const suggested = readonly ? Promise.resolve() : this.#loadSuggestions();
    await this.autosave.load();
    await suggested;
    if (!readonly) await sendUnsentDrafts({ url, coder, except: scopeOf(url, clip), say: (text) => this.say(text) });
  }

  async #loadSuggestions() {
    const { annotationsUrl, clip } = this.#options;
    this.session.suggestions = await fetchSuggestions(annotationsUrl, clip, this.#pack.last);
    this.#didChange();
  }

  /** Return other coders' marks, as far as this coder may see them. @returns {Promise<import("./timeline/drawing.js").CoderMarks[]>} */
  async others() {
    const own = new Set(this.session.expressions.map(({ key }) => key));
    const records = (await this.#api.visible()).filter(({ key }) => !own.has(key));
    return records.map(({ coder = "", onset, apex, offset }) => ({ coder, onset, apex, offset }));
  }

  /** @param {number} index on screen */
  showCurrent(index) {
    this.#panel.showCurrent(index);
  }

  /** @param {string} text @param {Tone} [tone] */
  say(text, tone = "info") {
    this.#host.say(text, tone);
    if (text) this.#host.announce(text);
  }

  /** Save now. If an expression was changed elsewhere, ask which version to keep. */
  save() {
    const conflict = [this.session.selected, ...this.autosave.conflicts].find(({ theirs }) => theirs !== null);
    if (!conflict) return void this.autosave.flush();
    this.session.select(conflict.key);
    this.#didChange();
    showConflict(this.#root, this.#pack, conflict, (choice) => this.autosave.resolve(conflict.key, choice));
  }

  /** @param {string} emotion choosing it again clears it */
  chooseEmotion(emotion) {
    const chosen = this.session.coding.emotion === emotion ? "" : emotion;
    this.#write(() => this.#edit({ emotion: chosen }, chosen ? `emotion: ${chosen}` : "emotion cleared"));
  }

  /** @param {ActionName} name @returns {boolean} whether `name` is one of these actions */
  do(name) {
    const run = this.#actions[name] ?? this.#markActions[name];
    if (!run) return false;
    if (WRITES.has(name)) this.#write(run);
    else run();
    return true;
  }

  /** @type {Partial<Record<ActionName, () => void>>} */
  #actions = {
    kind: () => this.#chooseKind(this.session.coding.kind === "micro" ? "macro" : "micro"),
    ...Object.fromEntries([1, 2, 3, 4, 5].map((value) => [`confidence-${value}`, () => this.#chooseConfidence(value)])),
    "action-units": () => this.#panel.focusField("action_units"),
    "pick-action-units": () => this.#pickUnits(),
    "add-emotion": () => this.#addEmotion(),
    note: () => this.#panel.focusField("note"),
    "next-expression": () => this.#step(1),
    "previous-expression": () => this.#step(-1),
    "new-expression": () => this.#addExpression(),
    "delete-expression": () => this.#removeExpression(),
    history: () => this.#showHistory(),
    undo: () => this.#report(this.session.undo(), "Undone", "There is nothing to undo."),
    redo: () => this.#report(this.session.redo(), "Redone", "There is nothing to redo."),
    save: () => this.save(),
    done: () => void this.#finish(),
  };

  #didChange() {
    this.#panel?.refresh();
    this.#host.onchange();
  }

  /** @param {() => void} write */
  #write(write) {
    if (this.#options.readonly) this.say("You can view this clip but not code it.", "refused");
    else write();
  }

  /** @param {Partial<Coding>} fields @param {string} label says what was done, in a few words */
  #edit(fields, label) {
    this.#warned = false;
    this.session.edit(fields, label);
    this.say(`${title(label)}.`);
  }

  /** @param {string} kind */
  #chooseKind(kind) {
    this.#edit({ kind }, `${kind}-expression`);
  }

  /** @param {number} value choosing it again clears it */
  #chooseConfidence(value) {
    const confidence = this.session.coding.confidence === value ? null : value;
    this.#edit({ confidence }, confidence === null ? "confidence cleared" : `confidence ${confidence} of 5`);
  }

  #pickUnits() {
    pickActionUnits(this.#root, this.session.coding.action_units, (text) => this.#edit({ action_units: text }, `action units: ${text || "none"}`));
  }

  #addEmotion() {
    const { databaseUrl } = this.#options;
    if (!databaseUrl) return this.say("Only researchers can change the emotions of a database.", "refused");
    askForEmotion(this.#root, databaseUrl, (emotions, added) => {
      this.#keymap.setEmotions(emotions);
      this.#panel.setEmotions(emotions);
      showKeyHints(this.#root, this.#keymap);
      const key = this.#keymap.label(emotionId(added));
      this.say(`“${added}” added.${key ? ` Press ${key} to choose it.` : ""}`);
    });
  }

  /** @param {1 | -1} direction */
  #step(direction) {
    if (!this.session.step(direction)) return this.say(`There is no expression ${direction < 0 ? "before" : "after"} this one.`);
    this.#didSelect();
  }

  #addExpression() {
    this.session.addExpression();
    this.#didChange();
    this.say(`Expression ${this.session.position + 1}: nothing coded yet.`);
  }

  #removeExpression() {
    const number = this.session.position + 1;
    this.session.remove();
    this.#didChange();
    this.say(`Expression ${number} deleted. Press ${this.#keymap.label("undo")} to undo.`);
  }

  #didSelect() {
    this.#didChange();
    const { coding, position, expressions } = this.session;
    const first = MARKS.map((name) => coding[name]).find((index) => index !== null);
    if (first !== undefined && first !== null) this.#host.goTo(first);
    this.say(`Expression ${position + 1} of ${expressions.length}${coding.emotion ? `: ${coding.emotion}` : ""}.`);
  }

  #showHistory() {
    const { record } = this.session.selected;
    showHistory(this.#root, this.#pack, {
      fetch: async () => [record ? await this.#api.versions(record) : [], this.#options.readonly ? [] : await this.#api.deleted()],
      restoreVersion: this.#options.readonly ? null : (coding, revision) => this.#edit(coding, `version ${revision} restored`),
      restoreDeleted: (deleted) => {
        this.session.restore(deleted);
        this.#didSelect();
      },
    });
  }

  /** @param {string | null} label @param {string} verb @param {string} otherwise */
  #report(label, verb, otherwise) {
    this.#didChange();
    this.say(label === null ? otherwise : `${verb}: ${label}.`);
  }

  async #finish() {
    const { incomplete, expressions } = this.session;
    if (incomplete) {
      this.session.select(incomplete.key);
      this.#didSelect();
      const number = this.session.position + 1;
      return this.say(`Not done: expression ${number} has no ${list(incomplete.missing)}.`, "refused");
    }
    const isEmpty = !expressions.some(({ coding }) => missing(coding).length === 0);
    if (isEmpty && !this.#warned) {
      this.#warned = true;
      return this.say(`Nothing is coded in this clip. Press ${this.#keymap.label("done")} again to confirm that it shows no expression.`, "refused");
    }
    const refusal = await finishClip(this.autosave, this.#options, isEmpty);
    if (refusal) this.say(refusal, "refused");
    else this.#host.onnext();
  }

  /** @param {Event} event */
  #didType = (event) => {
    const { dataset, value } = /** @type {HTMLInputElement | HTMLTextAreaElement} */ (event.target);
    if (!dataset.field || this.#options.readonly) return;
    this.session.edit({ [dataset.field]: value }, `${dataset.field.replace("_", " ")} typed`, { typing: true });
  };

  /** Show action units as the server stores them when the coder leaves the field. @param {Event} event */
  #didLeaveField = (event) => {
    const { dataset, value } = /** @type {HTMLInputElement} */ (event.target);
    if (dataset.field === "action_units" && canonical(value) !== value) {
      this.session.edit({ action_units: canonical(value) }, "action units typed", { typing: true });
    }
    this.session.seal();
  };

  /** @param {Event} event */
  #didClick = (event) => {
    const { emotion, kind, confidence, expression } = /** @type {Element} */ (event.target).closest("button")?.dataset ?? {};
    if (expression !== undefined) {
      this.session.select(expression);
      this.#didSelect();
    }
    if (this.#options.readonly) return;
    if (emotion !== undefined) this.chooseEmotion(emotion);
    if (kind !== undefined) this.#chooseKind(kind);
    if (confidence !== undefined) this.#chooseConfidence(Number(confidence));
  };
}

/** @param {string} url @param {string} clip @returns {string} identifies the clip's drafts */
export const scopeOf = (url, clip) => `${url}?clip=${clip}`;

/** @param {string} text */
const title = (text) => text[0].toUpperCase() + text.slice(1);

/** @param {readonly string[]} words @returns {string} "apex, offset or emotion" */
const list = (words) => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`);
