//! The bundle's container: a zip with exactly one spelling (FORMAT.md §7).
//!
//! Members are stored, never compressed, so that a large one is read in place and verified at hashing
//! speed. Every header follows from the members' names, sizes, CRCs and order; there is no field that a
//! writer may choose, hence none that could hide something. Sizes and offsets are always in zip64 fields.

use std::borrow::Cow;
use std::io::{self, Seek, SeekFrom, Write};

/// A member of the zip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: Cow<'static, str>,
    pub(crate) size: u64,
    pub(crate) crc: u32,
    /// Where its local header begins.
    pub(crate) offset: u64,
}

/// Bytes of a local header besides the name.
pub(crate) const LOCAL_BYTES: u64 = 30 + 20;
/// Bytes of a central header besides the name.
pub(crate) const CENTRAL_BYTES: u64 = 46 + 28;
/// Bytes of the three records at the end.
pub(crate) const TRAILER_BYTES: u64 = 56 + 20 + 22;

/// Zip 4.5, which brought zip64.
const VERSION: u16 = 45;
/// Made on Unix, so that the mode below is heeded.
const MADE_BY: u16 = 3 << 8 | VERSION;
/// A plain file, rw-r--r--.
const ATTRIBUTES: u32 = 0o100_644 << 16;
/// 1980-01-01, the earliest date; the time is midnight.
const DATE: u16 = 1 << 5 | 1;

struct Fields(Vec<u8>);

impl Fields {
    fn u16(mut self, values: &[u16]) -> Self {
        values.iter().for_each(|value| self.0.extend_from_slice(&value.to_le_bytes()));
        self
    }

    fn u32(mut self, values: &[u32]) -> Self {
        values.iter().for_each(|value| self.0.extend_from_slice(&value.to_le_bytes()));
        self
    }

    fn u64(mut self, values: &[u64]) -> Self {
        values.iter().for_each(|value| self.0.extend_from_slice(&value.to_le_bytes()));
        self
    }

    fn name(mut self, name: &str) -> Self {
        self.0.extend_from_slice(name.as_bytes());
        self
    }
}

impl Member {
    /// Where its data begins.
    pub(crate) fn data(&self) -> u64 {
        self.offset + LOCAL_BYTES + self.name.len() as u64
    }

    /// Where the next member's local header begins.
    pub(crate) fn end(&self) -> u64 {
        self.data() + self.size
    }

    fn name_length(&self) -> u16 {
        self.name.len() as u16
    }

    /// The local header (APPNOTE 4.3.7), with the zip64 extra field (4.5.3).
    pub(crate) fn local_header(&self) -> Vec<u8> {
        Fields(Vec::new())
            .u32(&[0x0403_4b50])
            .u16(&[VERSION, 0, 0, 0, DATE])
            .u32(&[self.crc, u32::MAX, u32::MAX])
            .u16(&[self.name_length(), 20])
            .name(&self.name)
            .u16(&[1, 16])
            .u64(&[self.size, self.size])
            .0
    }

    /// The central header (APPNOTE 4.3.12).
    pub(crate) fn central_header(&self) -> Vec<u8> {
        Fields(Vec::new())
            .u32(&[0x0201_4b50])
            .u16(&[MADE_BY, VERSION, 0, 0, 0, DATE])
            .u32(&[self.crc, u32::MAX, u32::MAX])
            .u16(&[self.name_length(), 28, 0, 0, 0])
            .u32(&[ATTRIBUTES, u32::MAX])
            .name(&self.name)
            .u16(&[1, 24])
            .u64(&[self.size, self.size, self.offset])
            .0
    }
}

/// Everything after the last member: the central directory and its three end records
/// (APPNOTE 4.3.12, 4.3.14–16).
pub(crate) fn directory(members: &[Member]) -> Vec<u8> {
    let start = members.last().map_or(0, Member::end);
    let headers: Vec<u8> = members.iter().flat_map(Member::central_header).collect();
    let (count, length) = (members.len() as u64, headers.len() as u64);
    Fields(headers)
        .u32(&[0x0606_4b50])
        .u64(&[44])
        .u16(&[MADE_BY, VERSION])
        .u32(&[0, 0])
        .u64(&[count, count, length, start])
        .u32(&[0x0706_4b50, 0])
        .u64(&[start + length])
        .u32(&[1])
        .u32(&[0x0605_4b50])
        .u16(&[0, 0, u16::MAX, u16::MAX])
        .u32(&[u32::MAX, u32::MAX])
        .u16(&[0])
        .0
}

/// A zip of these members, in this order and in the spelling of a bundle: the same names and contents make the
/// same bytes whenever they are put together. Names have 65,535 bytes at most.
#[must_use]
pub fn stored_zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut done: Vec<Member> = Vec::with_capacity(members.len());
    for &(name, content) in members {
        let offset = done.last().map_or(0, Member::end);
        let member = Member {
            name: name.to_owned().into(),
            size: content.len() as u64,
            crc: crc32fast::hash(content),
            offset,
        };
        out.extend(member.local_header());
        out.extend_from_slice(content);
        done.push(member);
    }
    out.extend(directory(&done));
    out
}

/// Writes such a zip, member after member, to a fresh file.
pub(crate) struct ZipWriter<W> {
    out: W,
    buffer: Vec<u8>,
    crc: crc32fast::Hasher,
    open: Option<Member>,
    done: Vec<Member>,
}

/// Bytes gathered before a write.
const BUFFER_BYTES: usize = 128 << 10;

impl<W: Write + Seek> ZipWriter<W> {
    pub(crate) fn new(out: W) -> Self {
        let (buffer, crc) = (Vec::with_capacity(BUFFER_BYTES), crc32fast::Hasher::new());
        Self { out, buffer, crc, open: None, done: Vec::new() }
    }

    /// Begins a member; its header is written again, with size and CRC, when it is closed.
    pub(crate) fn open(&mut self, name: impl Into<Cow<'static, str>>) -> io::Result<()> {
        self.close()?;
        let offset = self.done.last().map_or(0, Member::end);
        let member = Member { name: name.into(), size: 0, crc: 0, offset };
        self.out.write_all(&member.local_header())?;
        self.crc = crc32fast::Hasher::new();
        self.open = Some(member);
        Ok(())
    }

    /// Appends to the open member.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(member) = &mut self.open {
            member.size += bytes.len() as u64;
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() < BUFFER_BYTES { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.crc.update(&self.buffer);
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        self.flush()?;
        let Some(mut member) = self.open.take() else { return Ok(()) };
        member.crc = self.crc.clone().finalize();
        self.out.seek(SeekFrom::Start(member.offset))?;
        self.out.write_all(&member.local_header())?;
        self.out.seek(SeekFrom::Start(member.end()))?;
        self.done.push(member);
        Ok(())
    }

    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.close()?;
        self.out.write_all(&directory(&self.done))?;
        self.out.flush()?;
        Ok(self.out)
    }
}
