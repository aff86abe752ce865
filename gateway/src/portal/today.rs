//! What needs me today: how fresh the records are, what has gone wrong, how the ledger stands, what is left of
//! the limits.

use actix_web::get;
use futures_util::future::{try_join, try_join4};
use maud::{Markup, html};
use serde_json::Value;

use super::{
    layout::{self, Page},
    parts::{
        fact,
        json::text,
        money::grouped,
        state::{self, Tone, badge},
        time,
    },
    trouble::Trouble,
    visit::{Visit, Visitor},
};
use crate::domain::{Role, Scope};

/// How far back from the ledger's end events are looked for.
const LOOK_BACK: u64 = 2_000;
/// Events that somebody should look at.
const ALERTS: &str = "report.refused,webhook_endpoint.disabled,transaction.corrected,transaction.reversed";
/// Pages of events that are read for it.
const PAGES_MAX: usize = 4;
/// How many are shown.
const SHOWN: usize = 10;

/// The page.
#[get("/")]
pub async fn show(visit: Visit) -> Result<Page, Trouble> {
    let main = match (visit.role(), &visit.stay.institution) {
        (Role::Regulator, _) => html! {
            h1 { "Today" }
            p { "What you may see stands in your " a href="/reg" { "grants" } "." }
        },
        (Role::Operator, None) => provider(&visit).await?,
        _ => institution(&visit).await?,
    };
    Ok(layout::page(&visit, "Today", &main))
}

/// What the API says, where one may ask and there is something.
async fn asked(visit: &Visit, scope: Scope, target: &str) -> Result<Value, Trouble> {
    if !visit.may(scope) {
        return Ok(Value::Null);
    }
    visit.get(target).await
}

async fn institution(visit: &Visit) -> Result<Markup, Trouble> {
    let institution = visit.get("/v1/institution").await?;
    let size = institution["log"]["size"].as_str().and_then(|size| size.parse().ok()).unwrap_or(0_u64);
    let (newest, alerts, reports, limits) = try_join4(
        asked(visit, Scope::TransactionsRead, "/v1/transactions?sort=-seq&limit=1&proof=inclusion"),
        alerts(visit, size),
        asked(visit, Scope::ReportsRead, "/v1/reports?limit=100"),
        asked(visit, Scope::UsageRead, "/v1/limits"),
    )
    .await?;
    Ok(html! {
        h1 { "Today" }
        (attention(visit, &alerts, &reports))
        div.columns {
            @if !newest.is_null() { section { h2 { "Records" } (freshness(visit, &newest)) } }
            section { h2 { "Ledger" } (ledger(&institution)) }
            @if !limits.is_null() { section { h2 { "Limits" } (left(&limits)) } }
        }
    })
}

/// The newest events that somebody should look at, the newest first.
async fn alerts(visit: &Visit, size: u64) -> Result<Vec<Value>, Trouble> {
    let mut found = Vec::new();
    let first = format!("/v1/events?type[in]={ALERTS}&limit=500&after={}", size.saturating_sub(LOOK_BACK));
    let mut next = Some(first);
    for _ in 0..PAGES_MAX {
        let Some(target) = next else { break };
        let page = asked(visit, Scope::EventsRead, &target).await?;
        found.extend(page["data"].as_array().into_iter().flatten().cloned());
        let cursor = page["page"]["next_cursor"].as_str();
        next = cursor.map(|cursor| format!("/v1/events?type[in]={ALERTS}&limit=500&cursor={cursor}"));
    }
    found.reverse();
    found.truncate(SHOWN);
    Ok(found)
}

fn attention(visitor: &Visitor, alerts: &[Value], reports: &Value) -> Markup {
    let none = Vec::new();
    let refused = |report: &&Value| report["newest"]["state"] == "refused";
    let refused: Vec<&Value> = reports["data"].as_array().unwrap_or(&none).iter().filter(refused).collect();
    if alerts.is_empty() && refused.is_empty() {
        return state::notice(
            Tone::Good,
            "Nothing needs you. No report is refused, and nothing was corrected lately.",
        );
    }
    html! {
        h2 { "To look at" }
        ul.alerts {
            @for report in refused {
                li {
                    (badge(Tone::Bad, "refused")) " "
                    a href=(visitor.link(&format!("/reports/{}", text(&report["id"])))) {
                        (text(&report["type"])) " " (text(&report["period"]))
                    }
                    ", version " (report["newest"]["n"]) ": " (report["newest"]["errors"]) " errors"
                }
            }
            @for event in alerts {
                li {
                    (time::instant(text(&event["timestamp"]))) " "
                    @let (tone, word) = named(text(&event["type"]));
                    (badge(tone, word)) " "
                    (subject(visitor, event))
                }
            }
        }
    }
}

