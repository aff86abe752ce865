//! The keyboard shortcuts.

use actix_web::get;
use maud::html;

use super::{
    layout::{self, Page},
    visit::Visit,
};

const KEYS: &[(&[&str], &str)] = &[
    (&["/"], "To the first filter"),
    (&["j"], "Next row"),
    (&["k"], "Row before"),
    (&["Enter"], "Open the row"),
    (&["n"], "Next page of a list"),
    (&["Esc"], "Close what is open"),
    (&["g", "t"], "Today"),
    (&["g", "x"], "Transactions"),
    (&["g", "r"], "Reports"),
    (&["g", "l"], "Lineage"),
    (&["g", "a"], "Audit"),
    (&["g", "v"], "Verify"),
    (&["g", "d"], "Developers"),
    (&["g", "o"], "Operations"),
    (&["?"], "This list"),
];

/// The list.
#[get("/keys")]
pub async fn page(visit: Visit) -> Page {
    let main = html! {
        h1 { "Keyboard shortcuts" }
        table {
            caption { "Keyboard shortcuts" }
            thead { tr { th scope="col" { "Keys" } th scope="col" { "What they do" } } }
            tbody {
                @for (keys, what) in KEYS {
                    tr {
                        td { @for key in *keys { kbd { (key) } " " } }
                        td { (what) }
                    }
                }
            }
        }
    };
    layout::page(&visit, "Keyboard shortcuts", &main)
}
