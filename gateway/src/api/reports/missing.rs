//! Versions that do not count a transaction, and would if they were made now: it came, or was corrected, after them.

use std::collections::BTreeMap;

use super::super::State;
use crate::{
    domain::{Account, Status, Tenant, Transaction, transaction::RevisionKind},
    error::Problem,
    reports::{Period, VersionKind, types},
    store::{
        accounts, payloads,
        reports::{self, At, Report, Version, figures},
    },
};

/// Versions that are ready, were made before the entry `newest` of a transaction, and are of reports whose period and
/// accounts take it in; without those that count some version of it.
pub(super) async fn versions<T>(
    state: &State,
    tenant: Tenant,
    newest: i64,
    counting: &BTreeMap<(uuid::Uuid, i64), T>,
) -> Result<Vec<At>, Problem> {
    let mut reader = state.read(tenant).await?;
    let Some(transaction) = payloads::of(&mut reader, tenant, &[newest]).await?.pop() else {
        return Ok(Vec::new());
    };
    let transaction: Transaction = serde_json::from_slice(&transaction.payload).map_err(Problem::internal)?;
    let is_withdrawn = transaction.revision.is_some_and(|it| it.kind == RevisionKind::Reversal);
    if is_withdrawn || transaction.status != Status::Booked {
        return Ok(Vec::new());
    }
    let Some(seq) = accounts::seq(&mut reader, tenant, transaction.account_id).await? else {
        return Ok(Vec::new());
    };
    let Some(account) = payloads::of(&mut reader, tenant, &[seq]).await?.pop() else {
        return Ok(Vec::new());
    };
    let account: Account = serde_json::from_slice(&account.payload).map_err(Problem::internal)?;
    let names: Vec<&str> = types::ALL.iter().map(|definition| definition.name).collect();
    let periods = Period::of(transaction.booking_date);
    let mut found = Vec::new();
    for at in figures::made_before(&mut reader, tenant, (&names, &periods), newest).await? {
        if counting.contains_key(&(at.report.uuid(), at.n)) {
            continue;
        }
        let report = reports::get(&mut reader, tenant, at.report).await?;
        let version = reports::version(&mut reader, tenant, at).await?;
        found.extend(report.zip(version).map(|(report, version)| (at, report, version)));
    }
    drop(reader);
    let mut missing = Vec::new();
    for (at, report, version) in found {
        if wants(state, tenant, &report, version, &account).await? {
            missing.push(at);
        }
    }
    Ok(missing)
}

/// Whether a report is about an account, by its parameters.
async fn wants(
    state: &State,
    tenant: Tenant,
    report: &Report,
    version: Version,
    account: &Account,
) -> Result<bool, Problem> {
    let Some(definition) = types::of_name(&report.kind) else { return Ok(false) };
    // As a first version, since what was told before says nothing about accounts and may be long.
    let first = Version { kind: VersionKind::New.as_str().to_owned(), supersedes: None, ..version };
    let basis = state.reports.basis(tenant, definition, report, &first).await?;
    Ok((definition.maker)(&basis).wants(account))
}
