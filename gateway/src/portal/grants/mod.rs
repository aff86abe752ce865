//! Grants: which regulators may see what of the institution, from when to when, and why.

mod form;
pub mod new;
pub mod one;
pub(super) mod words;

use actix_web::{get, web};
use maud::{Markup, html};

use super::{
    layout::{self, Page},
    parts::{
        json::text,
        state::{self, Tone},
        table::{self, Column, Table},
        time,
    },
    trouble::Trouble,
    visit::{INSTITUTION, Visit},
};

/// The pages. The one with a name of its own stands before the one that takes any.
pub fn pages(config: &mut web::ServiceConfig) {
    config.service(list).service(new::page).service(new::order).service(one::page).service(one::revoke);
}

const TABLE: &[Column] = &[
    Column {
        name: "state",
        head: "State",
        numeric: false,
        usual: true,
        sort: None,
        cell: |_, row| words::state(text(&row["state"])),
    },
    Column {
        name: "regulator",
        head: "Regulator",
        numeric: false,
        usual: true,
        sort: None,
        cell: |visitor, row| {
            let to = visitor.link(&format!("/grants/{}", text(&row["id"])));
            html! { a href=(to) { (text(&row["email"])) } }
        },
    },
    Column {
        name: "scopes",
        head: "May see",
        numeric: false,
        usual: true,
        sort: None,
        cell: |_, row| html! { (words::short(&words::scopes(&row["scopes"]))) },
    },
    Column {
        name: "from",
        head: "From",
        numeric: false,
        usual: true,
        sort: None,
        cell: |_, row| time::instant(text(&row["from"])),
    },
    Column {
        name: "until",
        head: "Until",
        numeric: false,
        usual: true,
        sort: None,
        cell: |_, row| ends(text(&row["until"]), row["revoked_at"].as_str()),
    },
    Column {
        name: "purpose",
        head: "What for",
        numeric: false,
        usual: true,
        sort: None,
        cell: |_, row| html! { (text(&row["purpose"])) },
    },
    Column {
        name: "created_at",
        head: "Made",
        numeric: false,
        usual: false,
        sort: None,
        cell: |_, row| time::instant(text(&row["created_at"])),
    },
    Column {
        name: "made_by",
        head: "Made by",
        numeric: false,
        usual: false,
        sort: None,
        cell: |_, row| html! { code { (text(&row["made_by"])) } },
    },
];

/// When a grant ends, or when it was ended.
fn ends(until: &str, revoked_at: Option<&str>) -> Markup {
    html! {
        @match revoked_at {
            Some(revoked_at) => { "revoked " (time::instant(revoked_at)) }
            None => (time::instant(until)),
        }
    }
}

/// The list.
#[get("/grants")]
pub async fn list(visit: Visit) -> Result<Page, Trouble> {
    form::allow(&visit)?;
    let asked = visit.query.without(&[table::COLUMNS, INSTITUTION]);
    let answer = visit.get(&asked.at("/v1/grants")).await;
    let new = visit.link("/grants/new");
    let main = html! {
        h1 { "Grants" }
        p {
            "Who of a supervisor may look at the institution's data here, for how long, and what for. A grant ends by \
             itself; making and revoking one, and every look that rests on it, is on the ledger."
        }
        @match &answer {
            Ok(answer) => {
                div.tools {
                    p { a.button href=(new) { "Grant access" } }
                    (table::chooser(&visit, TABLE))
                }
                (Table {
                    caption: "Grants, the newest first",
                    columns: TABLE,
                    answer,
                    sorted: "",
                    empty: state::empty("No grant was made yet.", &html! {
                        "A regulator sees nothing of the institution until somebody grants it: "
                        a href=(new) { "grant access" } "."
                    }),
                }.draw(&visit))
            }
            Err(trouble) if trouble.is_about_input() => (state::notice(Tone::Bad, trouble.detail())),
            Err(_) => {}
        }
    };
    match answer {
        Err(trouble) if !trouble.is_about_input() => Err(trouble),
        _ => Ok(layout::page(&visit, "Grants", &main)),
    }
}
