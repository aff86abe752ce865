//! Where a party is, as far as its account or its bank says so (Directive 2006/112/EC, Article 243c): by the IBAN,
//! and where there is none by the BIC of the payment service provider that acts for it.

use crate::domain::check_digits::remainder;

/// Countries of ISO 3166-1, and `XK` (Kosovo), as the schema's `CountryCode_Type` has them.
const COUNTRIES: &str = "\
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA \
CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA \
GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP \
KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS \
MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS \
RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW \
TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/// The Member States of the European Union.
const MEMBER_STATES: &str =
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK";

/// How long IBANs of a country are (ISO 13616 registry).
const IBAN_LENGTHS: &str = "\
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18 \
FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 \
MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 ST25 \
SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20";

/// A country's code. Greece is `GR`, also where `EL` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(&'static str);

impl Country {
    /// The country of this code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let code = if code == "EL" { "GR" } else { code };
        (code.len() == 2).then(|| COUNTRIES.split(' ').find(|known| *known == code)).flatten().map(Self)
    }

    /// Its code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.0
    }

    /// Whether it is a Member State of the European Union.
    #[must_use]
    pub fn is_member_state(self) -> bool {
        MEMBER_STATES.split(' ').any(|state| state == self.0)
    }
}

/// What kind of identifier a location was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The party's account.
    Iban,
    /// The party's bank.
    Bic,
}

impl Source {
    /// Its word in the schema (`AccountIdentifierType_Type`).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Iban => "IBAN",
            Self::Bic => "BIC",
        }
    }
}

/// Whether a text looks like an IBAN: two letters, two digits, 10 to 30 letters or digits, without spaces.
#[must_use]
pub fn is_iban_shaped(text: &str) -> bool {
    let bytes = text.as_bytes();
    (14..=34).contains(&bytes.len())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && bytes[4..].iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// The country of an IBAN.
///
/// # Errors
/// What is wrong with it: its shape, its country, its length, or its check digits (ISO 7064 MOD 97-10).
pub fn iban_country(iban: &str) -> Result<Country, &'static str> {
    if !is_iban_shaped(iban) {
        return Err("it has not the shape of an IBAN");
    }
    let (code, _) = iban.split_at(2);
    let country = Country::parse(code).ok_or("its first two letters are no country")?;
    let length = IBAN_LENGTHS.split(' ').find_map(|entry| entry.strip_prefix(code));
    if length.is_some_and(|length| length != iban.len().to_string()) {
        return Err("it has not the length of its country's IBANs");
    }
    let rotated = iban[4..].bytes().chain(iban[..4].bytes());
    if remainder(rotated) == Some(1) { Ok(country) } else { Err("its check digits are wrong") }
}

/// The country of a BIC (ISO 9362): four letters or digits, the country, two letters or digits, and three more for
/// a branch.
#[must_use]
pub fn bic_country(bic: &str) -> Option<Country> {
    let fits = matches!(bic.len(), 8 | 11)
        && bic.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    fits.then(|| Country::parse(&bic[4..6])).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_iban_says_its_country() {
        for (iban, country) in [
            ("DE89370400440532013000", "DE"),
            ("FR1420041010050500013M02606", "FR"),
            ("GR1601101250000000012300695", "GR"),
            ("NO9386011117947", "NO"),
        ] {
            assert_eq!(iban_country(iban).map(Country::code), Ok(country));
        }
    }

    #[test]
    fn a_wrong_iban_says_what_is_wrong() {
        for (iban, why) in [
            ("576", "it has not the shape of an IBAN"),
            ("de89370400440532013000", "it has not the shape of an IBAN"),
            ("QQ89370400440532013000", "its first two letters are no country"),
            ("DE8937040044053201300", "it has not the length of its country's IBANs"),
            ("DE88370400440532013000", "its check digits are wrong"),
            ("DE89370400440532013001", "its check digits are wrong"),
        ] {
            assert_eq!(iban_country(iban), Err(why), "{iban}");
        }
    }

    #[test]
    fn every_two_digits_swapped_are_noticed() {
        let iban = "DE89370400440532013000";
        for at in 4..iban.len() - 1 {
            let mut bytes = iban.as_bytes().to_vec();
            bytes.swap(at, at + 1);
            let swapped = String::from_utf8(bytes).unwrap();
            assert_eq!(iban_country(&swapped).is_ok(), swapped == iban, "{swapped}");
        }
    }

    #[test]
    fn a_bic_says_its_country() {
        assert_eq!(bic_country("DEUTDEFF").map(Country::code), Some("DE"));
        assert_eq!(bic_country("AGRIFRPP882").map(Country::code), Some("FR"));
        for wrong in ["DEUTDEF", "DEUTQQFF", "deutdeff", "DEUTDEFF5", "A bank in Paris", ""] {
            assert_eq!(bic_country(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn greece_has_one_code_and_is_a_member_state() {
        assert_eq!(Country::parse("EL"), Country::parse("GR"));
        assert!(Country::parse("EL").unwrap().is_member_state());
        assert!(!Country::parse("GB").unwrap().is_member_state());
        assert_eq!(MEMBER_STATES.split(' ').count(), 27);
        assert!(MEMBER_STATES.split(' ').all(|code| Country::parse(code).is_some()));
    }
}
