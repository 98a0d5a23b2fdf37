/** What AutoSave talks to, without a server and a browser. */
import { HttpProblem } from "../../../../../frontend/static/js/http.js";
import { settle } from "../../settle.mjs";

const lost = () => new HttpProblem("network", "The server does not respond.");

/** The API with its rules: revisions must match, keys are unique, deleted annotations can be restored. */
export class FakeApi {
  /** By key, including deleted ones. */
  rows = new Map();
  calls = [];
  /** @type {HttpProblem | null} */
  down = null;
  loseAnswers = 0;

  /** The only expression there is. */
  get record() {
    return this.live[0] ?? null;
  }
  get live() {
    return [...this.rows.values()].filter((row) => !row.deleted);
  }
  /** Saves as another window would. */
  elsewhere(changes, key = "k1") {
    const row = this.rows.get(key) ?? { id: this.rows.size + 1, key, revision: 0, deleted: false };
    this.rows.set(key, { ...row, revision: row.revision + 1, ...changes });
  }

  async #do(name, act) {
    this.calls.push(name);
    await settle();
    if (this.down) throw this.down;
    const answer = act();
    if (name !== "mine" && this.loseAnswers > 0) {
      this.loseAnswers--;
      throw lost();
    }
    return answer;
  }
  #conflict(row) {
    return new HttpProblem("conflict", "Changed.", { status: 409, body: { detail: "Changed.", current: { ...row } } });
  }
  #match(record) {
    const row = this.rows.get(record.key);
    if (!row || row.deleted) throw new HttpProblem("missing", "Not found.", { status: 404 });
    if (record.revision !== row.revision) throw this.#conflict(row);
    return row;
  }
  #save(row, changes) {
    const saved = { ...row, ...changes, revision: row.revision + 1 };
    this.rows.set(row.key, saved);
    return { ...saved };
  }
  mine = () => this.#do("mine", () => this.live.map((row) => ({ ...row })));
  create = (key, coding) =>
    this.#do("create", () => {
      if (this.rows.has(key)) throw this.#conflict(this.rows.get(key));
      return this.#save({ id: this.rows.size + 1, key, revision: 0, deleted: false }, coding);
    });
  update = (record, coding) => this.#do("update", () => this.#save(this.#match(record), coding));
  remove = (record) =>
    this.#do("remove", () => {
      this.#save(this.#match(record), { deleted: true });
      return null;
    });
  restore = (record) => this.#do("restore", () => this.#save(this.rows.get(record.key), { deleted: false }));
}
