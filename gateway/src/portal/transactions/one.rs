//! One transaction: the record, its proof, where it came from, its versions, and the figures that count it.

use actix_web::{get, web};
use futures_util::future::join4;
use maud::{Markup, html};
use serde_json::Value;

use super::{
    super::{
        layout::{self, Page},
        parts::{
            fact,
            money::{amount, decimal_in},
            state::{self, Tone},
            time,
        },
        query::segment,
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
    text,
};
use crate::domain::Scope;

/// The page; a list shows it in a drawer.
#[get("/transactions/{id}")]
pub async fn page(visit: Visit, id: web::Path<String>) -> Result<Page, Trouble> {
    let path = format!("/v1/transactions/{}", segment(&id));
    let (versions, figures) = (format!("{path}/versions"), format!("{path}/figures"));
    let counted = async {
        match visit.may(Scope::ReportsRead) {
            true => visit.find(&figures).await,
            false => Ok(None),
        }
    };
    let proven = format!("{path}?proof=inclusion");
    let institution = visit.get("/v1/institution");
    let (found, versions, figures, institution) =
        join4(visit.get(&proven), visit.get(&versions), counted, institution).await;
    let (found, versions, figures) = match (found, versions?) {
        // One that was withdrawn is no longer there, but its versions are.
        (Err(trouble), versions) if trouble.is_not_found() => {
            let last = versions["data"].as_array().and_then(|all| all.last()).cloned();
            (Value::from_iter([("data", last.ok_or(trouble)?)]), versions, figures?)
        }
        (found, versions) => (found?, versions, figures?),
    };
    let record = &found["data"];
    let main = html! {
        h1 { "Transaction " (text(&record["reference"])) }
        p.figure { (amount(&record["amount"], &record["direction"])) }
        (withdrawn(record))
        (proof(&visit, &found["proof"], record, text(&institution?["log"]["vkey"])))
        h2 { "Record" }
        (facts(&visit, record))
        h2 { "Versions" }
        (history(&versions))
        @if let Some(figures) = figures {
            h2 { "Reports that count it" }
            (uses(&visit, &figures))
        }
    };
    Ok(layout::page(&visit, &format!("Transaction {}", text(&record["reference"])), &main))
}

fn withdrawn(record: &Value) -> Markup {
    html! {
        @if record["revision"]["kind"] == "reversal" {
            (state::notice(Tone::Warn, &format!("It was withdrawn: {}", text(&record["revision"]["reason"]))))
        }
    }
}

/// What shows that the record is on the ledger. A script checks it, and says so; until then nothing is claimed.
fn proof(visitor: &Visitor, proof: &Value, record: &Value, vkey: &str) -> Markup {
    let Some(seq) = proof["seq"].as_str() else { return html! {} };
    let entry = visitor.link(&format!("/audit/{seq}"));
    html! {
        section.proof data-proof=(proof) data-record=(record) data-vkey=(vkey) {
            p { "Recorded as " a href=(entry) { "entry " (seq) } " of the ledger. " span.verdict role="status" { "Not checked here yet." } }
            details {
                summary { "Proof" }
                p.soft { "The entry commits to the record by its salt; the path leads from the entry to the root that the checkpoint signs (RFC 9162 section 2.1.3)." }
                (fact::list(&[("Salt", Some(fact::copyable(text(&proof["salt"]))))]))
                h3 { "Entry" }
                (fact::block(text(&proof["entry"])))
                h3 { "Path" }
                (fact::block(&proof["path"].as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join("\n")))
                h3 { "Checkpoint" }
                (fact::block(text(&proof["checkpoint"])))
            }
        }
    }
}

fn facts(visitor: &Visitor, record: &Value) -> Markup {
    let known = |value: &Value| value.as_str().map(|text| html! { (text) });
    let code = |value: &Value| value.as_str().map(fact::copyable);
    let day = |value: &Value| value.as_str().map(time::day);
    let account = visitor.link(&format!("/transactions?account_id={}", text(&record["account_id"])));
    let other = &record["counterparty"];
    fact::list(&[
        ("Id", code(&record["id"])),
        ("Account", Some(html! { a href=(account) { (text(&record["account"])) } })),
        ("Booked", day(&record["booking_date"])),
        ("Value date", day(&record["value_date"])),
        ("Status", known(&record["status"])),
        (
            "Balance after",
            record["balance_after"]
                .is_object()
                .then(|| amount(&record["balance_after"], &record["balance_after"]["direction"])),
        ),
        ("Counterparty", known(&other["name"])),
        ("Counterparty account", code(&other["account"])),
        ("Counterparty agent", code(&other["agent"])),
        ("Purpose", known(&record["remittance_information"])),
        ("Purpose code", known(&record["purpose"])),
        ("Bank transaction code", known(&record["bank_transaction_code"])),
        ("End-to-end id", code(&record["end_to_end_id"])),
        ("Source file (SHA-256)", record["source"]["file_sha256"].as_str().map(fact::short)),
        ("Source line", known(&record["source"]["line"])),
        ("Source offset", known(&record["source"]["offset"])),
    ])
}

fn history(versions: &Value) -> Markup {
    let none = Vec::new();
    let versions = versions["data"].as_array().unwrap_or(&none);
    html! {
        div.scroll role="region" aria-label="Versions" tabindex="0" {
            table {
                caption { "Versions, the first one first" }
                thead { tr {
                    th scope="col" { "Version" } th scope="col" { "What it is" } th scope="col" { "Why" }
                    th.num scope="col" { "Amount" }
                } }
                tbody {
                    @for version in versions {
                        @let revision = &version["revision"];
                        tr {
                            td { (revision["version"].as_str().unwrap_or("1")) }
                            td { (revision["kind"].as_str().unwrap_or("first delivery")) }
                            td { (text(&revision["reason"])) }
                            td.num { (amount(&version["amount"], &version["direction"])) }
                        }
                    }
                }
            }
        }
    }
}

fn uses(visitor: &Visitor, figures: &Value) -> Markup {
    let none = Vec::new();
    let figures = figures["data"].as_array().unwrap_or(&none);
    if figures.is_empty() {
        return html! { p.soft { "No report counts it." } };
    }
    html! {
        div.scroll role="region" aria-label="Figures that count it" tabindex="0" {
            table {
                caption { "Figures that count it" }
                thead { tr {
                    th scope="col" { "Report" } th scope="col" { "Figure" } th.num scope="col" { "Its part" }
                    th.num scope="col" { "Value" }
                } }
                tbody {
                    @for figure in figures {
                        @let report = visitor.link(&format!("/reports/{}", text(&figure["report"])));
                        @let to = visitor.link(&format!(
                            "/reports/{}/versions/{}/figures/{}",
                            text(&figure["report"]), figure["n"], figure["position"],
                        ));
                        tr {
                            td { a href=(report) { (text(&figure["type"])) " " (text(&figure["period"])) } ", version " (figure["n"]) }
                            td { a href=(to) { (text(&figure["name"])) } }
                            td.num { (decimal_in(text(&figure["amount"]), text(&figure["unit"]))) }
                            td.num { (decimal_in(text(&figure["value"]), text(&figure["unit"]))) }
                        }
                    }
                }
            }
        }
    }
}
