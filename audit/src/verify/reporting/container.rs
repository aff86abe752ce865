//! A report bundle's container: as that of any bundle, but with members whose names it tells itself.

use std::io::{self, Read, Seek, SeekFrom};

use super::super::open::{compare, read_at};
use crate::entry::is_plain;
use crate::fault::{Fault, VerifyError};
use crate::report_bundle::{FIXED_MEMBERS, MAX_OUTPUTS, README, README_NAME, REPORT_NAME};
use crate::zip::{CENTRAL_BYTES, LOCAL_BYTES, Member, TRAILER_BYTES, directory};

/// The most bytes in a member's name.
const MAX_NAME: u64 = 255;

/// Whether a file is a report bundle, and no evidence bundle: it says so to people in its first line, or to
/// machines in its directory. Two places, so that damage to one doesn't hide it.
///
/// # Errors
/// When the file can't be read.
pub fn is_report_bundle<R: Read + Seek>(file: &mut R) -> io::Result<bool> {
    let first = README.split_inclusive('\n').next().unwrap_or(README).as_bytes();
    let at = LOCAL_BYTES + README_NAME.len() as u64;
    if file.seek(SeekFrom::End(0))? >= at + first.len() as u64
        && read_at(file, at, first.len() as u64)? == first
    {
        return Ok(true);
    }
    match read_container(file) {
        Ok(members) => Ok(members.get(1).is_some_and(|member| member.name == REPORT_NAME)),
        Err(VerifyError::Refused(_)) => Ok(false),
        Err(VerifyError::Read(error)) => Err(error),
    }
}

/// Reads the container (FORMAT.md §7.1): finds names, sizes and CRCs, derives every header from them and
/// compares.
pub(super) fn read_container<R: Read + Seek>(file: &mut R) -> Result<Vec<Member>, VerifyError> {
    let length = file.seek(SeekFrom::End(0))?;
    let trailer = length.checked_sub(TRAILER_BYTES).ok_or(Fault::Container { offset: length })?;
    let end = read_at(file, trailer, TRAILER_BYTES)?;
    let (count, bytes) = (number(&end, 24), number(&end, 40));
    let most = (FIXED_MEMBERS + MAX_OUTPUTS) as u64;
    let start = trailer.checked_sub(bytes);
    let Some(start) = start.filter(|_| count <= most && bytes <= most * (CENTRAL_BYTES + MAX_NAME)) else {
        return Err(Fault::Container { offset: trailer }.into());
    };
    let found = read_at(file, start, length - start)?;
    let mut members = Vec::new();
    let (mut header, mut offset) = (0, 0);
    for _ in 0..count {
        let here = Fault::Container { offset: start + header as u64 };
        let member = read_header(&found[header..], offset, length).ok_or(here)?;
        header += CENTRAL_BYTES as usize + member.name.len();
        offset = member.end();
        members.push(member);
    }
    if offset != start {
        return Err(Fault::Container { offset: offset.min(start) }.into());
    }
    let expected = directory(&members);
    compare(&found, &expected, start)?;
    if found.len() != expected.len() {
        return Err(Fault::Container { offset: start + found.len().min(expected.len()) as u64 }.into());
    }
    for member in &members {
        let expected = member.local_header();
        compare(&read_at(file, member.offset, expected.len() as u64)?, &expected, member.offset)?;
    }
    Ok(members)
}

/// A member by its central header; what else stands there is compared afterwards.
fn read_header(header: &[u8], offset: u64, length: u64) -> Option<Member> {
    let name = usize::from(u16::from_le_bytes(*header.get(28..)?.first_chunk()?));
    let crc = u32::from_le_bytes(*header.get(16..)?.first_chunk()?);
    let size = u64::from_le_bytes(*header.get(50 + name..)?.first_chunk()?);
    let text = header.get(46..46 + name).filter(|text| text.iter().all(|&byte| is_plain(byte)))?;
    let fits = name as u64 <= MAX_NAME && size <= length && offset <= length;
    let name = String::from_utf8(text.to_vec()).ok().filter(|_| fits)?;
    // A header is followed by others or by the trailer, so that the next one begins within what was read.
    header.get(CENTRAL_BYTES as usize + name.len()..)?;
    Some(Member { name: name.into(), size, crc, offset })
}

fn number(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
