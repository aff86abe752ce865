//! The frame of a page: the head, who is signed in, where one can go, and what a regulator's look rests on.

use actix_web::{HttpRequest, HttpResponse, Responder, body::BoxBody, http::header};
use maud::{DOCTYPE, Markup, html};

use super::{
    assets,
    parts::time,
    trouble::Trouble,
    visit::{INSTITUTION, Visitor},
};
use crate::{domain::Role, error::Code};

/// A page, ready to be sent.
#[derive(Debug)]
pub struct Page(Markup);

impl Responder for Page {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CACHE_CONTROL, "private, no-store"))
            .body(self.0.0)
    }
}

/// A place to go: its path, its name, and who goes there.
struct Place(&'static str, &'static str, &'static [Role]);

use Role::{ComplianceOfficer, IntegrationEngineer, Operator, Regulator};

const PLACES: &[Place] = &[
    Place("/", "Today", &[ComplianceOfficer, IntegrationEngineer, Operator]),
    Place("/reg", "Grants", &[Regulator]),
    Place("/transactions", "Transactions", &[ComplianceOfficer, Regulator, Operator]),
    Place("/reports", "Reports", &[ComplianceOfficer, Regulator, Operator]),
    Place("/lineage", "Lineage", &[ComplianceOfficer, IntegrationEngineer, Regulator, Operator]),
    Place("/audit", "Audit", &[ComplianceOfficer, Regulator, Operator]),
    Place("/verify", "Verify", &Role::ALL),
    Place("/grants", "Grants", &[ComplianceOfficer]),
    Place("/developers", "Developers", &[IntegrationEngineer]),
    Place("/ops", "Operations", &[Operator]),
];

/// A page for somebody who is signed in.
#[must_use]
pub fn page(visitor: &Visitor, title: &str, main: &Markup) -> Page {
    Page(document(Some(visitor), title, main))
}

/// A page for anybody.
#[must_use]
pub fn public(visitor: Option<&Visitor>, title: &str, main: &Markup) -> Page {
    Page(document(visitor, title, main))
}

/// A page that says why there is none.
#[must_use]
pub fn trouble(visitor: Option<&Visitor>, trouble: &Trouble, request_id: &str) -> Markup {
    let (title, advice) = advice(trouble);
    let request_id = match trouble {
        Trouble::Told { request_id, .. } => request_id,
        _ => request_id,
    };
    document(
        visitor,
        title,
        &html! {
            section.state {
                h1 { (title) }
                // What programs are told of a failure is nothing to people.
                @if !trouble.status().is_server_error() { p { (sentence(trouble.detail())) } }
                @if let Trouble::Told { errors, .. } = trouble && !errors.is_empty() {
                    ul { @for (place, detail) in errors { li { code { (place) } ": " (detail) } } }
                }
                @if visitor.is_some_and(|visitor| visitor.role() == Regulator) && trouble.code() == Code::InsufficientScope.as_str() {
                    p { "A grant that would show it has ended, was revoked, or was never made. " a href="/reg" { "Your grants" } " say what you may see." }
                } @else {
                    p { (advice) }
                }
                p.soft { "Request " code { (request_id) } " · " (trouble.code()) }
            }
        },
    )
}

/// A detail as a sentence.
fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let end = if detail.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

/// What a trouble is called, and what to do.
fn advice(trouble: &Trouble) -> (&'static str, &'static str) {
    if trouble.code() == "cross_site" {
        return (
            "This was not sent from here",
            "Open the page again and send it from there. If everybody meets this, the proxy in front must pass Host on as it came.",
        );
    }
    match trouble.status().as_u16() {
        401 | 403 => {
            ("You may not see this", "Your role does not include it. Ask whoever manages access here.")
        }
        404 | 410 => (
            "There is nothing here",
            "The address may be mistyped, or it concerns an institution that you do not see.",
        ),
        400 | 409 | 422 => ("This does not fit", "Go back, change what is named above, and send it again."),
        429 => ("Too many requests", "Wait a few seconds and load the page again."),
        _ => (
            "This did not work",
            "Load the page again in a moment. If you sent a form, it is not known whether that was done: go back and send \
             the same one again, it is done once. If it stays so, tell the provider the request's id.",
        ),
    }
}

fn document(visitor: Option<&Visitor>, title: &str, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Veritrail" }
                link rel="icon" href=(assets::href("mark.svg"));
                link rel="stylesheet" href=(assets::href("portal.css"));
                link rel="alternate" type="application/atom+xml" title="Incidents" href="/status.atom";
                script type="module" src=(assets::href("portal.js")) {}
            }
            body {
                (top(visitor, &html! {}))
                main #main tabindex="-1" { (main) }
                (foot(visitor))
            }
        }
    }
}

