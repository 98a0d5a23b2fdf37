/** Frame packs for tests. */
import { FramePack } from "../../../../../frontend/static/js/labeler/frames/frame-pack.js";

/** @param {number} count @param {object} [changes] to the index's JSON; 10 bytes per frame, 200 fps, sources from 5562 */
export const packJson = (count, changes = {}) => ({
  version: 1,
  width: 640,
  height: 480,
  fps: "200/1",
  time_base: "1/200",
  mime: "image/jpeg",
  count,
  offsets: Array.from({ length: count + 1 }, (_, i) => i * 10),
  pts: Array.from({ length: count }, (_, i) => i),
  source: Array.from({ length: count }, (_, i) => 5562 + i),
  ...changes,
});

/** @param {number} count @param {object} [changes] */
export const makePack = (count, changes) => new FramePack(packJson(count, changes));
