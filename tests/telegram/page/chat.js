// The chat on the left: its log, the composer, keyboards and commands. It follows one chat at a
// time by long polls of at most 5 seconds.
import { $, control, element } from "./api.js";
import { bubble, dayLine } from "./bubbles.js";
import { popup, toast } from "./popup.js";

const WAIT = 5;
const GIVE_UP_CALLBACK = 15_000; // as Telegram's clients stop their spinner

export class Chat {
  // `openApp({button, message, url, startParam})` opens the Mini App.
  constructor({ me, bot, openApp }) {
    Object.assign(this, { me, bot, openApp, current: null, reader: null, replyTo: null, surroundings: {} });
    this.act = {
      follow: (url) => this.follow(url),
      say: (text) => this.say(text),
      press: (message, button, where) => this.press(message, button, where),
      reply: (message) => this.reply(message),
    };
    this.bindComposer();
    this.stayAtEnd();
  }

  // The end stays in view when keyboards open or pictures load, unless the reader scrolled away.
  stayAtEnd() {
    const log = $("chat");
    this.stick = true;
    log.onscroll = () => { this.stick = log.scrollHeight - log.scrollTop - log.clientHeight < 60; };
    new ResizeObserver(() => this.toEnd()).observe(log);
    log.addEventListener("load", () => this.toEnd(), true);
  }

  toEnd() {
    if (this.stick) $("chat").scrollTop = $("chat").scrollHeight;
  }

  get place() {
    return { user: this.me, bot: this.bot.id, chat: this.current.id };
  }

  show(chat) {
    this.reader?.abort();
    this.reader = new AbortController();
    Object.assign(this, { current: chat, messages: new Map(), revision: 0 });
    this.reply(null);
    this.stick = true;
    $("chat").replaceChildren();
    this.read(this.reader.signal);
  }

  async read(signal) {
    while (!signal.aborted) {
      try {
        const news = await control("watch", { ...this.place, after: this.revision, wait: WAIT }, signal);
        if (!signal.aborted) this.take(news);
      } catch (error) {
        if (signal.aborted) return;
        $("chat-subtitle").textContent = "connecting…";
        await new Promise((resolve) => setTimeout(resolve, 1500));
      }
    }
  }

  take(news) {
    $("chat-subtitle").textContent = this.current.subtitle;
    for (const message of news.messages) this.put(message);
    this.revision = news.revision;
    this.surround(news);
    this.describe(news.description);
    this.toEnd();
  }

  put(message) {
    const old = this.messages.get(message.message_id);
    if (message.deleted) {
      old?.remove();
      this.messages.delete(message.message_id);
      return;
    }
    const isGroup = this.current.id !== this.me;
    const made = bubble(message, { me: this.me, isGroup, act: this.act });
    this.messages.set(message.message_id, made);
    if (old) old.replaceWith(made);
    else this.append(message, made);
    if (message.markup?.force_reply) this.reply(message);
  }

  append(message, made) {
    const line = dayLine(message.date);
    const days = $("chat").querySelectorAll(".day");
    if (!days.length || [...days].at(-1).dataset.day !== line.dataset.day) $("chat").append(line);
    $("chat").append(made);
  }

  surround(news) {
    const shown = JSON.stringify([news.keyboard, news.commands, news.menu_button]);
    $("start").hidden = this.current.id !== this.me || this.messages.size > 0;
    if (shown === this.shown) return;
    this.shown = shown;
    this.surroundings = news;
    const menu = news.menu_button;
    const isApp = menu?.type === "web_app";
    $("menu-button").hidden = !isApp && !news.commands.length;
    $("menu-button").textContent = isApp ? menu.text : "☰ Menu";
    this.showKeyboard(news.keyboard?.keyboard);
  }

  // An empty chat shows what the bot says about itself.
  describe(text) {
    $("chat").querySelector(".description")?.remove();
    if (text && !this.messages.size && this.current.id === this.me) {
      $("chat").append(element("p", { className: "description" }, text));
    }
  }

  showKeyboard(rows) {
    $("keyboard-toggle").hidden = !rows;
    $("reply-keyboard").hidden = !rows;
    $("message").placeholder = this.surroundings.keyboard?.input_field_placeholder ?? "Message";
    const made = (rows ?? []).map((row) => element("div", {}, ...row.map((b) => this.replyButton(b))));
    $("reply-keyboard").replaceChildren(...made);
  }

  replyButton(given) {
    const button = typeof given === "string" ? { text: given } : given;
    return element("button", { type: "button", onclick: () => this.pressReply(button) }, button.text);
  }

