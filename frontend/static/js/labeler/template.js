/** The labeler's markup, without any of its data. */
import { ACTIONS, keyLabel } from "./keymap.js";
import { MARKS } from "./marks.js";

/** @typedef {import("./keymap.js").ActionName} ActionName */

const SPRITE = new URL("../../icons/icons.svg", import.meta.url).href;

/** @param {string} name */
export const icon = (name) => `<svg class="icon" aria-hidden="true"><use href="${SPRITE}#${name}"></use></svg>`;

/** @param {ActionName} name */
const action = (name) => /** @type {import("./keymap.js").Action} */ (ACTIONS.find((candidate) => candidate.name === name));

/** @param {ActionName} name @param {string} symbol @param {string} [extra] attributes */
function iconButton(name, symbol, extra = "") {
  const { label, keys } = action(name);
  return `<button type="button" class="button button-icon" data-action="${name}" aria-label="${label}" data-tip="${label} (${keyLabel(keys[0])})" ${extra}>${icon(symbol)}</button>`;
}

/** @param {ActionName} name @param {string} text @param {string} symbol @param {string} [extra] */
function textButton(name, text, symbol, extra = "") {
  const { keys } = action(name);
  return `<button type="button" class="button" data-action="${name}" ${extra}>${icon(symbol)}${text} <kbd aria-hidden="true">${keyLabel(keys[0])}</kbd></button>`;
}

/** @param {import("./marks.js").MarkName} name */
function markRow(name) {
  const title = name[0].toUpperCase() + name.slice(1);
  return `
    <li class="mark is-${name}" data-mark="${name}">
      <span class="mark-name">${title}</span>
      <button type="button" class="mark-frame" data-go="${name}" disabled><span><span class="mark-index">–</span> <small></small></span><small>not set</small></button>
      <button type="button" class="button button-small" data-action="${name}" data-writes>Set here<span class="visually-hidden">: ${name}</span> <kbd aria-hidden="true">${keyLabel(action(name).keys[0])}</kbd></button>
      <button type="button" class="button button-small button-icon button-ghost" data-action="clear-${name}" data-writes aria-label="Clear ${name}" disabled>${icon("close")}</button>
    </li>`;
}

/** @param {ActionName} name @param {string} text */
const modeButton = (name, text) => `<button type="button" class="button button-small" data-action="${name}" aria-pressed="false">${text} <kbd aria-hidden="true">${keyLabel(action(name).keys[0])}</kbd></button>`;

const MOTION = `
  <div class="motion" role="group" aria-label="Seeing motion" data-mode="plain">
    <div class="motion-modes">${modeButton("magnify", "Magnify")}${modeButton("difference", "Difference")}${modeButton("flow", "Flow")}</div>
    <div class="motion-settings">
      <label>Factor <output></output><input type="range" data-motion="factor" min="1" max="50" step="1"></label>
      <label class="motion-smoothing">Smoothing <output></output><input type="range" data-motion="smoothing" min="0" max="8" step="0.5"></label>
      <p class="motion-legend" aria-hidden="true"><span>darker</span><i></i><span>brighter</span></p>
      <p><span data-motion="reference"></span> <button type="button" class="button button-small" data-action="reference">Take this frame</button></p>
      <p data-motion="status" role="status"></p>
    </div>
  </div>`;

const CURVES = ["face", "brows", "eyes", "nose", "mouth"];

