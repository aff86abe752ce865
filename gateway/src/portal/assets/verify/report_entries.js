// The entries of a report bundle (FORMAT.md sections 12.2 and 12.3): each stands in the log, and says what it is taken
// for.

import { Fault, decimal, fromHex, readHex, sameBytes, standsAt, textOf, utf8 } from "./bytes.js";
import { wrongLog } from "./diagnose.js";
import { EntryReader, KINDS, MAX_ENTRY_BYTES, namesLog } from "./entry.js";
import { readTexts } from "./json.js";
import { checkInclusion, leafHash } from "./merkle.js";
import { viewOf } from "./sha256.js";
import { MemberLines } from "./stream.js";
import { MAX_PAYLOAD_BYTES, commitInto, readSalt } from "./work.js";

const MAX_PATH = 64;
const MAX_PROVEN_LINE = MAX_ENTRY_BYTES + MAX_PATH * 67 + MAX_PAYLOAD_BYTES + 256;
const MAX_TOLD = 1000;
const ENTRY_HEAD = utf8('{"entry":');
const PATH_HEAD = utf8(',"path":[');
const PROVEN_PAYLOAD = utf8(',"payload":');
const PROVEN_SALT = utf8(',"salt":"');
const PROVEN_TAIL = utf8('"}');
const PROVEN = new EntryReader();

/** What the entries say that the rest is held against. */
class Said {
  constructor() {
    Object.assign(this, { records: new Map(), decisions: new Map(), proposals: new Map(), documents: [] });
    Object.assign(this, { outcome: null, orderedAt: null, madeAt: null, validations: [], deliveries: [] });
  }

  /** The last entry that the version takes into account. */
  get asOf() {
    return decimal(this.outcome.as_of) ?? 0;
  }
}

function badEntry(seq, why) {
  return new Fault("report_entry", `entry ${seq}: ${why}`, seq);
}

/** Reads all of them. */
export async function readReportEntries(file, member, facts, meter) {
  const lines = new MemberLines(file, member, MAX_PROVEN_LINE, meter);
  const said = new Said();
  const origin = utf8(facts.head.origin);
  let before = -1;
  for (let line = await lines.next(); line !== null; line = await lines.next()) {
    const proven = readProven(line);
    if (proven === null) throw new Fault("entry_line", `entries.ndjson: line ${lines.count} is malformed`);
    const { seq } = proven;
    if (before >= seq) throw new Fault("entry_order", `entry ${seq} is out of order`, seq);
    before = seq;
    checkProven(proven, facts, origin);
    take(said, proven, facts);
    meter.count += 1;
  }
  lines.checkCrc();
  checkWhole(said, facts);
  return said;
}

/** Reads a line: from the front up to the payload, and from the end back to it. Null if it is malformed. */
function readProven(line) {
  if (!standsAt(line, 0, ENTRY_HEAD) || !PROVEN.read(line, ENTRY_HEAD.length)) return null;
  const entry = line.subarray(ENTRY_HEAD.length, ENTRY_HEAD.length + PROVEN.length);
  const pathStart = ENTRY_HEAD.length + PROVEN.length;
  if (!standsAt(line, pathStart, PATH_HEAD)) return null;
  const path = [];
  let at = pathStart + PATH_HEAD.length;
  if (line[at] === 0x5d) {
    at += 1;
  } else {
    for (let more = true; more; at += 67) {
      const hash = new Uint8Array(32);
      more = line[at + 66] === 0x2c && path.length + 1 < MAX_PATH;
      const fits = line[at] === 0x22 && readHex(line, at + 1, hash, 0) && line[at + 65] === 0x22;
      if (!fits || (!more && line[at + 66] !== 0x5d)) return null;
      path.push(hash);
    }
  }
  const start = at + PROVEN_PAYLOAD.length;
  const saltAt = line.length - PROVEN_TAIL.length - 64;
  const end = saltAt - PROVEN_SALT.length;
  const shaped = standsAt(line, at, PROVEN_PAYLOAD) && end > start && standsAt(line, end, PROVEN_SALT) &&
    standsAt(line, line.length - PROVEN_TAIL.length, PROVEN_TAIL) && readSalt(line, saltAt) &&
    line[start] === 0x7b && line[end - 1] === 0x7d && end - start <= MAX_PAYLOAD_BYTES;
  return shaped ? { seq: PROVEN.seq, line, entry, path, start, end } : null;
}

/** That an entry stands in the log where it says, and commits to its payload. */
function checkProven({ seq, line, entry, path, start, end }, { checkpoint }, origin) {
  const leaf = leafHash(entry, viewOf(entry), 0, entry.length);
  const why = checkInclusion(leaf, seq, checkpoint.size, path, checkpoint.root);
  if (why !== null) {
    throw new Fault("not_included", `entry ${seq} is not in the log that the checkpoint signs: ${why}`, seq);
  }
  if (!namesLog(PROVEN, origin)) throw wrongLog(seq, PROVEN.log());
  const commitment = new Uint8Array(32);
  commitInto(commitment, 0, line, viewOf(line), start, end);
  if (!sameBytes(commitment, PROVEN.commitment)) {
    throw new Fault("payload",
      `the payload of entry ${seq} was altered: it, or its salt, is not what the entry committed to`, seq);
  }
}

