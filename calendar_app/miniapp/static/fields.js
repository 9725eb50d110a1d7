// The inputs of a birthday: labels, hints, errors under their fields, reading and filling.
// The date is three fields in the order of the locale, so that clearing one never wipes the others.
// Names of inputs are those of the API, with birth_date split into day, month and year.

import { check, dateOf } from "./checks.js";
import { daysBetween, today } from "./dates.js";
import { el, setAttribute } from "./dom.js";
import { dateOrder, monthName, t } from "./i18n.js";

const DATE = ["day", "month", "year"];

/** All sections of the form with these texts in them. */
export function build(values) {
  const sections = [
    section(t("name"), textField("full_name", null, { required: true })),
    section(t("birthDate"), dateFields()),
    el("p", { class: "hint below", id: "date-hint", text: t("yearHint") }),
    section(t("work"), textField("company", t("company")), textField("position", t("position"))),
    section(t("notes"), textField("responsible", t("responsibleField")), textField("comment", t("comment"))),
    el("p", { class: "hint below", id: "comment-hint", text: t("commentHint") }),
  ];
  const holder = el("div", { class: "sections", on: { input: () => hintAge(holder) } }, sections);
  fill(holder, values);
  return holder;
}

function section(title, ...fields) {
  return el("fieldset", {}, el("legend", { class: "section-title", text: title }), el("div", { class: "card fields" }, fields));
}

/** A text input; without a label of its own the section's title is its label. */
function textField(name, label, { required = false } = {}) {
  const isLong = name === "comment";
  const input = el(isLong ? "textarea" : "input", {
    id: name, name, rows: isLong ? "3" : null, type: isLong ? null : "text",
    "aria-required": required ? "true" : null,
    "aria-label": label ? null : t("name"),
    "aria-describedby": isLong ? `${name}-error comment-hint` : `${name}-error`,
    enterkeyhint: isLong ? null : "next",
  });
  return el("div", { class: "field" },
    label && el("label", { for: name, text: label }), input, errorLine(name));
}

function errorLine(name) {
  return el("p", { class: "error", id: `${name}-error` });
}

function dateFields() {
  const makers = { day: () => number("day", 2), month: monthSelect, year: () => number("year", 4) };
  const fields = dateOrder().map((name) => el("div", { class: `field ${name}` },
    el("label", { for: name, text: t(name) }), makers[name]()));
  return el("div", { class: "date", role: "group", "aria-label": t("birthDate") },
    el("div", { class: "date-fields" }, fields), errorLine("birth_date"));
}

function number(name, size) {
  return el("input", {
    id: name, name, type: "text", inputmode: "numeric", size, autocomplete: "off",
    "aria-required": name === "year" ? null : "true", "aria-describedby": "birth_date-error date-hint",
  });
}

function monthSelect() {
  const options = Array.from({ length: 12 }, (_, i) => el("option", { value: i + 1, text: monthName(i + 1) }));
  return el("select", { id: "month", name: "month", "aria-required": "true", "aria-describedby": "birth_date-error" },
    el("option", { value: "", text: "—" }), options);
}

/** What stands in the inputs, by name. */
export function read(holder) {
  return Object.fromEntries(inputs(holder).map((input) => [input.name, input.value]));
}

export function fill(holder, values) {
  for (const input of inputs(holder)) input.value = values[input.name] ?? "";
  showErrors(holder, []);
  hintAge(holder);
}

function inputs(holder) {
  return [...holder.querySelectorAll("input, select, textarea")];
}

/** Under a whole date: how old that makes the person, so that a slip in the year is seen. */
function hintAge(holder) {
  const values = read(holder);
  const { errors } = check({ ...values, full_name: "-" });
  const isWhole = values.year.trim() && !errors.some(({ field }) => DATE.includes(field));
  holder.querySelector("#date-hint").textContent = isWhole ? t("ageNow", { n: age(dateOf(values)) }) : t("yearHint");
}

function age(birth) {
  const now = today();
  const had = daysBetween({ ...birth, year: 2000 }, { ...now, year: 2000 }) >= 0;
  return Math.max(0, now.year - birth.year - (had ? 0 : 1));
}

/** Puts [{field, message}] under their inputs and the focus on the first; returns what has no input. */
export function showErrors(holder, errors) {
  for (const line of holder.querySelectorAll(".error")) line.replaceChildren();
  for (const input of inputs(holder)) setAttribute(input, "aria-invalid", null);
  const strangers = errors.filter((error) => !place(holder, error));
  holder.querySelector("[aria-invalid]")?.focus();
  return strangers;
}

function place(holder, { field, message }) {
  const name = String(field).split(".").at(-1);
  const line = holder.querySelector(`#${CSS.escape(DATE.includes(name) ? "birth_date" : name)}-error`);
  if (!line) return false;
  line.append(el("span", { text: message }));
  const input = holder.querySelector(`#${CSS.escape(name === "birth_date" ? "day" : name)}`);
  setAttribute(input, "aria-invalid", "true");
  return true;
}
