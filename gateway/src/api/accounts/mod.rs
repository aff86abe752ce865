//! `/v1/accounts`: the accounts that transactions are booked on.

pub mod balances;

use actix_web::{get, web};

use super::{
    State,
    as_of::{AS_OF, Snapshot},
    etag,
    item::{self, Item, Shown, shown},
    list::{List, Run},
    params::Params,
};
use crate::{
    access::{
        Permit, Recorded,
        right::{ReadAccounts, ReadTransactions},
    },
    domain::{Account, AccountId, InstitutionId, Transaction},
    error::Problem,
    store::accounts,
};

const OPERATION: &str = "listAccounts";
const FIELDS: &[&str] = &["currency", "id", "name", "opened_on", "reference", "servicer", "type"];

/// Accounts in the order in which they were recorded.
#[utoipa::path(
    operation_id = "listAccounts", tag = "accounts",
    params(
        ("reference" = Option<String>, Query, description = "Only the account with this reference."),
        ("fields" = Option<String>, Query, description = "Comma-separated fields to show; `id` is always among them.", example = "id,reference"),
        ("as_of" = Option<String>, Query, description = "As the ledger stood at this entry.", pattern = "^[0-9]+$"),
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "A page of accounts.", body = List<Account>)),
    security(("oauth2" = ["accounts:read"]))
)]
#[get("/v1/accounts")]
pub async fn list(permit: Permit<ReadAccounts>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["reference", "fields", "limit", "cursor", AS_OF])?;
    let tenant = permit.tenant();
    let fields = item::fields(&params, FIELDS)?;
    let mut reader = state.read(permit.tenant()).await?;
    let run = Run::take_up(&state, &mut reader, OPERATION, tenant, &params).await?;
    let after = run.after_seq();
    let (snapshot, reference) = (run.snapshot.seq(), params.text("reference", 64)?);
    let mut rows = accounts::page(&mut reader, tenant, snapshot, after, reference, run.fetch()).await?;
    drop(reader);
    let page = run.cut(&mut rows, |row| (None, row.seq))?;
    let data: Vec<Shown<'_>> =
        rows.iter().map(|row| shown(&row.payload, &fields)).collect::<Result<_, _>>()?;
    let tag = run.tag(rows.iter().map(|row| row.seq), &page);
    let list = List { data, page, as_of: run.snapshot.as_of()? };
    etag::answer(&permit, &tag, || list.answer()).await
}

/// One account.
#[utoipa::path(
    operation_id = "getAccount", tag = "accounts",
    params(
        ("id" = AccountId, Path, description = "The account."),
        ("proof" = Option<String>, Query, description = "`inclusion` adds what proves that the record is on the ledger.", example = "inclusion"),
        ("fields" = Option<String>, Query, description = "Comma-separated fields to show; not with `proof`."),
        ("as_of" = Option<String>, Query, description = "As the ledger stood at this entry.", pattern = "^[0-9]+$"),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The account.", body = Item<Account>)),
    security(("oauth2" = ["accounts:read"]))
)]
#[get("/v1/accounts/{id}")]
pub async fn get(permit: Permit<ReadAccounts>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let id: AccountId = permit.path("id")?;
    let params = Params::read(permit.query(), item::KNOWN)?;
    let mut reader = state.read(permit.tenant()).await?;
    let snapshot = Snapshot::wanted(&mut reader, permit.tenant(), &params).await?;
    let seq = accounts::seq(&mut reader, permit.tenant(), id).await?;
    let seq = seq.filter(|seq| *seq <= snapshot.seq()).ok_or_else(Problem::not_found)?;
    item::answer(&permit, &state, reader, &params, &snapshot, seq, FIELDS).await
}

/// An account's transactions: as `/v1/transactions`, with the account fixed.
#[utoipa::path(
    operation_id = "listAccountTransactions", tag = "accounts",
    params(("id" = AccountId, Path, description = "The account."), super::transactions::ListParams),
    responses(
        (status = 200, description = "A page of the account's transactions; or, by `Accept`, all that there are, as a file in ledger order.", content(
            (List<Transaction> = "application/json"),
            (String = "text/csv"),
            (Transaction = "application/x-ndjson"),
        )),
        (status = 406, description = "There is no such representation.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The whole result is too large for one answer.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["transactions:read"]))
)]
#[get("/v1/accounts/{id}/transactions")]
pub async fn transactions(
    permit: Permit<ReadTransactions>,
    state: web::Data<State>,
) -> Result<Recorded, Problem> {
    let id: AccountId = permit.path("id")?;
    let mut reader = state.read(permit.tenant()).await?;
    accounts::seq(&mut reader, permit.tenant(), id).await?.ok_or_else(Problem::not_found)?;
    drop(reader);
    super::transactions::answer_list(&permit, &state, Some(id)).await
}
