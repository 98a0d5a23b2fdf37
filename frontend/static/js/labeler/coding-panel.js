/** The coder's side of the labeler: marks, emotion, kind, text, and whether it is saved. A view over Marks and AutoSave. */
import { fieldErrors } from "../http.js";
import { MARKS, Marks } from "./marks.js";
import { keyLabel } from "./keymap.js";

/** @typedef {import("./frame-pack.js").FramePack} FramePack */
/** @typedef {import("./autosave.js").AutoSave} AutoSave */
/** @typedef {import("./marks.js").MarkName} MarkName */
/** @typedef {"info" | "refused"} Tone */

/** A micro-expression lasts at most half a second (Yan et al. 2013). */
const MICRO_MS = 500;

const SAVE_BADGES = /** @type {const} */ ({
  loading: ["Loading", "is-queued"],
  empty: ["Nothing coded yet", ""],
  unsaved: ["Not saved yet", "is-queued"],
  saving: ["Saving", "is-running"],
  saved: ["Saved", "is-done"],
  retrying: ["Not saved: retrying", "is-warning"],
  refused: ["Not saved", "is-failed"],
  "signed-out": ["Not saved: signed out", "is-failed"],
  conflict: ["Changed elsewhere", "is-warning"],
});

export class CodingPanel {
  /** @type {AutoSave | null} */
  #autosave = null;
  #root;
  #pack;
  #readonly;
  #emotionKeys;
  #onmarks;
  #say;
  #announce;

  /**
   * @param {object} options
   * @param {HTMLElement} options.root
   * @param {FramePack} options.pack
   * @param {boolean} options.readonly
   * @param {Map<string, string>} options.emotionKeys emotion to key
   * @param {readonly string[]} options.emotions
   * @param {(marks: Marks) => void} options.onmarks
   * @param {(text: string, tone: Tone) => void} options.say where the coder looks
   * @param {(text: string) => void} options.announce to a screen reader
   */
  constructor({ root, pack, readonly, emotionKeys, emotions, onmarks, say, announce }) {
    this.#root = root;
    this.#pack = pack;
    this.#readonly = readonly;
    this.#emotionKeys = emotionKeys;
    this.#onmarks = onmarks;
    this.#say = say;
    this.#announce = announce;
    this.marks = new Marks((index) => pack.describe(index));
    this.emotions = emotions;
    this.#buildEmotions();
    for (const control of root.querySelectorAll("[data-writes]")) control.toggleAttribute("disabled", readonly);
    root.addEventListener("input", this.#didType);
    root.addEventListener("click", this.#didClick);
  }

  /** @param {AutoSave} autosave from now on */
  attach(autosave) {
    this.#autosave = autosave;
  }

  /** @param {MarkName} name @param {number} index */
  setMark(name, index) {
    const refusal = this.marks.set(name, index);
    if (refusal) return this.say(refusal, "refused");
    this.#change(this.marks.values);
    this.say(`${title(name)} set at ${this.#pack.describe(index)}.`);
  }

  /** @param {MarkName[]} names */
  clearMarks(names) {
    const cleared = names.filter((name) => this.marks.clear(name));
    if (!cleared.length) return this.say("There is no such mark to clear.");
    this.#change(this.marks.values);
    this.say(`${cleared.map(title).join(" and ")} cleared.`);
  }

  /** @param {string} emotion the same again takes it back */
  chooseEmotion(emotion) {
    const chosen = this.#autosave?.coding.emotion === emotion ? "" : emotion;
    this.#change({ emotion: chosen });
    this.say(chosen ? `Emotion: ${chosen}.` : "Emotion cleared.");
  }

  toggleKind() {
    this.#chooseKind(this.#autosave?.coding.kind === "micro" ? "macro" : "micro");
  }

  /** @param {string} kind */
  #chooseKind(kind) {
    this.#change({ kind });
    this.say(`${title(kind)}-expression.`);
  }

  /** @param {"action_units" | "note"} field */
  focusField(field) {
    /** @type {HTMLElement} */ (this.#root.querySelector(`[data-field=${field}]`)).focus();
  }

  /** @param {string} text @param {Tone} [tone] */
  say(text, tone = "info") {
    this.#say(text, tone);
    if (text) this.#announce(text);
  }

  /** Shows what AutoSave has now: a coding from the server as well as the state. */
  refresh() {
    const autosave = this.#autosave;
    if (!autosave) return;
    this.marks.replace(autosave.coding);
    this.#showMarks();
    this.#showFields(autosave);
    this.#showSave(autosave);
    this.#onmarks(this.marks);
  }

  /** @param {number} index on screen */
  showCurrent(index) {
    for (const name of MARKS) this.#find(`[data-mark=${name}]`).classList.toggle("is-here", this.marks[name] === index);
  }

  /** @param {Partial<import("./drafts.js").Coding>} fields */
  #change(fields) {
    if (!this.#readonly) this.#autosave?.change(fields);
  }

  /** @param {Event} event */
  #didType = (event) => {
    const input = /** @type {HTMLInputElement | HTMLTextAreaElement} */ (event.target);
    if (input.dataset.field) this.#change({ [input.dataset.field]: input.value });
  };

  /** @param {Event} event */
  #didClick = (event) => {
    const button = /** @type {Element} */ (event.target).closest("button");
    if (button?.dataset.emotion !== undefined) this.chooseEmotion(button.dataset.emotion);
    if (button?.dataset.kind !== undefined) this.#chooseKind(button.dataset.kind);
  };

  /** @param {string} selector @returns {HTMLElement} */
  #find(selector) {
    return /** @type {HTMLElement} */ (this.#root.querySelector(selector));
  }

