//! `/v1/transactions/{id}/versions`: what became of a transaction, and why.

use actix_web::{get, web};

use super::super::{
    State,
    as_of::AS_OF,
    etag,
    item::{Shown, shown},
    list::{List, Run},
    params::Params,
};
use crate::{
    access::{Permit, Recorded, right::ReadTransactions},
    domain::{InstitutionId, Transaction, TransactionId},
    error::Problem,
    store::transactions,
};

/// The versions of a transaction, the first one first. Each later one says in `revision` what it changed
/// and why; all of them stay on record.
#[utoipa::path(
    operation_id = "listTransactionVersions", tag = "transactions",
    params(
        ("id" = TransactionId, Path, description = "The transaction."),
        ("as_of" = Option<String>, Query, description = "As the ledger stood at this entry.", pattern = "^[0-9]+$"),
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The versions.", body = List<Transaction>)),
    security(("oauth2" = ["transactions:read"]))
)]
#[get("/v1/transactions/{id}/versions")]
pub async fn list(permit: Permit<ReadTransactions>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let id: TransactionId = permit.path("id")?;
    let params = Params::read(permit.query(), &["limit", "cursor", AS_OF])?;
    let tenant = permit.tenant();
    let operation = format!("listTransactionVersions {id}");
    let mut reader = state.read(tenant).await?;
    let run = Run::take_up(&state, &mut reader, &operation, tenant, &params).await?;
    let (snapshot, after) = (run.snapshot.seq(), run.after_seq());
    let mut rows = transactions::versions(&mut reader, tenant, id, snapshot, after, run.fetch()).await?;
    drop(reader);
    if rows.is_empty() && run.after.is_none() {
        return Err(Problem::not_found());
    }
    let page = run.cut(&mut rows, |row| (None, row.seq))?;
    let data: Vec<Shown<'_>> = rows.iter().map(|row| shown(&row.payload, &[])).collect::<Result<_, _>>()?;
    let tag = run.tag(rows.iter().map(|row| row.seq), &page);
    let list = List { data, page, as_of: run.snapshot.as_of()? };
    etag::answer(&permit, &tag, || list.answer()).await
}
