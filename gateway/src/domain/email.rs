//! E-mail addresses, by which people sign in.

/// Most characters of an address (RFC 5321 section 4.5.3.1.3, less the angle brackets).
pub const EMAIL_MAX: usize = 254;

/// An address as it is stored: visible ASCII, one `@` with something on both sides, in lower case. None if it is
/// none.
#[must_use]
pub fn normal(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, domain) = text.split_once('@')?;
    let plain = text.len() <= EMAIL_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
    let named = !local.is_empty() && !domain.is_empty() && !domain.contains('@');
    (plain && named).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn an_address_has_one_spelling() {
        assert_eq!(normal(" Ada.B+x@Bank.Example ").as_deref(), Some("ada.b+x@bank.example"));
        for bad in ["", "ada", "@bank.example", "ada@", "a@b@c", "a b@c", "ä@bank.example", "a\n@b"] {
            assert_eq!(normal(bad), None, "{bad}");
        }
        assert_eq!(normal(&format!("{}@b", "a".repeat(253))), None);
    }
}
