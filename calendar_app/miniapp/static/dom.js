// Building the page: elements from plain data, icons, avatars. Never parses HTML, so a name that
// looks like markup stays text. No style attributes either: the content security policy forbids them.

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  back: "M15 5l-7 7 7 7",
  forward: "M9 5l7 7-7 7",
  plus: "M12 5v14M5 12h14",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16.5 16.5L20 20",
  close: "M6 6l12 12M18 6L6 18",
  star: "M12 4l2.4 5 5.4.7-4 3.8 1 5.5-4.8-2.7L7.2 19l1-5.5-4-3.8 5.4-.7z",
  cake: "M4 20h16M5 20v-6a2 2 0 0 1 2-2h10a2 2 0 0 1 2 2v6M5 16c1.8 1.5 2.9 1.5 4.7 0 1.7 1.5 2.9 1.5 4.6 0 1.8 1.5 2.9 1.5 4.7 0M12 12V9M12 4c1 1 1.3 1.7 1.3 2.2a1.3 1.3 0 0 1-2.6 0C10.7 5.7 11 5 12 4z",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.5 20c.7-3.6 3.7-5.5 7.5-5.5s6.8 1.9 7.5 5.5",
  note: "M5 6h14M5 11h14M5 16h9",
  briefcase: "M4 8h16v11H4zM9 8V5h6v3M4 13h16",
  plane: "M20 4L3.5 11l5.5 2.2L17 7l-6 7 .2 5.5 2.8-3.7 4 2.700z",
};

/** An element: `on` holds listeners, `text` its text, other properties are attributes. */
export function el(tag, { on = {}, text, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  for (const [type, listener] of Object.entries(on)) element.addEventListener(type, listener);
  if (text !== undefined) element.textContent = text;
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Sets an attribute; true means present, and false, null or undefined absent. */
export function setAttribute(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : value);
}

/** A line icon in the colour of the text around it; screen readers skip it. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

/** A round badge with up to two initials; the same name always has the same colour. */
export function avatar(name) {
  return badge(name, "avatar", initials(name));
}

/** A small badge with one initial. */
export function dot(name) {
  return badge(name, "dot", [...initials(name)][0]);
}

function badge(name, kind, text) {
  return el("span", { class: `${kind} tone-${tone(name)}`, "aria-hidden": "true", text });
}

function initials(name) {
  const letters = name.trim().split(/\s+/).map((word) => /[\p{L}\p{N}]/u.exec(word)?.[0]);
  const known = letters.filter(Boolean);
  const chosen = known.length > 1 ? [known[0], known[1]] : known;
  return chosen.join("").toLocaleUpperCase() || "?";
}

function tone(name) {
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)) % 1_000_003;
  return hash % 8;
}
