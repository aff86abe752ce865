// Verifies a report bundle (FORMAT.md section 13): from the document to the signed checkpoint.

import { Fault, badFile, decimal, sameBytes, toHex } from "./bytes.js";
import { readCanonicalFile } from "./json.js";
import { REPORT_MEANINGS, levelOf, notCosigned } from "./level.js";
import { badCrc, checkReadme, readSmall, readVkeys } from "./members.js";
import { readCheckpoint, readSigners } from "./note.js";
import { readReportEntries } from "./report_entries.js";
import { readFigures } from "./report_figures.js";
import { hashMember } from "./stream.js";
import { beginsWith, readOpenContainer } from "./zip.js";

const FIXED_NAMES = [
  "README.txt", "report.json", "checkpoint", "vkeys", null, "figures.ndjson", "contributions.ndjson", "entries.ndjson",
];
const OUTPUTS = "validations/";
const MAX_MEMBERS = FIXED_NAMES.length + 1000;
/** SHA-256 of README.txt, and its first line. */
const REPORT_README = "37f55c965a8e793fb8bcd8714cd6ddca915f64591929a7e6973fac15088bac80";
const REPORT_README_LINE = "This file is evidence: a report, and all that is needed to check that its\n";
const HEAD = {
  document: "text", entry: "text", figures: "text", format: "text", media_type: "text", n: "text", origin: "text",
  period: "text", report: "text", report_type: "text",
};

/** Whether a file is a report bundle, and no evidence bundle: it says so to people in its first line, or to machines
 * in its directory. */
export async function isReportBundle(file) {
  if (await beginsWith(file, FIXED_NAMES[0], REPORT_README_LINE)) return true;
  try {
    const members = await readOpenContainer(file, MAX_MEMBERS);
    return members.length > 1 && members[1].name === FIXED_NAMES[1];
  } catch (error) {
    if (error instanceof Fault) return false;
    throw error;
  }
}

/** The verdict, as veritrail-verify prints it in JSON. */
export async function verifyReport(file, options, progress) {
  const members = await readOpenContainer(file, MAX_MEMBERS);
  if (members.length < FIXED_NAMES.length) {
    throw new Fault("container", "the file is not a bundle as the format has it: its headers differ at byte 0");
  }
  const wrong = FIXED_NAMES.find((name, at) => name !== null && members[at].name !== name);
  if (wrong) throw badFile(wrong, "it is missing, or another member stands in its place");
  const [readme, report, checkpoint, vkeys, document, figures, parts, entries, ...outputs] = members;
  const facts = await readFacts(file, { readme, report, checkpoint, vkeys, document }, options);
  const signers = await readSigners(facts.note, facts.head.origin, options);
  const compared = await checkSeen(facts, options);
  const meter = { done: 0, count: 0, total: members.slice(4).reduce((sum, { size }) => sum + size, 0) };
  meter.add = (bytes) => {
    meter.done += bytes;
    progress(meter.done, meter.total, meter.count);
  };
  meter.add(0);
  const said = await readReportEntries(file, entries, facts, meter);
  await checkDocument(file, document, facts, said, meter);
  const contributions = await readFigures(file, { figures, parts }, facts, said, meter);
  await checkOutputs(file, outputs, said, meter);
  return verdictOf(facts, said, contributions, compared, signers, options);
}

async function readFacts(file, members, options) {
  checkReadme(await readSmall(file, members.readme), REPORT_README, "report bundle");
  const { name, text } = await readSmall(file, members.report);
  const head = readCanonicalFile(name, text, HEAD);
  if (head.format !== "veritrail-report-bundle/1") throw badFile(name, "it is of another version of the format");
  const numbers = [head.entry, head.figures, head.n].map(decimal);
  if (numbers.includes(null)) throw badFile(name, "entry, figures and n must be decimal numbers");
  const document = members.document.name;
  if (head.document !== document || !isFileName(document)) {
    throw badFile(name, "it names another document than the one that is here");
  }
  const vkeys = readVkeys(await readSmall(file, members.vkeys), head.origin);
  const note = (await readSmall(file, members.checkpoint)).text;
  const keys = { own: [...vkeys, ...options.keys], witnesses: options.witnesses };
  const checkpoint = await readCheckpoint(note, "in the bundle", head.origin, keys);
  return { head, entry: numbers[0], note, checkpoint, vkeys, keys };
}

