/** A researcher adds a word to those that a database's coders choose from. */
import { requestJson } from "../../http.js";
import { makeDialog } from "../dialog.js";

/** As long as the server allows. */
const LONGEST = 40;

/**
 * @param {readonly string[]} words there are @param {string} text typed
 * @returns {{word: string} | {error: string}}
 */
export function checkEmotion(words, text) {
  const word = text.trim().replace(/\s+/g, " ");
  if (word === "") return { error: "Type a word." };
  if (word.length > LONGEST) return { error: `A word has at most ${LONGEST} characters; this has ${word.length}.` };
  if (word.includes(",")) return { error: "A comma separates words: add one at a time." };
  const there = words.find((other) => other.toLowerCase() === word.toLowerCase());
  return there === undefined ? { word } : { error: `“${there}” is there already.` };
}

/**
 * @param {HTMLElement} host @param {string} databaseUrl of the API
 * @param {(words: string[], word: string) => void} done all words, and the new one
 */
export function askForEmotion(host, databaseUrl, done) {
  const dialog = makeDialog(
    host,
    "",
    "Add an emotion",
    `<div class="dialog-body"><div class="field">
       <label for="labeler-word">Word</label>
       <input id="labeler-word" type="text" autocomplete="off" autofocus aria-describedby="labeler-word-help labeler-word-error">
       <p class="help" id="labeler-word-help">Every coder of this database can choose it from then on.</p>
       <p class="errors" id="labeler-word-error" role="alert" hidden></p>
     </div></div>
     <div class="dialog-footer"><button type="button" class="button" data-cancel>Cancel</button><button class="button button-primary">Add</button></div>`,
  );
  const input = /** @type {HTMLInputElement} */ (dialog.querySelector("input"));
  const error = /** @type {HTMLElement} */ (dialog.querySelector(".errors"));
  const refuse = (/** @type {string} */ text) => {
    error.hidden = false;
    error.textContent = text;
    input.setAttribute("aria-invalid", "true");
    input.select();
  };
  dialog.querySelector("[data-cancel]")?.addEventListener("click", () => dialog.close());
  dialog.querySelector("form")?.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const { emotions } = await requestJson(databaseUrl); // as they are now: somebody else may have added one
      const checked = checkEmotion(emotions, input.value);
      if ("error" in checked) return refuse(checked.error);
      const saved = await requestJson(databaseUrl, { method: "PATCH", json: { emotions: [...emotions, checked.word] } });
      dialog.close();
      done(saved.emotions, checked.word);
    } catch (problem) {
      refuse(`The word was not added. ${/** @type {Error} */ (problem).message}`);
    }
  });
  dialog.showModal();
}
