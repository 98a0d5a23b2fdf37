/**
 * Where the coder is in the clip. `target` is the requested frame, `shown` the one on screen. A step moves the target
 * at once, decoded or not, so that no key press is lost; `show` then updates pixels and numbers together.
 * Independent of the page: showing a frame, the clock and the next animation frame are passed in.
 */

/** @typedef {import("./frame-pack.js").FramePack} FramePack */
/** @typedef {import("./playback.js").Playback} Playback */

/**
 * @template T
 * @typedef {object} Frames
 * @property {(index: number) => T | null} get
 * @property {(index: number) => boolean} isReady whether it is decoded, or known to be damaged
 * @property {(index: number, direction?: 1 | -1) => void} focus
 */

/** @template T */
export class Player {
  target = 0;
  shown = -1;
  #pack;
  #frames;
  #playback;
  #show;
  #onstate;
  #clock;
  #nextFrame;
  /** Number of times play was started: an animation frame requested by an earlier play does nothing. */
  #run = 0;

  /**
   * @param {object} options
   * @param {FramePack} options.pack
   * @param {Frames<T>} options.frames
   * @param {Playback} options.playback
   * @param {(index: number, image: T | null) => void} options.show draws pixels and numbers together; null: the frame is damaged
   * @param {() => void} [options.onstate] called when playing, waiting, speed or target has changed
   * @param {() => number} [options.clock] ms
   * @param {(callback: (clock: number) => void) => void} [options.nextFrame]
   */
  constructor({
    pack,
    frames,
    playback,
    show,
    onstate = () => {},
    clock = () => performance.now(),
    nextFrame = (callback) => requestAnimationFrame(callback),
  }) {
    this.#pack = pack;
    this.#frames = frames;
    this.#playback = playback;
    this.#show = show;
    this.#onstate = onstate;
    this.#clock = clock;
    this.#nextFrame = nextFrame;
  }

  get playing() {
    return this.#playback.playing;
  }

  /** Whether the requested frame is not on screen yet. */
  get waiting() {
    return this.target !== this.shown;
  }

  /** @param {number} index any number; the nearest frame is taken @param {1 | -1} [direction] of travel */
  goTo(index, direction = index < this.target ? -1 : 1) {
    this.pause();
    this.#aim(this.#pack.clamp(index), direction);
  }

  /** @param {number} frames may be negative */
  step(frames) {
    this.pause();
    this.#aim(this.#pack.clamp(this.target + frames), frames < 0 ? -1 : 1);
  }

  /** Play or pause. While playing in the other direction, turn round. @param {1 | -1} [direction] */
  toggle(direction = 1) {
    if (this.playing && this.#playback.direction === direction) this.pause();
    else this.play(direction);
  }

  /** @param {1 | -1} [direction] of time */
  play(direction = 1) {
    this.pause();
    this.target = this.#playback.play(this.#clock(), this.target, direction);
    const run = ++this.#run;
    /** @param {number} clock */
    const tick = (clock) => {
      if (run !== this.#run || !this.playing) return;
      this.#tick(clock);
      this.#nextFrame(tick);
    };
    this.#aim(this.target, direction);
    this.#nextFrame(tick);
  }

  /** Pause. The frame on screen becomes the target. */
  pause() {
    if (!this.playing) return;
    this.#playback.pause();
    if (this.shown >= 0) this.#aim(this.shown, this.#playback.direction);
    else this.#onstate();
  }

  /** @param {1 | -1} step */
  changeSpeed(step) {
    this.#playback.changeSpeed(step, this.#clock());
    this.#onstate();
  }

  /** @param {import("./playback.js").Range | null} range */
  setLoop(range) {
    this.#playback.loop = range;
    if (this.playing) this.#playback.play(this.#clock(), this.target, this.#playback.direction);
    this.#onstate();
  }

  /** @param {number} index a frame that has just been decoded */
  didDecode(index) {
    if (index !== this.target || index === this.shown) return;
    if (this.playing) this.#playback.hold(this.#clock(), index);
    this.#present();
  }

  /** @param {number} index @param {1 | -1} direction */
  #aim(index, direction) {
    this.target = index;
    this.#present(); // first: a decoded frame must not wait until others are planned
    this.#frames.focus(index, direction);
  }

  /** @param {number} clock */
  #tick(clock) {
    // No frame is skipped: the clock stops while the frame that is due is not decoded.
    if (this.waiting) return this.#playback.hold(clock, this.target);
    const { index, ended } = this.#playback.due(clock);
    if (index !== this.target) this.#aim(index, this.#playback.direction);
    if (ended && !this.waiting) this.pause();
  }

  #present() {
    if (this.target !== this.shown && this.#frames.isReady(this.target)) {
      this.shown = this.target;
      this.#show(this.target, this.#frames.get(this.target));
    }
    this.#onstate();
  }
}
