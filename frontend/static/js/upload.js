/**
 * `<mer-upload url="/api/v1/clips/" clip-url="/projects/demo/clips/{id}/">` around a server-rendered form:
 * one request per file, two at a time, with progress, cancel and retry. The form's other fields (database,
 * subject, fps) are sent with every file. Fires `mer:uploaded` (bubbles; detail: the API's clip) per finished file.
 */
import { csrfToken, errorSentence } from "./http.js";
import { UploadQueue } from "./upload-queue.js";

/** @typedef {import("./upload-queue.js").Upload} Upload */

const STATES = /** @type {const} */ ({
  chosen: ["Ready to upload", ""],
  waiting: ["Waiting", "is-queued"],
  sending: ["Uploading", "is-running"],
  checking: ["Checking", "is-running"],
  done: ["Uploaded", "is-done"],
  failed: ["Failed", "is-failed"],
  cancelled: ["Cancelled", "is-cancelled"],
});

/** @param {number} bytes @returns {string} */
export function fileSize(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

class MerUpload extends HTMLElement {
  #queue = new UploadQueue({
    send: (upload, options) => this.#send(upload, options),
    onchange: (upload) => this.#show(upload),
  });
  /** @type {Map<number, HTMLElement>} */
  #rows = new Map();

  connectedCallback() {
    this.#form.addEventListener("submit", this.#didSubmit);
    this.#input.addEventListener("change", () => this.#take(this.#input.files ?? []));
    this.#input.required = false; // a file may have been dropped instead
    for (const type of ["dragenter", "dragover"]) this.addEventListener(type, this.#didDragOver);
    for (const type of ["dragleave", "drop"]) this.addEventListener(type, this.#didDragOut);
    window.addEventListener("beforeunload", this.#willLeave);
    this.#summarise();
  }

  disconnectedCallback() {
    window.removeEventListener("beforeunload", this.#willLeave);
  }

  get #form() {
    return /** @type {HTMLFormElement} */ (this.querySelector("form"));
  }
  get #input() {
    return /** @type {HTMLInputElement} */ (this.querySelector("input[type=file]"));
  }
  get #list() {
    return /** @type {HTMLElement} */ (this.querySelector(".upload-list"));
  }

  /** @param {Event} event */
  #didDragOver = (event) => {
    event.preventDefault();
    this.querySelector(".dropzone")?.classList.add("is-over");
  };

  /** @param {Event} event */
  #didDragOut = (event) => {
    const { type, dataTransfer, relatedTarget } = /** @type {DragEvent} */ (event);
    if (type === "dragleave" && relatedTarget instanceof Node && this.contains(relatedTarget)) return;
    event.preventDefault();
    this.querySelector(".dropzone")?.classList.remove("is-over");
    if (type === "drop") this.#take(dataTransfer?.files ?? []);
  };

  /** @param {Event} event */
  #willLeave = (event) => {
    if (this.#queue.busy) event.preventDefault();
  };

  /** @param {ArrayLike<File>} files */
  #take(files) {
    this.#queue.add(Array.from(files));
    this.#input.value = "";
    this.#summarise();
  }

  /** @param {Event} event */
  #didSubmit = (event) => {
    event.preventDefault();
    const chosen = this.#queue.uploads.filter(({ state }) => state === "chosen");
    if (chosen.length === 0) return this.#complain(this.#input, "Choose a file first.");
    const fps = this.#form.elements.namedItem("fps");
    const zip = chosen.find(({ file }) => file.name.toLowerCase().endsWith(".zip"));
    const database = this.#form.querySelector("[name=database]");
    const usual = database instanceof HTMLSelectElement ? database.selectedOptions[0]?.dataset.fps : "";
    if (zip && fps instanceof HTMLInputElement && fps.value.trim() === "" && !usual) {
      return this.#complain(fps, `${zip.file.name} is a zip of frame images, which has no frame rate. Enter the recording rate.`);
    }
    /** @type {Record<string, string>} */
    const fields = {};
    for (const [name, value] of new FormData(this.#form)) {
      if (typeof value === "string" && value !== "" && name !== "csrfmiddlewaretoken") fields[name] = value;
    }
    this.#queue.start(fields);
  };

  /** @param {HTMLInputElement} input @param {string} message */
  #complain(input, message) {
    input.setCustomValidity(message);
    input.reportValidity();
    input.addEventListener("input", () => input.setCustomValidity(""), { once: true });
    setTimeout(() => input.setCustomValidity(""), 0); // otherwise the next submit would be blocked
  }

  /** @type {import("./upload-queue.js").Send} */
  #send(upload, { onprogress, signal }) {
    const body = new FormData();
    for (const [name, value] of Object.entries(upload.fields)) body.set(name, value);
    body.set(this.#input.name || "file", upload.file, upload.file.name);
    return new Promise((resolve, reject) => {
      const xhr = new XMLHttpRequest();
      xhr.open("POST", this.getAttribute("url") ?? "/api/v1/clips/");
      xhr.setRequestHeader("Accept", "application/json");
      xhr.setRequestHeader("X-CSRFToken", csrfToken());
      xhr.responseType = "json";
      xhr.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) onprogress(event.loaded / event.total);
      });
      xhr.addEventListener("load", () => {
        if (xhr.status >= 200 && xhr.status < 300) resolve(xhr.response);
        else reject(new Error(errorSentence(xhr.response, xhr.status)));
      });
      xhr.addEventListener("error", () => reject(new Error("The connection was lost and nothing was stored. Try again.")));
      xhr.addEventListener("abort", () => reject(new Error("Cancelled.")));
      signal.addEventListener("abort", () => xhr.abort());
      xhr.send(body);
    });
  }

  /** @param {Upload} upload */
  #show(upload) {
    let row = this.#rows.get(upload.id);
    if (!row) {
      row = this.#makeRow(upload);
      this.#rows.set(upload.id, row);
      this.#list.append(row);
    }
    const [label, badge] = STATES[upload.state];
    if (row.dataset.state !== upload.state) {
      row.dataset.state = upload.state;
      const state = /** @type {HTMLElement} */ (row.querySelector(".badge"));
      state.className = `badge ${badge}`;
      state.textContent = label;
      this.#showActions(row, upload);
      if (upload.state === "done") this.#didUpload(row, upload);
      this.#summarise();
    }
    const progress = /** @type {HTMLProgressElement} */ (row.querySelector("progress"));
    progress.hidden = !["sending", "checking"].includes(upload.state);
    if (upload.state === "checking") progress.removeAttribute("value");
    else progress.value = upload.fraction;
    const message = /** @type {HTMLElement} */ (row.querySelector(".upload-message"));
    message.textContent = upload.message;
    message.hidden = !upload.message;
  }

  /** @param {Upload} upload @returns {HTMLElement} */
  #makeRow({ file }) {
    const row = document.createElement("li");
    row.className = "upload";
    row.innerHTML = `
      <span class="upload-name"><span></span><small class="num"></small></span>
      <span class="badge"></span>
      <span class="upload-actions"></span>
      <progress class="progress" max="1" value="0" hidden></progress>
      <p class="upload-message" role="alert" hidden></p>`;
    const [name, size] = /** @type {NodeListOf<HTMLElement>} */ (row.querySelectorAll(".upload-name > *"));
    name.textContent = file.name;
    name.title = file.name;
    size.textContent = fileSize(file.size);
    row.querySelector("progress")?.setAttribute("aria-label", `${file.name}: upload progress`);
    return row;
  }

  /** @param {HTMLElement} row @param {Upload} upload */
  #showActions(row, upload) {
    const { id, state, file } = upload;
    const actions = /** @type {HTMLElement} */ (row.querySelector(".upload-actions"));
    const hadFocus = actions.contains(document.activeElement);
    actions.replaceChildren();
    /** @param {string} label @param {() => void} act */
    const add = (label, act) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button button-small";
      button.textContent = label;
      button.setAttribute("aria-label", `${label} ${file.name}`);
      button.addEventListener("click", act);
      actions.append(button);
    };
    if (["waiting", "sending", "checking"].includes(state)) add("Cancel", () => this.#queue.cancel(id));
    if (state === "failed" || state === "cancelled") add("Retry", () => this.#queue.retry(id));
    if (["chosen", "failed", "cancelled"].includes(state)) add("Remove", () => this.#remove(id));
    if (hadFocus) /** @type {HTMLElement | null} */ (actions.firstElementChild)?.focus();
  }

  /** @param {number} id */
  #remove(id) {
    this.#queue.remove(id);
    this.#rows.get(id)?.remove();
    this.#rows.delete(id);
    this.#summarise();
    this.#input.focus();
  }

  /** @param {HTMLElement} row @param {Upload} upload */
  #didUpload(row, { result, file }) {
    const pattern = this.getAttribute("clip-url");
    if (pattern && result?.id != null) {
      const link = document.createElement("a");
      link.href = pattern.replace("{id}", encodeURIComponent(result.id));
      link.textContent = file.name;
      row.querySelector(".upload-name > span")?.replaceChildren(link);
    }
    this.dispatchEvent(new CustomEvent("mer:uploaded", { bubbles: true, detail: result }));
  }

  #summarise() {
    const chosen = this.#queue.count("chosen");
    const button = /** @type {HTMLButtonElement | null} */ (this.#form.querySelector("[type=submit]"));
    if (button) button.textContent = chosen > 1 ? `Upload ${chosen} files` : chosen === 1 ? "Upload 1 file" : "Upload";
    const summary = this.querySelector("[data-upload-summary]");
    if (!summary) return;
    const parts = [
      [this.#queue.count("done"), "uploaded"],
      [this.#queue.count("sending") + this.#queue.count("checking") + this.#queue.count("waiting"), "in progress"],
      [this.#queue.count("failed"), "failed"],
      [this.#queue.count("cancelled"), "cancelled"],
    ];
    summary.textContent = parts.filter(([n]) => n).map(([n, what]) => `${n} ${what}`).join(", ");
  }
}

customElements.define("mer-upload", MerUpload);
