/** The controls of the motion display: three modes, and the settings of the active one. */

/** @typedef {"plain" | "magnify" | "difference" | "flow"} MotionMode */
/** @typedef {{mode: MotionMode, factor: number, smoothing: number, reference: number | null, why: "onset" | "chosen" | "none", status: string}} MotionState */

export class MotionControls {
  #root;
  #factor;
  #smoothing;
  #reference;
  #status;
  #shown = "";

  /** @param {HTMLElement} root the labeler @param {(changes: {factor?: number, smoothing?: number}) => void} onchange called with the sliders' values @param {AbortSignal} signal */
  constructor(root, onchange, signal) {
    /** @param {string} selector @returns {any} */
    const find = (selector) => root.querySelector(`.motion ${selector}`);
    this.#root = /** @type {HTMLElement} */ (root.querySelector(".motion"));
    this.#factor = /** @type {HTMLInputElement} */ (find("[data-motion=factor]"));
    this.#smoothing = /** @type {HTMLInputElement} */ (find("[data-motion=smoothing]"));
    this.#reference = /** @type {HTMLElement} */ (find("[data-motion=reference]"));
    this.#status = /** @type {HTMLElement} */ (find("[data-motion=status]"));
    this.#factor.addEventListener("input", () => onchange({ factor: Number(this.#factor.value) }), { signal });
    this.#smoothing.addEventListener("input", () => onchange({ smoothing: Number(this.#smoothing.value) }), { signal });
    // After dragging, a slider must not take the player's arrow keys.
    for (const slider of [this.#factor, this.#smoothing]) slider.addEventListener("pointerup", () => slider.blur(), { signal });
  }

  /** @param {MotionState} state */
  show(state) {
    const all = JSON.stringify(state);
    if (all === this.#shown) return; // called for every frame painted
    this.#shown = all;
    const { mode, factor, smoothing, reference, why, status } = state;
    this.#root.dataset.mode = mode;
    for (const name of ["magnify", "difference", "flow"]) this.#root.querySelector(`[data-action=${name}]`)?.setAttribute("aria-pressed", String(mode === name));
    this.#set(this.#factor, factor, `${factor}×`);
    this.#set(this.#smoothing, smoothing, smoothing ? `${smoothing} px` : "none");
    this.#reference.textContent = reference === null ? "" : `Reference: ${why === "onset" ? "onset" : "frame"} ${reference}`;
    this.#status.textContent = status;
  }

  /** @param {HTMLInputElement} slider @param {number} value @param {string} text */
  #set(slider, value, text) {
    slider.value = String(value);
    slider.setAttribute("aria-valuetext", text);
    const output = slider.parentElement?.querySelector("output");
    if (output) output.textContent = text;
  }
}
