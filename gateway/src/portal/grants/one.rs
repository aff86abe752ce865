//! One grant: what it says, how it stands, and its end.

use actix_web::{Either, get, post, web};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{
    form::{self, Answered, Once},
    words,
};
use crate::{
    domain::{Scope, grant::TEXT_MAX},
    error::{Code, Problem},
    portal::{
        form::Typed,
        layout::{self, Page},
        parts::{
            ask::{Ask, is_sure},
            fact,
            json::text,
            state::{self, Tone},
            time,
        },
        query::{Query, segment},
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
};

/// The page.
#[get("/grants/{id}")]
pub async fn page(visit: Visit, once: Once, id: web::Path<String>) -> Result<Page, Trouble> {
    form::allow(&visit)?;
    let grant = visit.get(&format!("/v1/grants/{}", segment(&id))).await?;
    Ok(drawn(&visit, &once, &grant, &Query::default(), None))
}

/// The revocation.
#[post("/grants/{id}/revocation")]
pub async fn revoke(
    visit: Visit,
    once: Once,
    id: web::Path<String>,
    Typed(given): Typed,
) -> Result<Answered, Trouble> {
    form::allow(&visit)?;
    let path = format!("/v1/grants/{}", segment(&id));
    let outcome = if is_sure(&given) {
        let body = json!({"reason": given.get("reason").unwrap_or_default().trim()});
        form::send(&visit, &format!("{path}/revocation"), &given, &body).await
    } else {
        Err(Problem::new(Code::Refused, "Tick that it is to end now.").into())
    };
    match outcome {
        Ok(grant) => Ok(form::see(&visit, &format!("/grants/{}?done=revoked", text(&grant["id"])))),
        Err(trouble) if trouble.is_about_input() => {
            let grant = visit.get(&path).await?;
            Ok(Either::Right(drawn(&visit, &once, &grant, &given, Some(&trouble))))
        }
        Err(trouble) => Err(trouble),
    }
}

fn drawn(visit: &Visit, once: &Once, grant: &Value, given: &Query, trouble: Option<&Trouble>) -> Page {
    let title = format!("Grant to {}", text(&grant["email"]));
    let can_end = matches!(text(&grant["state"]), "live" | "to_come");
    let main = html! {
        h1 { (title) }
        (done(visit, grant))
        (facts(visit, grant))
        h2 { "What they may see" }
        (words::full(&words::scopes(&grant["scopes"])))
        (looks(visit, grant))
        @if can_end {
            h2 { "Revoke" }
            p {
                "It ends at once: pages that the regulator opens from then on are refused. What they saw or took \
                 away before stays theirs. The ledger has the reason."
            }
            (form::fault(trouble))
            (revocation(visit, once, grant, given))
        } @else {
            (form::fault(trouble))
        }
        p { a href=(visit.link("/grants")) { "All grants" } }
    };
    layout::page(visit, &title, &main)
}

/// The form that ends a grant.
fn revocation(visitor: &Visitor, once: &Once, grant: &Value, given: &Query) -> Markup {
    let fields = html! {
        (once.field("revocation"))
        label.field {
            span { "Reason" }
            input type="text" name="reason" value=[given.get("reason")] maxlength=(TEXT_MAX) required
                autocomplete="off";
        }
    };
    let ask = Ask {
        action: &format!("/grants/{}/revocation", text(&grant["id"])),
        fields,
        means: &format!("{} is to see nothing more by this grant.", text(&grant["email"])),
        ticked: is_sure(given),
        act: "Revoke the grant",
        back: None,
    };
    ask.draw(visitor)
}

/// What was done just now.
fn done(visitor: &Visitor, grant: &Value) -> Markup {
    let said = match (visitor.query.get("done"), text(&grant["state"])) {
        (Some("made"), "live") => "It is granted, and counts from now on.",
        (Some("made"), "to_come") => "It is granted, and counts from its first day on.",
        (Some("revoked"), "revoked") => "It is revoked. The regulator sees nothing more by it.",
        _ => return html! {},
    };
    state::notice(Tone::Good, said)
}

fn facts(visitor: &Visitor, grant: &Value) -> Markup {
    let entry = |seq: &Value| {
        let seq = seq.as_str()?;
        Some(match visitor.may(Scope::LedgerRead) {
            true => html! { a href=(visitor.link(&format!("/audit/{seq}"))) { (seq) } },
            false => html! { (seq) },
        })
    };
    let when = |at: &Value| at.as_str().map(time::instant);
    let code = |id: &Value| id.as_str().map(fact::copyable);
    fact::list(&[
        ("State", Some(words::state(text(&grant["state"])))),
        ("From", when(&grant["from"])),
        ("Until", when(&grant["until"])),
        ("What for", Some(html! { (text(&grant["purpose"])) })),
        ("Regulator", Some(html! { (text(&grant["email"])) " " (fact::short(text(&grant["user"]))) })),
        ("Made by", code(&grant["made_by"])),
        ("Made", when(&grant["created_at"])),
        ("Entry that made it", entry(&grant["seq"])),
        ("Revoked by", code(&grant["revoked_by"])),
        ("Revoked", when(&grant["revoked_at"])),
        ("Reason", grant["reason"].as_str().map(|reason| html! { (reason) })),
        ("Entry that revoked it", entry(&grant["revoked_seq"])),
        ("Grant", code(&grant["id"])),
    ])
}

/// The way to what the regulator looked at.
fn looks(visitor: &Visitor, grant: &Value) -> Markup {
    html! {
        @if visitor.may(Scope::LedgerRead) {
            @let to = Query::default().with("actor", text(&grant["user"])).at("/audit");
            p { a href=(visitor.link(&to)) { "What this regulator looked at" } }
        }
    }
}
