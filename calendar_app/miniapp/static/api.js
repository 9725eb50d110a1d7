// The API as the screens see it: get, create, replace, remove; each answers with data or throws ApiError.
// Hides signing in with initData, the session and its renewal, ETags, idempotency, paging by Link
// and what a lost network looks like. Remembers the last answer of each address for an instant paint.

import * as telegram from "./telegram.js";
import { language } from "./i18n.js";

const PATIENCE = 20_000; // milliseconds until an answer counts as lost
const answers = new Map();
let session = null;
let signing = null;
let writer = true;

/** What went wrong, in the server's words: status 0 is a lost network. */
export class ApiError extends Error {
  constructor(status, problem = {}, retryAfter = 0) {
    super(problem.detail || problem.title || "");
    this.status = status;
    this.fields = Array.isArray(problem.errors) ? problem.errors : [];
    this.retryAfter = retryAfter;
  }
}

/** Exchanges initData for a session; calls that come meanwhile share the same attempt. */
export function signIn() {
  signing ??= verify().finally(() => { signing = null; });
  return signing;
}

async function verify() {
  if (!telegram.initData) throw new ApiError(401);
  const body = JSON.stringify({ init_data: telegram.initData });
  const response = await fetched("/api/auth/verify", { method: "POST", headers: json(), body });
  session = (await understood(response)).data.session;
}

function json() {
  return { "Content-Type": "application/json", "Accept-Language": language() };
}

/** GET → {data, etag, next}; `next` is the following page's address or null. */
export async function get(path, signal) {
  const answer = await call(path, { method: "GET", signal });
  answers.set(address(path), answer);
  return answer;
}

/** The answer of an earlier get of this address, or null; any write forgets all of them. */
export function remembered(path) {
  return answers.get(address(path)) ?? null;
}

/** POST; `key` is the same for each attempt at one and the same thing. */
export function create(path, body, key) {
  return write(path, "POST", { "Idempotency-Key": key }, body);
}

export function replace(path, body, etag) {
  return write(path, "PUT", etag ? { "If-Match": etag } : {}, body);
}

export function remove(path, etag) {
  return write(path, "DELETE", etag ? { "If-Match": etag } : {});
}

/** A new Idempotency-Key; crypto.randomUUID is missing on plain http. */
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16)).join("");
}

async function write(path, method, headers, body) {
  try {
    return await call(path, { method, headers, body: body && JSON.stringify(body) });
  } finally {
    answers.clear();
  }
}

async function call(path, options) {
  if (!session) await signIn();
  const first = await fetched(address(path), authorized(options));
  if (first.status !== 401) return understood(first);
  session = null;
  await signIn();
  return understood(await fetched(address(path), authorized(options)));
}

function authorized(options) {
  return { ...options, headers: { ...json(), ...options.headers, Authorization: `Bearer ${session}` } };
}

/** The path with the calendar that the Mini App was opened for, if its address names one. */
function address(path) {
  const url = new URL(path, location.origin);
  const calendar = new URLSearchParams(location.search).get("calendar");
  if (calendar && !url.searchParams.has("calendar")) url.searchParams.set("calendar", calendar);
  return url.pathname + url.search;
}

async function fetched(path, { signal, ...options }) {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE);
  const leave = () => patience.abort();
  signal?.addEventListener("abort", leave);
  try {
    const response = await fetch(path, { ...options, signal: patience.signal, credentials: "omit" });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch {
    if (signal?.aborted) throw new DOMException("left", "AbortError");
    throw new ApiError(0);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", leave);
  }
}

function understood({ status, headers, text }) {
  const data = parsed(text);
  if (status >= 200 && status < 300 && data !== undefined) {
    return { data, etag: headers.get("ETag"), next: nextPage(headers.get("Link")) };
  }
  throw new ApiError(status < 300 ? 502 : status, data ?? {}, seconds(headers.get("Retry-After")));
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** RFC 8288; only path and query, because a proxy may hide our own host name from the app. */
function nextPage(link) {
  const found = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(link ?? "");
  if (!found) return null;
  const url = new URL(found[1], location.href);
  return url.pathname + url.search;
}

/** RFC 9110, 10.2.3: seconds or a date. */
function seconds(value) {
  if (!value) return 0;
  const number = Number(value);
  if (Number.isFinite(number)) return Math.max(0, number);
  return Math.max(0, Math.round((Date.parse(value) - Date.now()) / 1000)) || 0;
}

/** Whether this user may change the calendar; true until the server has said otherwise. */
export function mayWrite() {
  return writer;
}

/** Asks the server whether this user may write here; resolves to the answer. */
export async function askAccess() {
  writer = (await get("/api/panel/check-access")).data.has_access !== false;
  return writer;
}
