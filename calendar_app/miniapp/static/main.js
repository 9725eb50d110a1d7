// The entry: colours, language, the screens, and what stands in their place when they fail.
// The first screen signs in by its first call; without a valid launch from Telegram a friendly
// page says how to open the app.

import * as api from "./api.js";
import { el, icon } from "./dom.js";
import { today } from "./dates.js";
import { t } from "./i18n.js";
import { failure, nameThePage, titleBar } from "./parts.js";
import * as router from "./router.js";
import * as telegram from "./telegram.js";
import * as theme from "./theme.js";
import { show as day } from "./day.js";
import { show as form } from "./form.js";
import { show as list } from "./list.js";
import { show as month } from "./month.js";

let drawnOn = JSON.stringify(today());

function start() {
  theme.start();
  nameThePage();
  router.start({ month, day, list, form }, { screen: "month" }, explain);
  telegram.ready();
  document.addEventListener("visibilitychange", refreshOnNewDay);
  api.askAccess().then((isWriter) => isWriter || router.refresh(), () => {});
}

/** "Today" moves on while the app lies in the background overnight; a form is left alone. */
function refreshOnNewDay() {
  const now = JSON.stringify(today());
  if (document.hidden || now === drawnOn || history.state.route.screen === "form") return;
  drawnOn = now;
  router.refresh();
}

function explain(root, error, retry) {
  if (!(error instanceof api.ApiError)) console.error(error);
  if (error.status === 401) return root.replaceChildren(wall(error));
  for (const ghost of root.querySelectorAll(".skeleton")) ghost.remove();
  if (error.status === 404 && history.state.route.screen === "form") return root.replaceChildren(titleBar(t("goneTitle")));
  const notice = failure(error, retry);
  if (root.firstElementChild) root.firstElementChild.after(notice);
  else root.append(notice);
}

function wall(error) {
  const step = (key) => el("li", { text: t(key) });
  return el("div", { class: "wall", role: "alert" },
    el("div", { class: "empty-picture" }, icon("plane")),
    el("h1", { text: t("wallTitle") }),
    el("p", { class: "hint", text: telegram.initData ? error.message || t("wallOld") : t("wallText") }),
    el("ol", { class: "card steps" }, step("wallStep1"), step("wallStep2"), step("wallStep3")));
}

start();
