/**
 * The theme: light, dark or the system's. A `<button data-theme-toggle>` cycles through the three.
 * Fires `mer:theme` on `document` when the page's colours change.
 */

/** @typedef {"system" | "light" | "dark"} Theme */

const KEY = "mer.theme";
/** @type {Theme[]} */
const ORDER = ["system", "light", "dark"];
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

/** @returns {Theme} */
export function chosenTheme() {
  const theme = document.documentElement.dataset.theme;
  return theme === "light" || theme === "dark" ? theme : "system";
}

/** @param {Theme} theme */
export function chooseTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Storage is blocked: the choice applies to this page only.
  }
  describeToggles();
  document.dispatchEvent(new CustomEvent("mer:theme"));
}

/** @param {Theme} theme @returns {Theme} */
export function nextTheme(theme) {
  return ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
}

function describeToggles() {
  const theme = chosenTheme();
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.setAttribute("aria-label", `Theme: ${theme}. Switch to ${nextTheme(theme)}`);
    button.setAttribute("data-tip", `Theme: ${theme}`);
    for (const icon of button.querySelectorAll("[data-theme-icon]")) {
      icon.toggleAttribute("hidden", icon.getAttribute("data-theme-icon") !== theme);
    }
  }
}

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  if (target.closest("[data-theme-toggle]")) chooseTheme(nextTheme(chosenTheme()));
});
systemIsDark.addEventListener("change", () => document.dispatchEvent(new CustomEvent("mer:theme")));
describeToggles();
