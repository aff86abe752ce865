// Small members that both kinds of bundle have.

import { Fault, badFile, textOf, toHex } from "./bytes.js";
import { crc32 } from "./crc32.js";
import { KeyError, LOG_KEY, readVkey } from "./note.js";
import { sha256 } from "./sha256.js";
import { dataStart, readFile } from "./zip.js";

const MAX_SMALL_BYTES = 16 * 1024 * 1024;
export const MAX_NOTES = 10000;

export function badCrc(file) {
  return new Fault("crc", `${file} was altered: its CRC-32 does not match`);
}

/** Reads a small member: its text, and the bytes of it. */
export async function readSmall(file, member) {
  const { name, size } = member;
  if (size > MAX_SMALL_BYTES) throw badFile(name, "it is too long");
  const start = dataStart(member);
  const bytes = await readFile(file, start, start + size);
  if (crc32(bytes) !== member.crc) throw badCrc(name);
  const text = textOf(bytes);
  if (text === null) throw badFile(name, "it is not UTF-8");
  return { name, text, bytes };
}

/** Checks the text that every bundle of a kind has, by its hash. */
export function checkReadme({ name, bytes }, hash, kind) {
  if (toHex(sha256(bytes)) !== hash) throw badFile(name, `it is not the text that every ${kind} has`);
}

/** Reads the member `vkeys`. */
export function readVkeys({ name, text }, origin) {
  const lines = text.slice(0, -1).split("\n");
  if (!text.endsWith("\n") || lines.length > MAX_NOTES) throw badFile(name, "it is not a list of keys, one a line");
  return lines.map((line) => {
    try {
      const key = readVkey(line);
      if (key.name === origin && key.kind === LOG_KEY) return key;
    } catch (error) {
      throw error instanceof KeyError ? badFile(name, error.message) : error;
    }
    throw badFile(name, "a key is not this log's");
  });
}
