//! The second reading of a file: its records are delivered, a portion at a time.

use std::{collections::HashSet, time::Duration};

use super::{
    Receiver, Trouble,
    examine::FINDINGS_MAX,
    finding::IntakeFinding,
    portions::{Described, Portions},
};
use crate::{
    domain::{Finding, IntakeId, Source, Tenant, Text},
    intake::{Item, Pulled, Record, Statement},
    ledger::{
        By, RecordError,
        command::{Delivered, Delivery},
    },
    store::{
        StoreError, accounts, intake_findings,
        intakes::{self, Intake, Progress},
        statements,
    },
};

/// Pauses before a portion is delivered again.
const PAUSES_MS: [u64; 8] = [50, 200, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000];

/// Stores a file's records, but those that were refused in examining it, from where it was left; why not, in
/// words, when something came in between.
pub(super) async fn store(
    receiver: &Receiver,
    tenant: Tenant,
    id: IntakeId,
    described: &Described,
    (sha256, refused, resumed): (&Text<64>, &[u64], bool),
) -> Result<Result<(), &'static str>, Trouble> {
    let mut reader = receiver.db.read(tenant).await?;
    let row = intakes::get(&mut reader, tenant, id).await?.ok_or(StoreError::RowNotFound)?;
    drop(reader);
    let mut progress = Progress { delivered: row.delivered, added: row.added, unchanged: row.unchanged };
    let Ok(mut portions) = Portions::open(described.clone()).await? else {
        return Err(Trouble::Damaged("a file that was examined cannot be opened".to_owned()));
    };
    let (mut read, mut number) = (0, 0);
    let mut found = row.faults + row.breaks;
    // What the portion that was under way had stored already is not told apart from what was there before, but
    // by its seq.
    let mut is_resumed = resumed;
    loop {
        receiver.go_on()?;
        let (rest, portion) = portions.next().await?;
        portions = rest;
        if portion.is_empty() {
            return Ok(Ok(()));
        }
        let mut records = Vec::new();
        let mut ended = Vec::new();
        for pulled in portion {
            match pulled {
                Pulled::Record(record) => {
                    read += 1;
                    if read > row.delivered && refused.binary_search(&read.unsigned_abs()).is_err() {
                        records.push(record);
                    }
                }
                Pulled::Statement(statement) => {
                    number += 1;
                    ended.extend(statement_row(number, &statement));
                }
                Pulled::Finding(_) => {}
            }
        }
        progress.delivered = progress.delivered.max(read);
        let (mut between, mut findings) = (false, Vec::new());
        if !records.is_empty() {
            let items = items(receiver, tenant, records, sha256).await?;
            match deliver(receiver, tenant, &row, items).await? {
                Ok(delivered) => {
                    count(&mut progress, &delivered, row.seq.filter(|_| is_resumed));
                    findings = delivered.findings;
                }
                Err(refused) => (between, findings) = (true, refused),
            }
            is_resumed = false;
        }
        let faults = i64::try_from(findings.len()).unwrap_or(i64::MAX);
        let findings = rows(&mut found, &findings);
        receiver
            .note(tenant, move |connection, tenant| {
                Box::pin(async move {
                    // Another process may have ended it, taking this one for gone.
                    if !between && intakes::advance(connection, tenant, id, progress).await? == 0 {
                        return Err(RecordError::Conflict(super::ENDED));
                    }
                    intake_findings::insert(connection, tenant, id, &findings).await?;
                    intakes::refused(connection, tenant, id, faults).await?;
                    if between {
                        return Ok(());
                    }
                    Ok(statements::insert(connection, tenant, id, &ended).await?)
                })
            })
            .await?;
        if between {
            return Ok(Err("another delivery came in between; what was added stays"));
        }
    }
}

/// Findings as they are kept, with the numbers after those that there are, as long as there is room.
pub(super) fn rows(found: &mut i64, findings: &[Finding]) -> Vec<intake_findings::Row> {
    let mut rows = Vec::new();
    for finding in findings {
        *found += 1;
        if usize::try_from(*found).is_ok_and(|number| number <= FINDINGS_MAX)
            && let Ok(finding) = serde_json::to_string(&IntakeFinding::from(finding.clone()))
        {
            rows.push(intake_findings::Row { number: *found, finding });
        }
    }
    rows
}

fn count(progress: &mut Progress, delivered: &Delivered, since: Option<i64>) {
    for record in delivered.records.iter().filter(|record| record.kind == "transaction") {
        let is_ours = record.added || since.is_some_and(|since| record.seq > since.unsigned_abs());
        if is_ours {
            progress.added += 1;
        } else {
            progress.unchanged += 1;
        }
    }
}

/// Records as the recorder takes them: each with its source. What is said of an account that is known by then is
/// left out: it does not change what the account was opened as.
async fn items(
    receiver: &Receiver,
    tenant: Tenant,
    records: Vec<Record>,
    sha256: &Text<64>,
) -> Result<Vec<(u64, Item)>, Trouble> {
    let named: Vec<(Tenant, &str)> = records
        .iter()
        .filter_map(|record| match &record.item {
            Item::Account(account) => Some((tenant, account.reference.as_str())),
            Item::Transaction(_) => None,
        })
        .collect();
    let mut known = HashSet::new();
    if !named.is_empty() {
        let mut reader = receiver.db.read(tenant).await?;
        known.extend(accounts::by_reference(&mut reader, &named).await?.into_iter().map(|row| row.reference));
    }
    let kept = records.into_iter().filter_map(|Record { line, offset, item }| match item {
        Item::Account(account) if !known.insert(account.reference.to_string()) => None,
        Item::Transaction(mut new) => {
            if !known.contains(new.account.as_str()) {
                known.insert(new.account.to_string());
            }
            new.source = Some(Source::new(sha256, line, offset));
            Some((line, Item::Transaction(new)))
        }
        account => Some((line, account)),
    });
    Ok(kept.collect())
}

/// Delivers a portion, again and again while the ledger can't be written; what was found when all of it was
/// refused.
async fn deliver(
    receiver: &Receiver,
    tenant: Tenant,
    row: &Intake,
    items: Vec<(u64, Item)>,
) -> Result<Result<Delivered, Vec<Finding>>, Trouble> {
    let mut pauses = PAUSES_MS.into_iter();
    loop {
        let by = By { actor: row.actor.clone(), request: None };
        let delivery = Delivery { by, items: items.clone(), skip: row.skips != 0, idempotency: None };
        match receiver.recorder.deliver(tenant, delivery).await {
            Ok(delivered) => return Ok(Ok(delivered)),
            Err(RecordError::Refused(findings)) => {
                tracing::warn!(finding = ?findings.first().map(|finding| finding.code.clone()), "a portion of an intake was refused");
                return Ok(Err(findings));
            }
            Err(error @ (RecordError::Busy | RecordError::Unavailable(_))) => {
                receiver.go_on()?;
                let Some(pause_ms) = pauses.next() else { return Err(error.into()) };
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn statement_row(number: i64, statement: &Statement) -> Option<statements::Row> {
    let closing = statement.final_balance()?;
    Some(statements::Row {
        number,
        account: statement.account.clone(),
        statement: statement.id.clone(),
        currency: closing.currency.code().to_owned(),
        closing_minor: closing.minor,
        closing_date: closing.date.to_string(),
    })
}