  async pressReply(button) {
    if (this.surroundings.keyboard?.one_time_keyboard) $("reply-keyboard").hidden = true;
    if (button.web_app) return this.openApp({ url: button.web_app.url, keyboardButton: button.text });
    if (button.request_contact) {
      return this.send({ content: { contact: { first_name: this.bot.user.first_name, phone_number: "+15550100", user_id: this.me } } });
    }
    if (button.request_users) return this.shareUsers(button.request_users);
    return this.say(button.text);
  }

  async shareUsers(wanted) {
    const people = (await control("state")).users.filter((user) => user.id !== this.me);
    const choice = await popup({ title: "Share a person", message: "Whom?", buttons: [
      ...people.map((user) => ({ id: String(user.id), text: user.first_name })),
      { id: "", type: "cancel" },
    ] });
    const user = people.find((one) => String(one.id) === choice);
    if (!user) return;
    const users = [{ user_id: user.id, first_name: user.first_name, last_name: user.last_name, username: user.username }];
    await this.send({ content: { users_shared: { request_id: wanted.request_id, users, user_ids: [user.id] } } });
  }

  bindComposer() {
    $("composer").onsubmit = (event) => {
      event.preventDefault();
      this.submit();
    };
    $("message").onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    };
    $("message").oninput = () => this.typed();
    $("start").onclick = () => this.say("/start");
    $("menu-button").onclick = () => this.menu();
    $("keyboard-toggle").onclick = () => { $("reply-keyboard").hidden = !$("reply-keyboard").hidden; };
    $("reply-cancel").onclick = () => this.reply(null);
    $("attach").onclick = () => $("file").click();
    $("file").onchange = () => this.sendFile($("file").files[0]);
  }

  typed() {
    const field = $("message");
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
    this.offerCommands(/^\/\w*$/.test(field.value) ? field.value.slice(1) : null);
  }

  menu() {
    const menu = this.surroundings.menu_button;
    if (menu?.type === "web_app") return this.openApp({ url: menu.web_app.url });
    return this.offerCommands($("commands").hidden ? "" : null);
  }

  offerCommands(beginning) {
    const fitting = beginning === null ? []
      : (this.surroundings.commands ?? []).filter((c) => c.command.startsWith(beginning));
    $("commands").hidden = !fitting.length;
    $("commands").replaceChildren(...fitting.map((c) =>
      element("li", { role: "option" },
        element("button", { type: "button", onclick: () => this.say(`/${c.command}`) },
          element("b", {}, `/${c.command}`), element("span", {}, c.description)))));
  }

  submit() {
    const text = $("message").value.trim();
    if (text) this.say(text);
  }

  async say(text) {
    $("message").value = "";
    this.typed();
    this.stick = true;
    await this.send({ text });
  }

  async send(what) {
    const replyTo = this.replyTo?.message_id;
    this.reply(null);
    try {
      await control("send", { ...this.place, ...what, reply_to: replyTo });
    } catch (error) {
      toast(error.message);
    }
  }

  async sendFile(file) {
    if (!file) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
    let binary = "";
    for (const byte of bytes) binary += String.fromCharCode(byte);
    await control("send_file", { ...this.place, name: file.name, mime: file.type, data: btoa(binary) });
    $("file").value = "";
  }

  reply(message) {
    this.replyTo = message;
    $("reply-bar").hidden = !message;
    $("reply-text").textContent = message ? `Reply to ${message.from.first_name}: ${message.text ?? ""}` : "";
    if (message) $("message").focus();
  }

  async press(message, button, where) {
    if (button.web_app) return this.openApp({ url: button.web_app.url });
    if (button.url) return this.follow(button.url);
    if (button.copy_text) return navigator.clipboard?.writeText(button.copy_text.text);
    where.ariaBusy = "true";
    try {
      await this.waitForAnswer(await control("press", { ...this.place, message: message.message_id, button: button.callback_data }));
    } catch (error) {
      toast(error.message);
    }
    where.ariaBusy = null;
  }

  async waitForAnswer(pressed) {
    const until = Date.now() + GIVE_UP_CALLBACK;
    while (!pressed.answered && Date.now() < until) {
      pressed = await control("callback", { id: pressed.id, wait: WAIT });
    }
    if (pressed.url) return this.follow(pressed.url);
    if (pressed.text && pressed.show_alert) return popup({ title: this.bot.first_name, message: pressed.text });
    return pressed.text ? toast(pressed.text) : undefined;
  }

  async follow(url) {
    const followed = await control("follow", { user: this.me, url });
    if (followed.kind === "web_app") return this.openApp({ url: followed.url, startParam: startParam(url) });
    if (followed.kind !== "message") window.open(url, "_blank", "noopener");
    return undefined;
  }
}

const startParam = (url) => new URL(url).searchParams.get("startapp") || null;
