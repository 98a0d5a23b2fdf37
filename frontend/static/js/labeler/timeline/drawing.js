/** Draws the timeline: each function draws one part on a canvas. Units are CSS px. */
import { MARKS } from "../coding/marks.js";

/** @typedef {import("../coding/marks.js").MarkValues} MarkValues */
/** @typedef {import("./time-scale.js").TimeScale} TimeScale */
/** @typedef {{onset: number, apex: number, offset: number, confidence?: number | null}} Suggestion */
/** @typedef {MarkValues & {coder: string}} CoderMarks one expression as marked by another coder */
/** @typedef {{name: string, values: readonly number[], ink: keyof Tokens}} Curve */
/** @typedef {{ctx: CanvasRenderingContext2D, scale: TimeScale, ink: Tokens, top: number, bottom: number}} Sheet top and bottom: of the area between the axis and the strip, px */

/** Heights in px, from the top: axis, flags, curves, lanes of coders, and a strip that shows which frames are loaded. */
export const AXIS = 18;
export const FLAG = 16;
export const STRIP = 4;
export const OVERVIEW = 10;
const LANE = 9;
const MOST_LANES = 4;

const LETTERS = Object.freeze({ onset: "O", apex: "A", offset: "F" });

/** @param {MarkValues} marks @returns {[first: number, last: number] | null} the frames from the first mark to the last */
export function extent(marks) {
  const set = MARKS.map((name) => marks[name]).filter((value) => value !== null);
  return set.length ? [Math.min(...set), Math.max(...set)] : null;
}

/** @param {readonly CoderMarks[]} marks @returns {string[]} coders, each once: one lane per coder */
export const lanesOf = (marks) => [...new Set(marks.map(({ coder }) => coder))].slice(0, MOST_LANES);

/** @param {readonly CoderMarks[]} marks @returns {number} height of the lanes, px */
export const lanesHeight = (marks) => lanesOf(marks).length * LANE;

/** @param {Sheet} sheet */
export function drawAxis({ ctx, scale, ink }) {
  const { ticks } = scale.ticks();
  ctx.fillStyle = ink.muted;
  ctx.textBaseline = "middle";
  ctx.textAlign = "center";
  for (const tick of ticks) {
    const x = scale.x(tick + 0.5);
    const text = String(tick);
    const half = ctx.measureText(text).width / 2;
    if (x + half > scale.width) break;
    ctx.fillText(text, Math.max(x, half + 2), AXIS / 2);
    ctx.fillRect(x, AXIS - 3, 1, 3);
  }
}

/** @param {Sheet} sheet @param {readonly Curve[]} curves drawn on top of each other @param {number} peak value at the top */
export function drawCurves({ ctx, scale, ink, top, bottom }, curves, peak) {
  ctx.strokeStyle = ink.line;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(0, bottom + 0.5);
  ctx.lineTo(scale.width, bottom + 0.5);
  ctx.stroke();
  for (const { values, ink: name } of curves) {
    const first = Math.max(Math.floor(scale.first) - 1, 0);
    const end = Math.min(Math.ceil(scale.end) + 1, values.length);
    // With more frames than pixels, draw the largest value of each pixel so that no peak is lost.
    const step = Math.max(1, Math.floor((end - first) / (scale.width * devicePixelRatio)));
    ctx.beginPath();
    for (let i = first; i < end; i += step) {
      const value = step === 1 ? values[i] : Math.max(...values.slice(i, i + step));
      ctx.lineTo(scale.x(i + 0.5), bottom - Math.min(value / peak, 1) * (bottom - top));
    }
    ctx.strokeStyle = ink[name];
    ctx.lineWidth = name === "accent" ? 1.5 : 1.25;
    ctx.lineJoin = "round";
    ctx.stroke();
    if (name !== "accent") continue;
    ctx.lineTo(scale.x(end - 0.5), bottom);
    ctx.lineTo(scale.x(first + 0.5), bottom);
    ctx.globalAlpha = 0.14;
    ctx.fillStyle = ink.accent;
    ctx.fill();
    ctx.globalAlpha = 1;
  }
}

