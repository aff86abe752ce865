//! Cuts a large member into blocks of whole lines.

use std::io::{self, Read, Seek};

use super::open::read_at;
use crate::scan::decimal;
use crate::zip::Member;

/// Bytes read at a time; a block is larger only if a line is.
const BLOCK_BYTES: u64 = 1 << 20;

/// A place in a large member.
pub(super) struct Cursor {
    member: Member,
    at: u64,
    max_line: u64,
    /// The seq of the last line cut so far, as far as it can be told at a glance. Only used to keep entries
    /// and payloads in step.
    pub(super) seq: Option<u64>,
}

impl Cursor {
    pub(super) fn new(member: Member, at: u64, max_line: usize) -> Self {
        Self { member, at, max_line: max_line as u64, seq: None }
    }

    pub(super) fn is_done(&self) -> bool {
        self.at >= self.member.size
    }

    /// The next whole lines. A line without an end, at the member's end or beyond the longest allowed, is
    /// returned as it is.
    pub(super) fn next<R: Read + Seek>(&mut self, file: &mut R) -> io::Result<Option<Vec<u8>>> {
        let left = self.member.size.saturating_sub(self.at);
        if left == 0 {
            return Ok(None);
        }
        let mut length = BLOCK_BYTES.min(left);
        loop {
            let mut bytes = read_at(file, self.member.data() + self.at, length)?;
            let end = bytes.iter().rposition(|&byte| byte == b'\n').map(|at| at + 1);
            if end.is_none() && length < left && length <= self.max_line {
                length = (length * 4).min(left);
                continue;
            }
            bytes.truncate(end.unwrap_or(bytes.len()));
            self.at += bytes.len() as u64;
            self.seq = last_seq(&bytes).or(self.seq);
            return Ok(Some(bytes));
        }
    }
}

/// The number after the last `"seq":"` in the last line.
fn last_seq(bytes: &[u8]) -> Option<u64> {
    const KEY: &[u8] = b"\"seq\":\"";
    let start = bytes.windows(KEY.len()).rposition(|window| window == KEY)?;
    let rest = &bytes[start + KEY.len()..];
    decimal(&rest[..rest.iter().take_while(|byte| byte.is_ascii_digit()).count()])
}
