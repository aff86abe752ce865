//! How each log stands: its size, what is signed of it, and what the last check found.

use actix_web::{get, web};
use maud::{Markup, html};
use serde_json::Value;

use super::{
    AFTER,
    age::{self, Checked, Signing},
    pager, ways,
};
use crate::{
    access::Door,
    portal::{
        layout::{self, Page},
        parts::{
            fact,
            json::{rows, text},
            money::grouped,
            state::{Tone, badge},
            table::framed,
        },
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
};

/// The list.
#[get("/ops/ledgers")]
pub async fn list(visit: Visit, door: web::Data<Door>) -> Result<Page, Trouble> {
    let logs = visit.get(&visit.query.only(&[AFTER]).at("/admin/v1/logs")).await?;
    let now_us = door.world.now_us();
    let main = html! {
        h1 { "Ledgers" }
        (ways(&visit))
        p.soft { (age::LEDGERS_MEAN) }
        (table(&visit, now_us, &logs))
        h2 { "Checking a whole log" }
        p {
            "This walks over every entry, tile, checkpoint and payload, beside the running service, and what it finds "
            "is shown above:"
        }
        (fact::block("veritrail fsck"))
        p {
            "A log stops by itself when what is stored is not what was signed. It stays so until the newest "
            "database is put back and the service is started again; its log says which log stopped, and why."
        }
    };
    Ok(layout::page(&visit, "Ledgers", &main))
}

fn table(visitor: &Visitor, now_us: i64, logs: &Value) -> Markup {
    let rows = rows(logs);
    html! {
        (framed("Ledgers", &html! {
            thead { tr {
                th scope="col" { "Whose" } th scope="col" { "State" } th.num scope="col" { "Entries" }
                th scope="col" { "Last entry" } th scope="col" { "Newest checkpoint" } th scope="col" { "Last check" }
                th scope="col" { "Name of the log" }
            } }
            tbody { @for log in rows { (row(visitor, now_us, log)) } }
        }))
        (pager(visitor, "/ops/ledgers", rows.len(), logs))
    }
}

fn row(visitor: &Visitor, now_us: i64, log: &Value) -> Markup {
    let size = |value: &Value| grouped(text(value));
    html! {
        tr {
            th scope="row" {
                @if log["role"] == "provider" {
                    (text(&log["name"])) " " span.soft { "its own log" }
                } @else {
                    a href=(visitor.link(&format!("/ops/institutions/{}", text(&log["institution"])))) { (text(&log["name"])) }
                }
            }
            td {
                @match log["stopped"].as_str() {
                    Some(reason) => { (badge(Tone::Bad, "stopped")) " " (reason) }
                    None => { (badge(Tone::Good, "open")) }
                }
            }
            td.num { (size(&log["size"])) }
            td { @if let Some(at) = log["last_entry_at"].as_str() { (age::since(now_us, at)) } }
            td {
                (Signing::of(now_us, log).badge())
                @if let Some(at) = log["checkpoint"]["signed_at"].as_str() {
                    " " (size(&log["checkpoint"]["size"])) " entries, " (age::since(now_us, at))
                }
            }
            td {
                (Checked::of(now_us, log).badge())
                @let check = &log["check"];
                @if let Some(at) = check["checked_at"].as_str() {
                    " " (size(&check["size"])) " entries, " (age::since(now_us, at))
                }
                @if let Some(fault) = check["fault"].as_str() { " " span.bad { (fault) } }
            }
            td { (fact::short(text(&log["origin"]))) }
        }
    }
}
