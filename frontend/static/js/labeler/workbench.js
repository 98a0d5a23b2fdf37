/** The labeler at work on one clip: wires the models to the page and the coder's keys and clicks to the models. */
import { Coder } from "./coding-controller.js";
import { askFrame } from "./dialog.js";
import { browserStorage } from "./coding/drafts.js";
import { Film } from "./frames/frame-loader.js";
import { showKeyHints } from "./keys/key-hints.js";
import { Keymap, isTyping, keyOf } from "./keys/keymap.js";
import { showKeys } from "./keys/keys-dialog.js";
import { Motion } from "./seeing/motion-view.js";
import { Playback } from "./frames/playback.js";
import { Player } from "./frames/player.js";
import { Screen } from "./seeing/stage.js";
import { Timeline } from "./timeline/timeline.js";
import { ViewActions } from "./seeing/view-actions.js";

/** @typedef {import("./frames/frame-pack.js").FramePack} FramePack */
/** @typedef {import("./keys/keymap.js").ActionName} ActionName */
/** @typedef {import("./coding/marks.js").MarkName} MarkName */

/**
 * @typedef {object} Options
 * @property {string} packUrl
 * @property {string} decoderUrl
 * @property {import("./frames/frame-store.js").Span | null} head the first bytes to show, fetched before
 * @property {ImageBitmap | null} first frame 0, decoded before
 * @property {string} annotationsUrl
 * @property {string} clip
 * @property {string[]} emotions
 * @property {string} coder
 * @property {string} loginUrl
 * @property {string} databaseUrl of the API, for who may change the database's words; else ""
 * @property {() => void} onnext the coder is done with this clip
 * @property {boolean} readonly
 */

export class Workbench {
  #looping = false;
  #closed = false;
  #root;
  #pack;
  #options;
  #keymap;
  #screen;
  #film;
  #view;
  #playback;
  #timeline;
  #motion;
  #player;
  #coder;

