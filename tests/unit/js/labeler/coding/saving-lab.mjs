/** Pages on which expressions are saved to a fake API, on a clock that the tests move. */
import { mock } from "node:test";
import { HttpProblem } from "../../../../../frontend/static/js/http.js";
import { AutoSave } from "../../../../../frontend/static/js/labeler/coding/autosave.js";
import { Drafts } from "../../../../../frontend/static/js/labeler/coding/drafts.js";
import { MemoryStorage } from "../../memory-storage.mjs";
import { settle } from "../../settle.mjs";
import { FakeApi } from "./fake-api.mjs";

export const network = new HttpProblem("network", "The server does not respond.");

export class SavingLab {
  api = new FakeApi();
  storage = new MemoryStorage();
  #keys = 0;

  constructor() {
    mock.timers.enable({ apis: ["setTimeout"] });
  }

  close() {
    mock.timers.reset();
  }

  /** An AutoSave that has not loaded yet. */
  make(coder = "ana", makeKey = () => `k${++this.#keys}`) {
    return new AutoSave({ api: this.api, drafts: new Drafts({ storage: this.storage, coder, scope: "clip 1" }), makeKey });
  }

  /** A page opened on the clip; its `edit` codes the first expression. */
  async open(coder = "ana") {
    const autosave = this.make(coder);
    await autosave.load();
    autosave.edit = (fields) => autosave.change((autosave.all[0] ?? autosave.add()).key, fields);
    return autosave;
  }

  /** A page that has saved an onset of 10 as k1. */
  async openSaved() {
    const autosave = await this.open();
    autosave.edit({ onset: 10 });
    await this.pass(400);
    return autosave;
  }

  /** Let time pass. @param {number} ms */
  async pass(ms) {
    mock.timers.tick(ms);
    for (let i = 0; i < 24; i++) await settle();
  }
}
