/** The actions that change only how a frame is viewed: zoom, pan, regions of the face, flip. */
import { Flip } from "./flip.js";

/** @typedef {import("../keys/actions.js").ActionName} ActionName */

/** The share of the visible part that one key press pans by. */
const PAN = 0.1;

export class ViewActions {
  #zoom;
  #pack;
  #shown;
  #here;
  #onset;
  #say;
  #onflip;
  #flip;

  /**
   * @param {object} options
   * @param {import("./zoom.js").Zoom} options.zoom
   * @param {import("../frames/frame-pack.js").FramePack} options.pack
   * @param {() => number} options.shown the frame on screen
   * @param {() => number} options.here the current frame; stops play
   * @param {() => number | null} options.onset the frame to flip with
   * @param {(index: number) => void} options.go
   * @param {(sentence: string) => void} options.say
   * @param {() => void} options.onflip called when `frames` has changed
   */
  constructor({ zoom, pack, shown, here, onset, go, say, onflip }) {
    this.#zoom = zoom;
    this.#pack = pack;
    this.#shown = shown;
    this.#here = here;
    this.#onset = onset;
    this.#say = say;
    this.#onflip = onflip;
    this.#flip = new Flip({ go });
  }

  /** The frames of the flip, to be kept decoded. @returns {number[]} */
  get frames() {
    return this.#flip.frames;
  }

  /** @param {number} index @returns {boolean} whether it is on screen because of a flip */
  flipped(index) {
    return this.#flip.active(index);
  }

  /** @param {ActionName} name @returns {boolean} whether `name` is one of these */
  do(name) {
    const zoom = this.#zoom;
    switch (name) {
      case "flip": this.#flipToOnset(); break;
      case "region": this.#zoomToRegion(); break;
      case "zoom-in": zoom.step(1); break;
      case "zoom-out": zoom.step(-1); break;
      case "zoom-reset": zoom.reset(); break;
      case "pan-left": zoom.pan(-PAN, 0); break;
      case "pan-right": zoom.pan(PAN, 0); break;
      case "pan-up": zoom.pan(0, -PAN); break;
      case "pan-down": zoom.pan(0, PAN); break;
      case "size": zoom.nextSize(); break;
      default: return false;
    }
    return true;
  }

  /** End a held flip when its key is released. @param {ActionName} name @param {number} index on screen */
  release(name, index) {
    if (name === "flip") this.#flip.release(index);
  }

  #flipToOnset() {
    const here = this.#here();
    const onset = this.#onset();
    if (onset === null && !this.#flip.active(here)) {
      return this.#say("Set the onset first. Flip switches between the onset and the current frame.");
    }
    this.#flip.press(here, onset ?? here);
    this.#onflip();
  }

  #zoomToRegion() {
    const face = this.#pack.faceNear(this.#shown());
    if (face) this.#zoom.nextRegion(face);
    else this.#say("No face was found in this clip. Zoom with + and −, the mouse wheel or by pinching.");
  }
}