  /** @param {HTMLElement} root @param {FramePack} pack @param {Options} options @param {AbortSignal} signal ends its life */
  constructor(root, pack, options, signal) {
    this.#root = root;
    this.#pack = pack;
    this.#options = options;
    this.#keymap = new Keymap({ emotions: options.emotions, storage: browserStorage(), coder: options.coder });
    this.#screen = new Screen(root, pack, signal);
    this.#timeline = new Timeline({
      root: this.#find(".timeline"),
      legend: this.#find(".timeline-legend"),
      storage: browserStorage(),
      pack,
      loaded: () => this.#film.fetched,
      onseek: (index) => this.#player.goTo(index),
    });
    this.#film = new Film({
      pack,
      url: options.packUrl,
      decoderUrl: options.decoderUrl,
      head: options.head,
      first: options.first,
      onready: (index) => this.#didDecode(index),
      onfetched: () => this.#timeline.redrawSoon(),
      onproblem: (sentence) => this.#screen.say(sentence),
    });
    this.#playback = new Playback(pack);
    this.#player = new Player({
      pack,
      playback: this.#playback,
      frames: this.#film,
      show: (index, picture) => this.#show(index, picture),
      onstate: () => this.#showState(),
    });
    this.#view = new ViewActions({
      zoom: this.#screen.zoom,
      pack,
      shown: () => this.#player.shown,
      here: () => this.#here(),
      onset: () => this.#coder.marks.onset,
      go: (index) => this.#player.goTo(index),
      say: (sentence) => this.#coder.say(sentence),
      onflip: () => this.#pin(),
    });
    this.#motion = this.#makeMotion(signal);
    this.#coder = this.#makeCoder(signal);
    showKeyHints(root, this.#keymap);
    this.#listen(signal);
    signal.addEventListener("abort", () => this.#close());
  }

  /** @param {number} index the frame to begin at */
  async open(index) {
    this.goTo(index);
    await this.#coder.load();
    // Only to look at: where they cannot be had, nothing is amiss with the coder's own.
    const others = await this.#coder.others().catch(() => []);
    if (!this.#closed) this.#timeline.coders = others;
  }

  /** @param {number} index */
  goTo(index) {
    this.#player.goTo(index);
  }

  /** @param {string} text where the coder looks, until the next key */
  say(text) {
    this.#coder.say(text);
  }

  /** What is on screen and in the coding, as plain data. */
  get state() {
    const index = this.#player.shown;
    return {
      index,
      target: this.#player.target,
      source: index < 0 ? null : this.#pack.source(index),
      timeMs: index < 0 ? null : this.#pack.seconds(index) * 1000,
      count: this.#pack.count,
      playing: this.#player.playing,
      direction: this.#playback.direction,
      speed: this.#playback.speed,
      looping: this.#looping,
      marks: this.#coder.marks.values,
      coding: this.#coder.session.coding,
      expressions: this.#coder.session.expressions.map(({ key, coding }) => ({ key, ...coding })),
      suggestions: this.#coder.session.open,
      others: this.#timeline.coders,
      save: this.#coder.autosave.state,
      revision: this.#coder.session.selected.record?.revision ?? null,
      motion: { ...this.#motion.state, engine: this.#motion.engine },
      ...this.#film.counts,
    };
  }

  /** @param {string} selector @returns {HTMLElement} */
  #find(selector) {
    return /** @type {HTMLElement} */ (this.#root.querySelector(selector));
  }

  /** @param {AbortSignal} signal */
  #makeMotion(signal) {
    const motion = new Motion({
      root: this.#root,
      pack: this.#pack,
      flowUrl: new URL("flow/", new URL(this.#options.packUrl, location.href)).href,
      pictureOf: (index) => this.#film.get(index),
      here: () => this.#player.shown,
      say: (text) => this.#coder.say(text),
      onchange: () => this.#repaint(),
      storage: browserStorage(),
      signal,
    });
    this.#screen.painter = (context, index, picture) => motion.paint(context, index, picture);
    return motion;
  }

  /** @param {AbortSignal} signal */
  #makeCoder(signal) {
    const live = this.#find("[data-live]");
    const stage = {
      here: () => this.#here(),
      goTo: (/** @type {number} */ index) => this.goTo(index),
      say: (/** @type {string} */ text, /** @type {string} */ tone) => this.#screen.tell(text, tone),
      announce: (/** @type {string} */ text) => (live.textContent = text),
      onchange: () => this.#didChangeCoding(),
      onnext: () => this.#options.onnext(),
    };
    return new Coder(this.#root, this.#pack, this.#options, this.#keymap, stage, signal);
  }

  #didChangeCoding() {
    if (this.#closed) return; // what is still saved of this clip is not the next one's state
    const { marks, session, autosave } = this.#coder;
    this.#timeline.marks = marks.values;
    this.#timeline.others = session.expressions.filter((expression) => expression !== session.selected).map(({ coding }) => coding);
    this.#timeline.suggestions = session.open;
    this.#motion.onset = marks.onset;
    this.#coder.showCurrent(this.#player.shown);
    this.#followLoop();
    this.#pin();
    this.#root.dispatchEvent(new CustomEvent("mer:save", { bubbles: true, detail: { state: autosave.state } }));
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    document.addEventListener("keydown", this.#didPressKey, { signal });
    document.addEventListener("keyup", this.#didReleaseKey, { signal });
    document.addEventListener("mer:theme", () => this.#timeline.redraw(), { signal });
    document.addEventListener("visibilitychange", this.#didChangeVisibility, { signal });
    window.addEventListener("pagehide", () => this.#coder.autosave.flush(), { signal });
    window.addEventListener("online", this.#didReconnect, { signal });
    window.addEventListener("beforeunload", this.#willLeave, { signal });
    this.#root.addEventListener("click", this.#didClick, { signal });
    this.#root.addEventListener("mousedown", this.#didPressMouse, { signal });
    const resize = new ResizeObserver(() => this.#didResize());
    resize.observe(this.#root);
    signal.addEventListener("abort", () => resize.disconnect());
  }

  #close() {
    this.#closed = true;
    this.#player.pause();
    this.#coder.autosave.flush();
    this.#coder.autosave.close();
    this.#film.close();
  }

  /** @param {KeyboardEvent} event */
  #didPressKey = (event) => {
    const target = event.target instanceof HTMLElement ? event.target : document.body;
    if (document.querySelector("dialog[open]") || event.defaultPrevented) return;
    const key = keyOf(event);
    if (isTyping(target)) {
      const leaves = event.key === "Escape" || (event.key === "Enter" && target instanceof HTMLInputElement);
      if (leaves && this.#root.contains(target)) target.blur();
    }
    const bound = key === null ? null : this.#keymap.bound(key);
    // In a text field its own keys come first: Ctrl+Z takes back letters there.
    if (!bound || (isTyping(target) && bound.name !== "save" && bound.name !== "done")) return;
    // Space or Enter on a focused button or link presses it, as everywhere.
    if ((key === "Space" || key === "Enter") && target.closest("button, a, summary")) return;
    event.preventDefault();
    if (event.repeat && !bound.repeats) return;
    if (bound.kind === "action") this.#do(bound.name);
    else this.#code(() => this.#coder.chooseEmotion(bound.name));
  };

  /** @param {KeyboardEvent} event */
  #didReleaseKey = (event) => {
    const key = keyOf(event);
    const bound = key === null ? null : this.#keymap.bound(key);
    if (bound?.kind === "action") this.#view.release(bound.name, this.#player.target);
  };

  /** A click must not leave the keyboard on a button (Space would press it again) or in a text field. @param {Event} event */
  #didPressMouse = (event) => {
    if (!(/** @type {Element} */ (event.target).closest("button, output"))) return;
    event.preventDefault();
    const active = document.activeElement;
    if (active instanceof HTMLElement && isTyping(active)) active.blur();
  };

  /** @param {Event} event */
  #didClick = (event) => {
    const button = /** @type {Element} */ (event.target).closest("button");
    if (!button) return;
    const { action, go, save, crisp } = button.dataset;
    if (action) this.#do(/** @type {ActionName} */ (action));
    if (go) this.goTo(this.#coder.marks[/** @type {MarkName} */ (go)] ?? 0);
    if (crisp !== undefined) button.setAttribute("aria-pressed", String(this.#screen.toggleCrisp()));
    if (save === "now") this.#coder.save();
    if (save === "sign-in") this.#signIn();
  };

  #didChangeVisibility = () => {
    if (document.hidden) {
      this.#player.pause();
      this.#coder.autosave.flush();
    } else this.#coder.autosave.refresh();
  };

  #didReconnect = () => {
    this.#film.retryNow();
    this.#coder.autosave.flush();
  };

  #didResize() {
    this.#screen.zoom.apply();
    this.#timeline.redraw();
    if (this.#player.shown >= 0) this.#timeline.movePlayhead(this.#player.shown);
  }

  /** @param {Event} event */
  #willLeave = (event) => {
    if (this.#coder.autosave.dirty && !this.#coder.autosave.safe) event.preventDefault();
  };

  /** @param {ActionName} name */
  #do(name) {
    const player = this.#player;
    this.#coder.say("");
    if (this.#view.do(name) || this.#motion.do(name) || this.#coder.do(name)) return;
    switch (name) {
      case "back": return player.step(-1);
      case "forward": return player.step(1);
      case "back-ten": return player.step(-10);
      case "forward-ten": return player.step(10);
      case "first": return player.goTo(0);
      case "last": return player.goTo(this.#pack.last);
      case "previous-mark": return this.#goToMark(-1);
      case "next-mark": return this.#goToMark(1);
      case "go-to": return askFrame(this.#root, this.#pack, (index) => player.goTo(index));
      case "play": return player.toggle(1);
      case "play-back": return player.toggle(-1);
      case "slower": return player.changeSpeed(-1);
      case "faster": return player.changeSpeed(1);
      case "loop": return this.#toggleLoop();
      case "timeline-in": return this.#timeline.zoom(1);
      case "timeline-out": return this.#timeline.zoom(-1);
      case "next-clip": return this.#options.onnext();
      case "help": return showKeys(this.#root, this.#keymap, () => showKeyHints(this.#root, this.#keymap));
    }
  }

  /** @param {() => void} write */
  #code(write) {
    if (this.#options.readonly) this.#coder.say("You can view this clip, but not code it.", "refused");
    else write();
  }

  /** The frame the coder is at. In play that is the one on screen; after steps the one stepped to, even if it is still coming. */
  #here() {
    this.#player.pause();
    return this.#player.target;
  }

  /** @param {1 | -1} direction */
  #goToMark(direction) {
    const index = this.#coder.marks.next(this.#player.target, direction);
    if (index === null) this.#coder.say(`There is no mark ${direction < 0 ? "before" : "after"} this frame.`);
    else this.#player.goTo(index, direction);
  }

  /** Marks and the frames compared are one key away: they stay decoded. */
  #pin() {
    const { onset, apex, offset } = this.#coder.marks;
    this.#film.pin([...this.#motion.wanted, onset, apex, offset, ...this.#view.frames].filter((index) => index !== null));
  }

  /** The frame on screen, painted as it is looked at now. */
  #repaint() {
    this.#pin();
    const { shown } = this.#player;
    const picture = this.#film.get(shown);
    if (picture) this.#screen.show(shown, picture);
  }

  #toggleLoop() {
    this.#looping = !this.#looping;
    if (!this.#looping) return this.#player.setLoop(null);
    this.#followLoop();
    if (!this.#coder.marks.span) this.#coder.say("Looping the whole clip: set onset and offset to loop between them.");
  }

  /** The loop goes from onset to offset as they now are. */
  #followLoop() {
    const range = this.#coder.marks.span ?? { first: 0, last: this.#pack.last };
    const { loop } = this.#playback;
    if (this.#looping && (loop?.first !== range.first || loop?.last !== range.last)) this.#player.setLoop(range);
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

  /** Pixels, numbers and playhead in one go. @param {number} index @param {ImageBitmap | null} picture */
  #show(index, picture) {
    this.#screen.show(index, picture);
    this.#timeline.movePlayhead(index);
    this.#coder.showCurrent(index);
    this.#root.setAttribute("ready", "");
    const detail = { index, source: this.#pack.source(index) };
    this.#root.dispatchEvent(new CustomEvent("mer:frame", { bubbles: true, detail }));
  }

  #showState() {
    this.#screen.showState(this.#player, this.#playback, this.#looping);
    this.#find("[data-action=flip]").setAttribute("aria-pressed", String(this.#view.flipped(this.#player.target)));
    if (!this.#player.playing && !this.#player.waiting) this.#timeline.describe(this.#player.shown);
  }
}
