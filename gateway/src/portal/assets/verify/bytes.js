// Bytes and texts: what the other modules read with. Numbers are exact: a count above 2^53 - 1 is a BigInt.

/** The first thing that is wrong with a bundle: a stable name, the entry to blame if it is one, a message. */
export class Fault extends Error {
  constructor(code, message, seq = null) {
    super(message);
    Object.assign(this, { code, seq });
  }
}

/** Nothing can be said of the bundle, for a reason that lies outside it. */
export class Unread extends Error {}

/** A member's content is malformed or doesn't fit the others. */
export function badFile(file, why) {
  return new Fault("file", `${file}: ${why}`);
}

const ENCODER = new TextEncoder();
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A text's UTF-8. */
export function utf8(text) {
  return ENCODER.encode(text);
}

/** The text of UTF-8; null if it is none. */
export function textOf(bytes) {
  try {
    return STRICT.decode(bytes);
  } catch {
    return null;
  }
}

export function sameBytes(a, b) {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** Whether the same 32 bytes stand in `a` at `at` and in `b` at `from`. */
export function sameHash(a, b, at = 0, from = 0) {
  for (let i = 0; i < 32; i++) {
    if (a[at + i] !== b[from + i]) return false;
  }
  return true;
}

/** Whether `text`, as bytes, stands in `bytes` at `at`. */
export function standsAt(bytes, at, text) {
  if (at < 0 || at + text.length > bytes.length) return false;
  for (let i = 0; i < text.length; i++) {
    if (bytes[at + i] !== text[i]) return false;
  }
  return true;
}

/** ASCII 0x21 to 0x7E without quote and backslash. */
export function isPlain(byte) {
  return byte >= 0x21 && byte <= 0x7e && byte !== 0x22 && byte !== 0x5c;
}

export function isPlainText(text) {
  return utf8(text).every(isPlain);
}

const HEX_VALUES = new Uint8Array(256).fill(0xff);
for (let i = 0; i < 16; i++) HEX_VALUES["0123456789abcdef".charCodeAt(i)] = i;

/** Reads 64 lower-case hex digits at `at` into 32 bytes of `out`; false if they are none. */
export function readHex(bytes, at, out, start) {
  if (at + 64 > bytes.length) return false;
  let seen = 0;
  for (let i = 0; i < 32; i++) {
    const high = HEX_VALUES[bytes[at + 2 * i]];
    const low = HEX_VALUES[bytes[at + 2 * i + 1]];
    seen |= high | low;
    out[start + i] = high << 4 | low & 15;
  }
  return seen < 16;
}

/** How many hex digits stand from `at` on. */
export function countHex(bytes, at) {
  let end = at;
  while (end < bytes.length && HEX_VALUES[bytes[end]] < 16) end++;
  return end - at;
}

export function fromHex(text) {
  const out = new Uint8Array(32);
  const bytes = utf8(text);
  return bytes.length === 64 && readHex(bytes, 0, out, 0) ? out : null;
}

export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Base64 with padding and no other bits (RFC 4648 section 4); null for any other spelling. */
export function fromBase64(text) {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return null;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return toBase64(bytes) === text ? bytes : null;
}

export function toBase64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

const U64_MAX = (1n << 64n) - 1n;

/** A decimal number of 64 bits without sign and leading zeros; null if it is none. */
export function decimal(text) {
  if (!/^(0|[1-9][0-9]{0,19})$/.test(text)) return null;
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  const exact = BigInt(text);
  return exact <= U64_MAX ? exact : null;
}

/** The most entries that a log can have. */
export const MAX_LOG_SIZE = (1n << 63n) - 1n;

/** A decimal that a log's size may be. Beyond 2^53 - 1 this program does not count, and says so. */
export function decimalSize(text) {
  const size = decimal(text);
  if (size === null || size > MAX_LOG_SIZE) return null;
  if (typeof size === "bigint") {
    throw new Unread("the bundle counts beyond 9007199254740991: check it with veritrail-verify");
  }
  return size;
}

/** The number of ASCII digits from `start` to `end`; they are digits and spell it rightly, or it is null. */
export function decimalAt(bytes, start, end) {
  const length = end - start;
  if (length < 1 || length > 20 || (length > 1 && bytes[start] === 0x30)) return null;
  if (length > 15) return decimal(String.fromCharCode(...bytes.subarray(start, end)));
  let value = 0;
  for (let at = start; at < end; at++) value = value * 10 + bytes[at] - 0x30;
  return value;
}

/** Where digits from `at` on end. */
export function digitsEnd(bytes, at) {
  while (at < bytes.length && bytes[at] >= 0x30 && bytes[at] <= 0x39) at++;
  return at;
}

/** A whole number's successor. */
export function next(number) {
  return typeof number === "bigint" || number >= Number.MAX_SAFE_INTEGER ? BigInt(number) + 1n : number + 1;
}
