import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { errorSentence, fieldErrors, problemKind, request } from "../../../frontend/static/js/http.js";

afterEach(() => mock.restoreAll());
const answer = (response) => mock.method(globalThis, "fetch", async () => response);

const wrong = (pointer, detail) => ({ pointer, detail, code: "invalid_value" });

test("the API's errors become sentences", () => {
  assert.equal(errorSentence({ detail: "No such clip." }, 404), "No such clip.");
  const errors = [wrong("/action_units", "Too long."), wrong("/action_units/2", "Odd."), wrong("/file", "x.mp4 is not a video.")];
  assert.equal(errorSentence({ detail: "…", errors }, 400), "action units: Too long. Odd. x.mp4 is not a video.");
  assert.equal(errorSentence({ detail: "…", errors: [wrong("", "Onset is after apex.")] }, 400), "Onset is after apex.");
  assert.equal(errorSentence({ errors: [{ parameter: "page_size", detail: "Must be 1 or more." }] }, 400), "page size: Must be 1 or more.");
  assert.equal(errorSentence(null, 502), "Server error (502).");
  assert.equal(errorSentence(null, 0), "The server does not respond.");
  assert.equal(errorSentence([], 400), "The server refused the request (400).");
});

test("an ended session is distinguished from a role that is too low", () => {
  assert.equal(problemKind(401), "signed-out");
  assert.equal(problemKind(403, { code: "csrf_failed" }), "signed-out");
  assert.equal(problemKind(403, null), "signed-out");
  assert.equal(problemKind(403, { code: "permission_denied" }), "refused");
});

test("network and server problems are retryable, refusals are not", async () => {
  answer(new Response("", { status: 503, headers: { "Retry-After": "7" } }));
  await assert.rejects(request("/x"), (problem) => problem.retryable && problem.retryAfter === 7 && problem.kind === "server");
  answer(Response.json({ errors: [wrong("/onset", "No.")] }, { status: 400 }));
  await assert.rejects(request("/x"), (problem) => !problem.retryable && problem.kind === "refused" && problem.message === "onset: No.");
  mock.method(globalThis, "fetch", async () => {
    throw new TypeError("fetch failed");
  });
  await assert.rejects(request("/x"), (problem) => problem.retryable && problem.message === "The server does not respond.");
});

test("a redirect to the sign-in form means signed out", async () => {
  const response = new Response("<form>", { headers: { "Content-Type": "text/html" } });
  Object.defineProperty(response, "redirected", { value: true });
  answer(response);
  await assert.rejects(request("/x"), (problem) => problem.kind === "signed-out");
});

test("field errors are one sentence per field", () => {
  const errors = [wrong("/onset", "A."), wrong("/onset", "B."), wrong("/a~1b", "C.")];
  assert.deepEqual(fieldErrors({ errors, detail: "x", current: {} }), { onset: "A. B.", "a/b": "C." });
  assert.deepEqual(fieldErrors(null), {});
});