/** Takes what an entry says. PROVEN still holds it. */
function take(said, { seq, line, start, end }, facts) {
  const text = textOf(line.subarray(start, end));
  const read = (...names) => {
    const texts = text === null ? null : readTexts(text, names);
    if (texts === null) throw badEntry(seq, "its payload lacks what one of its type has");
    return texts;
  };
  const { type } = read("type");
  if (KINDS[PROVEN.kind] !== "record") throw badEntry(seq, "it is not of kind record");
  if (type === "transaction" && PROVEN.subjectKind() === "transaction") {
    said.records.set(seq, false);
  } else if (Object.hasOwn(TAKEN, type)) {
    TAKEN[type](said, seq, read, facts);
  } else {
    throw badEntry(seq, "it is neither a transaction's record nor about this report");
  }
  if (said.documents.length > MAX_TOLD) throw badEntry(seq, "there are too many validations and deliveries");
}

/** That an entry is about this report and, where it names one, this version. */
function checkOurs(seq, { report, n }, { head }) {
  if (report !== head.report || (n !== undefined && n !== head.n)) {
    throw badEntry(seq, "it is about another report or version");
  }
}

const TAKEN = {
  report_order(said, seq, read, facts) {
    checkOurs(seq, read("n", "report"), facts);
    if (said.orderedAt !== null) throw badEntry(seq, "it orders the version a second time");
    said.orderedAt = PROVEN.time27();
  },
  report_version(said, seq, read, facts) {
    const it = read("as_of", "bytes?", "figures", "figures_sha256?", "kind", "media_type?", "n", "period", "report",
      "report_type", "sha256?", "state");
    const { head } = facts;
    checkOurs(seq, it, facts);
    if (seq !== facts.entry) {
      throw badEntry(seq, "it says what the version became, and report.json names another entry for that");
    }
    if (it.period !== head.period || it.report_type !== head.report_type || it.media_type !== head.media_type) {
      throw badEntry(seq, "it names another period, type or media type than report.json");
    }
    if (it.figures !== head.figures) throw badEntry(seq, "it names another number of figures than report.json");
    said.madeAt = PROVEN.time27();
    said.outcome = it;
  },
  report_validation(said, seq, read, facts) {
    const it = read("n", "output_sha256", "report", "sha256?", "validator", "verdict", "version");
    checkOurs(seq, it, facts);
    if (fromHex(it.output_sha256) === null) throw badEntry(seq, "it names no SHA-256 of an output");
    said.documents.push({ seq, sha256: it.sha256 });
    const { validator, version, verdict, output_sha256 } = it;
    said.validations.push({ seq, validator, version, verdict, output_sha256 });
  },
  report_delivery(said, seq, read, facts) {
    const it = read("channel", "delivered_at", "n", "recipient", "report", "sha256?");
    checkOurs(seq, it, facts);
    said.documents.push({ seq, sha256: it.sha256 });
    const { recipient, channel, delivered_at } = it;
    said.deliveries.push({ seq, recipient, channel, delivered_at });
  },
  report_adjustment(said, seq, read, facts) {
    const { report, ...it } = read("amount", "figure", "id", "report", "state?", "unit");
    checkOurs(seq, { report }, facts);
    said.proposals.set(it.id, it);
  },
  report_adjustment_decision(said, seq, read, facts) {
    const { report, ...it } = read("amount", "figure", "id", "report", "state?", "unit");
    checkOurs(seq, { report }, facts);
    const proposal = said.proposals.get(it.id);
    if (proposal === undefined) throw badEntry(seq, "it decides on an adjustment whose proposal is not here");
    if (["figure", "unit", "amount"].some((name) => proposal[name] !== it[name])) {
      throw badEntry(seq, "it decides on something else than was proposed");
    }
    if (it.state === "approved") said.decisions.set(seq, it);
  },
};

/** That nothing is missing, and that all speak of the same document. */
function checkWhole({ outcome, orderedAt, documents }, { head, entry }) {
  const missing = (what) => new Fault("entry_missing", `the entry that says ${what} is missing`);
  if (outcome === null) throw missing("what the version became");
  if (outcome.sha256 === null || outcome.bytes === null) throw badEntry(entry, "it names no document");
  if (outcome.figures_sha256 !== null) {
    if (orderedAt === null) throw missing("that the version was ordered");
  } else if (head.figures !== "0") {
    throw badEntry(entry, "it names figures and no list of them");
  }
  const other = documents.find(({ sha256 }) => sha256 !== outcome.sha256);
  if (other) throw badEntry(other.seq, "it names another document than the version's");
}
