// One message as an element of the chat log.
import { element, fileAddress } from "./api.js";
import { rendered } from "./entities.js";

const time = (seconds) =>
  new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

const SERVICE = {
  new_chat_members: (m) => `${m.from.first_name} added ${m.new_chat_members.map((u) => u.first_name).join(", ")}`,
  left_chat_member: (m) => `${m.left_chat_member.first_name} left the group`,
  migrate_to_chat_id: () => "The group was upgraded to a supergroup",
  migrate_from_chat_id: () => "The group was upgraded to a supergroup",
  write_access_allowed: () => "You allowed this bot to message you from its Mini App",
  web_app_data: (m) => `You sent data from the button “${m.web_app_data.button_text}”`,
  users_shared: (m) => `You shared ${m.users_shared.users.map((u) => u.first_name).join(", ")}`,
};

// `act`: follow(url), say(text), press(message, button), reply(message); `me` is the user's id.
export function bubble(message, { me, isGroup, act }) {
  const service = Object.keys(SERVICE).find((key) => key in message);
  if (service) return element("div", { className: "service" }, SERVICE[service](message));
  const own = message.from.id === me;
  const row = element("div", { className: own ? "message own" : "message", dataset: { id: message.message_id } });
  row.append(
    element("div", { className: "bubble" }, ...content(message, isGroup && !own, act)),
    element("button", { className: "reply", ariaLabel: "Reply", onclick: () => act.reply(message) }, "↩"),
  );
  if (message.reply_markup) row.append(keyboard(message, act));
  return row;
}

function content(message, named, act) {
  const text = message.text ?? message.caption ?? "";
  const entities = message.entities ?? message.caption_entities;
  const edited = message.edit_date ? "edited " : "";
  return [
    named ? element("span", { className: "sender" }, message.from.first_name) : null,
    message.reply_to_message ? quote(message.reply_to_message) : null,
    message.photo ? element("img", { src: fileAddress(message.photo.at(-1).file_id), alt: "Photo" }) : null,
    message.document ? fileLink(message.document) : null,
    message.contact ? `👤 ${message.contact.first_name} ${message.contact.phone_number ?? ""}` : null,
    rendered(text, entities, act),
    element("time", { className: "meta" }, edited + time(message.date)),
  ];
}

function quote(message) {
  const text = (message.text ?? message.caption ?? "File").split("\n")[0];
  return element("span", { className: "quote" }, element("b", {}, message.from.first_name), text);
}

function fileLink(file) {
  const size = `${Math.max(1, Math.round(file.file_size / 1024))} KB`;
  const name = file.file_name ?? "file";
  return element("a", { className: "document", href: fileAddress(file.file_id), download: name },
    element("i", {}, "↓"),
    element("span", {}, name, element("br"), element("span", { className: "hint" }, size)));
}

function keyboard(message, act) {
  const rows = message.reply_markup.inline_keyboard.map((row) =>
    element("div", {}, ...row.map((button) => inlineButton(message, button, act))));
  return element("div", { className: "inline-keyboard" }, ...rows);
}

function inlineButton(message, button, act) {
  const made = element("button", { onclick: () => act.press(message, button, made) }, button.text);
  if (button.url) made.dataset.mark = "↗";
  if (button.web_app) made.dataset.mark = "▣";
  return made;
}

export function dayLine(seconds) {
  const day = new Date(seconds * 1000).toLocaleDateString("en", { month: "long", day: "numeric" });
  return element("div", { className: "day", dataset: { day } }, day);
}
