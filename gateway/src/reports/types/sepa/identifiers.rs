//! IBANs, and the countries that they are of.

use crate::domain::check_digits::remainder;

/// Members of the euro area, Bulgaria since 2026-01-01. An IBAN begins with the code of its country.
const EURO_AREA: [&str; 21] = [
    "AT", "BE", "BG", "CY", "DE", "EE", "ES", "FI", "FR", "GR", "HR", "IE", "IT", "LT", "LU", "LV", "MT",
    "NL", "PT", "SI", "SK",
];

/// The other members of the Union, and the three states that the Regulation applies to by the EEA Agreement.
const ECONOMIC_AREA: [&str; 9] = ["CZ", "DK", "HU", "IS", "LI", "NO", "PL", "RO", "SE"];

/// Whether a country is in the euro area.
pub fn in_euro_area(country: &str) -> bool {
    EURO_AREA.contains(&country)
}

/// Whether a country is in the Union or the European Economic Area.
pub fn in_economic_area(country: &str) -> bool {
    in_euro_area(country) || ECONOMIC_AREA.contains(&country)
}

/// The country of an IBAN with the right check digits (ISO 13616); `None` where it is none.
pub fn iban_country(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let shaped = (15..=34).contains(&bytes.len())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit);
    let (head, tail) = bytes.split_at_checked(4)?;
    (shaped && remainder(tail.iter().chain(head).copied()) == Some(1)).then(|| &text[..2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_heeded() {
        assert_eq!(iban_country("DE89370400440532013000"), Some("DE"));
        assert_eq!(iban_country("DE88370400440532013000"), None);
        assert_eq!(iban_country("MT84MALT011000012345MTLCAST001S"), Some("MT"));
        for text in ["", "DE", "é9370400440532013000", "19-2000145399/0800"] {
            assert_eq!(iban_country(text), None, "{text}");
        }
    }
}
