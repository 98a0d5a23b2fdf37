import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { errorSentence, fieldErrors, problemKind, request } from "../../../frontend/static/js/http.js";

afterEach(() => mock.restoreAll());
const answer = (response) => mock.method(globalThis, "fetch", async () => response);

test("the API's errors become sentences", () => {
  assert.equal(errorSentence({ detail: "No such clip." }, 404), "No such clip.");
  assert.equal(errorSentence({ action_units: ["Too long.", "Odd."], file: ["x.mp4 is not a video."] }, 400), "action units: Too long. Odd. x.mp4 is not a video.");
  assert.equal(errorSentence({ non_field_errors: ["Onset is after apex."] }, 400), "Onset is after apex.");
  assert.equal(errorSentence(null, 502), "Server error (502).");
  assert.equal(errorSentence(null, 0), "The server does not respond.");
  assert.equal(errorSentence([], 400), "The server refused the request (400).");
});

test("an ended session is distinguished from a role that is too low", () => {
  assert.equal(problemKind(401), "signed-out");
  assert.equal(problemKind(403, { detail: "Authentication credentials were not provided." }), "signed-out");
  assert.equal(problemKind(403, { detail: "CSRF Failed: CSRF token missing." }), "signed-out");
  assert.equal(problemKind(403, null), "signed-out");
  assert.equal(problemKind(403, { detail: "This requires at least the role annotator." }), "refused");
});

test("network and server problems are retryable, refusals are not", async () => {
  answer(new Response("", { status: 503, headers: { "Retry-After": "7" } }));
  await assert.rejects(request("/x"), (problem) => problem.retryable && problem.retryAfter === 7 && problem.kind === "server");
  answer(Response.json({ onset: ["No."] }, { status: 400 }));
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
  assert.deepEqual(fieldErrors({ onset: ["A.", "B."], detail: "x", current: {} }), { onset: "A. B." });
  assert.deepEqual(fieldErrors(null), {});
});
