//! Tables that sort, page and choose their columns by the page's address.

use maud::{Markup, html};
use serde_json::Value;

use super::number::counted;
use crate::portal::{layout, visit::Visitor};

/// The parameter that names the columns to show.
pub const COLUMNS: &str = "columns";
/// The parameter that says where a page begins.
pub const CURSOR: &str = "cursor";
/// The parameter that says how many rows a page has.
pub const LIMIT: &str = "limit";

/// A column.
pub struct Column {
    /// Its name in an address.
    pub name: &'static str,
    /// What stands over it.
    pub head: &'static str,
    /// Whether it holds figures, which are set to the right.
    pub numeric: bool,
    /// Whether it is shown unless told otherwise.
    pub usual: bool,
    /// The value of `sort` that sorts by it, upwards.
    pub sort: Option<&'static str>,
    /// What stands in it.
    pub cell: fn(&Visitor, &Value) -> Markup,
}

/// A table of the API's list.
pub struct Table<'a> {
    /// What it holds.
    pub caption: &'a str,
    /// Every column that there is.
    pub columns: &'a [Column],
    /// The API's answer: `data` and `page`.
    pub answer: &'a Value,
    /// How it is sorted unless told otherwise.
    pub sorted: &'a str,
    /// Shown when there is nothing.
    pub empty: Markup,
}

impl Table<'_> {
    /// Draws it, with what pages on.
    #[must_use]
    pub fn draw(&self, visitor: &Visitor) -> Markup {
        let none = Vec::new();
        let rows = self.answer["data"].as_array().unwrap_or(&none);
        if rows.is_empty() {
            return self.empty.clone();
        }
        let shown: Vec<&Column> = self.columns.iter().filter(|column| is_shown(visitor, column)).collect();
        html! {
            div.scroll role="region" aria-label=(self.caption) tabindex="0" {
                table {
                    caption { (self.caption) }
                    thead { tr { @for column in &shown { (self.head(visitor, column)) } } }
                    tbody {
                        @for row in rows {
                            tr { @for column in &shown {
                                td class=[column.numeric.then_some("num")] { ((column.cell)(visitor, row)) }
                            } }
                        }
                    }
                }
            }
            (pager(visitor, &self.answer["page"], rows.len()))
        }
    }

    fn head(&self, visitor: &Visitor, column: &Column) -> Markup {
        let class = column.numeric.then_some("num");
        let Some(key) = column.sort else { return html! { th scope="col" class=[class] { (column.head) } } };
        let now = visitor.query.get("sort").unwrap_or(self.sorted);
        let (order, mark, next) = match now.strip_prefix('-') {
            Some(down) if down == key => (Some("descending"), " ↓", key.to_owned()),
            None if now == key => (Some("ascending"), " ↑", format!("-{key}")),
            _ => (None, "", key.to_owned()),
        };
        let to = visitor.query.without(&[CURSOR]).with("sort", next).at(&visitor.path);
        html! { th scope="col" class=[class] aria-sort=[order] { a href=(to) { (column.head) (mark) } } }
    }
}

fn is_shown(visitor: &Visitor, column: &Column) -> bool {
    let mut chosen = visitor.query.all(COLUMNS).peekable();
    match chosen.peek() {
        Some(_) => chosen.any(|name| name == column.name),
        None => column.usual,
    }
}

/// The form that chooses columns; the rest of the address stays.
#[must_use]
pub fn chooser(visitor: &Visitor, columns: &[Column]) -> Markup {
    html! {
        details.chooser {
            summary { "Columns" }
            form method="get" action=(visitor.path) {
                @for (name, value) in visitor.query.without(&[COLUMNS, CURSOR]).pairs() {
                    input type="hidden" name=(name) value=(value);
                }
                fieldset {
                    legend { "Columns to show" }
                    @for column in columns {
                        label {
                            input type="checkbox" name=(COLUMNS) value=(column.name)
                                checked[is_shown(visitor, column)];
                            " " (column.head)
                        }
                    }
                }
                button { "Show" }
            }
        }
    }
}

/// A table with its caption, which scrolls by itself where it is too wide.
#[must_use]
pub fn framed(caption: &str, table: &Markup) -> Markup {
    html! {
        div.scroll role="region" aria-label=(caption) tabindex="0" {
            table { caption { (caption) } (table) }
        }
    }
}

/// Rows that a page may have.
const SIZES: [&str; 3] = ["50", "100", "500"];

/// How many rows a page has, `usual` unless told otherwise: a choice in the address.
#[must_use]
pub fn sizes(visitor: &Visitor, usual: &str) -> Markup {
    let now = visitor.query.get(LIMIT).unwrap_or(usual);
    let first = visitor.query.without(&[CURSOR]);
    html! {
        nav.sizes aria-label="Rows on a page" {
            span.soft { "Rows" }
            @for size in SIZES {
                " " a href=(first.with(LIMIT, size).at(&visitor.path)) aria-label=(format!("{size} rows on a page"))
                    aria-current=[(now == size).then_some("true")] { (size) }
            }
        }
    }
}

/// Pages on, as the API's cursor has it.
#[must_use]
pub fn pager(visitor: &Visitor, page: &Value, rows: usize) -> Markup {
    let first = visitor.query.without(&[CURSOR]);
    html! {
        nav.pager aria-label="Pages of this list" {
            span.soft { (counted(rows, "row")) }
            @if visitor.query.get(CURSOR).is_some() { a href=(first.at(&visitor.path)) { "First page" } }
            @if let Some(next) = page["next_cursor"].as_str() {
                a rel="next" href=(first.with(CURSOR, next).at(&visitor.path)) { "Next page" }
            }
        }
    }
}

/// The form around a page's filters.
#[must_use]
pub fn filters(visitor: &Visitor, names: &[&str], fields: &Markup) -> Markup {
    let active = names.iter().any(|name| visitor.query.get(name).is_some());
    html! {
        form.filters method="get" action=(visitor.path) role="search" {
            (layout::keep(visitor))
            @for (name, value) in visitor.query.only(&["sort", COLUMNS, LIMIT]).pairs() {
                input type="hidden" name=(name) value=(value);
            }
            (fields)
            div.actions {
                button { "Filter" }
                @if active { a href=(visitor.query.without(names).without(&[CURSOR]).at(&visitor.path)) { "Clear" } }
            }
        }
    }
}
