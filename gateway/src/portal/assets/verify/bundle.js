// Opens an evidence bundle: its container, byte for byte, and its small members (FORMAT.md section 7).

import { Fault, badFile, decimalSize, fromHex, toHex } from "./bytes.js";
import { readCanonicalFile } from "./json.js";
import { MAX_NOTES, checkReadme, readSmall, readVkeys } from "./members.js";
import { subtrees } from "./merkle.js";
import { readCheckpoint } from "./note.js";
import { sha256 } from "./sha256.js";
import { readContainer } from "./zip.js";

const BUNDLE_NAMES = [
  "README.txt", "entries.ndjson", "payloads.ndjson", "checkpoint", "checkpoints", "proof.json", "vkeys", "manifest.json",
];
/** SHA-256 of README.txt. */
const BUNDLE_README = "cf25edfa06757efc34482689767eb8bd1aeeddcc7cabbc9442e89391cb49a1a9";
const MANIFEST = {
  files: [{ lines: "text", name: "text", sha256: ["null", "text"], size: "text" }],
  from: "text", origin: "text", size: "text", to: "text", v: "text",
};
const PROOF = { left: ["text"], right: ["text"] };

/** What the manifest must say of a large member. */
export function largeFact(name, lines, size) {
  return { lines: String(lines), name, sha256: null, size: String(size) };
}

function smallFact({ name, bytes }) {
  const lines = bytes.reduce((sum, byte) => sum + (byte === 10 ? 1 : 0), 0);
  return { lines: String(lines), name, sha256: toHex(sha256(bytes)), size: String(bytes.length) };
}

/** Whether the manifest says just this of a member. */
export function hasFact(manifest, fact) {
  const same = (file) => Object.keys(fact).every((name) => file[name] === fact[name]);
  return manifest.files.some(same);
}

/** Reads and checks all but the entries and payloads. */
export async function openBundle(file, options) {
  const members = await readContainer(file, BUNDLE_NAMES);
  const [readmeMember, entries, payloads, ...rest] = members;
  const small = [];
  for (const member of [readmeMember, ...rest]) small.push(await readSmall(file, member));
  const [readme, note, earlier, proof, vkeysFile, manifestFile] = small;
  checkReadme(readme, BUNDLE_README, "bundle");
  const manifest = readCanonicalFile(manifestFile.name, manifestFile.text, MANIFEST);
  checkFacts(manifest, small.slice(0, -1));
  const { origin } = manifest;
  const vkeys = readVkeys(vkeysFile, origin);
  const keys = { own: [...vkeys, ...options.keys], witnesses: options.witnesses };
  const checkpoint = await readCheckpoint(note.text, "in the bundle", origin, keys);
  const { from, to } = readRange(manifest, checkpoint);
  const opened = { origin, from, to, checkpoint, note: note.text, vkeys, keys, entries, payloads, manifest };
  opened.earlier = await readEarlier(earlier, opened);
  const { left, right } = readCanonicalFile(proof.name, proof.text, PROOF);
  opened.left = readHashes(left, subtrees(0, from).length);
  opened.right = readHashes(right, subtrees(to, checkpoint.size).length);
  return opened;
}

function checkFacts(manifest, small) {
  const names = manifest.files.map((file) => file.name);
  const expected = BUNDLE_NAMES.slice(0, -1);
  if (manifest.v !== "veritrail/bundle@1" || names.join("\n") !== expected.join("\n")) {
    throw badFile("manifest.json", "it is of another version or names other files");
  }
  const wrong = small.find((member) => !hasFact(manifest, smallFact(member)));
  if (wrong) throw badFile("manifest.json", `what it says of ${wrong.name} is not so`);
}

function readRange(manifest, checkpoint) {
  const [from, to, size] = [manifest.from, manifest.to, manifest.size].map(decimalSize);
  if (from === null || to === null || size === null) {
    throw badFile("manifest.json", "from, to and size must be decimal numbers");
  }
  if (from >= to) throw badFile("manifest.json", "the range is empty");
  if (checkpoint.size < to) {
    const message = `the checkpoint is too old: it covers ${checkpoint.size} entries, the range goes on to entry ${to - 1}`;
    throw new Fault("old_checkpoint", message);
  }
  if (size !== checkpoint.size) throw badFile("manifest.json", "its size is not the checkpoint's");
  return { from, to };
}

/** The notes of `checkpoints`: a checkpoint's text has no blank line, so every second blank line ends a note. */
async function readEarlier({ name, text }, { from, to, checkpoint, origin, keys }) {
  const earlier = [];
  let after = from;
  for (let rest = text; rest !== "";) {
    const blank = rest.indexOf("\n\n");
    const signatures = blank < 0 ? rest.length : blank + 2;
    const second = rest.indexOf("\n\n", signatures);
    const end = second < 0 ? rest.length : second + 1;
    const what = `number ${earlier.length + 1} in checkpoints`;
    const found = await readCheckpoint(rest.slice(0, end), what, origin, keys);
    if (found.size <= after || found.size > to || found.size >= checkpoint.size || earlier.length === MAX_NOTES) {
      throw badFile(name, "a checkpoint is out of order or outside the range");
    }
    after = found.size;
    earlier.push(found);
    if (rest.slice(end) === "\n") throw badFile(name, "it ends with a blank line");
    rest = rest.slice(end + 1);
  }
  return earlier;
}

function readHashes(texts, count) {
  if (texts.length !== count) throw badFile("proof.json", "it has the wrong number of hashes");
  const hashes = texts.map(fromHex);
  if (hashes.includes(null)) throw badFile("proof.json", "a hash is malformed");
  return hashes;
}
