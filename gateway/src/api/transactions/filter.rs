//! What a list of transactions takes, and the filter that it states.

use super::super::params::Params;
use crate::{
    domain::{AccountId, Currency, Direction, InstitutionId, Money, Status, TransactionId, date},
    error::Problem,
    store::transactions::{Comparison, Filter},
};

/// The parameters of a list.
pub const KNOWN: &[&str] = &[
    "account_id",
    "booking_date",
    "booking_date[gte]",
    "booking_date[gt]",
    "booking_date[lte]",
    "booking_date[lt]",
    "value_date",
    "value_date[gte]",
    "value_date[gt]",
    "value_date[lte]",
    "value_date[lt]",
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
    "id[in]",
    "end_to_end_id",
    "counterparty_account",
    "counterparty_name[contains]",
    "remittance_information[contains]",
    "sort",
    "fields",
    "proof",
    "as_of",
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

/// Characters of a reference.
const REFERENCE_MAX: usize = 64;
/// Characters of a text that is looked for within another.
const CONTAINS_MAX: usize = 1000;

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
    /// That counts for interest from this day on; `value_date[gte]`, `[gt]`, `[lte]` and `[lt]` bound it.
    #[param(format = Date, example = "2026-01-31")]
    value_date: Option<String>,
    /// Counting from this day or later.
    #[param(rename = "value_date[gte]", format = Date)]
    value_date_gte: Option<String>,
    /// Counting from after this day.
    #[param(rename = "value_date[gt]", format = Date)]
    value_date_gt: Option<String>,
    /// Counting from this day or earlier.
    #[param(rename = "value_date[lte]", format = Date)]
    value_date_lte: Option<String>,
    /// Counting from before this day.
    #[param(rename = "value_date[lt]", format = Date)]
    value_date_lt: Option<String>,
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
    /// These transactions, comma-separated; at most 100.
    #[param(rename = "id[in]", example = "txn_0190163d8694739bba1a9fbee4e5c1b2")]
    id_in: Option<String>,
    /// With this reference of the initiating party.
    end_to_end_id: Option<String>,
    /// With this account on the other side.
    #[param(example = "AT560000000012345864")]
    counterparty_account: Option<String>,
    /// With this in the name on the other side; case does not matter.
    #[param(rename = "counterparty_name[contains]")]
    counterparty_name_contains: Option<String>,
    /// With this in the remittance information; case does not matter.
    #[param(rename = "remittance_information[contains]", example = "miete")]
    remittance_information_contains: Option<String>,
    /// `booking_date` (unless told), `-booking_date`, `seq` or `-seq`; ledger order breaks ties.
    #[param(example = "-booking_date")]
    sort: Option<String>,
    /// Comma-separated fields to show; `id` is always among them. Not with `proof`.
    #[param(example = "id,amount,direction")]
    fields: Option<String>,
    /// `inclusion` adds what proves that each record is on the ledger; pages of 100 at most.
    #[param(example = "inclusion")]
    proof: Option<String>,
    /// As the ledger stood at this entry.
    #[param(example = "49102", pattern = "^[0-9]+$")]
    as_of: Option<String>,
    /// Page size, 1 to 500; 100 unless told.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
    /// `next_cursor` of the page before; the rest of the query stays the same.
    cursor: Option<String>,
    /// For callers that serve several institutions: which one is meant.
    institution: Option<InstitutionId>,
}

/// The filter that a query states, within one account if the path names it.
///
/// # Errors
/// 400, naming the parameter.
pub fn filter(params: &Params<'_>, account: Option<AccountId>) -> Result<Filter, Problem> {
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
    let mut reference: Vec<String> =
        params.text("reference", REFERENCE_MAX)?.map(ToOwned::to_owned).into_iter().collect();
    reference.extend(params.texts("reference[in]", REFERENCE_MAX)?.into_iter().map(ToOwned::to_owned));
    let directions = Direction::ALL.map(|direction| (direction.as_str(), direction));
    Ok(Filter {
        account_id: account.or(named),
        booking_date: bounds(params, "booking_date", |text| date::parse(text).map_err(|e| e.to_string()))?,
        amount_minor: amounts(params, &currency)?,
        currency: currency.iter().map(|currency| currency.code().to_owned()).collect(),
        direction: params.word("direction", &directions)?.map(Direction::as_str),
        status: status.into_iter().map(Status::as_str).collect(),
        reference,
        id: ids(params)?,
        value_date: bounds(params, "value_date", |text| date::parse(text).map_err(|e| e.to_string()))?,
        end_to_end_id: params.text("end_to_end_id", 64)?.map(ToOwned::to_owned),
        counterparty_account: params.text("counterparty_account", 64)?.map(ToOwned::to_owned),
        counterparty_name: params.text("counterparty_name[contains]", CONTAINS_MAX)?.map(str::to_lowercase),
        remittance_information: params
            .text("remittance_information[contains]", CONTAINS_MAX)?
            .map(str::to_lowercase),
    })
}

fn ids(params: &Params<'_>) -> Result<Vec<TransactionId>, Problem> {
    let parse = |id: &str| {
        id.parse()
            .map_err(|_| Problem::parameter("id[in]", "invalid_value", "ids of transactions, with commas"))
    };
    params.list("id[in]")?.into_iter().map(parse).collect()
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

/// What a list's parameters select, as an export keeps it.
pub fn selected(params: &Params<'_>, account: Option<AccountId>) -> String {
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
