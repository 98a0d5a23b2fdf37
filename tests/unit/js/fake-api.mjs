/** What AutoSave talks to, without a server and a browser. */
import { HttpProblem } from "../../../frontend/static/js/http.js";
import { settle } from "./packs.mjs";

export class MemoryStorage {
  items = new Map();
  getItem = (key) => this.items.get(key) ?? null;
  setItem = (key, value) => void this.items.set(key, value);
  removeItem = (key) => void this.items.delete(key);
}

/** The API, with its rules: revisions must match, one annotation a clip and coder. */
export class FakeApi {
  record = null;
  calls = [];
  /** @type {HttpProblem | null} */
  down = null;
  loseAnswers = 0;

  async #do(name, act) {
    this.calls.push(name);
    await settle();
    if (this.down) throw this.down;
    const answer = act();
    if (name !== "mine" && this.loseAnswers > 0) {
      this.loseAnswers--;
      throw new HttpProblem("network", "The server does not answer.");
    }
    return answer;
  }
  #match(record) {
    if (!this.record) throw new HttpProblem("missing", "Not found.", { status: 404 });
    if (record.revision !== this.record.revision) {
      throw new HttpProblem("conflict", "Changed.", { status: 409, body: { detail: "Changed.", current: { ...this.record } } });
    }
  }
  mine = () => this.#do("mine", () => this.record && { ...this.record });
  create = (coding) =>
    this.#do("create", () => {
      if (this.record) throw new HttpProblem("conflict", "There is one.", { status: 409, body: { current: { ...this.record } } });
      this.record = { ...coding, id: 1, revision: 1 };
      return { ...this.record };
    });
  update = (record, coding) =>
    this.#do("update", () => {
      this.#match(record);
      this.record = { ...this.record, ...coding, revision: this.record.revision + 1 };
      return { ...this.record };
    });
  remove = (record) =>
    this.#do("remove", () => {
      this.#match(record);
      this.record = null;
      return null;
    });
}
