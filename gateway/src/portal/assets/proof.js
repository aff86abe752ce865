// Checks that a record is on the ledger, here in the browser: what the page says is compared with what it proves.

import { fromBase64, fromHex, sameBytes, toHex, utf8 } from "./verify/bytes.js";
import { checkInclusion, leafHash } from "./verify/merkle.js";
import { readCheckpoint, readVkey } from "./verify/note.js";
import { sha256, viewOf } from "./verify/sha256.js";

/** Null if the proof holds; else what does not. */
async function fault(record, proof, vkey) {
  const entry = JSON.parse(proof.entry);
  const commitment = toHex(sha256(utf8("veritrail/commit@1\n"), fromHex(proof.salt), utf8(record)));
  if (commitment !== entry.commitment) return "the entry commits to another record";
  const key = readVkey(vkey);
  let checkpoint;
  try {
    checkpoint = await readCheckpoint(proof.checkpoint, "of the proof", entry.log, { own: [key], witnesses: [] });
  } catch (error) {
    return error.message;
  }
  const bytes = utf8(proof.entry);
  const leaf = leafHash(bytes, viewOf(bytes), 0, bytes.length);
  return checkInclusion(leaf, Number(proof.seq), checkpoint.size, proof.path.map(fromHex), checkpoint.root);
}

async function check(section) {
  const verdict = section.querySelector(".verdict");
  const { record, proof, vkey } = section.dataset;
  let wrong;
  try {
    wrong = await fault(record, JSON.parse(proof), vkey);
  } catch (error) {
    wrong = error.message;
  }
  verdict.className = wrong === null ? "verdict badge good" : "verdict badge bad";
  verdict.textContent = wrong === null
    ? "✓ Checked in your browser: the record is on the ledger, unchanged"
    : `Not proven: ${wrong}`;
}

/** Checks every proof within a part of the page, once. */
export function checkProofs(root) {
  for (const section of root.querySelectorAll(".proof[data-proof]:not([data-checked])")) {
    section.dataset.checked = "";
    check(section);
  }
}
