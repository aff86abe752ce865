// Entries (FORMAT.md section 2): the one spelling, and where bytes leave it.

import { countHex, decimalAt, digitsEnd, isPlain, MAX_LOG_SIZE, readHex, utf8 } from "./bytes.js";

export const MAX_ENTRY_BYTES = 65535;
const MAX_ID = 128;
const MAX_ORIGIN = 255;
export const KINDS = ["record", "access", "denied", "export", "erase", "key", "anchor", "grant", "admin"];
const KIND_BYTES = KINDS.map(utf8);

const fixed = (text) => ({ text, bytes: utf8(text) });
const ACTOR = fixed('{"actor":"');
const AT = fixed('","at":"');
const COMMITMENT = fixed('","commitment":"');
const KIND = fixed('","kind":"');
const LOG = fixed('","log":"');
const PREV = fixed('","prev":"');
const REQUEST = fixed('","request":');
const SEQ = fixed(',"seq":"');
const SUBJECT = fixed('","subject":');
const SUBJECT_ID = fixed('{"id":"');
const SUBJECT_KIND = fixed('","kind":"');
const SUBJECT_END = fixed('"}');
const VERSION = fixed(',"v":"veritrail/entry@1"}');
const QUOTE = fixed('"');
const NULL = fixed("null");
const TIME_BYTES = 27;

/** Reads entries out of bytes. What is found is in its fields until the next is read, so that nothing has to be made
 * for each entry. */
export class EntryReader {
  constructor() {
    this.bytes = new Uint8Array(0);
    this.at = 0;
    this.prev = new Uint8Array(32);
    this.commitment = new Uint8Array(32);
    this.wrongAt = 0;
    this.wanted = "";
    // A log that most entries name, an origin: they are read faster then.
    this.usualLog = new Uint8Array(0);
  }

  /** Reads the entry that `bytes` begin with at `start`; whether there is one. If there is none, `wrongAt` is the first
   * wrong byte, from `start`, and `wanted` what had to stand there. */
  read(bytes, start) {
    this.bytes = bytes;
    this.at = start;
    const found = this.expect(ACTOR) && this.plain(MAX_ID) && this.expect(AT) && this.time() &&
      this.expect(COMMITMENT) && this.hash(this.commitment) && this.expect(KIND) && this.kindWord() &&
      this.expect(LOG) && this.origin() && this.expect(PREV) && this.hash(this.prev) &&
      this.expect(REQUEST) && this.nullOrText() && this.expect(SEQ) && this.number() &&
      this.expect(SUBJECT) && this.nullOrSubject() && this.expect(VERSION);
    this.length = this.at - start;
    if (!found) this.wrongAt -= start;
    return found;
  }

  fail(at, wanted) {
    this.wrongAt = at;
    this.wanted = wanted;
    return false;
  }

  take({ bytes: text }) {
    const { bytes, at } = this;
    for (let i = 0; i < text.length; i++) {
      if (bytes[at + i] !== text[i]) return false;
    }
    this.at = at + text.length;
    return true;
  }

  expect(text) {
    if (this.take(text)) return true;
    let at = 0;
    while (this.bytes[this.at + at] === text.bytes[at]) at++;
    return this.fail(this.at + at, text.text);
  }

  plain(max) {
    const { bytes, at: start } = this;
    const stop = Math.min(bytes.length, start + max + 1);
    let at = start;
    while (at < stop && isPlain(bytes[at])) at++;
    if (at === start) return this.fail(start, "a character");
    if (at - start > max) return this.fail(start + max, "the end of a text that is too long");
    this.at = at;
    return true;
  }

  hash(out) {
    if (!readHex(this.bytes, this.at, out, 0)) {
      const digits = Math.min(countHex(this.bytes, this.at), 64);
      return this.fail(this.at + digits, "64 lower-case hex digits");
    }
    this.at += 64;
    return true;
  }

  kindWord() {
    const start = this.at;
    if (!this.plain(MAX_ID)) return false;
    this.kind = KIND_BYTES.findIndex((word) => word.length === this.at - start && this.standsAt(start, word));
    return this.kind >= 0 || this.fail(start, "a known kind");
  }

