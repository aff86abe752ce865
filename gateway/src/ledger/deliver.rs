//! Deliveries: accounts and transactions, stored once however often they are sent.
//!
//! A record's reference is its identity. One that is there with the same content is left alone;
//! one with other content is refused, and so is, by default, all that came with it. A transaction is
//! changed by a line that says so, and when what was pending is booked (see [`again`](super::again)): its revision
//! becomes the next version, beside the ones before.

use std::{borrow::Cow, collections::HashMap};

use veritrail_audit::{Kind, Subject};

use serde::de::DeserializeOwned;

use super::{
    again::{Existing, Known, Said, conflict, nothing_to_revise, other_currency, said_after},
    batch::Batch,
    command::{By, Delivered, DeliveredRecord, Delivery, Job, RecordError},
    log::{Draft, KnownAccount, signed, unavailable},
};
use crate::{
    domain::{
        Tenant,
        account::{Account, NewAccount},
        finding::Finding,
        id::{AccountId, InstitutionId, TransactionId},
        transaction::{NewRevision, NewTransaction, Transaction, Version},
    },
    intake::Item,
    store::{accounts, idempotency, transactions},
    world,
};

/// What to do with one delivered record.
#[expect(clippy::large_enum_variant, reason = "nearly all steps add: a box for each would be for nothing")]
enum Step {
    Add(u64, Item),
    /// The same record was there before.
    Keep(DeliveredRecord),
    /// The same record comes earlier in this delivery, as its step of that number.
    Repeat(u64, usize),
}

