//! The second reading of a file: its records are delivered, a portion at a time.

use std::{collections::HashSet, time::Duration};

use super::{
    Receiver, Trouble,
    portions::{Described, Portions},
};
use crate::{
    domain::{IntakeId, Source, Tenant, Text},
    intake::{Item, Pulled, Record, Statement},
    ledger::{
        By, RecordError,
        command::{Delivered, Delivery},
    },
    store::{
        StoreError, accounts,
        intakes::{self, Intake, Progress},
        statements,
    },
};

/// Pauses before a portion is delivered again.
const PAUSES_MS: [u64; 8] = [50, 200, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000];

/// Stores a file's records from where it was left; why not, in words, when something came in between.
pub(super) async fn store(
    receiver: &Receiver,
    tenant: Tenant,
    id: IntakeId,
    described: &Described,
    (sha256, resumed): (&Text<64>, bool),
) -> Result<Result<(), &'static str>, Trouble> {
    let mut reader = receiver.db.read(tenant).await?;
    let row = intakes::get(&mut reader, tenant, id).await?.ok_or(StoreError::RowNotFound)?;
    drop(reader);
    let mut progress = Progress { delivered: row.delivered, added: row.added, unchanged: row.unchanged };
    let Ok(mut portions) = Portions::open(described.clone()).await? else {
        return Err(Trouble::Damaged("a file that was examined cannot be opened".to_owned()));
    };
    let (mut read, mut number) = (0, 0);
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
                    if read > row.delivered {
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
        if !records.is_empty() {
            progress.delivered = read;
            let items = items(receiver, tenant, records, sha256).await?;
            match deliver(receiver, tenant, &row, items).await? {
                Ok(delivered) => count(&mut progress, &delivered, row.seq.filter(|_| is_resumed)),
                Err(()) => return Ok(Err("another delivery came in between; what was added stays")),
            }
            is_resumed = false;
        }
        receiver
            .note(tenant, move |connection, tenant| {
                Box::pin(async move {
                    statements::insert(connection, tenant, id, &ended).await?;
                    Ok(intakes::advance(connection, tenant, id, progress).await?)
                })
            })
            .await?;
    }
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

/// Records as the recorder takes them: each with its source, and accounts that are known left out.
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
        // What a statement says about its account does not change what the account was opened as.
        Item::Account(account) if known.contains(account.reference.as_str()) => None,
        Item::Transaction(mut new) => {
            new.source = Some(Source::new(sha256, line, offset));
            Some((line, Item::Transaction(new)))
        }
        account => Some((line, account)),
    });
    Ok(kept.collect())
}

/// Delivers a portion, again and again while the ledger can't be written.
async fn deliver(
    receiver: &Receiver,
    tenant: Tenant,
    row: &Intake,
    items: Vec<(u64, Item)>,
) -> Result<Result<Delivered, ()>, Trouble> {
    let mut pauses = PAUSES_MS.into_iter();
    loop {
        let by = By { actor: row.actor.clone(), request: None };
        let delivery = Delivery { by, items: items.clone(), skip: row.skips != 0, idempotency: None };
        match receiver.recorder.deliver(tenant, delivery).await {
            Ok(delivered) => return Ok(Ok(delivered)),
            Err(RecordError::Refused(findings)) => {
                tracing::warn!(finding = ?findings.first().map(|finding| finding.code.clone()), "a portion of an intake was refused");
                return Ok(Err(()));
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
