/** The labeler's actions and their default keys, as used by the key handler, the hints on buttons and the help. */

/**
 * @typedef {"back" | "forward" | "back-ten" | "forward-ten" | "first" | "last" | "previous-mark" | "next-mark" | "play" | "play-back"
 *   | "slower" | "faster" | "loop" | "go-to" | "onset" | "apex" | "offset" | "clear-onset" | "clear-apex" | "clear-offset"
 *   | "clear-here" | "nudge-back" | "nudge-forward" | "nudge-back-four" | "nudge-forward-four" | "kind" | "action-units"
 *   | "pick-action-units" | "note" | "confidence-1" | "confidence-2" | "confidence-3" | "confidence-4" | "confidence-5"
 *   | "accept" | "next-expression" | "previous-expression" | "new-expression" | "delete-expression" | "history" | "undo" | "redo"
 *   | "done" | "add-emotion" | "size" | "region" | "zoom-in" | "zoom-out" | "zoom-reset" | "pan-left" | "pan-right" | "pan-up"
 *   | "pan-down" | "flip" | "next-clip" | "save" | "help"
 *   | "magnify" | "difference" | "flow" | "motion-more" | "motion-less" | "motion-smoother" | "motion-sharper" | "reference"
 *   | "timeline-in" | "timeline-out"} ActionName
 */

/** @typedef {"Move" | "Play" | "Mark" | "Describe" | "Expressions" | "View"} Group */

/**
 * @typedef {object} Action
 * @property {ActionName} name
 * @property {string} label
 * @property {string[]} keys as `keyOf` names them
 * @property {Group} group
 * @property {boolean} [repeats] whether holding the key repeats it
 * @property {boolean} [writes] whether it changes the coding
 */

/** @type {readonly Group[]} */
export const GROUPS = Object.freeze(/** @type {Group[]} */ (["Move", "Play", "View", "Mark", "Describe", "Expressions"]));

