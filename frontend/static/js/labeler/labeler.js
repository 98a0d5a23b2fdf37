/**
 * `<mer-labeler>`: an exact frame player on which a coder marks onset, apex and offset.
 *
 * Attributes, for the clip it opens with: `clip`, `frames-url` (index), `pack-url` (bytes of the frames), `head-url` (the
 * part of them with the first frame to show, an address with `?first=` and `last=`; may be empty), `frame` (index to open
 * at), `emotions` (JSON list), `readonly`, `next-url`. For the page: `annotations-url`, `decoder-url` (decode-worker.js),
 * `coder` (whose drafts to keep), `login-url`, `database-url` (its API, for who may add words). It sets `ready` on itself when the first frame is on screen.
 *
 * The next clip. `next-url` says which clip follows; a GET answers with JSON, the same values under names with underscores:
 * `{clip, name, page_url, frames_url, pack_url, head_url, emotions, readonly, database_url, next_url}`, or `{clip: null, page_url, message?}`
 * where there is none. It is asked for, and the next clip's index and first frame fetched, soon after this clip is on
 * screen; `openNext()` (key N) then shows it in place: the address changes, the rest of the page follows.
 * Links with `data-next-clip` do the same. A queue plugs in by answering at `next-url`; `open(opening)` opens any clip in place.
 *
 * Events (bubble): `mer:frame` {index, source} with every new image, `mer:save` {state}, `mer:clip` {clip, page_url} when
 * another clip was opened in place.
 */
import { labelerMarkup } from "./template.js";
import { NextClip, fetchOpening } from "./opening.js";
import { refreshPage } from "./page-refresh.js";
import { Workbench } from "./workbench.js";

/** @typedef {import("./opening.js").Opening} Opening */
/** @typedef {import("./opening.js").Ready} Ready */

/** After the first frame: until then nothing competes with it. */
const FETCH_NEXT_AFTER_MS = 250;

class MerLabeler extends HTMLElement {
  /** @type {Workbench | null} */
  #workbench = null;
  /** @type {NextClip | null} */
  #next = null;
  #life = new AbortController();
  #path = "";
  /** The coder wants the next clip and it is on its way. */
  #leaving = false;

  connectedCallback() {
    this.classList.add("labeler");
    this.#start(null);
    this.#path = location.pathname;
    window.addEventListener("popstate", this.#didGoBack);
    document.addEventListener("click", this.#didClick);
  }

  disconnectedCallback() {
    window.removeEventListener("popstate", this.#didGoBack);
    document.removeEventListener("click", this.#didClick);
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

  /** Opens another clip in place. @param {Opening} opening @param {Ready | null} [ready] what was fetched ahead of it */
  open(opening, ready = null) {
    const { clip, name, page_url: pageUrl, frames_url: frames, pack_url: pack, head_url: head, next_url: next, emotions, readonly, database_url: database } = opening;
    const attributes = { clip, "frames-url": frames, "pack-url": pack, "head-url": head, "next-url": next, "database-url": database, emotions: JSON.stringify(emotions) };
    for (const [attribute, value] of Object.entries(attributes)) this.setAttribute(attribute, String(value ?? ""));
    this.removeAttribute("frame");
    this.toggleAttribute("readonly", readonly);
    history.pushState(null, "", pageUrl);
    this.#path = location.pathname;
    this.#start(ready);
    const { signal } = this.#life;
    this.addEventListener("mer:frame", () => refreshPage(pageUrl, name ?? "", signal), { once: true, signal });
    this.dispatchEvent(new CustomEvent("mer:clip", { bubbles: true, detail: { clip, page_url: pageUrl } }));
  }

  /** Opens the clip that follows. */
  async openNext() {
    if (this.#leaving || !this.#next) return;
    this.#leaving = true;
    const { signal } = this.#life;
    try {
      const { opening, ready } = await this.#next.get();
      if (signal.aborted) return;
      if (opening.clip !== null) this.open(opening, ready);
      else this.#workbench?.say(opening.message ?? "This is the last clip: there is none after it.");
    } catch (error) {
      if (!signal.aborted) this.#workbench?.say(`The next clip could not be opened. ${/** @type {Error} */ (error).message} Press N to try again.`);
    } finally {
      this.#leaving = false;
    }
  }

  /** @param {Ready | null} ready */
  async #start(ready) {
    this.#life.abort();
    this.#life = new AbortController();
    const { signal } = this.#life;
    this.removeAttribute("ready");
    this.innerHTML = labelerMarkup();
    const next = this.getAttribute("next-url");
    this.#next = next ? new NextClip(next, signal) : null;
    try {
      const urls = { framesUrl: this.#attribute("frames-url"), headUrl: this.getAttribute("head-url") ?? "" };
      const { pack, head, first } = ready ?? (await fetchOpening(urls, signal));
      this.#workbench = new Workbench(this, pack, { ...this.#options, head, first }, signal);
      this.addEventListener("mer:frame", () => this.#didShow(signal), { once: true, signal });
      await this.#workbench.open(Number(this.getAttribute("frame")) || 0);
    } catch (error) {
      if (!signal.aborted) this.#fail(/** @type {Error} */ (error));
    }
  }

  /** @param {AbortSignal} signal */
  #didShow(signal) {
    const timer = setTimeout(() => this.#next?.fetchAhead(), FETCH_NEXT_AFTER_MS);
    signal.addEventListener("abort", () => clearTimeout(timer));
  }

  /** Back to a clip that was here before: its page, anew. A jump within the page is none of our business. */
  #didGoBack = () => {
    if (location.pathname !== this.#path) location.reload();
  };

  /** A link to the next clip opens it in place; with a modifier key it is a link. @param {MouseEvent} event */
  #didClick = (event) => {
    const link = /** @type {Element} */ (event.target).closest("[data-next-clip]");
    if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.openNext();
  };

  get #options() {
    return {
      packUrl: this.#attribute("pack-url"),
      decoderUrl: this.#attribute("decoder-url"),
      annotationsUrl: this.#attribute("annotations-url"),
      clip: this.#attribute("clip"),
      emotions: JSON.parse(this.getAttribute("emotions") || "[]"),
      coder: this.getAttribute("coder") ?? "",
      loginUrl: this.#attribute("login-url"),
      onnext: () => void this.openNext(),
      readonly: this.hasAttribute("readonly"),
      databaseUrl: this.getAttribute("database-url") ?? "",
    };
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
    retry.addEventListener("click", () => this.#start(null));
    overlay.append(retry);
  }
}

customElements.define("mer-labeler", MerLabeler);
