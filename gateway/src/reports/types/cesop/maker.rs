//! Makes a message, payee by payee. One payee's payments are held at a time, and only until they exceed the
//! threshold; of those that are written, the identifiers are held until the payee ends.

use std::collections::{BTreeMap, HashSet};

use uuid::Uuid;

use super::{
    METHOD, NAME_CHARS_MAX,
    document::{DocType, Elements, Head, MessageType},
    earlier,
    location::{Country, bic_country},
    payee::{Figures, Part, Payee},
    payment::{Class, Payment, classify, collapse},
    rules::{self, error, warning},
    totals::{PAYMENTS, Totals, close},
};
use crate::{
    domain::{Account, Transaction},
    reports::{Basis, Leaf, ProduceError, Producer, Recorded, Sheet, VersionKind},
};

/// As many payments a quarter need not be reported (Article 243b(2)).
const THRESHOLD: u64 = 25;

/// Payments to accounts of one name.
#[derive(Default)]
struct Namesakes {
    accounts: u64,
    payments: u64,
    below: bool,
}

/// Makes a message.
pub struct Maker {
    basis: Basis,
    kind: VersionKind,
    head: Head,
    headed: bool,
    method: String,
    psp: Country,
    /// The payees that were sent, and the version of each.
    sent: BTreeMap<String, u32>,
    /// Those of them whose accounts have not been shown yet.
    unseen: BTreeMap<String, u32>,
    open: Option<Payee>,
    unlocated: Option<Leaf>,
    totals: Totals,
    names: BTreeMap<String, Namesakes>,
}

/// A payee's part of the seed of its `DocRefId`.
fn part(account: &str) -> String {
    format!("payee/{account}")
}

impl Maker {
    /// The maker of a version; the parameters were checked.
    pub fn new(basis: &Basis) -> Self {
        let sent = earlier::sent(basis);
        let kind = match basis.kind {
            VersionKind::Correction if sent.is_empty() => VersionKind::New,
            kind => kind,
        };
        let parameter = |name| basis.parameter(name).unwrap_or_default().to_owned();
        let psp_bic = parameter("psp_bic");
        let told = Country::parse(&parameter("transmitting_country"));
        let country = told.or_else(|| bic_country(&psp_bic)).expect("the parameters were checked");
        let name = basis.parameter("psp_name").unwrap_or(&basis.institution);
        let before = basis.supersedes.unwrap_or(basis.number.saturating_sub(1));
        let psp = bic_country(&psp_bic).unwrap_or(country);
        let head = Head {
            transmitting_country: country.code().to_owned(),
            id: basis.id(basis.number, "message"),
            corrects: basis.id(before, "message"),
            quarter: (basis.period.first.month() + 2) / 3,
            year: basis.period.first.year(),
            at: basis.ordered_at,
            psp_name: collapse(name),
            psp_bic,
        };
        Self {
            basis: basis.clone(),
            kind,
            psp,
            head,
            headed: false,
            method: basis.parameter("payment_method").unwrap_or(METHOD).to_owned(),
            unseen: sent.clone(),
            sent,
            open: None,
            unlocated: None,
            totals: Totals::default(),
            names: BTreeMap::new(),
        }
    }

    fn doc_ref(&self, number: u32, account: &str) -> Uuid {
        self.basis.id(number, &part(account))
    }

    /// The message's head, once.
    fn begin(&mut self, of: MessageType, sheet: &mut Sheet) -> Result<(), ProduceError> {
        if self.headed {
            return Ok(());
        }
        self.headed = true;
        rules::message(&self.basis, sheet);
        let name = &self.head.psp_name;
        if name.chars().count() > NAME_CHARS_MAX || !rules::fits(name) {
            let detail = format!("the institution's name is none of 1 to {NAME_CHARS_MAX} characters");
            error(sheet, "psp_name", "psp_name", None, detail);
        }
        Ok(Elements::new(sheet).head(&self.head, of)?)
    }

    /// What becomes of a payee, now that it exceeded the threshold.
    fn exceed(&mut self, payee: &mut Payee, seq: u64, sheet: &mut Sheet) -> Result<(), ProduceError> {
        let account = payee.reference.clone();
        let of = match (self.kind, payee.sent) {
            (VersionKind::New, None) => DocType::New,
            (VersionKind::Correction, Some(number)) => DocType::Corrected(self.doc_ref(number, &account)),
            (VersionKind::New, Some(number)) => {
                payee.part = self.carry(payee, number, sheet);
                return Ok(());
            }
            (kind, _) => {
                payee.held = Vec::new();
                payee.part = Part::LeftOut;
                left_out(kind, &account, seq, sheet);
                return Ok(());
            }
        };
        let message = match of {
            DocType::New => MessageType::New,
            _ => MessageType::Correction,
        };
        self.begin(message, sheet)?;
        rules::payee(&payee.party, payee.named, sheet);
        Elements::new(sheet).payee(&payee.party)?;
        self.totals.payee(seq, sheet);
        let id = self.doc_ref(self.basis.number, &account);
        let mut figures = Figures::open(&account, None, id, sheet);
        for payment in std::mem::take(&mut payee.held) {
            self.write(&payment, &account, &mut payee.seen, &mut figures, sheet)?;
        }
        payee.part = Part::Written(figures, of);
        Ok(())
    }

