//! `/v1/accounts/{id}/balances`: an account on one day, and the entries that make its balance up.

use actix_web::{get, web};
use jiff::civil::Date;
use serde::Serialize;

use super::super::{
    State,
    as_of::{AS_OF, AsOf, Snapshot},
    etag,
    item::{Shown, shown},
    list::{Page, Run},
    params::Params,
};
use crate::{
    access::{Answer, Permit, Recorded, right::ReadTransactions},
    domain::{
        Account, AccountId, Balance, Currency, Direction, InstitutionId, Money, Tenant, Transaction, date,
    },
    error::Problem,
    store::{
        Reader, accounts, balances, payloads,
        transactions::{self, After, Comparison, Filter, Sort},
    },
};

/// An account on one day.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DayBalances<T> {
    /// The account.
    pub account_id: AccountId,
    /// The day.
    #[serde(with = "date::iso")]
    #[schema(value_type = String, format = Date, example = "2026-03-31")]
    pub date: Date,
    /// What opening and closing start from.
    pub basis: Basis,
    /// The booked balance before the day's first entry (ISO 20022 `OPBD`).
    pub opening: Balance,
    /// The day's booked credits.
    pub credits: Movements,
    /// The day's booked debits.
    pub debits: Movements,
    /// The booked balance after the day's last entry (ISO 20022 `CLBD`): opening, plus credits, less debits.
    pub closing: Balance,
    /// The closing balance as the servicer states it: `balance_after` of the day's last entry. Where it
    /// differs from `closing`, the account does not reconcile.
    #[schema(required)]
    pub stated_closing: Option<Balance>,
    /// The day's booked entries in ledger order, a page at a time.
    pub data: Vec<T>,
    /// How to go on.
    pub page: Page,
    /// The state of the ledger that this shows.
    pub as_of: AsOf,
}

/// What a balance starts from.
#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The account's first booked entry states the balance after it: that, and all that moved since or before.
    BalanceAfter,
    /// No balance is stated with the first entry: all that moved, from nought.
    Movements,
}

/// Entries on one side.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Movements {
    /// How many.
    #[schema(example = "3", pattern = "^[0-9]+$")]
    pub count: String,
    /// Their sum.
    pub sum: Money,
}

