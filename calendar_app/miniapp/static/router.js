// Which screen is shown, and the way back. Screens live in history.state, never in the address:
// its fragment belongs to Telegram's launch parameters. Hides the back button (Telegram's or ours),
// scroll positions, and the abort of what a screen still awaits when it is left.

import * as telegram from "./telegram.js";

let screens = {};
let home = null;
let explain = null;
let leaving = new AbortController();

/** Shows `first` or what was open before a reload; `onError(root, error, retry)` draws failures. */
export function start(table, first, onError) {
  screens = table;
  home = first;
  explain = onError;
  history.scrollRestoration = "manual";
  window.addEventListener("popstate", () => render());
  window.addEventListener("keydown", backOnEscape);
  telegram.on("back_button_pressed", back);
  render();
}

/** A screen deeper: back() returns from it. */
export function go(route) {
  history.replaceState({ ...history.state, scroll: window.scrollY }, "");
  history.pushState({ route, depth: history.state.depth + 1 }, "");
  render(".title");
}

/** The same depth, another view; `focus` is the selector of what has the focus afterwards. */
export function replace(route, focus) {
  history.replaceState({ ...history.state, route, scroll: 0 }, "");
  render(focus);
}

export function back() {
  if (history.state.depth > 0) history.back();
}

/** Draws the current screen anew. */
export function refresh(focus) {
  history.replaceState({ ...history.state, scroll: window.scrollY }, "");
  render(focus);
}

/** Whether a screen needs its own back button. */
export function needsBackButton() {
  return history.state.depth > 0 && !(telegram.isInside() && telegram.atLeast("6.1"));
}

function backOnEscape(event) {
  if (event.key !== "Escape" || event.defaultPrevented) return;
  if (!document.querySelector("dialog[open]")) back();
}

/** An entry of the history that is not ours (a fragment changed by hand) becomes the first screen. */
function ensureRoute() {
  if (!(history.state?.route?.screen in screens)) history.replaceState({ route: home, depth: 0 }, "");
}

async function render(focus) {
  ensureRoute();
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const { route, depth, scroll } = history.state;
  const root = document.createElement("main");
  root.className = `screen screen-${route.screen}`;
  document.querySelector("#app").replaceChildren(root);
  telegram.setBackButton(depth > 0);
  telegram.setMainButton(null);
  telegram.confirmClosing(false);
  await show(root, route, signal, focus);
  if (!signal.aborted && scroll) window.scrollTo(0, scroll);
}

async function show(root, route, signal, focus) {
  try {
    const shown = screens[route.screen](root, route, signal);
    window.scrollTo(0, 0);
    if (focus) root.querySelector(focus)?.focus();
    await shown;
  } catch (error) {
    if (!signal.aborted) explain(root, error, () => render());
  }
}
