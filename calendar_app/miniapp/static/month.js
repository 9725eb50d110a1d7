// The month: a grid in which each day stands under its weekday, and the month's birthdays below.
// Hides the layout of the grid, its marks, and moving by swipe, buttons and arrow keys.
// Days are buttons, one of them in the tab order (the ARIA grid pattern).

import * as api from "./api.js";
import * as dates from "./dates.js";
import { dot, el, icon, setAttribute } from "./dom.js";
import { dayTitle, firstWeekday, monthTitle, t, weekdayName, weekdays } from "./i18n.js";
import { addButton, announce, emptyState, fillPaged, personRow, skeleton, tabs, workOf } from "./parts.js";
import * as router from "./router.js";
import * as telegram from "./telegram.js";

const SWIPE = 50; // pixels sideways
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };

/** Draws {year, month} of the route, this month if it names none. */
export async function show(root, route, signal) {
  const now = dates.today();
  const month = { year: route.year ?? now.year, month: route.month ?? now.month };
  const path = `/api/calendar/month/${month.year}/${month.month}`;
  const grid = dayGrid(month, now);
  const agenda = el("section", { class: "agenda", "aria-labelledby": "agenda-title" });
  const board = el("section", { class: "card board" }, head(month, now), grid);
  swipes(board, month);
  root.append(tabs("month"), el("div", { class: "columns" }, board, agenda));
  const known = api.remembered(path);
  if (known) fill(grid, agenda, month, known.data);
  else agenda.append(skeleton(3));
  fill(grid, agenda, month, (await api.get(path, signal)).data);
}

function head(month, now) {
  const isNow = month.year === now.year && month.month === now.month;
  return el("div", { class: "board-head" },
    stepButton(month, -1, "previous", "back", t("previousMonth")),
    el("h1", { class: "title", tabindex: "-1", text: monthTitle(month) }),
    el("button", {
      type: "button", class: "button plain now", text: t("today"), hidden: isNow,
      on: { click: () => open(now, dayCell(now)) },
    }),
    stepButton(month, 1, "next", "forward", t("nextMonth")));
}

function stepButton(month, step, name, picture, label) {
  const target = dates.shifted(month, step);
  return el("button", {
    type: "button", class: `round ${name}`, "aria-label": label, disabled: !target,
    on: { click: () => open(target, `.${name}`) },
  }, icon(picture));
}

function open(month, focus) {
  if (!month) return;
  telegram.haptic("selection");
  announce(monthTitle(month));
  router.replace({ screen: "month", year: month.year, month: month.month }, focus);
}

function dayCell(date) {
  return `[data-date="${dates.toIso(date)}"]`;
}

function dayGrid(month, now) {
  const heads = weekdays().map(({ short, long }) => el("th", { scope: "col", abbr: long, text: short }));
  return el("table", {
    class: "grid", role: "grid", "aria-label": monthTitle(month),
    on: { keydown: (event) => move(event, month) },
  }, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, weeks(month, now)));
}

function weeks(month, now) {
  const lead = (dates.weekday({ ...month, day: 1 }) - firstWeekday() + 7) % 7;
  const length = dates.daysInMonth(month.year, month.month);
  const rows = Array.from({ length: Math.ceil((lead + length) / 7) }, () => el("tr"));
  for (let cell = 0; cell < rows.length * 7; cell += 1) {
    const day = cell - lead + 1;
    const isInMonth = day >= 1 && day <= length;
    rows[Math.floor(cell / 7)].append(el("td", {}, isInMonth ? dayButton({ ...month, day }, now) : null));
  }
  return rows;
}

function dayButton(date, now) {
  const iso = dates.toIso(date);
  const isToday = iso === dates.toIso(now);
  const isEntry = isToday || (date.day === 1 && (date.year !== now.year || date.month !== now.month));
  return el("button", {
    type: "button", class: "cell", "data-date": iso, tabindex: isEntry ? "0" : "-1",
    "aria-current": isToday ? "date" : null, "aria-label": spoken(date, [], []),
    on: { click: () => router.go({ screen: "day", date: iso }) },
  }, el("span", { class: "number", text: date.day }), el("span", { class: "marks" }));
}

