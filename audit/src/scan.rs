//! The strict scanner under [`Entry::parse`](crate::Entry::parse) and the bundle's payload lines.

use crate::entry::{EntryError, Kind, MAX_ID_BYTES, MAX_ORIGIN_BYTES, Subject, is_plain};
use crate::hash::{Hash, from_hex_digits};
use crate::time;

/// A cursor over an entry's bytes. Each step either takes exactly what the format allows or fails with the
/// offset of the first byte that differs.
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.offset..]
    }

    fn fail<T>(&self, ahead: usize, expected: &'static str) -> Result<T, EntryError> {
        Err(EntryError::NotCanonical { offset: self.offset + ahead, expected })
    }

    /// Takes `text` if it stands here.
    pub(crate) fn take(&mut self, text: &'static str) -> bool {
        let found = self.rest().starts_with(text.as_bytes());
        if found {
            self.offset += text.len();
        }
        found
    }

    pub(crate) fn expect(&mut self, text: &'static str) -> Result<(), EntryError> {
        if self.take(text) {
            return Ok(());
        }
        let same = self.rest().iter().zip(text.as_bytes()).take_while(|(a, b)| a == b).count();
        self.fail(same, text)
    }

    /// 1 to `max` plain bytes, up to the closing quote, which stays.
    pub(crate) fn text(&mut self, max: usize) -> Result<&'a str, EntryError> {
        let rest = self.rest();
        let window = &rest[..rest.len().min(max + 1)];
        let length = plain_prefix(window);
        if length == 0 {
            return self.fail(0, "a character");
        }
        if length > max {
            return self.fail(max, "the end of a text that is too long");
        }
        let Some(text) = std::str::from_utf8(&rest[..length]).ok() else {
            return self.fail(0, "ASCII");
        };
        self.offset += length;
        Ok(text)
    }

    pub(crate) fn origin(&mut self) -> Result<&'a str, EntryError> {
        let start = self.offset;
        let origin = self.text(MAX_ORIGIN_BYTES)?;
        match origin.find('+') {
            Some(at) => {
                Err(EntryError::NotCanonical { offset: start + at, expected: "an origin without plus" })
            }
            None => Ok(origin),
        }
    }

    pub(crate) fn quoted(&mut self) -> Result<&'a str, EntryError> {
        self.expect("\"")?;
        let text = self.text(MAX_ID_BYTES)?;
        self.expect("\"")?;
        Ok(text)
    }

    pub(crate) fn subject(&mut self) -> Result<Subject<'a>, EntryError> {
        self.expect("{\"id\":\"")?;
        let id = self.text(MAX_ID_BYTES)?;
        self.expect("\",\"kind\":\"")?;
        let kind = self.text(MAX_ID_BYTES)?;
        self.expect("\"}")?;
        Ok(Subject { kind, id })
    }

    pub(crate) fn kind(&mut self) -> Result<Kind, EntryError> {
        let start = self.offset;
        let word = self.text(MAX_ID_BYTES)?;
        word.parse().map_err(|_| EntryError::NotCanonical { offset: start, expected: "a known kind" })
    }

    pub(crate) fn hash(&mut self) -> Result<Hash, EntryError> {
        const EXPECTED: &str = "64 lower-case hex digits";
        let rest = self.rest();
        match rest.first_chunk().and_then(from_hex_digits) {
            Some(hash) => {
                self.offset += 64;
                Ok(hash)
            }
            None => {
                let is_digit = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                self.fail(rest.iter().take_while(is_digit).count(), EXPECTED)
            }
        }
    }

    pub(crate) fn time(&mut self) -> Result<i64, EntryError> {
        match self.rest().first_chunk().and_then(time::read) {
            Some(at_us) => {
                self.offset += time::LENGTH;
                Ok(at_us)
            }
            None => self.fail(0, "a UTC time as 2026-01-31T12:00:00.000000Z"),
        }
    }

    /// A decimal number up to `max` without leading zeros.
    pub(crate) fn number(&mut self, max: u64) -> Result<u64, EntryError> {
        let rest = self.rest();
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match decimal(&rest[..length]).filter(|&value| value <= max) {
            Some(value) => {
                self.offset += length;
                Ok(value)
            }
            None => self.fail(0, "a decimal number without leading zeros"),
        }
    }
}

/// How many plain bytes `bytes` begin with. Whole chunks are tested without a branch a byte, which the
/// compiler turns into vector instructions.
fn plain_prefix(bytes: &[u8]) -> usize {
    let (chunks, _) = bytes.as_chunks::<16>();
    let all_plain = |chunk: &[u8; 16]| chunk.iter().fold(true, |plain, &byte| plain & is_plain(byte));
    let skipped = 16 * chunks.iter().take_while(|chunk| all_plain(chunk)).count();
    let rest = &bytes[skipped..];
    skipped + rest.iter().position(|&byte| !is_plain(byte)).unwrap_or(rest.len())
}

/// The value of a decimal number spelled without sign and leading zeros.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || (digits[0] == b'0' && digits.len() > 1) {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}
