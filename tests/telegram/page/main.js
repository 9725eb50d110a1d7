// Puts the page together: who is who, the chats, the Mini App beside them, theme and language.
import { $, control, element } from "./api.js";
import { Chat } from "./chat.js";
import { MiniApp } from "./miniapp.js";
import { Panel } from "./panel.js";
import { toast } from "./popup.js";

const SAMPLE_APP = new URL("sample/", location.href).href;
const initials = (name) => name.split(/\s+/).slice(0, 2).map((word) => [...word][0]).join("").toUpperCase();

async function main() {
  const [themes, state] = await Promise.all([fetch("themes.json").then((r) => r.json()), control("state")]);
  const [user] = state.users;
  const bot = { ...state.bots[0], user };
  $("user-name").textContent = [user.first_name, user.last_name].filter(Boolean).join(" ");
  $("app-title").textContent = bot.first_name;
  applyTheme(themes);
  const app = new MiniApp({ me: user.id, bot, themes, theme, follow: (url) => chat.follow(url) });
  const openApp = (how) => app.open(how).catch((error) => toast(error.message));
  const chat = new Chat({ me: user.id, bot, openApp });
  listChats(chat, state, user, bot);
  new Panel({ me: user.id, bot });
  bindTheme(themes, app);
  bindLanguage(user, app);
  const menuApp = () => chat.surroundings.menu_button?.web_app?.url ?? (state.webapp_url || SAMPLE_APP);
  $("open-app").onclick = () => openApp({ url: menuApp() });
  // Disabled until here: what is typed or pressed before would be lost.
  for (const id of ["message", "send", "theme", "language", "open-app"]) $(id).disabled = false;
  if (matchMedia("(min-width: 701px)").matches) openApp({ url: await firstApp(user, bot, state) });
}

async function firstApp(user, bot, state) {
  const shown = await control("watch", { user: user.id, bot: bot.id, after: Number.MAX_SAFE_INTEGER });
  return shown.menu_button?.web_app?.url ?? (state.webapp_url || SAMPLE_APP);
}

function listChats(chat, state, user, bot) {
  const mine = state.groups.filter((group) => group.members.includes(user.id));
  const chats = [
    { id: user.id, title: bot.first_name, subtitle: "bot" },
    ...mine.map((group) => ({ id: group.id, title: group.title, subtitle: `${group.members.length} members` })),
  ];
  const tabs = chats.map((one, number) => element("button", {
    role: "tab", ariaLabel: one.title, title: one.title,
    onclick: () => choose(chat, chats, tabs, number),
  }, element("span", { className: "avatar small", dataset: { hue: number % 4 } }, initials(one.title))));
  $("chats").replaceChildren(...(chats.length > 1 ? tabs : []));
  choose(chat, chats, tabs, 0);
}

function choose(chat, chats, tabs, number) {
  tabs.forEach((tab, index) => { tab.ariaSelected = String(index === number); });
  $("chat-title").textContent = chats[number].title;
  $("chat-subtitle").textContent = chats[number].subtitle;
  $("chat-avatar").textContent = initials(chats[number].title);
  $("chat-avatar").dataset.hue = number % 4;
  chat.show(chats[number]);
}

const theme = () => document.documentElement.dataset.theme;

function applyTheme(themes, name = remembered("theme") ?? "light") {
  document.documentElement.dataset.theme = name;
  for (const [key, value] of Object.entries(themes[name])) {
    document.documentElement.style.setProperty(`--tg-${key}`, value);
  }
  $("theme").ariaChecked = String(name === "dark");
}

function bindTheme(themes, app) {
  $("theme").onclick = () => {
    const name = theme() === "dark" ? "light" : "dark";
    remember("theme", name);
    applyTheme(themes, name);
    app.sendTheme();
  };
}

function bindLanguage(user, app) {
  const code = user.language_code?.slice(0, 2);
  $("language").value = ["en", "ru"].includes(code) ? code : "en";
  $("language").onchange = async () => {
    await control("set_user", { user: user.id, language_code: $("language").value });
    await app.reload();
  };
}

// Storage may be forbidden; the page works without.
function remembered(key) {
  try {
    return localStorage.getItem(`simulator-${key}`);
  } catch {
    return null;
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(`simulator-${key}`, value);
  } catch {
    // nothing is lost but the choice
  }
}

main().catch((error) => toast(error.message));
