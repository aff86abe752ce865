//! `/v1/transactions`: the transaction log.

use actix_web::{get, web};
use serde::Serialize;

use super::{
    State, accept,
    as_of::AsOf,
    cursor::Position,
    direct,
    item::{self, Item, Proof, Shown, shown},
    list::{Page, Run},
    params::Params,
};
use crate::{
    access::{Answer, Permit, Recorded, right::ReadTransactions},
    domain::{
        AccountId, Currency, Direction, InstitutionId, Money, Status, Transaction, TransactionId, date,
    },
    error::Problem,
    export::source::Selection,
    store::transactions::{self, After, Comparison, Filter, Sort},
};

const FIELDS: &[&str] = &[
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
    "status",
    "type",
    "value_date",
];

const KNOWN: &[&str] = &[
    "account_id",
    "booking_date",
    "booking_date[gte]",
    "booking_date[gt]",
    "booking_date[lte]",
    "booking_date[lt]",
    "amount",
    "amount[gte]",
    "amount[gt]",
    "amount[lte]",
    "amount[lt]",
    "currency",
    "currency[in]",
    "direction",
    "status",
    "status[in]",
    "reference",
    "reference[in]",
    "sort",
    "fields",
    "proof",
    "limit",
    "cursor",
];

const COMPARISONS: &[(&str, Comparison)] = &[
    ("", Comparison::Equal),
    ("[gte]", Comparison::AtLeast),
    ("[gt]", Comparison::Above),
    ("[lte]", Comparison::AtMost),
    ("[lt]", Comparison::Below),
];

const SORTS: &[(&str, Sort)] = &[
    ("booking_date", Sort::Booked),
    ("-booking_date", Sort::BookedDescending),
    ("seq", Sort::Seq),
    ("-seq", Sort::SeqDescending),
];

/// Rows on a page with proofs.
const PROVEN_MAX: i64 = 100;

/// What a list of transactions takes.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters in the document; `Params` reads them")]
pub struct ListParams {
    /// Only this account.
    account_id: Option<AccountId>,
    /// Booked on this day; `booking_date[gte]`, `[gt]`, `[lte]` and `[lt]` bound it.
    #[param(format = Date, example = "2026-01-31")]
    booking_date: Option<String>,
    /// Booked on this day or later.
    #[param(rename = "booking_date[gte]", format = Date)]
    booking_date_gte: Option<String>,
    /// Booked after this day.
    #[param(rename = "booking_date[gt]", format = Date)]
    booking_date_gt: Option<String>,
    /// Booked on this day or earlier.
    #[param(rename = "booking_date[lte]", format = Date)]
    booking_date_lte: Option<String>,
    /// Booked before this day.
    #[param(rename = "booking_date[lt]", format = Date)]
    booking_date_lt: Option<String>,
    /// Of this amount; needs one `currency`. `amount[gte]`, `[gt]`, `[lte]` and `[lt]` bound it.
    #[param(example = "100.00")]
    amount: Option<String>,
    /// Of this amount or more; needs one `currency`.
    #[param(rename = "amount[gte]")]
    amount_gte: Option<String>,
    /// Of more than this amount; needs one `currency`.
    #[param(rename = "amount[gt]")]
    amount_gt: Option<String>,
    /// Of this amount or less; needs one `currency`.
    #[param(rename = "amount[lte]")]
    amount_lte: Option<String>,
    /// Of less than this amount; needs one `currency`.
    #[param(rename = "amount[lt]")]
    amount_lt: Option<String>,
    /// In this currency (ISO 4217).
    currency: Option<Currency>,
    /// In one of these currencies, comma-separated.
    #[param(rename = "currency[in]", example = "EUR,CHF")]
    currency_in: Option<String>,
    /// Credits or debits only.
    direction: Option<Direction>,
    /// Of this status.
    status: Option<Status>,
    /// Of one of these statuses, comma-separated.
    #[param(rename = "status[in]", example = "booked,pending")]
    status_in: Option<String>,
    /// With this reference.
    reference: Option<String>,
    /// With one of these references, comma-separated.
    #[param(rename = "reference[in]")]
    reference_in: Option<String>,
    /// `booking_date` (unless told), `-booking_date`, `seq` or `-seq`; ledger order breaks ties.
    #[param(example = "-booking_date")]
    sort: Option<String>,
    /// Comma-separated fields to show; `id` is always among them. Not with `proof`.
    #[param(example = "id,amount,direction")]
    fields: Option<String>,
    /// `inclusion` adds what proves that each record is on the ledger; pages of 100 at most.
    #[param(example = "inclusion")]
    proof: Option<String>,
    /// Page size, 1 to 500; 100 unless told.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
    /// `next_cursor` of the page before; the rest of the query stays the same.
    cursor: Option<String>,
    /// For callers that serve several institutions: which one is meant.
    institution: Option<InstitutionId>,
}

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

