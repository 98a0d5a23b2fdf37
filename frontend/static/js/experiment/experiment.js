/** The live page of an experiment: its matrix of folds, and figures that update with the selection and with new results. */
import "./matrix.js";

const SCORED_MS = 8000; // ranking many runs takes the server a second, so not for each of several that end together
const LOSSES_MS = 4000;

/** @param {number} ms @param {() => void} act @returns {() => void} calls it at most every `ms`, and always after the last call */
function atMostEvery(ms, act) {
  let timer = 0;
  let last = -Infinity;
  return () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      last = performance.now();
      act();
    }, Math.max(0, last + ms - performance.now()));
  };
}

/** @param {string} selector */
function reload(selector) {
  for (const figure of document.querySelectorAll(selector)) /** @type {any} */ (figure).reload?.();
}

// <form data-figure="#id">: its controls become the query of the figure's address.
for (const form of document.querySelectorAll("form[data-figure]")) {
  if (!(form instanceof HTMLFormElement)) continue;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => {
    const figure = document.querySelector(form.dataset.figure ?? "");
    const query = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)]));
    figure?.setAttribute("src", `${figure.getAttribute("src")?.split("?")[0]}?${query}`);
  });
}

// A box dragged over the lines from settings to UF1 highlights those that pass through it.
document.querySelector("#parallel")?.addEventListener(
  "mer:drawn",
  ({ currentTarget }) => {
    const figure = /** @type {HTMLElement} */ (currentTarget);
    const plot = /** @type {any} */ (figure.querySelector(".figure-plot"));
    const choice = document.querySelector("#parallel-runs");
    /** @param {{points: {customdata: number}[]} | undefined} selected */
    const highlight = (selected) => {
      if (selected?.points.length === 0) return; // Plotly selects again when it draws other lines
      const runs = [...new Set((selected?.points ?? []).map(({ customdata }) => customdata))];
      if (choice instanceof HTMLSelectElement) choice.value = "";
      const address = figure.getAttribute("src")?.split("?")[0];
      figure.setAttribute("src", runs.length ? `${address}?runs=${runs.join(",")}` : `${address}`);
    };
    plot.on("plotly_selected", highlight); // a double click selects nothing
  },
  { once: true },
);

const showScores = atMostEvery(SCORED_MS, () => {
  document.body.dispatchEvent(new CustomEvent("mer:scored"));
  reload(".is-answer");
});
const showLosses = atMostEvery(LOSSES_MS, () => reload("#losses"));

document.body.addEventListener("mer:newly-scored", showScores);
document.body.addEventListener("mer:folds", (event) => {
  const chosen = document.querySelector("#losses-run");
  const changed = /** @type {CustomEvent<number[]>} */ (event).detail;
  if (chosen instanceof HTMLSelectElement && changed.includes(Number(chosen.value))) showLosses();
});
