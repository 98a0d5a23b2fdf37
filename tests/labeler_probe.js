/**
 * Reads what a coder sees: the frame number on the page and the one burnt into the canvas' pixels, in the same animation frame.
 * Injected before the page's own scripts. models_ml/synthetic/barcode.py documents the code in the pixels.
 */
(() => {
  const BLOCK = 8;
  const COLUMNS = 10;
  const ROWS = 4;
  const copy = document.createElement("canvas");
  copy.width = COLUMNS * BLOCK;
  copy.height = ROWS * BLOCK;
  const context = copy.getContext("2d", { alpha: false, willReadFrequently: true });

  /** The number in the upper left corner of the canvas; -1 if it cannot be read. */
  function burnt() {
    const canvas = document.querySelector(".labeler-canvas");
    if (!canvas) return -1;
    context.drawImage(canvas, 0, 0, copy.width, copy.height, 0, 0, copy.width, copy.height);
    const { data } = context.getImageData(0, 0, copy.width, copy.height);
    const half = (ROWS / 2) * COLUMNS;
    const middles = new Float64Array(ROWS * COLUMNS);
    for (let y = 0; y < copy.height; y++) {
      if (y % BLOCK < 2 || y % BLOCK > 5) continue;
      for (let x = 0; x < copy.width; x++) {
        if (x % BLOCK < 2 || x % BLOCK > 5) continue;
        const at = 4 * (y * copy.width + x);
        middles[Math.floor(y / BLOCK) * COLUMNS + Math.floor(x / BLOCK)] += (data[at] + data[at + 1] + data[at + 2]) / 48;
      }
    }
    let code = 0;
    for (let i = 0; i < half; i++) {
      const contrast = middles[i] - middles[i + half];
      if (Math.abs(contrast) < 60) return -1;
      code = code * 2 + (contrast > 0 ? 1 : 0);
    }
    const number = code >> 4;
    const check = (7 * number + 5 * (number >> 4) + 3 * (number >> 8) + (number >> 12) + 9) % 16;
    return (code & 15) === check ? number : -1;
  }

  const text = (name) => document.querySelector(`[data-readout=${name}]`)?.textContent ?? "";
  const labeler = () => document.querySelector("mer-labeler");

  const probe = {
    /** every frame shown: {at, key, keyAt, index (the event's), shown (on the page), burnt (in the pixels), time} */
    frames: [],
    /** animation frames checked, and those in which number and pixels differed */
    looked: 0,
    wrong: [],
    /** longest time between two animation frames, ms */
    longestGap: 0,
    /** key presses whose frame was not on screen at once */
    waits: 0,
    burnt,
    read: () => ({ shown: Number(text("index")), burnt: burnt(), time: Number(text("time")), source: Number(text("source")) }),
    clear() {
      Object.assign(probe, { frames: [], looked: 0, wrong: [], longestGap: 0, waits: 0 });
    },
  };
  let key = null;
  addEventListener("keydown", (event) => (key = { at: event.timeStamp, key: event.key }), { capture: true });
  // After the page's own listener: does the coder have to wait for the frame of this key press?
  addEventListener("keydown", () => {
    const state = labeler()?.state;
    if (state && state.index !== state.target) probe.waits++;
  });
  addEventListener("mer:frame", ({ detail }) => {
    const frame = { clip: labeler().getAttribute("clip"), index: detail.index, key: key?.key, keyAt: key?.at, painted: 0, ...probe.read(), at: performance.now() };
    probe.frames.push(frame);
    requestAnimationFrame((now) => (frame.painted = Math.max(now, frame.at)));
  });
  let last = 0;
  const look = (now) => {
    if (labeler()?.hasAttribute("ready")) {
      const { shown, burnt: pixels } = probe.read();
      probe.looked++;
      if (last) probe.longestGap = Math.max(probe.longestGap, now - last);
      if (shown !== pixels && probe.wrong.length < 100) probe.wrong.push({ shown, burnt: pixels });
      else if (shown !== pixels) probe.wrong.push(null);
    }
    last = now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);

  const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const press = (name, code = name, shiftKey = false) =>
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: name, code, shiftKey, bubbles: true, cancelable: true }));

  /**
   * A random walk over the clip: steps, jumps, play forward and backward, pauses.
   * @param {{seed: number, actions: number, times: number[] | null}} options times: ms of every frame, to compare with
   * @returns {Promise<{actions: number, compared: number, wrong: object[]}>} wrong: not the requested frame, or number ≠ pixels
   */
  probe.walk = async ({ seed, actions, times }) => {
    let state = seed >>> 0;
    const random = (below) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const element = labeler();
    const last = element.state.count - 1;
    const clamp = (n) => Math.min(Math.max(n, 0), last);
    probe.clear();
    const wrong = [];
    const check = (what, wanted) => {
      const { shown, burnt: pixels, time } = probe.read();
      const late = times && Math.abs(times[shown] - time) > 0.1;
      if (shown !== pixels || late || (wanted !== null && shown !== wanted)) wrong.push({ what, wanted, shown, burnt: pixels, time });
    };
    const arrived = async () => {
      const until = performance.now() + 5000;
      do await nextFrame();
      while (element.state.index !== element.state.target && performance.now() < until);
    };
    const moves = {
      forward: () => [1, () => press("ArrowRight")],
      back: () => [-1, () => press("ArrowLeft")],
      tenForward: () => [10, () => press("ArrowRight", "ArrowRight", true)],
      tenBack: () => [-10, () => press("ArrowLeft", "ArrowLeft", true)],
      first: () => [-Infinity, () => press("Home")],
      last: () => [Infinity, () => press("End")],
    };
    const names = ["forward", "forward", "forward", "back", "back", "tenForward", "tenBack"];
    for (let i = 0; i < actions; i++) {
      const kind = random(20);
      const here = element.state.target;
      if (kind < 13) {
        const name = names[random(names.length)];
        const [by, run] = moves[name]();
        run();
        await arrived();
        check(name, clamp(here + by));
      } else if (kind < 14) {
        const name = random(2) ? "first" : "last";
        const [by, run] = moves[name]();
        run();
        await arrived();
        check(name, clamp(here + by));
      } else if (kind < 18) {
        const wanted = random(last + 1);
        element.goTo(wanted);
        await arrived();
        check("seek", wanted);
      } else {
        const reverse = random(2) === 1;
        if (reverse) press(" ", "Space", true);
        else press(" ", "Space");
        const until = performance.now() + 30 + random(60);
        while (performance.now() < until) {
          await nextFrame();
          check(reverse ? "reverse" : "play", null);
        }
        if (element.state.playing) press(" ", "Space", reverse);
        const { index } = element.state;
        if (reverse ? index > here && here > 0 : index < here && here < last) wrong.push({ what: reverse ? "reverse" : "play", here, index });
        await arrived();
        check("pause", element.state.index);
      }
    }
    return { actions, compared: probe.looked + probe.frames.length, wrong: [...wrong, ...probe.wrong, ...probe.frames.filter((f) => f.shown !== f.burnt || f.index !== f.shown)] };
  };
  window.merProbe = probe;
})();
