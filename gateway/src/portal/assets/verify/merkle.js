// The Merkle tree over leaf hashes (FORMAT.md section 3, RFC 6962 section 2.1). Hashes are 32 bytes each.

import { sameBytes } from "./bytes.js";
import { Sha256, sha256, viewOf } from "./sha256.js";

const HASHER = new Sha256();
const LEAF = new Uint8Array([0]);
const NODE = new Uint8Array(65);
NODE[0] = 1;
const NODE_VIEW = viewOf(NODE);

/** leaf(entry), where the entry is the bytes from `start` to `end`. */
export function leafHash(bytes, view, start, end) {
  const out = new Uint8Array(32);
  HASHER.reset().update(LEAF).updateAt(bytes, view, start, end).finishInto(out, 0);
  return out;
}

function nodeHash(left, right) {
  const out = new Uint8Array(32);
  NODE.set(left, 1);
  NODE.set(right, 33);
  HASHER.reset().updateAt(NODE, NODE_VIEW, 0, 65).finishInto(out, 0);
  return out;
}

function isOdd(index, level) {
  return Math.floor(index / 2 ** level) % 2 === 1;
}

/** The fewest complete subtrees that cover the leaves from `start` to `end`, in order: where each begins, its level. */
export function subtrees(start, end) {
  const spans = [];
  for (let at = start; at < end;) {
    let level = 0;
    while (at + 2 ** (level + 1) <= end && at % 2 ** (level + 1) === 0) level++;
    spans.push({ start: at, level });
    at += 2 ** level;
  }
  return spans;
}

/** The complete subtrees over the leaves from `start` on, which need not be nought; it grows leaf by leaf. */
export class Run {
  constructor(start, hashes = [], end = start) {
    this.start = start;
    this.end = end;
    this.hashes = hashes;
  }

  pushLeaf(leaf) {
    this.pushSubtree(0, leaf);
  }

  /** Appends a complete subtree, which must be aligned at the end. */
  pushSubtree(level, hash) {
    const at = this.end;
    const width = 2 ** level;
    // The node here is a right child if its index is odd; its sibling is ours if it begins at or after our start.
    for (; isOdd(at, level) && at - at % 2 ** level - 2 ** level >= this.start; level++) {
      hash = nodeHash(this.hashes.pop(), hash);
    }
    this.hashes.push(hash);
    this.end = at + width;
  }

  /** Appends a run that begins at the end. */
  append(run) {
    subtrees(run.start, run.end).forEach(({ level }, at) => this.pushSubtree(level, run.hashes[at]));
  }

  copy() {
    return new Run(this.start, this.hashes.slice(), this.end);
  }

  /** The tree's root, of a run that begins at nought. */
  root() {
    if (this.hashes.length === 0) return sha256();
    return this.hashes.reduceRight((right, left) => nodeHash(left, right));
  }
}

/** The tree of `size` leaves from the roots of its complete subtrees; null if there are not as many as it has. */
export function treeOf(size, hashes) {
  return hashes.length === subtrees(0, size).length ? new Run(0, hashes.slice(), size) : null;
}

/** Checks an audit path (RFC 9162 section 2.1.3.2): null if it holds, else what is wrong with it. */
export function checkInclusion(leaf, index, size, path, root) {
  if (index >= size) return "the index or the sizes do not fit each other";
  const length = "the proof has the wrong number of hashes";
  let node = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of path) {
    if (last === 0) return length;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      // A right border skips the levels on which it has no sibling.
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  if (last !== 0) return length;
  return sameBytes(hash, root) ? null : "the proof leads to another root";
}
