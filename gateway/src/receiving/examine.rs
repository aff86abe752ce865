//! The first reading of a file: everything that would keep a record from being stored, and every statement that
//! does not add up, before anything is stored.
//!
//! What is refused here is not delivered, so that a dry run says what storing does. An account is what its first
//! mention in the file makes it, unless it is there; what is said of it later, or otherwise, changes nothing.

use std::collections::HashMap;

use super::{
    Receiver, Trouble,
    finding::IntakeFinding,
    portions::{Described, Portions},
    repeats::{Conflicts, Repeats, short},
};
use crate::{
    domain::{AccountId, Currency, Finding, NewTransaction, Tenant, TransactionId},
    intake::{Item, Pulled, Record, Stated, Statement},
    ledger::again::{Existing, nothing_to_revise, other_currency},
    store::{accounts, intake_findings, intakes::Counts, statements, transactions},
};

/// Findings that are kept; more are counted.
pub(super) const FINDINGS_MAX: usize = 10_000;
/// Accounts of a file whose last balance is remembered; others are held against the store alone.
const CLOSINGS_MAX: usize = 10_000;

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Examination {
    pub(super) counts: Counts,
    pub(super) findings: Vec<intake_findings::Row>,
    /// Whether reading ended before the file did.
    pub(super) broke_off: bool,
    /// The records that are refused, by their number in the file, in order.
    pub(super) refused: Vec<u64>,
}

/// An examination under way.
struct Examiner<'a> {
    receiver: &'a Receiver,
    tenant: Tenant,
    found: Examination,
    /// Records that were read.
    read: u64,
    repeats: Repeats,
    /// By a digest of its reference, what a new account is kept in.
    new_accounts: HashMap<u64, Currency>,
    /// By account and currency, how its last statement ended.
    closings: HashMap<(String, Currency), Stated>,
}

impl Examination {
    fn take(&mut self, finding: impl Into<IntakeFinding>) {
        let number = self.counts.faults + self.counts.breaks;
        if self.findings.len() < FINDINGS_MAX
            && let Ok(finding) = serde_json::to_string(&finding.into())
        {
            self.findings.push(intake_findings::Row { number, finding });
        }
    }

    fn fault(&mut self, finding: Finding) {
        self.counts.faults += 1;
        self.broke_off |= finding.ends_reading();
        self.take(finding);
    }
}

/// Reads a file and stores nothing of it.
pub(super) async fn examine(
    receiver: &Receiver,
    tenant: Tenant,
    described: &Described,
) -> Result<Examination, Trouble> {
    let mut examiner = Examiner {
        receiver,
        tenant,
        found: Examination::default(),
        read: 0,
        repeats: Repeats::default(),
        new_accounts: HashMap::new(),
        closings: HashMap::new(),
    };
    let mut portions = match Portions::open(described.clone()).await? {
        Ok(portions) => portions,
        Err(findings) => {
            findings.into_iter().for_each(|finding| examiner.found.fault(finding));
            return Ok(examiner.found);
        }
    };
    loop {
        receiver.go_on()?;
        let (rest, portion) = portions.next().await?;
        portions = rest;
        if portion.is_empty() {
            break;
        }
        examiner.portion(portion).await?;
        // What is refused counts too: its number is kept.
        if usize::try_from(examiner.read).is_ok_and(|read| read > receiver.limits.records_max) {
            let detail = format!("a file has at most {} records", receiver.limits.records_max);
            examiner.found.fault(Finding::on_line(1, "too_many_records", detail));
            examiner.found.broke_off = true;
            return Ok(examiner.found);
        }
    }
    let Examiner { mut found, read, repeats, .. } = examiner;
    if found.counts == Counts::default() && read == 0 {
        found.fault(Finding::on_line(1, "no_records", "the file has no record"));
    }
    let conflicts = repeats.conflicts();
    if !conflicts.is_empty() {
        name_conflicts(receiver, described, conflicts, &mut found).await?;
        found.refused.sort_unstable();
    }
    Ok(found)
}

/// Reads a file again, for the lines of what stands in it more than once.
async fn name_conflicts(
    receiver: &Receiver,
    described: &Described,
    mut conflicts: Conflicts,
    found: &mut Examination,
) -> Result<(), Trouble> {
    let Ok(mut portions) = Portions::open(described.clone()).await? else { return Ok(()) };
    let (mut number, refused) = (0, found.refused.clone());
    loop {
        receiver.go_on()?;
        let (rest, portion) = portions.next().await?;
        portions = rest;
        if portion.is_empty() {
            return Ok(());
        }
        for pulled in portion {
            let Pulled::Record(Record { line, item, .. }) = pulled else { continue };
            number += 1;
            let Item::Transaction(new) = item else { continue };
            // What is refused already stands for nothing.
            if refused.binary_search(&number).is_err() && conflicts.is_other(&new) {
                found.counts.records -= 1;
                found.refused.push(number);
                found.fault(conflict(line, &new));
            }
        }
    }
}

fn conflict(line: u64, new: &NewTransaction) -> Finding {
    let detail =
        format!("transaction {:?} stands in the file before, with other content", new.reference.as_str());
    Finding::at(line, "/reference", "reference_conflict", detail)
}

