//! A file, or the one range of its bytes that a caller wants (RFC 9110 section 14).

use std::path::PathBuf;

use actix_web::http::StatusCode;

use crate::{
    access::{Answer, answer::FileSlice},
    error::{Code, Problem},
};

/// What a caller wants of a file of some size.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    size: u64,
    /// Start and length; none for all of it.
    range: Option<(u64, u64)>,
}

impl Wanted {
    /// What a `Range` header asks for, if there is one.
    ///
    /// # Errors
    /// 416 when the file has no such bytes.
    pub fn of(header: Option<&str>, size: u64) -> Result<Self, Problem> {
        let range = header.map(|header| byte_range(header, size)).transpose()?.flatten();
        Ok(Self { size, range })
    }

    /// That much of the file, under the name that it is to be saved by.
    #[must_use]
    pub fn answer(self, path: PathBuf, content_type: &'static str, name: &str) -> Answer {
        let Self { size, range } = self;
        let (start, length) = range.unwrap_or((0, size));
        let answer = Answer::file(FileSlice { path, start, length }, content_type)
            .header("accept-ranges", "bytes")
            .header("content-disposition", &format!("attachment; filename=\"{name}\""));
        if range.is_none() {
            return answer;
        }
        let last = start + length - 1;
        answer
            .status(StatusCode::PARTIAL_CONTENT)
            .header("content-range", &format!("bytes {start}-{last}/{size}"))
    }
}

/// The one range of bytes that a header asks for, as start and length. Another unit, or several
/// ranges, ask for nothing special (RFC 9110 section 14.2).
fn byte_range(header: &str, size: u64) -> Result<Option<(u64, u64)>, Problem> {
    let unfit = || Problem::new(Code::RangeNotSatisfiable, format!("the file has {size} bytes"));
    let Some(range) = header.strip_prefix("bytes=").filter(|range| !range.contains(',')) else {
        return Ok(None);
    };
    let Some((first, last)) = range.trim().split_once('-') else { return Ok(None) };
    let (start, end) = match (position(first), position(last)) {
        (Some(first), Some(last)) if first <= last => (first, last.saturating_add(1).min(size)),
        (Some(first), None) if last.is_empty() => (first, size),
        (None, Some(suffix)) if first.is_empty() => (size.saturating_sub(suffix), size),
        _ => return Ok(None),
    };
    if start >= end { Err(unfit()) } else { Ok(Some((start, end - start))) }
}

/// A position of digits alone; one beyond all files is just that.
fn position(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::byte_range;

    #[test]
    fn ranges_are_those_of_rfc_9110() {
        assert_eq!(byte_range("bytes=0-9", 100).unwrap(), Some((0, 10)));
        assert_eq!(byte_range("bytes=90-200", 100).unwrap(), Some((90, 10)));
        assert_eq!(byte_range("bytes=90-99999999999999999999999", 100).unwrap(), Some((90, 10)));
        assert_eq!(byte_range("bytes=95-", 100).unwrap(), Some((95, 5)));
        assert_eq!(byte_range("bytes=-5", 100).unwrap(), Some((95, 5)));
        assert_eq!(byte_range("bytes=-500", 100).unwrap(), Some((0, 100)));
        for ignored in ["lines=1-2", "bytes=1-2,4-5", "bytes=x-y", "bytes=5-2", "bytes=+1-2"] {
            assert_eq!(byte_range(ignored, 100).unwrap(), None, "{ignored}");
        }
        for unfit in ["bytes=100-", "bytes=200-300", "bytes=-0"] {
            assert!(byte_range(unfit, 100).is_err(), "{unfit}");
        }
    }
}
