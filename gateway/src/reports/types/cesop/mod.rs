//! `cesop-payment-data`: what a payment service provider tells a tax administration each quarter about payees who
//! were paid across borders, as a message of the Central Electronic System of Payment information, PaymentData 4.03.
//!
//! By law: Directive 2006/112/EC, Articles 243a to 243d, which Directive (EU) 2020/284 put there; Regulation (EU)
//! 904/2010, Articles 24a to 24f, as amended by Council Regulation (EU) 2020/283; Implementing Regulation (EU)
//! 2022/1504. By form: the XSD, and the *CESOP XSD User Guide* 6.00, whose section 4 numbers the rules.
//!
//! - The institution is the provider of the payees: each of its accounts is a payee's. Payments to accounts of one
//!   payee are **not** added together, since nothing on record says safely that two accounts are one payee's;
//!   where accounts of one name exceed the threshold only together, that is a remark.
//! - A payee of more than 25 payments across a border in the quarter is reported, with each of them and with its
//!   refunds. See [`payment`] for what is one.
//! - Messages hold single payments and no sums. So a figure's path is an `XPath` *expression* whose value the figure
//!   is, such as `sum(…)`, and a figure can't be adjusted by hand.
//! - A payee's texts are those on record with white space collapsed. Whatever does not fit the schema is an error,
//!   and nothing is cut.
//!
//! Kinds of messages. A payee's `DocRefId` is made of the version's number and its account, so a later version can
//! name it without looking it up.
//!
//! - New data: `CESOP100`, payees are `CESOP1`. Where versions were sent before, only payees that are in none.
//! - Correction: `CESOP101` to the version before. Each payee of it is stated anew (`CESOP2`), or deleted
//!   (`CESOP3`) where it no longer exceeds the threshold. All are stated anew, as a payment's day or place may
//!   have changed where no figure has. A payee that was not sent can't be in such a message (rule 10080): it is a
//!   remark, and comes with the next version of new data. A correction to a version without payees is new data.
//! - Cancellation: `CESOP101` that deletes each payee that stands, also those that the version withdrawn passed over
//!   because an earlier one had sent them. Nothing is left then, and the next version of new data has everything.
//! - Nothing to report: `CESOP102`; new data becomes that by itself where no payee exceeds the threshold.
//!
//! Figures of payees that a version of new data passes over, because an earlier one sent them, are told under
//! `message/<number>/…`, where the number is that version's: later versions learn from it where they were sent. A
//! correction names the version before as the message that it corrects, also where a payee stands in one before that.
//!
//! Rules that are held here, by the guide's numbers: 10030 (no period before 2024), 10080, 20150 (a payee is once in
//! a message: accounts come once), 40010 (across a border: others are not taken up), 40020 and 40030 (the payee's
//! IBAN), 40060 and 40100 (one account, with its country and kind), 40090 (a deleted payee has no payments), 45010
//! (refunds are below nought and nothing else is), 45030 (within the quarter), 45040 (identifiers are unique, here
//! within a payee), 45060 (no amount is nought), 45080 (one date of a kind), 45090 (only refunds name another
//! transaction; none does). Remarks bear these numbers, and words where a rule is of the schema, the law or ours.
//!
//! Deliberately absent: rules that need the central system's memory (10010, 10040, 10100, 20020, 45050 and their
//! like), and tax numbers and addresses, which no record has.

mod document;
mod earlier;
pub mod location;
mod maker;
mod payee;
pub mod payment;
mod rules;
mod totals;

use location::{Country, bic_country};

use crate::reports::{Definition, Granularity, Parameter, Reach, VersionKind};

/// The type of report.
pub static DEFINITION: Definition = Definition {
    name: "cesop-payment-data",
    title: "Payments across borders, for the tax administration",
    standard: "CESOP PaymentData 4.03",
    periods: &[Granularity::Quarter],
    media_type: "application/xml",
    extension: "xml",
    file_name: None,
    parameters: &PARAMETERS,
    validators: &["xsd"],
    files: &[],
    kinds: &VersionKind::ALL,
    adjustable: false,
    reach: Reach::Period,
    needs_earlier: true,
    maker: |basis| Box::new(maker::Maker::new(basis)),
};

/// The method of payments whose bank transaction code says none, where no other is told.
const METHOD: &str = "Bank transfer";

/// The schema's payment methods, but `Other`, which asks for words about each payment.
const METHODS: [&str; 7] =
    ["Card payment", METHOD, "Direct debit", "E-money", "Money Remittance", "Marketplace", "Intermediary"];

/// The longest name of the schema (`StringMin1Max200_Type`).
const NAME_CHARS_MAX: usize = 200;

static PARAMETERS: [Parameter; 4] = [
    Parameter {
        name: "transmitting_country",
        description: "The Member State whose tax administration it is sent to (ISO 3166-1 alpha-2).",
        required: true,
        example: "DE",
        check: |text| match Country::parse(text) {
            Some(country) if country.is_member_state() => Ok(()),
            _ => Err("a Member State of the European Union, such as DE".to_owned()),
        },
    },
    Parameter {
        name: "psp_bic",
        description: "The BIC of the payment service provider that reports: the institution (ISO 9362).",
        required: true,
        example: "XMPLDEX0",
        check: |text| match bic_country(text) {
            Some(_) => Ok(()),
            None => Err("a BIC of 8 or 11 characters, in upper case".to_owned()),
        },
    },
    Parameter {
        name: "psp_name",
        description: "Its name; the institution's name where none is told.",
        required: false,
        example: "Example Bank AG",
        check: |text| match text.chars().count() {
            1..=NAME_CHARS_MAX if rules::fits(text) => Ok(()),
            _ => Err(format!("a name of at most {NAME_CHARS_MAX} characters")),
        },
    },
    Parameter {
        name: "payment_method",
        description: "The method of payments whose bank transaction code says none; Bank transfer where none is told.",
        required: false,
        example: METHOD,
        check: |text| match METHODS.contains(&text) {
            true => Ok(()),
            false => Err(format!("one of: {}", METHODS.join(", "))),
        },
    },
];
