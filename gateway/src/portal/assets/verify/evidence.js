// Verifies an evidence bundle (FORMAT.md section 8): every byte is checked, and the first thing wrong is named.

import { Fault, badFile, sameBytes, toHex, utf8 } from "./bytes.js";
import { Cursor } from "./blocks.js";
import { hasFact, largeFact, openBundle } from "./bundle.js";
import { diagnose } from "./diagnose.js";
import { KINDS, MAX_ENTRY_BYTES } from "./entry.js";
import { Fold } from "./fold.js";
import { LEVEL_MEANINGS, levelOf, notCosigned } from "./level.js";
import { badCrc } from "./members.js";
import { subtrees, treeOf } from "./merkle.js";
import { readCheckpoint, readSigners } from "./note.js";
import { MAX_PAYLOAD_BYTES } from "./work.js";

/** The verdict, as veritrail-verify prints it in JSON. `pool` works on blocks; `progress` is told the bytes done, the
 * bytes in all, and the entries done. */
export async function verifyEvidence(file, options, pool, progress) {
  const opened = await openBundle(file, options);
  const { origin, from, to, checkpoint } = opened;
  const signers = await readSigners(opened.note, origin, options);
  const seen = [];
  for (const note of options.seen) seen.push(await readCheckpoint(note, "that you gave", origin, opened.keys));
  // The root at the range's end is wanted too: a whole log's bundle ends there.
  const wanted = [...opened.earlier, ...seen].map(({ size }) => size).filter((size) => size > from && size <= to);
  const sizes = [...new Set([...wanted, to])].sort((a, b) => a - b);
  const vkeys = opened.vkeys.map(({ vkey }) => vkey);
  const facts = { origin, originBytes: utf8(origin), from, to, vkeys, sizes };
  const left = treeOf(from, opened.left);
  const fold = new Fold(facts, left);
  await scan(file, opened, facts, fold, pool, progress);
  checkRoots(opened, seen, sizes, fold);
  // After the roots: where an entry was altered, its payload only seems to be.
  if (fold.payloads.fault !== null) throw fold.payloads.fault;
  checkSums(opened, fold);
  return report(opened, options, signers, seen, fold);
}

/** Runs all lines through the pool, and joins what comes back. */
async function scan(file, opened, facts, fold, pool, progress) {
  const entries = new Cursor(file, opened.entries, MAX_ENTRY_BYTES);
  // The longest line is a payload with the fixed text around it.
  const payloads = new Cursor(file, opened.payloads, MAX_PAYLOAD_BYTES + 128);
  const total = opened.entries.size + opened.payloads.size;
  const underWay = [];
  let [done, count, payloadsLeft] = [0, 0, payloads.member.size];
  pool.begin(facts);
  progress(0, total, 0);
  for (;;) {
    while (underWay.length < pool.window) {
      const isPayloads = !payloads.isDone() && (payloads.seq < entries.seq || entries.isDone());
      const block = await (isPayloads ? payloads : entries).next();
      if (block === null) break;
      underWay.push(pool.work(block, isPayloads));
    }
    if (underWay.length === 0) break;
    const outcome = await underWay.shift();
    if (!outcome.entries) {
      fold.payloads.add(outcome);
      payloadsLeft -= outcome.bytes;
    } else if (fold.entries(outcome)) {
      count += outcome.count;
    } else {
      throw await blamed(file, opened, facts, fold, fold.resume);
    }
    if (payloadsLeft === 0) fold.payloads.end();
    done += outcome.bytes;
    progress(done, total, count);
  }
  if (fold.here.expected < facts.to) throw await blamed(file, opened, facts, fold, fold.here);
}

/** The fault of a bundle whose entries are faulty from about `resume` on. */
async function blamed(file, opened, facts, fold, resume) {
  const rootHolds = (tree) => sameBytes(joinedRoot(opened, tree), opened.checkpoint.root);
  let fault;
  try {
    fault = await diagnose(file, opened.entries, facts, resume, rootHolds);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    fault = error;
  }
  const payload = fold.payloads.fault;
  return payload !== null && payload.seq !== null && fault.seq !== null && payload.seq < fault.seq ? payload : fault;
}

/** The root at the checkpoint, from the tree at the range's end and the hashes to the right of it. */
function joinedRoot(opened, tree) {
  const joined = tree.copy();
  if (joined.end !== opened.to) return new Uint8Array(0);
  subtrees(opened.to, opened.checkpoint.size).forEach(({ level }, at) => joined.pushSubtree(level, opened.right[at]));
  return joined.root();
}

function rewritten(from, to, size) {
  const message = `entries were rewritten from some entry between ${from} and ${to - 1} on: the chain is whole, ` +
    `but the root at ${size} is not the signed one`;
  return new Fault("rewritten", message);
}

/** Holds the tree against every checkpoint. */
function checkRoots({ from, to, checkpoint, earlier, ...opened }, seen, sizes, fold) {
  const { size } = checkpoint;
  const holds = sameBytes(joinedRoot({ ...opened, to, checkpoint }, fold.here.tree), checkpoint.root);
  let sound = from;
  for (const known of [...earlier, ...seen].sort((a, b) => a.size - b.size)) {
    const at = sizes.indexOf(known.size);
    if (at < 0 && known.size !== size) continue;
    const root = at < 0 ? checkpoint.root : fold.roots[at];
    if (root !== undefined && sameBytes(root, known.root)) {
      sound = Math.max(sound, known.size);
    } else if (holds) {
      throw new Fault("fork", `the log forked: it signed two different histories of its first ${known.size} entries`);
    } else {
      throw rewritten(sound, Math.min(known.size, to), known.size);
    }
  }
  if (holds) return;
  if (sound < to) throw rewritten(sound, to, size);
  const message = `the entries are as signed at ${to}, but the hashes in proof.json do not lead from there ` +
    `to the checkpoint at ${size}`;
  throw new Fault("join", message);
}

/** Holds what was read against the CRCs and the manifest. */
function checkSums(opened, fold) {
  const { entries, payloads, manifest, from, to } = opened;
  if (fold.entriesCrc !== entries.crc) throw badCrc(entries.name);
  if (fold.payloads.crc !== payloads.crc) throw badCrc(payloads.name);
  const large = [
    largeFact(entries.name, to - from, entries.size),
    largeFact(payloads.name, fold.payloads.count, payloads.size),
  ];
  const wrong = large.find((fact) => !hasFact(manifest, fact));
  if (wrong) throw badFile("manifest.json", `what it says of ${wrong.name} is not so`);
}

function report(opened, options, signers, seen, fold) {
  const { from, to, checkpoint: { size, root } } = opened;
  const level = levelOf(signers);
  const kinds = KINDS.map((kind, at) => [kind, String(fold.kinds[at])]).filter(([, count]) => count !== "0");
  const compared = seen.filter((known) => (known.size > from && known.size <= to) || known.size === size);
  return {
    verdict: "good", level, meaning: LEVEL_MEANINGS[level], log: opened.origin,
    from: String(from), to: String(to), size: String(size), root: toHex(root),
    first_at: fold.firstAt, last_at: fold.here.before.at, kinds: Object.fromEntries(kinds),
    payloads: String(fold.payloads.count), withheld: String(to - from - fold.payloads.count),
    checkpoints: String(opened.earlier.length), seen_compared: String(compared.length),
    signed_by: signers.keys, witnessed_by: signers.witnesses,
    // What follows is for the page; the tool prints it to people only.
    page: {
      isReport: false, vkeys: opened.vkeys.map(({ vkey }) => vkey), seen: options.seen.length,
      notWitnessedBy: notCosigned(options, signers),
    },
  };
}
