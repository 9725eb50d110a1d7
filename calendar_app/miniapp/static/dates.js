// Calendar arithmetic without time zones: years, months, days, weekdays, ages, next occurrences.
// Pure apart from today(), which reads the device's clock. Months are 1-12, weekdays 0 = Monday.
// Years 1-9999, proleptic Gregorian, like Python's on the server.

export const FIRST_YEAR = 1;
export const LAST_YEAR = 9999;

const DAY = 86_400_000;

/** A Date at UTC midnight; Date.UTC alone would turn the years 0-99 into 1900-1999. */
export function utc({ year, month, day }) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date;
}

export function isLeap(year) {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

/** Days of the month; an unknown year (null) admits 29 February. */
export function daysInMonth(year, month) {
  if (month === 2) return year === null || isLeap(year) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

export function weekday(date) {
  return (utc(date).getUTCDay() + 6) % 7;
}

/** "2026-05-06", or "--05-06" without a year. */
export function toIso({ year, month, day }) {
  const two = (number) => String(number).padStart(2, "0");
  return `${year ? String(year).padStart(4, "0") : "-"}-${two(month)}-${two(day)}`;
}

/** The parts of such a text; year null if unknown. */
export function fromIso(text) {
  const [, year, month, day] = /^(\d{4}|-)-(\d\d)-(\d\d)$/.exec(text);
  return { year: year === "-" ? null : Number(year), month: Number(month), day: Number(day) };
}

export function today() {
  const now = new Date();
  return { year: now.getFullYear(), month: now.getMonth() + 1, day: now.getDate() };
}

/** The latest date that is today anywhere: at UTC+14, as the server judges the future. */
export function latestToday() {
  const now = new Date(Date.now() + 14 * 3_600_000);
  return { year: now.getUTCFullYear(), month: now.getUTCMonth() + 1, day: now.getUTCDate() };
}

/** Whole days from one date to another; negative if the other is earlier. */
export function daysBetween(from, to) {
  return Math.round((utc(to) - utc(from)) / DAY);
}

/** The month `step` months on, or null beyond the years 1-9999. */
export function shifted({ year, month }, step) {
  const index = year * 12 + month - 1 + step;
  const moved = { year: Math.floor(index / 12), month: (index % 12) + 1 };
  return moved.year < FIRST_YEAR || moved.year > LAST_YEAR ? null : moved;
}

/** The first date from `start` on that the birthday is kept; `leapDay` is "feb28" or "mar1". */
export function nextOccurrence(birth, start, leapDay) {
  const from = birth.year && daysBetween(start, birth) > 0 ? birth : start;
  const here = kept(birth, from.year, leapDay);
  return daysBetween(from, here) >= 0 ? here : kept(birth, from.year + 1, leapDay);
}

function kept({ month, day }, year, leapDay) {
  if (month !== 2 || day !== 29 || isLeap(year)) return { year, month, day };
  return leapDay === "mar1" ? { year, month: 3, day: 1 } : { year, month: 2, day: 28 };
}
