/** Every version of an expression: who, when, what changed, from where. Any of them can be taken back. */
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
 * @returns {string[]} what this version changed, a sentence each
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
  if (wasDeleted) texts.unshift("brought back");
  return texts.length ? texts : ["nothing"];
}

/**
 * @param {HTMLElement} host @param {FramePack} pack
 * @param {object} options
 * @param {() => Promise<[Version[], AnnotationRecord[]]>} options.fetch the expression's versions, and what was deleted in the clip
 * @param {((coding: Coding, revision: number) => void) | null} options.take null: may only look
 * @param {(record: AnnotationRecord) => void} options.bringBack
 */
export async function showHistory(host, pack, { fetch, take, bringBack }) {
  const dialog = makeDialog(
    host,
    "is-wide labeler-history",
    "Versions of this expression",
    `<div class="dialog-body"><p data-state role="status">Reading…</p><ol data-versions tabindex="0" aria-label="Versions, the newest first"></ol>
       <section data-deleted hidden><h3>Deleted in this clip</h3><ol></ol></section></div>
     <div class="dialog-footer"><button class="button" autofocus>Close <kbd aria-hidden="true">Esc</kbd></button></div>`,
  );
  dialog.showModal();
  const state = /** @type {HTMLElement} */ (dialog.querySelector("[data-state]"));
  try {
    const [versions, deleted] = await fetch();
    state.textContent = versions.length ? "" : "This expression has not been saved yet.";
    const rows = versions.map((version, i) => versionRow(version, versions[i - 1] ?? null, pack, i === versions.length - 1 ? null : take, dialog));
    dialog.querySelector("[data-versions]")?.append(...rows.reverse());
    dialog.querySelector("[data-deleted] ol")?.append(...deleted.map((record) => deletedRow(record, dialog, bringBack)));
    dialog.querySelector("[data-deleted]")?.toggleAttribute("hidden", deleted.length === 0);
  } catch (error) {
    state.textContent = `The versions cannot be read now. ${/** @type {Error} */ (error).message}`;
  }
}

/** @param {AnnotationRecord} record @param {HTMLDialogElement} dialog @param {(record: AnnotationRecord) => void} bringBack */
function deletedRow(record, dialog, bringBack) {
  const row = document.createElement("li");
  const what = document.createElement("p");
  const name = `${MARKS.map((mark) => record[mark] ?? "–").join(" · ")} ${record.emotion}`.trim();
  what.textContent = name;
  row.append(what, actionButton("Bring back", `Bring back ${name}`, dialog, () => bringBack(record)));
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
 * @param {((coding: Coding, revision: number) => void) | null} take @param {HTMLDialogElement} dialog
 */
function versionRow(version, before, pack, take, dialog) {
  const row = document.createElement("li");
  const head = document.createElement("p");
  const when = document.createElement("time");
  when.dateTime = version.made_at;
  when.textContent = new Date(version.made_at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const who = document.createElement("strong");
  who.textContent = version.made_by ?? "somebody who has left";
  head.append(`${version.revision}. `, who, ", ", when, ` — ${version.client}`);
  const what = document.createElement("p");
  what.className = "muted";
  what.textContent = changesOf(before, version, pack).join("; ");
  row.append(head, what);
  if (take && !version.content.deleted) {
    const label = `Take version ${version.revision} back`;
    row.append(actionButton(label, label, dialog, () => take(codingOf(version.content), version.revision)));
  }
  return row;
}
