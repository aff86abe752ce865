//! The next version of a report: a correction, or its withdrawal.

use actix_web::{Either, get, post, web};
use futures_util::future::try_join;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{
    form::{self, Answered, Line, Once},
    words,
};
use crate::{
    error::{Code, Problem},
    portal::{
        form::Typed,
        layout::{self, Page},
        parts::json::text,
        query::Query,
        trouble::Trouble,
        visit::Visit,
    },
};

/// The kind that withdraws.
const CANCELLATION: &str = "cancellation";

/// The form. With `kind=cancellation` it withdraws the version that stands.
#[get("/reports/{id}/next")]
pub async fn page(visit: Visit, once: Once, id: web::Path<String>) -> Result<Page, Trouble> {
    form::allow(&visit)?;
    drawn(&visit, &once, &id, &visit.query, None).await
}

/// The order.
#[post("/reports/{id}/next")]
pub async fn order(
    visit: Visit,
    once: Once,
    id: web::Path<String>,
    Typed(given): Typed,
) -> Result<Answered, Trouble> {
    if given.get("kind") == Some(CANCELLATION) && given.get("confirmed").is_none() {
        let detail = "tick that you mean to withdraw the report; nothing was done yet";
        let trouble = Trouble::Own(Problem::member("/confirmed", "required", detail));
        return again(&visit, &once, &id, &given, &trouble).await;
    }
    let mut body = json!({"reason": given.get("reason").unwrap_or_default()});
    for name in ["kind", "as_of"] {
        if let Some(value) = given.get(name) {
            body[name] = value.into();
        }
    }
    match form::send(&visit, &format!("{}/versions", words::report_at(&id)), &given, &body).await {
        Ok(version) => {
            let n = &version["n"];
            Ok(form::see(&visit, &format!("/reports/{id}/versions/{n}?done=version")))
        }
        Err(trouble) if trouble.is_about_input() => again(&visit, &once, &id, &given, &trouble).await,
        Err(trouble) => Err(trouble),
    }
}

/// The form once more, with what was wrong.
async fn again(
    visit: &Visit,
    once: &Once,
    id: &str,
    given: &Query,
    trouble: &Trouble,
) -> Result<Answered, Trouble> {
    Ok(Either::Right(drawn(visit, once, id, given, Some(trouble)).await?))
}

async fn drawn(
    visit: &Visit,
    once: &Once,
    id: &str,
    given: &Query,
    trouble: Option<&Trouble>,
) -> Result<Page, Trouble> {
    let path = words::report_at(id);
    let (report, types) = try_join(visit.get(&path), words::types(visit)).await?;
    let Some(of) = words::definition(&types, &report["type"]) else {
        let detail = "the report was deposited: deposit another version of it by the API";
        return Err(Problem::new(Code::Conflict, detail).into());
    };
    let is_withdrawal = given.get("kind") == Some(CANCELLATION);
    let heading = if is_withdrawal { "Withdraw the report" } else { "Order a new version" };
    let main = html! {
        (words::up(&words::report_link(visit, &report), &words::title(&report)))
        h1 { (heading) }
        (form::fault(trouble))
        (newest(&report["newest"]))
        form.sheet method="post" action=(visit.link(&format!("/reports/{id}/next"))) {
            (once.field("version"))
            @if is_withdrawal { (withdrawal()) } @else { (kinds(of, given)) }
            (Line {
                name: "reason",
                label: "Why",
                hint: "It stands on the ledger and in the document, where its standard has a place for it.",
                required: true,
                max: 500,
            }.draw(given))
            @if !is_withdrawal { (form::as_of(given)) }
            div.actions {
                @if is_withdrawal { button.danger { "Withdraw it" } } @else { button { "Order it" } }
                a href=(words::report_link(visit, &report)) { "Leave it" }
            }
        }
    };
    Ok(layout::page(visit, &format!("{heading}: {}", words::title(&report)), &main))
}

/// What there is now.
fn newest(newest: &Value) -> Markup {
    html! {
        p {
            "The newest version is " strong { "version " (newest["n"]) } " " (words::state(newest))
            ", of the records up to entry " (text(&newest["as_of"])) ". It stays as it is, whatever follows."
        }
    }
}

fn withdrawal() -> Markup {
    html! {
        input type="hidden" name="kind" value=(CANCELLATION);
        p {
            "A cancellation is made, which withdraws the version that stands: nothing takes its place. \
             Recipients of the report must be sent the cancellation. This can't be taken back."
        }
        label { input type="checkbox" name="confirmed" value="yes" required; " I mean to withdraw this report." }
    }
}

/// The kinds that a version may have, but for the one that withdraws.
fn kinds(of: &Value, given: &Query) -> Markup {
    let kinds = of["kinds"].as_array().into_iter().flatten().filter(|kind| *kind != CANCELLATION);
    html! {
        label.field {
            span { "Kind" }
            select name="kind" {
                option value="" { "As it fits: a correction, or the first that is ready" }
                @for kind in kinds {
                    option value=(text(kind)) selected[given.get("kind") == kind.as_str()] { (words::kind(kind)) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_withdrawal_is_not_among_the_kinds_that_are_chosen_lightly() {
        let of = json!({"kinds": ["new", "correction", "cancellation"]});
        let shown = kinds(&of, &Query::parse("kind=correction")).into_string();
        assert!(!shown.contains(CANCELLATION), "{shown}");
        assert!(shown.contains("value=\"correction\" selected"), "{shown}");
    }
}
