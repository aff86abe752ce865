// The container: a zip with exactly one spelling (FORMAT.md sections 7.1 and 12.1). Sizes and CRCs are found in its
// directory; every header is derived from them again, and every byte compared.

import { Fault, Unread, isPlain, utf8 } from "./bytes.js";

const LOCAL_BYTES = 50;
const CENTRAL_BYTES = 74;
const TRAILER_BYTES = 98;
const MAX_NAME = 255;

/** The bytes of a file from `start` to `end`. */
export async function readFile(file, start, end) {
  try {
    return new Uint8Array(await file.slice(start, end).arrayBuffer());
  } catch (error) {
    throw new Unread(`cannot read the file: ${error.message}`);
  }
}

/** Where a member's bytes begin. */
export function dataStart(member) {
  return member.offset + LOCAL_BYTES + member.name.length;
}

function memberEnd(member) {
  return dataStart(member) + member.size;
}

/** Little-endian integers, by their widths: 2, 4 or 8 bytes. */
class Fields {
  constructor() {
    this.bytes = [];
  }

  put(width, ...values) {
    for (const value of values) {
      let left = BigInt(value);
      for (let i = 0; i < width; i++, left >>= 8n) this.bytes.push(Number(left & 255n));
    }
    return this;
  }

  text(text) {
    this.bytes.push(...utf8(text));
    return this;
  }
}

function localHeader({ name, size, crc }) {
  return new Fields().put(4, 0x04034b50).put(2, 45, 0, 0, 0, 33).put(4, crc, 0xffffffff, 0xffffffff)
    .put(2, name.length, 20).text(name).put(2, 1, 16).put(8, size, size).bytes;
}

function centralHeader({ name, size, crc, offset }) {
  return new Fields().put(4, 0x02014b50).put(2, 0x032d, 45, 0, 0, 0, 33).put(4, crc, 0xffffffff, 0xffffffff)
    .put(2, name.length, 28, 0, 0, 0).put(4, 0x81a40000, 0xffffffff).text(name).put(2, 1, 24)
    .put(8, size, size, offset).bytes;
}

function directory(members, start) {
  const headers = members.flatMap(centralHeader);
  const count = members.length;
  const trailer = new Fields().put(4, 0x06064b50).put(8, 44).put(2, 0x032d, 45).put(4, 0, 0)
    .put(8, count, count, headers.length, start).put(4, 0x07064b50, 0).put(8, start + headers.length).put(4, 1)
    .put(4, 0x06054b50).put(2, 0, 0, 0xffff, 0xffff).put(4, 0xffffffff, 0xffffffff).put(2, 0).bytes;
  return headers.concat(trailer);
}

function badContainer(offset) {
  return new Fault("container", `the file is not a bundle as the format has it: its headers differ at byte ${offset}`);
}

function compareHeaders(found, expected, start) {
  const length = Math.min(found.length, expected.length);
  for (let at = 0; at < length; at++) {
    if (found[at] !== expected[at]) throw badContainer(start + at);
  }
}

/** The member that a central header tells of; null if it tells of none within a file of this length. */
function readHeader(found, at, offset, length, named) {
  const view = new DataView(found.buffer, found.byteOffset, found.byteLength);
  if (at + CENTRAL_BYTES > found.length) return null;
  const nameLength = named === null ? view.getUint16(at + 28, true) : named.length;
  if (nameLength > MAX_NAME || at + CENTRAL_BYTES + nameLength > found.length) return null;
  const bytes = found.subarray(at + 46, at + 46 + nameLength);
  if (named === null && !bytes.every(isPlain)) return null;
  const size = view.getBigUint64(at + 50 + nameLength, true);
  if (size > BigInt(length) || (named === null && offset > length)) return null;
  return { name: named ?? String.fromCharCode(...bytes), size: Number(size), crc: view.getUint32(at + 16, true), offset };
}

/** Reads members from the directory, `found`, that begins at `start`, and checks all headers. */
async function readMembers(file, found, start, names) {
  const members = [];
  let header = 0;
  let offset = 0;
  for (const name of names) {
    const member = readHeader(found, header, offset, file.size, name);
    if (member === null) throw badContainer(start + header);
    header += CENTRAL_BYTES + member.name.length;
    offset = memberEnd(member);
    members.push(member);
  }
  if (offset !== start) throw badContainer(Math.min(offset, start));
  const expected = directory(members, start);
  compareHeaders(found, expected, start);
  if (found.length !== expected.length) throw badContainer(start + Math.min(found.length, expected.length));
  for (const member of members) {
    const expected = localHeader(member);
    compareHeaders(await readFile(file, member.offset, member.offset + expected.length), expected, member.offset);
  }
  return members;
}

/** The members of an evidence bundle, whose names are given. */
export async function readContainer(file, names) {
  const tail = names.reduce((sum, name) => sum + CENTRAL_BYTES + name.length, TRAILER_BYTES);
  const start = file.size - tail;
  if (start < 0) throw badContainer(file.size);
  return readMembers(file, await readFile(file, start, file.size), start, names);
}

/** The members of a container that tells their names itself, `most` of them at most. */
export async function readOpenContainer(file, most) {
  const trailer = file.size - TRAILER_BYTES;
  if (trailer < 0) throw badContainer(file.size);
  const end = await readFile(file, trailer, file.size);
  const view = new DataView(end.buffer);
  const [count, bytes] = [view.getBigUint64(24, true), view.getBigUint64(40, true)];
  const fits = bytes <= BigInt(trailer) && count <= BigInt(most) && bytes <= BigInt(most * (CENTRAL_BYTES + MAX_NAME));
  if (!fits) throw badContainer(trailer);
  const start = trailer - Number(bytes);
  const names = new Array(Number(count)).fill(null);
  return readMembers(file, await readFile(file, start, file.size), start, names);
}

/** Whether a text stands where the first member's bytes begin, when that member has this name. */
export async function beginsWith(file, name, text) {
  const start = LOCAL_BYTES + name.length;
  const bytes = utf8(text);
  const found = await readFile(file, start, start + bytes.length);
  return found.length === bytes.length && found.every((byte, at) => byte === bytes[at]);
}
