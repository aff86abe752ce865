//! A regulator's grants: of which institutions they see what, until when, and what for.

use actix_web::{get, web};
use maud::{Markup, html};

use super::{
    grants::words,
    layout::{self, Page},
    parts::{fact, state, time},
    query::Query,
    trouble::Trouble,
    visit::{INSTITUTION, Visit},
};
use crate::{
    access::{Door, grants::Granted},
    domain::Role,
    error::{Code, Problem},
};

/// The page.
#[get("/reg")]
pub async fn page(visit: Visit, door: web::Data<Door>) -> Result<Page, Trouble> {
    if visit.role() != Role::Regulator {
        return Err(Problem::new(Code::InsufficientScope, "this page is for regulators").into());
    }
    let now_us = door.world.now_us();
    let granted = door.grants_of(visit.session.user, now_us).await?;
    let main = html! {
        h1 { "Your grants" }
        @if granted.is_empty() {
            (state::empty("No grant of yours is live or to come.", &html! {
                "An institution's compliance officer grants access for a time. What you took home you can still "
                a href="/verify" { "verify" } ", without any grant."
            }))
        } @else {
            p {
                "You see what each names, for as long as it lasts. Every look is on the institution's ledger. A file \
                 that you took home you can " a href="/verify" { "verify" } " at any time."
            }
            @for (number, one) in granted.iter().enumerate() { (drawn(one, number + 1, now_us)) }
        }
    };
    Ok(layout::page(&visit, "Your grants", &main))
}

fn drawn(one: &Granted, number: usize, now_us: i64) -> Markup {
    let is_live = one.is_live(now_us);
    html! {
        section.grant {
            h2 { (one.institution_name) " " (words::state(if is_live { "live" } else { "to_come" })) }
            (fact::list(&[
                ("From", Some(time::instant_us(one.from_us))),
                ("Until", Some(time::instant_us(one.until_us))),
                ("What for", Some(html! { (one.purpose) })),
                ("Grant", Some(fact::copyable(&one.grant.to_string()))),
            ]))
            (words::full(&one.scopes))
            @if is_live {
                (ways(one, number))
            } @else {
                p.soft { "It opens nothing until it begins." }
            }
        }
    }
}

/// The pages where what is granted is seen. Several grants may be of one institution, so the number tells them apart.
fn ways(one: &Granted, number: usize) -> Markup {
    let at = Query::default().with(INSTITUTION, one.institution.to_string());
    html! {
        nav.actions aria-label=(format!("Grant {number}: what you may see of {}", one.institution_name)) {
            @for (path, name) in words::pages(&one.scopes) { a href=(at.at(path)) { (name) } }
        }
    }
}
