//! Input that counts its lines and bytes, and hands out so many bytes and no more until it is allowed more.

use std::io::{BufRead, Error, Read, Result};

/// A `BufRead` that knows where it is.
#[derive(Debug)]
pub(super) struct Metered<R> {
    input: R,
    line: u64,
    offset: u64,
    allowance: usize,
    used_up: bool,
}

impl<R: BufRead> Metered<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: 1, offset: 0, allowance: 0, used_up: false }
    }

    /// Lets this many more bytes be read.
    pub(super) fn allow(&mut self, bytes: usize) {
        self.allowance = bytes;
    }

    /// The line that the next byte is on, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The bytes before the next one.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether more was asked for than was allowed.
    pub(super) fn is_used_up(&self) -> bool {
        self.used_up
    }
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        let there = self.input.fill_buf()?;
        if self.allowance == 0 && !there.is_empty() {
            self.used_up = true;
            return Err(Error::other("one piece of the document is too long"));
        }
        let end = there.len().min(self.allowance);
        Ok(&there[..end])
    }

    fn consume(&mut self, bytes: usize) {
        if let Ok(there) = self.input.fill_buf() {
            let taken = &there[..bytes.min(there.len())];
            self.line += taken.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        self.offset += bytes as u64;
        self.allowance = self.allowance.saturating_sub(bytes);
        self.input.consume(bytes);
    }
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let there = self.fill_buf()?;
        let bytes = there.len().min(into.len());
        into[..bytes].copy_from_slice(&there[..bytes]);
        self.consume(bytes);
        Ok(bytes)
    }
}
