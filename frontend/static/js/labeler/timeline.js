/** The timeline: motion curve, marks, frames loaded, playhead. A view: it is told what to show and reports where it is touched. */
import { MARKS } from "./marks.js";

/** @typedef {import("./frame-pack.js").FramePack} FramePack */
/** @typedef {import("./marks.js").MarkValues} MarkValues */

/** css px from the top: axis, flags, curve, then a strip that tells what is loaded */
const AXIS = 18;
const FLAG = 16;
const STRIP = 4;
/** left and right, so that the first and last frame can be seen and touched */
const PAD = 8;

const SOON_MS = 150;

const LETTERS = Object.freeze({ onset: "O", apex: "A", offset: "F" });

/** @param {number} count @param {number} width px @param {number} spacing px at least, between labels @returns {number} */
export function tickStep(count, width, spacing = 72) {
  const least = (count / Math.max(width, 1)) * spacing;
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  return Math.max(1, [1, 2, 5, 10].map((n) => n * power).find((step) => step >= least) ?? 1);
}

export class Timeline {
  /** @type {MarkValues} */
  #marks = { onset: null, apex: null, offset: null };
  /** @type {readonly MarkValues[]} */
  #others = [];
  /** @type {readonly import("./coding.js").Suggestion[]} */
  #suggestions = [];
  #drawDue = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #later;
  #root;
  #canvas;
  #playhead;
  #pack;
  #loaded;
  #onseek;
  #peak;

  /**
   * @param {object} options
   * @param {HTMLElement} options.root holds a canvas and a playhead
   * @param {FramePack} options.pack
   * @param {() => [number, number][]} options.loaded ranges of frames ready to show; asked when drawing
   * @param {(index: number) => void} options.onseek
   */
  constructor({ root, pack, loaded, onseek }) {
    this.#root = root;
    this.#pack = pack;
    this.#loaded = loaded;
    this.#onseek = onseek;
    this.#canvas = /** @type {HTMLCanvasElement} */ (root.querySelector("canvas"));
    this.#playhead = /** @type {HTMLElement} */ (root.querySelector(".timeline-playhead"));
    this.#peak = Math.max(...robust(pack.motion ?? [1]), Number.EPSILON);
    root.setAttribute("aria-valuemax", String(pack.last));
    root.addEventListener("pointerdown", this.#didPress);
    root.addEventListener("pointermove", this.#didDrag);
    this.redraw();
  }

  /** @param {MarkValues} marks */
  set marks(marks) {
    this.#marks = marks;
    this.redraw();
  }

  /** @param {readonly MarkValues[]} others the clip's other expressions */
  set others(others) {
    this.#others = others;
    this.redraw();
  }

  /** @param {readonly import("./coding.js").Suggestion[]} suggestions where nothing is coded yet */
  set suggestions(suggestions) {
    this.#suggestions = suggestions;
    this.redraw();
  }

  /** @param {number} index moves in the same screen frame as the picture */
  movePlayhead(index) {
    this.#playhead.style.translate = `${this.#x(index + 0.5)}px 0`;
  }

  /** @param {number} index for screen readers; not for every frame of play */
  describe(index) {
    this.#root.setAttribute("aria-valuenow", String(index));
    this.#root.setAttribute("aria-valuetext", `${this.#pack.describe(index)}, ${Math.round(this.#pack.seconds(index) * 1000)} ms`);
  }

  /** Draws once, before the next screen frame, however often it is called. */
  redraw() {
    if (this.#drawDue) return;
    this.#drawDue = true;
    requestAnimationFrame(() => {
      this.#drawDue = false;
      if (this.#canvas.isConnected) this.#draw();
    });
  }

  /** For what changes with every frame decoded: a few times a second is enough. */
  redrawSoon() {
    this.#later ??= setTimeout(() => {
      this.#later = undefined;
      this.redraw();
    }, SOON_MS);
  }

  get #width() {
    return this.#root.clientWidth;
  }

  /** @param {number} frame may be fractional @returns {number} css px */
  #x(frame) {
    return PAD + (frame / this.#pack.count) * (this.#width - 2 * PAD);
  }

  /** @param {PointerEvent} event */
  #didPress = (event) => {
    if (event.button !== 0) return;
    this.#root.setPointerCapture(event.pointerId);
    this.#seek(event);
  };

