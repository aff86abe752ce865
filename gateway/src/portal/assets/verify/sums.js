// The Merkle-sum tree of a figure (FORMAT.md section 11), and decimal texts. Sums are BigInts.

import { sha256 } from "./sha256.js";

const SUM_MAX = (1n << 128n) - 1n;

function bigEndian(value, width) {
  const bytes = new Uint8Array(width);
  for (let at = width - 1, left = BigInt(value); at >= 0; at--, left >>= 8n) bytes[at] = Number(left & 255n);
  return bytes;
}

function sumLeaf(seq, amount) {
  const credit = amount > 0n ? amount : 0n;
  const debit = amount < 0n ? -amount : 0n;
  const hash = sha256(new Uint8Array([0]), bigEndian(seq, 8), bigEndian(credit, 16), bigEndian(debit, 16));
  return { hash, credit, debit };
}

function joinSums(left, right) {
  const parts = [left, right].flatMap(({ hash, credit, debit }) => [hash, bigEndian(credit, 16), bigEndian(debit, 16)]);
  const bounded = (sum) => sum > SUM_MAX ? SUM_MAX : sum;
  return {
    hash: sha256(new Uint8Array([1]), ...parts),
    credit: bounded(left.credit + right.credit),
    debit: bounded(left.debit + right.debit),
  };
}

/** A tree that grows leaf by leaf; it holds one node for each complete subtree. */
export class SumTree {
  constructor() {
    this.size = 0;
    this.nodes = [];
  }

  push(seq, amount) {
    let node = sumLeaf(seq, amount);
    for (let joined = this.size; joined % 2 === 1; joined = (joined - 1) / 2) node = joinSums(this.nodes.pop(), node);
    this.nodes.push(node);
    this.size += 1;
  }

  root() {
    if (this.size === 0) return { hash: sha256(), credit: 0n, debit: 0n };
    return this.nodes.reduceRight((right, left) => joinSums(left, right));
  }
}

const I128_MAX = (1n << 127n) - 1n;
const MAX_DECIMALS = 30;

/** The number of the smallest unit that a decimal text says, in the one spelling that it has; else null. */
export function smallestUnit(text, decimals) {
  if (decimals > MAX_DECIMALS || !/^-?(0|[1-9][0-9]*)(\.[0-9]+)?$/.test(text)) return null;
  const [whole, part] = text.replace("-", "").split(".");
  if ((part ?? "").length !== Number(decimals)) return null;
  const size = BigInt(whole + (part ?? ""));
  if (size > I128_MAX || (size === 0n && text.startsWith("-"))) return null;
  return text.startsWith("-") ? -size : size;
}

/** Whether a sum fits 128 bits with a sign. */
export function fitsSum(value) {
  return value <= I128_MAX && value >= -I128_MAX - 1n;
}
