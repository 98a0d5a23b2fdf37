/** Draws a layer of optical flow over the image: strain as a tint, flow as arrows. Units are px of the image. */

/** @typedef {import("./flow-loader.js").FlowLayer} FlowLayer */
/** @typedef {{x: number, y: number, dx: number, dy: number}} Arrow */

/** arrows stand so far apart at least, and shorter ones than this are not drawn, px */
const APART = 9;
const SHORTEST = 1.2;
const TINT = Object.freeze([255, 176, 32]);
const TINT_MOST = 0.6;
/** strain that is tinted fully, at least: what noise alone does must not glow */
const STRAIN_FLOOR = 0.02;

/** @type {WeakMap<FlowLayer, OffscreenCanvas>} */
const tints = new WeakMap();

/** @param {FlowLayer} layer @param {number} column @param {number} row of the grid, may be fractional @returns {[x: number, y: number]} px */
export function toFrame({ to_frame: [[a, b, c], [d, e, f]] }, column, row) {
  return [a * column + b * row + c, d * column + e * row + f];
}

/** @param {FlowLayer} layer @param {number} factor @returns {Arrow[]} those long enough to see, a fair distance apart */
export function arrowsOf(layer, factor) {
  const { size, u, v, to_frame: matrix } = layer;
  const cell = Math.hypot(matrix[0][0], matrix[1][0]);
  const step = Math.max(1, Math.ceil(APART / cell));
  /** @type {Arrow[]} */
  const arrows = [];
  for (let row = step >> 1; row < size; row += step) {
    for (let column = step >> 1; column < size; column += step) {
      const i = row * size + column;
      const [dx, dy] = [u[i] * factor, v[i] * factor];
      if (Math.hypot(dx, dy) < SHORTEST) continue;
      const [x, y] = toFrame(layer, column + 0.5, row + 0.5);
      arrows.push({ x, y, dx, dy });
    }
  }
  return arrows;
}

/** @param {FlowLayer} layer @returns {number} strain that is tinted fully: eyelids and the rim of the face must not dim all else */
export function fullStrain({ strain }) {
  const sorted = [...strain].sort((a, b) => a - b);
  return Math.max(sorted[Math.floor((sorted.length - 1) * 0.97)], STRAIN_FLOOR);
}

/** @param {FlowLayer} layer @returns {OffscreenCanvas} a pixel a cell */
function tintOf(layer) {
  const made = tints.get(layer);
  if (made) return made;
  const { size, strain } = layer;
  const most = fullStrain(layer);
  const canvas = new OffscreenCanvas(size, size);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const pixels = context.createImageData(size, size);
  strain.forEach((value, i) => pixels.data.set([...TINT, 255 * TINT_MOST * Math.min(value / most, 1)], 4 * i));
  context.putImageData(pixels, 0, 0);
  tints.set(layer, canvas);
  return canvas;
}

/** @param {CanvasRenderingContext2D} context on the image @param {FlowLayer} layer @param {number} factor by which arrows are longer than the motion */
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