impl Batch<'_> {
    /// Looks up all references that this batch's deliveries name.
    pub(super) async fn prefetch(&mut self, jobs: &[Job]) -> Result<(), RecordError> {
        let mut wanted_accounts: Vec<(Tenant, &str)> = Vec::new();
        let mut wanted_transactions: Vec<(Tenant, &str)> = Vec::new();
        for job in jobs {
            let Job::Deliver(tenant, delivery, _) = job else { continue };
            let Some(log) = self.logs.get(tenant) else { continue };
            for (_, item) in &delivery.items {
                let account = match item {
                    Item::Account(account) => &account.reference,
                    Item::Transaction(transaction) => {
                        wanted_transactions.push((*tenant, &transaction.reference));
                        &transaction.account
                    }
                };
                if !log.open.accounts.contains_key(account.as_str()) {
                    wanted_accounts.push((*tenant, account));
                }
            }
        }
        for wanted in [&mut wanted_accounts, &mut wanted_transactions] {
            wanted.sort_unstable();
            wanted.dedup();
        }
        self.fetch_accounts(&wanted_accounts).await?;
        self.fetch_transactions(&wanted_transactions).await
    }

    async fn fetch_accounts(&mut self, wanted: &[(Tenant, &str)]) -> Result<(), RecordError> {
        if wanted.is_empty() {
            return Ok(());
        }
        for row in accounts::by_reference(self.connection, wanted).await.map_err(unavailable)? {
            let id = AccountId::from_uuid(row.id);
            let log = self.open_log(Tenant::vouched(InstitutionId::from_uuid(row.institution_id)))?;
            let (seq, currency, payload) = (row.seq.unsigned_abs(), row.currency, row.payload);
            log.open.know_account(row.reference, KnownAccount { id, seq, currency, payload });
        }
        Ok(())
    }

    async fn fetch_transactions(&mut self, wanted: &[(Tenant, &str)]) -> Result<(), RecordError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let mut rows = transactions::by_reference(self.connection, wanted).await.map_err(unavailable)?;
        rows.sort_unstable_by_key(|row| row.version);
        for row in rows {
            let log = self.open_log(Tenant::vouched(InstitutionId::from_uuid(row.institution_id)))?;
            let id = TransactionId::from_uuid(row.id);
            log.known.entry(row.reference.clone()).or_insert_with(|| Existing::new(id)).learn(row);
        }
        Ok(())
    }

    /// The outcome that was given under this key before, if any.
    pub(super) async fn first_answer<T: DeserializeOwned>(
        &mut self,
        tenant: Tenant,
        key: Option<&idempotency::Key>,
    ) -> Result<Option<T>, RecordError> {
        let Some(key) = key else { return Ok(None) };
        let same = |other: &idempotency::Key| {
            other.actor == key.actor && other.route == key.route && other.key == key.key
        };
        let earlier = self.first_answers.iter().find(|(owner, other, _)| *owner == tenant && same(other));
        let (body_sha256, outcome) = match earlier {
            Some((_, other, outcome)) => (other.body_sha256.to_vec(), outcome.clone()),
            None => match idempotency::get(self.connection, tenant, key).await.map_err(unavailable)? {
                Some(first) => (first.body_sha256, first.outcome),
                None => return Ok(None),
            },
        };
        if body_sha256 != key.body_sha256 {
            return Err(RecordError::KeyReused);
        }
        // Another version may have written it. That is for who sent the key alone: others go on.
        let unreadable = "the first answer under this Idempotency-Key can't be told again";
        serde_json::from_str(&outcome).map(Some).map_err(|_| RecordError::Conflict(unreadable))
    }

    pub(super) async fn deliver(
        &mut self,
        tenant: Tenant,
        delivery: Delivery,
    ) -> Result<Delivered, RecordError> {
        if let Some(first) = self.first_answer::<Delivered>(tenant, delivery.idempotency.as_ref()).await? {
            return Ok(Delivered { replayed: true, ..first });
        }
        let (steps, findings) = self.judge(tenant, delivery.items)?;
        if !findings.is_empty() && !delivery.skip {
            return Err(RecordError::Refused(findings));
        }
        let mut records: Vec<DeliveredRecord> = Vec::with_capacity(steps.len());
        for step in steps {
            let record = match step {
                Step::Add(line, Item::Account(account)) => {
                    self.add_account(tenant, &delivery.by, line, account)?
                }
                Step::Add(line, Item::Transaction(transaction)) => {
                    self.add_transaction(tenant, &delivery.by, line, transaction)?
                }
                Step::Keep(record) => record,
                Step::Repeat(line, first) => DeliveredRecord { line, added: false, ..records[first].clone() },
            };
            records.push(record);
        }
        let origin = self.open_log(tenant)?.open.origin.clone();
        let delivered = Delivered { origin, records, findings, replayed: false };
        if let Some(key) = delivery.idempotency {
            let outcome = serde_json::to_string(&delivered).map_err(unavailable)?;
            self.first_answers.push((tenant, key, outcome));
        }
        Ok(delivered)
    }

    /// Decides what to do with each record, changing nothing.
    fn judge(
        &mut self,
        tenant: Tenant,
        items: Vec<(u64, Item)>,
    ) -> Result<(Vec<Step>, Vec<Finding>), RecordError> {
        let log = self.open_log(tenant)?;
        let mut steps: Vec<Step> = Vec::with_capacity(items.len());
        let mut findings = Vec::new();
        // Where each new reference stands among the steps.
        let mut new_accounts = NewAccounts::new();
        let mut new_transactions: HashMap<String, usize> = HashMap::new();
        for (line, mut item) in items {
            let judged = match &mut item {
                Item::Account(account) => judge_account(log, &steps, &mut new_accounts, line, account),
                Item::Transaction(transaction) => {
                    judge_transaction(log, &steps, &mut new_accounts, &new_transactions, line, transaction)
                }
            };
            match judged {
                Ok(Some(step)) => steps.push(step),
                Ok(None) => {
                    if let Item::Transaction(transaction) = &item {
                        new_transactions.insert(transaction.reference.to_string(), steps.len());
                    }
                    steps.push(Step::Add(line, item));
                }
                Err(finding) => findings.push(finding),
            }
        }
        Ok((steps, findings))
    }

    fn add_account(
        &mut self,
        tenant: Tenant,
        by: &By,
        line: u64,
        new: NewAccount,
    ) -> Result<DeliveredRecord, RecordError> {
        // A transaction earlier in this delivery may have opened it.
        if let Some(known) = self.open_log(tenant)?.open.accounts.get(new.reference.as_str()) {
            return Ok(kept(line, "account", &new.reference, known.id, known.seq));
        }
        let (ms, random) = world::id_parts(&*self.shared.world);
        let id = AccountId::from_parts(ms, random);
        let (reference, currency) = (new.reference.to_string(), new.currency.code().to_owned());
        let payload = Account::new(id, new).payload();
        let text = id.to_string();
        let subject = Some(Subject { kind: "account", id: &text });
        let seq = self.append(tenant, Draft { kind: Kind::Record, by, subject, payload: payload.clone() })?;
        self.pending.accounts.push(accounts::NewRow {
            tenant,
            id,
            seq: signed(seq),
            reference: reference.clone(),
            currency: currency.clone(),
        });
        let log = self.open_log(tenant)?;
        log.open.know_account(reference.clone(), KnownAccount { id, seq, currency, payload });
        Ok(DeliveredRecord { line, kind: "account".to_owned(), reference, id: text, seq, added: true })
    }

    fn add_transaction(
        &mut self,
        tenant: Tenant,
        by: &By,
        line: u64,
        new: NewTransaction,
    ) -> Result<DeliveredRecord, RecordError> {
        if !self.open_log(tenant)?.open.accounts.contains_key(new.account.as_str()) {
            let opened = NewAccount {
                currency: new.amount.currency(),
                name: None,
                opened_on: None,
                reference: new.account.clone(),
                servicer: None,
            };
            self.add_account(tenant, by, line, opened)?;
        }
        let (ms, random) = world::id_parts(&*self.shared.world);
        let log = self.open_log(tenant)?;
        let account_id = log.open.accounts[new.account.as_str()].id;
        let existing = log.known.get(new.reference.as_str());
        let id = existing.map_or_else(|| TransactionId::from_parts(ms, random), |existing| existing.id);
        let before = existing.and_then(Existing::last).map(|known| known.version);
        let record = Transaction::new(id, account_id, new, before);
        let payload = record.payload();
        let text = id.to_string();
        let subject = Some(Subject { kind: "transaction", id: &text });
        let seq = self.append(tenant, Draft { kind: Kind::Record, by, subject, payload: payload.clone() })?;
        let version = Version { seq, number: before.map_or(1, |before| before.number + 1) };
        let is_reversal = record.is_reversal();
        let reference = record.reference.to_string();
        self.pending.transactions.push(transactions::NewRow {
            tenant,
            seq: signed(seq),
            id,
            account_id,
            reference: reference.clone(),
            booking_date: record.booking_date,
            amount_minor: record.amount.minor(),
            currency: record.amount.currency().code(),
            direction: record.direction.as_str(),
            status: record.status.as_str(),
            version: signed(version.number),
            supersedes: before.map(|before| signed(before.seq)),
            reversed: is_reversal,
            search: transactions::Search::of(&record),
        });
        let known = Known { version, is_reversal, payload };
        let existing = self.open_log(tenant)?.known.entry(reference.clone());
        existing.or_insert_with(|| Existing::new(id)).versions.push(known);
        Ok(DeliveredRecord { line, kind: "transaction".to_owned(), reference, id: text, seq, added: true })
    }
}

