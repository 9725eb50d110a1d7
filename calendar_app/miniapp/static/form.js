// Adding and changing a birthday. Hides drafts, the one key of repeated attempts, ETags and the
// talk about a conflict. Whatever happens (a refusal, no network, somebody else's change), what was
// typed stays on the screen until it is saved or given up.

import * as api from "./api.js";
import { check } from "./checks.js";
import { fromIso } from "./dates.js";
import { el } from "./dom.js";
import * as drafts from "./draft.js";
import { build, fill, read, showErrors } from "./fields.js";
import { dayTitle, t } from "./i18n.js";
import { ask, failure, skeleton, titleBar, toast } from "./parts.js";
import * as router from "./router.js";
import * as telegram from "./telegram.js";

/** Draws the form: for the birthday route.id, or a new one with route.day and route.month. */
export async function show(root, route, signal) {
  const name = route.id ? `edit-${route.id}` : "new";
  root.append(titleBar(t(route.id ? "editTitle" : "newTitle")));
  const draft = drafts.read(name);
  if (!draft && route.id) root.append(skeleton(5));
  const start = draft ?? await (route.id ? stored(route.id, signal) : blank(route));
  root.querySelector(".skeleton")?.remove();
  const form = { ...start, id: start.gone ? null : route.id, name, signal, isBusy: false };
  draw(root, form);
  if (draft) form.notice.replaceChildren(draftNotice(form));
  else if (!route.id) form.element.querySelector("#full_name").focus();
}

async function stored(id, signal) {
  const { data, etag } = await api.get(`/api/birthdays/${id}`, signal);
  const values = typed(data);
  return { values, base: values, etag };
}

function blank({ day, month }) {
  const values = typed({ birth_date: null });
  values.day = String(day ?? "");
  values.month = String(month ?? "");
  return { values, base: values, etag: null };
}

/** The API's object as what stands in the inputs. */
function typed(person) {
  const date = person.birth_date ? fromIso(person.birth_date) : {};
  const text = (value) => String(value ?? "");
  return {
    full_name: text(person.full_name),
    day: text(date.day),
    month: text(date.month),
    year: date.year ? String(date.year).padStart(4, "0") : "",
    company: text(person.company),
    position: text(person.position),
    responsible: text(person.responsible),
    comment: text(person.comment),
  };
}

function draw(root, form) {
  form.notice = el("div", { class: "notices" });
  form.submit = el("button", { type: "submit", class: "button primary", text: t("save") });
  if (telegram.isInside()) form.submit.classList.add("only-on-focus");
  form.element = el("form", {
    class: "narrow", novalidate: true, autocomplete: "off",
    on: {
      submit: (event) => { event.preventDefault(); save(form); },
      input: () => remember(form),
    },
  }, form.notice, build(form.values), form.submit, form.id ? deleteButton(form) : null);
  root.append(form.element);
  setBusy(form, false);
  telegram.confirmClosing(isChanged(form));
  form.signal.addEventListener("abort", telegram.on("main_button_pressed", () => save(form)));
}

function deleteButton(form) {
  return el("button", {
    type: "button", class: "button plain danger delete", text: t("delete"), on: { click: () => confirmDelete(form) },
  });
}

function isChanged(form) {
  return JSON.stringify(form.values) !== JSON.stringify(form.base);
}

/** Keeps the draft equal to what is on the screen. */
function remember(form) {
  form.values = read(form.element);
  const { values, base, etag, key, sent, gone } = form;
  if (isChanged(form)) drafts.write(form.name, { values, base, etag, key, sent, gone });
  else drafts.drop(form.name);
  telegram.confirmClosing(isChanged(form));
}

function draftNotice(form) {
  const drop = el("button", {
    type: "button", class: "button plain", text: t("draftDrop"),
    on: { click: () => { drafts.drop(form.name); router.refresh("#full_name"); } },
  });
  return el("div", { class: "notice", role: "status" }, el("p", { text: t("draftBack") }), drop);
}

function setBusy(form, isBusy) {
  form.isBusy = isBusy;
  form.submit.disabled = isBusy;
  form.submit.textContent = t(isBusy ? "saving" : "save");
  if (!form.signal.aborted) telegram.setMainButton({ text: form.submit.textContent, busy: isBusy });
}

