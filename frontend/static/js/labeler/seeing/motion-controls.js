/** The controls of seeing motion, in the stage: three modes, and the settings of the one that is on. */

/** @typedef {"plain" | "magnify" | "difference" | "flow"} MotionMode */
/** @typedef {{mode: MotionMode, factor: number, smoothing: number, reference: number | null, why: "onset" | "chosen" | "none", words: string}} MotionState */

export class MotionControls {
  #root;
  #factor;
  #smoothing;
  #reference;
  #status;
  #shown = "";

  /** @param {HTMLElement} root the labeler @param {(changes: {factor?: number, smoothing?: number}) => void} onset what the sliders say @param {AbortSignal} signal */
  constructor(root, onset, signal) {
    /** @param {string} selector @returns {any} */
    const find = (selector) => root.querySelector(`.motion ${selector}`);
    this.#root = /** @type {HTMLElement} */ (root.querySelector(".motion"));
    this.#factor = /** @type {HTMLInputElement} */ (find("[data-motion=factor]"));
    this.#smoothing = /** @type {HTMLInputElement} */ (find("[data-motion=smoothing]"));
    this.#reference = /** @type {HTMLElement} */ (find("[data-motion=reference]"));
    this.#status = /** @type {HTMLElement} */ (find("[data-motion=status]"));
    this.#factor.addEventListener("input", () => onset({ factor: Number(this.#factor.value) }), { signal });
    this.#smoothing.addEventListener("input", () => onset({ smoothing: Number(this.#smoothing.value) }), { signal });
    // Dragged by pointer, a slider must not keep the arrow keys from the player.
    for (const slider of [this.#factor, this.#smoothing]) slider.addEventListener("pointerup", () => slider.blur(), { signal });
  }

  /** @param {MotionState} state */
  show(state) {
    const all = JSON.stringify(state);
    if (all === this.#shown) return; // painting calls this with every frame
    this.#shown = all;
    const { mode, factor, smoothing, reference, why, words } = state;
    this.#root.dataset.mode = mode;
    for (const name of ["magnify", "difference", "flow"]) this.#root.querySelector(`[data-action=${name}]`)?.setAttribute("aria-pressed", String(mode === name));
    this.#set(this.#factor, factor, `${factor}×`);
    this.#set(this.#smoothing, smoothing, smoothing ? `${smoothing} px` : "none");
    this.#reference.textContent = reference === null ? "" : `Against ${why === "onset" ? "the onset," : "frame"} ${reference}`;
    this.#status.textContent = words;
  }

  /** @param {HTMLInputElement} slider @param {number} value @param {string} text */
  #set(slider, value, text) {
    slider.value = String(value);
    slider.setAttribute("aria-valuetext", text);
    const output = slider.parentElement?.querySelector("output");
    if (output) output.textContent = text;
  }
}
