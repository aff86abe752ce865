//! Lineage: find datasets and jobs, see what was made from what, and take the drawing away.

pub mod around;
pub mod draw;
pub mod graph;
pub mod impact;
pub mod list;
pub mod node;
pub mod place;
pub mod search;

use actix_web::{HttpResponse, get, http::header, web};
use maud::{Markup, html};

use super::{
    layout::Page,
    parts::json::text,
    trouble::Trouble,
    visit::{Visit, Visitor},
};
use crate::domain::Scope;

/// The pages.
pub fn pages(config: &mut web::ServiceConfig) {
    config.service(show).service(svg).service(node::page).service(impact::page);
}

/// What a page around a node keeps when it goes on to another.
const KEPT: &[&str] = &["direction", "depth", "columns", "as_of"];

/// A search, or the graph around a node.
#[get("/lineage")]
pub async fn show(visit: Visit) -> Result<Page, Trouble> {
    match visit.query.get("node").map(ToOwned::to_owned) {
        Some(node) => around::page(&visit, &node).await,
        None => search::page(&visit).await,
    }
}

/// The graph as a file.
#[get("/lineage.svg")]
pub async fn svg(visit: Visit) -> Result<HttpResponse, Trouble> {
    let drawing = around::file(&visit).await?;
    Ok(HttpResponse::Ok()
        .content_type("image/svg+xml; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"lineage.svg\""))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .body(drawing.into_string()))
}

/// The graph around a node, as far and as of when the page shows it.
fn to_node(visitor: &Visitor, node: &str) -> String {
    visitor.link(&visitor.query.only(KEPT).with("node", node).at("/lineage"))
}

/// One of a node's other pages, as of when the page shows it.
fn about(visitor: &Visitor, path: &str, pairs: &[(&str, &str)]) -> String {
    let query =
        pairs.iter().fold(visitor.query.only(&["as_of"]), |query, (name, value)| query.with(name, *value));
    visitor.link(&query.at(path))
}

/// An entry of the ledger; a link where they may see it.
fn entry(visitor: &Visitor, seq: &str) -> Markup {
    html! {
        @if visitor.may(Scope::LedgerRead) {
            a href=(visitor.link(&format!("/audit/{seq}"))) { (seq) }
        } @else { (seq) }
    }
}

/// Kind, namespace and name of a node, out of how it is written.
fn read(node: &str) -> (&str, String, &str) {
    let (kind, rest) = node.split_once(':').unwrap_or(("", node));
    let (namespace, name) = rest.split_once(':').unwrap_or(("", rest));
    (kind, namespace.replace("%3A", ":").replace("%25", "%"), name)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_node_is_read_as_it_is_written() {
        assert_eq!(read("dataset:gs%3A//b%2525:a:b"), ("dataset", "gs://b%25".to_owned(), "a:b"));
    }
}
