// Buttons of the page: acknowledge, silence, resolve. Who is not signed in yet is asked for the token once.
"use strict";

const signIn = document.getElementById("sign-in");
const silence = document.getElementById("silence");
const said = document.getElementById("said");
let session = null;
let waiting = null; // what was asked before signing in

function say(text) {
  said.textContent = text;
  said.hidden = !text;
}

async function who() {
  const answer = await fetch("/api/session");
  session = answer.ok ? await answer.json() : { actor: null, csrf: "" };
}

async function act(method, path, body) {
  if (session === null) await who();
  if (!session.actor) return ask(() => act(method, path, body));
  const headers = { "Content-Type": "application/json", "X-Deskwatch-CSRF": session.csrf };
  const answer = await fetch(path, { method, headers, body: JSON.stringify(body || {}) });
  if (answer.status === 401) {
    session = null;
    return ask(() => act(method, path, body));
  }
  const found = await answer.json();
  const texts = { already: "It was so before.", resolved: "This incident is over.", unknown: "It is not there any more." };
  say(found.error || texts[found.result] || "");
}

function ask(then) {
  waiting = then;
  signIn.showModal();
}

signIn.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const body = JSON.stringify({ actor: form.actor.value, token: form.token.value });
  const answer = await fetch("/api/session", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const found = await answer.json();
  form.querySelector(".error").textContent = found.error || "";
  if (!answer.ok) return;
  session = found;
  form.token.value = "";
  signIn.close();
  if (waiting) waiting();
  waiting = null;
});

silence.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const body = { comment: form.comment.value, for: form.span.value };
  const incident = form.dataset.incident;
  const match = form.match.value.split("\n").map((one) => one.trim()).filter(Boolean);
  silence.close();
  if (incident) act("POST", `/api/incidents/${incident}/silence`, body);
  else act("POST", "/api/silences", { ...body, match });
});

for (const dialog of [signIn, silence]) {
  dialog.querySelector(".cancel").addEventListener("click", () => dialog.close());
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-act]");
  if (!button) return;
  const { act: what, incident, silence: id } = button.dataset;
  if (what === "silence") {
    const form = silence.querySelector("form");
    form.dataset.incident = incident || "";
    form.match.parentElement.hidden = Boolean(incident);
    form.match.required = !incident;
    silence.showModal();
  } else if (what === "expire") {
    act("DELETE", `/api/silences/${id}`);
  } else {
    act("POST", `/api/incidents/${incident}/${what}`);
  }
});
