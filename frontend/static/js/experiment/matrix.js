/**
 * `<mer-folds src fold active>` around a table with one row per run (`data-run`): draws each run's folds into its strip and
 * updates them while the experiment is active. Fires `mer:newly-scored`, `mer:folds` (detail: ids of runs), and `mer:failed` when
 * a run fails or a failed run continues.
 */
import { requestJson } from "../http.js";
import { HEIGHT, LOOKS, cellWidth, countOf, foldAt, step } from "./fold-strip.js";

const POLL_MS = 1000;
const RETRY_MS = 5000;
const POLL_SHARE = 5; // poll a slow server less often: wait this many times as long as the last answer took
const HOVER_MS = 80;
/** @type {Record<string, string>} badge by state of a run; all other states are running */
const BADGES = { waiting: "queued", finished: "done", failed: "failed", cancelled: "cancelled" };

/** @typedef {{id: number, row: HTMLElement, canvas: HTMLCanvasElement, letters: string}} Strip */
/** @typedef {{runs: [number, string, string, string][], seen: string, counts: Record<string, number>, scored: number}} Changes */

class MerFolds extends HTMLElement {
  /** @type {Strip[]} */
  #strips = [];
  /** @type {Map<number, Strip>} */
  #byRun = new Map();
  /** @type {Map<string, string>} descriptions of folds, by run, fold and state */
  #texts = new Map();
  #cell = { row: 0, fold: 0 };
  #seen = "";
  #scored = -1;
  #width = 0;
  /** @type {Record<string, string>} */
  #colours = {};
  #timer = 0;
  #hover = 0;
  #redraw = () => this.#layOut(true);
  #observer = new ResizeObserver(() => this.#layOut(false));

