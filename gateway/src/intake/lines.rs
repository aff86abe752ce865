//! Lines of bounded length out of unbounded input.

use std::io::{BufRead, ErrorKind};

use crate::domain::Finding;

/// How long a line may be in bytes, its line break not counted.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// A line of text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// Counted from 1.
    pub(super) number: u64,
    /// The bytes before it.
    pub(super) offset: u64,
    /// Without its line break.
    pub(super) text: &'a str,
    /// Whether a line break followed: without one, the line may have been cut.
    pub(super) terminated: bool,
}

/// Splits input into lines at `\n` or `\r\n`, holding one at a time. A byte order mark at the start is dropped.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
    /// Where the line at hand begins, and where the next one does.
    offset: u64,
    next_offset: u64,
    failed: bool,
}

/// What was found of a line before it was looked at.
struct Extent {
    bytes: usize,
    terminated: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), number: 0, offset: 0, next_offset: 0, failed: false }
    }

    /// The next line that is not blank, a finding about one that cannot be read, or none at the end.
    pub(super) fn next_filled(&mut self) -> Option<Result<Line<'_>, Finding>> {
        loop {
            let extent = match self.fill()? {
                Ok(extent) => extent,
                Err(finding) => return Some(Err(finding)),
            };
            if extent.bytes > MAX_LINE_BYTES || !self.buffer.trim_ascii().is_empty() {
                return Some(self.look(&extent));
            }
        }
    }

    /// Moves the next line into the buffer, but no more of it than a line may have.
    fn fill(&mut self) -> Option<Result<Extent, Finding>> {
        if self.failed {
            return None;
        }
        self.buffer.clear();
        self.offset = self.next_offset;
        let mut extent = Extent { bytes: 0, terminated: false };
        while !extent.terminated {
            let chunk = match self.input.fill_buf() {
                Ok([]) if extent.bytes == 0 => return None,
                Ok([]) => break,
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.failed = true;
                    let detail = format!("the input failed: {error}");
                    return Some(Err(Finding::on_line(self.number + 1, Finding::READ_FAILED, detail)));
                }
            };
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(chunk.len());
            // One byte more than allowed, for the carriage return of a line of the greatest length.
            let room = MAX_LINE_BYTES + 1 - self.buffer.len();
            self.buffer.extend_from_slice(&chunk[..taken.min(room)]);
            extent.bytes += taken;
            extent.terminated = end.is_some();
            let used = taken + usize::from(extent.terminated);
            self.next_offset += used as u64;
            self.input.consume(used);
        }
        self.number += 1;
        if extent.terminated && extent.bytes <= MAX_LINE_BYTES + 1 && self.buffer.ends_with(b"\r") {
            self.buffer.pop();
            extent.bytes -= 1;
        }
        if self.number == 1 && self.buffer.starts_with(b"\xef\xbb\xbf") {
            self.buffer.drain(..3);
        }
        Some(Ok(extent))
    }

    /// The buffer as a line, if it is one.
    fn look(&self, extent: &Extent) -> Result<Line<'_>, Finding> {
        let Self { number, offset, .. } = *self;
        if extent.bytes > MAX_LINE_BYTES {
            let detail =
                format!("the line has {} bytes, where at most {MAX_LINE_BYTES} are taken", extent.bytes);
            return Err(Finding::on_line(number, "line_too_long", detail));
        }
        match std::str::from_utf8(&self.buffer) {
            Ok(text) => Ok(Line { number, offset, text, terminated: extent.terminated }),
            Err(error) => {
                let detail = format!("byte {} of the line is not UTF-8", error.valid_up_to() + 1);
                Err(Finding::on_line(number, "invalid_utf8", detail))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// Line number and text, or code, of every line that is not blank, read through a buffer of this size.
    fn read(input: &[u8], buffer_bytes: usize) -> Vec<(u64, String)> {
        let mut lines = Lines::new(BufReader::with_capacity(buffer_bytes, input));
        let mut seen = Vec::new();
        while let Some(line) = lines.next_filled() {
            seen.push(match line {
                Ok(line) => (line.number, line.text.to_owned()),
                Err(finding) => (finding.line, finding.made().to_owned()),
            });
        }
        seen
    }

    #[test]
    fn blank_lines_are_counted_and_skipped() {
        for buffer_bytes in [1, 3, 100] {
            let seen = read(b"\xef\xbb\xbfa\r\n\n  \r\nb\nc", buffer_bytes);
            assert_eq!(seen, [(1, "a".into()), (4, "b".into()), (5, "c".into())]);
        }
    }

    #[test]
    fn broken_utf8_costs_its_line_alone() {
        assert_eq!(read(b"a\nb\xff\nc\n", 4), [(1, "a".into()), (2, "invalid_utf8".into()), (3, "c".into())]);
    }

    #[test]
    fn a_line_too_long_is_passed_over_without_being_held() {
        let long = "x".repeat(MAX_LINE_BYTES);
        for (line, whole) in [
            (format!("{long}\n"), true),
            (format!("{long}\r\n"), true),
            (long.clone(), true),
            (format!("{long}x\n"), false),
            (format!("{long}x\r\n"), false),
            (format!("{long}{long}{long}\n"), false),
        ] {
            let mut lines = Lines::new(BufReader::with_capacity(1000, line.as_bytes()));
            assert_eq!(lines.next_filled().unwrap().is_ok(), whole);
            assert!(lines.buffer.len() <= MAX_LINE_BYTES + 1);
        }
        assert_eq!(
            read(format!("{long}x\nb").as_bytes(), 512),
            [(1, "line_too_long".into()), (2, "b".into())]
        );
    }

    #[test]
    fn a_last_line_without_a_line_break_is_known_as_such() {
        let mut lines = Lines::new(&b"a\nb"[..]);
        assert!(lines.next_filled().unwrap().unwrap().terminated);
        assert!(!lines.next_filled().unwrap().unwrap().terminated);
        assert!(lines.next_filled().is_none());
    }
}
