// Puts each event of /live in the page's place. What the reader opened stays open, what was scrolled stays there.
"use strict";

const QUIET_MS = 4000; // the server speaks each second
const desk = document.getElementById("desk");
const lost = document.getElementById("lost");
let heard = Date.now();

function opened() {
  return new Set([...desk.querySelectorAll("details[open]")].map((one) => one.dataset.key));
}

function scrolled() {
  return [...desk.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
}

// A button that is replaced between press and release is never clicked.
let pressed = false;
document.addEventListener("pointerdown", () => { pressed = true; });
for (const over of ["pointerup", "pointercancel"]) document.addEventListener(over, () => setTimeout(() => { pressed = false; }, 0));

function focused() {
  const one = document.activeElement;
  return one && desk.contains(one) ? one.dataset.key : undefined;
}

function show(html) {
  if (pressed) return;
  const open = opened();
  const key = focused();
  const places = scrolled();
  desk.innerHTML = html;
  for (const one of desk.querySelectorAll("details")) one.open = open.has(one.dataset.key);
  desk.querySelectorAll(".scroll").forEach((one, at) => { one.scrollLeft = places[at] || 0; });
  if (key) desk.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
  document.title = desk.querySelector(".headline").textContent.trim() + " · deskwatch";
}

function tell(isLost) {
  if (isLost && lost.hidden) lost.querySelector("time").textContent = desk.querySelector("header time").textContent + " UTC";
  lost.hidden = !isLost;
  document.body.classList.toggle("lost", isLost);
}

const live = new EventSource("/live");
live.onmessage = (event) => { heard = Date.now(); show(event.data); tell(false); };
live.onerror = () => tell(true);
setInterval(() => { if (Date.now() - heard > QUIET_MS) tell(true); }, 1000);
