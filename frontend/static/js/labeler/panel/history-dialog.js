/** The dialog with every version of an expression: who saved it, when, where and what changed. Earlier versions can be restored. */
import { BLANK, codingOf, differences } from "../coding/coding.js";
import { FIELD_LABELS, SHOWN, fieldText } from "./coding-text.js";
import { makeDialog } from "../dialog.js";
import { MARKS } from "../coding/marks.js";

/** @typedef {import("../coding/annotations-api.js").Version} Version */
/** @typedef {import("../coding/coding.js").AnnotationRecord} AnnotationRecord */
/** @typedef {import("../coding/coding.js").Coding} Coding */
/** @typedef {import("../frames/frame-pack.js").FramePack} FramePack */

/**
 * @param {Version | null} before @param {Version} version @param {FramePack} pack
 * @returns {string[]} what this version changed, one phrase per change
 */
export function changesOf(before, version, pack) {
  const [old, now] = [codingOf(before?.content ?? null), codingOf(version.content)];
  const wasDeleted = before?.content.deleted ?? false;
  if (version.content.deleted) return wasDeleted ? [] : ["deleted"];
  const fields = differences(before ? old : { ...BLANK }, now).filter((field) => SHOWN.includes(field));
  const texts = fields.map((field) => {
    const [from, to] = [old, now].map((coding) => fieldText(field, coding, pack));
    return !before || from === "–" ? `${FIELD_LABELS[field]}: ${to}` : `${FIELD_LABELS[field]}: ${from} → ${to}`;
  });
  if (wasDeleted) texts.unshift("restored");
  return texts.length ? texts : ["no changes"];
}

/**
 * @param {HTMLElement} host @param {FramePack} pack
 * @param {object} options
 * @param {() => Promise<[Version[], AnnotationRecord[]]>} options.fetch the expression's versions, and the clip's deleted expressions
 * @param {((coding: Coding, revision: number) => void) | null} options.restoreVersion null if the user may only view
 * @param {(record: AnnotationRecord) => void} options.restoreDeleted
 */
export async function showHistory(host, pack, { fetch, restoreVersion, restoreDeleted }) {
  const dialog = makeDialog(
    host,
    "is-wide labeler-history",
    "Versions of this expression",
    `<div class="dialog-body"><p data-state role="status">Loading…</p><ol data-versions tabindex="0" aria-label="Versions, newest first"></ol>
       <section data-deleted hidden><h3>Deleted in this clip</h3><ol></ol></section></div>
     <div class="dialog-footer"><button class="button" autofocus>Close <kbd aria-hidden="true">Esc</kbd></button></div>`,
  );
  dialog.showModal();
  const state = /** @type {HTMLElement} */ (dialog.querySelector("[data-state]"));
  try {
    const [versions, deleted] = await fetch();
    state.textContent = versions.length ? "" : "This expression has not been saved yet.";
    const rows = versions.map((version, i) => versionRow(version, versions[i - 1] ?? null, pack, i === versions.length - 1 ? null : restoreVersion, dialog));
    dialog.querySelector("[data-versions]")?.append(...rows.reverse());
    dialog.querySelector("[data-deleted] ol")?.append(...deleted.map((record) => deletedRow(record, dialog, restoreDeleted)));
    dialog.querySelector("[data-deleted]")?.toggleAttribute("hidden", deleted.length === 0);
  } catch (error) {
    state.textContent = `Cannot load the versions. ${/** @type {Error} */ (error).message}`;
  }
}

/** @param {AnnotationRecord} record @param {HTMLDialogElement} dialog @param {(record: AnnotationRecord) => void} restore */
function deletedRow(record, dialog, restore) {
  const row = document.createElement("li");
  const what = document.createElement("p");
  const name = `${MARKS.map((mark) => record[mark] ?? "–").join(" · ")} ${record.emotion}`.trim();
  what.textContent = name;
  row.append(what, actionButton("Restore", `Restore ${name}`, dialog, () => restore(record)));
  return row;
}

/** @param {string} text @param {string} label @param {HTMLDialogElement} dialog @param {() => void} act after the dialog has closed */
function actionButton(text, label, dialog, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-small";
  button.textContent = text;
  button.setAttribute("aria-label", label);
  button.addEventListener("click", () => {
    dialog.close();
    act();
  });
  return button;
}

/**
 * @param {Version} version @param {Version | null} before @param {FramePack} pack
 * @param {((coding: Coding, revision: number) => void) | null} restore @param {HTMLDialogElement} dialog
 */
function versionRow(version, before, pack, restore, dialog) {
  const row = document.createElement("li");
  const head = document.createElement("p");
  const when = document.createElement("time");
  when.dateTime = version.made_at;
  when.textContent = new Date(version.made_at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const who = document.createElement("strong");
  who.textContent = version.made_by ?? "deleted user";
  head.append(`${version.revision}. `, who, ", ", when, `, ${version.client}`);
  const what = document.createElement("p");
  what.className = "muted";
  what.textContent = changesOf(before, version, pack).join("; ");
  row.append(head, what);
  if (restore && !version.content.deleted) {
    const label = `Restore version ${version.revision}`;
    row.append(actionButton(label, label, dialog, () => restore(codingOf(version.content), version.revision)));
  }
  return row;
}
