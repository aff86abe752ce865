//! The lines of a report bundle's members, each in its one spelling.

use serde::{Deserialize, Serialize};

use crate::commit::{MAX_PAYLOAD_BYTES, Salt};
use crate::entry::Entry;
use crate::hash::{Hash, from_hex_digits};
use crate::scan::decimal;

/// The most hashes in an audit path.
const MAX_PATH: usize = 64;
/// The most decimals that a unit may have.
const MAX_DECIMALS: usize = 30;

/// A line of contributions.ndjson.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PartLine {
    /// In the figure's smallest unit.
    pub(crate) amount: i64,
    /// The figure's position.
    pub(crate) figure: u64,
    pub(crate) position: u64,
    pub(crate) seq: u64,
}

impl PartLine {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let Self { amount, figure, position, seq } = self;
        let line = format!(
            "{{\"amount\":\"{amount}\",\"figure\":\"{figure}\",\"position\":\"{position}\",\"seq\":\"{seq}\"}}\n"
        );
        out.extend_from_slice(line.as_bytes());
    }

    /// Reads a line without its end.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let rest = line.strip_prefix(b"{\"amount\":\"")?;
        let (amount, rest) = digits(rest, b"\",\"figure\":\"", signed)?;
        let (figure, rest) = digits(rest, b"\",\"position\":\"", decimal)?;
        let (position, rest) = digits(rest, b"\",\"seq\":\"", decimal)?;
        let (seq, rest) = digits(rest, b"\"}", decimal)?;
        rest.is_empty().then_some(Self { amount, figure, position, seq })
    }
}

/// The number that stands here before a text, and what follows that.
fn digits<'a, T>(bytes: &'a [u8], then: &[u8], read: fn(&[u8]) -> Option<T>) -> Option<(T, &'a [u8])> {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'-').count();
    let (number, rest) = bytes.split_at(length);
    Some((read(number)?, rest.strip_prefix(then)?))
}

/// A decimal number with a sign only where it is below nought.
fn signed(digits: &[u8]) -> Option<i64> {
    match digits.strip_prefix(b"-") {
        None => i64::try_from(decimal(digits)?).ok(),
        Some(digits) => {
            let size = decimal(digits).filter(|&size| size > 0)?;
            0_i64.checked_sub_unsigned(size)
        }
    }
}

/// A line of entries.ndjson: an entry with what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProvenLine<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) entry: Entry<'a>,
    pub(crate) path: Vec<Hash>,
    pub(crate) payload: &'a [u8],
    pub(crate) salt: Salt,
}

impl<'a> ProvenLine<'a> {
    pub(crate) fn write(entry: &[u8], path: &[Hash], payload: &[u8], salt: &Salt, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"entry\":");
        out.extend_from_slice(entry);
        out.extend_from_slice(b",\"path\":[");
        for (at, hash) in path.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"\"" } else { b",\"" });
            hash.write_hex(out);
            out.push(b'"');
        }
        out.extend_from_slice(b"],\"payload\":");
        out.extend_from_slice(payload);
        out.extend_from_slice(b",\"salt\":\"");
        Hash(*salt).write_hex(out);
        out.extend_from_slice(b"\"}\n");
    }

    /// Reads a line without its end: from the front up to the payload, and from the end back to it, so that
    /// whatever is between is the payload.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_prefix(b"{\"entry\":")?;
        let (entry, length) = Entry::parse_prefix(rest).ok()?;
        let (bytes, rest) = rest.split_at(length);
        let (path, rest) = parse_path(rest.strip_prefix(b",\"path\":[")?)?;
        let (rest, salt) =
            rest.strip_prefix(b",\"payload\":")?.strip_suffix(b"\"}")?.split_last_chunk::<64>()?;
        let payload = rest.strip_suffix(b",\"salt\":\"")?;
        let object =
            payload.starts_with(b"{") && payload.ends_with(b"}") && payload.len() <= MAX_PAYLOAD_BYTES;
        object.then_some(Self { bytes, entry, path, payload, salt: from_hex_digits(salt)?.0 })
    }
}

/// Hashes up to the closing bracket, and what follows it.
fn parse_path(mut rest: &[u8]) -> Option<(Vec<Hash>, &[u8])> {
    let mut path = Vec::new();
    if let Some(rest) = rest.strip_prefix(b"]") {
        return Some((path, rest));
    }
    loop {
        let (digits, after) = rest.strip_prefix(b"\"")?.split_first_chunk::<64>()?;
        path.push(from_hex_digits(digits)?);
        let after = after.strip_prefix(b"\"")?;
        match after.split_first()? {
            (b']', after) => return Some((path, after)),
            (b',', after) if path.len() < MAX_PATH => rest = after,
            _ => return None,
        }
    }
}

/// A line of figures.ndjson.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FigureLine {
    pub(crate) credit: String,
    pub(crate) debit: String,
    pub(crate) decimals: String,
    pub(crate) formula: String,
    pub(crate) inputs: Vec<Input>,
    pub(crate) name: String,
    pub(crate) parts: String,
    pub(crate) path: String,
    pub(crate) position: String,
    pub(crate) root: String,
    pub(crate) unit: String,
    pub(crate) value: String,
}

/// A figure as a term of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    pub(crate) factor: String,
    pub(crate) figure: String,
}

/// The number of the smallest unit that a decimal text says, in the one spelling that it has.
pub(crate) fn smallest_unit(text: &str, decimals: usize) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, part) = match decimals {
        0 => (digits, ""),
        _ => digits.split_once('.')?,
    };
    let leads = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || leads || part.len() != decimals || decimals > MAX_DECIMALS {
        return None;
    }
    let size = whole.bytes().chain(part.bytes()).try_fold(0_i128, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| i128::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })?;
    match (negative, size) {
        (true, 0) => None,
        (true, size) => Some(-size),
        (false, size) => Some(size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contribution_has_one_spelling() {
        for part in [
            PartLine { amount: i64::MIN, figure: 0, position: 0, seq: 1 },
            PartLine { amount: 0, figure: 7, position: 9, seq: u64::MAX },
            PartLine { amount: i64::MAX, figure: 7, position: 9, seq: 12 },
        ] {
            let mut line = Vec::new();
            part.write(&mut line);
            assert_eq!(PartLine::parse(line.strip_suffix(b"\n").unwrap()), Some(part));
        }
        for amount in ["-0", "+1", "01", "", "-", "1-", "9223372036854775808"] {
            let line =
                format!("{{\"amount\":\"{amount}\",\"figure\":\"0\",\"position\":\"0\",\"seq\":\"1\"}}");
            assert_eq!(PartLine::parse(line.as_bytes()), None, "{amount}");
        }
    }

    #[test]
    fn a_value_has_one_spelling() {
        for (text, decimals, value) in
            [("0", 0, 0), ("-12.30", 2, -1230), ("0.05", 2, 5), ("1000", 0, 1000), ("7.5000", 4, 75_000)]
        {
            assert_eq!(smallest_unit(text, decimals), Some(value), "{text}");
        }
        for (text, decimals) in [
            ("-0.00", 2),
            ("1", 2),
            ("1.0", 2),
            ("01.00", 2),
            ("1.00", 0),
            (".50", 2),
            ("1e2", 0),
            ("", 0),
            ("--1", 0),
            ("99999999999999999999999999999999999999999", 0),
        ] {
            assert_eq!(smallest_unit(text, decimals), None, "{text}");
        }
    }
}
