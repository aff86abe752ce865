// Cuts a large member into blocks of whole lines, so that no more of a file is in memory than a few blocks.

import { decimalAt, digitsEnd, standsAt, utf8 } from "./bytes.js";
import { dataStart, readFile } from "./zip.js";

/** Bytes read at a time; a block is larger only if a line is. */
const BLOCK_BYTES = 1 << 22;
const SEQ_KEY = utf8('"seq":"');

/** A place in a member. */
export class Cursor {
  constructor(file, member, maxLine, at = 0) {
    Object.assign(this, { file, member, maxLine, at, seq: -1 });
  }

  isDone() {
    return this.at >= this.member.size;
  }

  /** The next whole lines, after one byte that is for whoever works on them; null at the end. A line without an end, at
   * the member's end or beyond the longest allowed, is handed out as it is. */
  async next() {
    const left = this.member.size - this.at;
    if (left <= 0) return null;
    const start = dataStart(this.member) + this.at;
    for (let length = Math.min(BLOCK_BYTES, left); ; length = Math.min(4 * length, left)) {
      // The byte before is a header's or a line's end, and is read with the rest to spare a copy.
      const bytes = await readFile(this.file, start - 1, start + length);
      const end = bytes.lastIndexOf(10);
      if (end < 1 && length < left && length <= this.maxLine) continue;
      const block = end < 1 ? bytes : bytes.subarray(0, end + 1);
      this.at += block.length - 1;
      this.seq = lastSeq(block) ?? this.seq;
      return block;
    }
  }
}

/** The number after the last `"seq":"`, to keep entries and payloads in step. */
function lastSeq(bytes) {
  for (let at = bytes.lastIndexOf(SEQ_KEY[0]); at > 0; at = bytes.lastIndexOf(SEQ_KEY[0], at - 1)) {
    if (standsAt(bytes, at, SEQ_KEY)) {
      const start = at + SEQ_KEY.length;
      return decimalAt(bytes, start, digitsEnd(bytes, start));
    }
  }
  return null;
}

/** A member's lines, one after the other, each without its end. One whose end is missing has a byte too many, so that
 * it can't pass. */
export class Lines {
  constructor(cursor, seen = () => {}) {
    Object.assign(this, { cursor, seen, block: new Uint8Array(0), at: 0, count: 0 });
  }

  /** Reads the next block; whether there was one. */
  async fill() {
    const block = await this.cursor.next();
    if (block === null) return false;
    this.block = block.subarray(1);
    this.at = 0;
    this.seen(this.block);
    return true;
  }

  async next() {
    if (this.at >= this.block.length && !await this.fill()) return null;
    this.count += 1;
    const start = this.at;
    const end = this.block.indexOf(10, start);
    this.at = end < 0 ? this.block.length : end + 1;
    if (end >= 0) return this.block.subarray(start, end);
    const unended = new Uint8Array(this.block.length - start + 1);
    unended.set(this.block.subarray(start));
    return unended;
  }
}
