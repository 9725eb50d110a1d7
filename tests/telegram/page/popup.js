// Telegram's popup and toast.
import { $, element } from "./api.js";

const WORDS = { ok: "OK", close: "Close", cancel: "Cancel" };
let fading = 0;

// Resolves to the id of the pressed button, "" when it was dismissed.
export function popup({ title = "", message = "", buttons = [{ id: "", type: "ok" }] }) {
  const dialog = $("popup");
  $("popup-title").textContent = title;
  $("popup-text").textContent = message;
  return new Promise((resolve) => {
    const made = buttons.map((button) => element("button", {
      dataset: { type: button.type ?? "default" },
      onclick: () => dialog.close(button.id ?? ""),
    }, WORDS[button.type] ?? button.text ?? "OK"));
    $("popup-buttons").replaceChildren(...made);
    dialog.returnValue = "";
    dialog.onclose = () => resolve(dialog.returnValue);
    dialog.showModal();
  });
}

export function toast(text) {
  clearTimeout(fading);
  $("toast").textContent = text;
  $("toast").hidden = false;
  fading = setTimeout(() => { $("toast").hidden = true; }, 4000);
}
