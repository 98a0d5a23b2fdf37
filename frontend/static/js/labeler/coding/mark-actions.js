/** The actions on marks: set, clear and move them, and accept suggestions. */
import { MARKS } from "./marks.js";

/** @typedef {import("./marks.js").MarkName} MarkName */
/** @typedef {import("../keys/actions.js").ActionName} ActionName */
/** @typedef {import("../panel/coding-panel.js").Tone} Tone */

/**
 * @typedef {object} CodingHost what the coding needs from the labeler around it
 * @property {() => number} here pauses and returns the current frame
 * @property {(index: number) => void} goTo
 * @property {(text: string, tone: Tone) => void} say
 * @property {(text: string) => void} announce to a screen reader
 * @property {() => void} onchange called when marks may have changed
 * @property {() => void} onnext opens the next clip
 */

/**
 * @param {object} context
 * @param {import("../frames/frame-pack.js").FramePack} context.pack
 * @param {import("../keys/keymap.js").Keymap} context.keymap
 * @param {CodingHost} context.host
 * @param {import("./coding-session.js").CodingSession} context.session
 * @param {import("./marks.js").Marks} context.marks of the selected expression
 * @param {(fields: Partial<import("./coding.js").Coding>, label: string) => void} context.edit
 * @param {(text: string, tone?: Tone) => void} context.say
 * @returns {Partial<Record<ActionName, () => void>>}
 */
export function markActions({ pack, keymap, host, session, marks, edit, say }) {
  /** @param {MarkName} name @param {number} index @returns {boolean} */
  const set = (name, index) => {
    const refusal = marks.set(name, index);
    if (refusal) say(refusal, "refused");
    else edit({ [name]: index }, `${name} set at ${pack.describe(index)}`);
    return refusal === null;
  };

  /** @param {MarkName[]} names */
  const clear = (names) => {
    const cleared = names.filter((name) => marks.clear(name));
    if (!cleared.length) return say("There is no mark to clear.");
    edit(Object.fromEntries(cleared.map((name) => [name, null])), `${cleared.join(" and ")} cleared`);
  };

  /** Move the mark nearest to the playhead, and go to its frame. @param {number} by frames */
  const nudge = (by) => {
    const name = marks.nearest(host.here(), by);
    if (!name) return say("There is no mark to move. Set one first.");
    const index = pack.clamp(/** @type {number} */ (marks[name]) + by);
    if (index !== marks[name] && set(name, index)) host.goTo(index);
  };

  const accept = () => {
    const accepted = session.accept(host.here());
    if (!accepted) return say(session.suggestions.length ? "All suggestions are used." : "There are no suggestions for this clip.");
    host.goTo(accepted.onset);
    const [back, forward, next] = /** @type {const} */ (["nudge-back", "nudge-forward", "next-mark"]).map((name) => keymap.label(name));
    say(`Suggestion accepted: ${MARKS.map((name) => `${name} ${accepted[name]}`).join(", ")}. Press ${back} or ${forward} to move a mark, ${next} to go to the next one.`);
  };

  return {
    onset: () => set("onset", host.here()),
    apex: () => set("apex", host.here()),
    offset: () => set("offset", host.here()),
    "clear-onset": () => clear(["onset"]),
    "clear-apex": () => clear(["apex"]),
    "clear-offset": () => clear(["offset"]),
    "clear-here": () => clear(marks.at(host.here())),
    "nudge-back": () => nudge(-1),
    "nudge-forward": () => nudge(1),
    "nudge-back-four": () => nudge(-4),
    "nudge-forward-four": () => nudge(4),
    accept,
  };
}
