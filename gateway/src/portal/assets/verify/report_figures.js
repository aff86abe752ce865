// Figures and their contributions, which stand in the same order and are read side by side.

import { Fault, badFile, decimal, fromHex, sameBytes, textOf, toHex } from "./bytes.js";
import { readCanonical } from "./json.js";
import { sha256 } from "./sha256.js";
import { MemberLines } from "./stream.js";
import { SumTree, fitsSum, smallestUnit } from "./sums.js";
import { MAX_PAYLOAD_BYTES } from "./work.js";

const MAX_PART_LINE = 256;
const FIGURE = {
  credit: "text", debit: "text", decimals: "text", formula: "text", inputs: [{ factor: "text", figure: "text" }],
  name: "text", parts: "text", path: "text", position: "text", root: "text", unit: "text", value: "text",
};
const PART = /^\{"amount":"(-?[0-9]+)","figure":"([0-9]+)","position":"([0-9]+)","seq":"([0-9]+)"\}$/;
const I64_MAX = (1n << 63n) - 1n;

/** Reads and checks all of them; how many contributions there are. */
export async function readFigures(file, members, { head }, said, meter) {
  const figures = new MemberLines(file, members.figures, MAX_PAYLOAD_BYTES, meter);
  const parts = new MemberLines(file, members.parts, MAX_PART_LINE, meter);
  const reading = { parts, next: null, values: new Map(), contributions: 0, said };
  let first = null;
  try {
    await readAll(reading, figures);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    first = error;
  }
  // Where the list itself is another, whatever doesn't fit is the list's fault. A document made elsewhere has no list;
  // its place is empty then.
  const found = toHex(await figures.rest());
  const expected = said.outcome.figures_sha256 ?? toHex(sha256());
  if (found !== expected) {
    const hint = first === null ? "" : `; ${first.message}`;
    const message = `the list of figures was altered: entry ${head.entry} names SHA-256 ${expected}, it has ${found}${hint}`;
    throw new Fault("figures_altered", message);
  }
  if (first !== null) throw first;
  if (String(figures.count) !== head.figures) {
    throw badFile("figures.ndjson", `it has ${figures.count} figures, and report.json says ${head.figures}`);
  }
  figures.checkCrc();
  parts.checkCrc();
  for (const [seq, used] of said.records) {
    if (!used) throw new Fault("entry_added", `entry ${seq} was added: no figure rests on it`, seq);
  }
  return reading.contributions;
}

async function readAll(reading, figures) {
  await advance(reading);
  let before = -1;
  for (let line = await figures.next(); line !== null; line = await figures.next()) {
    const figure = readFigure(line);
    if (figure === null || before >= figure.position) {
      throw new Fault("figure_line", `figures.ndjson: line ${figures.count} is malformed`);
    }
    before = figure.position;
    await checkFigure(reading, figure);
  }
  if (reading.next !== null) throw addedPart(reading.next);
}

/** Reads the next contribution. */
async function advance(reading) {
  const line = await reading.parts.next();
  reading.next = line === null ? null : readPart(line);
  if (line !== null && reading.next === null) {
    throw new Fault("contribution_line", `contributions.ndjson: line ${reading.parts.count} is malformed`);
  }
}

function readPart(line) {
  const [, amountText, ...texts] = PART.exec(textOf(line) ?? "") ?? [];
  if (amountText === undefined) return null;
  const amount = smallestUnit(amountText, 0);
  const [figure, position, seq] = texts.map(decimal);
  if (amount === null || amount > I64_MAX || amount < -I64_MAX - 1n) return null;
  return figure === null || position === null || seq === null ? null : { amount, figure, position, seq };
}

function readFigure(line) {
  const text = textOf(line);
  const figure = text === null ? null : readCanonical(text, FIGURE);
  if (figure === null) return null;
  const [position, parts, decimals] = [figure.position, figure.parts, figure.decimals].map(decimal);
  const [credit, debit] = [figure.credit, figure.debit].map((sum) => smallestUnit(sum, 0));
  const value = decimals === null ? null : smallestUnit(figure.value, decimals);
  const hash = fromHex(figure.root);
  const inputs = figure.inputs.map((input) => ({ factor: smallestUnit(input.factor, 0), figure: decimal(input.figure) }));
  const isInput = ({ factor, figure: of }) => factor !== null && factor >= -128n && factor <= 127n && of !== null;
  const numbers = [position, parts, decimals, credit, debit, value, hash];
  if (numbers.includes(null) || credit < 0n || debit < 0n || !inputs.every(isInput)) return null;
  return { line: figure, name: figure.name, position, parts, decimals, value, root: { hash, credit, debit }, inputs };
}

function addedPart({ figure, position }) {
  const message = `contribution ${position} of the figure at position ${figure} was added or is out of order`;
  return new Fault("contribution_added", message);
}

async function checkFigure(reading, figure) {
  const { name, parts, line } = figure;
  const tree = new SumTree();
  while (reading.next !== null && reading.next.figure <= figure.position) {
    const part = reading.next;
    if (part.figure < figure.position || part.position < tree.size || tree.size >= parts) throw addedPart(part);
    if (part.position > tree.size) break;
    checkFounded(figure, part, reading.said);
    tree.push(part.seq, part.amount);
    reading.contributions += 1;
    await advance(reading);
  }
  if (tree.size < parts) {
    throw new Fault("contribution_missing", `figure ${name}: contribution ${tree.size} of ${parts} is missing`);
  }
  const root = tree.root();
  const same = sameBytes(root.hash, figure.root.hash) && root.credit === figure.root.credit &&
    root.debit === figure.root.debit;
  if (!same) {
    const message = `figure ${name}: a contribution was altered: its ${parts} contributions are to add ${line.credit} ` +
      `and take away ${line.debit}, here they add ${root.credit} and take away ${root.debit}, ` +
      "and the root over them is another";
    throw new Fault("contribution_altered", message);
  }
  const made = sumOf(reading, figure);
  if (made !== figure.value) {
    const message = `figure ${name}: its contributions and inputs make ${made ?? "nothing that can be told"} in the ` +
      `smallest unit, it says ${figure.value}`;
    throw new Fault("figure_value", message);
  }
  reading.values.set(figure.position, figure.value);
}

/** What a figure's contributions and inputs make; null where an input is not before it. */
function sumOf({ values }, figure) {
  let sum = figure.root.credit - figure.root.debit;
  for (const { factor, figure: position } of figure.inputs) {
    if (!values.has(position) || !fitsSum(sum)) return null;
    sum += values.get(position) * factor;
  }
  return fitsSum(sum) ? sum : null;
}

/** That a contribution rests on a transaction's record, or on an approval of an adjustment of its figure. */
function checkFounded(figure, part, said) {
  const why = whyUnfounded(figure, part, said);
  if (why === null) return;
  const message = `figure ${figure.name}: contribution ${part.position} names entry ${part.seq}, ${why}`;
  throw new Fault("contribution_unfounded", message, part.seq);
}

function whyUnfounded(figure, { seq, amount }, said) {
  if (seq > said.asOf) return "which is after the last one that the version takes into account";
  if (said.records.has(seq)) {
    said.records.set(seq, true);
    return null;
  }
  const decision = said.decisions.get(seq);
  if (decision === undefined) return "which is not here as a transaction's record or an approved adjustment";
  if (decision.figure !== figure.name || decision.unit !== figure.line.unit) {
    return "which approves an adjustment of another figure";
  }
  return smallestUnit(decision.amount, figure.decimals) === amount ? null
    : "which approves an adjustment of another amount";
}