function isFileName(name) {
  const taken = [...FIXED_NAMES.filter((fixed) => fixed !== null), "validations"];
  return /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/.test(name) &&
    !taken.some((other) => other.toLowerCase() === name.toLowerCase());
}

/** Holds checkpoints that were kept from before against the bundle's: they can be compared where they are of the same
 * size. */
async function checkSeen({ head, checkpoint, keys }, options) {
  let compared = 0;
  for (const note of options.seen) {
    const seen = await readCheckpoint(note, "that you gave", head.origin, keys);
    if (seen.size !== checkpoint.size) continue;
    if (!sameBytes(seen.root, checkpoint.root)) {
      throw new Fault("fork", `the log forked: it signed two different histories of its first ${seen.size} entries`);
    }
    compared += 1;
  }
  return compared;
}

async function checkDocument(file, member, { head }, said, meter) {
  const { hash, whole } = await hashMember(file, member, meter);
  const { sha256, bytes } = said.outcome;
  if (toHex(hash) !== sha256 || String(member.size) !== bytes) {
    const message = `the document was altered: entry ${head.entry} names one of ${bytes} bytes with SHA-256 ${sha256}, ` +
      `here are ${member.size} bytes with SHA-256 ${toHex(hash)}`;
    throw new Fault("document_altered", message);
  }
  if (!whole) throw badCrc("the document");
}

/** That each validator's output is here as it was recorded, and nothing else. */
async function checkOutputs(file, members, said, meter) {
  const bySeq = new Map();
  for (const { output_sha256: hash, seq } of said.validations) {
    if (!bySeq.has(hash)) bySeq.set(hash, seq);
  }
  const named = [...bySeq.keys()].sort();
  const missing = (hash) => {
    const seq = bySeq.get(hash);
    return new Fault("output_missing", `what the validator of entry ${seq} printed is missing: SHA-256 ${hash}`, seq);
  };
  for (const member of members) {
    const hash = member.name.startsWith(OUTPUTS) ? member.name.slice(OUTPUTS.length) : "";
    const isHash = /^[0-9a-f]{64}$/.test(hash);
    if (isHash && named.length > 0 && hash > named[0]) throw missing(named[0]);
    if (!isHash || hash !== named[0]) {
      throw new Fault("output_added", `${member.name} was added: no validation's entry names it`);
    }
    named.shift();
    const found = await hashMember(file, member, meter);
    if (toHex(found.hash) !== hash) {
      const message = `a validator's output was altered: it is to have SHA-256 ${hash}, it has ${toHex(found.hash)}`;
      throw new Fault("output_altered", message);
    }
    if (!found.whole) throw badCrc("a validator's output");
  }
  if (named.length > 0) throw missing(named[0]);
}

function verdictOf({ head, checkpoint, vkeys }, said, contributions, compared, signers, options) {
  const level = levelOf(signers);
  const { outcome } = said;
  const numbered = (fact) => ({ ...fact, seq: String(fact.seq) });
  return {
    verdict: "good", level, meaning: REPORT_MEANINGS[level], log: head.origin, report: head.report,
    type: head.report_type, period: head.period, n: head.n, kind: outcome.kind, state: outcome.state,
    as_of: String(said.asOf), entry: head.entry, ordered_at: said.orderedAt, made_at: said.madeAt,
    document: { name: head.document, media_type: head.media_type, bytes: outcome.bytes, sha256: outcome.sha256 },
    figures: head.figures, contributions: String(contributions), records: String(said.records.size),
    adjustments: String(said.decisions.size), validations: said.validations.map(numbered),
    deliveries: said.deliveries.map(numbered), size: String(checkpoint.size), root: toHex(checkpoint.root),
    seen_compared: String(compared), signed_by: signers.keys, witnessed_by: signers.witnesses,
    // What follows is for the page; the tool prints it to people only.
    page: {
      isReport: true, vkeys: vkeys.map(({ vkey }) => vkey), seen: options.seen.length, notWitnessedBy: notCosigned(options, signers),
    },
  };
}
