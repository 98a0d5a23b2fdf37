/** The dialog in which a researcher adds an emotion to those that a database's coders choose from. */
import { requestJson } from "../../http.js";
import { makeDialog } from "../dialog.js";

/** The server's limit. */
const MAX_CHARACTERS = 40;

/**
 * @param {readonly string[]} emotions of the database @param {string} text typed
 * @returns {{emotion: string} | {error: string}}
 */
export function checkEmotion(emotions, text) {
  const emotion = text.trim().replace(/\s+/g, " ");
  if (emotion === "") return { error: "Enter an emotion." };
  if (emotion.length > MAX_CHARACTERS) return { error: `An emotion can have at most ${MAX_CHARACTERS} characters; this has ${emotion.length}.` };
  if (emotion.includes(",")) return { error: "Commas separate emotions. Add one at a time." };
  const existing = emotions.find((other) => other.toLowerCase() === emotion.toLowerCase());
  return existing === undefined ? { emotion } : { error: `“${existing}” is already in the list.` };
}

/**
 * @param {HTMLElement} host @param {string} databaseUrl of the API
 * @param {(emotions: string[], added: string) => void} done called with all emotions and the new one
 */
export function askForEmotion(host, databaseUrl, done) {
  const dialog = makeDialog(
    host,
    "",
    "Add an emotion",
    `<div class="dialog-body"><div class="field">
       <label for="labeler-new-emotion">Emotion</label>
       <input id="labeler-new-emotion" type="text" autocomplete="off" autofocus aria-describedby="labeler-new-emotion-help labeler-new-emotion-error">
       <p class="help" id="labeler-new-emotion-help">Every coder of this database will be able to choose it.</p>
       <p class="errors" id="labeler-new-emotion-error" role="alert" hidden></p>
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
      const { emotions } = await requestJson(databaseUrl); // read again: someone else may have added one
      const checked = checkEmotion(emotions, input.value);
      if ("error" in checked) return refuse(checked.error);
      const saved = await requestJson(databaseUrl, { method: "PATCH", json: { emotions: [...emotions, checked.emotion] } });
      dialog.close();
      done(saved.emotions, checked.emotion);
    } catch (problem) {
      refuse(`The emotion was not added. ${/** @type {Error} */ (problem).message}`);
    }
  });
  dialog.showModal();
}
