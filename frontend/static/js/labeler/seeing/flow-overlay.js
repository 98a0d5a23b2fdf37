/** Draws optical flow over the image: strain as a tint, flow as arrows. Units are image px. */

/** @typedef {import("./flow-loader.js").FlowLayer} FlowLayer */
/** @typedef {{x: number, y: number, dx: number, dy: number}} Arrow */

/** Minimum distance between arrows, and length below which they are not drawn, px. */
const MIN_DISTANCE = 9;
const MIN_LENGTH = 1.2;
const TINT = Object.freeze([255, 176, 32]);
const MAX_OPACITY = 0.6;
/** The least strain that is tinted fully, so that noise alone stays faint. */
const MIN_FULL_STRAIN = 0.02;

/** @type {WeakMap<FlowLayer, OffscreenCanvas>} */
const tints = new WeakMap();

/** @param {FlowLayer} layer @param {number} column @param {number} row of the grid, may be fractional @returns {[x: number, y: number]} px */
export function toFrame({ to_frame: [[a, b, c], [d, e, f]] }, column, row) {
  return [a * column + b * row + c, d * column + e * row + f];
}

/** @param {FlowLayer} layer @param {number} factor @returns {Arrow[]} those long enough to see, spaced evenly */
export function arrowsOf(layer, factor) {
  const { size, u, v, to_frame: matrix } = layer;
  const cell = Math.hypot(matrix[0][0], matrix[1][0]);
  const step = Math.max(1, Math.ceil(MIN_DISTANCE / cell));
  /** @type {Arrow[]} */
  const arrows = [];
  for (let row = step >> 1; row < size; row += step) {
    for (let column = step >> 1; column < size; column += step) {
      const i = row * size + column;
      const [dx, dy] = [u[i] * factor, v[i] * factor];
      if (Math.hypot(dx, dy) < MIN_LENGTH) continue;
      const [x, y] = toFrame(layer, column + 0.5, row + 0.5);
      arrows.push({ x, y, dx, dy });
    }
  }
  return arrows;
}

/** @param {FlowLayer} layer @returns {number} the strain that is tinted fully: the 97th percentile, because eyelids and the edge of the face would dim everything else */
export function fullStrain({ strain }) {
  const sorted = [...strain].sort((a, b) => a - b);
  return Math.max(sorted[Math.floor((sorted.length - 1) * 0.97)], MIN_FULL_STRAIN);
}

/** @param {FlowLayer} layer @returns {OffscreenCanvas} one pixel per cell */
function tintOf(layer) {
  const cached = tints.get(layer);
  if (cached) return cached;
  const { size, strain } = layer;
  const full = fullStrain(layer);
  const canvas = new OffscreenCanvas(size, size);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const pixels = context.createImageData(size, size);
  strain.forEach((value, i) => pixels.data.set([...TINT, 255 * MAX_OPACITY * Math.min(value / full, 1)], 4 * i));
  context.putImageData(pixels, 0, 0);
  tints.set(layer, canvas);
  return canvas;
}

/** @param {CanvasRenderingContext2D} context of the image @param {FlowLayer} layer @param {number} factor that scales the arrows */
export function drawFlow(context, layer, factor) {
  const [[a, b, c], [d, e, f]] = layer.to_frame;
  context.save();
  context.setTransform(a, d, b, e, c, f);
  context.imageSmoothingEnabled = true;
  context.drawImage(tintOf(layer), 0, 0);
  context.restore();
  context.save();
  context.lineCap = "round";
  const arrows = arrowsOf(layer, factor);
  for (const [colour, width] of /** @type {[string, number][]} */ ([["rgb(0 0 0 / 65%)", 2.6], ["#7df9ff", 1.2]])) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    for (const arrow of arrows) trace(context, arrow);
    context.stroke();
  }
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {Arrow} arrow */
function trace(context, { x, y, dx, dy }) {
  const [tipX, tipY] = [x + dx, y + dy];
  const [angle, barb] = [Math.atan2(dy, dx), Math.min(4, Math.hypot(dx, dy) / 2)];
  context.moveTo(x, y);
  context.lineTo(tipX, tipY);
  for (const side of [-0.5, 0.5]) {
    context.moveTo(tipX, tipY);
    context.lineTo(tipX - barb * Math.cos(angle + side), tipY - barb * Math.sin(angle + side));
  }
}
