//! Members read from their beginning to their end, with their CRCs.

use std::io::{self, Read, Seek};

use sha2::{Digest as _, Sha256};

use super::super::blocks::Cursor;
use super::super::open::read_at;
use crate::fault::Fault;
use crate::hash::Hash;
use crate::zip::Member;

/// Bytes read at a time.
const BLOCK_BYTES: u64 = 1 << 18;

/// What tells how far it has come.
pub(super) struct Meter<'a> {
    pub(super) done: u64,
    pub(super) total: u64,
    pub(super) progress: super::super::Progress<'a>,
}

impl Meter<'_> {
    pub(super) fn add(&mut self, bytes: u64) {
        self.done += bytes;
        (self.progress)(self.done, self.total);
    }
}

/// A member's SHA-256; its CRC must be right.
pub(super) fn hash<R: Read + Seek>(
    file: &mut R,
    member: &Member,
    meter: &mut Meter<'_>,
) -> io::Result<(Hash, bool)> {
    let (mut sha256, mut crc, mut at) = (Sha256::new(), crc32fast::Hasher::new(), 0);
    while at < member.size {
        let bytes = read_at(file, member.data() + at, BLOCK_BYTES.min(member.size - at))?;
        sha256.update(&bytes);
        crc.update(&bytes);
        at += bytes.len() as u64;
        meter.add(bytes.len() as u64);
    }
    Ok((Hash(sha256.finalize().into()), crc.finalize() == member.crc))
}

/// A member's lines, one after the other.
pub(super) struct Lines {
    name: &'static str,
    expected_crc: u32,
    crc: crc32fast::Hasher,
    sha256: Option<Sha256>,
    cursor: Cursor,
    block: Vec<u8>,
    at: usize,
    /// Lines that were handed out.
    pub(super) count: u64,
}

impl Lines {
    pub(super) fn new(name: &'static str, member: &Member, max_line: usize) -> Self {
        Self {
            name,
            expected_crc: member.crc,
            crc: crc32fast::Hasher::new(),
            sha256: None,
            cursor: Cursor::new(member.clone(), 0, max_line),
            block: Vec::new(),
            at: 0,
            count: 0,
        }
    }

    /// The same, hashing what is read.
    pub(super) fn hashed(mut self) -> Self {
        self.sha256 = Some(Sha256::new());
        self
    }

    /// The next line without its end; one whose end is missing has a byte too many, so that it can't pass.
    pub(super) fn next<R: Read + Seek>(
        &mut self,
        file: &mut R,
        meter: &mut Meter<'_>,
    ) -> io::Result<Option<Vec<u8>>> {
        if self.at >= self.block.len() && !self.fill(file, meter)? {
            return Ok(None);
        }
        self.count += 1;
        let rest = &self.block[self.at..];
        match rest.iter().position(|&byte| byte == b'\n') {
            Some(length) => {
                self.at += length + 1;
                Ok(Some(rest[..length].to_vec()))
            }
            None => {
                self.at = self.block.len();
                Ok(Some([rest, b"\0"].concat()))
            }
        }
    }

    fn fill<R: Read + Seek>(&mut self, file: &mut R, meter: &mut Meter<'_>) -> io::Result<bool> {
        let Some(block) = self.cursor.next(file)? else { return Ok(false) };
        self.crc.update(&block);
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(&block);
        }
        meter.add(block.len() as u64);
        (self.block, self.at) = (block, 0);
        Ok(true)
    }

    /// Reads what is left; the hash of all of it.
    pub(super) fn rest<R: Read + Seek>(
        &mut self,
        file: &mut R,
        meter: &mut Meter<'_>,
    ) -> io::Result<Option<Hash>> {
        while self.fill(file, meter)? {}
        Ok(self.sha256.clone().map(|sha256| Hash(sha256.finalize().into())))
    }

    /// Whether the CRC of what was read is the one that the header states.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.crc.clone().finalize() == self.expected_crc {
            Ok(())
        } else {
            Err(Fault::Crc { file: self.name })
        }
    }
}
