/** Which part of the image is visible: all of it, a region of the face, or a part chosen with pointer and keys. */

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box image px */
/** @typedef {{width: number, height: number}} Size */
/** @typedef {{scale: number, x: number, y: number}} Placement scale: CSS px per image px; x, y: the image's top left corner in the viewport, CSS px */

/** Largest zoom: device pixels per image pixel. */
const MAX_ZOOM = 16;
const STEP = Math.SQRT2;

/** Parts of a face box (dlib's, from brows to chin): left, top, right and bottom as shares of the box. */
export const REGIONS = Object.freeze([
  { name: "the face", share: [-0.2, -0.3, 1.2, 1.15] },
  { name: "brows and eyes", share: [-0.02, -0.12, 1.02, 0.48] },
  { name: "the nose", share: [0.15, 0.25, 0.85, 0.75] },
  { name: "the mouth", share: [0.08, 0.58, 0.92, 1.05] },
]);

/** @param {Box} face @param {readonly number[]} share @returns {Box} */
export function partOf(face, [left, top, right, bottom]) {
  const [width, height] = [face.right - face.left, face.bottom - face.top];
  return { left: face.left + left * width, top: face.top + top * height, right: face.left + right * width, bottom: face.top + bottom * height };
}

/** @param {Size} image @param {Size} viewport @returns {number} CSS px per image px at which the whole image is visible */
export const fitScale = (image, viewport) => Math.min(viewport.width / image.width, viewport.height / image.height);

/** @param {Box} box @param {Size} viewport @param {number} most largest scale @returns {Placement} the box centred and as large as possible */
export function placeBox(box, viewport, most) {
  const scale = Math.min(viewport.width / (box.right - box.left), viewport.height / (box.bottom - box.top), most);
  const x = viewport.width / 2 - ((box.left + box.right) / 2) * scale;
  const y = viewport.height / 2 - ((box.top + box.bottom) / 2) * scale;
  return { scale, x, y };
}

/** @param {Placement} placement @param {Size} image @param {Size} viewport @returns {Placement} without an empty border where the image could fill it */
export function keepInside({ scale, x, y }, image, viewport) {
  /** @param {number} at @param {number} length @param {number} room */
  const along = (at, length, room) => (length <= room ? (room - length) / 2 : Math.min(Math.max(at, room - length), 0));
  return { scale, x: along(x, image.width * scale, viewport.width), y: along(y, image.height * scale, viewport.height) };
}

/** @param {Placement} placement @param {number} scale @param {number} atX CSS px in the viewport of the point that stays @param {number} atY */
export function zoomAbout({ scale: before, x, y }, scale, atX, atY) {
  const ratio = scale / before;
  return { scale, x: atX - (atX - x) * ratio, y: atY - (atY - y) * ratio };
}

export class Zoom {
  /** @type {Placement | null} null: the whole image, at any viewport size */
  #placed = null;
  #region = -1;
  #whole = false;
  /** @type {Map<number, PointerEvent>} pointers down on the image */
  #pointers = new Map();
  #viewport;
  #image;
  #size;
  #onchange;