  #buildEmotions() {
    if (this.emotions.length === 0) return this.#buildEmotionInput();
    const buttons = this.emotions.map((emotion) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button button-small";
      button.dataset.emotion = emotion;
      button.dataset.writes = "";
      button.setAttribute("aria-pressed", "false");
      button.append(emotion);
      const key = this.#emotionKeys.get(emotion);
      if (key) {
        const kbd = document.createElement("kbd");
        kbd.textContent = keyLabel(key);
        kbd.setAttribute("aria-hidden", "true");
        button.append(" ", kbd);
      }
      return button;
    });
    this.#find("[data-emotions]").replaceChildren(...buttons);
  }

  /** A database without a vocabulary: the coder's own words. */
  #buildEmotionInput() {
    const input = document.createElement("input");
    input.className = "input";
    input.maxLength = 40;
    input.autocomplete = "off";
    input.dataset.field = "emotion";
    input.dataset.writes = "";
    input.setAttribute("aria-label", "Emotion");
    this.#find("[data-emotions]").replaceChildren(input);
  }

  #showMarks() {
    for (const name of MARKS) {
      const index = this.marks[name];
      const row = this.#find(`[data-mark=${name}]`);
      const go = /** @type {HTMLButtonElement} */ (row.querySelector("[data-go]"));
      go.disabled = index === null;
      go.setAttribute("aria-label", index === null ? `${name} not set` : `Go to ${name}, ${this.#pack.describe(index)}`);
      /** @type {HTMLElement} */ (go.querySelector(".mark-index")).textContent = index === null ? "–" : String(index);
      const [time, source] = /** @type {NodeListOf<HTMLElement>} */ (go.querySelectorAll("small"));
      time.textContent = index === null ? "" : `${milliseconds(this.#pack, index)} ms`;
      source.textContent = index === null ? "not set" : `source ${this.#pack.source(index)}`;
      const clear = /** @type {HTMLButtonElement} */ (row.querySelector("[data-action^=clear]"));
      clear.disabled = index === null || this.#readonly;
    }
    const span = this.marks.span;
    const ms = span ? (this.#pack.seconds(span.last) - this.#pack.seconds(span.first)) * 1000 : null;
    this.#find("[data-span]").textContent =
      span && ms !== null ? `Onset to offset ${ms.toFixed(0)} ms, ${span.last - span.first + 1} frames` : "";
    this.#find("[data-kind-hint]").textContent = ms !== null && ms > MICRO_MS ? `Longer than ${MICRO_MS} ms` : "";
  }

  /** @param {AutoSave} autosave */
  #showFields({ coding, problem, record }) {
    for (const button of this.#root.querySelectorAll("[data-emotion]")) {
      button.setAttribute("aria-pressed", String(button.getAttribute("data-emotion") === coding.emotion));
    }
    for (const button of this.#root.querySelectorAll("[data-kind]")) {
      button.setAttribute("aria-pressed", String(button.getAttribute("data-kind") === coding.kind));
    }
    const errors = fieldErrors(problem?.body);
    for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (this.#root.querySelectorAll("[data-field]"))) {
      const field = /** @type {"action_units" | "note" | "emotion"} */ (input.dataset.field);
      if (input.value !== coding[field]) input.value = coding[field];
      input.setAttribute("aria-invalid", String(field in errors));
    }
    for (const error of /** @type {NodeListOf<HTMLElement>} */ (this.#root.querySelectorAll("[data-error]"))) {
      error.textContent = errors[error.dataset.error ?? ""] ?? "";
      error.hidden = error.textContent === "";
    }
    const stray = coding.emotion !== "" && this.emotions.length > 0 && !this.emotions.includes(coding.emotion);
    this.#find("[data-stray]").textContent = stray ? `Coded as “${coding.emotion}”, which is not in this list.` : "";
    this.#find("[data-remove]").toggleAttribute("disabled", this.#readonly || record === null);
  }

  /** @param {AutoSave} autosave */
  #showSave({ state, message, coding }) {
    const box = this.#find(".labeler-save");
    const [label, badge] = SAVE_BADGES[state];
    const changed = box.dataset.state !== state;
    box.dataset.state = state;
    const element = this.#find("[data-save-badge]");
    element.className = `badge ${badge}`;
    element.textContent = this.#readonly ? "View only" : label;
    const text = this.#find("[data-save-message]");
    text.textContent = message;
    text.hidden = message === "";
    const missing = [...this.marks.missing, ...(coding.emotion ? [] : ["emotion"])];
    const complete = this.#find("[data-complete]");
    complete.textContent = missing.length === 0 ? "Complete" : missing.length < 4 ? `Missing: ${missing.join(", ")}` : "";
    complete.classList.toggle("is-complete", missing.length === 0);
    if (changed) this.#showSaveActions(state);
    if (changed && ["saved", "retrying", "refused", "signed-out", "conflict"].includes(state)) this.#announce(`${label}. ${message}`);
  }

  /** @param {import("./autosave.js").SaveState} state */
  #showSaveActions(state) {
    const actions = this.#find("[data-save-actions]");
    const wanted = { retrying: ["now", "Try now"], refused: ["now", "Try again"], conflict: ["now", "Compare and choose"], "signed-out": ["sign-in", "Sign in again"] };
    const [name, label] = /** @type {Record<string, string[]>} */ (wanted)[state] ?? [];
    actions.hidden = !name;
    actions.replaceChildren();
    if (!name) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button-small";
    button.dataset.save = name;
    button.textContent = label;
    actions.append(button);
  }
}

/** @param {string} name */
const title = (name) => name[0].toUpperCase() + name.slice(1);

/** @param {FramePack} pack @param {number} index @returns {string} */
export function milliseconds(pack, index) {
  return (pack.seconds(index) * 1000).toFixed(1);
}
