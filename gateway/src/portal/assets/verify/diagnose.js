// Reads entries one by one to say which is the first bad one and what is wrong with it (FORMAT.md section 8.2).

import { Fault, badFile, sameBytes } from "./bytes.js";
import { Cursor, Lines } from "./blocks.js";
import { EntryReader, KINDS, MAX_ENTRY_BYTES } from "./entry.js";
import { genesis } from "./fold.js";
import { leafHash } from "./merkle.js";
import { viewOf } from "./sha256.js";

const ENTRY = new EntryReader();

/** An entry as a line of its own; null if it isn't canonical to its end. */
function readLine(line) {
  if (!ENTRY.read(line, 0) || ENTRY.length !== line.length) return null;
  return {
    seq: ENTRY.seq, prev: ENTRY.prev.slice(), kind: KINDS[ENTRY.kind], at: ENTRY.time27(), log: ENTRY.log(),
    leaf: leafHash(line, viewOf(line), 0, line.length),
  };
}

/** The first fault from `resume` on. `rootHolds` says whether a tree of all entries leads to the checkpoint's root. */
export async function diagnose(file, member, facts, resume, rootHolds) {
  const lines = new Lines(new Cursor(file, member, MAX_ENTRY_BYTES, resume.offset));
  let { expected, before, tree } = resume;
  // The tree before the last entry, for the blame of a broken link at the very end.
  let shorter = tree.copy();
  for (let line = await lines.next(); line !== null;) {
    const following = await lines.next();
    const link = checkLine(line, following, facts, expected);
    if (before !== null) {
      if (!sameBytes(before.leaf, link.prev)) return blame(link, following, shorter, rootHolds);
      if (link.at < before.at) {
        return new Fault("time_back", `entry ${link.seq} goes back in time: ${link.at} after ${before.at}`, link.seq);
      }
    }
    shorter = tree.copy();
    tree.pushLeaf(link.leaf);
    expected += 1;
    before = link;
    line = following;
  }
  if (expected < facts.to) {
    const message = `the entries end before entry ${expected}: the range goes on to entry ${facts.to - 1}`;
    return new Fault("truncated", message, expected);
  }
  return badFile(member.name, "it changed while it was read");
}

/** Checks all of an entry but its link to the one before. */
function checkLine(line, following, facts, expected) {
  if (expected >= facts.to) {
    throw new Fault("added", `entry ${expected} was added: the range ends before it`, expected);
  }
  const entry = readLine(line);
  if (entry === null) {
    const whole = ENTRY.read(line, 0);
    const [at, wanted] = whole ? [ENTRY.length, "the entry's end"] : [ENTRY.wrongAt, ENTRY.wanted];
    const message = `entry ${expected} is not canonical: at its byte ${at}, expected ${wanted}`;
    throw new Fault("not_canonical", message, expected);
  }
  if (entry.log !== facts.origin) throw wrongLog(expected, entry.log);
  if (entry.seq !== expected) throw misplaced(expected, entry.seq, following);
  const begins = (why) => new Fault("genesis", `entry 0 does not begin this log: ${why}`, 0);
  if (expected === 0 && !sameBytes(entry.prev, genesis(facts.origin))) {
    throw begins("its prev is not the hash of the log's origin");
  }
  if (expected === 0 && entry.kind !== "key") throw begins("it is not of kind key");
  return entry;
}

export function wrongLog(seq, found) {
  return new Fault("wrong_log", `entry ${seq} belongs to another log, ${found}`, seq);
}

function misplaced(expected, found, following) {
  const follower = following === null ? null : readLine(following);
  if (found === expected + 1 && follower !== null && follower.seq === expected) {
    return new Fault("swapped", `entries ${expected} and ${expected + 1} are swapped`, expected);
  }
  if (found > expected) {
    return new Fault("missing", `entry ${expected} is missing: entry ${found} stands in its place`, expected);
  }
  return new Fault("inserted", `entry ${expected} is not in its place: entry ${found} was put there`, expected);
}

/** Who is to blame for `link` not naming the hash of the entry before it. */
function blame(link, following, shorter, rootHolds) {
  let sound = true;
  const follower = following === null ? null : readLine(following);
  if (follower !== null) {
    sound = sameBytes(follower.prev, link.leaf);
  } else if (following === null) {
    shorter.pushLeaf(link.prev);
    shorter.pushLeaf(link.leaf);
    sound = rootHolds(shorter);
  }
  const { seq } = link;
  if (sound) {
    const message = `entry ${seq - 1} was altered: its hash is not the one that entry ${seq} names`;
    return new Fault("altered", message, seq - 1);
  }
  const message =
    `entry ${seq} was altered: it does not name the hash of the entry before it, and its own hash is wrong too`;
  return new Fault("broken_link", message, seq);
}
