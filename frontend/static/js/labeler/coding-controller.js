/** The coder's actions on a clip, by key or click: joins the codings, how they are saved, the panel and the dialogs. */
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
 * @property {string} databaseUrl of the API, for who may change the database's words; else ""
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
  /** Whether the coder was told that nothing is coded and may say "done" again. */
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

  /** Reads what was coded and what is suggested; sends what waits. */
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

  /** What others have marked, as far as this coder may see it. @returns {Promise<import("./timeline/drawing.js").CoderMarks[]>} */
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

  /** Saves, or asks which version counts where something was changed elsewhere. */
  save() {
    const conflict = [this.session.selected, ...this.autosave.conflicts].find(({ theirs }) => theirs !== null);
    if (!conflict) return void this.autosave.flush();
    this.session.select(conflict.key);
    this.#didChange();
    showConflict(this.#root, this.#pack, conflict, (choice) => this.autosave.resolve(conflict.key, choice));
  }

  /** @param {string} emotion the same again takes it back */
  chooseEmotion(emotion) {
    const chosen = this.session.coding.emotion === emotion ? "" : emotion;
    this.#write(() => this.#edit({ emotion: chosen }, chosen ? `emotion: ${chosen}` : "emotion cleared"));
  }

  /** @param {ActionName} name @returns {boolean} whether it is one of the coder's actions */
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
    undo: () => this.#tell(this.session.undo(), "Undone", "There is nothing to undo."),
    redo: () => this.#tell(this.session.redo(), "Done again", "There is nothing to do again."),
    save: () => this.save(),
    done: () => void this.#finish(),
  };

  #didChange() {
    this.#panel?.refresh();
    this.#host.onchange();
  }

  /** @param {() => void} write */
  #write(write) {
    if (this.#options.readonly) this.say("You can view this clip, but not code it.", "refused");
    else write();
  }

  /** @param {Partial<Coding>} fields @param {string} label what it does, in a few words */
  #edit(fields, label) {
    this.#warned = false;
    this.session.edit(fields, label);
    this.say(`${title(label)}.`);
  }

  /** @param {string} kind */
  #chooseKind(kind) {
    this.#edit({ kind }, `${kind}-expression`);
  }

  /** @param {number} value the same again takes it back */
  #chooseConfidence(value) {
    const confidence = this.session.coding.confidence === value ? null : value;
    this.#edit({ confidence }, confidence === null ? "confidence cleared" : `confidence ${confidence} of 5`);
  }

  #pickUnits() {
    pickActionUnits(this.#root, this.session.coding.action_units, (text) => this.#edit({ action_units: text }, `action units: ${text || "none"}`));
  }

  #addEmotion() {
    const { databaseUrl } = this.#options;
    if (!databaseUrl) return this.say("The words of a database are changed by researchers.", "refused");
    askForEmotion(this.#root, databaseUrl, (words, word) => {
      this.#keymap.setEmotions(words);
      this.#panel.setEmotions(words);
      showKeyHints(this.#root, this.#keymap);
      this.say(`“${word}” can be chosen now${this.#keymap.label(emotionId(word)) ? ` with ${this.#keymap.label(emotionId(word))}` : ""}.`);
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
    this.say(`Expression ${this.session.place + 1}: nothing coded yet.`);
  }

  #removeExpression() {
    const number = this.session.place + 1;
    this.session.remove();
    this.#didChange();
    this.say(`Expression ${number} deleted. ${this.#keymap.label("undo")} brings it back.`);
  }

  #didSelect() {
    this.#didChange();
    const { coding, place, expressions } = this.session;
    const first = MARKS.map((name) => coding[name]).find((index) => index !== null);
    if (first !== undefined && first !== null) this.#host.goTo(first);
    this.say(`Expression ${place + 1} of ${expressions.length}${coding.emotion ? `: ${coding.emotion}` : ""}.`);
  }

  #showHistory() {
    const { record } = this.session.selected;
    showHistory(this.#root, this.#pack, {
      fetch: async () => [record ? await this.#api.versions(record) : [], this.#options.readonly ? [] : await this.#api.deleted()],
      take: this.#options.readonly ? null : (coding, revision) => this.#edit(coding, `version ${revision} taken back`),
      bringBack: (deleted) => {
        this.session.bringBack(deleted);
        this.#didSelect();
      },
    });
  }

  /** @param {string | null} label @param {string} verb @param {string} otherwise */
  #tell(label, verb, otherwise) {
    this.#didChange();
    this.say(label === null ? otherwise : `${verb}: ${label}.`);
  }

  async #finish() {
    const { incomplete, expressions } = this.session;
    if (incomplete) {
      this.session.select(incomplete.key);
      this.#didSelect();
      const number = this.session.place + 1;
      return this.say(`Not done: expression ${number} lacks ${list(incomplete.missing)}.`, "refused");
    }
    const nothing = !expressions.some(({ coding }) => missing(coding).length === 0);
    if (nothing && !this.#warned) {
      this.#warned = true;
      return this.say(`Nothing is coded in this clip. ${this.#keymap.label("done")} again: it shows no expression.`, "refused");
    }
    const refusal = await finishClip(this.autosave, this.#options, nothing);
    if (refusal) this.say(refusal, "refused");
    else this.#host.onnext();
  }

  /** @param {Event} event */
  #didType = (event) => {
    const { dataset, value } = /** @type {HTMLInputElement | HTMLTextAreaElement} */ (event.target);
    if (!dataset.field || this.#options.readonly) return;
    this.session.edit({ [dataset.field]: value }, `${dataset.field.replace("_", " ")} typed`, { typing: true });
  };

  /** The server writes action units in one form: the coder sees it when the field is left. @param {Event} event */
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

/** @param {string} url @param {string} clip @returns {string} what drafts are kept under */
export const scopeOf = (url, clip) => `${url}?clip=${clip}`;

/** @param {string} text */
const title = (text) => text[0].toUpperCase() + text.slice(1);

/** @param {readonly string[]} words @returns {string} "apex, offset and emotion" */
const list = (words) => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);