function spoken(date, people, holidays) {
  const parts = [dayTitle(date), weekdayName(date)];
  if (people.length) parts.push(t("birthdays", { n: people.length }));
  for (const holiday of holidays) parts.push(`${t("holiday")}: ${holiday.name}`);
  return parts.join(", ");
}

/** Arrow keys walk through days and over the month's edges; Page Up and Down turn the month. */
function move(event, month) {
  const from = event.target.closest("[data-date]")?.dataset.date;
  if (!from) return;
  const target = destination(event.key, dates.fromIso(from), month);
  if (!target) return;
  event.preventDefault();
  const next = event.currentTarget.querySelector(dayCell(target));
  if (!next) return void open(target, dayCell(target));
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

function destination(key, date, month) {
  if (key in STEPS) return inBounds({ ...date, day: date.day + STEPS[key] });
  if (key !== "PageUp" && key !== "PageDown") return null;
  const target = dates.shifted(month, key === "PageUp" ? -1 : 1);
  return target && { ...target, day: Math.min(date.day, dates.daysInMonth(target.year, target.month)) };
}

function inBounds(date) {
  const moved = dates.utc(date);
  const year = moved.getUTCFullYear();
  if (year < dates.FIRST_YEAR || year > dates.LAST_YEAR) return null;
  return { year, month: moved.getUTCMonth() + 1, day: moved.getUTCDate() };
}

function swipes(board, month) {
  let start = null;
  board.addEventListener("touchstart", (event) => {
    start = event.touches.length === 1 ? event.touches[0] : null;
  }, { passive: true });
  board.addEventListener("touchend", (event) => {
    const end = event.changedTouches[0];
    const across = start ? end.clientX - start.clientX : 0;
    const along = start ? end.clientY - start.clientY : 0;
    start = null;
    if (Math.abs(across) < SWIPE || Math.abs(across) < 2 * Math.abs(along)) return;
    event.preventDefault();
    open(dates.shifted(month, across < 0 ? 1 : -1));
  });
}

function fill(grid, agenda, month, data) {
  for (const button of grid.querySelectorAll("[data-date]")) {
    const iso = button.dataset.date;
    mark(button, data.birthdays_by_date[iso] ?? [], data.holidays_by_date[iso] ?? []);
  }
  agenda.replaceChildren(...agendaParts(month, data));
}

function mark(button, people, holidays) {
  const marks = people.slice(0, people.length > 2 ? 1 : 2).map((person) => dot(person.full_name));
  if (people.length > 2) marks.push(el("span", { class: "count", text: `+${people.length - 1}` }));
  button.querySelector(".marks").replaceChildren(...marks);
  button.classList.toggle("holiday", holidays.length > 0);
  setAttribute(button, "aria-label", spoken(dates.fromIso(button.dataset.date), people, holidays));
}

function agendaParts(month, data) {
  const rows = [
    ...entries(data.holidays_by_date).map(([iso, holiday]) => ({ iso, holiday })),
    ...entries(data.birthdays_by_date).map(([iso, person]) => ({ iso, person })),
  ].sort((one, other) => (one.iso < other.iso ? -1 : Number(one.iso > other.iso)));
  const title = el("h2", { id: "agenda-title", class: "section-title", text: t("inMonth") });
  if (!rows.length) return [title, emptyState("cake", t("emptyMonth"), t("emptyMonthHint"), addButton(month))];
  const list = el("ul", { class: "card rows" });
  fillPaged(list, rows, (row) => el("li", {}, agendaRow(row)));
  return [title, list, addButton(month)];
}

function entries(byDate) {
  return Object.entries(byDate).flatMap(([iso, rows]) => rows.map((row) => [iso, row]));
}

function agendaRow({ iso, person, holiday }) {
  const onPress = () => router.go({ screen: "day", date: iso });
  const trailing = dayTitle(dates.fromIso(iso));
  if (person) return personRow(person, { detail: workOf(person), trailing, onPress });
  return el("button", { type: "button", class: "row holiday", on: { click: onPress } },
    el("span", { class: "avatar star" }, icon("star")),
    el("span", { class: "row-texts" },
      el("span", { class: "row-title", text: holiday.name }),
      el("span", { class: "row-detail", text: t("holiday") })),
    el("span", { class: "row-trailing", text: trailing }));
}
