/** Sends what was coded in other clips and could not be sent then: the coder went on, or closed the tab, without a connection. */
import { AnnotationsApi, clientName } from "./annotations-api.js";
import { AutoSave } from "./autosave.js";
import { Drafts, browserStorage, scopesWithDrafts } from "./drafts.js";

/**
 * @param {{url: string, coder: string, except: string, say: (text: string) => void}} options url: of the annotations; except: the
 *   scope of the clip that is open
 */
export async function sendUnsentDrafts({ url, coder, except, say }) {
  const storage = browserStorage();
  const scopes = scopesWithDrafts(storage, coder).filter((scope) => scope !== except && scope.startsWith(`${url}?clip=`));
  let [sent, waiting] = [0, 0];
  for (const scope of scopes) {
    const clip = scope.slice(`${url}?clip=`.length);
    const api = new AnnotationsApi({ url, clip, client: clientName(navigator.userAgent) });
    const autosave = new AutoSave({ api, drafts: new Drafts({ storage, coder, scope }) });
    await autosave.load();
    autosave.close();
    if (autosave.dirty) waiting++;
    else sent++;
  }
  if (sent) say(`What you coded without a connection in ${clips(sent)} before has been sent.`);
  if (waiting) say(`What you coded in ${clips(waiting)} before is still kept in this browser only: open it again to see why.`);
}

/** @param {number} count */
const clips = (count) => (count === 1 ? "a clip" : `${count} clips`);
