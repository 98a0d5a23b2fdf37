/** View: the coding panel, with expressions, marks, fields and the save status of a CodingSession and its AutoSave. */
import { Marks } from "../coding/marks.js";
import { showExpressions } from "./expression-list.js";
import { buildEmotions, showFields } from "./coding-fields.js";
import { showMarks } from "./mark-list.js";
import { showSave } from "./save-status.js";

/** @typedef {import("../frames/frame-pack.js").FramePack} FramePack */
/** @typedef {import("../coding/autosave.js").AutoSave} AutoSave */
/** @typedef {import("../coding/coding-session.js").CodingSession} CodingSession */
/** @typedef {import("../coding/marks.js").MarkName} MarkName */
/** @typedef {"info" | "refused"} Tone */

export class CodingPanel {
  #root;
  #pack;
  #readonly;
  #emotions;
  #session;
  #autosave;
  #announce;

  /**
   * @param {object} options
   * @param {HTMLElement} options.root
   * @param {FramePack} options.pack
   * @param {boolean} options.readonly
   * @param {readonly string[]} options.emotions
   * @param {CodingSession} options.session
   * @param {AutoSave} options.autosave
   * @param {Marks} options.marks of the selected expression; updated by `refresh`
   * @param {(text: string) => void} options.announce to a screen reader
   */
  constructor({ root, pack, readonly, emotions, session, autosave, marks, announce }) {
    this.#root = root;
    this.#pack = pack;
    this.#readonly = readonly;
    this.#emotions = emotions;
    this.#session = session;
    this.#autosave = autosave;
    this.#announce = announce;
    this.marks = marks;
    buildEmotions(root, emotions);
    this.#enable();
  }

  /** @param {readonly string[]} emotions of the database, after a change */
  setEmotions(emotions) {
    this.#emotions = emotions;
    buildEmotions(this.#root, emotions);
    this.#enable();
    this.refresh();
  }

  #enable() {
    for (const control of this.#root.querySelectorAll("[data-writes]")) control.toggleAttribute("disabled", this.#readonly);
  }

  /** @param {"action_units" | "note"} field */
  focusField(field) {
    /** @type {HTMLElement} */ (this.#root.querySelector(`[data-field=${field}]`)).focus();
  }

  /** Show the current codings and their save state. */
  refresh() {
    const { selected } = this.#session;
    this.marks.replace(selected.coding);
    showExpressions(this.#root, this.#session);
    showMarks(this.#root, this.#pack, this.marks, this.#readonly);
    showFields(this.#root, selected, this.#emotions);
    showSave(this.#root, this.#autosave, selected, this.#readonly, this.#announce);
    this.#root.querySelector("[data-action=delete-expression]")?.toggleAttribute("disabled", this.#readonly);
  }

  /** @param {number} index on screen */
  showCurrent(index) {
    for (const row of this.#root.querySelectorAll("[data-mark]")) {
      row.classList.toggle("is-here", this.marks[/** @type {MarkName} */ (row.getAttribute("data-mark"))] === index);
    }
  }
}