  /** @param {PointerEvent} event */
  #didDrag = (event) => {
    if (this.#root.hasPointerCapture(event.pointerId)) this.#seek(event);
  };

  /** @param {PointerEvent} event */
  #seek({ clientX }) {
    const { left, width } = this.#root.getBoundingClientRect();
    const share = (clientX - left - PAD) / (width - 2 * PAD);
    this.#onseek(this.#pack.clamp(Math.floor(share * this.#pack.count)));
  }

  #draw() {
    const [width, height] = [this.#width, this.#root.clientHeight];
    const scale = devicePixelRatio;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    const ctx = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext("2d"));
    ctx.scale(scale, scale);
    const style = getComputedStyle(this.#canvas);
    ctx.font = `500 11px ${style.fontFamily}`;
    const ink = readTokens(this.#canvas);
    this.#drawGhosts(ctx, height, ink);
    this.#drawSpan(ctx, height, ink);
    this.#drawMotion(ctx, height, ink);
    this.#drawAxis(ctx, ink);
    this.#drawLoaded(ctx, height, ink);
    for (const name of MARKS) this.#drawMark(ctx, name, height, ink);
  }

  /** The other expressions' spans, and dashed what is only suggested. @param {CanvasRenderingContext2D} ctx @param {number} height @param {Tokens} ink */
  #drawGhosts(ctx, height, ink) {
    for (const { onset, apex, offset } of this.#others) {
      const set = [onset, apex, offset].filter((value) => value !== null);
      if (!set.length) continue;
      const [from, to] = [this.#x(Math.min(...set)), this.#x(Math.max(...set) + 1)];
      ctx.fillStyle = ink.line;
      ctx.fillRect(from, AXIS, to - from, FLAG);
    }
    ctx.setLineDash([3, 3]);
    ctx.lineWidth = 1;
    for (const suggestion of this.#suggestions) {
      for (const name of MARKS) {
        const x = Math.round(this.#x(suggestion[name] + 0.5)) - 0.5;
        ctx.strokeStyle = ink[name];
        ctx.beginPath();
        ctx.moveTo(x, AXIS);
        ctx.lineTo(x, height - STRIP);
        ctx.stroke();
      }
    }
    ctx.setLineDash([]);
  }

  /** @param {CanvasRenderingContext2D} ctx @param {number} height @param {Tokens} ink */
  #drawSpan(ctx, height, ink) {
    const set = MARKS.map((name) => this.#marks[name]).filter((value) => value !== null);
    if (set.length < 2) return;
    const [from, to] = [this.#x(Math.min(...set)), this.#x(Math.max(...set) + 1)];
    ctx.fillStyle = ink.soft;
    ctx.fillRect(from, AXIS, to - from, height - AXIS);
  }

  /** @param {CanvasRenderingContext2D} ctx @param {number} height @param {Tokens} ink */
  #drawMotion(ctx, height, ink) {
    const { motion, count } = this.#pack;
    const [top, bottom] = [AXIS + FLAG + 4, height - STRIP - 3];
    ctx.strokeStyle = ink.line;
    ctx.beginPath();
    ctx.moveTo(0, bottom + 0.5);
    ctx.lineTo(this.#width, bottom + 0.5);
    ctx.stroke();
    if (!motion) return;
    // More frames than pixels: a peak must not fall between two pixels.
    const step = Math.max(1, Math.floor(count / (this.#width * devicePixelRatio)));
    ctx.beginPath();
    ctx.moveTo(this.#x(0.5), bottom);
    for (let i = 0; i < count; i += step) {
      const value = step === 1 ? motion[i] : Math.max(...motion.slice(i, i + step));
      ctx.lineTo(this.#x(i + 0.5), bottom - Math.min(value / this.#peak, 1) * (bottom - top));
    }
    ctx.strokeStyle = ink.accent;
    ctx.lineWidth = 1.25;
    ctx.lineJoin = "round";
    ctx.stroke();
    ctx.lineTo(this.#x(count - 0.5), bottom);
    ctx.globalAlpha = 0.14;
    ctx.fillStyle = ink.accent;
    ctx.fill();
    ctx.globalAlpha = 1;
  }

  /** @param {CanvasRenderingContext2D} ctx @param {Tokens} ink */
  #drawAxis(ctx, ink) {
    const step = tickStep(this.#pack.count, this.#width);
    ctx.fillStyle = ink.muted;
    ctx.textBaseline = "middle";
    for (let i = 0; i < this.#pack.count; i += step) {
      const x = this.#x(i + 0.5);
      const text = String(i);
      const half = ctx.measureText(text).width / 2;
      if (x + half > this.#width) break;
      ctx.textAlign = "center";
      ctx.fillText(text, Math.max(x, half + 2), AXIS / 2);
      ctx.fillRect(x, AXIS - 3, 1, 3);
    }
  }

  /** @param {CanvasRenderingContext2D} ctx @param {number} height @param {Tokens} ink */
  #drawLoaded(ctx, height, ink) {
    ctx.fillStyle = ink.line;
    ctx.fillRect(this.#x(0), height - STRIP, this.#x(this.#pack.count) - this.#x(0), STRIP);
    ctx.fillStyle = ink.accent;
    for (const [first, last] of this.#loaded()) {
      ctx.fillRect(this.#x(first), height - STRIP, this.#x(last + 1) - this.#x(first), STRIP);
    }
  }

  /** @param {CanvasRenderingContext2D} ctx @param {import("./marks.js").MarkName} name @param {number} height @param {Tokens} ink */
  #drawMark(ctx, name, height, ink) {
    const index = this.#marks[name];
    if (index === null) return;
    const x = Math.round(this.#x(index + 0.5)) - 0.5;
    ctx.fillStyle = ctx.strokeStyle = ink[name];
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    ctx.moveTo(x, AXIS);
    ctx.lineTo(x, height - STRIP);
    ctx.stroke();
    // Onset and apex flags fly left of the line, the offset's right: three marks a frame apart stay legible.
    const left = name === "onset" ? x - FLAG : name === "apex" ? x - FLAG / 2 : x;
    const inside = Math.min(Math.max(left, 0), this.#width - FLAG);
    ctx.beginPath();
    ctx.roundRect(inside, AXIS, FLAG, FLAG, 3);
    ctx.fill();
    ctx.fillStyle = ink.page;
    ctx.textAlign = "center";
    ctx.fillText(LETTERS[name], inside + FLAG / 2, AXIS + FLAG / 2 + 0.5);
  }
}

/** @param {readonly number[]} values @returns {number[]} without the highest half percent: one blink must not flatten all else */
function robust(values) {
  const sorted = [...values].filter(Number.isFinite).sort((a, b) => a - b);
  return [sorted[Math.floor((sorted.length - 1) * 0.995)] ?? 1];
}

/** @typedef {Record<"accent" | "soft" | "line" | "muted" | "page" | "onset" | "apex" | "offset", string>} Tokens */

/** @param {HTMLElement} element @returns {Tokens} colours as they are in the present theme */
function readTokens(element) {
  const names = { accent: "--accent", soft: "--accent-soft", line: "--line", muted: "--ink-muted", page: "--surface", onset: "--onset", apex: "--apex", offset: "--offset" };
  const style = getComputedStyle(element);
  const before = element.style.color;
  const entries = Object.entries(names).map(([key, name]) => {
    element.style.color = `var(${name})`;
    return [key, style.color];
  });
  element.style.color = before;
  return Object.fromEntries(entries);
}
