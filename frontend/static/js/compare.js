/** The page that compares runs: which part is on screen, and forms that choose what a figure shows. */

// <form data-switch="#id">: the value of its changed control is the address of the figure.
for (const form of document.querySelectorAll("form[data-switch]")) {
  if (!(form instanceof HTMLFormElement)) continue;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", ({ target }) => {
    const control = /** @type {HTMLInputElement | HTMLSelectElement} */ (target);
    document.querySelector(form.dataset.switch ?? "")?.setAttribute("src", control.value);
  });
}

const nav = document.querySelector(".section-nav");
const links = [...(nav?.querySelectorAll("a[href^='#']") ?? [])].map((link) => /** @type {HTMLAnchorElement} */ (link));
const parts = links.map(({ hash }) => document.querySelector(hash));

/** Mark the link of the last part whose top has reached the middle of the screen. */
function mark() {
  const line = window.innerHeight / 3;
  const passed = parts.filter((part) => part && part.getBoundingClientRect().top <= line);
  const atEnd = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 2;
  const current = Math.max(0, (atEnd ? parts.length : passed.length) - 1);
  links.forEach((link, i) => {
    if (i !== current) return link.removeAttribute("aria-current");
    if (link.hasAttribute("aria-current") || !nav) return undefined;
    link.setAttribute("aria-current", "true");
    nav.scrollLeft = link.offsetLeft - nav.clientWidth / 2 + link.offsetWidth / 2;
    return undefined;
  });
}

/** The part that a link or the address names. It stays in place while figures above it grow, until the reader does something else. */
let wanted = location.hash ? (parts.find((part) => part?.id === location.hash.slice(1)) ?? null) : null;
const growth = new ResizeObserver(() => wanted?.scrollIntoView({ behavior: "instant" }));
for (const part of parts) if (part) growth.observe(part);
for (const type of ["wheel", "touchstart", "keydown", "pointerdown"]) addEventListener(type, () => (wanted = null), { passive: true });
nav?.addEventListener("click", ({ target }) => {
  const link = /** @type {Element} */ (target).closest("a");
  wanted = parts[links.findIndex((own) => own === link)] ?? null;
});

let due = 0;
addEventListener(
  "scroll",
  () => {
    cancelAnimationFrame(due);
    due = requestAnimationFrame(mark);
  },
  { passive: true },
);
mark();
