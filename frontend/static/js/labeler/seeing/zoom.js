/** What part of the image is seen: all of it, a region of the face, or what pointer and keys have chosen. Pixels of the image are the unit. */

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box px of the image */
/** @typedef {{width: number, height: number}} Size */
/** @typedef {{scale: number, x: number, y: number}} Placement css px an image px; x, y: where the image's corner lies in the viewport */

/** From the whole image down to so many device pixels an image pixel. */
const CLOSEST = 16;
const STEP = Math.SQRT2;

/** Parts of a face box (dlib's: brows to chin): left, top, right, bottom as shares of it. */
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

/** @param {Size} image @param {Size} viewport @returns {number} css px an image px at which all of it is seen */
export const fitScale = (image, viewport) => Math.min(viewport.width / image.width, viewport.height / image.height);

/** @param {Box} box @param {Size} viewport @param {number} most @returns {Placement} the box in the middle, as large as it can be */
export function placeBox(box, viewport, most) {
  const scale = Math.min(viewport.width / (box.right - box.left), viewport.height / (box.bottom - box.top), most);
  const x = viewport.width / 2 - ((box.left + box.right) / 2) * scale;
  const y = viewport.height / 2 - ((box.top + box.bottom) / 2) * scale;
  return { scale, x, y };
}

/** @param {Placement} place @param {Size} image @param {Size} viewport @returns {Placement} no empty border where there is image to show */
export function keepInside({ scale, x, y }, image, viewport) {
  /** @param {number} at @param {number} length @param {number} room */
  const along = (at, length, room) => (length <= room ? (room - length) / 2 : Math.min(Math.max(at, room - length), 0));
  return { scale, x: along(x, image.width * scale, viewport.width), y: along(y, image.height * scale, viewport.height) };
}

/** @param {Placement} place @param {number} scale @param {number} atX css px in the viewport: what stays under it @param {number} atY */
export function zoomAbout({ scale: before, x, y }, scale, atX, atY) {
  const ratio = scale / before;
  return { scale, x: atX - (atX - x) * ratio, y: atY - (atY - y) * ratio };
}

export class Zoom {
  /** @type {Placement | null} null: all of the image, whatever the viewport's size */
  #place = null;
  #region = -1;
  #whole = false;
  /** @type {Map<number, PointerEvent>} pointers on the image */
  #pointers = new Map();
  #viewport;
  #image;
  #size;
  #onchange;

  /**
   * @param {object} options
   * @param {HTMLElement} options.viewport @param {HTMLElement} options.image inside the viewport, holds the canvas
   * @param {Size} options.size of the image, px
   * @param {AbortSignal} options.signal ends its life
   * @param {(text: string) => void} [options.onchange] what is seen now, in words
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

  /** @returns {boolean} whether less than the whole image is seen */
  get close() {
    return this.#place !== null;
  }

  /** Places the image: call when the viewport's size has changed. */
  apply() {
    const { scale, x, y } = this.#placement;
    const { style } = this.#image;
    style.width = `${this.#size.width * scale}px`;
    style.height = `${this.#size.height * scale}px`;
    style.translate = `${x}px ${y}px`;
    this.#viewport.classList.toggle("is-close", this.close);
    this.#onchange(this.#words(scale));
  }

  reset() {
    this.#region = -1;
    this.#set(null);
  }

  /** @param {1 | -1} direction in or out, about the middle */
  step(direction) {
    const { width, height } = this.#room;
    this.#about(direction > 0 ? STEP : 1 / STEP, width / 2, height / 2);
  }

  /** @param {number} right @param {number} down shares of what is seen */
  pan(right, down) {
    const { scale, x, y } = this.#placement;
    const { width, height } = this.#room;
    if (this.close) this.#set({ scale, x: x - right * width, y: y - down * height });
  }

  /** The next of: the face, brows and eyes, nose, mouth, everything. @param {Box} face */
  nextRegion(face) {
    this.#region++;
    if (this.#region >= REGIONS.length) return this.reset();
    this.#set(placeBox(partOf(face, REGIONS[this.#region].share), this.#room, this.#most));
  }

  /** Fits whole multiples of device pixels, or what fills the stage. @returns {boolean} */
  nextSize() {
    this.#whole = !this.#whole;
    this.reset();
    return this.#whole;
  }

  /** @returns {Size} css px */
  get #room() {
    return { width: this.#viewport.clientWidth, height: this.#viewport.clientHeight };
  }

  /** css px an image px at the closest */
  get #most() {
    return Math.max(CLOSEST / devicePixelRatio, this.#fit * 1.01);
  }

  get #fit() {
    const scale = fitScale(this.#size, this.#room);
    return this.#whole ? Math.max(1, Math.floor(scale * devicePixelRatio)) / devicePixelRatio : scale;
  }

  /** @returns {Placement} */
  get #placement() {
    return keepInside(this.#place ?? { scale: this.#fit, x: 0, y: 0 }, this.#size, this.#room);
  }

  /** @param {Placement | null} place */
  #set(place) {
    this.#place = place && place.scale > this.#fit * 1.001 ? keepInside(place, this.#size, this.#room) : null;
    this.apply();
  }

  /** @param {number} factor @param {number} x @param {number} y */
  #about(factor, x, y) {
    this.#region = -1;
    const place = this.#placement;
    this.#set(zoomAbout(place, Math.min(place.scale * factor, this.#most), x, y));
  }

  /** @param {number} scale @returns {string} */
  #words(scale) {
    if (!this.close) return this.#whole ? "Whole pixels" : "Fit";
    return this.#region >= 0 ? REGIONS[this.#region].name : `${Math.round(scale * devicePixelRatio * 100)} %`;
  }

  /** @param {{clientX: number, clientY: number}} event @returns {[x: number, y: number]} in the viewport */
  #at({ clientX, clientY }) {
    const { left, top } = this.#viewport.getBoundingClientRect();
    return [clientX - left, clientY - top];
  }

  /** A touchpad's pinch comes as a wheel with Ctrl. @param {WheelEvent} event */
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

  /** One pointer drags; two pinch. @param {PointerEvent} event */
  #didMove = (event) => {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, event);
    const { scale, x, y } = this.#placement;
    if (!other) {
      if (this.close) this.#set({ scale, x: x + event.clientX - before.clientX, y: y + event.clientY - before.clientY });
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
