//! `POST /v1/transactions:lookup`: many transactions by their ids or references at once.

use std::collections::HashSet;

use actix_web::{post, web};
use serde::{Deserialize, Serialize};

use super::super::{
    State,
    as_of::{AS_OF, AsOf, Snapshot},
    item::{self, Shown, shown},
    params::Params,
};
use crate::{
    access::{Answer, Permit, Recorded, right::ReadTransactions},
    domain::{InstitutionId, Text, Transaction, TransactionId},
    error::{Code, Problem},
    store::transactions,
};

/// Ids and references that may be asked for at once.
const WANTED_MAX: usize = 500;
const BODY_MAX: usize = 64 << 10;

/// Which transactions are wanted: 1 to 500 in all.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// By id.
    #[serde(default)]
    #[schema(required = false, max_items = 500)]
    ids: Vec<TransactionId>,
    /// By the servicer's own id.
    #[serde(default)]
    #[schema(required = false, max_items = 500, value_type = Vec<String>, example = json!(["2026033100018844"]))]
    references: Vec<Text<64>>,
}

/// What there is of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Found<T> {
    /// The transactions in ledger order, each in its newest version; one that was reversed too.
    pub data: Vec<T>,
    /// What there is not.
    pub missing: Missing,
    /// The state of the ledger that this shows.
    pub as_of: AsOf,
}

/// What there is not.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Missing {
    /// Ids of no transaction of the institution's.
    #[schema(value_type = Vec<String>, example = json!([]))]
    pub ids: Vec<String>,
    /// References of none.
    #[schema(example = json!([]))]
    pub references: Vec<String>,
}

/// Up to 500 transactions by id or reference.
#[utoipa::path(
    operation_id = "lookUpTransactions", tag = "transactions",
    params(
        ("fields" = Option<String>, Query, description = "Comma-separated fields to show; `id` is always among them."),
        ("as_of" = Option<String>, Query, description = "As the ledger stood at this entry.", pattern = "^[0-9]+$"),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    request_body(content = Wanted, content_type = "application/json", example = json!({"references": ["2026033100018844"]})),
    responses((status = 200, description = "What there is.", body = Found<Transaction>)),
    security(("oauth2" = ["transactions:read"]))
)]
#[post("/v1/transactions:lookup")]
pub async fn look_up(permit: Permit<ReadTransactions>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["fields", AS_OF])?;
    let fields = item::fields(&params, super::FIELDS)?;
    let wanted: Wanted = permit.json(BODY_MAX).await?;
    if !(1..=WANTED_MAX).contains(&(wanted.ids.len() + wanted.references.len())) {
        return Err(Problem::new(Code::Refused, format!("1 to {WANTED_MAX} ids and references in all")));
    }
    let tenant = permit.tenant();
    let mut reader = state.read(tenant).await?;
    let snapshot = Snapshot::wanted(&mut reader, tenant, &params).await?;
    let references: Vec<&str> = wanted.references.iter().map(|reference| &**reference).collect();
    let rows = transactions::look_up(&mut reader, tenant, snapshot.seq(), &wanted.ids, &references).await?;
    drop(reader);
    let ids: HashSet<_> = rows.iter().map(|row| row.id).collect();
    let names: HashSet<&str> = rows.iter().map(|row| row.reference.as_str()).collect();
    let missing = Missing {
        ids: wanted.ids.iter().filter(|id| !ids.contains(&id.uuid())).map(ToString::to_string).collect(),
        references: references
            .iter()
            .filter(|name| !names.contains(*name))
            .map(ToString::to_string)
            .collect(),
    };
    let data: Vec<Shown<'_>> =
        rows.iter().map(|row| shown(&row.payload, &fields)).collect::<Result<_, _>>()?;
    permit.answer(Answer::json(&Found { data, missing, as_of: snapshot.as_of()? })?).await
}
