// What is done with a block of lines: hash, parse, and check all that lies within it. A block with anything unusual in
// it is only marked; diagnose.js reads it again, line by line, to say what is wrong.

import { Fault, decimalAt, readHex, sameHash, standsAt, textOf, utf8 } from "./bytes.js";
import { crc32 } from "./crc32.js";
import { EntryReader, KINDS, MAX_ENTRY_BYTES, isEarlier, namesLog } from "./entry.js";
import { Run } from "./merkle.js";
import { Sha256, viewOf } from "./sha256.js";

export const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;
// What is hashed before a payload: these words, and the salt's 32 bytes.
const COMMIT = new Uint8Array([...utf8("veritrail/commit@1\n"), ...new Uint8Array(32)]);
const COMMIT_VIEW = viewOf(COMMIT);
const SALT_AT = COMMIT.length - 32;
const PAYLOAD_HEAD = utf8('{"payload":');
const SALT_KEY = utf8(',"salt":"');
const SEQ_KEY_AFTER_SALT = utf8('","seq":"');
const PAYLOAD_TAIL = utf8('"}');
const READER = new EntryReader();
const BLOCK_HASHER = new Sha256();

/** Works on a block of entries: `block` has one byte before the first line. */
export function workEntries(block, facts) {
  const view = viewOf(block);
  const outcome = { entries: true, bytes: block.length - 1, crc: crc32(block, 0, 1), count: 0 };
  const found = readEntries(block, view, facts);
  return found === null ? { ...outcome, sound: false } : { ...outcome, sound: true, ...found };
}

/** All of a block's entries; null if one of them isn't one of this log or does not follow the one before. */
function readEntries(block, view, facts) {
  READER.usualLog = facts.originBytes;
  const runs = [];
  const commitments = new Uint8Array(32 * Math.ceil(block.length / 250));
  const kinds = new Array(KINDS.length).fill(0);
  let [sizes, first, last, lastTime, count] = [facts.sizes, null, null, 0, 0];
  for (let at = 1; at < block.length;) {
    if (!READER.read(block, at)) return null;
    const end = at + READER.length;
    if (READER.length > MAX_ENTRY_BYTES || block[end] !== 10 || !namesLog(READER, facts.originBytes)) return null;
    const { seq, timeStart } = READER;
    if (typeof seq !== "number") return null;
    if (last !== null) {
      const follows = seq === last.seq + 1 && sameHash(READER.prev, last.leaf) && !isEarlier(block, timeStart, lastTime);
      if (!follows) return null;
    } else {
      sizes = sizes.filter((size) => size > seq);
      runs.push(new Run(seq));
    }
    // The byte before an entry is the end of the line before it; a leaf is hashed with a nought there.
    const before = block[at - 1];
    block[at - 1] = 0;
    const leaf = leafInPlace(block, view, at - 1, end);
    block[at - 1] = before;
    const link = { seq, leaf, kind: READER.kind };
    if (first === null) first = { ...link, prev: READER.prev.slice(), at: READER.time27() };
    [last, lastTime] = [link, timeStart];
    const run = runs[runs.length - 1];
    run.pushLeaf(leaf);
    if (sizes[0] === run.end) {
      sizes = sizes.slice(1);
      runs.push(new Run(run.end));
    }
    kinds[READER.kind] += 1;
    commitments.set(READER.commitment, 32 * count);
    count += 1;
    at = end + 1;
  }
  if (first === null) return null;
  const at = String.fromCharCode(...block.subarray(lastTime, lastTime + 27));
  return { count, first, last: { ...last, at }, runs, kinds, commitments: commitments.slice(0, 32 * count) };
}

function leafInPlace(block, view, start, end) {
  const out = new Uint8Array(32);
  BLOCK_HASHER.reset().updateAt(block, view, start, end).finishInto(out, 0);
  return out;
}

