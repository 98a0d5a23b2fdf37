/**
 * `<mer-gallery>` makes the cards of samples walkable by key, and opens each in a large view. Without it, all links work.
 * `<mer-flicker>` shows two aligned frames in turn, so that the eye sees what moves.
 */
import { request } from "../http.js";
import { isTyping } from "../labeler/keys/input.js";
import { rowStep, stepOfKey } from "./steps.js";

const REMOVED = "No longer stored";

class MerGallery extends HTMLElement {
  /** @type {HTMLElement | null} the card that keys apply to */
  #current = null;
  /** @type {HTMLElement | null} the card that the large view shows */
  #enlarged = null;
  /** @type {HTMLDialogElement | null} */
  #dialog = null;
  /** @type {AbortController | null} */
  #load = null;

  connectedCallback() {
    window.addEventListener("keydown", this.#didPressKey);
    this.addEventListener("click", this.#didClick);
    this.addEventListener("focusin", this.#didFocus);
    const [, end, open] = location.hash.match(/^#(first|last)(-large)?$/) ?? [];
    const named = document.getElementById(location.hash.slice(1))?.closest(".gallery-card");
    const card = end ? this.#cards.at(end === "first" ? 0 : -1) : named;
    if (!(card instanceof HTMLElement) || !this.contains(card)) return;
    this.#focus(card);
    if (open) this.#open(card);
  }

  disconnectedCallback() {
    window.removeEventListener("keydown", this.#didPressKey);
    this.#load?.abort();
    this.#dialog?.remove();
  }

  /** @returns {HTMLElement[]} */
  get #cards() {
    return [.../** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll(".gallery-card"))];
  }

  /** @param {HTMLElement} card @returns {HTMLAnchorElement | null} */
  #link(card) {
    return card.querySelector("a[data-large]");
  }

  /** @param {HTMLElement} card */
  #focus(card) {
    const link = this.#link(card);
    link?.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
    this.#current = card;
    // So that "back" returns to this card: the browser then gives the link of this name the focus.
    if (link) history.replaceState(history.state, "", `#${link.id}`);
  }

  /** @param {Event} event */
  #didFocus = (event) => {
    const card = /** @type {Element} */ (event.target).closest(".gallery-card");
    if (card instanceof HTMLElement) this.#current = card;
  };

  /** @param {MouseEvent} event */
  #didClick = (event) => {
    const link = /** @type {Element} */ (event.target).closest("a[data-large]");
    const card = link?.closest(".gallery-card");
    if (!(card instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#open(card);
  };

  /** @param {KeyboardEvent} event */
  #didPressKey = (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    if (isTyping(target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]") && !this.#dialog?.open) return;
    const step = stepOfKey(event.key);
    if (step) {
      // Arrows scroll the page unless a card has the focus; up and down scroll the large view.
      if (this.#dialog?.open ? step.rows : step.arrow && !target.closest(".gallery-card")) return;
      event.preventDefault();
      this.#move(step.rows ? rowStep(this.#tops(), this.#position, step.by) : step.by);
    } else if (event.key.toLowerCase() === "o") {
      const clip = this.#current?.dataset.clip;
      if (clip) location.assign(clip);
      else if (this.#current) this.#say("This flow picture has no clip.");
    } else if (event.key.toLowerCase() === "f" && this.#dialog?.open) {
      /** @type {HTMLElement | null} */ (this.#dialog.querySelector("mer-flicker button"))?.click();
    }
  };

  get #position() {
    return this.#current ? this.#cards.indexOf(this.#current) : -1;
  }

  /** @returns {number[]} where each card starts, to find the card below or above */
  #tops() {
    return this.#cards.map((card) => card.offsetTop);
  }

  /** @param {number} by */
  #move(by) {
    const cards = this.#cards;
    const next = this.#current ? this.#position + by : 0;
    if (next < 0 || next >= cards.length) return this.#leave(next < 0);
    this.#focus(cards[next]);
    if (this.#dialog?.open) this.#open(cards[next]);
  }

  /** Continue on the neighbouring page. @param {boolean} backwards */
  #leave(backwards) {
    const link = document.querySelector(`.pagination a[rel=${backwards ? "prev" : "next"}]`);
    if (!(link instanceof HTMLAnchorElement)) return this.#say(backwards ? "This is the first sample." : "This is the last sample.");
    const address = new URL(link.href);
    address.hash = (backwards ? "last" : "first") + (this.#dialog?.open ? "-large" : "");
    location.assign(address);
  }

  /** @param {HTMLElement} card */
  async #open(card) {
    const link = this.#link(card);
    if (!link) return;
    this.#current = this.#enlarged = card;
    const dialog = (this.#dialog ??= this.#makeDialog());
    const body = /** @type {HTMLElement} */ (dialog.querySelector(".dialog-body"));
    /** @type {HTMLElement} */ (dialog.querySelector("h2")).textContent = link.textContent;
    body.setAttribute("aria-busy", "true");
    this.#say("");
    if (!dialog.open) dialog.showModal();
    this.#load?.abort();
    const load = (this.#load = new AbortController());
    try {
      const answer = await request(link.href, { signal: load.signal, headers: { "HX-Request": "true" } });
      const text = await answer.text();
      if (load.signal.aborted) return;
      body.innerHTML = text; // our own page, with names escaped
      this.#say(body.querySelector(".gallery-large")?.getAttribute("data-status") ?? "");
    } catch (error) {
      if (load.signal.aborted) return;
      body.textContent = `Cannot show this sample. ${/** @type {Error} */ (error).message}`;
    }
    body.removeAttribute("aria-busy");
  }

  #makeDialog() {
    const dialog = document.createElement("dialog");
    dialog.className = "dialog gallery-dialog";
    dialog.setAttribute("aria-labelledby", "gallery-dialog-title");
    dialog.innerHTML = `
      <div class="dialog-header">
        <h2 id="gallery-dialog-title"></h2>
        <div class="button-group">
          <button class="button button-small" type="button" data-by="-1">Previous</button>
          <button class="button button-small" type="button" data-by="1">Next</button>
          <button class="button button-small" type="button" data-close autofocus>Close</button>
        </div>
      </div>
      <div class="dialog-body"></div>
      <p class="dialog-footer gallery-keys muted">
        <span role="status"></span>
        <span class="keys-help"><kbd>J</kbd> <kbd>K</kbd> next, previous. <kbd>F</kbd> flicker on or off. <kbd>O</kbd> open the clip. <kbd>Esc</kbd> close.</span>
      </p>`;
    dialog.addEventListener("click", (event) => {
      const button = /** @type {Element} */ (event.target).closest("button");
      if (button?.dataset.by) this.#move(Number(button.dataset.by));
      if (event.target === dialog || button?.hasAttribute("data-close")) dialog.close();
    });
    dialog.addEventListener("close", () => {
      /** @type {HTMLElement} */ (dialog.querySelector(".dialog-body")).replaceChildren(); // stops the flicker
      if (this.#enlarged) this.#focus(this.#enlarged); // the browser gives the focus to the card that was opened first
    });
    this.append(dialog);
    return dialog;
  }

  /** @param {string} sentence */
  #say(sentence) {
    const place = this.#dialog?.open ? this.#dialog : this;
    const status = place.querySelector("[role=status]");
    if (status) status.textContent = sentence;
  }
}

class MerFlicker extends HTMLElement {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  connectedCallback() {
    this.querySelector("button")?.addEventListener("click", this.#toggle);
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.#start();
    else this.#show(0);
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
  }

  #toggle = () => (this.#timer === undefined ? this.#start() : this.#stop());

  #start() {
    let shown = 0;
    // Well below three changes a second, which could harm people with photosensitive epilepsy (WCAG 2.3.1).
    this.#timer = setInterval(() => this.#show((shown = 1 - shown)), 500);
    this.#button("Stop the flicker");
  }

  #stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#show(0);
    this.#button("Flicker");
  }

  /** @param {number} shown */
  #show(shown) {
    [...this.querySelectorAll("img")].forEach((image, position) => (image.hidden = position !== shown));
  }

  /** @param {string} words */
  #button(words) {
    const button = this.querySelector("button");
    if (button) button.textContent = words;
  }
}

/** Say that an image is gone, where the browser would draw a broken one. @param {EventTarget | null} image */
function replaceMissing(image) {
  if (!(image instanceof HTMLImageElement) || !image.closest(".gallery-image")) return;
  const words = document.createElement("span");
  words.className = "gallery-missing";
  words.textContent = REMOVED;
  image.replaceWith(words);
}

// Images can be removed while the version stays. Some fail before this script runs.
document.addEventListener("error", (event) => replaceMissing(event.target), { capture: true });
for (const image of document.querySelectorAll("img")) if (image.complete && !image.naturalWidth) replaceMissing(image);

customElements.define("mer-gallery", MerGallery);
customElements.define("mer-flicker", MerFlicker);
