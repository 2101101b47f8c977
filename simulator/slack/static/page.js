"use strict";

const messages = new Map([...document.querySelectorAll(".messages")].map((one) => [one.id, one]));
const links = [...document.querySelectorAll("nav a")];
const state = document.getElementById("state");
const newer = document.getElementById("newer");
const read = JSON.parse(localStorage.getItem("read") || "{}");
let active = "";

const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const FORMS = {
  time: (at) => at.toLocaleTimeString(undefined, CLOCK),
  time_secs: (at) => at.toLocaleTimeString(undefined, { ...CLOCK, second: "2-digit" }),
  date: (at) => at.toLocaleDateString(undefined, { dateStyle: "long" }),
  date_short: (at) => at.toLocaleDateString(undefined, { dateStyle: "medium" }),
  date_num: (at) => at.toISOString().slice(0, 10),
  ago: (at) => ago((Date.now() - at) / 1000),
};

function ago(seconds) {
  const form = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  if (Math.abs(seconds) < 60) return form.format(-Math.round(seconds), "second");
  if (Math.abs(seconds) < 3600) return form.format(-Math.floor(seconds / 60), "minute");
  if (Math.abs(seconds) < 86400) return form.format(-Math.floor(seconds / 3600), "hour");
  return form.format(-Math.floor(seconds / 86400), "day");
}

function showTimes(root, onlyAgo = false) {
  for (const one of root.querySelectorAll("time[data-form]")) {
    const form = one.dataset.form;
    if (onlyAgo && !form.includes("{ago}")) continue;
    const at = new Date(one.dateTime);
    one.textContent = form.replace(/\{(\w+)\}/g, (all, name) => (FORMS[name] ? FORMS[name](at) : all));
    one.title = at.toLocaleString();
  }
}

function linkOf(channel) {
  return links.find((one) => one.dataset.channel === channel);
}

function atEnd() {
  const list = messages.get(active);
  return !list || list.scrollHeight - list.scrollTop - list.clientHeight < 80;
}

function toEnd() {
  const list = messages.get(active);
  list.scrollTop = list.scrollHeight;
  newer.hidden = true;
}

function own(list) {
  return [...list.children].map((one) => one.dataset.ts);
}

function count() {
  const list = messages.get(active);
  if (list.childElementCount && !document.hidden) {
    read[active] = list.lastElementChild.dataset.ts;
    localStorage.setItem("read", JSON.stringify(read));
  }
  let total = 0;
  for (const [channel, one] of messages) {
    const unread = own(one).filter((ts) => ts > (read[channel] || "")).length;
    const link = linkOf(channel);
    const badge = link.querySelector(".unread");
    badge.hidden = !unread;
    badge.textContent = unread > 99 ? "99+" : unread;
    link.classList.toggle("has-unread", unread > 0);
    total += unread;
  }
  const name = linkOf(active).dataset.name;
  document.title = `${total ? `(${total}) ` : ""}#${name}`;
  document.getElementById("count").textContent = `${list.childElementCount} message${list.childElementCount === 1 ? "" : "s"}`;
  document.getElementById("empty").hidden = list.childElementCount > 0;
}

function open(name) {
  const link = links.find((one) => one.dataset.name === name || one.dataset.channel === name) || links[0];
  active = link.dataset.channel;
  for (const one of links) one.toggleAttribute("aria-current", one === link);
  for (const [channel, list] of messages) list.hidden = channel !== active;
  document.getElementById("channel-name").textContent = link.dataset.name;
  count();
  toEnd();
}

function element(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  showTimes(holder.content);
  return holder.content.firstElementChild;
}

function apply({ kind, channel, ts, html }) {
  const list = messages.get(channel);
  const stay = atEnd();
  const old = document.getElementById(`m${ts}`);
  if (kind === "deleted") {
    old?.remove();
  } else if (old) {
    const fresh = element(html);
    fresh.classList.add("changed");
    old.replaceWith(fresh);
  } else if (kind === "new" || kind === "whisper") {
    const fresh = element(html);
    fresh.classList.add("fresh");
    list.append(fresh);
    while (list.childElementCount > 200) list.firstElementChild.remove();
  }
  count();
  if (channel === active) {
    if (stay) toEnd();
    else if (kind !== "edited" && kind !== "thread") newer.hidden = false;
  }
}

function confirmed(question) {
  const dialog = document.getElementById("confirm");
  dialog.querySelector("h2").textContent = question.title?.text || "Are you sure?";
  dialog.querySelector("p").textContent = question.text?.text || "";
  dialog.querySelector(".danger").textContent = question.confirm?.text || "OK";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true });
  });
}

async function press(control) {
  const option = control.value || "";
  const question = control.dataset.confirm;
  if (question && !(await confirmed(JSON.parse(question)))) return;
  const message = control.closest("article");
  const row = control.closest(".actions");
  row.querySelector(".failed")?.remove();
  for (const one of row.querySelectorAll("button, select")) one.disabled = true;
  const body = JSON.stringify({ channel: message.dataset.channel, ts: message.dataset.ts, action_id: control.dataset.action, option });
  let heard = false;
  try {
    heard = (await fetch("/press", { method: "POST", body, headers: { "Content-Type": "application/json" } })).ok;
  } catch {
    heard = false;
  }
  for (const one of row.querySelectorAll("button, select")) one.disabled = false;
  if (control.tagName === "SELECT") control.value = "";
  if (heard) return;
  const failed = document.createElement("p");
  failed.className = "failed";
  failed.textContent = "⚠ deskwatch did not answer. Use `deskwatch alerts` meanwhile.";
  row.append(failed);
}

function live(on) {
  state.classList.toggle("live", on);
  state.lastElementChild.textContent = on ? "live" : "reconnecting";
}

function connect() {
  const events = new EventSource("/events");
  events.addEventListener("sync", (event) => {
    for (const [channel, html] of Object.entries(JSON.parse(event.data).channels)) {
      const list = messages.get(channel);
      list.innerHTML = html;
      showTimes(list);
    }
    live(true);
    count();
    toEnd();
    goToPermalink();
  });
  events.addEventListener("message", (event) => apply(JSON.parse(event.data)));
  events.onerror = () => live(false);
}

function goToPermalink() {
  const found = location.pathname.match(/^\/archives\/(\w+)\/p(\d+)(\d{6})$/);
  const target = found && document.getElementById(`m${found[2]}.${found[3]}`);
  target?.classList.add("changed");
  target?.scrollIntoView({ block: "center" });
}

document.addEventListener("click", (event) => {
  const control = event.target.closest("button.press");
  if (control) press(control);
});
document.addEventListener("change", (event) => {
  const control = event.target.closest("select.press");
  if (control?.value) press(control);
});
window.addEventListener("hashchange", () => open(location.hash.slice(1)));
document.addEventListener("visibilitychange", count);
newer.addEventListener("click", toEnd);
for (const list of messages.values()) {
  list.addEventListener("scroll", () => atEnd() && (newer.hidden = true));
}
setInterval(() => showTimes(document, true), 1000);
open(location.pathname.split("/")[2] || location.hash.slice(1));
connect();
