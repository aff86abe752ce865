//! One-time codes by time (RFC 6238): six digits, HMAC-SHA-1, thirty seconds; what every authenticator app does.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;

/// Seconds that a code is shown.
const STEP_S: i64 = 30;
/// Steps before and after now whose codes are taken: clocks differ, and people type.
const AROUND: i64 = 1;
const DIGITS: usize = 6;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The number that a code is the end of (RFC 4226 section 5.3).
fn number(secret: &[u8], step: i64) -> Option<u32> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).ok()?;
    mac.update(&step.to_be_bytes());
    let tag = mac.finalize().into_bytes();
    let at = usize::from(tag.last()? & 0xf);
    let four: [u8; 4] = tag.get(at..at + 4)?.try_into().ok()?;
    Some(u32::from_be_bytes(four) & 0x7fff_ffff)
}

/// The step whose code this is, of those around now.
#[must_use]
pub fn step_of(secret: &[u8], code: &str, now_s: i64) -> Option<i64> {
    let now = now_s.div_euclid(STEP_S);
    (now - AROUND..=now + AROUND).find(|step| {
        let right = number(secret, *step).map(|number| format!("{:0DIGITS$}", number % 1_000_000));
        right.is_some_and(|right| right.as_bytes().ct_eq(code.as_bytes()).into())
    })
}

/// Base32 without padding (RFC 4648 section 6).
#[must_use]
pub fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(5) {
        let mut padded = [0; 8];
        padded[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(padded);
        for place in 0..(chunk.len() * 8).div_ceil(5) {
            let index = (bits >> (35 - 5 * place)) & 31;
            text.push(char::from(ALPHABET[usize::try_from(index).unwrap_or_default()]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    /// RFC 6238 appendix B, the rows of SHA-1.
    const VECTORS: [(i64, u32); 6] = [
        (59, 94_287_082),
        (1_111_111_109, 7_081_804),
        (1_111_111_111, 14_050_471),
        (1_234_567_890, 89_005_924),
        (2_000_000_000, 69_279_037),
        (20_000_000_000, 65_353_130),
    ];

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (at_s, code) in VECTORS {
            assert_eq!(number(SECRET, at_s / 30).unwrap() % 100_000_000, code, "{at_s}");
            assert_eq!(step_of(SECRET, &format!("{:06}", code % 1_000_000), at_s), Some(at_s / 30));
        }
    }

    #[test]
    fn a_code_is_good_for_one_step_before_and_after() {
        for (at_s, good) in [(29, true), (0, true), (59, true), (89, true), (90, false), (-1, false)] {
            assert_eq!(step_of(SECRET, "287082", at_s).is_some(), good, "{at_s}");
        }
        for bad in ["", "28708", "2870820", "94287082", "287 82", "２８７０８２"] {
            assert_eq!(step_of(SECRET, bad, 59), None, "{bad}");
        }
    }

    #[test]
    fn base32_is_that_of_the_rfc() {
        // RFC 4648 section 10, less the padding.
        for (text, coded) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(text.as_bytes()), coded);
        }
    }
}
