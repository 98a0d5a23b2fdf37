/**
 * The motion filter on the CPU, for browsers without WebGL2. The WebGL engine must give the same result.
 *
 * Linear Eulerian magnification with a spatial low-pass (Wu et al., "Eulerian Video Magnification for Revealing Subtle
 * Changes in the World", ACM TOG 31(4), 2012, section 3): out = current + factor · G_σ ∗ (current − reference), with a chosen
 * reference frame in place of the temporal filter. As in the paper (chromAttenuation), only brightness is magnified: the colour
 * noise of a compressed video would hide the motion. The weights are those of Rec. 601.
 */

/** @typedef {"magnify" | "difference"} FilterMode */
/** @typedef {{mode: FilterMode, factor: number, smoothing: number}} FilterSettings factor ≥ 0; smoothing: σ of the Gaussian, px */

export const LUMA = Object.freeze([0.299, 0.587, 0.114]);

/** The heat map's end colours, 0 to 1: blue is darker than the reference, red brighter (the mid tones of ColorBrewer's RdBu). */
export const DARKER = Object.freeze([67 / 255, 147 / 255, 195 / 255]);
export const BRIGHTER = Object.freeze([214 / 255, 96 / 255, 77 / 255]);

/** The image behind the heat map, in grey and with low contrast, so that the face stays recognisable. */
export const GROUND = Object.freeze({ dark: 0.08, contrast: 0.36 });

/** The largest σ, px. */
export const MAX_SIGMA = 8;

/** @param {number} sigma px @returns {Float32Array} the right half of a Gaussian, from its middle; the whole kernel sums to 1; [1] if sigma is 0 */
export function halfKernel(sigma) {
  const radius = sigma > 0 ? Math.ceil(3 * Math.min(sigma, MAX_SIGMA)) : 0;
  const half = Float32Array.from({ length: radius + 1 }, (_, i) => (sigma > 0 ? Math.exp(-(i * i) / (2 * sigma * sigma)) : 1));
  const sum = half.reduce((total, weight, i) => total + (i ? 2 : 1) * weight, 0);
  return half.map((weight) => weight / sum);
}

/** @param {Uint8ClampedArray} rgba @returns {Float32Array} brightness, 0 to 255 */
export function lumaOf(rgba) {
  const luma = new Float32Array(rgba.length / 4);
  for (let i = 0, j = 0; i < luma.length; i++, j += 4) luma[i] = LUMA[0] * rgba[j] + LUMA[1] * rgba[j + 1] + LUMA[2] * rgba[j + 2];
  return luma;
}

/**
 * @param {Float32Array} field row by row @param {number} width @param {number} height @param {number} sigma px
 * @returns {Float32Array} Gaussian-smoothed; the border is repeated
 */
export function smooth(field, width, height, sigma) {
  const kernel = halfKernel(sigma);
  if (kernel.length === 1) return field;
  return downRows(acrossRows(field, width, kernel), width, height, kernel);
}

/** @param {Float32Array} field @param {number} width @param {Float32Array} kernel @returns {Float32Array} */
function acrossRows(field, width, kernel) {
  const out = new Float32Array(field.length);
  const radius = kernel.length - 1;
  const row = new Float32Array(width + 2 * radius);
  for (let start = 0; start < field.length; start += width) {
    row.fill(field[start], 0, radius);
    row.set(field.subarray(start, start + width), radius);
    row.fill(field[start + width - 1], radius + width);
    for (let x = 0; x < width; x++) {
      const middle = x + radius;
      let sum = kernel[0] * row[middle];
      for (let k = 1; k <= radius; k++) sum += kernel[k] * (row[middle - k] + row[middle + k]);
      out[start + x] = sum;
    }
  }
  return out;
}

/** Row by row, in the order of memory. @param {Float32Array} field @param {number} width @param {number} height @param {Float32Array} kernel @returns {Float32Array} */
function downRows(field, width, height, kernel) {
  const out = field.map((value) => kernel[0] * value);
  for (let y = 0; y < height; y++) {
    for (let k = 1; k < kernel.length; k++) {
      const above = Math.max(y - k, 0) * width;
      const below = Math.min(y + k, height - 1) * width;
      const [weight, start] = [kernel[k], y * width];
      for (let x = 0; x < width; x++) out[start + x] += weight * (field[above + x] + field[below + x]);
    }
  }
  return out;
}

/**
 * @param {Uint8ClampedArray} current RGBA; overwritten with the result
 * @param {Float32Array} reference brightness, 0 to 255
 * @param {number} width @param {number} height px
 * @param {FilterSettings} settings
 */
export function applyFilter(current, reference, width, height, { mode, factor, smoothing }) {
  const luma = lumaOf(current);
  const difference = smooth(luma.map((value, i) => value - reference[i]), width, height, smoothing);
  if (mode === "magnify") magnify(current, difference, factor);
  else heat(current, luma, difference, factor);
}

/** @param {Uint8ClampedArray} rgba @param {Float32Array} difference @param {number} factor */
function magnify(rgba, difference, factor) {
  for (let i = 0, j = 0; i < difference.length; i++, j += 4) {
    const more = factor * difference[i];
    rgba[j] += more;
    rgba[j + 1] += more;
    rgba[j + 2] += more;
  }
}

/** @param {Uint8ClampedArray} rgba @param {Float32Array} luma @param {Float32Array} difference @param {number} factor */
function heat(rgba, luma, difference, factor) {
  for (let i = 0, j = 0; i < luma.length; i++, j += 4) {
    const signed = Math.min(Math.max((factor * difference[i]) / 255, -1), 1);
    const ground = 255 * GROUND.dark + GROUND.contrast * luma[i];
    const pole = signed < 0 ? DARKER : BRIGHTER;
    for (let c = 0; c < 3; c++) rgba[j + c] = ground + Math.abs(signed) * (255 * pole[c] - ground);
  }
}
