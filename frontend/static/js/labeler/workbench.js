/** The labeler for one clip: connects the models, the page, and the coder's keys and clicks. */
import { CodingController } from "./coding-controller.js";
import { browserStorage } from "./coding/drafts.js";
import { FrameLoader } from "./frames/frame-loader.js";
import { Playback } from "./frames/playback.js";
import { PlayerActions } from "./frames/player-actions.js";
import { Player } from "./frames/player.js";
import { listenForInput } from "./keys/input.js";
import { showKeyHints } from "./keys/key-hints.js";
import { Keymap } from "./keys/keymap.js";
import { showKeys } from "./keys/keys-dialog.js";
import { MotionView } from "./seeing/motion-view.js";
import { Stage } from "./seeing/stage.js";
import { ViewActions } from "./seeing/view-actions.js";
import { Timeline } from "./timeline/timeline.js";

/** @typedef {import("./frames/frame-pack.js").FramePack} FramePack */
/** @typedef {import("./keys/actions.js").ActionName} ActionName */
/** @typedef {import("./coding/marks.js").MarkName} MarkName */

/**
 * @typedef {object} Options
 * @property {string} packUrl
 * @property {string} decoderUrl
 * @property {import("./frames/frame-store.js").Span | null} head bytes fetched in advance, with the first frame to show
 * @property {ImageBitmap | null} first frame 0, decoded in advance
 * @property {string} annotationsUrl
 * @property {string} clip
 * @property {string[]} emotions
 * @property {string} coder
 * @property {string} loginUrl
 * @property {string} databaseUrl of the API, if the user may change the database's emotions; else ""
 * @property {() => void} onnext called when the coder is done with the clip
 * @property {boolean} readonly
 */

export class Workbench {
  #closed = false;
  #root;
  #pack;
  #options;
  #keymap;
  #stage;
  #frames;
  #view;
  #playback;
  #timeline;
  #motion;
  #player;
  #playerActions;
  #coding;