/** Draw the span of the selected expression. @param {Sheet} sheet @param {MarkValues} marks */
export function drawSpan({ ctx, scale, ink, bottom }, marks) {
  const range = extent(marks);
  if (!range || range[0] === range[1]) return;
  const [from, to] = [scale.x(range[0]), scale.x(range[1] + 1)];
  ctx.fillStyle = ink.soft;
  ctx.fillRect(from, AXIS, to - from, bottom - AXIS);
}

/** Draw the clip's other expressions as bands in the row of flags, with their marks. @param {Sheet} sheet @param {readonly MarkValues[]} others */
export function drawOthers({ ctx, scale, ink, bottom }, others) {
  for (const marks of others) {
    const range = extent(marks);
    if (!range) continue;
    const [from, to] = [scale.x(range[0]), scale.x(range[1] + 1)];
    ctx.fillStyle = ink.line;
    ctx.fillRect(from, AXIS, Math.max(to - from, 2), FLAG);
    ctx.globalAlpha = 0.4;
    for (const name of MARKS) {
      const index = marks[name];
      if (index === null) continue;
      ctx.fillStyle = ink[name];
      ctx.fillRect(Math.round(scale.x(index + 0.5)) - 1, AXIS, 1.5, bottom - AXIS);
    }
    ctx.globalAlpha = 1;
  }
}

/** Draw suggestions: dashed, with the spotter's confidence. @param {Sheet} sheet @param {readonly Suggestion[]} suggestions */
export function drawSuggestions({ ctx, scale, ink, bottom }, suggestions) {
  ctx.save();
  ctx.textBaseline = "middle";
  for (const suggestion of suggestions) {
    const [from, to] = [scale.x(suggestion.onset), scale.x(suggestion.offset + 1)];
    ctx.globalAlpha = 0.5;
    ctx.fillStyle = ink.soft;
    ctx.fillRect(from, AXIS + FLAG, to - from, bottom - AXIS - FLAG);
    ctx.globalAlpha = 1;
    ctx.setLineDash([3, 3]);
    ctx.lineWidth = 1.25;
    for (const name of MARKS) {
      const x = Math.round(scale.x(suggestion[name] + 0.5)) - 0.5;
      ctx.strokeStyle = ink[name];
      ctx.beginPath();
      ctx.moveTo(x, AXIS);
      ctx.lineTo(x, bottom);
      ctx.stroke();
    }
    if (typeof suggestion.confidence !== "number") continue;
    ctx.fillStyle = ink.muted;
    ctx.textAlign = "left";
    ctx.fillText(`${Math.round(suggestion.confidence * 100)}%`, scale.x(suggestion.apex + 0.5) + 4, AXIS + FLAG / 2 + 0.5);
  }
  ctx.restore();
}

/** Draw other coders' marks, one lane per coder below the curves. @param {Sheet} sheet @param {readonly CoderMarks[]} marks */
export function drawCoders({ ctx, scale, ink, bottom }, marks) {
  ctx.save();
  ctx.font = ctx.font.replace(/\d+px/, "9px");
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  lanesOf(marks).forEach((coder, lane) => {
    const y = bottom + 2 + lane * LANE + LANE / 2;
    for (const expression of marks.filter((one) => one.coder === coder)) {
      const range = extent(expression);
      if (!range) continue;
      ctx.fillStyle = ink.muted;
      ctx.fillRect(scale.x(range[0] + 0.5), y - 0.5, Math.max(scale.x(range[1] + 0.5) - scale.x(range[0] + 0.5), 1), 1);
      for (const name of MARKS) {
        const index = expression[name];
        if (index === null) continue;
        ctx.fillStyle = ink[name];
        ctx.fillRect(Math.round(scale.x(index + 0.5)) - 1, y - LANE / 2 + 1, 2, LANE - 2);
      }
    }
    const { width } = ctx.measureText(coder);
    ctx.fillStyle = ink.page;
    ctx.fillRect(2, y - LANE / 2, width + 4, LANE);
    ctx.fillStyle = ink.muted;
    ctx.fillText(coder, 4, y + 0.5);
  });
  ctx.restore();
}