/** Reads the salt that stands as 64 hex digits at `at`, for the next commitment; false if they are none. */
export function readSalt(bytes, at) {
  return readHex(bytes, at, COMMIT, SALT_AT);
}

/** Puts commit(salt, payload) into `out`, where the salt was read before and the payload is the bytes from `start` to
 * `end`. */
export function commitInto(out, at, bytes, view, start, end) {
  BLOCK_HASHER.reset().updateAt(COMMIT, COMMIT_VIEW, 0, COMMIT.length).updateAt(bytes, view, start, end)
    .finishInto(out, at);
}

function payloadOutside(seq) {
  return new Fault("payload_outside", `there is a payload of entry ${seq}, which is not in the range`, seq);
}

export function payloadOrder(seq) {
  return new Fault("payload_order", `the payload of entry ${seq} is out of order`, seq);
}

/** Reads a line of payloads.ndjson from `start` to `end`, from its end backwards: the tail has a fixed form, so what is
 * before it is the payload, whatever stands in it. Null if it is malformed. */
function readPayloadLine(bytes, start, end) {
  if (!standsAt(bytes, start, PAYLOAD_HEAD) || !standsAt(bytes, end - 2, PAYLOAD_TAIL)) return null;
  const digitsStop = end - 2;
  let digits = digitsStop;
  while (bytes[digits - 1] >= 0x30 && bytes[digits - 1] <= 0x39) digits--;
  const from = start + PAYLOAD_HEAD.length;
  const saltAt = digits - SEQ_KEY_AFTER_SALT.length - 64;
  const to = saltAt - SALT_KEY.length;
  const shaped = to >= from + 1 && standsAt(bytes, digits - SEQ_KEY_AFTER_SALT.length, SEQ_KEY_AFTER_SALT) &&
    standsAt(bytes, to, SALT_KEY) && bytes[from] === 0x7b && bytes[to - 1] === 0x7d;
  if (!shaped || to - from > MAX_PAYLOAD_BYTES || !readSalt(bytes, saltAt)) return null;
  const seq = decimalAt(bytes, digits, digitsStop);
  return seq === null ? null : { seq, from, to };
}

/** Works on a block of payload lines, up to the first fault. */
export function workPayloads(block, facts) {
  const view = viewOf(block);
  const outcome = { entries: false, bytes: block.length - 1, crc: crc32(block, 0, 1), fault: null, badLine: null };
  const seqs = [];
  const commitments = new Uint8Array(32 * Math.ceil(block.length / 100));
  for (let at = 1; at < block.length && outcome.fault === null;) {
    const end = block.indexOf(10, at);
    const line = end < 0 ? null : readPayloadLine(block, at, end);
    if (line === null) {
      outcome.badLine = seqs.length + 1;
      break;
    }
    outcome.fault = checkPayload(line, block, seqs[seqs.length - 1], facts);
    if (outcome.fault === null) {
      commitInto(commitments, 32 * seqs.length, block, view, line.from, line.to);
      seqs.push(line.seq);
    }
    at = end + 1;
  }
  if (outcome.fault !== null) outcome.fault = { ...outcome.fault, message: outcome.fault.message };
  return { ...outcome, seqs: Float64Array.from(seqs), commitments: commitments.slice(0, 32 * seqs.length) };
}

function checkPayload({ seq, from, to }, block, before, facts) {
  if (seq < facts.from || seq >= facts.to) return payloadOutside(seq);
  if (before !== undefined && before >= seq) return payloadOrder(seq);
  if (seq !== 0 || namesKey(block.subarray(from, to), facts)) return null;
  return new Fault("first_key", "the payload of entry 0 does not name this log and one of its keys", 0);
}

/** Whether the first entry's payload names the log and one of the keys that the bundle lists. */
function namesKey(payload, facts) {
  try {
    const { origin, vkey } = JSON.parse(textOf(payload));
    return origin === facts.origin && facts.vkeys.includes(vkey);
  } catch {
    return false;
  }
}