/// New accounts of a delivery: the step that adds each (none when a transaction's mention opens it)
/// and its currency.
type NewAccounts = HashMap<String, (Option<usize>, String)>;

/// `Ok(None)` means that the record is new and may be added.
type Judged = Result<Option<Step>, Finding>;

fn judge_account(
    log: &super::batch::BatchLog,
    steps: &[Step],
    new_accounts: &mut NewAccounts,
    line: u64,
    account: &NewAccount,
) -> Judged {
    let conflict = || conflict(line, "account", &account.reference);
    if let Some(known) = log.open.accounts.get(account.reference.as_str()) {
        if Account::new(known.id, account.clone()).payload() != known.payload {
            return Err(conflict());
        }
        return Ok(Some(Step::Keep(kept(line, "account", &account.reference, known.id, known.seq))));
    }
    match new_accounts.get(account.reference.as_str()) {
        None => {
            let currency = account.currency.code().to_owned();
            new_accounts.insert(account.reference.to_string(), (Some(steps.len()), currency));
            Ok(None)
        }
        Some((Some(step), _)) => match &steps[*step] {
            Step::Add(_, Item::Account(first)) if first == account => Ok(Some(Step::Repeat(line, *step))),
            _ => Err(conflict()),
        },
        // A transaction before it opened the account by its name alone.
        Some((None, _)) => Err(conflict()),
    }
}

fn judge_transaction(
    log: &super::batch::BatchLog,
    steps: &[Step],
    new_accounts: &mut NewAccounts,
    new_transactions: &HashMap<String, usize>,
    line: u64,
    transaction: &mut NewTransaction,
) -> Judged {
    if let Some(first) = new_transactions.get(transaction.reference.as_str()) {
        let said = match &steps[*first] {
            Step::Add(_, Item::Transaction(earlier)) => said_after(earlier, transaction),
            _ => None,
        };
        return match said {
            Some(Said::Again(())) => Ok(Some(Step::Repeat(line, *first))),
            Some(Said::Settles) => {
                transaction.revision = Some(NewRevision::settlement());
                Ok(None)
            }
            _ => Err(conflict(line, "transaction", &transaction.reference)),
        };
    }
    let known_account = log.open.accounts.get(transaction.account.as_str());
    if let Some(existing) = log.known.get(transaction.reference.as_str()) {
        let account = known_account.map(|account| (account.id, account.currency.as_str()));
        return Ok(match existing.judge(account, line, transaction)? {
            Said::Again(seq) => {
                Some(Step::Keep(kept(line, "transaction", &transaction.reference, existing.id, seq)))
            }
            Said::Revises => None,
            Said::Settles => {
                transaction.revision = Some(NewRevision::settlement());
                None
            }
        });
    }
    if transaction.revision.is_some() {
        return Err(nothing_to_revise(line, transaction));
    }
    let currency: Option<Cow<'_, str>> = known_account
        .map(|account| Cow::from(&account.currency))
        .or_else(|| new_accounts.get(transaction.account.as_str()).map(|(_, currency)| Cow::from(currency)));
    let own = transaction.amount.currency().code();
    match currency {
        Some(currency) if currency != own => Err(other_currency(line, &transaction.account, &currency)),
        Some(_) => Ok(None),
        None => {
            new_accounts.insert(transaction.account.to_string(), (None, own.to_owned()));
            Ok(None)
        }
    }
}

fn kept(line: u64, kind: &str, reference: &str, id: impl ToString, seq: u64) -> DeliveredRecord {
    let (kind, reference, id) = (kind.to_owned(), reference.to_owned(), id.to_string());
    DeliveredRecord { line, kind, reference, id, seq, added: false }
}
