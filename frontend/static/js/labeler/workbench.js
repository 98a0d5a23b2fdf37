/** The labeler at work on one clip: wires the models to the page and the coder's keys and clicks to the models. */
import { confirmDialog } from "../confirm.js";
import { AnnotationsApi } from "./annotations-api.js";
import { AutoSave } from "./autosave.js";
import { CodingPanel } from "./coding-panel.js";
import { askFrame, showConflict, showHelp } from "./dialogs.js";
import { Drafts, browserStorage } from "./drafts.js";
import { Film } from "./film.js";
import { actionOf, emotionKeys, isTyping, keyOf } from "./keymap.js";
import { Motion } from "./motion.js";
import { Playback } from "./playback.js";
import { Player } from "./player.js";
import { Screen } from "./screen.js";
import { Timeline } from "./timeline.js";

/** @typedef {import("./frame-pack.js").FramePack} FramePack */
/** @typedef {import("./keymap.js").ActionName} ActionName */
/** @typedef {import("./marks.js").MarkName} MarkName */

/**
 * @typedef {object} Options
 * @property {string} packUrl
 * @property {string} annotationsUrl
 * @property {string} clip
 * @property {string[]} emotions
 * @property {string} coder
 * @property {string} loginUrl
 * @property {boolean} readonly
 */

export class Workbench {
  #looping = false;
  #root;
  #pack;
  #options;
  #emotionKeys;
  #screen;
  #film;
  #playback;
  #timeline;
  #motion;
  #player;
  #panel;
  #autosave;

