//! One incident: what was told of it and by whom, and what is to be told next.

use actix_web::{Either, get, http::StatusCode, post, web};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{super::ways, fields};
use crate::{
    domain::{Scope, status::IncidentStatus},
    portal::{
        form::Typed,
        layout::{self, Page},
        parts::{
            fact,
            json::{items, text},
            state::{self, Tone},
            time,
        },
        query::{Query, segment},
        sending::{self, Answered, Once},
        status::words,
        trouble::Trouble,
        visit::Visit,
    },
};

/// The page.
#[get("/ops/incidents/{id}")]
pub async fn page(visit: Visit, once: Once, id: web::Path<String>) -> Result<Page, Trouble> {
    sending::allow(&visit, Scope::Admin)?;
    let incident = visit.get(&format!("/admin/v1/incidents/{}", segment(&id))).await?;
    Ok(drawn(&visit, &once, &incident, None, None))
}

/// An update.
#[post("/ops/incidents/{id}/updates")]
pub async fn tell(
    visit: Visit,
    once: Once,
    id: web::Path<String>,
    Typed(given): Typed,
) -> Result<Answered, Trouble> {
    sending::allow(&visit, Scope::Admin)?;
    let path = format!("/admin/v1/incidents/{}", segment(&id));
    let new = json!({
        "status": given.get("status").unwrap_or_default(),
        "impact": given.get("impact").unwrap_or_default(),
        "components": given.all("component").collect::<Vec<_>>(),
        "after": given.get("after"),
        "text": fields::one_line(given.get("text").unwrap_or_default()),
    });
    match sending::send(&visit, &format!("{path}/updates"), &given, &new).await {
        Ok(now) => {
            let to = format!("/ops/incidents/{}?done={}", text(&now["id"]), text(&now["status"]));
            Ok(sending::see(&visit, &to))
        }
        Err(trouble) if trouble.is_about_input() => {
            let incident = visit.get(&path).await?;
            Ok(Either::Right(drawn(&visit, &once, &incident, Some(&given), Some(&trouble))))
        }
        Err(trouble) => Err(trouble),
    }
}

fn drawn(
    visit: &Visit,
    once: &Once,
    incident: &Value,
    typed: Option<&Query>,
    trouble: Option<&Trouble>,
) -> Page {
    let (title, id) = (text(&incident["title"]), text(&incident["id"]));
    let is_over = incident["resolved_at"].is_string();
    let main = html! {
        h1 { (title) }
        (ways(visit))
        (done(visit))
        (facts(incident))
        p { a href=(format!("/status/incidents/{id}")) { "As everybody sees it" } }
        @if is_over {
            (fields::fault(trouble))
            p { "It is resolved. If it comes again, open another one." }
            @if let Some(typed) = typed.and_then(|typed| typed.get("text")) {
                p { "What you typed was told nobody:" }
                (fact::block(typed))
            }
        } @else {
            @let stands = as_it_stands(incident);
            @let given = typed.unwrap_or(&stands);
            h2 { "Tell what is new" }
            (fields::fault(trouble))
            @if trouble.is_some_and(|trouble| trouble.status() == StatusCode::CONFLICT) {
                p { "This was told last. Yours is kept below: change it where it no longer fits, and send it again." }
                (updates(incident, 1))
            }
            form.sheet method="post" action=(visit.link(&format!("/ops/incidents/{id}/updates"))) {
                (layout::keep(visit))
                (once.field("update"))
                // An update of somebody who has not seen the newest one is not told.
                input type="hidden" name="after" value=(text(&incident["updates"][0]["seq"]));
                (fields::status(given, IncidentStatus::ALL.into_iter()))
                (fields::impact(given, text(&incident["impact"])))
                (fields::components(given))
                (fields::told(given))
                div.actions { button { "Tell everybody" } }
            }
        }
        h2 { "What was told, the newest first" }
        (updates(incident, usize::MAX))
        p { a href=(visit.link("/ops/incidents")) { "All incidents" } }
    };
    layout::page(visit, title, &main)
}

/// The form's fields as the incident stands.
fn as_it_stands(incident: &Value) -> Query {
    let names = items(&incident["components"]).iter().filter_map(Value::as_str);
    let mut text_of = form_urlencoded::Serializer::new(String::new());
    text_of.append_pair("status", text(&incident["status"]));
    text_of.append_pair("impact", text(&incident["impact"]));
    for name in names {
        text_of.append_pair("component", name);
    }
    Query::parse(&text_of.finish())
}

/// What was done just now.
fn done(visit: &Visit) -> Markup {
    let said = match visit.query.get("done") {
        Some("opened") => "It is open, and everybody is told.",
        Some("resolved") => "It is resolved, and everybody is told.",
        Some("investigating" | "identified" | "monitoring") => "Everybody is told what is new.",
        _ => return html! {},
    };
    state::notice(Tone::Good, said)
}

fn facts(incident: &Value) -> Markup {
    let when = |at: &Value| at.as_str().map(time::instant);
    fact::list(&[
        ("Status", Some(words::status(text(&incident["status"])))),
        ("Impact", Some(words::impact(text(&incident["impact"])))),
        ("Concerns", Some(words::components(&incident["components"]))),
        ("Opened", when(&incident["opened_at"])),
        ("Resolved", when(&incident["resolved_at"])),
        ("Entry of the provider's log", Some(html! { (text(&incident["seq"])) })),
        ("Incident", Some(fact::copyable(text(&incident["id"])))),
    ])
}

/// What was told of it, as many as are wanted, the newest first.
fn updates(incident: &Value, many: usize) -> Markup {
    html! {
        ol.told {
            @for update in items(&incident["updates"]).iter().take(many) {
                li {
                    p {
                        (words::status(text(&update["status"]))) " " (words::impact(text(&update["impact"]))) " "
                        (words::components(&update["components"]))
                    }
                    p { (text(&update["text"])) }
                    p.soft {
                        (time::instant(text(&update["at"]))) " · " code { (text(&update["made_by"])) }
                        " · entry " (text(&update["seq"]))
                    }
                }
            }
        }
    }
}
