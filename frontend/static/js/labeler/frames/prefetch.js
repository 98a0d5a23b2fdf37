/** Which frames to hold around the current one, and in what order to get them. Pure functions. */

/** The share of a sliding window that lies in the direction of travel. */
const AHEAD = 2 / 3;

/**
 * @param {number} focus
 * @param {1 | -1} direction of travel
 * @param {number} capacity frames
 * @param {number} count frames in the clip
 * @returns {[first: number, last: number]} at most `capacity` frames that include `focus`
 */
export function frameWindow(focus, direction, capacity, count) {
  if (capacity >= count) return [0, count - 1];
  const spare = Math.max(capacity, 1) - 1;
  const after = Math.round(spare * (direction > 0 ? AHEAD : 1 - AHEAD));
  const first = Math.min(Math.max(focus - (spare - after), 0), count - 1 - spare);
  return [first, first + spare];
}

/**
 * Yield frames, nearest first; of two equally near, the one in the direction of travel first.
 *
 * @param {number} focus @param {1 | -1} direction @param {number} first @param {number} last
 * @yields {number}
 */
export function* nearestFirst(focus, direction, first, last) {
  const start = Math.min(Math.max(focus, first), last);
  yield start;
  for (let distance = 1; start - distance >= first || start + distance <= last; distance++) {
    const [ahead, behind] = direction > 0 ? [start + distance, start - distance] : [start - distance, start + distance];
    if (ahead >= first && ahead <= last) yield ahead;
    if (behind >= first && behind <= last) yield behind;
  }
}

/**
 * Group frames into requests of about `chunkBytes`; a chunk has at least one frame.
 *
 * @param {readonly number[]} offsets count + 1 byte positions @param {number} chunkBytes
 * @returns {{first: number, last: number}[]}
 */
export function planChunks(offsets, chunkBytes) {
  const chunks = [];
  const count = offsets.length - 1;
  for (let first = 0; first < count; ) {
    let last = first;
    while (last + 1 < count && offsets[last + 2] - offsets[first] <= chunkBytes) last++;
    chunks.push({ first, last });
    first = last + 1;
  }
  return chunks;
}

/**
 * @param {number} count @param {(index: number) => boolean} has
 * @returns {[first: number, last: number][]} ranges of consecutive indices for which `has` is true
 */
export function consecutiveRanges(count, has) {
  /** @type {[number, number][]} */
  const found = [];
  for (let i = 0; i < count; i++) {
    if (!has(i)) continue;
    const run = found.at(-1);
    if (run && run[1] === i - 1) run[1] = i;
    else found.push([i, i]);
  }
  return found;
}
