//! Passwords: Argon2id (RFC 9106), with the parameters that OWASP asks for at least (19 MiB, two passes).

use std::hint::black_box;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};

/// Fewest characters of a password (NIST SP 800-63B).
pub const LENGTH_MIN: usize = 12;
/// Most bytes of a password.
pub const LENGTH_MAX: usize = 1024;

/// A hash of a password, as a PHC string.
///
/// # Errors
/// When it is longer than can be.
pub fn hash(password: &str, salt: [u8; 16]) -> Result<String, &'static str> {
    let hashed = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    hashed.map(|hash| hash.to_string()).map_err(|_| "the password cannot be hashed")
}

/// Whether a password is the one of a hash. Without a hash the answer is no, and takes as long.
#[must_use]
pub fn is_right(stored: Option<&str>, password: &str) -> bool {
    match stored.map(PasswordHash::new) {
        Some(Ok(stored)) => Argon2::default().verify_password(password.as_bytes(), &stored).is_ok(),
        _ => {
            let _ = black_box(hash(password, [0; 16]));
            false
        }
    }
}

/// Why a password can't be somebody's.
#[must_use]
pub fn fault(password: &str, email: &str) -> Option<&'static str> {
    if password.chars().count() < LENGTH_MIN {
        return Some("A password has 12 characters at least. Several words make a good one.");
    }
    if password.len() > LENGTH_MAX {
        return Some("A password has 1024 bytes at most.");
    }
    let few = password.chars().collect::<std::collections::BTreeSet<_>>().len() < 5;
    if few || password.eq_ignore_ascii_case(email) {
        return Some("This password is too easy to guess.");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_fits_its_password_and_no_other() {
        let stored = hash("correct horse battery", [3; 16]).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(is_right(Some(&stored), "correct horse battery"));
        assert!(!is_right(Some(&stored), "correct horse batterz"));
        assert!(!is_right(None, "correct horse battery"));
        assert!(!is_right(Some("$argon2id$broken"), "correct horse battery"));
        assert_ne!(stored, hash("correct horse battery", [4; 16]).unwrap());
    }

    #[test]
    fn a_password_that_is_easy_to_guess_is_named() {
        for bad in ["", "short", "ababababababab", "Ada@Bank.Example", &"x1y2z3".repeat(200)] {
            assert!(fault(bad, "ada@bank.example").is_some(), "{bad}");
        }
        assert_eq!(fault("correct horse battery", "ada@bank.example"), None);
    }
}