  /** @param {HTMLElement} root @param {FramePack} pack @param {Options} options @param {AbortSignal} signal closes it */
  constructor(root, pack, options, signal) {
    this.#root = root;
    this.#pack = pack;
    this.#options = options;
    this.#keymap = new Keymap({ emotions: options.emotions, storage: browserStorage(), coder: options.coder });
    this.#stage = new Stage(root, pack, signal);
    this.#timeline = new Timeline({
      root: this.#find(".timeline"),
      legend: this.#find(".timeline-legend"),
      storage: browserStorage(),
      pack,
      loaded: () => this.#frames.fetched,
      onseek: (index) => this.#player.goTo(index),
    });
    this.#frames = this.#makeFrames();
    this.#playback = new Playback(pack);
    this.#player = new Player({
      pack,
      playback: this.#playback,
      frames: this.#frames,
      show: (index, image) => this.#show(index, image),
      onstate: () => this.#showState(),
    });
    this.#playerActions = this.#makePlayerActions();
    this.#view = this.#makeView();
    this.#motion = this.#makeMotion(signal);
    this.#coding = this.#makeCoding(signal);
    showKeyHints(root, this.#keymap);
    listenForInput({
      root,
      keymap: this.#keymap,
      act: (name) => this.#do(name),
      release: (name) => this.#view.release(name, this.#player.target),
      chooseEmotion: (emotion) => this.#coding.chooseEmotion(emotion),
      signal,
    });
    this.#listen(signal);
    signal.addEventListener("abort", () => this.#close());
  }

  /** @param {number} index the frame to open at */
  async open(index) {
    this.goTo(index);
    await this.#coding.load();
    // Other coders' marks are only displayed: if they cannot be loaded, coding continues.
    const others = await this.#coding.others().catch(() => []);
    if (!this.#closed) this.#timeline.coders = others;
  }

  /** @param {number} index */
  goTo(index) {
    this.#player.goTo(index);
  }

  /** @param {string} text shown over the image until the next key press */
  say(text) {
    this.#coding.say(text);
  }

  /** The frame on screen and the coding, as plain data. */
  get state() {
    const index = this.#player.shown;
    return {
      index,
      target: this.#player.target,
      source: index < 0 ? null : this.#pack.source(index),
      timeMs: index < 0 ? null : this.#pack.ms(index),
      count: this.#pack.count,
      playing: this.#player.playing,
      direction: this.#playback.direction,
      speed: this.#playback.speed,
      looping: this.#playerActions.looping,
      marks: this.#coding.marks.values,
      coding: this.#coding.session.coding,
      expressions: this.#coding.session.expressions.map(({ key, coding }) => ({ key, ...coding })),
      suggestions: this.#coding.session.open,
      others: this.#timeline.coders,
      save: this.#coding.autosave.state,
      revision: this.#coding.session.selected.record?.revision ?? null,
      motion: { ...this.#motion.state, engine: this.#motion.engine },
      ...this.#frames.counts,
    };
  }

  /** @param {string} selector @returns {HTMLElement} */
  #find(selector) {
    return /** @type {HTMLElement} */ (this.#root.querySelector(selector));
  }

  #makeFrames() {
    return new FrameLoader({
      pack: this.#pack,
      url: this.#options.packUrl,
      decoderUrl: this.#options.decoderUrl,
      head: this.#options.head,
      first: this.#options.first,
      onready: (index) => this.#didDecode(index),
      onfetched: () => this.#timeline.redrawSoon(),
      onproblem: (sentence) => this.#stage.showProblem(sentence),
    });
  }

  #makePlayerActions() {
    return new PlayerActions({
      root: this.#root,
      pack: this.#pack,
      player: this.#player,
      playback: this.#playback,
      marks: () => this.#coding.marks,
      say: (sentence) => this.#coding.say(sentence),
    });
  }

  #makeView() {
    return new ViewActions({
      zoom: this.#stage.zoom,
      pack: this.#pack,
      shown: () => this.#player.shown,
      here: () => this.#here(),
      onset: () => this.#coding.marks.onset,
      go: (index) => this.#player.goTo(index),
      say: (sentence) => this.#coding.say(sentence),
      onflip: () => this.#pin(),
    });
  }

  /** @param {AbortSignal} signal */
  #makeMotion(signal) {
    const motion = new MotionView({
      root: this.#root,
      pack: this.#pack,
      flowUrl: new URL("flow/", new URL(this.#options.packUrl, location.href)).href,
      imageOf: (index) => this.#frames.get(index),
      here: () => this.#player.shown,
      say: (text) => this.#coding.say(text),
      onchange: () => this.#repaint(),
      storage: browserStorage(),
      signal,
    });
    this.#stage.painter = (context, index, image) => motion.paint(context, index, image);
    return motion;
  }

  /** @param {AbortSignal} signal */
  #makeCoding(signal) {
    const live = this.#find("[data-live]");
    const host = {
      here: () => this.#here(),
      goTo: (/** @type {number} */ index) => this.goTo(index),
      say: (/** @type {string} */ text, /** @type {string} */ tone) => this.#stage.showMessage(text, tone),
      announce: (/** @type {string} */ text) => (live.textContent = text),
      onchange: () => this.#didChangeCoding(),
      onnext: () => this.#options.onnext(),
    };
    return new CodingController(this.#root, this.#pack, this.#options, this.#keymap, host, signal);
  }

  #didChangeCoding() {
    if (this.#closed) return; // a save of this clip that is still in progress must not change the next clip's state
    const { marks, session, autosave } = this.#coding;
    this.#timeline.marks = marks.values;
    this.#timeline.others = session.expressions.filter((expression) => expression !== session.selected).map(({ coding }) => coding);
    this.#timeline.suggestions = session.open;
    this.#motion.onset = marks.onset;
    this.#coding.showCurrent(this.#player.shown);
    this.#playerActions.updateLoop();
    this.#pin();
    this.#root.dispatchEvent(new CustomEvent("mer:save", { bubbles: true, detail: { state: autosave.state } }));
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    document.addEventListener("mer:theme", () => this.#timeline.redraw(), { signal });
    document.addEventListener("visibilitychange", this.#didChangeVisibility, { signal });
    window.addEventListener("pagehide", () => this.#coding.autosave.flush(), { signal });
    window.addEventListener("online", this.#didReconnect, { signal });
    window.addEventListener("beforeunload", this.#willLeave, { signal });
    this.#root.addEventListener("click", this.#didClick, { signal });
    const resize = new ResizeObserver(() => this.#didResize());
    resize.observe(this.#root);
    signal.addEventListener("abort", () => resize.disconnect());
  }

  #close() {
    this.#closed = true;
    this.#player.pause();
    this.#coding.autosave.flush();
    this.#coding.autosave.close();
    this.#frames.close();
  }

  /** @param {Event} event */
  #didClick = (event) => {
    const button = /** @type {Element} */ (event.target).closest("button");
    if (!button) return;
    const { go, save, crisp } = button.dataset;
    if (go) this.goTo(this.#coding.marks[/** @type {MarkName} */ (go)] ?? 0);
    if (crisp !== undefined) button.setAttribute("aria-pressed", String(this.#stage.toggleCrisp()));
    if (save === "now") this.#coding.save();
    if (save === "sign-in") this.#signIn();
  };

  #didChangeVisibility = () => {
    if (document.hidden) {
      this.#player.pause();
      this.#coding.autosave.flush();
    } else this.#coding.autosave.refresh();
  };

  #didReconnect = () => {
    this.#frames.retryNow();
    this.#coding.autosave.flush();
  };

  #didResize() {
    this.#stage.zoom.apply();
    this.#timeline.redraw();
    if (this.#player.shown >= 0) this.#timeline.movePlayhead(this.#player.shown);
  }

  /** @param {Event} event */
  #willLeave = (event) => {
    if (this.#coding.autosave.dirty && !this.#coding.autosave.safe) event.preventDefault();
  };

  /** @param {ActionName} name */
  #do(name) {
    this.#coding.say("");
    if (this.#view.do(name) || this.#motion.do(name) || this.#coding.do(name)) return;
    if (this.#playerActions.do(name)) return;
    switch (name) {
      case "timeline-in": return this.#timeline.zoom(1);
      case "timeline-out": return this.#timeline.zoom(-1);
      case "next-clip": return this.#options.onnext();
      case "help": return showKeys(this.#root, this.#keymap, () => showKeyHints(this.#root, this.#keymap));
    }
  }

  /** Pause, and return the current frame: during play the one on screen; after steps the target, even if it is still loading. */
  #here() {
    this.#player.pause();
    return this.#player.target;
  }

  /** Keep the marked and compared frames decoded: they are one key press away. */
  #pin() {
    const { onset, apex, offset } = this.#coding.marks;
    this.#frames.pin([...this.#motion.wanted, onset, apex, offset, ...this.#view.frames].filter((index) => index !== null));
  }

  /** Draw the frame on screen again with the current display settings. */
  #repaint() {
    this.#pin();
    const { shown } = this.#player;
    const image = this.#frames.get(shown);
    if (image) this.#stage.show(shown, image);
  }

  #signIn() {
    const url = new URL(this.#options.loginUrl, location.href);
    url.searchParams.set("next", location.pathname + location.search);
    location.assign(url);
  }

  /** @param {number} index */
  #didDecode(index) {
    this.#player.didDecode(index);
    this.#motion.didDecode(index);
    this.#timeline.redrawSoon();
  }

  /** Update pixels, numbers and playhead together. @param {number} index @param {ImageBitmap | null} image */
  #show(index, image) {
    this.#stage.show(index, image);
    this.#timeline.movePlayhead(index);
    this.#coding.showCurrent(index);
    this.#root.setAttribute("ready", "");
    const detail = { index, source: this.#pack.source(index) };
    this.#root.dispatchEvent(new CustomEvent("mer:frame", { bubbles: true, detail }));
  }

  #showState() {
    this.#stage.showState(this.#player, this.#playback, this.#playerActions.looping);
    this.#find("[data-action=flip]").setAttribute("aria-pressed", String(this.#view.flipped(this.#player.target)));
    if (!this.#player.playing && !this.#player.waiting) this.#timeline.describe(this.#player.shown);
  }
}