/// What stands over a page's main part: who is signed in, and where one can go. For a guest, what a page offers.
pub(super) fn top(visitor: Option<&Visitor>, guest: &Markup) -> Markup {
    html! {
        a.skip href="#main" { "To the content" }
        header.top {
            a.brand href="/" { "Veritrail" }
            @match visitor { Some(visitor) => (who(visitor)), None => (guest) }
        }
        @if let Some(visitor) = visitor {
            (edge(visitor))
            (places(visitor))
        }
    }
}

/// What stands under it.
pub(super) fn foot(visitor: Option<&Visitor>) -> Markup {
    html! {
        footer.foot {
            a href="/docs" { "API reference" } " · "
            a href="/verify" { "Verify a file" } " · "
            a href="/status" { "Status" }
            @if visitor.is_some() { " · " a href="/keys" { "Keyboard shortcuts" } }
        }
    }
}

fn who(visitor: &Visitor) -> Markup {
    let session = &visitor.session;
    html! {
        p.whose {
            @match &visitor.stay.institution {
                Some((_, name)) => (name),
                None => (session.home_name),
            }
        }
        div.who {
            a href="/account" { (session.name) } " "
            span.soft { (role_name(session.role)) }
            form method="post" action="/sign-out" { button.plain { "Sign out" } }
        }
    }
}

/// A role, for people.
#[must_use]
pub const fn role_name(role: Role) -> &'static str {
    match role {
        ComplianceOfficer => "Compliance officer",
        IntegrationEngineer => "Integration engineer",
        Regulator => "Regulator",
        Operator => "Operator",
    }
}

/// What an outsider's look rests on, at all times.
fn edge(visitor: &Visitor) -> Markup {
    match (&visitor.stay.grant, visitor.session.role, &visitor.stay.institution) {
        (Some(grant), _, Some((_, name))) => html! {
            aside.edge aria-label="What you look at" {
                "You see " strong { (name) } " by a grant until " (time::instant_us(grant.ends_at_us))
                ". Its purpose: " (grant.purpose) ". Every look is on the institution's ledger."
            }
        },
        (_, Operator, Some((_, name))) => html! {
            aside.edge aria-label="What you look at" {
                "You see " strong { (name) } " as the provider's operator. Every look is on the institution's ledger."
            }
        },
        _ => html! {},
    }
}

fn places(visitor: &Visitor) -> Markup {
    let role = visitor.session.role;
    let first = |path: &str| path.split('/').nth(1).map(ToOwned::to_owned);
    // Evidence is a part of the audit.
    let here = first(&visitor.path).map(|here| if here == "evidence" { "audit".to_owned() } else { here });
    let is_here = |path: &str| first(path) == here;
    html! {
        nav.places aria-label="Pages" {
            ul {
                @for Place(path, name, roles) in PLACES {
                    @if roles.contains(&role) {
                        li { a href=(visitor.link(path)) aria-current=[is_here(path).then_some("page")] { (name) } }
                    }
                }
            }
        }
    }
}

/// A hidden field that keeps the institution that is looked at.
#[must_use]
pub fn keep(visitor: &Visitor) -> Markup {
    html! {
        @if let Some(id) = visitor.named() { input type="hidden" name=(INSTITUTION) value=(id); }
    }
}
