// What a page does better with a script; without it each link and form works by itself.
// Pages are fetched as documents, never as text that would have to be parsed into one.

import { copying } from "./copy.js";
import { keys } from "./keys.js";

/** A page as a document. */
export function fetchPage(url) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", url);
    request.responseType = "document";
    request.onload = () => (request.response ? resolve(request) : reject(new Error("no page")));
    request.onerror = () => reject(new Error("no answer"));
    request.send();
  });
}

/** Makes what was put into the page work as it does after loading. */
export function awake(root) {
  copying(root);
  lookAgain();
  // Most pages have no proof, and are spared what checks them.
  if (root.querySelector(".proof[data-proof]")) import("./proof.js").then((it) => it.checkProofs(root));
}

/** How often, and after how long at most, a page looks again. */
const LOOKS_MAX = 14;
const PAUSE_MAX_S = 60;

let latest = 0;
let looking = false;
let looks = 0;

/**
 * While something is under way that the page tells of, looks again, and puts that part in its place anew: less and less
 * often, and not for ever, since each look is on the ledger and counts as somebody being there.
 */
function lookAgain() {
  const part = document.querySelector("[data-again]");
  if (!part || looking || looks === LOOKS_MAX) return;
  looking = true;
  const pause = Math.min(part.dataset.again * 2 ** looks, PAUSE_MAX_S);
  looks += 1;
  setTimeout(async () => {
    const answer = document.hidden ? null : await fetchPage(location.href).catch(() => null);
    const other = answer?.response.getElementById(part.id);
    looking = false;
    if (answer && !other) return;
    if (other && part.isConnected && !part.contains(document.activeElement)) {
      part.replaceWith(document.adoptNode(other));
      awake(other);
    }
    lookAgain();
  }, pause * 1000);
}

/** Shows another page's main part in place of this one's. */
async function go(url, remember) {
  const turn = ++latest;
  const main = document.getElementById("main");
  main.setAttribute("aria-busy", "true");
  try {
    const answer = await fetchPage(url);
    if (turn !== latest) return;
    const other = answer.response.getElementById("main");
    if (!other || new URL(answer.responseURL).pathname !== new URL(url, location.href).pathname) throw new Error("another page");
    const focused = document.activeElement?.name;
    main.replaceChildren(...document.adoptNode(other).childNodes);
    document.title = answer.response.title;
    if (remember) history.pushState({ swapped: true }, "", url);
    awake(main);
    const again = focused && main.querySelector(`[name="${CSS.escape(focused)}"]`);
    if (again) again.focus();
  } catch {
    location.assign(url);
  } finally {
    main.removeAttribute("aria-busy");
  }
}

/** The address that a form of filters leads to; empty fields are left out. */
function addressOf(form) {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value !== "") query.append(name, value);
  const text = query.toString();
  return form.getAttribute("action") + (text ? `?${text}` : "");
}

async function drawer(link) {
  const answer = await fetchPage(link.href).catch(() => null);
  const other = answer?.response.getElementById("main");
  if (!other) return location.assign(link.href);
  const dialog = document.createElement("dialog");
  dialog.className = "drawer";
  const title = other.querySelector("h1")?.textContent ?? "Record";
  dialog.setAttribute("aria-label", title);
  const close = document.createElement("button");
  close.type = "button";
  close.className = "close second";
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  const whole = document.createElement("a");
  whole.href = link.href;
  whole.textContent = "Open as a page";
  dialog.append(close, ...document.adoptNode(other).childNodes, whole);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => (dialog.remove(), link.focus()));
  document.body.append(dialog);
  dialog.showModal();
  awake(dialog);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("form.filters, .chooser form")) {
    event.preventDefault();
    go(addressOf(form), true);
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (link.matches("[data-drawer]")) {
    event.preventDefault();
    drawer(link);
  } else if (link.closest(".pager, .sizes, th, .filters")) {
    event.preventDefault();
    go(link.href, true);
  }
});

addEventListener("popstate", () => go(location.href, false));
document.addEventListener("change", (event) => {
  const form = event.target.closest("form.filters");
  if (form && event.target.matches("select, input[type=date]")) go(addressOf(form), true);
});

keys(fetchPage);
awake(document);
