// The panel for people: theme, language, the bot's state, and faults to play.
import { $, control, element } from "./api.js";
import { toast } from "./popup.js";

const FAULTS = [
  { id: "down", text: "Telegram is down", fault: { drop: "before", times: null } },
  { id: "slow", text: "Answers take 2 seconds", fault: { delay_ms: 2000, times: null } },
  { id: "busy", text: "Too many requests (429)", fault: { method: "sendMessage", retry_after: 3, times: null } },
];
const LOOK_EVERY = 4000;
const NO_MESSAGES = Number.MAX_SAFE_INTEGER;

export class Panel {
  constructor({ me, bot }) {
    Object.assign(this, { me, bot });
    const toggles = [
      ...FAULTS.map((one) => this.toggle(one.id, one.text, (on) => this.play(one, on))),
      this.toggle("rival", "A second bot polls too", (on) => control("second_poller", { bot: bot.id, on })),
      this.toggle("revoked", "The token is revoked", (on) => control("revoke", { bot: bot.id, on })),
      this.toggle("blocked", "You block the bot", (on) => control(on ? "block" : "allow", { user: me, bot: bot.id })),
    ];
    $("faults").replaceChildren(...toggles);
    $("panel-toggle").onclick = () => this.open(!$("panel").classList.contains("open"));
    $("shade").onclick = () => this.open(false);
    this.look();
    setInterval(() => this.look(), LOOK_EVERY);
  }

  open(on) {
    $("panel").classList.toggle("open", on);
    $("panel-toggle").ariaExpanded = String(on);
    $("shade").hidden = !on;
  }

  toggle(id, text, change) {
    const label = element("span", { id: `${id}-label` }, text);
    const button = element("button", { id, className: "switch", role: "switch", ariaChecked: "false" });
    button.setAttribute("aria-labelledby", label.id);
    button.onclick = async () => {
      const on = button.ariaChecked !== "true";
      button.ariaChecked = String(on);
      try {
        await change(on);
      } catch (error) {
        toast(error.message);
      }
      this.look();
    };
    return element("div", { className: "row" }, label, button);
  }

  async play(one, on) {
    if (on) return control("fail", { fault: one.fault });
    const active = (await control("faults")).filter((fault) => same(fault, one.fault));
    return Promise.all(active.map((fault) => control("clear_faults", { id: fault.id })));
  }

  async look() {
    const [state, chat] = await Promise.all([
      control("state"), control("watch", { user: this.me, bot: this.bot.id, after: NO_MESSAGES }),
    ]).catch(() => []);
    if (!state) return;
    const bot = state.bots.find((one) => one.id === this.bot.id);
    for (const one of FAULTS) this.check(one.id, state.faults.some((fault) => same(fault, one.fault)));
    this.check("rival", bot.second_poller);
    this.check("revoked", bot.revoked);
    this.check("blocked", chat.blocked);
    const ago = state.time - bot.last_call;
    $("bot-state").textContent = !bot.last_call ? "has not called yet"
      : ago < 90 || bot.webhook ? "is connected" : `silent for ${Math.round(ago / 60)} min`;
  }

  check(id, on) {
    $(id).ariaChecked = String(on);
  }
}

const same = (fault, wanted) => Object.entries(wanted).every(([key, value]) => fault[key] === value);
