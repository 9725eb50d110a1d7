// Colours: Telegram's theme as CSS variables, made readable where a theme is too pale.
// Without Telegram nothing is set and base.css follows the system's light or dark.
// Main calls start() once; everything else only uses the variables.

import * as telegram from "./telegram.js";

const HEX = /^#[0-9a-f]{6}$/i;
const ENOUGH = 4.5; // WCAG 2.2, 1.4.3: contrast of ordinary text

/** Takes the launch theme and follows each change of it. */
export function start() {
  apply(telegram.themeParams);
  telegram.on("theme_changed", (data) => apply(data.theme_params ?? {}));
  telegram.on("viewport_changed", ({ height, is_state_stable: isStable }) => {
    if (isStable && height) document.documentElement.style.setProperty("--height", `${height}px`);
  });
}

function apply(given) {
  const theme = Object.fromEntries(Object.entries(given).filter(([, value]) => HEX.test(value)));
  if (!theme.bg_color || !theme.text_color) return;
  const root = document.documentElement;
  root.dataset.scheme = luminance(theme.bg_color) < 0.3 ? "dark" : "light";
  for (const [name, value] of Object.entries(variables(theme))) {
    if (value) root.style.setProperty(`--${name}`, value);
    else root.style.removeProperty(`--${name}`);
  }
  telegram.setMainButtonColors(theme.button_color, theme.button_text_color);
  telegram.post("web_app_set_header_color", { color_key: "secondary_bg_color" }, "6.1");
  telegram.post("web_app_set_background_color", { color: variables(theme).page }, "6.1");
}

function variables(theme) {
  const text = theme.text_color;
  const card = theme.section_bg_color ?? theme.bg_color;
  const page = theme.secondary_bg_color ?? theme.bg_color;
  const onBoth = (color) => color && readable(readable(color, page, text), card, text);
  const label = theme.button_text_color ?? "#ffffff";
  const away = luminance(label) > 0.5 ? "#000000" : "#ffffff";
  return {
    page,
    card: card === page ? mixed(page, text, 0.04) : card,
    text,
    hint: onBoth(theme.subtitle_text_color ?? theme.hint_color),
    accent: onBoth(theme.accent_text_color ?? theme.link_color),
    danger: onBoth(theme.destructive_text_color),
    button: theme.button_color && readable(theme.button_color, label, away),
    "button-text": label,
    line: theme.section_separator_color ?? mixed(card, text, 0.12),
  };
}

/** `color`, moved towards `limit` only as far as it must to be read on `ground`. */
function readable(color, ground, limit) {
  for (let share = 0; share < 1; share += 0.05) {
    const candidate = mixed(color, limit, share);
    if (contrast(candidate, ground) >= ENOUGH) return candidate;
  }
  return limit;
}

function channels(hex) {
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
}

function mixed(from, to, share) {
  const [a, b] = [channels(from), channels(to)];
  const hex = (value) => Math.round(value).toString(16).padStart(2, "0");
  return `#${a.map((value, i) => hex(value + (b[i] - value) * share)).join("")}`;
}

function luminance(hex) {
  const [red, green, blue] = channels(hex)
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}
