/** The actions that change which frame is shown: stepping, jumping, playing and looping. */
import { askFrame } from "./go-to-dialog.js";

/** @typedef {import("../coding/marks.js").Marks} Marks */
/** @typedef {import("../keys/actions.js").ActionName} ActionName */

export class PlayerActions {
  /** Whether play repeats. */
  looping = false;
  #root;
  #pack;
  #player;
  #playback;
  #marks;
  #say;

  /**
   * @param {object} options
   * @param {HTMLElement} options.root the labeler
   * @param {import("./frame-pack.js").FramePack} options.pack
   * @param {import("./player.js").Player<ImageBitmap>} options.player
   * @param {import("./playback.js").Playback} options.playback
   * @param {() => Marks} options.marks of the selected expression
   * @param {(sentence: string) => void} options.say
   */
  constructor({ root, pack, player, playback, marks, say }) {
    this.#root = root;
    this.#pack = pack;
    this.#player = player;
    this.#playback = playback;
    this.#marks = marks;
    this.#say = say;
  }

  /** @param {ActionName} name @returns {boolean} whether `name` is one of these actions */
  do(name) {
    const player = this.#player;
    switch (name) {
      case "back": player.step(-1); break;
      case "forward": player.step(1); break;
      case "back-ten": player.step(-10); break;
      case "forward-ten": player.step(10); break;
      case "first": player.goTo(0); break;
      case "last": player.goTo(this.#pack.last); break;
      case "previous-mark": this.#goToMark(-1); break;
      case "next-mark": this.#goToMark(1); break;
      case "go-to": askFrame(this.#root, this.#pack, (index) => player.goTo(index)); break;
      case "play": player.toggle(1); break;
      case "play-back": player.toggle(-1); break;
      case "slower": player.changeSpeed(-1); break;
      case "faster": player.changeSpeed(1); break;
      case "loop": this.#toggleLoop(); break;
      default: return false;
    }
    return true;
  }

  /** Fit the loop to the current marks: from onset to offset, or the whole clip. */
  updateLoop() {
    const range = this.#marks().span ?? { first: 0, last: this.#pack.last };
    const { loop } = this.#playback;
    if (this.looping && (loop?.first !== range.first || loop?.last !== range.last)) this.#player.setLoop(range);
  }

  #toggleLoop() {
    this.looping = !this.looping;
    if (!this.looping) return this.#player.setLoop(null);
    this.updateLoop();
    if (!this.#marks().span) this.#say("Looping the whole clip. Set onset and offset to loop between them.");
  }

  /** @param {1 | -1} direction */
  #goToMark(direction) {
    const index = this.#marks().next(this.#player.target, direction);
    if (index === null) this.#say(`There is no mark ${direction < 0 ? "before" : "after"} this frame.`);
    else this.#player.goTo(index, direction);
  }
}
