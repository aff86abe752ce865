//! Transactions: find them.

pub mod one;

use actix_web::{
    HttpResponse, get,
    http::{Method, header},
};
use maud::{Markup, html};

use super::{
    api::Call,
    layout::{self, Page},
    parts::{
        field,
        json::text,
        money::amount,
        state,
        table::{self, COLUMNS, Column, Table},
        time,
    },
    query::Query,
    trouble::Trouble,
    visit::{INSTITUTION, Visit, Visitor},
};

/// What the form filters by; each is a parameter of `GET /v1/transactions`.
const FILTERS: &[&str] = &[
    "booking_date[gte]",
    "booking_date[lte]",
    "direction",
    "currency",
    "amount[gte]",
    "amount[lte]",
    "status",
    "reference",
    "end_to_end_id",
    "account_id",
    "counterparty_account",
    "counterparty_name[contains]",
    "remittance_information[contains]",
];

const TABLE: &[Column] = &[
    Column {
        name: "booking_date",
        head: "Booked",
        numeric: false,
        usual: true,
        sort: Some("booking_date"),
        cell: |_, row| time::day(text(&row["booking_date"])),
    },
    Column {
        name: "reference",
        head: "Reference",
        numeric: false,
        usual: true,
        sort: None,
        cell: |visitor, row| {
            let to = visitor.link(&format!("/transactions/{}", text(&row["id"])));
            html! { a href=(to) data-drawer { (text(&row["reference"])) } }
        },
    },
    Column {
        name: "account",
        head: "Account",
        numeric: false,
        usual: true,
        sort: None,
        cell: |visitor, row| {
            let to = visitor.query.without(&[table::CURSOR]).with("account_id", text(&row["account_id"]));
            html! { a href=(to.at(&visitor.path)) { (text(&row["account"])) } }
        },
    },
    Column {
        name: "counterparty",
        head: "Counterparty",
        numeric: false,
        usual: true,
        sort: None,
        cell: |_, row| html! { (text(&row["counterparty"]["name"])) },
    },
    Column {
        name: "remittance_information",
        head: "Purpose",
        numeric: false,
        usual: true,
        sort: None,
        cell: |_, row| html! { (text(&row["remittance_information"])) },
    },
    Column {
        name: "status",
        head: "Status",
        numeric: false,
        usual: false,
        sort: None,
        cell: |_, row| html! { (text(&row["status"])) },
    },
    Column {
        name: "value_date",
        head: "Value date",
        numeric: false,
        usual: false,
        sort: None,
        cell: |_, row| time::day(text(&row["value_date"])),
    },
    Column {
        name: "amount",
        head: "Amount",
        numeric: true,
        usual: true,
        sort: None,
        cell: |_, row| amount(&row["amount"], &row["direction"]),
    },
    Column {
        name: "balance_after",
        head: "Balance after",
        numeric: true,
        usual: false,
        sort: None,
        cell: |_, row| amount(&row["balance_after"], &row["balance_after"]["direction"]),
    },
];

/// What of a page's query the API is asked.
fn asked(query: &Query) -> Query {
    let asked = query.without(&[COLUMNS, INSTITUTION]);
    if asked.get("sort").is_some() { asked } else { asked.with("sort", "-booking_date") }
}

/// The list.
#[get("/transactions")]
pub async fn list(visit: Visit) -> Result<Page, Trouble> {
    let answer = match visit.get(&asked(&visit.query).at("/v1/transactions")).await {
        Err(trouble) if trouble.is_about_input() => Err(trouble),
        other => Ok(other?),
    };
    let main = html! {
        h1 { "Transactions" }
        (filters(&visit))
        @match &answer {
            Ok(answer) => {
                div.tools {
                    p.soft { "As of entry " (text(&answer["as_of"]["seq"])) }
                    (table::sizes(&visit, "100"))
                    (table::chooser(&visit, TABLE))
                    a href=(visit.query.without(&[table::CURSOR, "limit", COLUMNS]).at("/transactions.csv")) { "Export as CSV" }
                }
                (Table {
                    caption: "Transactions",
                    columns: TABLE,
                    answer,
                    sorted: "-booking_date",
                    empty: state::empty("No transaction fits.", &html! { "Widen the days, or clear the filters." }),
                }.draw(&visit))
            }
            Err(trouble) => (state::notice(state::Tone::Bad, trouble.detail())),
        }
    };
    Ok(layout::page(&visit, "Transactions", &main))
}

fn filters(visitor: &Visitor) -> Markup {
    let query = &visitor.query;
    let fields = html! {
        (field::day(query, "booking_date[gte]", "Booked from"))
        (field::day(query, "booking_date[lte]", "Booked until"))
        (field::choice(query, "direction", "Direction", &[("credit", "Credits"), ("debit", "Debits")]))
        (field::text(query, "counterparty_name[contains]", "Counterparty has"))
        (field::text(query, "remittance_information[contains]", "Purpose has"))
        (field::text(query, "reference", "Reference"))
        details.more open[["currency", "amount[gte]", "amount[lte]", "status", "end_to_end_id", "account_id", "counterparty_account"].iter().any(|name| query.get(name).is_some())] {
            summary { "More filters" }
            div.fields {
                (field::text(query, "currency", "Currency"))
                (field::text(query, "amount[gte]", "Amount from"))
                (field::text(query, "amount[lte]", "Amount up to"))
                (field::choice(query, "status", "Status", &[("booked", "Booked"), ("pending", "Pending"), ("information", "Information")]))
                (field::text(query, "end_to_end_id", "End-to-end id"))
                (field::text(query, "counterparty_account", "Counterparty account"))
                (field::text(query, "account_id", "Account id"))
            }
        }
    };
    table::filters(visitor, FILTERS, &fields)
}

/// What is shown, all of it, as a file.
#[get("/transactions.csv")]
pub async fn csv(visit: Visit) -> Result<HttpResponse, Trouble> {
    // A file is in ledger order.
    let target = visit.query.without(&[COLUMNS, INSTITUTION, "sort"]).at("/v1/transactions");
    let mut response = visit.pass(Call::new(Method::GET, target).header(header::ACCEPT, "text/csv")).await?;
    let name = header::HeaderValue::from_static("attachment; filename=\"transactions.csv\"");
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}
