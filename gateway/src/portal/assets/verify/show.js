// What was found, for people: the level with what it means, facts or the fault, and what is not shown by it.

function make(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Puts a problem with the file or the keys, which is no verdict. */
export function showProblem(place, text) {
  place.replaceChildren(make("div", { className: "notice warn" }, make("h2", { textContent: "No verdict" }),
    make("p", { textContent: text }), make("p", { id: "took", className: "soft" })));
}

export function showVerdict(place, name, { page, ...verdict }) {
  const good = verdict.verdict === "good";
  const level = good ? verdict.level : "REFUSED";
  const tone = !good ? "bad" : level === "CONSISTENT" ? "warn" : "good";
  const head = make("div", { className: `notice ${tone}` },
    make("h2", {}, make("span", { id: "level", textContent: level }), ` ${name}`),
    make("p", { id: "meaning", textContent: good ? verdict.meaning : verdict.message }),
    make("p", { id: "took", className: "soft" }));
  const parts = good ? goodParts(verdict, page) : [findings(verdict)];
  place.replaceChildren(head, ...parts, raw(verdict));
}

function section(title, ...children) {
  return make("section", {}, make("h2", { textContent: title }), ...children);
}

function list(texts) {
  return make("ul", {}, ...texts.map((text) => make("li", { textContent: text })));
}

function table(caption, heads, rows) {
  const cell = (name, text, scope) => {
    const made = make(name, { textContent: text });
    if (scope) made.scope = scope;
    return made;
  };
  const made = make("table", {}, make("caption", { textContent: caption }),
    make("thead", {}, make("tr", {}, ...heads.map((head) => cell("th", head, "col")))),
    make("tbody", {}, ...rows.map(([first, ...rest]) =>
      make("tr", {}, cell("th", first, "row"), ...rest.map((text) => cell("td", text))))));
  const scroll = make("div", { className: "scroll", tabIndex: 0 }, made);
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", caption);
  return scroll;
}

/** The verifier names the first thing that is wrong; what comes after it is not looked at. */
function findings(verdict) {
  const row = [verdict.fault, verdict.seq === null ? "the file as a whole" : `entry ${verdict.seq}`, verdict.message];
  return section("Finding", table("What is wrong", ["Code", "Place", "What"], [row]),
    make("p", { textContent: "This is the first thing that is wrong. Do not rely on anything in this file; keep it, and " +
      "ask whoever gave it to you." }));
}

function goodParts(verdict, page) {
  const rows = (page.isReport ? reportRows(verdict) : evidenceRows(verdict)).concat(signerRows(verdict, page));
  const parts = [section("What was checked", table("What was checked", ["Fact", "What the file says"], rows))];
  parts.push(section("What this does not show", list(limits(verdict, page)),
    ...verdict.level === "CONSISTENT" ? [...named(page.vkeys)] : []));
  return parts;
}

function named(vkeys) {
  return [make("p", { textContent: "The file itself names these keys. Ask for the log's key elsewhere, compare, and paste " +
    "it above:" }), make("ul", { id: "named" }, ...vkeys.map((vkey) => make("li", {}, make("code", { textContent: vkey }))))];
}

function limits(verdict, page) {
  const all = [];
  if (verdict.level === "CONSISTENT") {
    all.push("Who made it: no key from outside the file was given, so whoever made the file may have made all of it.");
  }
  if (verdict.level !== "WITNESSED") {
    all.push("That the log signed no other history to somebody else: witnesses show that, or a checkpoint kept from before.");
  }
  page.notWitnessedBy.forEach((name) => all.push(`The witness ${name} has not cosigned this checkpoint.`));
  all.push("That an entry was true when it was made: only that it has not changed since.");
  all.push("When something happened, other than by the log's own clock.");
  if (!page.isReport && verdict.withheld !== "0") {
    all.push(`What is in the ${verdict.withheld} payloads that are not in the file: withheld or erased.`);
  }
  if (page.isReport) all.push("That no record was left out that belonged into the report.");
  return all;
}

function evidenceRows(verdict) {
  const count = Number(verdict.to) - Number(verdict.from);
  const kinds = Object.entries(verdict.kinds).map(([kind, of]) => `${of} ${kind}`).join(", ");
  const withheld = verdict.withheld === "0" ? "" : `; ${verdict.withheld} not in the file (withheld or erased)`;
  return [
    ["Log", verdict.log],
    ["Entries", `${verdict.from} to ${Number(verdict.to) - 1} (${count}), of ${verdict.size} in the log`],
    ["Kinds", kinds],
    ["Time", `${verdict.first_at} to ${verdict.last_at}`],
    ["Payloads", `${verdict.payloads} checked${withheld}`],
    ["Checkpoint", `size ${verdict.size}, root ${verdict.root}`],
    ...verdict.checkpoints === "0" ? [] : [["Earlier checkpoints", `${verdict.checkpoints}, and they agree`]],
  ];
}

function reportRows(verdict) {
  const made = verdict.ordered_at === null ? "made elsewhere, deposited" : `ordered ${verdict.ordered_at}, made`;
  const adjustments = verdict.adjustments === "0" ? "" : `, and ${verdict.adjustments} approved adjustments`;
  const { document } = verdict;
  return [
    ["Log", verdict.log],
    ["Report", `${verdict.report}, ${verdict.type} for ${verdict.period}`],
    ["Version", `${verdict.n}, ${verdict.kind}, ${verdict.state}, as of entry ${verdict.as_of}`],
    ["Time", `${made} ${verdict.made_at} (entry ${verdict.entry})`],
    ["Document", `${document.name}, ${document.media_type}, ${document.bytes} bytes, SHA-256 ${document.sha256}`],
    ["Figures", `${verdict.figures}, of ${verdict.contributions} contributions: they add up`],
    ["Records", `${verdict.records} in the log${adjustments}`],
    ...verdict.validations.map((it) =>
      ["Validation", `${it.verdict} by ${it.validator} ${it.version} (entry ${it.seq})`]),
    ...verdict.deliveries.map((it) =>
      ["Delivery", `to ${it.recipient} by ${it.channel}, ${it.delivered_at} (entry ${it.seq})`]),
    ["Checkpoint", `size ${verdict.size}, root ${verdict.root}`],
  ];
}

function signerRows(verdict, page) {
  const at = (timeS) => {
    const date = new Date(Number(timeS) * 1000);
    return Number.isNaN(date.getTime()) ? `second ${timeS}` : date.toISOString();
  };
  return [
    ...page.seen === 0 ? [] : [["Kept checkpoints", `${verdict.seen_compared} of the ${page.seen} could be compared, and agree`]],
    ...verdict.signed_by.map((vkey) => ["Signed by", vkey]),
    ...verdict.witnessed_by.map(({ name, time_s: timeS }) => ["Witnessed by", `${name} at ${at(timeS)}`]),
  ];
}

/** The verdict as veritrail-verify --json prints it. */
function raw(verdict) {
  const text = make("pre", { id: "json", textContent: JSON.stringify(verdict, null, 2), tabIndex: 0 });
  return make("details", {}, make("summary", { textContent: "The verdict as JSON, as the tool prints it" }), text);
}
