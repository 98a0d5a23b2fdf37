/**
 * Keeps what is typed into a form from the moment it is sent until the server has taken it, so that an ended session, a lost
 * connection or a failure loses nothing. The server says that it has taken a form by a cookie (`mer_platform/forms_kept.py`).
 * Entries stay in this tab; passwords and files are never kept. A form with `data-keep="no"` is left alone.
 */

const KEY = "mer:sent-form";
const TAKEN = "mer_form_taken";

/** @typedef {{path: string, action: string, entries: [string, string][], files: string[]}} Kept */

/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Control */

/** @param {HTMLFormElement} form @returns {Control[]} the controls that are kept */
function controls(form) {
  const skipped = new Set(["password", "file", "submit", "button", "image", "reset", "hidden"]);
  const all = /** @type {Control[]} */ ([...form.elements].filter((element) => "name" in element && element.getAttribute("name")));
  return all.filter((control) => !skipped.has(control.type));
}

/** @param {HTMLFormElement} form @returns {boolean} */
function isKept(form) {
  return form.method === "post" && form.dataset.keep !== "no" && !form.querySelector("input[type=password]") && controls(form).length > 0;
}

/** @param {HTMLFormElement} form */
function keep(form) {
  /** @type {[string, string][]} */
  const entries = [];
  for (const control of controls(form)) {
    if (control instanceof HTMLInputElement && ["checkbox", "radio"].includes(control.type)) {
      if (control.checked) entries.push([control.name, control.value]);
    } else if (control instanceof HTMLSelectElement) {
      for (const option of control.selectedOptions) entries.push([control.name, option.value]);
    } else {
      entries.push([control.name, control.value]);
    }
  }
  const inputs = /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("input[type=file]"));
  const files = [...inputs].flatMap((input) => [...(input.files ?? [])].map((file) => file.name));
  /** @type {Kept} */
  const kept = { path: location.pathname, action: form.action, entries, files };
  try {
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // The storage is full or switched off: the form is sent all the same.
  }
}

/** @returns {Kept | null} */
function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}

function forget() {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Nothing is kept without a storage.
  }
}

/** @param {HTMLFormElement} form @param {Kept} kept */
function restore(form, kept) {
  for (const control of controls(form)) {
    const own = kept.entries.filter(([name]) => name === control.name).map(([, value]) => value);
    if (control instanceof HTMLInputElement && ["checkbox", "radio"].includes(control.type)) {
      control.checked = own.includes(control.value);
    } else if (control instanceof HTMLSelectElement) {
      for (const option of control.options) option.selected = own.includes(option.value);
    } else {
      const position = controls(form).filter((other) => other.name === control.name).indexOf(control);
      if (own[position] !== undefined) control.value = own[position];
    }
    control.dispatchEvent(new Event("input", { bubbles: true }));
    control.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

/** @param {HTMLFormElement} form @param {Kept} kept */
function announce(form, kept) {
  const note = document.createElement("div");
  note.className = "alert is-info kept-form";
  note.setAttribute("role", "status");
  const text = document.createElement("p");
  const files = kept.files.length ? ` Choose these files again: ${kept.files.join(", ")}.` : "";
  text.textContent = `Your entries were not saved, but they are kept: check them and send the form again.${files}`;
  const discard = document.createElement("button");
  discard.type = "button";
  discard.className = "button button-small";
  discard.textContent = "Discard them";
  discard.addEventListener("click", () => {
    forget();
    location.reload();
  });
  note.append(text, discard);
  form.before(note);
}

function start() {
  if (document.cookie.split("; ").includes(`${TAKEN}=1`)) {
    document.cookie = `${TAKEN}=; max-age=0; path=/; samesite=lax`;
    forget();
  }
  const kept = read();
  if (kept?.path === location.pathname) {
    const form = [...document.forms].find((candidate) => isKept(candidate) && candidate.action === kept.action);
    if (form) {
      restore(form, kept);
      announce(form, kept);
    }
  }
  // On the window, after handlers that stop the event because they send the form themselves or ask first.
  addEventListener("submit", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (!event.defaultPrevented && isKept(form)) keep(form);
  });
}

start();
