//! How the service does, at a glance: what needs somebody, and what this replica has counted.

use actix_web::{get, web};
use futures_util::future::try_join3;
use maud::{Markup, html};
use serde_json::Value;

use super::{
    age::{Checked, Freshness, Signing},
    all, ways,
};
use crate::{
    access::Door,
    portal::{
        layout::{self, Page},
        parts::{
            fact,
            json::{number, text},
            number::count,
            state::{self, Tone, badge},
            table::framed,
            time,
        },
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
};

/// The page.
#[get("/ops")]
pub async fn page(visit: Visit, door: web::Data<Door>) -> Result<Page, Trouble> {
    let (logs, feeds, figures) = try_join3(
        all(&visit, "/admin/v1/logs"),
        all(&visit, "/admin/v1/feeds?feeds=false"),
        visit.get("/admin/v1/figures"),
    )
    .await?;
    let now_us = door.world.now_us();
    let main = html! {
        h1 { "Operations" }
        (ways(&visit))
        (attention(&visit, now_us, &logs.rows, &feeds.rows))
        @if logs.more || feeds.more {
            p.soft { "There are more institutions than this page looks at; the lists have all of them." }
        }
        div.columns {
            section { h2 { "Ledgers" } (ledgers(&visit, now_us, &logs.rows, &figures)) }
            section { h2 { "Feeds" } (feeds_glance(&visit, now_us, &feeds.rows)) }
        }
        h2 { "This replica" }
        p.soft {
            "What the replica that made this page has counted since it started, "
            (time::instant(text(&figures["since"]))) ". Others have figures of their own. "
            "Median and 99th percentile are read out of the buckets of a histogram: near, not exact."
        }
        div.columns {
            section { h3 { "Recorder" } (recorder(&figures["recorder"])) }
            section { h3 { "Requests" } (requests(&figures["requests"], &figures["readers"])) }
            section { h3 { "Limits" } (limits(&figures["limits"])) }
        }
    };
    Ok(layout::page(&visit, "Operations", &main))
}

/// What somebody should look at.
fn attention(visitor: &Visitor, now_us: i64, logs: &[Value], feeds: &[Value]) -> Markup {
    let stopped = || logs.iter().filter(move |log| log["stopped"].is_string());
    let faulty = || logs.iter().filter(move |log| Checked::of(now_us, log) == Checked::Fault);
    let behind = || logs.iter().filter(move |log| Signing::of(now_us, log) == Signing::Behind);
    let stale = || feeds.iter().filter(move |row| freshness(now_us, row) == Freshness::Stale);
    if stopped().chain(faulty()).chain(behind()).chain(stale()).next().is_none() {
        return state::notice(
            Tone::Good,
            "Nothing needs you. No ledger is stopped, faulty or behind with signing, and no feed is stale.",
        );
    }
    html! {
        h2 { "To look at" }
        ul.alerts {
            @for log in stopped() {
                li {
                    (badge(Tone::Bad, "stopped")) " "
                    a href=(visitor.link("/ops/ledgers")) { (text(&log["name"])) }
                    ": " (text(&log["stopped"])) ". Nothing of it is stored or served."
                }
            }
            @for log in faulty() {
                li {
                    (badge(Tone::Bad, "fault")) " "
                    a href=(visitor.link("/ops/ledgers")) { (text(&log["name"])) }
                    ": " (text(&log["check"]["fault"])) ", found " (time::instant(text(&log["check"]["checked_at"])))
                }
            }
            @for log in behind() {
                li {
                    (badge(Tone::Bad, "behind")) " "
                    a href=(visitor.link("/ops/ledgers")) { (text(&log["name"])) }
                    ": entries of more than a minute ago are not signed"
                }
            }
            @for row in stale() {
                li {
                    (badge(Tone::Bad, "stale")) " "
                    a href=(visitor.link("/ops/feeds")) { (text(&row["name"])) }
                    ": the newest delivery came " (time::instant(text(&row["newest_delivery_at"])))
                }
            }
        }
    }
}

fn freshness(now_us: i64, row: &Value) -> Freshness {
    Freshness::of(now_us, row["newest_delivery_at"].as_str())
}

fn ledgers(visitor: &Visitor, now_us: i64, logs: &[Value], figures: &Value) -> Markup {
    let stopped = logs.iter().filter(|log| log["stopped"].is_string()).count();
    let checked = |wanted: Checked| logs.iter().filter(|log| Checked::of(now_us, log) == wanted).count();
    let unsigned_s = figures["ledger"]["unsigned_s"].as_f64().unwrap_or_default();
    html! {
        (fact::list(&[
            ("Logs", Some(html! {
                (logs.len()) " "
                @if stopped == 0 { (badge(Tone::Good, "none stopped")) } @else { (badge(Tone::Bad, &format!("{stopped} stopped"))) }
            })),
            ("Entries", Some(html! { (count(number(&figures["ledger"]["entries"]))) })),
            ("Oldest entry that is not signed", Some(html! {
                @if unsigned_s == 0.0 { (badge(Tone::Good, "all signed")) } @else { (format!("{unsigned_s:.1} s")) }
            })),
            ("Last checks", Some(html! {
                (checked(Checked::Clean)) " clean, " (checked(Checked::LongAgo)) " long ago, "
                (checked(Checked::Fault)) " with a fault, " (checked(Checked::Never)) " never"
            })),
        ]))
        p { a href=(visitor.link("/ops/ledgers")) { "Every ledger" } }
    }
}

fn feeds_glance(visitor: &Visitor, now_us: i64, rows: &[Value]) -> Markup {
    let of = |wanted: Freshness| rows.iter().filter(|row| freshness(now_us, row) == wanted).count();
    let stands = [Freshness::Fresh, Freshness::Late, Freshness::Stale, Freshness::Nothing];
    html! {
        (framed("Institutions by freshness of their records", &html! {
            thead { tr { th scope="col" { "Newest delivery" } th.num scope="col" { "Institutions" } } }
            tbody { @for stand in stands { tr { td { (stand.badge()) } td.num { (of(stand)) } } } }
        }))
        p { a href=(visitor.link("/ops/feeds")) { "Every feed" } }
    }
}

/// Milliseconds, to two digits.
fn ms(value: &Value) -> String {
    value.as_f64().map_or_else(|| "no sample yet".to_owned(), |ms| format!("{ms:.2} ms"))
}

fn recorder(recorder: &Value) -> Markup {
    let failed = number(&recorder["failed_batches"]);
    fact::list(&[
        ("Commands committed", Some(html! { (count(number(&recorder["commands"]))) })),
        ("Batches", Some(html! { (count(number(&recorder["batches"]))) })),
        ("Commit, median", Some(html! { (ms(&recorder["commit"]["median_ms"])) })),
        ("Commit, 99th percentile", Some(html! { (ms(&recorder["commit"]["p99_ms"])) })),
        ("Waiting now", Some(html! { (count(number(&recorder["waiting"]))) })),
        (
            "Failed batches",
            Some(html! {
                @if failed == 0 { (badge(Tone::Good, "none")) } @else { (badge(Tone::Bad, &count(failed))) }
            }),
        ),
    ])
}

fn requests(requests: &Value, readers: &Value) -> Markup {
    let refused = requests["refused"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        (fact::list(&[
            ("Answered", Some(html! { (count(number(&requests["answered"]))) })),
            ("At work now", Some(html! { (count(number(&requests["in_flight"]))) })),
            ("Turned away, too many at work", Some(html! { (count(number(&requests["turned_away"]))) })),
            ("Answer, median", Some(html! { (ms(&requests["answer"]["median_ms"])) })),
            ("Answer, 99th percentile", Some(html! { (ms(&requests["answer"]["p99_ms"])) })),
            ("Readers of the database", Some(html! {
                (count(number(&readers["used"]))) " in use, " (count(number(&readers["idle"]))) " free"
            })),
        ]))
        @if refused.is_empty() {
            p.soft { "Nothing was refused." }
        } @else {
            (framed("Refusals and failures by status", &html! {
                thead { tr { th scope="col" { "Status" } th.num scope="col" { "Answers" } } }
                tbody { @for row in refused {
                    tr { td { (number(&row["status"])) } td.num { (count(number(&row["requests"]))) } }
                } }
            }))
        }
    }
}

fn limits(limits: &Value) -> Markup {
    let decisions = limits["decisions"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        p {
            @if limits["held"] == "shared" {
                (badge(Tone::Good, "shared")) " Limits hold across all replicas."
            } @else {
                (badge(Tone::Plain, "local")) " Limits are this replica's own: there is no Redis, or it is away."
            }
        }
        (framed("What the limits decided", &html! {
            thead { tr {
                th scope="col" { "Limit of" } th.num scope="col" { "Let through" } th.num scope="col" { "Held back" }
            } }
            tbody {
                @for row in decisions {
                    tr {
                        th scope="row" { (text(&row["limit"])) }
                        td.num { (count(number(&row["admitted"]))) }
                        td.num { (count(number(&row["refused"]))) }
                    }
                }
            }
        }))
    }
}
