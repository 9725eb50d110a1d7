// Text with Telegram's entities as DOM nodes; offsets are UTF-16 units, as JavaScript's are.
import { element } from "./api.js";

const TAGS = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre",
  blockquote: "blockquote", expandable_blockquote: "blockquote" };

// `act` has follow(url) for links and say(text) for commands.
export function rendered(text, entities, act) {
  const box = document.createDocumentFragment();
  place(box, text, 0, text.length, [...(entities ?? [])], act);
  return box;
}

function place(box, text, from, to, entities, act) {
  let at = from;
  while (entities.length && entities[0].offset < to) {
    const entity = entities.shift();
    if (entity.offset < at) continue;
    box.append(text.slice(at, entity.offset));
    at = Math.min(entity.offset + entity.length, to);
    const inside = wrapper(entity, text.slice(entity.offset, at), act);
    place(inside, text, entity.offset, at, entities, act);
    box.append(inside);
  }
  box.append(text.slice(at, to));
}

function wrapper(entity, part, act) {
  if (entity.type in TAGS) return element(TAGS[entity.type]);
  if (entity.type === "spoiler") return element("span", { className: "spoiler" });
  if (entity.type === "text_link") return link(entity.url, act);
  if (entity.type === "url") return link(/^https?:/.test(part) ? part : `https://${part}`, act);
  if (entity.type === "email") return link(`mailto:${part}`, act);
  if (entity.type === "bot_command") {
    return element("button", { className: "command", onclick: () => act.say(part) });
  }
  return element("span");
}

function link(address, act) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return element("span");
  }
  if (!["http:", "https:", "mailto:"].includes(url.protocol)) return element("span");
  const made = element("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" });
  if (["t.me", "telegram.me"].includes(url.hostname)) {
    made.onclick = (event) => {
      event.preventDefault();
      act.follow(url.href);
    };
  }
  return made;
}
