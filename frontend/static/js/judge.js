/**
 * The judge's page: images of every coder's frames next to the player, and decisions by keyboard. The form works without this
 * script. With it, a choice fills the fields, and changing a field selects "set new marks".
 */
import { request, requestJson } from "./http.js";
import { isTyping } from "./labeler/keys/input.js";
import { FramePack } from "./labeler/frames/frame-pack.js";

/** @typedef {"onset" | "apex" | "offset" | "kind" | "emotion" | "action_units"} FieldName */

/** @type {Record<string, FieldName>} */
const MARK_KEYS = { o: "onset", a: "apex", f: "offset" };

/** @param {Element} root @param {string} selector @returns {HTMLInputElement[]} */
const inputs = (root, selector) => /** @type {HTMLInputElement[]} */ ([...root.querySelectorAll(selector)]);

class Judge {
  /** @type {HTMLElement} the expression that keys apply to */
  #current;
  #index = 0;
  #form;
  #player;

  /** @param {HTMLFormElement} form @param {any} player a `<mer-labeler>` */
  constructor(form, player) {
    this.#form = form;
    this.#player = player;
    this.#current = this.#expressions[0];
    form.addEventListener("change", (event) => this.#didChange(/** @type {HTMLInputElement} */ (event.target)));
    form.addEventListener("focusin", (event) => this.#select(/** @type {Element} */ (event.target).closest("[data-expression]")));
    form.addEventListener("click", this.#didClick);
    document.addEventListener("mer:frame", (event) => this.#didShow(/** @type {CustomEvent} */ (event).detail.index));
    // Capture phase: before the player's own keys, some of which have another meaning here.
    window.addEventListener("keydown", this.#didPressKey, { capture: true });
    this.#select(this.#expressions.find((one) => !one.querySelector("[type=radio]:checked")) ?? this.#current);
  }

  /** @returns {HTMLElement[]} */
  get #expressions() {
    return [.../** @type {NodeListOf<HTMLElement>} */ (this.#form.querySelectorAll("[data-expression]"))];
  }

  /** @param {Element | null} expression */
  #select(expression) {
    if (!(expression instanceof HTMLElement)) return;
    this.#current = expression;
    for (const one of this.#expressions) one.toggleAttribute("data-current", one === expression);
  }

  /** @param {HTMLInputElement} input */
  #didChange(input) {
    const expression = input.closest("[data-expression]");
    if (!expression) return;
    if (input.type === "radio") this.#fill(expression, input);
    else if (input.dataset.field) this.#didEdit(expression, input.dataset.field);
  }

  /** @param {Element} expression @param {HTMLInputElement} choice */
  #fill(expression, choice) {
    const json = choice.value === "average" ? /** @type {HTMLElement} */ (expression).dataset.average : choice.dataset.fill;
    if (!json) return;
    for (const [name, value] of Object.entries(JSON.parse(json))) {
      for (const field of inputs(expression, `[data-field="${name}"]`)) field.value = value === "" && name === "kind" ? field.value : value;
    }
  }

  /** Select "set new marks" after an edit, unless the edit fills a field that the mean leaves open. @param {Element} expression @param {string} name */
  #didEdit(expression, name) {
    const mean = /** @type {HTMLElement} */ (expression).dataset.average;
    const chosen = inputs(expression, "[type=radio]:checked")[0]?.value;
    if (chosen === "average" && mean && JSON.parse(mean)[name] === "") return;
    const manual = inputs(expression, "[value=manual]")[0];
    if (manual) manual.checked = true;
  }

  /** @param {Event} event */
  #didClick = (event) => {
    const button = /** @type {Element} */ (event.target).closest("[data-frame]");
    if (button instanceof HTMLElement) this.#player.goTo(Number(button.dataset.frame));
  };

  /** @param {number} index */
  #didShow(index) {
    this.#index = index;
    for (const button of this.#form.querySelectorAll("[data-frame]")) {
      if (/** @type {HTMLElement} */ (button).dataset.frame === String(index)) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  }

  /** @param {KeyboardEvent} event */
  #didPressKey = (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#handle(event, () => this.#form.requestSubmit());
    if (isTyping(target) || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (/^[1-9]$/.test(key) || key === "m") this.#handle(event, () => this.#choose(key));
    else if (key === "x" && event.shiftKey) this.#handle(event, () => this.#choose("none"));
    else if (key in MARK_KEYS && !event.shiftKey) this.#handle(event, () => this.#set(MARK_KEYS[key]));
    else if (key === "e") this.#handle(event, () => this.#move(event.shiftKey ? -1 : 1));
  };

  /** @param {Event} event @param {() => void} act */
  #handle(event, act) {
    event.preventDefault();
    event.stopImmediatePropagation();
    act();
  }

  /** @param {string} key */
  #choose(key) {
    const choice = inputs(this.#current, `[type=radio][data-key="${key}"]`)[0];
    if (!choice) return this.#say(key === "m" ? "A mean needs two coders." : `There is no coder ${key} for this expression.`);
    choice.checked = true;
    this.#didChange(choice);
    this.#say(`${choice.closest("label")?.firstElementChild?.nextElementSibling?.textContent ?? choice.labels?.[0]?.textContent ?? ""} chosen.`);
    const frame = inputs(this.#current, "[data-field=apex]")[0]?.value;
    if (frame && choice.value !== "none") this.#player.goTo(Number(frame));
  }

  /** @param {FieldName} mark */
  #set(mark) {
    const field = inputs(this.#current, `[data-field="${mark}"]`)[0];
    if (!field) return;
    field.value = String(this.#player.state?.target ?? this.#index);
    this.#didEdit(this.#current, mark);
    this.#say(`${mark[0].toUpperCase()}${mark.slice(1)} set at frame ${field.value}.`);
  }

  /** @param {1 | -1} direction */
  #move(direction) {
    const all = this.#expressions.filter((one) => one.classList.contains("decision"));
    const position = all.indexOf(this.#current);
    const next = all[(position + direction + all.length) % all.length];
    this.#select(next);
    next?.scrollIntoView({ block: "nearest" });
    const [first] = /** @type {NodeListOf<HTMLElement>} */ (next?.querySelectorAll("[data-frame].is-apex") ?? []);
    if (first) this.#player.goTo(Number(first.dataset.frame));
  }

  /** @param {string} sentence */
  #say(sentence) {
    const status = this.#form.querySelector("#judge-status");
    if (status) status.textContent = sentence;
  }
}

/** Draw each coder's frames; if an image does not load, its frame number remains. @param {HTMLFormElement} form */
async function drawFrames(form) {
  const buttons = /** @type {HTMLElement[]} */ ([...form.querySelectorAll("[data-frame]")]);
  if (!buttons.length) return;
  const pack = new FramePack(await requestJson(form.dataset.framesUrl ?? ""));
  /** @type {Map<number, HTMLCanvasElement[]>} */
  const wanted = new Map();
  for (const button of buttons) {
    const canvas = button.querySelector("canvas");
    const index = pack.clamp(Number(button.dataset.frame));
    if (canvas) wanted.set(index, [...(wanted.get(index) ?? []), canvas]);
  }
  await Promise.all([...wanted].map(([index, canvases]) => drawFrame(form.dataset.packUrl ?? "", pack, index, canvases)));
}

/** @param {string} url @param {FramePack} pack @param {number} index @param {HTMLCanvasElement[]} canvases */
async function drawFrame(url, pack, index, canvases) {
  const range = `bytes=${pack.offsets[index]}-${pack.offsets[index + 1] - 1}`;
  const bytes = await (await request(url, { headers: { Range: range } })).arrayBuffer();
  const image = await createImageBitmap(new Blob([bytes], { type: pack.mime }));
  for (const canvas of canvases) {
    canvas.width = Math.min(pack.width, 320);
    canvas.height = Math.round((canvas.width * pack.height) / pack.width);
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  }
  image.close();
}

const form = document.querySelector("form#judge");
const player = document.querySelector("mer-labeler");
if (form instanceof HTMLFormElement && player) {
  new Judge(form, player);
  drawFrames(form).catch(() => {
    const status = form.querySelector("#judge-status");
    if (status) status.textContent = "Cannot load the small images. The player still shows every frame.";
  });
}
