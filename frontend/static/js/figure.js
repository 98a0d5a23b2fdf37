/**
 * `<mer-figure src="/…/figure.json" label="Confusion matrix" plotly="{% static 'plotly/plotly.min.js' %}">`
 * draws the Plotly JSON found at `src` in the page's theme, with the numbers as a table below.
 * A menu below it downloads it as a file for a paper, which the server draws: `src` answers `?format=svg&columns=1`.
 * Attributes: `height` (px), `no-table`, `empty` (text if there is no data), `lazy` (load when it is scrolled to), `cell` (px: the
 * address gets the number of such panels that fit side by side, as `across`), `point-link` (see figure-links.js), `wide` (a width:
 * where there is less room, the plot scrolls). `state` is loading, ready, empty or failed.
 */
import { followPoints, linkCells } from "./figure-links.js";
import { figureTables, resolveTokens, themedLayout } from "./figure-theme.js";
import { requestJson } from "./http.js";

/** @typedef {import("./figure-theme.js").Figure} Figure */

/** @returns {any} */
const plotly = () => /** @type {any} */ (window).Plotly;

/** @type {Promise<void> | null} */
let loading = null;

/** @param {string} src of plotly.min.js; loaded once, by the page's first figure @returns {Promise<void>} */
function loadPlotly(src) {
  forbidInlineStyles();
  if (plotly()) return Promise.resolve();
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = src;
    script.addEventListener("load", () => resolve());
    script.addEventListener("error", () => {
      loading = null;
      reject(new Error("The chart library could not be loaded."));
    });
    document.head.append(script);
  });
  return loading;
}

/** The ids under which plotly.js 4 looks for its own style sheets before it adds them. */
const STYLE_IDS = ["plotly.js-style-global", "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53"];

/**
 * Let Plotly work under a strict CSP, which forbids <style> elements and style attributes but not the CSSOM. Plotly's static
 * rules are in vendor/plotly/plotly.css (its second style sheet is for tiled maps, which are not used). The style attributes
 * that it sets on SVG elements, without which heat maps blur, are set through the CSSOM. Call it before Plotly loads.
 */
function forbidInlineStyles() {
  if (document.getElementById(STYLE_IDS[0])) return;
  for (const id of STYLE_IDS) {
    const marker = document.createElement("meta");
    marker.id = id;
    marker.className = "no-inline-styles";
    document.head.append(marker);
  }
  SVGElement.prototype.setAttribute = function (name, value) {
    if (name === "style") this.style.cssText = value;
    else Element.prototype.setAttribute.call(this, name, value);
  };
}

/** Plotly's defaults would offer to upload the figure to its own cloud, and would fetch maps from its own server. */
const IN_HOUSE = {
  displaylogo: false,
  showSendToCloud: false,
  showEditInChartStudio: false,
  showLink: false,
  sendData: false,
  plotlyServerURL: "",
  topojsonURL: "about:blank",
  modeBarButtonsToRemove: ["toImage"], // the menu has files for a paper
};

class MerFigure extends HTMLElement {
  static observedAttributes = ["src"];

