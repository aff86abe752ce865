//! The settlement reconciliation of a day or a month: of each account, whether the balances that are recorded
//! follow from its entries.
//!
//! The document is xBRL-JSON (Open Information Model 1.0, <https://xbrl.org/2021/xbrl-json>) of a small taxonomy
//! of our own, whose files come with the definition. Amounts are exact and say so: a fact without `decimals` is
//! of unlimited accuracy, and only then does Calculations 1.1 notice a difference of one cent.
//!
//! What is not booked yet is in no balance and no sum; how many such entries there are is told apart.

mod account;
mod document;
mod held;
mod maker;
mod telling;

use crate::reports::{Basis, Definition, Granularity, Parameter, Producer, Reach, VersionKind, lei};

/// Where the taxonomy lives: its target namespace, and what its files' addresses begin with.
pub const TAXONOMY: &str = "https://veritrail.example/taxonomy/settlement-reconciliation/2026-01";

/// The file of the taxonomy that a document names.
pub const ENTRY_POINT: &str = "settlement-reconciliation.xsd";

/// The type.
pub static DEFINITION: Definition = Definition {
    name: "settlement-reconciliation",
    title: "Settlement reconciliation: recorded balances against entries",
    standard: "xBRL-JSON (OIM 1.0, 2021), taxonomy settlement-reconciliation 2026-01",
    periods: &[Granularity::Day, Granularity::Month],
    media_type: "application/json",
    extension: "json",
    file_name: None,
    parameters: &[
        Parameter {
            name: "entity",
            description: "The institution's legal entity identifier (ISO 17442). Without one, the document names \
                          the institution by its name, in a scheme of its own.",
            required: false,
            example: "5299009N55YRQC69CN08",
            check: lei::check,
        },
        Parameter {
            name: "tolerance",
            description: "Differences up to this, in the currency's minor unit, are rounding: they are stated, \
                          and no break. 0 where it is not told.",
            required: false,
            example: "10",
            check: tolerance,
        },
    ],
    validators: &["arelle"],
    files: &[
        (ENTRY_POINT, include_str!("taxonomy/settlement-reconciliation.xsd")),
        (
            "settlement-reconciliation-lab-en.xml",
            include_str!("taxonomy/settlement-reconciliation-lab-en.xml"),
        ),
        ("settlement-reconciliation-def.xml", include_str!("taxonomy/settlement-reconciliation-def.xml")),
        ("settlement-reconciliation-cal.xml", include_str!("taxonomy/settlement-reconciliation-cal.xml")),
        ("META-INF/taxonomyPackage.xml", include_str!("taxonomy/META-INF/taxonomyPackage.xml")),
        ("META-INF/catalog.xml", include_str!("taxonomy/META-INF/catalog.xml")),
    ],
    kinds: &[VersionKind::New, VersionKind::Correction, VersionKind::Cancellation],
    adjustable: true,
    reach: Reach::FromLastBalance,
    needs_earlier: false,
    maker,
};

fn maker(basis: &Basis) -> Box<dyn Producer> {
    Box::new(maker::Maker::new(basis))
}

fn tolerance(value: &str) -> Result<(), String> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit()) && (1..=6).contains(&value.len());
    if digits { Ok(()) } else { Err("a tolerance is a whole number of 1 to 6 digits".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerance_is_a_small_whole_number() {
        assert_eq!(tolerance("10"), Ok(()));
        for other in ["", "-1", "1.5", "1000000", "ten"] {
            assert!(tolerance(other).is_err(), "{other}");
        }
    }

    #[test]
    fn every_file_of_the_taxonomy_speaks_of_where_it_lives() {
        for (path, content) in DEFINITION.files {
            assert!(path.ends_with("lab-en.xml") || content.contains(TAXONOMY), "{path}");
        }
    }
}