  /**
   * @param {object} options
   * @param {HTMLElement} options.viewport @param {HTMLElement} options.image inside the viewport, holds the canvas
   * @param {Size} options.size of the image, px
   * @param {AbortSignal} options.signal closes it
   * @param {(text: string) => void} [options.onchange] called with a description of the visible part
   */
  constructor({ viewport, image, size, signal, onchange = () => {} }) {
    this.#viewport = viewport;
    this.#image = image;
    this.#size = size;
    this.#onchange = onchange;
    viewport.addEventListener("wheel", this.#didWheel, { passive: false, signal });
    viewport.addEventListener("dblclick", () => this.reset(), { signal });
    viewport.addEventListener("pointerdown", this.#didPress, { signal });
    viewport.addEventListener("pointermove", this.#didMove, { signal });
    for (const end of ["pointerup", "pointercancel"]) viewport.addEventListener(end, this.#didRelease, { signal });
    this.apply();
  }

  /** @returns {boolean} whether less than the whole image is visible */
  get zoomed() {
    return this.#placed !== null;
  }

  /** Place the image. Call it when the viewport's size has changed. */
  apply() {
    const { scale, x, y } = this.#current;
    const { style } = this.#image;
    style.width = `${this.#size.width * scale}px`;
    style.height = `${this.#size.height * scale}px`;
    style.translate = `${x}px ${y}px`;
    this.#viewport.classList.toggle("is-zoomed", this.zoomed);
    this.#onchange(this.#describe(scale));
  }

  reset() {
    this.#region = -1;
    this.#set(null);
  }

  /** @param {1 | -1} direction in or out, about the centre */
  step(direction) {
    const { width, height } = this.#room;
    this.#about(direction > 0 ? STEP : 1 / STEP, width / 2, height / 2);
  }

  /** @param {number} right @param {number} down shares of the visible part */
  pan(right, down) {
    const { scale, x, y } = this.#current;
    const { width, height } = this.#room;
    if (this.zoomed) this.#set({ scale, x: x - right * width, y: y - down * height });
  }

  /** Show the next of: the face, brows and eyes, the nose, the mouth, the whole image. @param {Box} face */
  nextRegion(face) {
    this.#region++;
    if (this.#region >= REGIONS.length) return this.reset();
    this.#set(placeBox(partOf(face, REGIONS[this.#region].share), this.#room, this.#maxScale));
  }

  /** Switch between fitting the view and whole multiples of device pixels. @returns {boolean} */
  nextSize() {
    this.#whole = !this.#whole;
    this.reset();
    return this.#whole;
  }

  /** @returns {Size} CSS px */
  get #room() {
    return { width: this.#viewport.clientWidth, height: this.#viewport.clientHeight };
  }

  /** Largest scale, CSS px per image px. */
  get #maxScale() {
    return Math.max(MAX_ZOOM / devicePixelRatio, this.#fit * 1.01);
  }

  get #fit() {
    const scale = fitScale(this.#size, this.#room);
    return this.#whole ? Math.max(1, Math.floor(scale * devicePixelRatio)) / devicePixelRatio : scale;
  }

  /** @returns {Placement} */
  get #current() {
    return keepInside(this.#placed ?? { scale: this.#fit, x: 0, y: 0 }, this.#size, this.#room);
  }

  /** @param {Placement | null} placement */
  #set(placement) {
    this.#placed = placement && placement.scale > this.#fit * 1.001 ? keepInside(placement, this.#size, this.#room) : null;
    this.apply();
  }

  /** @param {number} factor @param {number} x @param {number} y */
  #about(factor, x, y) {
    this.#region = -1;
    const placement = this.#current;
    this.#set(zoomAbout(placement, Math.min(placement.scale * factor, this.#maxScale), x, y));
  }

  /** @param {number} scale @returns {string} */
  #describe(scale) {
    if (!this.zoomed) return this.#whole ? "Whole pixels" : "Fit";
    return this.#region >= 0 ? REGIONS[this.#region].name : `${Math.round(scale * devicePixelRatio * 100)}%`;
  }

  /** @param {{clientX: number, clientY: number}} event @returns {[x: number, y: number]} in the viewport */
  #at({ clientX, clientY }) {
    const { left, top } = this.#viewport.getBoundingClientRect();
    return [clientX - left, clientY - top];
  }

  /** Zoom. A touchpad's pinch arrives as a wheel event with Ctrl. @param {WheelEvent} event */
  #didWheel = (event) => {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 32 : 1);
    this.#about(2 ** (-pixels / (event.ctrlKey ? 100 : 400)), ...this.#at(event));
  };

  /** @param {PointerEvent} event */
  #didPress = (event) => {
    if (event.button !== 0 && event.pointerType === "mouse") return;
    this.#pointers.set(event.pointerId, event);
    this.#viewport.setPointerCapture(event.pointerId);
  };

  /** Drag with one pointer; pinch with two. @param {PointerEvent} event */
  #didMove = (event) => {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, event);
    const { scale, x, y } = this.#current;
    if (!other) {
      if (this.zoomed) this.#set({ scale, x: x + event.clientX - before.clientX, y: y + event.clientY - before.clientY });
      return;
    }
    /** @param {PointerEvent} one */
    const apart = (one) => Math.max(Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY), 1);
    const middle = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 };
    this.#about(apart(event) / apart(before), ...this.#at(middle));
  };

  /** @param {Event} event */
  #didRelease = (event) => {
    this.#pointers.delete(/** @type {PointerEvent} */ (event).pointerId);
  };
}