  /** @type {Figure | null} */
  #figure = null;
  /** @type {AbortController | null} */
  #load = null;
  /** @type {HTMLElement | null} */
  #plot = null;
  #columns = 0;
  #retheme = () => this.#draw();
  #observer = new ResizeObserver(() => {
    if (!this.#figure || !this.#plot?.offsetWidth) return;
    if (this.#columns !== this.#fitting()) this.reload();
    else plotly()?.Plots.resize(this.#plot);
  });
  #waiting = false;
  #sight = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && this.#appear(), { rootMargin: "400px" });

  connectedCallback() {
    if (!this.#plot) this.#build();
    document.addEventListener("mer:theme", this.#retheme);
    this.#observer.observe(this);
    this.#waiting = this.hasAttribute("lazy") && !this.#figure;
    if (!this.#waiting) return void this.reload();
    this.#become("loading", "");
    this.#sight.observe(this);
  }

  disconnectedCallback() {
    document.removeEventListener("mer:theme", this.#retheme);
    this.#observer.disconnect();
    this.#sight.disconnect();
    this.#load?.abort();
    if (this.#plot) plotly()?.purge(this.#plot);
  }

  attributeChangedCallback() {
    if (this.isConnected && this.#plot && !this.#waiting) this.reload();
  }

  #appear() {
    this.#sight.disconnect();
    this.#waiting = false;
    this.reload();
  }

  /** How many panels fit side by side, at least one; 0 if the figure has no panels. */
  #fitting() {
    const cell = Number(this.getAttribute("cell"));
    return cell ? Math.max(1, Math.floor(this.offsetWidth / cell)) : 0;
  }

  /** The address of the figure, with the number of its columns. */
  #address() {
    const src = this.getAttribute("src") ?? "";
    this.#columns = this.#fitting();
    return this.#columns ? `${src}${src.includes("?") ? "&" : "?"}across=${this.#columns}` : src;
  }

  /** Fetch the figure again; the old one stays until the new one is here. */
  async reload() {
    this.#load?.abort();
    const load = (this.#load = new AbortController());
    if (!this.#figure) this.#become("loading", "");
    try {
      const [figure] = await Promise.all([
        requestJson(this.#address(), { signal: load.signal }),
        loadPlotly(this.getAttribute("plotly") ?? ""),
      ]);
      if (load.signal.aborted) return;
      this.#figure = figure;
      await this.#draw();
    } catch (error) {
      if (load.signal.aborted) return;
      this.#figure = null;
      this.#become("failed", `Cannot show the chart. ${/** @type {Error} */ (error).message}`);
    }
  }

  #build() {
    this.#plot = document.createElement("div");
    this.#plot.className = "figure-plot";
    this.#plot.setAttribute("role", "figure");
    this.#plot.setAttribute("aria-label", this.getAttribute("label") ?? "Chart");
    const height = Number(this.getAttribute("height"));
    if (height) this.#plot.style.height = `${height}px`;
    const status = document.createElement("p");
    status.className = "figure-status";
    status.setAttribute("role", "status");
    // the original content is for browsers without scripts
    this.replaceChildren(this.hasAttribute("wide") ? this.#scrolling(this.#plot) : this.#plot, status);
  }

  /** @param {HTMLElement} plot @returns {HTMLElement} a part that scrolls sideways where there is no room for the width in `wide` */
  #scrolling(plot) {
    const scroll = document.createElement("div");
    scroll.className = "figure-scroll";
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", this.getAttribute("label") ?? "Chart");
    plot.style.minWidth = this.getAttribute("wide") ?? "";
    scroll.append(plot);
    return scroll;
  }

  /** @param {"loading" | "ready" | "empty" | "failed"} state @param {string} message */
  #become(state, message) {
    this.setAttribute("state", state);
    this.toggleAttribute("aria-busy", state === "loading");
    const status = /** @type {HTMLElement} */ (this.querySelector(".figure-status"));
    status.textContent = message;
    status.hidden = message === "";
    this.querySelector(".figure-retry")?.remove();
    if (state !== "failed") return;
    const retry = document.createElement("button");
    retry.type = "button";
    retry.className = "button button-small figure-retry";
    retry.textContent = "Try again";
    retry.addEventListener("click", () => this.reload());
    this.append(retry);
  }

  async #draw() {
    if (!this.#figure || !this.#plot) return;
    const notes = this.#figure.notes ?? [];
    if (!this.#figure.data?.length) return this.#become("empty", notes.join(" ") || (this.getAttribute("empty") ?? "No data yet."));
    this.#become("ready", notes.join(" "));
    const { height } = this.#figure.layout ?? {};
    if (height) this.#plot.style.height = `${height}px`; // otherwise a resize would squeeze it into the height before it loaded
    const { token, font } = this.#tokens();
    const layout = themedLayout(this.#figure.layout, token, font);
    // Without a mouse the mode bar would always cover the plot.
    const displayModeBar = matchMedia("(hover: hover)").matches ? "hover" : false;
    const config = { responsive: false, displayModeBar, ...this.#figure.config, ...IN_HOUSE };
    await plotly().react(this.#plot, resolveTokens(this.#figure.data, token), layout, config);
    const link = this.getAttribute("point-link");
    if (link) followPoints(this.#plot, link);
    this.#offerFiles();
    this.#tabulate();
    this.dispatchEvent(new CustomEvent("mer:drawn", { bubbles: true }));
  }

  /** Colours as the browser resolves them here, including light-dark(). */
  #tokens() {
    const probe = document.createElement("span");
    probe.hidden = true;
    this.append(probe);
    const style = getComputedStyle(probe);
    /** @type {Map<string, string>} */
    const known = new Map();
    /** @param {string} name */
    const read = (name) => {
      probe.style.color = `var(${name})`;
      return style.color;
    };
    const names = [...JSON.stringify(this.#figure).matchAll(/var\((--[\w-]+)\)/g)].map(([, name]) => name);
    const ours = ["--line", "--line-strong", "--ink", "--ink-muted", "--page", "--sunken", "--accent", "--below", "--above", ...[1, 2, 3, 4, 5, 6].map((n) => `--data-${n}`)];
    for (const name of [...names, ...ours]) known.set(name, read(name));
    const font = style.fontFamily;
    probe.remove();
    return { token: (/** @type {string} */ name) => known.get(name) ?? "", font };
  }

  #offerFiles() {
    this.querySelector(".figure-files")?.remove();
    const tables = Boolean(this.#figure?.tables?.length);
    this.append(filesMenu(this.getAttribute("src") ?? "", this.getAttribute("label") ?? "", tables));
  }

  /** Offer the numbers. The table is made when it is opened: losses of 68 folds have thousands of cells. */
  #tabulate() {
    if (this.hasAttribute("no-table") || !this.#figure) return;
    const figure = this.#figure;
    const details = document.createElement("details");
    details.className = "figure-table";
    const summary = document.createElement("summary");
    summary.textContent = "Show as table";
    details.append(summary);
    const fill = () => {
      if (details.childElementCount > 1) return;
      details.append(...figureTables(figure).map((table) => tableElement(table, this.getAttribute("label") ?? "")));
      const link = this.getAttribute("point-link");
      if (link) linkCells(details, figure.data, link);
    };
    details.addEventListener("toggle", fill);
    details.open = this.querySelector("details.figure-table")?.hasAttribute("open") ?? false;
    if (details.open) fill();
    this.querySelector("details.figure-table")?.remove();
    this.append(details);
  }
}

/** Files of a chart at the widths of the columns of journals, as the server draws them, and of its numbers. */
const DRAWINGS = Object.freeze(["svg", "pdf", "png"]);
const GROUPS = Object.freeze([
  { title: "One column, 88 mm", formats: DRAWINGS, query: "&columns=1", numbers: false },
  { title: "Two columns, 180 mm", formats: DRAWINGS, query: "&columns=2", numbers: false },
  { title: "Its numbers", formats: ["csv", "tex", "md"], query: "", numbers: true },
]);

/** @param {string} src @param {string} label of the figure @param {boolean} numbers @returns {HTMLElement} files to download */
function filesMenu(src, label, numbers) {
  const menu = document.createElement("details");
  menu.className = "menu menu-end figure-files";
  const summary = document.createElement("summary");
  summary.textContent = "Download";
  if (label) summary.setAttribute("aria-label", `Download: ${label}`);
  const panel = document.createElement("div");
  panel.className = "menu-panel";
  for (const group of GROUPS.filter((group) => numbers || !group.numbers)) {
    const title = document.createElement("p");
    title.className = "menu-label";
    title.textContent = group.title;
    panel.append(title);
    for (const format of group.formats) {
      const link = document.createElement("a");
      link.href = `${src}${src.includes("?") ? "&" : "?"}format=${format}${group.query}`;
      link.download = "";
      link.textContent = format.toUpperCase();
      link.setAttribute("aria-label", `${format.toUpperCase()}, ${group.title}`);
      panel.append(link);
    }
  }
  menu.append(summary, panel);
  return menu;
}

/** @param {import("./figure-theme.js").PlainTable} table @param {string} label @returns {HTMLElement} */
function tableElement({ caption, header, rows }, label) {
  const wrap = document.createElement("div");
  wrap.className = "table-wrap";
  wrap.tabIndex = 0;
  wrap.setAttribute("role", "region");
  wrap.setAttribute("aria-label", [label, caption].filter(Boolean).join(": ") || "Numbers");
  const table = document.createElement("table");
  table.className = "table";
  if (caption) table.createCaption().textContent = caption;
  const head = table.createTHead().insertRow();
  header.forEach((text, i) => head.append(tableCell("th", text, "col", i > 0)));
  const body = table.createTBody();
  for (const row of rows) {
    const tr = body.insertRow();
    row.forEach((text, i) => tr.append(tableCell(i === 0 ? "th" : "td", text, i === 0 ? "row" : "", i > 0)));
  }
  wrap.append(table);
  return wrap;
}

/** @param {"th" | "td"} tag @param {string} text @param {string} scope @param {boolean} number */
function tableCell(tag, text, scope, number) {
  const element = document.createElement(tag);
  element.textContent = text;
  if (scope) element.setAttribute("scope", scope);
  if (number) element.className = "num";
  return element;
}

customElements.define("mer-figure", MerFigure);