/// An account's booked balance on a day, with the entries that make it up. Pending entries and those that
/// were reversed do not count.
#[utoipa::path(
    operation_id = "getAccountBalances", tag = "accounts",
    params(
        ("id" = AccountId, Path, description = "The account."),
        ("date" = String, Query, format = Date, description = "The day, by booking date.", example = "2026-03-31"),
        ("as_of" = Option<String>, Query, description = "As the ledger stood at this entry.", pattern = "^[0-9]+$"),
        ("limit" = Option<u16>, Query, description = "Entries on a page, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The account on that day.", body = DayBalances<Transaction>)),
    security(("oauth2" = ["transactions:read"]))
)]
#[get("/v1/accounts/{id}/balances")]
pub async fn get(permit: Permit<ReadTransactions>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let account_id: AccountId = permit.path("id")?;
    let params = Params::read(permit.query(), &["date", "limit", "cursor", AS_OF])?;
    let day: String = params.require("date")?;
    let day = date::parse(&day).map_err(|e| Problem::parameter("date", "invalid_value", e.to_string()))?;
    let tenant = permit.tenant();
    let operation = format!("getAccountBalances {account_id}");
    let mut reader = state.read(tenant).await?;
    let run = Run::take_up(&state, &mut reader, &operation, tenant, &params).await?;
    let currency = currency(&mut reader, tenant, &run.snapshot, account_id).await?;
    let booked = Filter { account_id: Some(account_id), status: vec!["booked"], ..Filter::default() };
    let on_day = Filter { booking_date: vec![(Comparison::Equal, day)], ..booked.clone() };
    let snapshot = run.snapshot.seq();
    let oldest = first(&mut reader, tenant, snapshot, &booked, Sort::Booked).await?;
    let newest = first(&mut reader, tenant, snapshot, &on_day, Sort::BookedDescending).await?;
    let moved = balances::movements(&mut reader, tenant, snapshot, account_id, day).await?;
    let after = run.after.as_ref().map(|position| After { booking_date: day, seq: position.seq });
    let mut rows =
        transactions::page(&mut reader, tenant, snapshot, &on_day, Sort::Booked, after, run.fetch()).await?;
    drop(reader);
    let page = run.cut(&mut rows, |row| (None, row.seq))?;
    let tag = run.tag(rows.iter().map(|row| row.seq), &page);

    let side = |on_day: i64, direction: Direction| {
        let found = moved.iter().find(|one| one.on_day == on_day && one.direction == direction.as_str());
        found.map_or((0, 0), |one| (one.count, one.sum()))
    };
    let [before_in, before_out, credits, debits] = [
        side(0, Direction::Credit),
        side(0, Direction::Debit),
        side(1, Direction::Credit),
        side(1, Direction::Debit),
    ];
    let stated = oldest.and_then(|record| Some((record.balance_after?, signed(&record))));
    let (basis, base) = match stated {
        Some((balance, moved)) => (Basis::BalanceAfter, i128::from(balance.signed_minor()) - moved),
        None => (Basis::Movements, 0),
    };
    let opening = base + before_in.1 - before_out.1;
    let data: Vec<Shown<'_>> = rows.iter().map(|row| shown(&row.payload, &[])).collect::<Result<_, _>>()?;
    let answer = DayBalances {
        account_id,
        date: day,
        basis,
        opening: balance(opening, currency)?,
        closing: balance(opening + credits.1 - debits.1, currency)?,
        credits: movements(credits, currency)?,
        debits: movements(debits, currency)?,
        stated_closing: newest.and_then(|record| record.balance_after),
        data,
        page,
        as_of: run.snapshot.as_of()?,
    };
    etag::answer(&permit, &tag, || Answer::json(&answer)).await
}

/// The currency of an account that there was at a snapshot.
async fn currency(
    reader: &mut Reader,
    tenant: Tenant,
    snapshot: &Snapshot,
    id: AccountId,
) -> Result<Currency, Problem> {
    let seq = accounts::seq(reader, tenant, id).await?.filter(|seq| *seq <= snapshot.seq());
    let seq = seq.ok_or_else(Problem::not_found)?;
    let row = payloads::get(reader, tenant, seq).await?.ok_or_else(Problem::not_found)?;
    let account: Account = serde_json::from_slice(&row.payload).map_err(Problem::internal)?;
    Ok(account.currency)
}

/// The first record in an order, as the books stood at seq `snapshot`.
async fn first(
    reader: &mut Reader,
    tenant: Tenant,
    snapshot: i64,
    filter: &Filter,
    sort: Sort,
) -> Result<Option<Transaction>, Problem> {
    let rows = transactions::page(reader, tenant, snapshot, filter, sort, None, 1).await?;
    rows.first().map(|row| serde_json::from_slice(&row.payload)).transpose().map_err(Problem::internal)
}

fn signed(record: &Transaction) -> i128 {
    let minor = i128::from(record.amount.minor());
    match record.direction {
        Direction::Credit => minor,
        Direction::Debit => -minor,
    }
}

fn balance(minor: i128, currency: Currency) -> Result<Balance, Problem> {
    let minor = i64::try_from(minor).map_err(|_| too_large())?;
    Balance::from_signed_minor(minor, currency).map_err(|_| too_large())
}

fn movements((count, sum): (i64, i128), currency: Currency) -> Result<Movements, Problem> {
    let minor = i64::try_from(sum).map_err(|_| too_large())?;
    let sum = Money::from_minor(minor, currency).map_err(|_| too_large())?;
    Ok(Movements { count: count.to_string(), sum })
}

fn too_large() -> Problem {
    Problem::parameter("date", "out_of_range", "a sum has more than 18 digits, which no amount may have")
}