/** @type {readonly Action[]} */
export const ACTIONS = Object.freeze([
  { name: "back", label: "One frame back", keys: ["ArrowLeft"], group: "Move", repeats: true },
  { name: "forward", label: "One frame forward", keys: ["ArrowRight"], group: "Move", repeats: true },
  { name: "back-ten", label: "Ten frames back", keys: ["Shift+ArrowLeft"], group: "Move", repeats: true },
  { name: "forward-ten", label: "Ten frames forward", keys: ["Shift+ArrowRight"], group: "Move", repeats: true },
  { name: "first", label: "First frame", keys: ["Home"], group: "Move" },
  { name: "last", label: "Last frame", keys: ["End"], group: "Move" },
  { name: "previous-mark", label: "Previous mark", keys: ["ArrowUp"], group: "Move" },
  { name: "next-mark", label: "Next mark", keys: ["ArrowDown"], group: "Move" },
  { name: "next-clip", label: "Next clip", keys: ["n"], group: "Move" },
  { name: "go-to", label: "Go to a frame number", keys: ["g"], group: "Move" },
  { name: "play", label: "Play or pause", keys: ["Space"], group: "Play" },
  { name: "play-back", label: "Play backward or pause", keys: ["Shift+Space"], group: "Play" },
  { name: "slower", label: "Slower", keys: ["["], group: "Play" },
  { name: "faster", label: "Faster", keys: ["]"], group: "Play" },
  { name: "loop", label: "Loop from onset to offset", keys: ["l"], group: "Play" },
  { name: "onset", label: "Set onset here", keys: ["1", "o"], group: "Mark", writes: true },
  { name: "apex", label: "Set apex here", keys: ["2", "a"], group: "Mark", writes: true },
  { name: "offset", label: "Set offset here", keys: ["3", "f"], group: "Mark", writes: true },
  { name: "accept", label: "Accept nearest suggestion", keys: ["Enter"], group: "Mark", writes: true },
  { name: "nudge-back", label: "Move nearest mark back", keys: [",", "Alt+ArrowLeft"], group: "Mark", repeats: true, writes: true },
  { name: "nudge-forward", label: "Move nearest mark forward", keys: [".", "Alt+ArrowRight"], group: "Mark", repeats: true, writes: true },
  { name: "nudge-back-four", label: "Move nearest mark four frames back", keys: ["Shift+,"], group: "Mark", writes: true },
  { name: "nudge-forward-four", label: "Move nearest mark four frames forward", keys: ["Shift+."], group: "Mark", writes: true },
  { name: "clear-onset", label: "Clear onset", keys: ["Shift+1", "Shift+o"], group: "Mark", writes: true },
  { name: "clear-apex", label: "Clear apex", keys: ["Shift+2", "Shift+a"], group: "Mark", writes: true },
  { name: "clear-offset", label: "Clear offset", keys: ["Shift+3", "Shift+f"], group: "Mark", writes: true },
  { name: "clear-here", label: "Clear mark on this frame", keys: ["Delete", "Backspace"], group: "Mark", writes: true },
  { name: "kind", label: "Switch micro or macro", keys: ["k"], group: "Describe", writes: true },
  { name: "action-units", label: "Type action units", keys: ["u"], group: "Describe" },
  { name: "pick-action-units", label: "Pick action units", keys: ["Shift+u"], group: "Describe", writes: true },
  { name: "confidence-1", label: "Confidence 1 (guess)", keys: ["5"], group: "Describe", writes: true },
  { name: "confidence-2", label: "Confidence 2", keys: ["6"], group: "Describe", writes: true },
  { name: "confidence-3", label: "Confidence 3", keys: ["7"], group: "Describe", writes: true },
  { name: "confidence-4", label: "Confidence 4", keys: ["8"], group: "Describe", writes: true },
  { name: "confidence-5", label: "Confidence 5 (certain)", keys: ["9"], group: "Describe", writes: true },
  { name: "note", label: "Type a note", keys: ["t"], group: "Describe" },
  { name: "add-emotion", label: "Add an emotion (researchers)", keys: ["Shift+w"], group: "Describe" },
  { name: "next-expression", label: "Next expression", keys: ["e", "PageDown"], group: "Expressions" },
  { name: "previous-expression", label: "Previous expression", keys: ["Shift+e", "PageUp"], group: "Expressions" },
  { name: "new-expression", label: "New expression", keys: ["Shift+n", "Insert"], group: "Expressions", writes: true },
  { name: "delete-expression", label: "Delete expression", keys: ["Shift+Delete", "Shift+Backspace"], group: "Expressions", writes: true },
  { name: "history", label: "Versions and deleted expressions", keys: ["Shift+h"], group: "Expressions" },
  { name: "undo", label: "Undo", keys: ["Ctrl+z"], group: "Expressions", repeats: true, writes: true },
  { name: "redo", label: "Redo", keys: ["Ctrl+Shift+z", "Ctrl+y"], group: "Expressions", repeats: true, writes: true },
  { name: "save", label: "Save now (saving is automatic)", keys: ["Ctrl+s"], group: "Expressions" },
  { name: "done", label: "Done, next clip", keys: ["Ctrl+Enter"], group: "Expressions", writes: true },
  { name: "flip", label: "Flip between onset and this frame (tap or hold)", keys: ["b"], group: "View" },
  { name: "region", label: "Zoom to face, brows and eyes, nose, mouth", keys: ["x"], group: "View" },
  { name: "zoom-in", label: "Zoom in (wheel, pinch)", keys: ["+", "="], group: "View", repeats: true },
  { name: "zoom-out", label: "Zoom out", keys: ["-"], group: "View", repeats: true },
  { name: "zoom-reset", label: "Whole image", keys: ["0"], group: "View" },
  { name: "pan-left", label: "Pan left (drag)", keys: ["Shift+j"], group: "View", repeats: true },
  { name: "pan-right", label: "Pan right", keys: ["Shift+l"], group: "View", repeats: true },
  { name: "pan-up", label: "Pan up", keys: ["Shift+i"], group: "View", repeats: true },
  { name: "pan-down", label: "Pan down", keys: ["Shift+k"], group: "View", repeats: true },
  { name: "size", label: "Fit to view or whole pixels", keys: ["z"], group: "View" },
  { name: "magnify", label: "Magnify motion on or off", keys: ["m"], group: "View" },
  { name: "difference", label: "Difference from reference on or off", keys: ["Shift+m"], group: "View" },
  { name: "flow", label: "Optical flow and strain on or off", keys: ["v"], group: "View" },
  { name: "motion-more", label: "Increase motion factor", keys: ["'"], group: "View", repeats: true },
  { name: "motion-less", label: "Decrease motion factor", keys: [";"], group: "View", repeats: true },
  { name: "motion-smoother", label: "More smoothing", keys: ["y"], group: "View", repeats: true },
  { name: "motion-sharper", label: "Less smoothing", keys: ["Shift+y"], group: "View", repeats: true },
  { name: "reference", label: "Compare with this frame (press again: onset)", keys: ["Shift+r"], group: "View" },
  { name: "timeline-in", label: "Zoom into timeline (wheel)", keys: ["Shift+ArrowUp"], group: "View", repeats: true },
  { name: "timeline-out", label: "Zoom out of timeline", keys: ["Shift+ArrowDown"], group: "View", repeats: true },
  { name: "help", label: "Show and change keys", keys: ["?"], group: "View" },
]);
