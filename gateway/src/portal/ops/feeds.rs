//! How fresh each institution's records are, and who delivers files for it.

use actix_web::{get, web};
use maud::{Markup, html};
use serde_json::Value;

use super::{
    AFTER,
    age::{self, Freshness},
    pager, ways,
};
use crate::{
    access::Door,
    portal::{
        layout::{self, Page},
        parts::{
            fact,
            json::{number, rows, text},
            number::count,
            state::{self, Tone, badge},
            table::framed,
        },
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
};

/// The list.
#[get("/ops/feeds")]
pub async fn list(visit: Visit, door: web::Data<Door>) -> Result<Page, Trouble> {
    let feeds = visit.get(&visit.query.only(&[AFTER]).at("/admin/v1/feeds")).await?;
    let now_us = door.world.now_us();
    let main = html! {
        h1 { "Feeds" }
        (ways(&visit))
        p.soft { (age::FEEDS_MEAN) }
        @if rows(&feeds).is_empty() {
            (state::empty("No institution is served yet.", &html! {
                a href=(visit.link("/ops/institutions")) { "Add one" } ", and have its records delivered."
            }))
        } @else {
            h2 { "Records" }
            (institutions(&visit, now_us, &feeds))
            h2 { "Files" }
            p.soft {
                "Each client that delivers files, with their format. What is delivered record by record "
                "names no feed: it counts above."
            }
            (files(&visit, now_us, &feeds))
        }
    };
    Ok(layout::page(&visit, "Feeds", &main))
}

fn named(visitor: &Visitor, row: &Value) -> Markup {
    html! {
        a href=(visitor.link(&format!("/ops/institutions/{}", text(&row["institution"])))) { (text(&row["name"])) }
    }
}

fn institutions(visitor: &Visitor, now_us: i64, feeds: &Value) -> Markup {
    let rows = rows(feeds);
    html! {
        (framed("How fresh records are", &html! {
            thead { tr {
                th scope="col" { "Institution" } th scope="col" { "Freshness" } th scope="col" { "Newest delivery" }
                th.num scope="col" { "Feeds of files" }
            } }
            tbody {
                @for row in rows {
                    @let newest = row["newest_delivery_at"].as_str();
                    tr {
                        th scope="row" { (named(visitor, row)) }
                        td { (Freshness::of(now_us, newest).badge()) }
                        td { @if let Some(at) = newest { (age::since(now_us, at)) } }
                        td.num { (row["feeds"].as_array().map_or(0, Vec::len)) }
                    }
                }
            }
        }))
        (pager(visitor, "/ops/feeds", rows.len(), feeds))
    }
}

fn files(visitor: &Visitor, now_us: i64, feeds: &Value) -> Markup {
    let rows =
        || rows(feeds).iter().filter(|row| row["feeds"].as_array().is_some_and(|feeds| !feeds.is_empty()));
    if rows().next().is_none() {
        return html! { p { "No file was delivered for these institutions yet." } };
    }
    framed(
        "Feeds of files",
        &html! {
            thead { tr {
                th scope="col" { "Institution" } th scope="col" { "Delivered by" } th scope="col" { "Format" }
                th scope="col" { "Newest file" } th scope="col" { "Came" } th.num scope="col" { "Records" }
                th.num scope="col" { "Added" } th.num scope="col" { "Faults" } th.num scope="col" { "Files, 30 days" }
                th.num scope="col" { "Added, 30 days" }
            } }
            tbody {
                @for row in rows() {
                    @for feed in row["feeds"].as_array().into_iter().flatten() { (file(visitor, now_us, row, feed)) }
                }
            }
        },
    )
}

fn file(visitor: &Visitor, now_us: i64, row: &Value, feed: &Value) -> Markup {
    let newest = &feed["newest"];
    let (tone, word) = match text(&newest["state"]) {
        "stored" => (Tone::Good, "stored"),
        "refused" => (Tone::Bad, "refused"),
        "failed" => (Tone::Bad, "failed"),
        other => (Tone::Plain, other),
    };
    html! {
        tr {
            th scope="row" { (named(visitor, row)) }
            td {
                @match feed["deliverer_name"].as_str() {
                    Some(name) => (name),
                    None => { @if feed["deliverer"] == "veritrail" { "the command line" } @else { (fact::short(text(&feed["deliverer"]))) } }
                }
            }
            td { (text(&feed["format"])) }
            td { (badge(tone, word)) }
            td {
                @let at = text(&newest["created_at"]);
                (Freshness::of(now_us, Some(at)).badge()) " " (age::since(now_us, at))
            }
            td.num { (count(number(&newest["records"]))) }
            td.num { (count(number(&newest["added"]))) }
            td.num { (count(number(&newest["faults"]))) }
            td.num { (count(number(&feed["files_30_days"]))) }
            td.num { (count(number(&feed["records_added_30_days"]))) }
        }
    }
}