  /** @param {HTMLElement} root @param {FramePack} pack @param {Options} options @param {AbortSignal} signal ends its life */
  constructor(root, pack, options, signal) {
    this.#root = root;
    this.#pack = pack;
    this.#options = options;
    this.#emotionKeys = emotionKeys(options.emotions);
    this.#screen = new Screen(root, pack);
    this.#timeline = new Timeline({
      root: this.#find(".timeline"),
      legend: this.#find(".timeline-legend"),
      storage: browserStorage(),
      pack,
      loaded: () => this.#film.ready,
      onseek: (index) => this.#player.goTo(index),
    });
    this.#film = new Film({
      pack,
      url: options.packUrl,
      onready: (index) => this.#didDecode(index),
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
    this.#motion = this.#makeMotion(signal);
    this.#panel = this.#makePanel();
    this.#autosave = this.#makeAutoSave();
    this.#panel.attach(this.#autosave);
    this.#listen(signal);
    signal.addEventListener("abort", () => this.#close());
  }

  /** @param {number} index the frame to begin at */
  async open(index) {
    this.goTo(index);
    await this.#autosave.load();
  }

  /** @param {number} index */
  goTo(index) {
    this.#player.goTo(index);
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
      speed: this.#playback.speed,
      looping: this.#looping,
      marks: this.#panel.marks.values,
      coding: this.#autosave.coding,
      save: this.#autosave.state,
      revision: this.#autosave.record?.revision ?? null,
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
      say: (text) => this.#panel.say(text),
      onchange: () => this.#repaint(),
      storage: browserStorage(),
      signal,
    });
    this.#screen.painter = (context, index, picture) => motion.paint(context, index, picture);
    return motion;
  }

  #makePanel() {
    const live = this.#find("[data-live]");
    return new CodingPanel({
      root: this.#find(".labeler-panel"),
      pack: this.#pack,
      readonly: this.#options.readonly,
      emotions: this.#options.emotions,
      emotionKeys: this.#emotionKeys,
      onmarks: (marks) => {
        this.#timeline.marks = marks.values;
        this.#motion.onset = marks.onset;
        this.#panel.showCurrent(this.#player.shown);
        this.#followLoop();
      },
      say: (text, tone) => this.#screen.tell(text, tone),
      announce: (text) => (live.textContent = text),
    });
  }

  #makeAutoSave() {
    const { annotationsUrl: url, clip, coder, readonly } = this.#options;
    return new AutoSave({
      api: new AnnotationsApi({ url, clip }),
      drafts: new Drafts({ storage: browserStorage(), coder: readonly ? "" : coder, scope: `${url}?clip=${clip}` }),
      onchange: (autosave) => {
        this.#panel.refresh();
        this.#root.dispatchEvent(new CustomEvent("mer:save", { bubbles: true, detail: { state: autosave.state } }));
      },
    });
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    document.addEventListener("keydown", this.#didPressKey, { signal });
    document.addEventListener("mer:theme", () => this.#timeline.redraw(), { signal });
    document.addEventListener("visibilitychange", this.#didChangeVisibility, { signal });
    window.addEventListener("pagehide", () => this.#autosave.flush(), { signal });
    window.addEventListener("online", this.#didReconnect, { signal });
    window.addEventListener("beforeunload", this.#willLeave, { signal });
    this.#root.addEventListener("click", this.#didClick, { signal });
    this.#root.addEventListener("mousedown", this.#didPressMouse, { signal });
    const resize = new ResizeObserver(() => this.#didResize());
    resize.observe(this.#root);
    signal.addEventListener("abort", () => resize.disconnect());
  }

  #close() {
    this.#player.pause();
    this.#autosave.flush();
    this.#autosave.close();
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
      if (key !== "Ctrl+s") return;
    }
    // Space on a focused button or link presses it, as everywhere.
    if (key === null || (key === "Space" && target.closest("button, a, summary"))) return;
    const action = actionOf(key);
    const emotion = [...this.#emotionKeys].find(([, letter]) => letter === key)?.[0];
    if (!action && !emotion) return;
    event.preventDefault();
    if (event.repeat && !action?.repeats) return;
    if (action) this.#do(action.name);
    else if (emotion) this.#code(() => this.#panel.chooseEmotion(emotion));
  };

  /** A click must not leave the keyboard on a button (Space would press it again) or in a text field. @param {Event} event */
  #didPressMouse = (event) => {
    if (!(/** @type {Element} */ (event.target).closest("button, output"))) return;
    event.preventDefault();
    const active = document.activeElement;
    if (active instanceof HTMLElement && isTyping(active)) active.blur();
  };

  /** @param {Event} event */
  #didClick = async (event) => {
    const button = /** @type {Element} */ (event.target).closest("button");
    if (!button) return;
    const { action, go, save, crisp, remove } = button.dataset;
    if (action) this.#do(/** @type {ActionName} */ (action));
    if (go) this.goTo(this.#panel.marks[/** @type {MarkName} */ (go)] ?? 0);
    if (crisp !== undefined) button.setAttribute("aria-pressed", String(this.#screen.toggleCrisp()));
    if (save === "now") this.#save();
    if (save === "sign-in") this.#signIn();
    if (remove === undefined) return;
    const question = "Your marks, emotion, action units and note for this clip will be deleted.";
    if (await confirmDialog(question, "Delete coding")) await this.#autosave.remove();
  };

  #didChangeVisibility = () => {
    if (document.hidden) this.#player.pause();
    this.#autosave.flush();
  };

  #didReconnect = () => {
    this.#film.retryNow();
    this.#autosave.flush();
  };

  #didResize() {
    this.#screen.fit();
    this.#timeline.redraw();
    if (this.#player.shown >= 0) this.#timeline.movePlayhead(this.#player.shown);
  }

  /** @param {Event} event */
  #willLeave = (event) => {
    if (this.#autosave.dirty && !this.#autosave.safe) event.preventDefault();
  };

  /** @param {ActionName} name */
  #do(name) {
    const [player, panel] = [this.#player, this.#panel];
    panel.say("");
    if (this.#motion.do(name)) return;
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
      case "play": return player.toggle();
      case "slower": return player.changeSpeed(-1);
      case "faster": return player.changeSpeed(1);
      case "loop": return this.#toggleLoop();
      case "onset": case "apex": case "offset": return this.#code(() => panel.setMark(name, this.#here()));
      case "clear-onset": return this.#code(() => panel.clearMarks(["onset"]));
      case "clear-apex": return this.#code(() => panel.clearMarks(["apex"]));
      case "clear-offset": return this.#code(() => panel.clearMarks(["offset"]));
      case "clear-here": return this.#code(() => panel.clearMarks(panel.marks.at(this.#here())));
      case "kind": return this.#code(() => panel.toggleKind());
      case "action-units": return panel.focusField("action_units");
      case "note": return panel.focusField("note");
      case "timeline-in": return this.#timeline.zoom(1);
      case "timeline-out": return this.#timeline.zoom(-1);
      case "size": return this.#screen.nextSize();
      case "save": return this.#save();
      case "help": return showHelp(this.#root, this.#emotionKeys);
    }
  }

  /** @param {() => void} write */
  #code(write) {
    if (this.#options.readonly) this.#panel.say("You can view this clip, but not code it.", "refused");
    else write();
  }

  /** The frame the coder is at. In play that is the one on screen; after steps the one stepped to, even if it is still coming. */
  #here() {
    this.#player.pause();
    return this.#player.target;
  }

  /** @param {1 | -1} direction */
  #goToMark(direction) {
    const index = this.#panel.marks.next(this.#player.target, direction);
    if (index === null) this.#panel.say(`There is no mark ${direction < 0 ? "before" : "after"} this frame.`);
    else this.#player.goTo(index, direction);
  }

  #toggleLoop() {
    this.#looping = !this.#looping;
    if (!this.#looping) return this.#player.setLoop(null);
    this.#followLoop();
    if (!this.#panel.marks.span) this.#panel.say("Looping the whole clip: set onset and offset to loop between them.");
  }

  /** The loop goes from onset to offset as they now are. */
  #followLoop() {
    const range = this.#panel.marks.span ?? { first: 0, last: this.#pack.last };
    const { loop } = this.#playback;
    if (this.#looping && (loop?.first !== range.first || loop?.last !== range.last)) this.#player.setLoop(range);
  }

  #save() {
    const { theirs, coding } = this.#autosave;
    if (!theirs) this.#autosave.flush();
    else showConflict(this.#root, this.#pack, coding, theirs, (choice) => this.#autosave.resolve(choice));
  }

  #signIn() {
    const url = new URL(this.#options.loginUrl, location.href);
    url.searchParams.set("next", location.pathname + location.search);
    location.assign(url);
  }

  /** The frame on screen, painted as it is looked at now. */
  #repaint() {
    this.#film.pin(this.#motion.wanted);
    const { shown } = this.#player;
    const picture = this.#film.get(shown);
    if (picture) this.#screen.show(shown, picture);
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
    this.#panel.showCurrent(index);
    this.#root.setAttribute("ready", "");
    const detail = { index, source: this.#pack.source(index) };
    this.#root.dispatchEvent(new CustomEvent("mer:frame", { bubbles: true, detail }));
  }

  #showState() {
    this.#screen.showState(this.#player, this.#playback, this.#looping);
    if (!this.#player.playing && !this.#player.waiting) this.#timeline.describe(this.#player.shown);
  }
}
