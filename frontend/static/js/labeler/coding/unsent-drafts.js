/** Sends drafts of other clips that could not be sent at the time: the coder left the clip without a connection. */
import { AnnotationsApi, clientName } from "./annotations-api.js";
import { AutoSave } from "./autosave.js";
import { Drafts, browserStorage, scopesWithDrafts } from "./drafts.js";

/**
 * @param {{url: string, coder: string, except: string, say: (text: string) => void}} options url: of the annotations; except: the
 *   scope of the open clip
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
  if (sent) say(`Your offline changes in ${clips(sent)} have been saved.`);
  if (waiting) say(`Your changes in ${clips(waiting)} are not saved yet; they are kept in this browser. Open the clip to see why.`);
}

/** @param {number} count */
const clips = (count) => (count === 1 ? "another clip" : `${count} other clips`);
