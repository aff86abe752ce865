// The API reference's script: copying, searching and calling. What a client authenticates with stays in
// this page's memory. Text from anywhere is only ever set as text.
"use strict";

const LANGUAGE = "veritrail-sample";
let client = null;
let token = null;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// --- samples ---------------------------------------------------------------------------------------------

function choose(label) {
  for (const button of document.querySelectorAll(".samples .bar [data-choose]")) {
    button.setAttribute("aria-selected", String(button.dataset.choose === label));
  }
  for (const sample of document.querySelectorAll(".samples section")) {
    sample.hidden = sample.dataset.label !== label;
  }
  localStorage.setItem(LANGUAGE, label);
}

function tabs(samples) {
  const bar = element("div", { className: "bar" });
  const list = element("div", { className: "list" });
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", "Language");
  bar.append(list);
  for (const section of samples.querySelectorAll("section")) {
    const button = element("button", { type: "button", textContent: section.dataset.label });
    button.dataset.choose = section.dataset.label;
    button.setAttribute("role", "tab");
    button.addEventListener("click", () => choose(section.dataset.label));
    list.append(button);
  }
  const copy = element("button", { type: "button", className: "copy", textContent: "Copy" });
  copy.addEventListener("click", async () => {
    const shown = samples.querySelector("section:not([hidden]) code");
    try {
      await navigator.clipboard.writeText(shown.textContent);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(shown);
      copy.textContent = "Selected";
    }
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  });
  bar.append(copy);
  samples.classList.add("tabs");
  samples.prepend(bar);
}

// --- who calls -------------------------------------------------------------------------------------------

function basic() {
  return "Basic " + btoa(`${client.id}:${client.secret}`);
}

async function bearer() {
  if (token === null || token.until < Date.now()) {
    const answer = await fetch("oauth2/token", {
      method: "POST",
      headers: { Authorization: basic() },
      body: new URLSearchParams({ grant_type: "client_credentials" }),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.detail);
    token = { text: said.access_token, scope: said.scope, until: Date.now() + (said.expires_in - 10) * 1000 };
  }
  return "Bearer " + token.text;
}

function prepareAuthorize() {
  const form = document.getElementById("authorize");
  const told = form.querySelector("output");
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    client = { id: form.elements.client_id.value.trim(), secret: form.elements.client_secret.value.trim() };
    token = null;
    try {
      await bearer();
      told.textContent = "authorized";
      told.title = token.scope;
      told.className = "good";
    } catch (error) {
      client = null;
      told.textContent = error.message;
      told.className = "bad";
    }
  });
}

// --- calling ---------------------------------------------------------------------------------------------

async function send(article, form) {
  const query = new URLSearchParams();
  const headers = {};
  let path = article.dataset.path.slice(1);
  for (const input of form.querySelectorAll("input")) {
    if (input.value === "") continue;
    if (input.dataset.in === "path") {
      const value = input.value.split("/").map(encodeURIComponent).join("/");
      path = path.replace(`{${input.name}}`, value);
    }
    if (input.dataset.in === "query") query.set(input.name, input.value);
    if (input.dataset.in === "header") headers[input.name] = input.value;
  }
  if (form.dataset.proof !== "" && client === null) throw new Error("Authorize first, at the top of the page.");
  if (form.dataset.proof === "oauth2") headers.Authorization = await bearer();
  if (form.dataset.proof === "client_secret_basic") headers.Authorization = basic();
  const body = form.querySelector("textarea");
  if (body !== null) headers["Content-Type"] = body.dataset.type;
  const target = query.size === 0 ? path : `${path}?${query}`;
  return fetch(target, { method: article.dataset.method, headers, body: body?.value });
}

async function show(outcome, answer) {
  const kind = answer.headers.get("content-type") ?? "";
  const status = element("span", { className: `status s${String(answer.status)[0]}`, textContent: answer.status });
  outcome.replaceChildren(element("p", {}, status, ` ${kind}`));
  for (const name of ["audit-receipt", "content-digest", "ratelimit", "x-request-id", "location"]) {
    const value = answer.headers.get(name);
    if (value !== null) outcome.append(element("p", {}, element("code", { textContent: name }), ` ${value}`));
  }
  if (kind.includes("json") || kind.startsWith("text/")) {
    let text = await answer.text();
    try { text = JSON.stringify(JSON.parse(text), null, 2); } catch { /* as it came */ }
    const shown = text.length > 100000 ? text.slice(0, 100000) + "\n…" : text;
    outcome.append(element("pre", {}, element("code", { textContent: shown })));
  } else {
    const file = URL.createObjectURL(await answer.blob());
    outcome.append(element("p", {}, element("a", { href: file, download: "answer", textContent: "Save the file" })));
  }
}

function prepareTrial(trial) {
  const form = trial.querySelector("form");
  const outcome = trial.querySelector(".outcome");
  trial.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    outcome.replaceChildren(element("p", { textContent: "…" }));
    try {
      await show(outcome, await send(trial.closest("article"), form));
    } catch (error) {
      outcome.replaceChildren(element("p", { className: "status", textContent: error.message }));
    }
  });
}

// --- searching -------------------------------------------------------------------------------------------

function prepareSearch() {
  const search = document.getElementById("search");
  search.hidden = false;
  search.addEventListener("input", () => {
    const wanted = search.value.toLowerCase();
    for (const item of document.querySelectorAll("nav li")) {
      const link = item.querySelector("a");
      const text = `${link.textContent} ${link.title} ${link.hash}`.toLowerCase();
      item.hidden = !text.includes(wanted);
    }
  });
}

document.querySelectorAll(".samples").forEach(tabs);
document.querySelectorAll(".trial").forEach(prepareTrial);
choose(localStorage.getItem(LANGUAGE) ?? "curl");
prepareAuthorize();
prepareSearch();