  connectedCallback() {
    if (!this.#strips.length) this.#build();
    document.addEventListener("mer:theme", this.#redraw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.#redraw);
    this.#observer.observe(this);
    this.#poll();
  }

  disconnectedCallback() {
    document.removeEventListener("mer:theme", this.#redraw);
    matchMedia("(prefers-color-scheme: dark)").removeEventListener("change", this.#redraw);
    this.#observer.disconnect();
    clearTimeout(this.#timer);
  }

  #build() {
    for (const row of this.querySelectorAll("tr[data-run]")) {
      if (!(row instanceof HTMLElement)) continue;
      const canvas = document.createElement("canvas");
      canvas.height = HEIGHT;
      canvas.setAttribute("role", "img");
      canvas.tabIndex = this.#strips.length ? -1 : 0;
      row.querySelector(".strip")?.append(canvas);
      const strip = { id: Number(row.dataset.run), row, canvas, letters: "" };
      const number = this.#strips.push(strip) - 1;
      this.#byRun.set(strip.id, strip);
      canvas.addEventListener("pointermove", (event) => {
        const fold = foldAt(event.offsetX, this.#width, strip.letters.length);
        clearTimeout(this.#hover);
        this.#hover = window.setTimeout(() => this.#goTo({ row: number, fold }), HOVER_MS);
      });
      canvas.addEventListener("pointerleave", () => clearTimeout(this.#hover));
      canvas.addEventListener("keydown", (event) => this.#pressKey(event));
      canvas.addEventListener("focus", () => this.#goTo({ row: number, fold: this.#cell.fold }));
    }
  }

  async #poll() {
    const started = performance.now();
    let wait = RETRY_MS;
    try {
      const address = `${this.getAttribute("src")}?seen=${this.#seen}`;
      this.#apply(await requestJson(address));
      wait = Math.max(POLL_MS, POLL_SHARE * (performance.now() - started));
    } catch (error) {
      this.#show(`${/** @type {Error} */ (error).message} Trying again.`);
    }
    if (this.hasAttribute("active") && this.isConnected) this.#timer = window.setTimeout(() => this.#pollWhenVisible(), wait);
  }

  /** Poll only while the page is visible. */
  #pollWhenVisible() {
    if (!document.hidden) this.#poll();
    else document.addEventListener("visibilitychange", () => this.#pollWhenVisible(), { once: true });
  }

  /** @param {Changes} changes */
  #apply({ runs, seen, counts, scored }) {
    this.#seen = seen;
    let failures = false;
    for (const [id, letters, state, words] of runs) {
      const strip = this.#byRun.get(id);
      if (!strip) continue;
      strip.letters = letters;
      if (this.#showState(strip, state, words)) failures = true;
    }
    this.#layOut(false, runs.map(([id]) => id));
    for (const [letter, count] of Object.entries(counts)) {
      const counter = document.querySelector(`[data-count="${letter}"]`);
      if (counter) counter.textContent = count.toLocaleString("en");
    }
    if (this.#scored >= 0 && scored > this.#scored) document.body.dispatchEvent(new CustomEvent("mer:newly-scored"));
    this.#scored = scored;
    if (failures) document.body.dispatchEvent(new CustomEvent("mer:failed"));
    document.body.dispatchEvent(new CustomEvent("mer:folds", { detail: runs.map(([id]) => id) }));
  }

  /** @param {Strip} strip @param {string} state @param {string} words @returns {boolean} whether it has just failed, or is no longer failed */
  #showState({ row, canvas, letters }, state, words) {
    const done = `${countOf(letters, "d")} of ${letters.length}`;
    /** @type {HTMLElement} */ (row.querySelector("[data-done]")).textContent = done;
    const badge = /** @type {HTMLElement} */ (row.querySelector("[data-state] .badge"));
    const failed = badge.classList.contains("is-failed");
    badge.className = `badge is-${BADGES[state] ?? "running"}`;
    badge.textContent = words;
    canvas.setAttribute("aria-label", `Folds: ${done} done${letters.includes("f") ? `, ${countOf(letters, "f")} failed` : ""}`);
    return failed !== (state === "failed");
  }

  /** @param {boolean} recolour @param {number[]} [changed] ids of runs; without it, all are drawn */
  #layOut(recolour, changed) {
    const longest = Math.max(1, ...this.#strips.map(({ letters }) => letters.length));
    const column = this.querySelector("td.strip");
    const width = cellWidth(column?.clientWidth ?? 0, longest);
    const all = recolour || width !== this.#width || !changed;
    this.#width = width;
    if (recolour || !this.#colours.d) this.#colours = this.#tokens();
    for (const strip of this.#strips) if (all || changed?.includes(strip.id)) this.#draw(strip);
  }

  /** @returns {Record<string, string>} the colour of each state's letter, as the browser resolves it */
  #tokens() {
    const probe = document.createElement("span");
    this.append(probe);
    const resolved = Object.entries(LOOKS).map(([letter, { token }]) => {
      probe.style.color = `var(${token})`;
      return [letter, getComputedStyle(probe).color];
    });
    probe.style.color = "var(--ink)";
    resolved.push(["ink", getComputedStyle(probe).color]);
    probe.remove();
    return Object.fromEntries(resolved);
  }

  /** @param {Strip} strip */
  #draw({ canvas, letters, row }) {
    const ratio = devicePixelRatio || 1;
    const width = this.#width;
    canvas.width = Math.round(Math.max(1, letters.length * width) * ratio);
    canvas.height = Math.round(HEIGHT * ratio);
    canvas.style.width = `${letters.length * width}px`;
    canvas.style.height = `${HEIGHT}px`;
    const context = canvas.getContext("2d");
    if (!context) return;
    context.scale(ratio, ratio);
    const gap = width > 4 ? 1 : 0.5;
    for (let fold = 0; fold < letters.length; fold += 1) {
      const { share, gap: split } = LOOKS[letters[fold]];
      const height = (HEIGHT - 2) * share;
      context.fillStyle = this.#colours[letters[fold]];
      context.fillRect(fold * width, (HEIGHT - height) / 2, width - gap, height);
      if (split) context.clearRect(fold * width, HEIGHT / 2 - 1.5, width, 3);
    }
    if (this.#strips[this.#cell.row]?.row !== row || document.activeElement !== canvas) return;
    context.strokeStyle = this.#colours.ink;
    context.lineWidth = 2;
    context.strokeRect(this.#cell.fold * width + 0.5, 1, Math.max(2, width - gap), HEIGHT - 2);
  }

  /** @param {KeyboardEvent} event */
  #pressKey(event) {
    const next = step(event.key, this.#cell, this.#strips.map(({ letters }) => letters.length));
    if (!next || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const from = this.#strips[this.#cell.row];
    this.#cell = next;
    const to = this.#strips[next.row];
    from.canvas.tabIndex = -1;
    to.canvas.tabIndex = 0;
    to.canvas.focus();
    this.#goTo(next);
    if (from !== to) this.#draw(from);
  }

  /** @param {{row: number, fold: number}} cell */
  async #goTo(cell) {
    this.#cell = cell;
    const strip = this.#strips[cell.row];
    const letter = strip.letters[cell.fold];
    if (!letter) return;
    this.#draw(strip);
    const key = `${strip.id} ${cell.fold} ${letter}`;
    const known = letter === "r" ? undefined : this.#texts.get(key); // the text of a fold in training changes every second
    if (known) return this.#show(known);
    const address = (this.getAttribute("fold") ?? "").replace(/0\/0\.json$/, `${strip.id}/${cell.fold}.json`);
    try {
      const { text } = await requestJson(address);
      this.#texts.set(key, text);
      if (this.#cell === cell) this.#show(text);
    } catch (error) {
      this.#show(/** @type {Error} */ (error).message);
    }
  }

  /** @param {string} text */
  #show(text) {
    const output = this.querySelector(".fold-words");
    if (output) output.textContent = text;
  }
}

customElements.define("mer-folds", MerFolds);