impl Examiner<'_> {
    async fn portion(&mut self, portion: Vec<Pulled>) -> Result<(), Trouble> {
        let records: Vec<&Record> = portion
            .iter()
            .filter_map(|pulled| if let Pulled::Record(record) = pulled { Some(record) } else { None })
            .collect();
        let faults = self.against_the_store(&records).await?;
        let mut faults = faults.into_iter();
        for pulled in &portion {
            match pulled {
                Pulled::Finding(finding) => self.found.fault(finding.clone()),
                Pulled::Statement(statement) => self.statement(statement).await?,
                Pulled::Record(record) => {
                    self.read += 1;
                    match faults.next().flatten() {
                        Some(finding) => {
                            self.found.refused.push(self.read);
                            self.found.fault(finding);
                        }
                        None => {
                            if let Item::Transaction(new) = &record.item {
                                self.found.counts.records += 1;
                                self.repeats.note(new);
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// What the store has against each of these records.
    async fn against_the_store(&mut self, records: &[&Record]) -> Result<Vec<Option<Finding>>, Trouble> {
        let mut wanted_accounts = Vec::new();
        let mut wanted = Vec::new();
        for record in records {
            if let Item::Transaction(new) = &record.item {
                wanted_accounts.push((self.tenant, new.account.as_str()));
                wanted.push((self.tenant, new.reference.as_str()));
            }
        }
        for list in [&mut wanted_accounts, &mut wanted] {
            list.sort_unstable();
            list.dedup();
        }
        let mut reader = self.receiver.db.read(self.tenant).await?;
        let accounts = accounts::by_reference(&mut reader, &wanted_accounts).await?;
        let mut stored = transactions::by_reference(&mut reader, &wanted).await?;
        drop(reader);
        let accounts: HashMap<_, _> = accounts
            .into_iter()
            .map(|row| (row.reference, (AccountId::from_uuid(row.id), row.currency)))
            .collect();
        let mut known: HashMap<String, Existing> = HashMap::new();
        stored.sort_unstable_by_key(|row| row.version);
        for row in stored {
            let id = TransactionId::from_uuid(row.id);
            known.entry(row.reference.clone()).or_insert_with(|| Existing::new(id)).learn(row);
        }
        let mut faults = Vec::with_capacity(records.len());
        for record in records {
            let new = match &record.item {
                Item::Transaction(new) => new,
                Item::Account(account) => {
                    self.new_account(account.reference.as_str(), account.currency);
                    faults.push(None);
                    continue;
                }
            };
            let account = accounts.get(new.account.as_str());
            let account = account.map(|(id, currency)| (*id, currency.as_str()));
            faults.push(match known.get(new.reference.as_str()) {
                Some(existing) => existing.judge(account, record.line, new).err(),
                None if new.revision.is_some() => Some(nothing_to_revise(record.line, new)),
                None => self.other_currency(record.line, new, account.map(|(_, currency)| currency)),
            });
        }
        Ok(faults)
    }

    /// Remembers what an account will be kept in, unless that is settled.
    fn new_account(&mut self, reference: &str, currency: Currency) {
        self.new_accounts.entry(short(reference.as_bytes())).or_insert(currency);
    }

    /// A transaction in another currency than its account's.
    fn other_currency(&mut self, line: u64, new: &NewTransaction, kept_in: Option<&str>) -> Option<Finding> {
        let own = new.amount.currency();
        let kept_in = match kept_in {
            Some(code) => code.to_owned(),
            None => {
                let account = short(new.account.as_str().as_bytes());
                match self.new_accounts.get(&account) {
                    Some(currency) => currency.code().to_owned(),
                    None => {
                        self.new_account(new.account.as_str(), own);
                        return None;
                    }
                }
            }
        };
        (kept_in != own.code()).then(|| other_currency(line, &new.account, &kept_in))
    }

    /// Checks a statement by itself, and against the one before it in the file or, for the first of an account,
    /// in the store.
    async fn statement(&mut self, statement: &Statement) -> Result<(), Trouble> {
        self.found.counts.statements += 1;
        let mut breaks: Vec<_> = statement.check().into_iter().collect();
        if let Some(opening) = statement.opening {
            let key = (statement.account.clone(), opening.currency);
            let before = match self.closings.get(&key) {
                Some(closing) => Some(*closing),
                None => self.closing_before(statement, opening).await?,
            };
            breaks.extend(before.and_then(|before| statement.check_after(before)));
        }
        if let Some(closing) = statement.final_balance() {
            let key = (statement.account.clone(), closing.currency);
            if self.closings.len() < CLOSINGS_MAX || self.closings.contains_key(&key) {
                self.closings.insert(key, closing);
            }
        }
        for found in breaks {
            self.found.counts.breaks += 1;
            self.found.take(found);
        }
        Ok(())
    }

    async fn closing_before(
        &self,
        statement: &Statement,
        opening: Stated,
    ) -> Result<Option<Stated>, Trouble> {
        let mut reader = self.receiver.db.read(self.tenant).await?;
        let named = (statement.account.as_str(), opening.currency.code(), statement.id.as_str());
        let row = statements::last_before(&mut reader, self.tenant, named, &opening.date.to_string()).await?;
        Ok(row.map(|row| Stated { minor: row.closing_minor, ..opening }))
    }
}
