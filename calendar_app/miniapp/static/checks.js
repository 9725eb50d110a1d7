// The rules of a birthday's fields, the same as the server's, so that most mistakes are explained
// before anything is sent. Pure: what was typed in, what to send or what is wrong out.

import { daysBetween, daysInMonth, latestToday, toIso } from "./dates.js";
import { t } from "./i18n.js";

/** The text fields with their greatest lengths, in characters as Python counts them. */
export const LIMITS = { full_name: 200, company: 200, position: 200, responsible: 255, comment: 1000 };

/** Typed texts → {body, errors}; errors [{field, message}] where field is an input's name. */
export function check(values) {
  const body = {};
  const errors = [];
  for (const [field, limit] of Object.entries(LIMITS)) {
    body[field] = values[field].trim();
    const message = textProblem(field, body[field], limit);
    if (message) errors.push({ field, message });
  }
  errors.push(...dateProblems(values));
  if (!errors.length) body.birth_date = toIso(dateOf(values));
  return { body, errors };
}

function textProblem(field, text, limit) {
  if (field === "full_name" && !text) return t("needName");
  return [...text].length > limit ? t("tooLong", { n: limit }) : null;
}

/** {day, month, year}, year null if empty; numbers only once isDigits has been asked. */
export function dateOf({ day, month, year }) {
  return { day: Number(day), month: Number(month), year: year.trim() ? Number(year) : null };
}

function dateProblems(values) {
  const problems = [dayProblem(values.day.trim()), monthProblem(values.month), yearProblem(values.year.trim())];
  const found = problems.filter(Boolean);
  if (found.length) return found;
  const together = wholeProblem(dateOf(values));
  return together ? [together] : [];
}

function dayProblem(day) {
  if (!day) return { field: "day", message: t("needDay") };
  const isDay = /^\d{1,2}$/.test(day) && day >= 1 && day <= 31;
  return isDay ? null : { field: "day", message: t("badDay") };
}

function monthProblem(month) {
  return month ? null : { field: "month", message: t("needMonth") };
}

/** Four digits, because "85" is 1985 to whoever types it and 85 to a computer. */
function yearProblem(year) {
  const isYear = !year || (/^\d{4}$/.test(year) && Number(year) >= 1);
  return isYear ? null : { field: "year", message: t("badYear") };
}

function wholeProblem(date) {
  const length = daysInMonth(date.year, date.month);
  if (date.day > length) {
    if (date.month === 2 && date.day === 29) return { field: "year", message: t("notLeap", { year: date.year }) };
    return { field: "day", message: t("badDayOfMonth", { n: length }) };
  }
  const isFuture = date.year && daysBetween(latestToday(), date) > 0;
  return isFuture ? { field: "year", message: t("future") } : null;
}
