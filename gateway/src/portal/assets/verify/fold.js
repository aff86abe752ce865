// Joins the outcomes of blocks in order: the chain across blocks, the tree, payloads with commitments.

import { Fault, sameBytes, sameHash, utf8 } from "./bytes.js";
import { crc32Join } from "./crc32.js";
import { KINDS } from "./entry.js";
import { sha256 } from "./sha256.js";
import { payloadOrder } from "./work.js";

const KEY_KIND = KINDS.indexOf("key");

/** genesis(origin). */
export function genesis(origin) {
  return sha256(utf8(`veritrail/genesis@1\n${origin}`));
}

/** The state after some blocks. */
export class Fold {
  constructor(facts, left) {
    this.facts = facts;
    this.genesis = genesis(facts.origin);
    this.here = { offset: 0, expected: facts.from, before: null, tree: left };
    // Where to read again if the next block is unusual: the start of the block before.
    this.resume = { ...this.here, tree: left.copy() };
    // The roots at the wanted sizes passed so far.
    this.roots = [];
    this.entriesCrc = 0;
    this.kinds = new Array(KINDS.length).fill(0);
    this.firstAt = null;
    this.payloads = new Payloads(facts.from);
  }

  /** Joins a block of entries; false if anything about it is unusual. */
  entries(block) {
    if (!block.sound || !this.joins(block.first, block.last)) return false;
    const { here } = this;
    this.resume = { ...here, tree: here.tree.copy() };
    if (block.first.seq === this.facts.from) this.firstAt = block.first.at;
    for (const run of block.runs) {
      here.tree.append(run);
      if (this.facts.sizes[this.roots.length] === here.tree.end) this.roots.push(here.tree.root());
    }
    here.offset += block.bytes;
    here.expected = block.last.seq + 1;
    here.before = block.last;
    this.entriesCrc = crc32Join(this.entriesCrc, block.crc, block.bytes);
    block.kinds.forEach((count, kind) => { this.kinds[kind] += count; });
    this.payloads.addCommitments(block.commitments);
    return true;
  }

  joins(first, last) {
    const { before, expected } = this.here;
    const begins = before !== null ? sameBytes(before.leaf, first.prev) && before.at <= first.at
      : first.seq !== 0 || (sameBytes(first.prev, this.genesis) && first.kind === KEY_KIND);
    return begins && first.seq === expected && last.seq < this.facts.to;
  }
}

/** Payloads and commitments that wait for each other, each in order. */
class Payloads {
  constructor(from) {
    this.crc = 0;
    this.count = 0;
    this.fault = null;
    this.last = -1;
    this.ended = false;
    // Commitments of entries from `base` on, in the pieces in which they came.
    this.base = from;
    this.pieces = [];
    this.waiting = [];
  }

  addCommitments(commitments) {
    this.pieces.push(commitments);
    this.join();
  }

  /** Says that no more payloads come, so that no commitment waits any longer. */
  end() {
    this.ended = true;
    this.join();
  }

  add(block) {
    this.crc = crc32Join(this.crc, block.crc, block.bytes);
    if (this.fault !== null) return;
    const { seqs, commitments, fault, badLine } = block;
    if (seqs.length > 0 && seqs[0] <= this.last) {
      this.fault = payloadOrder(seqs[0]);
      return;
    }
    const linesBefore = this.count;
    this.count += seqs.length;
    if (seqs.length > 0) this.last = seqs[seqs.length - 1];
    this.waiting.push({ seqs, commitments, at: 0 });
    if (badLine !== null) {
      this.fault = new Fault("payload_line", `payloads.ndjson: line ${linesBefore + badLine} is malformed`);
    } else if (fault !== null) {
      this.fault = new Fault(fault.code, fault.message, fault.seq);
    }
    this.join();
  }

  /** Compares what is there on both sides, and forgets what nothing can come for. */
  join() {
    while (this.waiting.length > 0) {
      const found = this.waiting[0];
      if (found.at === found.seqs.length) {
        this.waiting.shift();
        continue;
      }
      const seq = found.seqs[found.at];
      this.forgetBelow(seq);
      if (this.pieces.length === 0) break;
      if (!sameHash(this.pieces[0], found.commitments, 32 * (seq - this.base), 32 * found.at)) {
        // A mismatch lies before whatever malformed line was met further on.
        this.fault = new Fault("payload",
          `the payload of entry ${seq} was altered: it, or its salt, is not what the entry committed to`, seq);
        this.waiting = [];
        return;
      }
      found.at += 1;
    }
    if (this.ended && this.waiting.length === 0) this.pieces = [];
  }

  /** Drops pieces whose commitments are all below `seq`. */
  forgetBelow(seq) {
    while (this.pieces.length > 0 && this.base + this.pieces[0].length / 32 <= seq) {
      this.base += this.pieces.shift().length / 32;
    }
  }
}
