// Members read from their beginning to their end, with their CRCs.

import { Cursor, Lines } from "./blocks.js";
import { crc32 } from "./crc32.js";
import { badCrc } from "./members.js";
import { Sha256 } from "./sha256.js";
import { dataStart, readFile } from "./zip.js";

const STREAM_BYTES = 1 << 18;

/** A member's SHA-256, and whether its CRC is right. */
export async function hashMember(file, member, meter) {
  const [hash, start] = [new Sha256(), dataStart(member)];
  let crc = 0;
  for (let at = 0; at < member.size;) {
    const bytes = await readFile(file, start + at, start + Math.min(at + STREAM_BYTES, member.size));
    hash.update(bytes);
    crc = crc32(bytes, crc);
    at += bytes.length;
    meter.add(bytes.length);
  }
  return { hash: hash.finish(), whole: crc === member.crc };
}

/** A member's lines, hashing what is read. */
export class MemberLines extends Lines {
  constructor(file, member, maxLine, meter) {
    const [hash, sums] = [new Sha256(), { crc: 0 }];
    super(new Cursor(file, member, maxLine), (block) => {
      sums.crc = crc32(block, sums.crc);
      hash.update(block);
      meter.add(block.length);
    });
    Object.assign(this, { member, hash, sums });
  }

  /** Reads what is left; the hash of all of it. */
  async rest() {
    while (await this.fill());
    return this.hash.finish();
  }

  checkCrc() {
    if (this.sums.crc !== this.member.crc) throw badCrc(this.member.name);
  }
}
