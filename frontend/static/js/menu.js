/** Closes an open `<details class="menu">` on Escape, on a click elsewhere and when the focus leaves it. */

/** @param {EventTarget | null} except the menus that hold this node stay open */
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!(except instanceof Node && menu.contains(except))) menu.removeAttribute("open");
  }
}

document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("focusin", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.menu[open]");
  if (!open) return;
  const summary = open.querySelector("summary");
  if (open.contains(document.activeElement)) summary?.focus();
  open.removeAttribute("open");
});
