/** The labeler's markup, without data. */
import { ACTIONS } from "./keys/actions.js";
import { MARKS } from "./coding/marks.js";

/** @typedef {import("./keys/actions.js").ActionName} ActionName */

const SPRITE = new URL("../../icons/icons.svg", import.meta.url).href;

/** @param {string} name */
export const icon = (name) => `<svg class="icon" aria-hidden="true"><use href="${SPRITE}#${name}"></use></svg>`;

/** @param {ActionName} name */
const action = (name) => /** @type {import("./keys/actions.js").Action} */ (ACTIONS.find((candidate) => candidate.name === name));

/** @param {ActionName} name @param {string} symbol @param {string} [extra] attributes */
function iconButton(name, symbol, extra = "") {
  const { label } = action(name);
  return `<button type="button" class="button button-icon" data-action="${name}" aria-label="${label}" data-tip="${label}" ${extra}>${icon(symbol)}</button>`;
}

/** @param {ActionName} name @param {string} text @param {string} symbol @param {string} [extra] */
function textButton(name, text, symbol, extra = "") {
  return `<button type="button" class="button" data-action="${name}" ${extra}>${icon(symbol)}${text} ${key(name)}</button>`;
}

/** The element that shows the action's key, filled in by key-hints.js. @param {ActionName} name */
const key = (name) => `<kbd data-key="${name}" aria-hidden="true"></kbd>`;

/** @param {import("./coding/marks.js").MarkName} name */
function markRow(name) {
  const title = name[0].toUpperCase() + name.slice(1);
  return `
    <li class="mark is-${name}" data-mark="${name}">
      <span class="mark-name">${title}</span>
      <button type="button" class="mark-frame" data-go="${name}" disabled><span><span class="mark-index">–</span> <small></small></span><small>not set</small></button>
      <button type="button" class="button button-small" data-action="${name}" data-writes>Set here<span class="visually-hidden">: ${name}</span> ${key(name)}</button>
      <button type="button" class="button button-small button-icon button-ghost" data-action="clear-${name}" data-writes aria-label="Clear ${name}" disabled>${icon("close")}</button>
    </li>`;
}

/** @param {ActionName} name @param {string} text */
const modeButton = (name, text) => `<button type="button" class="button button-small" data-action="${name}" aria-pressed="false">${text} ${key(name)}</button>`;

const MOTION = `
  <div class="motion" role="group" aria-label="Motion display" data-mode="plain">
    <div class="motion-modes">${modeButton("magnify", "Magnify")}${modeButton("difference", "Difference")}${modeButton("flow", "Flow")}</div>
    <div class="motion-settings">
      <label>Factor <output></output><input type="range" data-motion="factor" min="1" max="50" step="1"></label>
      <label class="motion-smoothing">Smoothing <output></output><input type="range" data-motion="smoothing" min="0" max="8" step="0.5"></label>
      <p class="motion-legend" aria-hidden="true"><span>darker</span><i></i><span>brighter</span></p>
      <p><span data-motion="reference"></span> <button type="button" class="button button-small" data-action="reference">Use this frame</button></p>
      <p data-motion="status" role="status"></p>
    </div>
  </div>`;

const CURVES = ["face", "brows", "eyes", "nose", "mouth"];

const PLAYER = `
  <div class="labeler-stage">
    <div class="labeler-viewport"><div class="labeler-image"><canvas class="labeler-canvas" role="img" aria-label="Current frame"></canvas></div></div>
    ${MOTION}
    <p class="labeler-message" data-message hidden></p>
    <p class="labeler-overlay" role="status"></p>
  </div>
  <div class="labeler-readout"><dl>
    <div><dt>Frame</dt><dd class="is-index"><span data-readout="index">–</span> <small>of 0 to <span data-readout="last">–</span></small></dd></div>
    <div><dt>Source frame</dt><dd class="is-source" data-readout="source">–</dd></div>
    <div><dt>Time</dt><dd class="is-time"><span data-readout="time">–</span> <small>ms</small></dd></div>
  </dl><p class="labeler-pending" data-readout="pending" hidden></p>
    <div class="labeler-view">
      <div class="button-group">${iconButton("zoom-out", "zoom-out")}${iconButton("region", "face")}${iconButton("zoom-in", "zoom-in")}</div>
      <button type="button" class="button button-ghost" data-action="size"><span data-readout="size">Fit</span> ${key("size")}</button>
    </div>
    <div class="timeline-legend" role="group" aria-label="Motion curves">
      ${CURVES.map((name) => `<button type="button" class="button button-small button-ghost is-${name}" data-curve="${name}" aria-pressed="false">${name[0].toUpperCase()}${name.slice(1)}</button>`).join("")}
      <div class="button-group"><button type="button" class="button button-small" data-timeline="out" aria-label="Zoom out of the timeline" disabled>−</button><button type="button" class="button button-small" data-timeline="in" aria-label="Zoom into the timeline">+</button></div>
    </div>
  </div>
  <div class="timeline" role="slider" tabindex="0" aria-label="Timeline" aria-valuemin="0" aria-valuemax="0" aria-valuenow="0">
    <canvas aria-hidden="true"></canvas>
    <div class="timeline-playhead"></div>
  </div>
  <div class="labeler-controls" role="group" aria-label="Player">
    <div class="button-group">${iconButton("first", "first")}${iconButton("back-ten", "previous-ten")}${iconButton("back", "previous")}${iconButton("play-back", "play-back", 'aria-pressed="false"')}${iconButton("play", "play", 'aria-pressed="false"')}${iconButton("forward", "next")}${iconButton("forward-ten", "next-ten")}${iconButton("last", "last")}</div>
    <div class="button-group labeler-speed">${iconButton("slower", "slower")}<output class="button" aria-label="Speed" data-readout="speed">1×</output>${iconButton("faster", "faster")}</div>
    ${textButton("loop", "Loop", "loop", 'aria-pressed="false"')}
    ${textButton("flip", "Flip", "flip", 'aria-pressed="false"')}
    ${textButton("go-to", "Go to", "go-to")}
    <button type="button" class="button button-ghost" data-crisp aria-pressed="false">Crisp pixels</button>
    ${iconButton("help", "help")}
  </div>`;

