//! The message's own figures: sums over its payees.

use std::collections::BTreeMap;

use super::rules::error;
use crate::{
    domain::Currency,
    reports::{Leaf, Sheet, Unit, Value},
};

/// The things that are counted.
pub const PAYMENTS: Unit = Unit::Count("payments");
pub const REFUNDS: Unit = Unit::Count("refunds");
const PAYEES: Unit = Unit::Count("payees");

/// Where payees with payments stand in the document.
const REPORTED: &str = "/cesop:CESOP/cesop:PaymentDataBody/cesop:ReportedPayee[cesop:ReportedTransaction]";

/// The expression that counts payments or refunds of payees.
pub fn count(payees: &str, refund: bool) -> String {
    format!("count({payees}/cesop:ReportedTransaction[@IsRefund='{refund}'])")
}

/// The expression that sums payments or refunds of payees.
pub fn sum(payees: &str, refund: bool, currency: Currency) -> String {
    let of = format!("[@IsRefund='{refund}']/cesop:Amount[@currency='{currency}']");
    format!("sum({payees}/cesop:ReportedTransaction{of})")
}

/// Ends a figure that the document has no room to adjust.
pub fn close(leaf: Leaf, name: &str, path: String, sheet: &mut Sheet) -> Value {
    let before = leaf.amount();
    let value = sheet.close(leaf, path);
    unadjusted(name, before, value, sheet);
    value
}

fn unadjusted(name: &str, before: i128, value: Value, sheet: &mut Sheet) {
    if value.amount != before {
        let detail = "the document has payments and no sums: correct a payment instead".to_owned();
        error(sheet, "adjustment_has_no_place", name, None, detail);
    }
}

/// The figures of the payees in the message.
#[derive(Default)]
pub struct Totals {
    payees: Option<Leaf>,
    payments: Vec<(Value, i8)>,
    refunds: Vec<(Value, i8)>,
    paid: BTreeMap<Currency, Vec<(Value, i8)>>,
    refunded: BTreeMap<Currency, Vec<(Value, i8)>>,
}

impl Totals {
    /// Counts a payee, by the payment that took it over the threshold.
    pub fn payee(&mut self, seq: u64, sheet: &mut Sheet) {
        let leaf = self.payees.get_or_insert_with(|| open_payees(sheet));
        sheet.add(leaf, seq, 1);
    }

    /// Takes a payee's number of payments or refunds.
    pub fn number(&mut self, refund: bool, value: Value) {
        if refund { &mut self.refunds } else { &mut self.payments }.push((value, 1));
    }

    /// Takes a payee's sum of payments or refunds.
    pub fn amount(&mut self, refund: bool, currency: Currency, value: Value) {
        let sums = if refund { &mut self.refunded } else { &mut self.paid };
        sums.entry(currency).or_default().push((value, 1));
    }

    /// Tells the message's figures.
    pub fn finish(self, sheet: &mut Sheet) {
        let payees = self.payees.unwrap_or_else(|| open_payees(sheet));
        close(payees, "message/payees", format!("count({REPORTED})"), sheet);
        for (refund, name, unit, terms) in [
            (false, "message/payments", PAYMENTS, &self.payments),
            (true, "message/refunds", REFUNDS, &self.refunds),
        ] {
            let formula = format!("the {} of all payees in the message", unit.name());
            derive(name.to_owned(), unit, formula, terms, count(REPORTED, refund), sheet);
        }
        for (refund, name, sums) in [(false, "amount", &self.paid), (true, "refunded", &self.refunded)] {
            for (currency, terms) in sums {
                let what = if refund { "refunds" } else { "payments" };
                let formula = format!("the amounts of {what} of all payees in the message, in {currency}");
                let path = sum(REPORTED, refund, *currency);
                let name = format!("message/{name}/{currency}");
                derive(name, Unit::Money(*currency), formula, terms, path, sheet);
            }
        }
    }
}

fn open_payees(sheet: &mut Sheet) -> Leaf {
    let formula = "the payees in the message, each by the payment that took it over the threshold";
    sheet.open("message/payees", PAYEES, formula)
}

fn derive(name: String, unit: Unit, formula: String, terms: &[(Value, i8)], path: String, sheet: &mut Sheet) {
    let before = terms.iter().map(|(value, _)| value.amount).sum();
    let value = sheet.derive(name.clone(), unit, formula, terms, path);
    unadjusted(&name, before, value, sheet);
}
