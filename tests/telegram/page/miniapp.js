// Telegram's side of the Mini App protocol: https://core.telegram.org/bots/webapps and the messages
// that telegram-web-app.js exchanges with the page around it.
import { $, control, element } from "./api.js";
import { popup } from "./popup.js";

const UNSUPPORTED = {
  web_app_request_fullscreen: ["fullscreen_failed", { error: "UNSUPPORTED" }],
  web_app_add_to_home_screen: ["home_screen_failed", { error: "UNSUPPORTED" }],
  web_app_check_home_screen: ["home_screen_checked", { status: "unsupported" }],
  web_app_send_prepared_message: ["prepared_message_failed", { error: "UNSUPPORTED" }],
  web_app_read_text_from_clipboard: ["clipboard_text_received", {}],
  web_app_biometry_get_info: ["biometry_info_received", { available: false }],
};
const NO_INSETS = { top: 0, bottom: 0, left: 0, right: 0 };

export class MiniApp {
  // `follow(url)` opens t.me links, `theme()` names the theme in use.
  constructor({ me, bot, themes, theme, follow }) {
    Object.assign(this, { me, bot, themes, theme, follow, frame: null, opened: null, events: [] });
    window.addEventListener("message", (event) => this.receive(event));
    new ResizeObserver(() => this.sendViewport()).observe($("stage"));
    $("back").onclick = () => this.send("back_button_pressed");
    $("settings").onclick = () => this.send("settings_button_pressed");
    $("main-button").onclick = () => this.send("main_button_pressed");
    $("secondary-button").onclick = () => this.send("secondary_button_pressed");
    $("close").onclick = () => this.askToClose();
    $("reload").onclick = () => this.reload();
    this.handlers = this.table();
  }

  async open({ url, startParam = null, keyboardButton = null }) {
    const opened = await control("open_app", {
      user: this.me, bot: this.bot.id, url, start_param: startParam, theme: this.theme(),
    });
    this.reset();
    this.opened = { url, startParam, keyboardButton };
    this.frame = element("iframe", { id: "miniapp", title: "Mini App", src: opened.launch,
      allow: "clipboard-read; clipboard-write" });
    $("stage").append(this.frame);
    $("app").dataset.open = "true";
  }

  // A new document: a changed fragment alone would not load anything.
  reload() {
    return this.opened ? this.open(this.opened) : undefined;
  }

  close() {
    this.reset();
    this.opened = null;
    $("app").dataset.open = "false";
  }

  reset() {
    this.frame?.remove();
    this.frame = null;
    this.confirmClosing = false;
    for (const id of ["back", "settings", "main-button", "secondary-button"]) $(id).hidden = true;
    for (const id of ["app-bar", "stage", "app-buttons"]) $(id).style.background = "";
  }

  async askToClose() {
    if (this.confirmClosing) {
      const buttons = [{ id: "", type: "cancel" }, { id: "close", type: "destructive", text: "Close anyway" }];
      if (await popup({ message: "Changes that you made may not be saved.", buttons }) !== "close") return;
    }
    this.close();
  }

  send(eventType, eventData = {}) {
    this.frame?.contentWindow?.postMessage(JSON.stringify({ eventType, eventData }), "*");
  }

  sendTheme() {
    this.send("theme_changed", { theme_params: this.themes[this.theme()] });
  }

  sendViewport() {
    const { clientWidth: width, clientHeight: height } = $("stage");
    this.send("viewport_changed", { width, height, is_expanded: true, is_state_stable: true });
  }

  receive(event) {
    if (!this.frame || event.source !== this.frame.contentWindow) return;
    let message;
    try {
      message = JSON.parse(event.data);
    } catch {
      return;
    }
    let data = message.eventData ?? {};
    if (typeof data === "string") data = data ? JSON.parse(data) : {};
    this.events.push(message.eventType);
    if (message.eventType in UNSUPPORTED) this.send(...UNSUPPORTED[message.eventType]);
    else this.handlers[message.eventType]?.(data);
  }

  table() {
    return {
      web_app_close: () => this.close(),
      web_app_request_theme: () => this.sendTheme(),
      web_app_request_viewport: () => this.sendViewport(),
      web_app_request_safe_area: () => this.send("safe_area_changed", NO_INSETS),
      web_app_request_content_safe_area: () => this.send("content_safe_area_changed", NO_INSETS),
      web_app_setup_main_button: (data) => bottomButton($("main-button"), data),
      web_app_setup_secondary_button: (data) => this.secondary(data),
      web_app_setup_back_button: (data) => this.backButton(data.is_visible),
      web_app_setup_settings_button: (data) => { $("settings").hidden = !data.is_visible; },
      web_app_setup_closing_behavior: (data) => { this.confirmClosing = Boolean(data.need_confirmation); },
      web_app_set_header_color: (data) => this.paint("app-bar", data),
      web_app_set_background_color: (data) => this.paint("stage", data),
      web_app_set_bottom_bar_color: (data) => this.paint("app-buttons", data),
      web_app_open_popup: (data) => this.popup(data),
      web_app_open_link: (data) => window.open(data.url, "_blank", "noopener"),
      web_app_open_tg_link: (data) => this.follow(`https://t.me${data.path_full}`),
      web_app_request_write_access: () => this.askToWrite(),
      web_app_request_phone: () => this.send("phone_requested", { status: "cancelled" }),
      web_app_request_file_download: (data) => this.download(data),
      web_app_invoke_custom_method: (data) => this.send("custom_method_invoked", { req_id: data.req_id, error: "UNSUPPORTED" }),
      web_app_data_send: (data) => this.sendData(data.data),
      // Nothing to do for: ready, expand, haptic feedback, iframe_ready and whatever is newer.
    };
  }

  backButton(visible) {
    $("back").hidden = !visible;
    $("close").hidden = false;
  }

  secondary(data) {
    bottomButton($("secondary-button"), data);
    if (data.position) $("app-buttons").dataset.position = data.position;
  }

  paint(id, { color, color_key: key }) {
    $(id).style.background = color ?? (key ? `var(--tg-${key})` : "");
  }

  async popup(data) {
    const id = await popup(data);
    this.send("popup_closed", id ? { button_id: id } : {});
  }

  async askToWrite() {
    const buttons = [{ id: "", type: "cancel" }, { id: "allow", text: "Allow" }];
    const message = `Allow ${this.bot.first_name} to send you messages?`;
    const allowed = await popup({ message, buttons }) === "allow";
    if (allowed) await control("allow", { user: this.me, bot: this.bot.id, by_app: true });
    this.send("write_access_requested", { status: allowed ? "allowed" : "cancelled" });
  }

  download({ url, file_name: name }) {
    element("a", { href: url, download: name }).click();
    this.send("file_download_requested", { status: "downloading" });
  }

  async sendData(data) {
    const content = { web_app_data: { data, button_text: this.opened?.keyboardButton ?? "" } };
    await control("send", { user: this.me, bot: this.bot.id, content });
    this.close();
  }
}

function bottomButton(button, data) {
  if ("is_visible" in data) button.hidden = !data.is_visible;
  if ("is_active" in data) button.disabled = !data.is_active;
  if ("text" in data) button.textContent = data.text;
  if ("is_progress_visible" in data) button.dataset.progress = data.is_progress_visible;
  if (data.color) button.style.background = data.color;
  if (data.text_color) button.style.color = data.text_color;
}
