//! A payee while its transactions come in, and its figures.

use std::collections::{BTreeMap, HashSet};

use uuid::Uuid;

use super::{
    document::{DocType, Party},
    earlier,
    location::{Country, bic_country, is_iban_shaped},
    payment::{Payment, collapse},
    totals::{PAYMENTS, REFUNDS, Totals, close, count, sum},
};
use crate::{
    domain::{Account, Currency},
    reports::{Leaf, Sheet, Unit},
};

/// A payee while its transactions come in.
pub struct Payee {
    /// Its account's reference, as it is on record.
    pub reference: String,
    /// Who it is.
    pub party: Party,
    /// Whether its name is on record.
    pub named: bool,
    /// The version that it was last sent in.
    pub sent: Option<u32>,
    /// Its payments across borders so far, without refunds.
    pub count: u64,
    /// Payments and refunds that wait until the threshold is exceeded.
    pub held: Vec<Payment>,
    /// The identifiers that were written.
    pub seen: HashSet<String>,
    /// Credits of which nobody knows where they came from, and the first one's entry.
    pub unlocated: Option<(u64, u64)>,
    /// What became of it.
    pub part: Part,
}

/// What becomes of a payee.
pub enum Part {
    /// It has not exceeded the threshold.
    Below,
    /// It is being written.
    Written(Figures, DocType),
    /// An earlier version sent it: only its figures are told.
    Carried(Figures),
    /// It exceeded the threshold, and does not belong in this message.
    LeftOut,
}

impl Payee {
    /// The payee of an account; where neither the account nor its servicer has a place, it is where the provider is.
    pub fn new(account: &Account, psp: Country) -> Self {
        let reference = collapse(&account.reference);
        let iban = is_iban_shaped(&reference);
        let of_iban = || if iban { Country::parse(&reference[..2]) } else { None };
        let of_bic = || account.servicer.as_ref().and_then(|servicer| bic_country(servicer));
        let country = of_iban().or_else(of_bic).unwrap_or(psp);
        let name = account.name.as_ref().map(|name| collapse(name)).filter(|name| !name.is_empty());
        let named = name.is_some();
        let party =
            Party { name: name.unwrap_or_else(|| reference.clone()), country, account: reference, iban };
        let (held, seen, part) = (Vec::new(), HashSet::new(), Part::Below);
        let reference = account.reference.to_string();
        Self { reference, party, named, sent: None, count: 0, held, seen, unlocated: None, part }
    }

    /// A payee that was sent, and whose account is no longer shown.
    pub fn vanished(reference: &str, sent: u32, psp: Country) -> Self {
        let party = Party {
            name: reference.to_owned(),
            country: psp,
            account: reference.to_owned(),
            iban: is_iban_shaped(reference),
        };
        let (held, seen, part) = (Vec::new(), HashSet::new(), Part::Below);
        let (reference, sent) = (reference.to_owned(), Some(sent));
        Self { reference, party, named: false, sent, count: 0, held, seen, unlocated: None, part }
    }
}

/// A payee's figures while they are summed.
pub struct Figures {
    prefix: String,
    path: String,
    payments: Leaf,
    refunds: Option<Leaf>,
    paid: BTreeMap<Currency, Leaf>,
    refunded: BTreeMap<Currency, Leaf>,
}

impl Figures {
    /// Begins the figures of the payee that stands in a document under this `DocRefId`; `sent` is the version of
    /// that document, where it is another.
    pub fn open(account: &str, sent: Option<u32>, id: Uuid, sheet: &mut Sheet) -> Self {
        let prefix = earlier::prefix(account, sent);
        let path = format!(
            "/cesop:CESOP/cesop:PaymentDataBody/cesop:ReportedPayee[cesop:DocSpec/cm:DocRefId='{id}']"
        );
        let formula = "payments across borders to the payee in the quarter, without refunds";
        let payments = sheet.open(format!("{prefix}/payments"), PAYMENTS, formula);
        let (paid, refunded) = (BTreeMap::new(), BTreeMap::new());
        Self { prefix, path, payments, refunds: None, paid, refunded }
    }

    /// Adds a payment or a refund.
    pub fn add(&mut self, payment: &Payment, sheet: &mut Sheet) {
        let (prefix, currency) = (&self.prefix, payment.currency);
        let (number, sums) = match payment.refund {
            false => (&mut self.payments, &mut self.paid),
            true => {
                let open = |sheet: &mut Sheet| {
                    let formula = "refunds of payments across borders by the payee in the quarter";
                    sheet.open(format!("{prefix}/refunds"), REFUNDS, formula)
                };
                (self.refunds.get_or_insert_with(|| open(sheet)), &mut self.refunded)
            }
        };
        sheet.add(number, payment.seq, 1);
        let sum = sums.entry(currency).or_insert_with(|| {
            let (name, formula) = match payment.refund {
                false => ("amount", format!("the amounts of the payee's payments in {currency}")),
                true => {
                    ("refunded", format!("the amounts of the payee's refunds in {currency}, below nought"))
                }
            };
            sheet.open(format!("{prefix}/{name}/{currency}"), Unit::Money(currency), formula)
        });
        sheet.add(sum, payment.seq, payment.minor);
    }

    /// Tells them, and adds them to those of the message where the payee stands in it.
    pub fn close(self, mut totals: Option<&mut Totals>, sheet: &mut Sheet) {
        let Self { prefix, path, payments, refunds, paid, refunded } = self;
        for (refund, name, leaf) in [(false, "payments", Some(payments)), (true, "refunds", refunds)] {
            let Some(leaf) = leaf else { continue };
            let value = close(leaf, &format!("{prefix}/{name}"), count(&path, refund), sheet);
            if let Some(totals) = &mut totals {
                totals.number(refund, value);
            }
        }
        for (refund, name, sums) in [(false, "amount", paid), (true, "refunded", refunded)] {
            for (currency, leaf) in sums {
                let name = format!("{prefix}/{name}/{currency}");
                let value = close(leaf, &name, sum(&path, refund, currency), sheet);
                if let Some(totals) = &mut totals {
                    totals.amount(refund, currency, value);
                }
            }
        }
    }
}
