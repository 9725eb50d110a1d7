// Everybody, by next birthday, with a search that forgives case, ё and accents.
// Hides paging: 50 people at a time from the server, and all of them only once somebody searches;
// the page itself never holds more rows than were asked for.

import * as api from "./api.js";
import * as dates from "./dates.js";
import { distance } from "./day.js";
import { el, icon } from "./dom.js";
import { dayTitle, monthTitle, t } from "./i18n.js";
import { addButton, emptyState, failure, fillPaged, moreButton, personRow, skeleton, tabs } from "./parts.js";
import * as router from "./router.js";

const PAGE = 50;
const LARGEST_PAGE = 1000; // the server takes no greater limit
const PAUSE = 150; // milliseconds without typing before a search
const SOON = 60; // days for which "in 5 days" says more than the date

// Kept while other screens are shown, so that coming back finds the same people and search.
const kept = { people: [], query: "", leapDay: "feb28" };

export async function show(root, _route, signal) {
  const results = el("div", { class: "results" }, kept.people.length ? [] : skeleton(6));
  const status = el("p", { class: "visually-hidden", role: "status" });
  const view = { results, status, signal, latest: 0 };
  root.append(tabs("list"), el("div", { class: "narrow" },
    el("h1", { class: "visually-hidden", text: t("people") }), searchField(view), status, results));
  if (kept.people.length && !kept.query) drawAll(view, null);
  await Promise.all([learnLeapDay(signal), kept.query ? search(view) : load(view)]);
}

/** When 29 February is kept in other years; without an answer the usual rule stays. */
async function learnLeapDay(signal) {
  try {
    kept.leapDay = (await api.get("/api/settings", signal)).data.leap_day ?? "feb28";
  } catch {
    // The list is worth showing without it.
  }
}

function searchField(view) {
  let timer = 0;
  const clear = el("button", {
    type: "button", class: "round clear", "aria-label": t("clearSearch"), hidden: !kept.query,
    on: { click: () => { input.value = ""; input.focus(); changed(); } },
  }, icon("close"));
  const changed = () => {
    kept.query = input.value;
    clear.hidden = !input.value;
    clearTimeout(timer);
    timer = setTimeout(() => attempt(view), PAUSE);
  };
  const input = el("input", {
    type: "text", inputmode: "search", enterkeyhint: "search", autocomplete: "off", spellcheck: "false",
    id: "search", placeholder: t("search"), "aria-label": t("search"), on: { input: changed },
  });
  input.value = kept.query;
  return el("div", { class: "search", role: "search" }, icon("search"), input, clear);
}

/** Like show(), for what happens later: a failure is drawn with a button to try again. */
async function attempt(view) {
  try {
    await (kept.query.trim() ? search(view) : load(view));
  } catch (error) {
    if (!view.signal.aborted) view.results.replaceChildren(failure(error, () => attempt(view)));
  }
}

async function load(view) {
  const turn = ++view.latest;
  const size = Math.min(LARGEST_PAGE, Math.max(PAGE, kept.people.length));
  const { data, next } = await api.get(`/api/birthdays?limit=${size}`, view.signal);
  if (turn !== view.latest) return;
  kept.people = data;
  view.status.textContent = "";
  drawAll(view, next);
}

async function loadMore(view, next) {
  const shown = kept.people.length;
  const page = await api.get(next, view.signal);
  const ids = new Set(kept.people.map((person) => person.id));
  kept.people = [...kept.people, ...page.data.filter((person) => !ids.has(person.id))];
  drawAll(view, page.next);
  view.results.querySelectorAll(".row")[shown]?.focus();
}

function drawAll(view, next) {
  if (!kept.people.length) {
    view.results.replaceChildren(emptyState("cake", t("emptyList"), t("emptyListHint"), addButton()));
    return;
  }
  const more = next && moreButton((event) => {
    event.currentTarget.disabled = true;
    loadMore(view, next).catch((error) => {
      if (!view.signal.aborted) view.results.append(failure(error, () => attempt(view)));
    });
  });
  view.results.replaceChildren(addButton(), ...byMonth(kept.people), ...(more ? [more] : []));
}

function byMonth(people) {
  const sections = [];
  for (const person of people) {
    const title = monthTitle(dates.nextOccurrence(dates.fromIso(person.birth_date), dates.today(), kept.leapDay));
    if (sections.at(-1)?.title !== title) sections.push({ title, rows: [] });
    sections.at(-1).rows.push(el("li", {}, row(person)));
  }
  return sections.map(({ title, rows }) => el("section", {},
    el("h2", { class: "section-title", text: title }), el("ul", { class: "card rows" }, rows)));
}

function row(person) {
  const birth = dates.fromIso(person.birth_date);
  const next = dates.nextOccurrence(birth, dates.today(), kept.leapDay);
  const away = dates.daysBetween(dates.today(), next);
  const age = birth.year ? next.year - birth.year : 0;
  const turning = age > 0 && t("nextAge", { n: age });
  return personRow(person, {
    detail: [dayTitle(next), turning].filter(Boolean).join(" · "),
    trailing: away <= SOON ? distance(away) : null,
    onPress: () => router.go(api.mayWrite()
      ? { screen: "form", id: person.id }
      : { screen: "day", date: dates.toIso(next) }),
  });
}

async function search(view) {
  const turn = ++view.latest;
  const everybody = api.remembered("/api/birthdays") ?? await api.get("/api/birthdays", view.signal);
  if (turn !== view.latest) return;
  const words = folded(kept.query).split(" ").filter(Boolean);
  const found = everybody.data.filter((person) => matches(person, words));
  view.status.textContent = t("found", { n: found.length });
  if (!found.length) {
    const query = kept.query.trim();
    view.results.replaceChildren(emptyState("search", t("nothingFound", { query }), t("nothingFoundHint")));
    return;
  }
  const list = el("ul", { class: "card rows" });
  fillPaged(list, found, (person) => el("li", {}, row(person)));
  view.results.replaceChildren(list);
}

function matches(person, words) {
  const text = folded([person.full_name, person.company, person.position].join(" "));
  return words.every((word) => text.includes(word));
}

/** Lower case, single spaces, ё as е, accents off (but й stays й). */
function folded(text) {
  const plain = text.toLowerCase().replace(/ё/g, "е").normalize("NFC");
  return plain.replace(/[à-ɏ]/g, (letter) => letter.normalize("NFD").charAt(0)).replace(/\s+/g, " ").trim();
}