/** @param {number} value */
const confidence = (value) =>
  `<button type="button" class="button button-small" data-confidence="${value}" data-writes aria-pressed="false" aria-label="Confidence ${value} of 5">${value}</button>`;

const PANEL = `
  <div class="labeler-save" data-state="loading">
    <span class="badge" data-save-badge>Loading</span>
    <span class="labeler-complete" data-complete></span>
    <span class="button-group">${iconButton("undo", "undo", "data-writes")}${iconButton("redo", "redo", "data-writes")}</span>
    <p data-save-message hidden></p>
    <div class="row" data-save-actions hidden></div>
  </div>
  <div class="expressions">
    <div class="expressions-head"><h2>Expressions</h2>
      <button type="button" class="button button-small" data-action="accept" data-suggestions data-writes hidden><span><span class="visually-hidden">Accept the nearest of </span><span data-open></span></span> ${key("accept")}</button>
      <button type="button" class="button button-small button-ghost" data-action="new-expression" data-tip="New expression" aria-label="New expression" data-writes>${icon("plus")}New</button>
    </div>
    <ol class="expression-list" data-expressions aria-label="Expressions"></ol>
  </div>
  <ul class="marks" aria-label="Marks">${MARKS.map(markRow).join("")}</ul>
  <p class="labeler-span num" data-span></p>
  <fieldset class="labeler-emotions"><legend>Emotion <button type="button" class="button button-small button-ghost" data-action="add-emotion" hidden>Add emotion</button></legend><div data-emotions></div>
    <p class="help" data-unlisted></p><p class="errors" data-error="emotion" hidden></p>
  </fieldset>
  <div class="labeler-kind" role="group" aria-labelledby="labeler-kind">
    <span id="labeler-kind">Kind ${key("kind")}</span>
    <div class="button-group">
      <button type="button" class="button button-small" data-kind="micro" data-writes aria-pressed="true">Micro</button>
      <button type="button" class="button button-small" data-kind="macro" data-writes aria-pressed="false">Macro</button>
    </div>
    <span class="help" data-kind-hint></span>
  </div>
  <div class="labeler-kind" role="group" aria-labelledby="labeler-confidence">
    <span id="labeler-confidence">Confidence ${key("confidence-1")}<small aria-hidden="true">–</small>${key("confidence-5")}</span>
    <div class="button-group">${[1, 2, 3, 4, 5].map(confidence).join("")}</div>
    <p class="errors" data-error="confidence" hidden></p>
  </div>
  <div class="field is-inline">
    <label for="labeler-action-units"><span class="visually-hidden">Action </span>Units ${key("action-units")}</label>
    <div class="labeler-units-field">
      <input id="labeler-action-units" data-field="action_units" type="text" maxlength="200" autocomplete="off" spellcheck="false" placeholder="4+L10+R12A" aria-describedby="labeler-unit-names" data-writes>
      <button type="button" class="button button-small" data-action="pick-action-units" data-writes>Pick<span class="visually-hidden"> action units</span> ${key("pick-action-units")}</button>
    </div>
    <p class="help" id="labeler-unit-names" data-unit-names></p>
    <p class="errors" data-error="action_units" hidden></p>
  </div>
  <div class="field is-inline">
    <label for="labeler-note">Note ${key("note")}</label>
    <textarea id="labeler-note" data-field="note" rows="1" maxlength="2000" data-writes></textarea>
    <p class="errors" data-error="note" hidden></p>
  </div>
  <div class="labeler-footer">
    ${iconButton("delete-expression", "trash")}${iconButton("history", "history")}
    <button type="button" class="button button-primary" data-action="done" data-writes>Done, next clip ${key("done")}</button>
  </div>`;

/** @returns {string} */
export const labelerMarkup = () => `
  <div class="labeler-player">${PLAYER}</div>
  <section class="labeler-panel" aria-label="Coding" tabindex="-1">${PANEL}</section>
  <p class="visually-hidden" data-live aria-live="polite"></p>`;