  standsAt(at, word) {
    for (let i = 0; i < word.length; i++) {
      if (this.bytes[at + i] !== word[i]) return false;
    }
    return true;
  }

  origin() {
    this.logStart = this.at;
    const end = this.at + this.usualLog.length;
    if (end > this.at && this.bytes[end] === 0x22 && this.standsAt(this.at, this.usualLog)) {
      this.at = this.logEnd = end;
      return true;
    }
    if (!this.plain(MAX_ORIGIN)) return false;
    this.logEnd = this.at;
    for (let at = this.logStart; at < this.logEnd; at++) {
      if (this.bytes[at] === 0x2b) return this.fail(at, "an origin without plus");
    }
    return true;
  }

  nullOrText() {
    return this.take(NULL) || (this.expect(QUOTE) && this.plain(MAX_ID) && this.expect(QUOTE));
  }

  nullOrSubject() {
    this.subjectStart = this.subjectEnd = this.at;
    if (this.take(NULL)) return true;
    if (!(this.expect(SUBJECT_ID) && this.plain(MAX_ID) && this.expect(SUBJECT_KIND))) return false;
    this.subjectStart = this.at;
    if (!this.plain(MAX_ID)) return false;
    this.subjectEnd = this.at;
    return this.expect(SUBJECT_END);
  }

  number() {
    const end = digitsEnd(this.bytes, this.at);
    this.seq = decimalAt(this.bytes, this.at, end);
    if (this.seq === null || (typeof this.seq === "bigint" && this.seq >= MAX_LOG_SIZE)) {
      return this.fail(this.at, "a decimal number without leading zeros");
    }
    this.at = end;
    return true;
  }

  time() {
    this.timeStart = this.at;
    if (!isTime(this.bytes, this.at)) return this.fail(this.at, "a UTC time as 2026-01-31T12:00:00.000000Z");
    this.at += TIME_BYTES;
    return true;
  }

  /** The log that it names. */
  log() {
    return asciiText(this.bytes, this.logStart, this.logEnd);
  }

  /** What its subject is; empty if it has none. */
  subjectKind() {
    return asciiText(this.bytes, this.subjectStart, this.subjectEnd);
  }

  /** When it was made, as it stands. The spelling is such that times are in the order of their texts. */
  time27() {
    return asciiText(this.bytes, this.timeStart, this.timeStart + TIME_BYTES);
  }
}

function asciiText(bytes, start, end) {
  return String.fromCharCode(...bytes.subarray(start, end));
}

/** Whether the entry that `reader` holds names this log, given as bytes. */
export function namesLog(reader, origin) {
  return reader.logEnd - reader.logStart === origin.length && reader.standsAt(reader.logStart, origin);
}

/** Whether the time at one place of some bytes is before that at another. */
export function isEarlier(bytes, at, than) {
  for (let i = 0; i < TIME_BYTES; i++) {
    if (bytes[at + i] !== bytes[than + i]) return bytes[at + i] < bytes[than + i];
  }
  return false;
}

function isTime(bytes, at) {
  if (at + TIME_BYTES > bytes.length) return false;
  const marked = bytes[at + 4] === 0x2d && bytes[at + 7] === 0x2d && bytes[at + 10] === 0x54 &&
    bytes[at + 13] === 0x3a && bytes[at + 16] === 0x3a && bytes[at + 19] === 0x2e && bytes[at + 26] === 0x5a;
  if (!marked) return false;
  const year = digits(bytes, at, 4);
  const month = digits(bytes, at + 5, 2);
  const day = digits(bytes, at + 8, 2);
  const hour = digits(bytes, at + 11, 2);
  const minute = digits(bytes, at + 14, 2);
  const second = digits(bytes, at + 17, 2);
  return digits(bytes, at + 20, 6) >= 0 && year >= 1970 && month >= 1 && month <= 12 && day >= 1 &&
    day <= monthDays(year, month) && hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 && second >= 0 && second <= 59;
}

/** The number that so many digits are; below nought if one of them is none. */
function digits(bytes, at, count) {
  let value = 0;
  for (let i = 0; i < count; i++) {
    const digit = bytes[at + i] - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function monthDays(year, month) {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
