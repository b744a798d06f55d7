// The pages work without this script. It loads a page again when the server says that something on it has changed.
"use strict";

const main = document.getElementById("main");
const said = document.getElementById("said");
let waiting = new Set();
let busy = false;
// The header says that nobody uses the page now, so that a page that is left open does not keep a login alive.
const live = { credentials: "same-origin", redirect: "manual", headers: { "Caf-Live": "1" } };

// Replace every changed part with its new content. Open details stay open, and the focus stays where it is.
function swap(text, words) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    if (words && !old.dataset.live.split(" ").some((word) => words.has(word))) continue;
    const next = fresh.getElementById(old.id);
    if (!next) return location.reload();
    if (old.id === "freshness") keepLive(next);
    const open = [...old.querySelectorAll("details[open]")].map((one) => one.id);
    const known = new Set([...old.querySelectorAll("li[id], tr[id]")].map((one) => one.id));
    const focus = old.contains(document.activeElement) ? document.activeElement : null;
    const place = focus && (focus.id || focus.getAttribute("href"));
    if (old.innerHTML === next.innerHTML) continue;
    if (words && next.dataset.says && next.dataset.says !== old.dataset.says) said.textContent = next.dataset.says;
    old.replaceWith(next);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (known.size) {
      for (const one of next.querySelectorAll("li[id], tr[id]")) if (!known.has(one.id)) one.classList.add("arrived");
    }
    if (place) (document.getElementById(place) || next.querySelector(`[href="${CSS.escape(place)}"]`))?.focus();
  }
}

function keepLive(part) {
  part.querySelector("#live").textContent = document.getElementById("live").textContent;
}

async function ask() {
  if (busy || document.hidden || !waiting.size) return;
  busy = true;
  const words = waiting;
  waiting = new Set();
  try {
    const answer = await fetch(location.href, live);
    // The session has ended. The whole page leads to the login.
    if (answer.type === "opaqueredirect") return location.reload();
    swap(await answer.text(), words);
  } catch {
    words.forEach((word) => waiting.add(word));
  }
  await new Promise((done) => setTimeout(done, 400));
  busy = false;
  ask();
}

function tell(text) {
  const live = document.getElementById("live");
  if (live && live.textContent !== text) live.textContent = text;
}

if (document.querySelector("[data-live]:not(#freshness)") || document.querySelector(".problem")) {
  const source = new EventSource("/changes");
  source.addEventListener("changed", (event) => {
    tell("This page updates by itself.");
    if (document.querySelector(".problem")) {
      if (event.data !== "hello") location.reload();
      return;
    }
    if (event.data === "hello") ["alerts", "figures"].forEach((word) => waiting.add(word));
    else waiting.add(event.data);
    ask();
  });
  // A browser does not try again after an answer that is no stream, for example because too many pages are open.
  source.onerror = () =>
    tell(
      source.readyState === EventSource.CLOSED
        ? "This page does not update by itself now. Load it again to see what is new."
        : "The connection is lost. Trying again.",
    );
  document.addEventListener("visibilitychange", ask);
  addEventListener("pagehide", () => source.close());
}

// Show a choice at once. Without this script, the form's button does the same.
let soon = 0;
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form || form.method !== "get") return;
  const output = form.querySelector("output");
  if (event.target.type === "range" && output) {
    const label = form.querySelector(`#steps option[value="${event.target.value}"]`).label;
    output.textContent = label;
    event.target.setAttribute("aria-valuetext", label);
  }
  clearTimeout(soon);
  soon = setTimeout(async () => {
    const address = `${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`;
    const answer = await fetch(address, { credentials: "same-origin", redirect: "manual" });
    if (answer.type === "opaqueredirect") return location.assign(address);
    history.replaceState(null, "", address);
    swap(await answer.text(), null);
  }, 250);
});