    fn carry(&self, payee: &mut Payee, number: u32, sheet: &mut Sheet) -> Part {
        let account = &payee.reference;
        let mut figures = Figures::open(account, Some(number), self.doc_ref(number, account), sheet);
        for payment in std::mem::take(&mut payee.held) {
            figures.add(&payment, sheet);
        }
        Part::Carried(figures)
    }

    fn write(
        &self,
        payment: &Payment,
        account: &str,
        seen: &mut HashSet<String>,
        figures: &mut Figures,
        sheet: &mut Sheet,
    ) -> Result<(), ProduceError> {
        let amount = rules::payment(payment, account, self.basis.period, seen, sheet);
        figures.add(payment, sheet);
        let method = payment.method.unwrap_or(&self.method);
        Ok(Elements::new(sheet).payment(payment, &amount, method)?)
    }

    /// Ends the payee that is open.
    fn end_payee(&mut self, sheet: &mut Sheet) -> Result<(), ProduceError> {
        let Some(mut payee) = self.open.take() else { return Ok(()) };
        self.look_at(&payee, sheet);
        let account = payee.reference.clone();
        match (std::mem::replace(&mut payee.part, Part::LeftOut), self.kind, payee.sent) {
            (Part::Written(figures, of), ..) => {
                let id = self.doc_ref(self.basis.number, &account);
                Elements::new(sheet).payee_end(id, of)?;
                figures.close(Some(&mut self.totals), sheet);
            }
            (Part::Carried(figures), ..) => figures.close(None, sheet),
            (Part::Below, VersionKind::New, Some(number)) => {
                let detail =
                    format!("version {number} reported it, and it no longer exceeds the threshold: correct");
                warning(sheet, "payee_to_be_deleted", &account, None, detail);
                if let Part::Carried(figures) = self.carry(&mut payee, number, sheet) {
                    figures.close(None, sheet);
                }
            }
            (Part::Below, VersionKind::Correction, Some(number))
            | (_, VersionKind::Cancellation, Some(number)) => self.delete(&payee, number, sheet)?,
            // The figures of the version withdrawn are not at hand: its records say who was in it.
            (Part::LeftOut, VersionKind::Cancellation, None) if self.sent.is_empty() => {
                let number = self.basis.supersedes.unwrap_or(self.basis.number.saturating_sub(1));
                self.delete(&payee, number, sheet)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Deletes a payee that a version sent.
    fn delete(&mut self, payee: &Payee, number: u32, sheet: &mut Sheet) -> Result<(), ProduceError> {
        let account = &payee.reference;
        self.begin(MessageType::Correction, sheet)?;
        let (id, before) = (self.doc_ref(self.basis.number, account), self.doc_ref(number, account));
        let mut elements = Elements::new(sheet);
        elements.payee(&payee.party)?;
        Ok(elements.payee_end(id, DocType::Deleted(before))?)
    }

    /// What somebody should look at about a payee, whatever becomes of it.
    fn look_at(&mut self, payee: &Payee, sheet: &mut Sheet) {
        if self.kind == VersionKind::Cancellation {
            return;
        }
        if let Some((count, seq)) = payee.unlocated {
            let detail = format!(
                "{count} credits, from this one on, have neither an IBAN nor a BIC of their payer: not counted"
            );
            warning(sheet, "payer_not_located", &payee.reference, Some(seq), detail);
        }
        if payee.named && payee.count > 0 {
            let namesakes = self.names.entry(payee.party.name.clone()).or_default();
            namesakes.accounts += 1;
            namesakes.payments += payee.count;
            namesakes.below |= payee.count <= THRESHOLD;
        }
    }

    /// The end of a document in which no payee stands.
    fn nobody(&mut self, sheet: &mut Sheet) -> Result<(), ProduceError> {
        if self.headed {
            return Ok(());
        }
        match self.kind {
            VersionKind::Cancellation | VersionKind::Correction => {
                let detail = "no payee was reported: there is nothing to withdraw".to_owned();
                error(sheet, "nothing_to_withdraw", "message", None, detail);
                self.begin(MessageType::Correction, sheet)
            }
            VersionKind::New if !self.sent.is_empty() => {
                let detail = "each payee was sent before: there is no new data".to_owned();
                error(sheet, "no_new_data", "message", None, detail);
                self.begin(MessageType::Nothing, sheet)
            }
            VersionKind::NothingToReport if !self.sent.is_empty() => {
                let detail = "payees were sent before: cancel that version".to_owned();
                error(sheet, "payees_were_sent", "message", None, detail);
                self.begin(MessageType::Nothing, sheet)
            }
            VersionKind::New | VersionKind::NothingToReport => self.begin(MessageType::Nothing, sheet),
        }
    }

    fn classified(
        &mut self,
        seq: u64,
        transaction: &Transaction,
        payee: &mut Payee,
        sheet: &mut Sheet,
    ) -> Result<(), ProduceError> {
        let payment = match classify(seq, transaction, payee.party.country) {
            Class::Reportable(payment) => *payment,
            Class::Unlocated if self.kind != VersionKind::Cancellation => {
                payee.unlocated = Some(payee.unlocated.map_or((1, seq), |(count, first)| (count + 1, first)));
                let formula = "credits that have neither an IBAN nor a BIC of their payer";
                let open = |sheet: &mut Sheet| sheet.open("unlocated/payments", PAYMENTS, formula);
                let leaf = self.unlocated.get_or_insert_with(|| open(sheet));
                sheet.add(leaf, seq, 1);
                return Ok(());
            }
            Class::Unlocated | Class::Other => return Ok(()),
        };
        payee.count += u64::from(!payment.refund);
        match &mut payee.part {
            Part::Below => {
                payee.held.push(payment);
                if payee.count > THRESHOLD {
                    return self.exceed(payee, seq, sheet);
                }
            }
            Part::Written(figures, _) => {
                return self.write(&payment, &payee.reference, &mut payee.seen, figures, sheet);
            }
            Part::Carried(figures) => figures.add(&payment, sheet),
            Part::LeftOut => {}
        }
        Ok(())
    }
}

/// Says why a payee that exceeds the threshold does not stand in the message.
fn left_out(kind: VersionKind, account: &str, seq: u64, sheet: &mut Sheet) {
    match kind {
        VersionKind::NothingToReport => {
            let detail =
                format!("the payee has more than {THRESHOLD} payments: there is something to report");
            error(sheet, "something_to_report", account, Some(seq), detail);
        }
        VersionKind::Correction => {
            let detail = "the payee was not sent before, and a correction can't have new data: it is to be sent \
                          by a version of new data";
            warning(sheet, "10080", account, Some(seq), detail.to_owned());
        }
        VersionKind::New | VersionKind::Cancellation => {}
    }
}

impl Producer for Maker {
    fn account(&mut self, account: &Account, sheet: &mut Sheet) -> Result<(), ProduceError> {
        self.end_payee(sheet)?;
        let mut payee = Payee::new(account, self.psp);
        payee.sent = self.sent.get(&payee.reference).copied();
        self.unseen.remove(&payee.reference);
        self.open = Some(payee);
        Ok(())
    }

    fn transaction(&mut self, recorded: Recorded<'_>, sheet: &mut Sheet) -> Result<(), ProduceError> {
        let Some(mut payee) = self.open.take() else { return Ok(()) };
        let done = self.classified(recorded.seq, recorded.transaction, &mut payee, sheet);
        self.open = Some(payee);
        done
    }

    fn finish(&mut self, sheet: &mut Sheet) -> Result<(), ProduceError> {
        self.end_payee(sheet)?;
        for (account, number) in std::mem::take(&mut self.unseen) {
            let detail = "the account of a payee that was sent is no longer among the records";
            warning(sheet, "account_gone", &account, None, detail.to_owned());
            self.open = Some(Payee::vanished(&account, number, self.psp));
            self.end_payee(sheet)?;
        }
        self.nobody(sheet)?;
        Elements::new(sheet).foot()?;
        for (name, namesakes) in std::mem::take(&mut self.names) {
            if namesakes.accounts > 1 && namesakes.below && namesakes.payments > THRESHOLD {
                let detail = format!(
                    "{} accounts of this name have {} payments together: if they are one payee's, report them \
                     together",
                    namesakes.accounts, namesakes.payments
                );
                warning(sheet, "accounts_of_one_name", &name, None, detail);
            }
        }
        if let Some(leaf) = self.unlocated.take() {
            close(leaf, "unlocated/payments", "not in the document".to_owned(), sheet);
        }
        std::mem::take(&mut self.totals).finish(sheet);
        Ok(())
    }
}
