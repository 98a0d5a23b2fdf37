/**
 * A page that the user leaves takes no more answers from htmx: one that reloads the page would undo the click on a link.
 * A click that starts a download leaves nothing, so answers count again soon after it.
 */

const LEAVING_MS = 5000;
let leftAt = -Infinity;

addEventListener("beforeunload", (event) => (leftAt = event.timeStamp));
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.timeStamp - leftAt < LEAVING_MS) event.preventDefault();
});
