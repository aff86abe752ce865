// CRC-32 as zip has it (reflected, polynomial 0xedb88320), eight bytes a step.

const TABLES = new Int32Array(8 * 256);
for (let i = 0; i < 256; i++) {
  let value = i;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? value >>> 1 ^ 0xedb88320 : value >>> 1;
  TABLES[i] = value;
}
for (let i = 256; i < TABLES.length; i++) {
  const before = TABLES[i - 256];
  TABLES[i] = before >>> 8 ^ TABLES[before & 255];
}

/** The CRC of what `before` is the CRC of, followed by some bytes. */
export function crc32(bytes, before = 0, start = 0, end = bytes.length) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let crc = ~before;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const low = view.getInt32(at, true) ^ crc;
    const high = view.getInt32(at + 4, true);
    crc = TABLES[1792 + (low & 255)] ^ TABLES[1536 + (low >>> 8 & 255)] ^
      TABLES[1280 + (low >>> 16 & 255)] ^ TABLES[1024 + (low >>> 24)] ^
      TABLES[768 + (high & 255)] ^ TABLES[512 + (high >>> 8 & 255)] ^
      TABLES[256 + (high >>> 16 & 255)] ^ TABLES[high >>> 24];
  }
  for (; at < end; at++) crc = crc >>> 8 ^ TABLES[(crc ^ bytes[at]) & 255];
  return ~crc >>> 0;
}

/** The CRC of two stretches of bytes, one after the other, from the CRC of each and the length of the second. A CRC is
 * linear, so the first one's is carried over as many noughts as the second has bytes. */
export function crc32Join(first, second, secondLength) {
  let power = POWER_BYTE;
  let carried = first;
  for (let left = secondLength; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) carried = times(power, carried);
    power = times2(power);
  }
  return (carried ^ second) >>> 0;
}

/** What a nought byte makes of each single bit of a CRC: a matrix, a column for each bit. */
const POWER_BYTE = Int32Array.from({ length: 32 }, (_, bit) => {
  const value = 1 << bit;
  return value >>> 8 ^ TABLES[value & 255];
});

function times(matrix, value) {
  let sum = 0;
  for (let bit = 0; value !== 0; bit++, value >>>= 1) {
    if (value & 1) sum ^= matrix[bit];
  }
  return sum;
}

function times2(matrix) {
  return matrix.map((column) => times(matrix, column));
}
