// The smallest Mini App: it speaks Telegram's protocol by hand, to prove the page around it.
const launch = new URLSearchParams(location.hash.slice(1));
const user = JSON.parse(new URLSearchParams(launch.get("tgWebAppData")).get("user") ?? "{}");

const send = (eventType, eventData = {}) =>
  parent.postMessage(JSON.stringify({ eventType, eventData }), "*");

function paint(theme) {
  for (const [key, value] of Object.entries(theme)) {
    document.documentElement.style.setProperty(`--${key}`, value);
  }
}

const ACTIONS = {
  "Show main button": () => send("web_app_setup_main_button",
    { is_visible: true, is_active: true, text: "Save", color: "#40a7e3", text_color: "#ffffff" }),
  "Show secondary button": () => send("web_app_setup_secondary_button",
    { is_visible: true, is_active: true, text: "Discard", position: "left" }),
  "Show back button": () => send("web_app_setup_back_button", { is_visible: true }),
  "Open popup": () => send("web_app_open_popup", { title: "Delete?", message: "Really delete Boris?",
    buttons: [{ id: "no", type: "cancel" }, { id: "yes", type: "destructive", text: "Delete" }] }),
  "Ask to write": () => send("web_app_request_write_access"),
  "Ask before closing": () => send("web_app_setup_closing_behavior", { need_confirmation: true }),
  Close: () => send("web_app_close"),
};

for (const [text, act] of Object.entries(ACTIONS)) {
  const button = document.createElement("button");
  button.textContent = text;
  button.onclick = act;
  document.getElementById("buttons").append(button);
}

window.addEventListener("message", (event) => {
  if (event.source !== parent) return;
  const { eventType, eventData } = JSON.parse(event.data);
  if (eventType === "theme_changed") paint(eventData.theme_params);
  const line = document.createElement("li");
  line.textContent = `${eventType} ${JSON.stringify(eventData)}`;
  document.getElementById("events").prepend(line);
});

document.getElementById("name").textContent = user.first_name ?? "nobody";
paint(JSON.parse(launch.get("tgWebAppThemeParams") ?? "{}"));
send("web_app_ready");
send("web_app_expand");
