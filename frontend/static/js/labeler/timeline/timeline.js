/** View: the timeline with motion curves, marks, loaded frames and playhead. It shows what it is given and reports seeks. */
import { MARKS } from "../coding/marks.js";
import { TimeScale } from "./time-scale.js";
import { AXIS, FLAG, OVERVIEW, STRIP, drawAxis, drawCoders, drawCurves, drawLoaded, drawMark, drawOthers, drawSpan, drawSuggestions, lanesHeight, readTokens } from "./drawing.js";

/** @typedef {import("../frames/frame-pack.js").FramePack} FramePack */
/** @typedef {import("../coding/marks.js").MarkValues} MarkValues */
/** @typedef {import("./drawing.js").Curve} Curve */

const SOON_MS = 150;
/** One key press or wheel notch divides the number of frames in view by this. */
const ZOOM_STEP = 1.5;
const SHOWN = "mer.curves.v1";
/** The least motion at full height, px, so that noise in a still clip does not look like movement. Curves share one scale. */
const MIN_PEAK = 0.25;

/** @typedef {"face" | "brows" | "eyes" | "nose" | "mouth"} CurveName */

export class Timeline {
  /** @type {MarkValues} */
  #marks = { onset: null, apex: null, offset: null };
  /** @type {readonly MarkValues[]} */
  #others = [];
  /** @type {readonly import("./drawing.js").Suggestion[]} */
  #suggestions = [];
  /** @type {readonly import("./drawing.js").CoderMarks[]} */
  #coders = [];
  /** @type {Set<CurveName>} */
  #shown = new Set(/** @type {CurveName[]} */ (["face"]));
  /** @type {"seek" | "pan" | null} what dragging does */
  #drag = null;
  #at = 0;
  #drawDue = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #later;
  #root;
  #legend;
  #canvas;
  #playhead;
  #pack;
  #scale;
  #loaded;
  #onseek;
  #storage;

  /**
   * @param {object} options
   * @param {HTMLElement} options.root holds a canvas and a playhead
   * @param {HTMLElement} options.legend holds a button [data-curve] for each curve and [data-timeline] for zooming
   * @param {FramePack} options.pack
   * @param {() => [number, number][]} options.loaded returns the ranges of loaded frames; called when drawing
   * @param {(index: number) => void} options.onseek
   * @param {Storage | null} [options.storage] stores which curves are shown
   */
  constructor({ root, legend, pack, loaded, onseek, storage = null }) {
    this.#root = root;
    this.#legend = legend;
    this.#pack = pack;
    this.#loaded = loaded;
    this.#onseek = onseek;
    this.#storage = storage;
    this.#scale = new TimeScale(pack.count);
    this.#canvas = /** @type {HTMLCanvasElement} */ (root.querySelector("canvas"));
    this.#playhead = /** @type {HTMLElement} */ (root.querySelector(".timeline-playhead"));
    root.setAttribute("aria-valuemax", String(pack.last));
    root.addEventListener("pointerdown", this.#didPress);
    root.addEventListener("pointermove", this.#didDrag);
    root.addEventListener("dblclick", this.#didDoubleClick);
    root.addEventListener("wheel", this.#didWheel, { passive: false });
    legend.addEventListener("click", this.#didChoose);
    this.#restoreCurves();
    this.#showLegend();
    this.redraw();
  }

  /** @param {MarkValues} marks of the selected expression */
  set marks(marks) {
    this.#marks = marks;
    this.redraw();
  }

  /** @param {readonly MarkValues[]} others the clip's other expressions */
  set others(others) {
    this.#others = others;
    this.redraw();
  }

  /** @param {readonly import("./drawing.js").Suggestion[]} suggestions where nothing is coded yet */
  set suggestions(suggestions) {
    this.#suggestions = suggestions;
    this.redraw();
  }

  get coders() {
    return this.#coders;
  }

  /** @param {readonly import("./drawing.js").CoderMarks[]} coders other coders' marks, for those who may see them */
  set coders(coders) {
    this.#coders = coders;
    this.#root.style.setProperty("--lanes", `${lanesHeight(coders)}px`); // the timeline grows, so that the curves keep their height
    this.redraw();
  }

  /** Frames in view. */
  get view() {
    return { first: this.#scale.first, end: this.#scale.end };
  }

  /** @param {number} index moves the playhead in the same animation frame as the image */
  movePlayhead(index) {
    this.#at = index;
    if (this.#scale.reveal(index)) this.redraw();
    this.#placePlayhead();
  }

  /** @param {1 | -1} direction in or out, about the playhead */
  zoom(direction) {
    this.#zoom(ZOOM_STEP ** direction, this.#at + 0.5);
  }

  /** @param {number} index announced to screen readers; not called for every frame of play */
  describe(index) {
    this.#root.setAttribute("aria-valuenow", String(index));
    this.#root.setAttribute("aria-valuetext", `${this.#pack.describe(index)}, ${Math.round(this.#pack.ms(index))} ms`);
  }

  /** Draw before the next animation frame, once however often this is called. */
  redraw() {
    if (this.#drawDue) return;
    this.#drawDue = true;
    requestAnimationFrame(() => {
      this.#drawDue = false;
      if (this.#canvas.isConnected) this.#draw();
    });
  }

  /** Draw soon: for changes with every decoded frame, a few times per second are enough. */
  redrawSoon() {
    this.#later ??= setTimeout(() => {
      this.#later = undefined;
      this.redraw();
    }, SOON_MS);
  }

  #placePlayhead() {
    this.#scale.width = this.#root.clientWidth;
    this.#playhead.style.translate = `${this.#scale.x(this.#at + 0.5)}px 0`;
  }

  /** @param {number} factor @param {number} about frame */
  #zoom(factor, about) {
    this.#scale.zoom(factor, about);
    this.#didMoveView();
  }

  #didMoveView() {
    this.#placePlayhead();
    this.#showLegend();
    this.redraw();
  }

  /** @param {{clientX: number, clientY: number}} event @returns {{x: number, fromBottom: number}} px in the timeline */
  #positionOf({ clientX, clientY }) {
    const { left, bottom } = this.#root.getBoundingClientRect();
    return { x: clientX - left, fromBottom: bottom - clientY };
  }

  /** @param {PointerEvent} event */
  #didPress = (event) => {
    if (event.button !== 0) return;
    this.#root.setPointerCapture(event.pointerId);
    this.#drag = this.#scale.zoomed && this.#positionOf(event).fromBottom <= OVERVIEW ? "pan" : "seek";
    this.#follow(event);
  };

  /** @param {PointerEvent} event */
  #didDrag = (event) => {
    if (this.#root.hasPointerCapture(event.pointerId)) this.#follow(event);
  };

  /** @param {PointerEvent} event */
  #follow(event) {
    const { x } = this.#positionOf(event);
    if (this.#drag === "seek") return this.#onseek(this.#pack.clamp(Math.floor(this.#scale.frame(x))));
    this.#scale.centre(this.#scale.overviewFrame(x));
    this.#didMoveView();
  }

  #didDoubleClick = () => {
    this.#scale.reset();
    this.#didMoveView();
  };

  /** Zoom about the pointer; sideways or with Shift, pan. @param {WheelEvent} event */
  #didWheel = (event) => {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 32 : 1;
    const sideways = event.shiftKey ? event.deltaX + event.deltaY : Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : 0;
    if (sideways) {
      this.#scale.pan(((sideways * unit) / this.#scale.width) * this.#scale.span);
      return this.#didMoveView();
    }
    this.#zoom(ZOOM_STEP ** ((-event.deltaY * unit) / 100), this.#scale.frame(this.#positionOf(event).x));
  };

