// One day: who has a birthday and how old they get, the day's holidays, who is responsible.
// Shows the API's answer; the form is one press away for those who may write.

import * as api from "./api.js";
import * as dates from "./dates.js";
import { el, icon } from "./dom.js";
import { dayTitle, t, weekdayName } from "./i18n.js";
import { addButton, emptyState, personRow, skeleton, titleBar, workOf } from "./parts.js";
import * as router from "./router.js";

/** Draws route.date, "YYYY-MM-DD". */
export async function show(root, { date: iso }, signal) {
  const date = dates.fromIso(iso);
  const content = el("div", { class: "narrow" });
  root.append(titleBar(dayTitle(date), subtitle(date)), content);
  const path = `/api/calendar/${iso}`;
  const known = api.remembered(path);
  content.replaceChildren(...(known ? sections(date, known.data) : [skeleton(2)]));
  content.replaceChildren(...sections(date, (await api.get(path, signal)).data));
}

function subtitle(date) {
  const parts = [weekdayName(date), date.year];
  const away = dates.daysBetween(dates.today(), date);
  if (away >= 0 && away < 100) parts.push(distance(away));
  return parts.join(" · ");
}

/** "Today", "Tomorrow", "in 5 days". */
export function distance(days) {
  if (days === 0) return t("today");
  return days === 1 ? t("tomorrow") : t("inDays", { n: days });
}

function sections(date, { birthdays, holidays, responsible }) {
  const people = birthdays.map((person) => el("li", { class: "card person" }, personParts(date, person)));
  const add = addButton(date);
  return [
    holidays.length ? holidayCard(holidays) : null,
    people.length ? el("ul", { class: "people" }, people) : emptyState("cake", t("emptyDay"), add && t("emptyDayHint"), add),
    responsible ? responsibleCard(responsible) : null,
    people.length ? add : null,
  ].filter(Boolean);
}

function personParts(date, person) {
  const work = workOf(person);
  const edit = () => router.go({ screen: "form", id: person.id });
  const line = (picture, text) => el("p", { class: "person-line" }, icon(picture), el("span", { text }));
  return [
    personRow(person, {
      detail: ageText(date, person.age),
      onPress: api.mayWrite() ? edit : null,
      label: [person.full_name, ageText(date, person.age), t("editShort")].filter(Boolean).join(", "),
    }),
    work && line("briefcase", work),
    person.comment && line("note", person.comment),
    person.responsible && line("person", t("personResponsible", { name: person.responsible })),
  ].filter(Boolean);
}

function ageText(date, age) {
  if (age === null) return null;
  if (age === 0) return t("born");
  const away = dates.daysBetween(dates.today(), date);
  const tense = away === 0 ? "turns" : away < 0 ? "turned" : "willTurn";
  return t(tense, { n: age });
}

function holidayCard(holidays) {
  const row = ({ name, description }) => el("li", { class: "row holiday" },
    el("span", { class: "avatar star" }, icon("star")),
    el("span", { class: "row-texts" },
      el("span", { class: "row-title", text: name }),
      description && el("span", { class: "row-detail", text: description })));
  return el("section", {},
    el("h2", { class: "section-title", text: t("holidays") }),
    el("ul", { class: "card rows" }, holidays.map(row)));
}

function responsibleCard(person) {
  return el("section", {},
    el("h2", { class: "section-title", text: t("responsible") }),
    el("div", { class: "card" }, personRow(person, { detail: workOf(person) })));
}
