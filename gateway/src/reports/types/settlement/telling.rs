//! What is told of one account: its facts in the document, and what was found.

use super::{
    account::Told,
    document::{About, Document},
};
use crate::{
    domain::money::MAX_MINOR,
    reports::{ProduceError, Remark, Severity, Sheet, Value},
};

/// Writes an account's facts, and says what was found.
pub(super) fn tell(
    told: &Told,
    tolerance: i64,
    document: &mut Document,
    sheet: &mut Sheet,
) -> Result<(), ProduceError> {
    let facts = [
        ("opening_balance", "OpeningBalance", Some(told.opening)),
        ("total_credits", "TotalCredits", Some(told.credits)),
        ("total_debits", "TotalDebits", Some(told.debits)),
        ("expected_closing_balance", "ExpectedClosingBalance", Some(told.expected)),
        ("stated_closing_balance", "StatedClosingBalance", told.stated),
        ("balance_difference", "BalanceDifference", told.difference),
        ("entries", "Entries", Some(told.entries)),
        ("pending_entries", "PendingEntries", Some(told.pending)),
        ("running_balance_breaks", "RunningBalanceBreaks", Some(told.breaks)),
    ];
    let account = Some(told.reference.as_str());
    for (name, concept, value) in facts {
        let Some(value) = value else { continue };
        let id = format!("{}.{name}", told.fact);
        in_range(value, &id, sheet);
        document.fact(&id, concept, &value.text(), About { account, unit: Some(value.unit) }, sheet)?;
    }
    if let Some(step) = &told.first_break {
        let id = format!("{}.first_break", told.fact);
        document.fact(&id, "FirstBreakReference", &step.reference, About { account, unit: None }, sheet)?;
    }
    found(told, tolerance, sheet);
    Ok(())
}

/// Readers of XML Schema's decimals need not take more than 18 digits (XML Schema part 2, section 3.2.3).
pub(super) fn in_range(value: Value, fact: &str, sheet: &mut Sheet) {
    if value.amount.unsigned_abs() > u128::from(MAX_MINOR.unsigned_abs()) {
        sheet.remark(Remark {
            rule: "amount_out_of_range".into(),
            severity: Severity::Error,
            subject: fact.to_owned(),
            seq: None,
            detail: format!("{} has more than 18 digits", value.text()),
        });
    }
}

/// Says where a text has a character that XML has not (XML 1.0, section 2.2): no xBRL processor takes it.
pub(super) fn of_xml(text: &str, subject: &str, sheet: &mut Sheet) {
    if let Some(other) = text.chars().find(|other| matches!(other, '\u{FFFE}' | '\u{FFFF}')) {
        sheet.remark(Remark {
            rule: "not_a_character_of_xml".into(),
            severity: Severity::Error,
            subject: subject.to_owned(),
            seq: None,
            detail: format!("U+{:04X} can't stand in a document", u32::from(other)),
        });
    }
}

fn found(told: &Told, tolerance: i64, sheet: &mut Sheet) {
    let money = |amount| format!("{} {}", told.opening.unit.text(amount), told.currency);
    let mut warn = |rule: &'static str, seq: Option<u64>, detail| {
        let (subject, seq) = (told.reference.clone(), seq.map(|seq| seq.to_string()));
        sheet.remark(Remark { rule: rule.into(), severity: Severity::Warning, subject, seq, detail });
    };
    if let Some(step) = &told.first_break {
        let follows = step.before.map(|before| before + i128::from(step.amount));
        let detail = format!(
            "{} of its entries do not follow; the first is {}, after which {} is recorded, and {} follows",
            told.breaks.text(),
            step.reference,
            money(step.after().unwrap_or_default()),
            money(follows.unwrap_or_default()),
        );
        warn("running_balance_differs", Some(step.seq), detail);
    }
    if let Some((seq, before)) = told.unrecorded {
        let detail = format!(
            "no balance was recorded before; the first of the period makes it {}, and the entries {}",
            money(before),
            money(told.opening.amount),
        );
        warn("opening_balance_not_recorded", Some(seq), detail);
    }
    if let (Some(stated), Some(difference)) = (told.stated, told.difference)
        && difference.amount.unsigned_abs() > u128::from(tolerance.unsigned_abs())
    {
        let detail =
            format!("{} is stated, and {} is expected", money(stated.amount), money(told.expected.amount));
        warn("closing_balance_differs", None, detail);
    }
}
