/** JSON over fetch, with errors as sentences. Knows the format of the API's errors, but not its resources. */

/**
 * @typedef {"network" | "signed-out" | "missing" | "conflict" | "refused" | "server"} ProblemKind
 * network: no answer; signed-out: 401, or 403 without a session; missing: 404 or 410; conflict: 409 or 412; refused: another 4xx;
 * server: 429 or 5xx
 */

/** A failed request. `message` is a sentence for the user. */
export class HttpProblem extends Error {
  /**
   * @param {ProblemKind} kind
   * @param {string} message
   * @param {{status?: number, body?: any, retryAfter?: number}} [details] retryAfter in seconds
   */
  constructor(kind, message, { status = 0, body = null, retryAfter = 0 } = {}) {
    super(message);
    this.name = "HttpProblem";
    this.kind = kind;
    this.status = status;
    this.body = body;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later. */
  get retryable() {
    return this.kind === "network" || this.kind === "server";
  }
}

/** @param {number} status @param {any} [body] @returns {ProblemKind} */
export function problemKind(status, body) {
  // A stale CSRF token means an ended session, too; a role that is too low does not.
  const session = status === 403 && (body === null || body === undefined || body.code === "csrf_failed");
  if (status === 401 || session) return "signed-out";
  if (status === 404 || status === 410) return "missing";
  if (status === 409 || status === 412) return "conflict";
  if (status === 429 || status >= 500) return "server";
  return status === 0 ? "network" : "refused";
}

/** @param {string} name @returns {string} `action_units` becomes `action units` */
const spaced = (name) => name.replaceAll("_", " ");

/** Fields whose errors are complete sentences without the field's name. */
const UNNAMED = new Set(["", "file"]);

/**
 * @typedef {{pointer?: string, parameter?: string, detail: string, code: string}} FieldError
 * @param {any} body @returns {FieldError[]} the list of wrong values of an API error
 */
const listed = (body) => (Array.isArray(body?.errors) ? body.errors : []);

/** @param {FieldError} error @returns {string} the name of the field: `/items/3/onset` is `items`, the whole body is "" */
const fieldOf = ({ pointer = "", parameter }) => parameter ?? (pointer.split("/")[1] ?? "").replaceAll("~1", "/").replaceAll("~0", "~");

/**
 * Return the API's error body, problem details (RFC 9457), as text for the user.
 *
 * @param {any} body @param {number} status @returns {string}
 */
export function errorSentence(body, status) {
  const fields = Object.entries(fieldErrors(body));
  if (fields.length) return fields.map(([name, text]) => (UNNAMED.has(name) ? text : `${spaced(name)}: ${text}`)).join(" ");
  if (typeof body?.detail === "string" && body.detail) return body.detail;
  if (status === 0) return "The server does not respond.";
  if (status === 401) return "You are signed out.";
  if (status === 403) return "You do not have permission to do this, or you are signed out.";
  if (status === 404) return "Not found. It may have been deleted.";
  if (status === 413) return "The file is larger than the server accepts.";
  if (status === 429) return "Too many requests. Wait a moment.";
  if (status >= 500) return `Server error (${status}).`;
  return `The server refused the request (${status}).`;
}

/** @param {any} body @returns {Record<string, string>} the errors of the fields of a 400, one text per field */
export function fieldErrors(body) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const error of listed(body)) {
    const name = fieldOf(error);
    found[name] = name in found ? `${found[name]} ${error.detail}` : error.detail;
  }
  return found;
}

/** @returns {string} Django's CSRF token; the cookie may be HttpOnly, so pages carry it in a <meta> */
export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
}

/**
 * @param {string} url
 * @param {RequestInit & {timeoutMs?: number}} [init]
 * @returns {Promise<Response>} a successful response
 * @throws {HttpProblem}
 */
export async function request(url, { timeoutMs = 20_000, signal, ...init } = {}) {
  const limit = AbortSignal.timeout(timeoutMs);
  let response;
  try {
    response = await fetch(url, {
      credentials: "same-origin",
      ...init,
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new HttpProblem("network", errorSentence(null, 0));
  }
  if (response.ok && !response.redirected) return response;
  // Without a session the server redirects to the sign-in form: an API call is then signed out, not successful.
  if (response.ok && !response.headers.get("content-type")?.includes("text/html")) return response;
  const status = response.ok ? 401 : response.status;
  const body = response.ok ? null : await response.json().catch(() => null);
  const retryAfter = Number(response.headers.get("retry-after")) || 0;
  throw new HttpProblem(problemKind(status, body), errorSentence(body, status), { status, body, retryAfter });
}

/**
 * @param {string} url
 * @param {{method?: string, json?: unknown, headers?: Record<string, string>, signal?: AbortSignal,
 *   keepalive?: boolean, timeoutMs?: number}} [options]
 * @returns {Promise<any>} the parsed body, or null for 204
 * @throws {HttpProblem}
 */
export async function requestJson(url, { method = "GET", json, headers = {}, ...rest } = {}) {
  /** @type {Record<string, string>} */
  const all = { Accept: "application/json", ...headers };
  if (json !== undefined) all["Content-Type"] = "application/json";
  if (method !== "GET") all["X-CSRFToken"] = csrfToken();
  const body = json === undefined ? undefined : JSON.stringify(json);
  const response = await request(url, { method, headers: all, body, ...rest });
  return response.status === 204 ? null : response.json();
}
