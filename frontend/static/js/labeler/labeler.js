/**
 * `<mer-labeler>`: a frame-exact player in which a coder marks onset, apex and offset.
 *
 * Attributes for the clip: `clip`, `frames-url` (frame index), `pack-url` (bytes of the frames), `head-url` (the part of the pack
 * with the first frame to show, an address with `?first=` and `last=`; may be empty), `frame` (index to open at), `emotions`
 * (JSON list), `readonly`, `next-url`. Attributes for the page: `annotations-url`, `decoder-url` (decode-worker.js), `coder`
 * (whose drafts to keep), `login-url`, `database-url` (of the API, if the user may add emotions). The element sets `ready` on
 * itself when the first frame is on screen.
 *
 * The next clip: a GET of `next-url` answers with JSON, the same values under names with underscores:
 * `{clip, name, page_url, frames_url, pack_url, head_url, emotions, readonly, database_url, next_url}`, or
 * `{clip: null, page_url, message?}` if there is none. It is requested soon after this clip is on screen, together with the next
 * clip's index and first frame. `openNext()` (key N) then shows the clip in place: the address changes and the rest of the page
 * is refreshed. Links with `data-next-clip` do the same. `open(opening)` opens any clip in place.
 *
 * The rooms: frames/ fetches, decodes and plays frames; coding/ holds the coder's expressions and saves them; panel/ shows them and
 * opens dialogs; seeing/ draws the frame, zoom and motion; timeline/ draws the timeline; keys/ maps keys to actions.
 * workbench.js connects them for one clip.
 *
 * Events (bubbling): `mer:frame` {index, source} with every new image, `mer:save` {state}, `mer:clip` {clip, page_url} when
 * another clip was opened in place.
 */
import { labelerMarkup } from "./template.js";
import { NextClip, fetchOpening } from "./opening.js";
import { refreshPage } from "./page-refresh.js";
import { Workbench } from "./workbench.js";

/** @typedef {import("./opening.js").Opening} Opening */
/** @typedef {import("./opening.js").Ready} Ready */

/** Delay after the first frame is shown, so that nothing competes with it. */
const FETCH_NEXT_AFTER_MS = 250;

class MerLabeler extends HTMLElement {
  /** @type {Workbench | null} */
  #workbench = null;
  /** @type {NextClip | null} */
  #next = null;
  #life = new AbortController();
  #path = "";
  /** Whether the next clip was requested and is loading. */
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

  /** The frame on screen and the coding, as plain data; null until the clip's index is loaded. */
  get state() {
    return this.#workbench?.state ?? null;
  }

  /** @param {number} index */
  goTo(index) {
    this.#workbench?.goTo(index);
  }

  /** Open another clip in place. @param {Opening} opening @param {Ready | null} [ready] what was fetched ahead for it */
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

  /** Open the next clip. */
  async openNext() {
    if (this.#leaving || !this.#next) return;
    this.#leaving = true;
    const { signal } = this.#life;
    try {
      const { opening, ready } = await this.#next.get();
      if (signal.aborted) return;
      if (opening.clip !== null) this.open(opening, ready);
      else this.#workbench?.say(opening.message ?? "This is the last clip.");
    } catch (error) {
      if (!signal.aborted) this.#workbench?.say(`Cannot open the next clip. ${/** @type {Error} */ (error).message} Press N to try again.`);
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

  /** Reload the page when the browser goes back to another clip; ignore jumps within the page. */
  #didGoBack = () => {
    if (location.pathname !== this.#path) location.reload();
  };

  /** Open the next clip in place on a plain click; with a modifier key the link works as usual. @param {MouseEvent} event */
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
    overlay.textContent = `Cannot open the clip. ${error.message} `;
    const retry = document.createElement("button");
    retry.type = "button";
    retry.className = "button";
    retry.textContent = "Try again";
    retry.addEventListener("click", () => this.#start(null));
    overlay.append(retry);
  }
}

customElements.define("mer-labeler", MerLabeler);
