// Keys, signed notes and checkpoints (FORMAT.md section 5).

import {
  Fault, Unread, decimalSize, fromBase64, isPlainText, sameBytes, toBase64, toHex, utf8,
} from "./bytes.js";
import { isOfSmallOrder, isPoint } from "./point.js";
import { sha256 } from "./sha256.js";

export const LOG_KEY = 1;
const WITNESS_KEY = 4;
const MAX_NOTE_BYTES = 65536;
const MAX_SIGNATURES = 64;
const MAX_ORIGIN_BYTES = 255;
const MAX_TIME_S = (1n << 63n) - 1n;

/** A key that is none. */
export class KeyError extends Error {}

function isName(name) {
  // What Unicode calls a space is one; "\s" has no U+0085 and has U+FEFF.
  return name !== "" && !/[\p{White_Space}\p{Cc}+]/u.test(name);
}

/** Reads a vkey. */
export function readVkey(text) {
  const spelling = "not a verifier key: expected name+keyid+base64";
  const [, name, id, key] = /^([^+]*)\+([^+]*)\+(.*)$/s.exec(text) ?? [];
  const bytes = key === undefined ? null : fromBase64(key);
  if (bytes === null) throw new KeyError(spelling);
  const [kind, point] = [bytes[0], bytes.subarray(1)];
  if ((kind !== LOG_KEY && kind !== WITNESS_KEY) || point.length !== 32 || !isPoint(point)) {
    throw new KeyError("not an Ed25519 key of type 0x01 or 0x04");
  }
  if (!isName(name)) throw new KeyError("a key's name must not be empty and has no space and no plus sign");
  const right = toHex(sha256(utf8(`${name}\n`), bytes).subarray(0, 4));
  if (id !== right) throw new KeyError("the verifier key's id does not belong to it");
  return { name, id, kind, point, vkey: `${name}+${id}+${toBase64(bytes)}` };
}

/** A note that is none, or is not signed as it must be. */
class NoteError extends Error {}

function badNote(why) {
  return new NoteError(`not a signed note: ${why}`);
}

/** Takes a note apart; nothing is verified. */
function readNote(note) {
  if (utf8(note).length > MAX_NOTE_BYTES) throw badNote("too long");
  if (/[\x00-\x09\x0b-\x1f]/.test(note)) throw badNote("it has a control character");
  const blank = note.lastIndexOf("\n\n");
  if (blank < 0) throw badNote("it has no blank line before the signatures");
  if (blank + 2 > note.length - 1 || !note.endsWith("\n")) throw badNote("it does not end with a signature line");
  const lines = note.slice(blank + 2, -1).split("\n").map(readSignature);
  if (lines.includes(null)) throw badNote("a signature line is malformed");
  if (lines.length > MAX_SIGNATURES) throw badNote("too many signatures");
  return { text: note.slice(0, blank + 1), lines };
}

function readSignature(line) {
  const [, name, encoded] = /^\u2014 ([^ ]*) (.*)$/s.exec(line) ?? [];
  const bytes = encoded === undefined || !isName(name) ? null : fromBase64(encoded);
  if (bytes === null || bytes.length < 5) return null;
  return { name, id: toHex(bytes.subarray(0, 4)), signature: bytes.subarray(4) };
}

async function isSigned(point, message, signature) {
  if (signature.length !== 64 || isOfSmallOrder(point) || isOfSmallOrder(signature.subarray(0, 32))) return false;
  try {
    const key = await crypto.subtle.importKey("raw", point, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, key, signature, message);
  } catch (error) {
    throw new Unread(`this browser cannot check Ed25519 signatures: ${error.message}`);
  }
}

/** Whether a key's signature is good: {timeS}, where a cosignature has a time; else null. */
async function checkSignature(key, text, signature) {
  if (key.kind === LOG_KEY) return await isSigned(key.point, utf8(text), signature) ? { timeS: null } : null;
  if (signature.length < 8) return null;
  const timeS = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
  const message = utf8(`cosignature/v1\ntime ${timeS}\n${text}`);
  return timeS <= MAX_TIME_S && await isSigned(key.point, message, signature.subarray(8)) ? { timeS } : null;
}

/** Which of `keys` signed, in the order of the lines; a bad signature by one of them is refused. */
async function signedBy(note, keys) {
  const signed = [];
  for (const { name, id, signature } of note.lines) {
    for (const key of keys.filter((key) => key.name === name && key.id === id)) {
      const good = await checkSignature(key, note.text, signature);
      if (good === null) throw new NoteError(`the signature by ${name} does not verify`);
      signed.push({ key, timeS: good.timeS });
    }
  }
  return signed;
}

function isOrigin(text) {
  return text !== "" && utf8(text).length <= MAX_ORIGIN_BYTES && isPlainText(text) && !text.includes("+");
}

function readBody(text) {
  const lines = text.split("\n");
  if (lines.length !== 4 || lines[3] !== "") throw badNote("a checkpoint's text has three lines");
  const [origin, sizeText, rootText] = lines;
  if (!isOrigin(origin)) throw badNote("the first line is no origin");
  const size = decimalSize(sizeText);
  if (size === null) throw badNote("the second line is no size");
  const root = fromBase64(rootText);
  if (root === null || root.length !== 32) throw badNote("the third line is no root");
  if (size === 0 && !sameBytes(root, sha256())) throw badNote("an empty log has the empty tree's root");
  return { origin, size, root };
}

function faultyCheckpoint(what, error) {
  if (!(error instanceof NoteError)) return error;
  return new Fault("checkpoint", `the checkpoint ${what}: ${error.message}`);
}

/** Reads a checkpoint that must be this log's and signed by one of its own keys, `keys.own`, with no bad signature by
 * any key that is known. */
export async function readCheckpoint(text, what, origin, keys) {
  try {
    const note = readNote(text);
    const checkpoint = readBody(note.text);
    if (checkpoint.origin !== origin) throw badNote("it is another log's");
    if ((await signedBy(note, keys.own)).length === 0) throw new NoteError("not signed by a known key");
    await signedBy(note, keys.witnesses);
    return checkpoint;
  } catch (error) {
    throw faultyCheckpoint(what, error);
  }
}

/** Who signed the bundle's checkpoint, of the keys from outside. If keys of the log were given and none signed, the
 * bundle is refused. */
export async function readSigners(text, origin, options) {
  try {
    const note = readNote(text);
    const own = options.keys.filter((key) => key.name === origin && key.kind === LOG_KEY);
    const signed = await signedBy(note, own);
    if (signed.length === 0 && options.keys.length > 0) {
      const names = options.keys.map((key) => key.name).join(", ");
      throw new Fault("not_signed", `the checkpoint is not signed by the key you gave (${names})`);
    }
    const vkeys = signed.map(({ key }) => key.vkey);
    const witnesses = (await signedBy(note, options.witnesses)).filter(({ timeS }) => timeS !== null);
    return {
      keys: vkeys.filter((vkey, at) => vkey !== vkeys[at - 1]),
      witnesses: witnesses.map(({ key, timeS }) => ({ name: key.name, time_s: String(timeS) })),
    };
  } catch (error) {
    throw faultyCheckpoint("in the bundle", error);
  }
}
