// The language and what follows from it: sentences with plurals, names of months and days, week start.
// Hides Intl and its traps (Russian "май 2026 г.", standalone month names, getWeekInfo or weekInfo).
// The sentences themselves are in texts.js.

import { texts } from "./texts.js";
import { utc } from "./dates.js";
import { user } from "./telegram.js";

const CHOICE = "language";
const formats = new Map();
let current = chosen() ?? languageOf(user?.language_code ?? navigator.language);

function chosen() {
  try {
    const choice = localStorage.getItem(CHOICE);
    return choice in texts ? choice : null;
  } catch {
    return null; // storage is refused in some frames
  }
}

function languageOf(code) {
  return /^ru\b/i.test(code ?? "") ? "ru" : "en";
}

export function language() {
  return current;
}

/** Changes the language for good, on this device. */
export function setLanguage(choice) {
  current = choice;
  try {
    localStorage.setItem(CHOICE, choice);
  } catch {
    // Then it lasts until the app is closed.
  }
}

/** The locale: the device's region counts where it speaks the same language. */
export function locale() {
  return navigator.languages.find((tag) => tag.split("-")[0] === current) ?? current;
}

/** A sentence with {name} filled in; {n} also chooses the plural form. */
export function t(key, values = {}) {
  const entry = texts[current][key];
  const sentence = typeof entry === "string"
    ? entry
    : entry[new Intl.PluralRules(current).select(values.n)] ?? entry.other;
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function format(options) {
  const key = locale() + JSON.stringify(options);
  if (!formats.has(key)) {
    formats.set(key, new Intl.DateTimeFormat(locale(), { ...options, timeZone: "UTC" }));
  }
  return formats.get(key);
}

function capitalized(text) {
  return text.charAt(0).toLocaleUpperCase(current) + text.slice(1);
}

/** "May", "Май": the name by itself, never in the genitive. */
export function monthName(month) {
  return capitalized(format({ month: "long" }).format(utc({ year: 2000, month, day: 1 })));
}

/** "May 2026", "Май 2026". */
export function monthTitle({ year, month }) {
  return `${monthName(month)} ${year}`;
}

/** "May 6", "6 мая"; with the year if there is one and it is wanted. */
export function dayTitle({ year, month, day }, withYear = false) {
  const date = utc({ year: year ?? 2000, month, day });
  const options = { day: "numeric", month: "long" };
  if (withYear && year) options.year = "numeric";
  return format(options).format(date).replace(/\sг\.$/, "");
}

export function weekdayName(date, width = "long") {
  return capitalized(format({ weekday: width }).format(utc(date)));
}

/** Which weekday a week begins with here, 0 = Monday. */
export function firstWeekday() {
  try {
    const here = new Intl.Locale(locale());
    return ((here.getWeekInfo?.() ?? here.weekInfo).firstDay + 6) % 7;
  } catch {
    return 0;
  }
}

/** The seven weekdays from the week's start: {short, long}. */
export function weekdays() {
  const monday = 3; // 3 January 2000
  return [0, 1, 2, 3, 4, 5, 6].map((offset) => {
    const date = { year: 2000, month: 1, day: monday + ((firstWeekday() + offset) % 7) };
    return { short: weekdayName(date, "short"), long: weekdayName(date) };
  });
}

/** In which order "day", "month" and "year" are written here. */
export function dateOrder() {
  const parts = format({ day: "numeric", month: "long", year: "numeric" }).formatToParts(new Date(0));
  return parts.map((part) => part.type).filter((type) => ["day", "month", "year"].includes(type));
}