/// One transaction.
#[utoipa::path(
    operation_id = "getTransaction", tag = "transactions",
    params(
        ("id" = TransactionId, Path, description = "The transaction."),
        ("proof" = Option<String>, Query, description = "`inclusion` adds what proves that the record is on the ledger.", example = "inclusion"),
        ("fields" = Option<String>, Query, description = "Comma-separated fields to show; not with `proof`."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The transaction.", body = Item<Transaction>)),
    security(("oauth2" = ["transactions:read"]))
)]
#[get("/v1/transactions/{id}")]
pub async fn get(permit: Permit<ReadTransactions>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let id: TransactionId = permit.path("id")?;
    let mut reader = state.read(permit.tenant()).await?;
    let seq = transactions::seq(&mut reader, permit.tenant(), id).await?.ok_or_else(Problem::not_found)?;
    item::answer(&permit, &state, reader, seq, FIELDS).await
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
    let answer = TransactionList { data, page, as_of: run.snapshot.as_of()?, proofs };
    permit.answer(Answer::json(&answer)?.header("vary", "Accept")).await
}

/// What a list's parameters select, as an export keeps it.
fn selected(params: &Params<'_>, account: Option<AccountId>) -> String {
    let mut query = params.fingerprint();
    if let Some(account) = account {
        let joint = if query.is_empty() { "" } else { "&" };
        query.push_str(&format!("{joint}account_id={account}"));
    }
    query
}

/// What list parameters select.
///
/// # Errors
/// What is wrong with them.
pub fn read_filter(query: &str) -> Result<Filter, String> {
    let read = || filter(&Params::read(query, KNOWN)?, None);
    read().map_err(|problem| problem.detail)
}

fn after(position: &Position) -> Result<After, Problem> {
    let date = position.key.as_deref().and_then(|key| date::parse(key).ok());
    let booking_date = date.ok_or_else(|| Problem::internal("a cursor of ours without a date"))?;
    Ok(After { booking_date, seq: position.seq })
}

fn filter(params: &Params<'_>, account: Option<AccountId>) -> Result<Filter, Problem> {
    let named = params.parse::<AccountId>("account_id")?;
    if account.is_some() && named.is_some() {
        return Err(Problem::parameter("account_id", "conflicting_parameters", "the path names the account"));
    }
    let mut currency: Vec<Currency> = params.parse::<Currency>("currency")?.into_iter().collect();
    for code in params.list("currency[in]")? {
        let parsed = Currency::parse(code);
        currency
            .push(parsed.map_err(|e| Problem::parameter("currency[in]", "invalid_value", e.to_string()))?);
    }
    let mut status: Vec<Status> = params.word("status", &status_words())?.into_iter().collect();
    status.extend(params.words("status[in]", &status_words())?);
    let mut reference: Vec<String> = params.get("reference").map(ToOwned::to_owned).into_iter().collect();
    reference.extend(params.list("reference[in]")?.into_iter().map(ToOwned::to_owned));
    let directions = Direction::ALL.map(|direction| (direction.as_str(), direction));
    Ok(Filter {
        account_id: account.or(named),
        booking_date: bounds(params, "booking_date", |text| date::parse(text).map_err(|e| e.to_string()))?,
        amount_minor: amounts(params, &currency)?,
        currency: currency.iter().map(|currency| currency.code().to_owned()).collect(),
        direction: params.word("direction", &directions)?.map(Direction::as_str),
        status: status.into_iter().map(Status::as_str).collect(),
        reference,
    })
}

fn status_words() -> [(&'static str, Status); 3] {
    Status::ALL.map(|status| (status.as_str(), status))
}

fn amounts(params: &Params<'_>, currency: &[Currency]) -> Result<Vec<(Comparison, i64)>, Problem> {
    bounds(params, "amount", |text| {
        let [currency] = currency else {
            return Err("an amount is compared in one currency; say which with currency=".to_owned());
        };
        Money::parse(text, *currency).map(Money::minor).map_err(|e| e.to_string())
    })
}

fn bounds<T>(
    params: &Params<'_>,
    name: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<(Comparison, T)>, Problem> {
    let mut bounds = Vec::new();
    for (suffix, comparison) in COMPARISONS {
        let name = format!("{name}{suffix}");
        if let Some(text) = params.get(&name) {
            let bound = read(text).map_err(|detail| Problem::parameter(&name, "invalid_value", detail))?;
            bounds.push((*comparison, bound));
        }
    }
    Ok(bounds)
}
