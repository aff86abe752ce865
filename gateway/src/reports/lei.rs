//! Legal entity identifiers.

use crate::domain::check_digits::remainder;

/// The scheme of legal entity identifiers in XBRL documents.
pub const SCHEME: &str = "http://standards.iso.org/iso/17442";

/// Whether a text is a legal entity identifier: 18 letters or digits and two check digits, such that the number
/// that it makes leaves 1 when divided by 97 (ISO 17442-1, annex A).
///
/// # Errors
/// What is wrong with it.
pub fn check(text: &str) -> Result<(), String> {
    let shape = text.len() == 20
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && text[18..].bytes().all(|byte| byte.is_ascii_digit());
    if !shape {
        return Err("an LEI has 18 capital letters or digits, then two digits".to_owned());
    }
    if remainder(text.bytes()) == Some(1) {
        Ok(())
    } else {
        Err("the check digits of this LEI are wrong".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_with_right_check_digits_is_taken() {
        // The Global LEI Foundation's and the European Central Bank's own.
        for lei in ["506700GE1G29325QX363", "549300DTUYXVMJXZNY75"] {
            assert_eq!(check(lei), Ok(()), "{lei}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for other in [
            "",
            "506700GE1G29325QX364",
            "506700GE1G29325XQ363",
            "506700ge1g29325qx363",
            "506700GE1G29325QX3é",
        ] {
            assert!(check(other).is_err(), "{other}");
        }
    }
}
