// Telegram around the Mini App: what it was launched with, events to the client and from it.
// Hides the three ways of talking to a client (native proxy, external.notify, parent frame) and
// the version of the client: what a client does not know is silently not sent.
// Written instead of telegram-web-app.js, which is a third-party request that is blocked in places.
// Protocol: https://core.telegram.org/api/web-events and https://core.telegram.org/api/bots/webapps

const REMEMBERED = "telegram-launch";
const handlers = new Map();
let mainButton = null;
let mainButtonColors = {};
const params = launchParams();

export const initData = params.get("tgWebAppData") ?? "";
export const version = params.get("tgWebAppVersion") ?? "";
export const themeParams = parsed(params.get("tgWebAppThemeParams")) ?? {};
export const user = parsed(new URLSearchParams(initData).get("user")) ?? null;

/** The fragment's parameters; a reload that lost the fragment takes the remembered ones. */
function launchParams() {
  const fragment = location.hash.slice(1);
  try {
    if (fragment.includes("tgWebApp")) sessionStorage.setItem(REMEMBERED, fragment);
    else return new URLSearchParams(sessionStorage.getItem(REMEMBERED) ?? "");
  } catch {
    // Storage is refused in some frames: then the fragment is all there is.
  }
  return new URLSearchParams(fragment);
}

function parsed(json) {
  try {
    const value = JSON.parse(json);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

/** Whether the client's version is at least `wanted`, such as "6.1". */
export function atLeast(wanted) {
  const have = version.split(".").map(Number);
  const want = wanted.split(".").map(Number);
  for (let i = 0; i < Math.max(have.length, want.length); i += 1) {
    const difference = (have[i] || 0) - (want[i] || 0);
    if (difference) return difference > 0;
  }
  return true;
}

/** Whether a Telegram client is there to draw the main button for us. */
export function isInside() {
  return Boolean(version && sender());
}

function sender() {
  const proxy = window.TelegramWebviewProxy;
  if (proxy?.postEvent) return (type, data) => proxy.postEvent(type, JSON.stringify(data));
  const message = (eventType, eventData) => JSON.stringify({ eventType, eventData });
  if (window.external && "notify" in window.external) {
    return (type, data) => window.external.notify(message(type, data));
  }
  if (window.parent === window) return null;
  return (type, data) => window.parent.postMessage(message(type, data), parentOrigin());
}

/** Where the parent frame is: Telegram's own, or this very origin (the simulator). */
function parentOrigin() {
  const known = location.ancestorOrigins?.[0] ?? sameOrigin() ?? document.referrer.replace(/\/$/, "");
  return isTrusted(known) ? known : "https://web.telegram.org";
}

function sameOrigin() {
  try {
    return window.parent.location.origin;
  } catch {
    return undefined; // another origin: the browser does not tell
  }
}

function isTrusted(origin) {
  return origin === location.origin || /^https:\/\/([\w-]+\.)*telegram\.org$/.test(origin);
}

/** Sends an event to the client, if there is one and it knows the event (`since` its version). */
export function post(type, data = {}, since = "6.0") {
  if (isInside() && atLeast(since)) sender()(type, data);
}

/** Calls `handler(data)` for each event of this type; returns what takes it off again. */
export function on(type, handler) {
  const known = handlers.get(type) ?? new Set();
  handlers.set(type, known.add(handler));
  return () => known.delete(handler);
}

function receive(type, data) {
  for (const handler of [...(handlers.get(type) ?? [])]) handler(data ?? {});
}

function listen() {
  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || window.parent === window) return;
    if (!isTrusted(event.origin) || typeof event.data !== "string") return;
    const message = parsed(event.data);
    if (message?.eventType) receive(message.eventType, message.eventData);
  });
  window.Telegram = { ...window.Telegram, WebView: { receiveEvent: receive } };
  window.TelegramGameProxy = { receiveEvent: receive };
  window.TelegramGameProxy_receiveEvent = receive;
}

/** Tells the client that the page is drawn, asks for the whole height and for its colours. */
export function ready() {
  if (window.parent !== window) post("iframe_ready", { reload_supported: true });
  post("web_app_ready");
  post("web_app_expand");
  post("web_app_request_theme");
}

/** Shows the client's main button with {text, busy}, or hides it for null. */
export function setMainButton(button) {
  mainButton = button;
  post("web_app_setup_main_button", button === null ? { is_visible: false } : {
    is_visible: true,
    is_active: !button.busy,
    is_progress_visible: button.busy,
    text: button.text,
    ...mainButtonColors,
  });
}

/** The main button's colours from now on; undefined leaves the choice to the client. */
export function setMainButtonColors(color, textColor) {
  mainButtonColors = { color, text_color: textColor };
  if (mainButton) setMainButton(mainButton);
}

export function setBackButton(isVisible) {
  post("web_app_setup_back_button", { is_visible: isVisible }, "6.1");
}

/** Whether the client should ask before it closes with something unsaved. */
export function confirmClosing(isNeeded) {
  post("web_app_setup_closing_behavior", { need_confirmation: isNeeded }, "6.2");
}

/** A short vibration: "success", "error" or "selection". */
export function haptic(kind) {
  const data = kind === "selection"
    ? { type: "selection_change" }
    : { type: "notification", notification_type: kind };
  post("web_app_trigger_haptic_feedback", data, "6.1");
}

/** Asks in the client's own popup; resolves to the id of the pressed button, "" if closed. */
export function popup(title, message, buttons) {
  post("web_app_open_popup", { title, message, buttons }, "6.2");
  return new Promise((resolve) => {
    const off = on("popup_closed", (data) => {
      off();
      resolve(data.button_id ?? "");
    });
  });
}

listen();
on("reload_iframe", () => {
  post("iframe_will_reload");
  location.reload();
});