const PLAYER = `
  <div class="labeler-stage">
    <div class="labeler-viewport"><canvas class="labeler-canvas" role="img" aria-label="The frame of the clip"></canvas></div>
    ${MOTION}
    <p class="labeler-message" data-message hidden></p>
    <p class="labeler-overlay" role="status"></p>
  </div>
  <div class="labeler-readout"><dl>
    <div><dt>Frame</dt><dd class="is-index"><span data-readout="index">–</span> <small>of 0 to <span data-readout="last">–</span></small></dd></div>
    <div><dt>Source frame</dt><dd class="is-source" data-readout="source">–</dd></div>
    <div><dt>Time</dt><dd class="is-time"><span data-readout="time">–</span> <small>ms</small></dd></div>
  </dl><p class="labeler-pending" data-readout="pending" hidden></p>
    <div class="timeline-legend" role="group" aria-label="Curves of motion">
      ${CURVES.map((name) => `<button type="button" class="button button-small button-ghost is-${name}" data-curve="${name}" aria-pressed="false">${name[0].toUpperCase()}${name.slice(1)}</button>`).join("")}
      <div class="button-group"><button type="button" class="button button-small" data-timeline="out" aria-label="Timeline wider" disabled>−</button><button type="button" class="button button-small" data-timeline="in" aria-label="Timeline closer">+</button></div>
    </div>
  </div>
  <div class="timeline" role="slider" tabindex="0" aria-label="Timeline" aria-valuemin="0" aria-valuemax="0" aria-valuenow="0">
    <canvas aria-hidden="true"></canvas>
    <div class="timeline-playhead"></div>
  </div>
  <div class="labeler-controls" role="group" aria-label="Player">
    <div class="button-group">${iconButton("first", "first")}${iconButton("back-ten", "previous-ten")}${iconButton("back", "previous")}${iconButton("play", "play", 'aria-pressed="false"')}${iconButton("forward", "next")}${iconButton("forward-ten", "next-ten")}${iconButton("last", "last")}</div>
    <div class="button-group labeler-speed">${iconButton("slower", "slower")}<output class="button" aria-label="Speed" data-readout="speed">1×</output>${iconButton("faster", "faster")}</div>
    ${textButton("loop", "Loop", "loop", 'aria-pressed="false"')}
    ${textButton("go-to", "Go to", "go-to")}
    <div class="labeler-view">
      <button type="button" class="button button-ghost" data-action="size"><span data-readout="size">Fit</span> <kbd aria-hidden="true">Z</kbd></button>
      <button type="button" class="button button-ghost" data-crisp aria-pressed="false">Crisp pixels</button>
      ${iconButton("help", "help")}
    </div>
  </div>`;

const PANEL = `
  <div class="labeler-save" data-state="loading">
    <span class="badge" data-save-badge>Loading</span>
    <span class="labeler-complete" data-complete></span>
    <p data-save-message hidden></p>
    <div class="row" data-save-actions hidden></div>
  </div>
  <ul class="marks" aria-label="Marks">${MARKS.map(markRow).join("")}</ul>
  <p class="labeler-span num" data-span></p>
  <fieldset class="labeler-emotions"><legend>Emotion</legend><div data-emotions></div>
    <p class="help" data-stray></p><p class="errors" data-error="emotion" hidden></p>
  </fieldset>
  <div class="labeler-kind" role="group" aria-labelledby="labeler-kind">
    <span id="labeler-kind">Kind <kbd aria-hidden="true">K</kbd></span>
    <div class="button-group">
      <button type="button" class="button button-small" data-kind="micro" data-writes aria-pressed="true">Micro</button>
      <button type="button" class="button button-small" data-kind="macro" data-writes aria-pressed="false">Macro</button>
    </div>
    <span class="help" data-kind-hint></span>
  </div>
  <div class="field">
    <label for="labeler-action-units">Action units <kbd aria-hidden="true">U</kbd></label>
    <input id="labeler-action-units" data-field="action_units" type="text" maxlength="80" autocomplete="off" spellcheck="false" placeholder="4+L10, R12A+14" data-writes>
    <p class="errors" data-error="action_units" hidden></p>
  </div>
  <div class="field">
    <label for="labeler-note">Note <kbd aria-hidden="true">T</kbd></label>
    <textarea id="labeler-note" data-field="note" rows="2" maxlength="2000" data-writes></textarea>
    <p class="errors" data-error="note" hidden></p>
  </div>
  <div class="labeler-footer"><button type="button" class="button button-small button-ghost" data-remove data-writes disabled>${icon("trash")}Delete coding</button></div>`;

/** @returns {string} */
export const labelerMarkup = () => `
  <div class="labeler-player">${PLAYER}</div>
  <section class="labeler-panel" aria-label="Coding">${PANEL}</section>
  <p class="visually-hidden" data-live aria-live="polite"></p>`;
