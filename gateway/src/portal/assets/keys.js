// Keyboard shortcuts. The list that `?` shows is a page of its own, and the only place that names them.

/** Letters after `g`, and where they lead. */
const PLACES = { t: "/", x: "/transactions", r: "/reports", l: "/lineage", a: "/audit", v: "/verify", d: "/developers", o: "/ops" };

function typing(target) {
  return target.closest("input, select, textarea, [contenteditable]");
}

function step(by) {
  const rows = [...document.querySelectorAll("main tbody tr")];
  if (!rows.length) return;
  const now = rows.findIndex((row) => row.classList.contains("here"));
  const next = rows[Math.max(0, Math.min(rows.length - 1, now < 0 ? (by > 0 ? 0 : rows.length - 1) : now + by))];
  rows[now]?.classList.remove("here");
  next.classList.add("here");
  next.scrollIntoView({ block: "nearest" });
  next.querySelector("a")?.focus();
}

async function show(fetchPage) {
  const answer = await fetchPage("/keys").catch(() => null);
  const list = answer?.response.querySelector("#main");
  if (!list) return location.assign("/keys");
  const dialog = document.createElement("dialog");
  dialog.className = "keys";
  dialog.setAttribute("aria-label", "Keyboard shortcuts");
  const close = document.createElement("button");
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  dialog.append(...document.adoptNode(list).childNodes, close);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

export function keys(fetchPage) {
  let prefix = false;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    const key = event.key;
    if (prefix) {
      prefix = false;
      const link = PLACES[key] && document.querySelector(`.places a[href^="${PLACES[key]}"], a.brand[href="${PLACES[key]}"]`);
      if (link) location.assign(link.href);
    } else if (key === "g") {
      prefix = true;
      setTimeout(() => (prefix = false), 1500);
    } else if (key === "/") {
      document.querySelector("form.filters input:not([type=hidden])")?.focus();
    } else if (key === "j") step(1);
    else if (key === "k") step(-1);
    else if (key === "n") document.querySelector(".pager a[rel=next]")?.click();
    else if (key === "?") show(fetchPage);
    else return;
    event.preventDefault();
  });
}
