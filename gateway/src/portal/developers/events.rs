//! Events: what happened, as the institution's systems are told of it.

use actix_web::get;
use maud::{Markup, html};
use serde_json::Value;

use super::ways;
use crate::{
    domain::{EventType, Scope},
    portal::{
        layout::{self, Page},
        parts::{
            fact, field,
            json::text,
            state::{self, Tone},
            table::{self, CURSOR, Column, Table},
            time,
        },
        query::Query,
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
};

const AFTER: &str = "after";
const TYPE: &str = "type";
/// How many entries back the link to the latest leads.
const LATEST: u64 = 200;

const TABLE: &[Column] = &[
    Column {
        name: "timestamp",
        head: "When",
        numeric: false,
        usual: true,
        sort: None,
        cell: |_, event| time::instant(text(&event["timestamp"])),
    },
    Column {
        name: "id",
        head: "Event",
        numeric: false,
        usual: true,
        sort: None,
        cell: |visitor, event| {
            let id = text(&event["id"]);
            match visitor.may(Scope::LedgerRead) {
                true => html! { a href=(visitor.link(&format!("/audit/{id}"))) { (id) } },
                false => fact::copyable(id),
            }
        },
    },
    Column {
        name: "type",
        head: "Type",
        numeric: false,
        usual: true,
        sort: None,
        cell: |_, event| html! { code { (text(&event["type"])) } },
    },
    Column {
        name: "subject",
        head: "What it happened to",
        numeric: false,
        usual: true,
        sort: None,
        cell: |visitor, event| subject(visitor, text(&event["data"]["id"])),
    },
];

/// What an event happened to, as a link where there is a page that one may see.
fn subject(visitor: &Visitor, id: &str) -> Markup {
    let (place, scope) = match id.split('_').next() {
        Some("txn") => ("transactions", Scope::TransactionsRead),
        Some("rep") => ("reports", Scope::ReportsRead),
        Some("whk") => ("developers/webhooks", Scope::WebhooksManage),
        Some("cli") => ("developers/clients", Scope::ClientsManage),
        _ => return fact::copyable(id),
    };
    match visitor.may(scope) {
        true => html! { a href=(visitor.link(&format!("/{place}/{id}"))) { code { (id) } } },
        false => fact::copyable(id),
    }
}

/// What of a page's query the API is asked.
fn asked(query: &Query) -> String {
    let types: Vec<&str> = query.all(TYPE).collect();
    let asked = query.only(&[AFTER, CURSOR, "limit"]);
    let asked = if types.is_empty() { asked } else { asked.with("type[in]", types.join(",")) };
    asked.at("/v1/events")
}

/// The list.
#[get("/developers/events")]
pub async fn list(visit: Visit) -> Result<Page, Trouble> {
    let answer = match visit.get(&asked(&visit.query)).await {
        Err(trouble) if trouble.is_about_input() => Err(trouble),
        other => Ok(other?),
    };
    let main = html! {
        h1 { "Events" }
        (ways(&visit))
        p.soft { "What your webhooks and " code { "GET /v1/events" } " tell: ids, never the records. The oldest come first." }
        (filters(&visit))
        @match &answer {
            Ok(answer) => { (found(&visit, answer)) },
            Err(trouble) => { (state::notice(Tone::Bad, trouble.detail())) },
        }
    };
    Ok(layout::page(&visit, "Events", &main))
}

fn found(visitor: &Visitor, answer: &Value) -> Markup {
    let last = text(&answer["as_of"]["seq"]);
    let back = last.parse::<u64>().unwrap_or_default().saturating_sub(LATEST);
    let latest = visitor.query.without(&[CURSOR]).with(AFTER, back.to_string()).at(&visitor.path);
    // A page may be empty, and yet have a next one.
    let goes_on = answer["page"]["next_cursor"].is_string();
    let empty = html! {
        @if goes_on {
            (state::empty("No event fits in this stretch of the ledger.", &html! { "The next page goes on from there." }))
            (table::pager(visitor, &answer["page"], 0))
        } @else {
            (state::empty("No event fits.", &html! { "Begin after an earlier entry, or tick other types." }))
        }
    };
    html! {
        div.tools {
            p.soft { "Up to entry " (last) }
            a href=(latest) { "Only the last " (LATEST) " entries" }
        }
        (Table { caption: "Events", columns: TABLE, answer, sorted: "", empty }.draw(visitor))
    }
}

fn filters(visitor: &Visitor) -> Markup {
    let query = &visitor.query;
    let chosen: Vec<&str> = query.all(TYPE).collect();
    let fields = html! {
        (field::text(query, AFTER, "After entry"))
        details.more open[!chosen.is_empty()] {
            summary { "Types" }
            fieldset.fields {
                legend { "Types; all if none is ticked" }
                @for one in EventType::ALL.iter().filter(|one| **one != EventType::WebhookTest) {
                    @let name = one.as_str();
                    label.line {
                        input type="checkbox" name=(TYPE) value=(name) checked[chosen.contains(&name)];
                        " " (name)
                    }
                }
            }
        }
    };
    table::filters(visitor, &[AFTER, TYPE], &fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_are_ticked_are_asked_for_together() {
        let query = Query::parse("after=12&type=report.ready&type=report.refused&done=x&cursor=c");
        assert_eq!(asked(&query), "/v1/events?after=12&cursor=c&type%5Bin%5D=report.ready%2Creport.refused");
        assert_eq!(asked(&Query::parse("institution=ins_1")), "/v1/events");
    }
}
