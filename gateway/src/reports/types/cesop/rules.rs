//! What must not be filed: checks of the schema's and the guide's rules, each with the guide's number where it has
//! one.

use std::collections::HashSet;

use jiff::tz::TimeZone;

use super::{
    document::Party,
    location::iban_country,
    payment::{Payment, two_decimals},
};
use crate::reports::{Basis, Period, Remark, Severity, Sheet};

/// The first year with messages (Directive (EU) 2020/284, Article 2).
const FIRST_YEAR: i16 = 2024;

/// Says that something must not be filed.
pub fn error(sheet: &mut Sheet, rule: &'static str, subject: &str, seq: Option<u64>, detail: String) {
    tell(sheet, Severity::Error, rule, subject, seq, detail);
}

/// Says that somebody should look at something.
pub fn warning(sheet: &mut Sheet, rule: &'static str, subject: &str, seq: Option<u64>, detail: String) {
    tell(sheet, Severity::Warning, rule, subject, seq, detail);
}

fn tell(
    sheet: &mut Sheet,
    severity: Severity,
    rule: &'static str,
    subject: &str,
    seq: Option<u64>,
    detail: String,
) {
    let (rule, seq) = (rule.into(), seq.map(|seq| seq.to_string()));
    sheet.remark(Remark { rule, severity, subject: subject.to_owned(), seq, detail });
}

/// Whether a text has characters that XML 1.0 has, and something besides white space.
pub fn fits(text: &str) -> bool {
    let is_char = |letter| matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    !text.trim().is_empty() && text.chars().all(is_char)
}

/// The message's own rules.
pub fn message(basis: &Basis, sheet: &mut Sheet) {
    let period = basis.period;
    if period.first.year() < FIRST_YEAR {
        let detail = format!("nothing is reported of quarters before {FIRST_YEAR}");
        error(sheet, "10030", &period.to_string(), None, detail);
    }
    if basis.ordered_at.to_zoned(TimeZone::UTC).date() <= period.last {
        let detail = "the quarter is not over: payments may be missing".to_owned();
        warning(sheet, "quarter_not_over", &period.to_string(), None, detail);
    }
}

/// A reported payee's rules.
pub fn payee(party: &Party, named: bool, sheet: &mut Sheet) {
    if !named {
        let detail = "the account has no name, and a payee must have one (Article 243d(1)(b))".to_owned();
        error(sheet, "payee_without_name", &party.account, None, detail);
    } else if !fits(&party.name) {
        error(
            sheet,
            "not_a_character",
            &party.account,
            None,
            "XML has not each letter of the name".to_owned(),
        );
    }
    if !fits(&party.account) {
        let detail = "XML has not each letter of the account's reference".to_owned();
        error(sheet, "not_a_character", &party.account, None, detail);
    }
    if party.iban
        && let Err(why) = iban_country(&party.account)
    {
        error(sheet, "40030", &party.account, None, format!("the payee's IBAN is wrong: {why}"));
    }
}

/// A payment's rules; `seen` are the identifiers of the payee's payments before. The amount as it is written.
pub fn payment(
    payment: &Payment,
    account: &str,
    period: Period,
    seen: &mut HashSet<String>,
    sheet: &mut Sheet,
) -> String {
    let seq = Some(payment.seq);
    if !period.has(payment.day) {
        error(sheet, "45030", account, seq, format!("{} is not in {period}", payment.day));
    }
    if payment.minor == 0 {
        error(sheet, "45060", account, seq, "the amount is nought".to_owned());
    }
    if !fits(&payment.identifier) {
        let detail = "XML has not each letter of the identifier".to_owned();
        error(sheet, "not_a_character", account, seq, detail);
    }
    if !seen.insert(payment.identifier.clone()) {
        let detail = format!("the identifier {:?} stands twice", payment.identifier);
        error(sheet, "45040", account, seq, detail);
    }
    two_decimals(payment.minor, payment.currency).unwrap_or_else(|| {
        let detail = format!("an amount in {} has more than two decimals", payment.currency);
        error(sheet, "amount_decimals", account, seq, detail);
        "0.00".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_where_xml_has_its_letters() {
        for text in ["Müller & Söhne <GmbH>", "\u{1f4b6}", "a\tb"] {
            assert!(fits(text), "{text:?}");
        }
        for text in ["", "  ", "a\u{1}", "a\u{fffe}", "\u{ffff}"] {
            assert!(!fits(text), "{text:?}");
        }
    }
}
