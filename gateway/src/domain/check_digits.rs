//! Check digits of IBANs (ISO 13616) and legal entity identifiers (ISO 17442): ISO 7064 MOD 97-10.

/// The remainder by 97 of digits and capital letters read as one number, A as 10 to Z as 35; none where there is
/// anything else. It is 1 where the check digits are right.
#[must_use]
pub fn remainder(characters: impl IntoIterator<Item = u8>) -> Option<u32> {
    characters.into_iter().try_fold(0, |rest: u32, byte| match byte {
        b'0'..=b'9' => Some((rest * 10 + u32::from(byte - b'0')) % 97),
        b'A'..=b'Z' => Some((rest * 100 + u32::from(byte - b'A') + 10) % 97),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::remainder;

    #[test]
    fn the_arithmetic_is_that_of_the_standard() {
        // The example of ISO 13616's own documentation.
        assert_eq!(remainder(*b"WEST12345698765432GB82"), Some(1));
        assert_eq!(remainder(*b"WEST12345698765432GB83"), Some(2));
        assert_eq!(remainder(*b"west"), None);
    }
}