/// An event's name, for people.
fn named(kind: &str) -> (Tone, &str) {
    match kind {
        "report.refused" => (Tone::Bad, "report refused"),
        "webhook_endpoint.disabled" => (Tone::Bad, "webhook disabled"),
        "transaction.corrected" => (Tone::Warn, "corrected"),
        "transaction.reversed" => (Tone::Warn, "withdrawn"),
        other => (Tone::Plain, other),
    }
}

/// What an event is about, as a link where there is a page.
fn subject(visitor: &Visitor, event: &Value) -> Markup {
    let id = text(&event["data"]["id"]);
    let page = match id.split('_').next() {
        Some("txn") => format!("/transactions/{id}"),
        Some("rep") => format!("/reports/{id}"),
        Some("whk") => format!("/developers/webhooks/{id}"),
        _ => return fact::short(id),
    };
    html! { a href=(visitor.link(&page)) { code { (id) } } }
}

fn freshness(visitor: &Visitor, newest: &Value) -> Markup {
    let Some(record) = newest["data"].get(0) else {
        return html! { p.soft { "No transaction is on record yet. They come when the provider delivers them." } };
    };
    let entry: Value = newest["proofs"][0]["entry"]
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    fact::list(&[
        ("Newest delivery", entry["at"].as_str().map(time::instant)),
        ("Booked", record["booking_date"].as_str().map(time::day)),
        (
            "Transaction",
            Some(html! {
                a href=(visitor.link(&format!("/transactions/{}", text(&record["id"])))) data-drawer { (text(&record["reference"])) }
            }),
        ),
    ])
}

fn ledger(institution: &Value) -> Markup {
    let log = &institution["log"];
    let signed = if log["size"] == log["signed_size"] {
        badge(Tone::Good, "every entry is signed")
    } else {
        badge(Tone::Warn, "the newest entries are being signed")
    };
    fact::list(&[
        ("Entries", log["size"].as_str().map(|size| html! { data value=(size) { (grouped(size)) } })),
        ("Checkpoint", Some(html! { (grouped(text(&log["signed_size"]))) " entries " (signed) })),
        ("Name of the log", log["origin"].as_str().map(fact::copyable)),
        ("Key to verify with", log["vkey"].as_str().map(fact::short)),
    ])
}

fn left(limits: &Value) -> Markup {
    let none = Vec::new();
    let limits = limits["limits"].as_array().unwrap_or(&none);
    html! {
        div.scroll role="region" aria-label="Limits" tabindex="0" {
            table {
                caption { "What is left of the limits now" }
                thead { tr { th scope="col" { "Limit of" } th.num scope="col" { "Left" } th.num scope="col" { "At once" } th.num scope="col" { "A second" } } }
                tbody {
                    @for limit in limits {
                        tr {
                            th scope="row" { @match text(&limit["policy"]) { "address" => "this address", "client" => "you", _ => "the institution" } }
                            td.num { (grouped(&limit["remaining"].to_string())) }
                            td.num { (grouped(&limit["burst"].to_string())) }
                            td.num { (grouped(&limit["per_second"].to_string())) }
                        }
                    }
                }
            }
        }
    }
}

/// The provider's own day: institutions, and whether the service is whole.
async fn provider(visit: &Visit) -> Result<Markup, Trouble> {
    let (institutions, health) =
        try_join(visit.get("/admin/v1/institutions"), visit.get("/health/ready")).await?;
    let none = Vec::new();
    let stopped = health["stopped_logs"].as_i64().unwrap_or_default();
    Ok(html! {
        h1 { "Today" }
        @if stopped > 0 {
            (state::notice(Tone::Bad, &format!("{stopped} ledgers are stopped: nothing of theirs is stored or served. Ask fsck what is wrong with them.")))
        } @else {
            (state::notice(Tone::Good, "The service is ready, and no ledger is stopped."))
        }
        p { a href="/ops" { "Operations" } ": feeds, ledgers, plans, clients, and how the service does." }
        h2 { "Institutions" }
        div.scroll role="region" aria-label="Institutions" tabindex="0" {
            table {
                caption { "Institutions" }
                thead { tr { th scope="col" { "Name" } th scope="col" { "Plan" } th scope="col" { "Since" } th scope="col" { "Look at" } } }
                tbody {
                    @for institution in institutions["data"].as_array().unwrap_or(&none) {
                        @let id = text(&institution["id"]);
                        tr {
                            th scope="row" { a href=(format!("/ops/institutions/{id}")) { (text(&institution["name"])) } }
                            td { (text(&institution["plan"])) }
                            td { (time::instant(text(&institution["onboarded_at"]))) }
                            td {
                                a href=(format!("/transactions?institution={id}")) { "Transactions" } " "
                                a href=(format!("/audit?institution={id}")) { "Audit" }
                            }
                        }
                    }
                }
            }
        }
    })
}
