// The pieces that several screens share: bars, rows of people, empty states, failures, questions.
// Each returns an element (or shows itself); none asks the API.

import { ApiError, mayWrite } from "./api.js";
import { avatar, el, icon } from "./dom.js";
import { language, setLanguage, t } from "./i18n.js";
import * as router from "./router.js";
import * as telegram from "./telegram.js";

const PAGE = 50;
let toastTimer = 0;

/** The bar of the two main views, with the language switch. */
export function tabs(current) {
  const tab = (screen, label) => el("button", {
    type: "button",
    class: "tab",
    "aria-current": screen === current ? "page" : null,
    text: label,
    on: { click: () => router.replace({ screen }, "[aria-current=page]") },
  });
  return el("header", { class: "bar" },
    el("nav", { class: "tabs", "aria-label": t("views") },
      tab("month", t("calendar")), tab("list", t("people"))),
    languageSwitch());
}

function languageSwitch() {
  const other = language() === "ru" ? "en" : "ru";
  return el("button", {
    type: "button",
    class: "language",
    lang: other,
    title: t("otherLanguage"),
    "aria-label": t("otherLanguage"),
    text: other.toUpperCase(),
    on: { click: () => switchTo(other) },
  });
}

function switchTo(choice) {
  setLanguage(choice);
  nameThePage();
  router.refresh(".language");
}

/** Tells the browser the page's language and title. */
export function nameThePage() {
  document.documentElement.lang = language();
  document.title = t("app");
}

/** The bar of an inner screen: our own back button where Telegram has none, title, subtitle. */
export function titleBar(title, subtitle = null) {
  const backButton = router.needsBackButton() && el("button", {
    type: "button", class: "round back", "aria-label": t("back"), on: { click: router.back },
  }, icon("back"));
  return el("header", { class: "bar inner" },
    backButton || null,
    el("div", { class: "titles" },
      el("h1", { class: "title", tabindex: "-1", text: title }),
      subtitle && el("p", { class: "subtitle", text: subtitle })),
    languageSwitch());
}

/** A person on one line; a button if `onPress` is given. `trailing` stands at the end. */
export function personRow(person, { detail, trailing, onPress, label }) {
  const texts = el("span", { class: "row-texts" },
    el("span", { class: "row-title", text: person.full_name }),
    detail && el("span", { class: "row-detail", text: detail }));
  const parts = [avatar(person.full_name), texts, trailing && el("span", { class: "row-trailing", text: trailing })];
  if (!onPress) return el("div", { class: "row" }, parts);
  return el("button", { type: "button", class: "row", "aria-label": label, on: { click: onPress } }, parts);
}

/** "Company · Position", or "" without both. */
export function workOf({ company, position }) {
  return [position, company].filter(Boolean).join(" · ");
}

/** The button that opens a form with {day, month} filled in; nothing for those who may only look. */
export function addButton(start = {}) {
  if (!mayWrite()) return null;
  return el("button", {
    type: "button", class: "button primary add", on: { click: () => router.go({ screen: "form", day: start.day, month: start.month }) },
  }, icon("plus"), el("span", { text: t("add") }));
}

/** What stands where nothing is: a picture, a sentence, and what to do. */
export function emptyState(picture, sentence, hint, ...actions) {
  return el("div", { class: "empty" },
    el("div", { class: "empty-picture" }, icon(picture)),
    el("p", { class: "empty-sentence", text: sentence }),
    hint && el("p", { class: "hint", text: hint }),
    actions);
}

/** Grey bars while the first answer is on its way. */
export function skeleton(rows = 4) {
  const bar = () => el("div", { class: "row" },
    el("span", { class: "avatar ghost" }), el("span", { class: "ghost-line" }));
  return el("div", { class: "card skeleton", "aria-hidden": "true" }, Array.from({ length: rows }, bar));
}

/** Fills `list` with the first items only; a button under it brings the next ones. */
export function fillPaged(list, items, toElement, shown = PAGE) {
  list.replaceChildren(...items.slice(0, shown).map(toElement));
  if (items.length <= shown) return;
  const more = el("li", { class: "more" }, moreButton(() => {
    fillPaged(list, items, toElement, shown + PAGE);
    list.children[shown]?.querySelector("button")?.focus();
  }));
  list.append(more);
}

export function moreButton(onPress) {
  return el("button", { type: "button", class: "button plain", text: t("more"), on: { click: onPress } });
}

/** What went wrong in one sentence: the server's own, else ours. */
export function sentenceFor(error) {
  if (!(error instanceof ApiError)) return t("failed");
  if (error.status === 0) return t("offline");
  if (error.message) return error.message;
  if (error.status === 429) return t("busy", { n: error.retryAfter || 1 });
  if (error.status === 401) return t("wallOld");
  return t(error.status === 403 ? "forbidden" : "failed");
}

/** An alert with the sentence and a button to try again, asleep as long as the server asks. */
export function failure(error, retry, extra = null) {
  const button = el("button", { type: "button", class: "button plain retry", text: t("retry"), on: { click: retry } });
  const wait = error.retryAfter ?? 0;
  if (wait) {
    button.disabled = true;
    setTimeout(() => { button.disabled = false; }, wait * 1000);
  }
  return el("div", { class: "notice danger", role: "alert" },
    el("p", { text: sentenceFor(error) }),
    wait ? el("p", { class: "hint", text: t("retryIn", { n: Math.ceil(wait) }) }) : null,
    extra && el("p", { class: "hint", text: extra }),
    button);
}

/** A sentence at the bottom for a few seconds. */
export function toast(sentence) {
  const box = document.querySelector("#toast");
  clearTimeout(toastTimer);
  box.textContent = sentence;
  box.classList.add("shown");
  toastTimer = setTimeout(() => box.classList.remove("shown"), 4000);
}

/** Says to a screen reader what the eye sees already. */
export function announce(sentence) {
  document.querySelector("#announcer").textContent = sentence;
}

/** Asks in Telegram's popup or our own dialog; resolves to whether `yes` was pressed. */
export async function ask(title, text, yes) {
  if (!telegram.isInside() || !telegram.atLeast("6.2")) return askHere(title, text, yes);
  const buttons = [{ id: "yes", type: "destructive", text: yes }, { id: "", type: "cancel" }];
  return (await telegram.popup(title, text.slice(0, 256), buttons)) === "yes";
}

function askHere(title, text, yes) {
  return new Promise((resolve) => {
    const button = (value, kind, label) => el("button", {
      type: "button", class: `button ${kind}`, text: label, on: { click: () => dialog.close(value) },
    });
    const dialog = el("dialog", {
      class: "dialog",
      "aria-labelledby": "dialog-title",
      on: { close: () => { dialog.remove(); resolve(dialog.returnValue === "yes"); } },
    },
    el("h2", { id: "dialog-title", text: title }), el("p", { text }),
    el("div", { class: "dialog-buttons" }, button("no", "plain", t("cancel")), button("yes", "danger", yes)));
    document.body.append(dialog);
    dialog.showModal();
  });
}