async function save(form) {
  if (form.isBusy || form.signal.aborted) return;
  remember(form);
  form.notice.replaceChildren();
  const { body, errors } = check(form.values);
  showErrors(form.element, errors);
  if (errors.length) return void complain(form, errors.length);
  await attempt(form, () => send(form, body), ({ data }) => {
    const date = dayTitle(fromIso(data.birth_date), true);
    leave(form, t("saved", { name: data.full_name, date }));
  }, () => save(form));
}

function complain(form, n) {
  telegram.haptic("error");
  form.notice.replaceChildren(el("p", { class: "visually-hidden", role: "alert", text: t("checkFields", { n }) }));
}

function send(form, body) {
  if (form.id) return api.replace(`/api/birthdays/${form.id}`, body, form.etag);
  const text = JSON.stringify(body);
  if (form.sent !== text) Object.assign(form, { sent: text, key: api.newKey() });
  remember(form);
  return api.create("/api/birthdays", body, form.key);
}

/** Does `action` once; says what went wrong and offers `again`. */
async function attempt(form, action, done, again) {
  setBusy(form, true);
  try {
    done(await action());
  } catch (error) {
    telegram.haptic("error");
    await explain(form, error, again);
  } finally {
    setBusy(form, false);
  }
}

function leave(form, sentence) {
  drafts.drop(form.name);
  telegram.haptic("success");
  toast(sentence);
  if (!form.signal.aborted) router.back();
}

async function explain(form, error, again) {
  if (error.status === 412) return conflict(form, again);
  if (error.status === 404 && form.id) return void gone(form);
  const strangers = showErrors(form.element, error.fields ?? []);
  const isExplained = error.fields?.length && !strangers.length;
  if (isExplained) return void complain(form, error.fields.length);
  const extra = [...strangers.map(({ message }) => message), t("notLost")].join(" ");
  notify(form, failure(error, again, extra));
}

function notify(form, notice) {
  form.notice.replaceChildren(notice);
  notice.scrollIntoView({ block: "nearest" });
}

/** 412: somebody saved another version since this form was opened; the user decides. */
async function conflict(form, again) {
  let theirs;
  try {
    theirs = await stored(form.id);
  } catch (error) {
    return explain(form, error, again);
  }
  const take = () => {
    Object.assign(form, theirs);
    fill(form.element, theirs.values);
    remember(form);
    form.notice.replaceChildren();
  };
  const keep = () => {
    Object.assign(form, { etag: theirs.etag, base: theirs.base });
    again();
  };
  notify(form, question(t("conflict"), t("conflictHint"), differences(form.values, theirs.values), [
    [t("takeTheirs"), take], [t("keepMine"), keep],
  ]));
}

function differences(mine, theirs) {
  const labels = {
    full_name: "name", day: "day", month: "month", year: "year", company: "company",
    position: "position", responsible: "responsibleField", comment: "comment",
  };
  const differing = Object.keys(labels).filter((field) => mine[field].trim() !== theirs[field]);
  return el("dl", {}, differing.flatMap((field) => [
    el("dt", { text: t(labels[field]) }), el("dd", { text: theirs[field] || t("emptyValue") }),
  ]));
}

/** 404 for what was being changed: it can be added again from what is on the screen. */
function gone(form) {
  const add = () => {
    Object.assign(form, { id: null, gone: true });
    form.element.querySelector(".delete")?.remove();
    save(form);
  };
  notify(form, question(t("conflictGone"), null, null, [[t("addAgain"), add]]));
}

function question(title, hint, details, answers) {
  const button = ([text, press]) => el("button", { type: "button", class: "button plain", text, on: { click: press } });
  return el("div", { class: "notice danger", role: "alert" },
    el("p", { text: title }), hint && el("p", { class: "hint", text: hint }), details,
    el("div", { class: "notice-buttons" }, answers.map(button)));
}

async function confirmDelete(form) {
  const name = form.base.full_name.slice(0, 100);
  if (form.isBusy) return;
  if (await ask(t("deleteTitle"), t("deleteQuestion", { name }), t("deleteYes"))) erase(form);
}

function erase(form) {
  form.notice.replaceChildren();
  return attempt(form, () => api.remove(`/api/birthdays/${form.id}`, form.etag),
    () => leave(form, t("deleted", { name: form.base.full_name })), () => erase(form));
}