  /** @param {Event} event */
  #didChoose = (event) => {
    const { curve, timeline } = /** @type {HTMLElement} */ (event.target).closest("button")?.dataset ?? {};
    if (timeline) this.zoom(timeline === "in" ? 1 : -1);
    if (!curve) return;
    const name = /** @type {CurveName} */ (curve);
    if (!this.#shown.delete(name)) this.#shown.add(name);
    this.#storeCurves();
    this.#showLegend();
    this.redraw();
  };

  #showLegend() {
    for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (this.#legend.querySelectorAll("[data-curve]"))) {
      const name = /** @type {CurveName} */ (button.dataset.curve);
      button.setAttribute("aria-pressed", String(this.#shown.has(name)));
      button.hidden = this.#valuesOf(name) === null;
    }
    const out = /** @type {HTMLButtonElement | null} */ (this.#legend.querySelector("[data-timeline=out]"));
    if (out) out.disabled = !this.#scale.zoomed;
  }

  /** @param {CurveName} name @returns {readonly number[] | null} */
  #valuesOf(name) {
    return name === "face" ? this.#pack.motion : (this.#pack.motionRegions[name] ?? null);
  }

  /** @returns {Curve[]} the curves shown, the face's behind the others */
  get #curves() {
    /** @type {Curve[]} */
    const curves = [];
    for (const name of /** @type {CurveName[]} */ (["face", "brows", "eyes", "nose", "mouth"])) {
      const values = this.#shown.has(name) ? this.#valuesOf(name) : null;
      if (values) curves.push({ name, values, ink: name === "face" ? "accent" : name });
    }
    return curves;
  }

  #draw() {
    const [width, height] = [this.#root.clientWidth, this.#root.clientHeight];
    this.#scale.width = width;
    this.#placePlayhead();
    this.#canvas.width = Math.round(width * devicePixelRatio);
    this.#canvas.height = Math.round(height * devicePixelRatio);
    const ctx = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext("2d"));
    ctx.scale(devicePixelRatio, devicePixelRatio);
    ctx.font = `500 11px ${getComputedStyle(this.#canvas).fontFamily}`;
    const strip = this.#scale.zoomed ? OVERVIEW : STRIP;
    const bottom = height - strip - 3 - lanesHeight(this.#coders);
    const sheet = { ctx, scale: this.#scale, ink: readTokens(this.#canvas), top: AXIS + FLAG + 4, bottom };
    const curves = this.#curves;
    drawSpan(sheet, this.#marks);
    drawOthers(sheet, this.#others);
    drawSuggestions(sheet, this.#suggestions);
    drawCurves(sheet, curves, Math.max(MIN_PEAK, ...curves.map(({ values }) => robustPeak(values))));
    drawCoders(sheet, this.#coders);
    drawAxis(sheet);
    for (const name of MARKS) drawMark(sheet, name, this.#marks[name]);
    drawLoaded(sheet, this.#loaded(), this.#pack.count, height);
  }

  #restoreCurves() {
    try {
      const names = JSON.parse(this.#storage?.getItem(SHOWN) ?? "null");
      if (Array.isArray(names)) this.#shown = new Set(names);
    } catch {
      // blocked or damaged: show the face's curve only
    }
  }

  #storeCurves() {
    try {
      this.#storage?.setItem(SHOWN, JSON.stringify([...this.#shown]));
    } catch {
      // full or blocked: kept until the page closes
    }
  }
}

/** @type {WeakMap<readonly number[], number>} */
const peaks = new WeakMap();

/** @param {readonly number[]} values @returns {number} the 99.5th percentile, so that one blink does not flatten the rest */
export function robustPeak(values) {
  const known = peaks.get(values);
  if (known !== undefined) return known;
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const peak = sorted[Math.floor((sorted.length - 1) * 0.995)] ?? 0;
  peaks.set(values, peak);
  return peak;
}
