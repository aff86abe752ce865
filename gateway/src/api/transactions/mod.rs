//! `/v1/transactions`: the transaction log.

mod filter;
pub mod lookup;
pub mod sync;
pub mod versions;

use actix_web::{get, web};
use serde::Serialize;

use self::filter::{KNOWN, filter, selected};
pub use self::filter::{ListParams, read_filter};
use super::{
    State, accept,
    as_of::{AsOf, Snapshot},
    cursor::Position,
    direct, etag,
    item::{self, Item, Proof, Shown, shown},
    list::{Page, Run},
    params::Params,
};
use crate::{
    access::{Answer, Permit, Recorded, right::ReadTransactions},
    domain::{AccountId, InstitutionId, Transaction, TransactionId, date},
    error::Problem,
    export::source::Selection,
    store::transactions::{self, After, Sort},
};

pub(super) const FIELDS: &[&str] = &[
    "account",
    "account_id",
    "amount",
    "balance_after",
    "bank_transaction_code",
    "booking_date",
    "counterparty",
    "direction",
    "end_to_end_id",
    "id",
    "purpose",
    "reference",
    "remittance_information",
    "revision",
    "source",
    "status",
    "type",
    "value_date",
];

const SORTS: &[(&str, Sort)] = &[
    ("booking_date", Sort::Booked),
    ("-booking_date", Sort::BookedDescending),
    ("seq", Sort::Seq),
    ("-seq", Sort::SeqDescending),
];

/// Rows on a page with proofs.
const PROVEN_MAX: i64 = 100;

/// A page of transactions.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TransactionList<T> {
    /// The transactions, in order, byte for byte as the ledger committed to them.
    pub data: Vec<T>,
    /// How to go on.
    pub page: Page,
    /// The state of the ledger that this run of pages shows.
    pub as_of: AsOf,
    /// With `proof=inclusion`: a proof for each transaction, in the same order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proofs: Option<Vec<Proof>>,
}

/// Transactions by booking date or in ledger order.
#[utoipa::path(
    operation_id = "listTransactions", tag = "transactions",
    params(ListParams),
    responses(
        (status = 200, description = "A page of transactions; or, by `Accept`, all that there are, as a file in ledger order.", content(
            (TransactionList<Transaction> = "application/json"),
            (String = "text/csv"),
            (Transaction = "application/x-ndjson"),
        )),
        (status = 406, description = "There is no such representation.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The whole result is too large for one answer.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["transactions:read"]))
)]
#[get("/v1/transactions")]
pub async fn list(permit: Permit<ReadTransactions>, state: web::Data<State>) -> Result<Recorded, Problem> {
    answer_list(&permit, &state, None).await
}

/// One transaction, in its newest version. One that was reversed is shown with its reversal.
#[utoipa::path(
    operation_id = "getTransaction", tag = "transactions",
    params(
        ("id" = TransactionId, Path, description = "The transaction."),
        ("proof" = Option<String>, Query, description = "`inclusion` adds what proves that the record is on the ledger.", example = "inclusion"),
        ("fields" = Option<String>, Query, description = "Comma-separated fields to show; not with `proof`."),
        ("as_of" = Option<String>, Query, description = "As the ledger stood at this entry.", pattern = "^[0-9]+$"),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The transaction.", body = Item<Transaction>)),
    security(("oauth2" = ["transactions:read"]))
)]
#[get("/v1/transactions/{id}")]
pub async fn get(permit: Permit<ReadTransactions>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let id: TransactionId = permit.path("id")?;
    let params = Params::read(permit.query(), item::KNOWN)?;
    let mut reader = state.read(permit.tenant()).await?;
    let snapshot = Snapshot::wanted(&mut reader, permit.tenant(), &params).await?;
    let seq = transactions::newest(&mut reader, permit.tenant(), id, snapshot.seq()).await?;
    let seq = seq.ok_or_else(Problem::not_found)?;
    item::answer(&permit, &state, reader, &params, &snapshot, seq, FIELDS).await
}

/// Answers a list, of all accounts or of one.
pub(super) async fn answer_list(
    permit: &Permit<ReadTransactions>,
    state: &State,
    account: Option<AccountId>,
) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), KNOWN)?;
    let whole = accept::whole(permit)?;
    let tenant = permit.tenant();
    let operation =
        account.map_or_else(|| "listTransactions".to_owned(), |id| format!("listTransactions {id}"));
    let (fields, proof) = (item::fields(&params, FIELDS)?, item::wants_proof(&params)?);
    if proof && params.limit()? > PROVEN_MAX {
        let detail = format!("1 to {PROVEN_MAX} with proof=inclusion");
        return Err(Problem::parameter("limit", "out_of_range", detail));
    }
    let sort = params.word("sort", SORTS)?.unwrap_or_default();
    let filter = filter(&params, account)?;
    let mut reader = state.read(permit.tenant()).await?;
    let run = Run::take_up(state, &mut reader, &operation, tenant, &params).await?;
    if let Some(format) = whole {
        drop(reader);
        let selection = Selection::Transactions(selected(&params, account));
        return direct::answer(permit, state, &params, &run.snapshot, selection, format).await;
    }
    let after = run.after.as_ref().map(after).transpose()?;
    let snapshot = run.snapshot.seq();
    let mut rows =
        transactions::page(&mut reader, tenant, snapshot, &filter, sort, after, run.fetch()).await?;
    drop(reader);
    let page = run.cut(&mut rows, |row| (Some(row.booking_date.to_jiff().to_string()), row.seq))?;
    let proofs = match proof {
        true => Some(item::proofs(state, tenant, &rows.iter().map(|row| row.seq).collect::<Vec<_>>()).await?),
        false => None,
    };
    let data: Vec<Shown<'_>> =
        rows.iter().map(|row| shown(&row.payload, &fields)).collect::<Result<_, _>>()?;
    let tag = run.tag(rows.iter().map(|row| row.seq), &page);
    let answer = TransactionList { data, page, as_of: run.snapshot.as_of()?, proofs };
    etag::answer(permit, &tag, || Ok(Answer::json(&answer)?.header("vary", "Accept"))).await
}

fn after(position: &Position) -> Result<After, Problem> {
    let date = position.key.as_deref().and_then(|key| date::parse(key).ok());
    let booking_date = date.ok_or_else(|| Problem::internal("a cursor of ours without a date"))?;
    Ok(After { booking_date, seq: position.seq })
}
