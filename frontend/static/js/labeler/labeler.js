/**
 * `<mer-labeler>`: an exact frame player on which a coder marks onset, apex and offset.
 *
 * Attributes: `frames-url`, `pack-url`, `annotations-url`, `clip`, `emotions` (JSON list), `coder` (whose drafts to keep),
 * `frame` (index to open at), `login-url`, `next-url` (the page of the next clip),
 * `database-url` (its API, for who may add words), `readonly`. It sets `ready` on itself when the first frame is on screen.
 * Events (bubble): `mer:frame` {index, source} with every new picture, `mer:save` {state}.
 */
import { requestJson } from "../http.js";
import { FramePack } from "./frame-pack.js";
import { labelerMarkup } from "./template.js";
import { Workbench } from "./workbench.js";

class MerLabeler extends HTMLElement {
  /** @type {Workbench | null} */
  #workbench = null;
  #life = new AbortController();

  connectedCallback() {
    this.classList.add("labeler");
    this.#open();
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#workbench = null;
  }

  /** What is on screen and in the coding, as plain data; null before the clip's index has come. */
  get state() {
    return this.#workbench?.state ?? null;
  }

  /** @param {number} index */
  goTo(index) {
    this.#workbench?.goTo(index);
  }

  async #open() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    this.innerHTML = labelerMarkup();
    try {
      const pack = new FramePack(await requestJson(this.#attribute("frames-url"), { signal }));
      this.#workbench = new Workbench(this, pack, this.#options, signal);
      await this.#workbench.open(Number(this.getAttribute("frame")) || 0);
    } catch (error) {
      if (!signal.aborted) this.#fail(/** @type {Error} */ (error));
    }
  }

  get #options() {
    return {
      packUrl: this.#attribute("pack-url"),
      annotationsUrl: this.#attribute("annotations-url"),
      clip: this.#attribute("clip"),
      emotions: JSON.parse(this.getAttribute("emotions") || "[]"),
      coder: this.getAttribute("coder") ?? "",
      loginUrl: this.getAttribute("login-url") ?? "/accounts/login/",
      onnext: () => this.#openNext(),
      readonly: this.hasAttribute("readonly"),
      databaseUrl: this.getAttribute("database-url") ?? "",
    };
  }

  #openNext() {
    const url = this.getAttribute("next-url");
    if (url) location.assign(url);
    else this.#workbench?.say("Done. There is no further clip to code.");
  }

  /** @param {string} name @returns {string} */
  #attribute(name) {
    const value = this.getAttribute(name);
    if (value === null) throw new Error(`<mer-labeler> needs the attribute ${name}.`);
    return value;
  }

  /** @param {Error} error */
  #fail(error) {
    const overlay = /** @type {HTMLElement} */ (this.querySelector(".labeler-overlay"));
    overlay.textContent = `The clip could not be opened. ${error.message} `;
    const retry = document.createElement("button");
    retry.type = "button";
    retry.className = "button";
    retry.textContent = "Try again";
    retry.addEventListener("click", () => {
      this.#life.abort();
      this.#open();
    });
    overlay.append(retry);
  }
}

customElements.define("mer-labeler", MerLabeler);
