/** Draws a decoded frame together with its numbers, and shows the player's state. */
import { speedLabel } from "../frames/playback.js";
import { Zoom } from "./zoom.js";

/** @typedef {import("../frames/frame-pack.js").FramePack} FramePack */

/** Shorter waits show no "Loading": it would only flicker. */
const LOADING_AFTER_MS = 120;

/** @param {HTMLElement} button @param {boolean} playing @param {string} symbol when not playing */
function press(button, playing, symbol) {
  if (button.getAttribute("aria-pressed") === String(playing)) return;
  button.setAttribute("aria-pressed", String(playing));
  const use = button.querySelector("use");
  use?.setAttribute("href", (use.getAttribute("href") ?? "").replace(/#.*/, `#${playing ? "pause" : symbol}`));
}

export class Stage {
  /** @type {((context: CanvasRenderingContext2D, index: number, image: ImageBitmap) => boolean) | null} paints the frame instead; false: it did not */
  painter = null;
  #problem = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pendingTimer;
  #pack;
  #canvas;
  #context;
  #overlay;
  #message;
  #play;
  #playBack;
  #loop;
  #readout;

  /** @param {HTMLElement} root the labeler @param {FramePack} pack @param {AbortSignal} signal closes it */
  constructor(root, pack, signal) {
    /** @param {string} selector @returns {any} */
    const find = (selector) => root.querySelector(selector);
    this.#pack = pack;
    this.#canvas = /** @type {HTMLCanvasElement} */ (find(".labeler-canvas"));
    this.#overlay = /** @type {HTMLElement} */ (find(".labeler-overlay"));
    this.#message = /** @type {HTMLElement} */ (find(".labeler-message"));
    this.#play = /** @type {HTMLElement} */ (find("[data-action=play]"));
    this.#playBack = /** @type {HTMLElement} */ (find("[data-action=play-back]"));
    this.#loop = /** @type {HTMLElement} */ (find("[data-action=loop]"));
    this.#canvas.width = pack.width;
    this.#canvas.height = pack.height;
    this.#context = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext("2d", { alpha: false }));
    /** @type {Record<string, HTMLElement>} */
    this.#readout = Object.fromEntries([...root.querySelectorAll("[data-readout]")].map((element) => [element.getAttribute("data-readout"), element]));
    this.#readout.last.textContent = String(pack.last);
    // Longer numbers must not move their neighbours.
    const digits = Math.max(String(pack.last).length, String(pack.source(pack.last)).length);
    root.style.setProperty("--digits", String(digits));
    this.zoom = new Zoom({
      viewport: find(".labeler-viewport"),
      image: find(".labeler-image"),
      size: { width: pack.width, height: pack.height },
      signal,
      onchange: (words) => (this.#readout.size.textContent = words),
    });
  }

  /** @param {number} index @param {ImageBitmap | null} image null if the frame is damaged */
  show(index, image) {
    const { width, height } = this.#pack;
    if (image && !this.painter?.(this.#context, index, image)) this.#context.drawImage(image, 0, 0, width, height);
    if (!image) this.#context.clearRect(0, 0, width, height);
    this.#canvas.dataset.frame = String(index);
    this.#readout.index.textContent = String(index);
    this.#readout.source.textContent = String(this.#pack.source(index));
    this.#readout.time.textContent = this.#pack.milliseconds(index);
    this.#overlay.textContent = image ? this.#problem : `The image of ${this.#pack.describe(index)} is damaged and cannot be shown.`;
  }

  /** @param {string} problem shown over the image; "" when it is over */
  showProblem(problem) {
    this.#problem = problem;
    this.#overlay.textContent = problem;
  }

  /** Show what a key press did, or why it did nothing. @param {string} text @param {string} tone */
  showMessage(text, tone) {
    this.#message.hidden = text === "";
    this.#message.dataset.tone = tone;
    this.#message.textContent = text;
  }

  /** @param {{playing: boolean, waiting: boolean, target: number}} player @param {{speed: number, direction: 1 | -1}} playback @param {boolean} looping */
  showState({ playing, waiting, target }, { speed, direction }, looping) {
    press(this.#play, playing && direction > 0, "play");
    press(this.#playBack, playing && direction < 0, "play-back");
    this.#loop.setAttribute("aria-pressed", String(looping));
    this.#readout.speed.textContent = speedLabel(speed);
    clearTimeout(this.#pendingTimer);
    if (!waiting) this.#readout.pending.hidden = true;
    else this.#pendingTimer = setTimeout(() => this.#showPending(target), LOADING_AFTER_MS);
  }

  /** @param {number} target */
  #showPending(target) {
    this.#readout.pending.hidden = false;
    this.#readout.pending.textContent = `Loading frame ${target}…`;
  }

  /** @returns {boolean} whether pixels are now shown as sharp squares */
  toggleCrisp() {
    return this.#canvas.classList.toggle("is-crisp");
  }
}