/** Draw a mark of the selected expression: a line with a flag. @param {Sheet} sheet @param {import("../coding/marks.js").MarkName} name @param {number | null} index */
export function drawMark({ ctx, scale, ink, bottom }, name, index) {
  if (index === null || index + 1 < scale.first || index > scale.end) return;
  const x = Math.round(scale.x(index + 0.5)) - 0.5;
  ctx.fillStyle = ctx.strokeStyle = ink[name];
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  ctx.moveTo(x, AXIS);
  ctx.lineTo(x, bottom);
  ctx.stroke();
  // Onset and apex flags are left of the line, the offset's right: marks on neighbouring frames stay legible.
  const left = name === "onset" ? x - FLAG : name === "apex" ? x - FLAG / 2 : x;
  const inside = Math.min(Math.max(left, 0), scale.width - FLAG);
  ctx.beginPath();
  ctx.roundRect(inside, AXIS, FLAG, FLAG, 3);
  ctx.fill();
  ctx.fillStyle = ink.page;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(LETTERS[name], inside + FLAG / 2, AXIS + FLAG / 2 + 0.5);
}

/** @param {Sheet} sheet @param {[number, number][]} ranges of frames loaded @param {number} count @param {number} height of the canvas */
export function drawLoaded({ ctx, scale, ink }, ranges, count, height) {
  if (scale.zoomed) return drawOverview(ctx, scale, ink, ranges, count, height);
  const y = height - STRIP;
  ctx.fillStyle = ink.line;
  ctx.fillRect(scale.x(0), y, scale.x(count) - scale.x(0), STRIP);
  ctx.fillStyle = ink.accent;
  for (const [first, last] of ranges) ctx.fillRect(scale.x(first), y, scale.x(last + 1) - scale.x(first), STRIP);
}

/** Draw the whole clip: which frames are loaded, and which part is in view. @param {CanvasRenderingContext2D} ctx @param {TimeScale} scale @param {Tokens} ink @param {[number, number][]} ranges @param {number} count @param {number} height */
function drawOverview(ctx, scale, ink, ranges, count, height) {
  const [top, middle] = [height - OVERVIEW, height - OVERVIEW / 2 - STRIP / 2];
  ctx.fillStyle = ink.page;
  ctx.fillRect(0, top, scale.width, OVERVIEW);
  ctx.fillStyle = ink.line;
  ctx.fillRect(scale.overviewX(0), middle, scale.overviewX(count) - scale.overviewX(0), STRIP);
  ctx.fillStyle = ink.accent;
  for (const [first, last] of ranges) ctx.fillRect(scale.overviewX(first), middle, scale.overviewX(last + 1) - scale.overviewX(first), STRIP);
  const [from, to] = [scale.overviewX(scale.first), scale.overviewX(scale.end)];
  ctx.strokeStyle = ink.muted;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  ctx.roundRect(from + 0.75, top + 0.75, Math.max(to - from, 6) - 1.5, OVERVIEW - 1.5, 3);
  ctx.stroke();
}

/** @typedef {Record<"accent" | "soft" | "line" | "muted" | "page" | "onset" | "apex" | "offset" | "brows" | "eyes" | "nose" | "mouth", string>} Tokens */

const TOKENS = Object.freeze({
  accent: "--accent", soft: "--accent-soft", line: "--line", muted: "--ink-muted", page: "--surface",
  onset: "--onset", apex: "--apex", offset: "--offset",
  brows: "--data-2", eyes: "--data-3", nose: "--data-4", mouth: "--data-5",
});

/** @param {HTMLElement} element @returns {Tokens} colours of the current theme */
export function readTokens(element) {
  const style = getComputedStyle(element);
  const before = element.style.color;
  const entries = Object.entries(TOKENS).map(([key, name]) => {
    element.style.color = `var(${name})`;
    return [key, style.color];
  });
  element.style.color = before;
  return Object.fromEntries(entries);
}
