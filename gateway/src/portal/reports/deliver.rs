//! Recording that a version was delivered.

use actix_web::{Either, get, post, web};
use futures_util::future::try_join;
use maud::{Markup, html};
use serde_json::json;

use super::{
    form::{self, Answered, Line, Once},
    sheet::{Of, Sheet},
    words,
};
use crate::portal::{form::Typed, layout::Page, query::Query, sending::utc, trouble::Trouble, visit::Visit};

const SHEET: Sheet =
    Sheet { heading: "Record a delivery", title: "Record a delivery", list: "deliveries", done: "delivery" };

/// The form.
#[get("/reports/{id}/versions/{n}/deliveries/new")]
pub async fn page(visit: Visit, once: Once, path: web::Path<(String, String)>) -> Result<Page, Trouble> {
    form::allow(&visit)?;
    drawn(&visit, &once, &path, &visit.query, None).await
}

/// The delivery.
#[post("/reports/{id}/versions/{n}/deliveries/new")]
pub async fn record(
    visit: Visit,
    once: Once,
    path: web::Path<(String, String)>,
    Typed(given): Typed,
) -> Result<Answered, Trouble> {
    let mut body = json!({
        "recipient": given.get("recipient").unwrap_or_default(),
        "channel": given.get("channel").unwrap_or_default(),
    });
    if let Some(reference) = given.get("reference") {
        body["reference"] = reference.into();
    }
    if let Some(told) = given.get("delivered_at") {
        body["delivered_at"] = utc(told).into();
    }
    match SHEET.send(&visit, &path, &given, &body).await {
        Err(trouble) if trouble.is_about_input() => {
            Ok(Either::Right(drawn(&visit, &once, &path, &given, Some(&trouble)).await?))
        }
        other => other,
    }
}

async fn drawn(
    visit: &Visit,
    once: &Once,
    (id, n): &(String, String),
    given: &Query,
    trouble: Option<&Trouble>,
) -> Result<Page, Trouble> {
    let (report, version) = (words::report_at(id), words::version_at(id, n));
    let (report, version) = try_join(visit.get(&report), visit.get(&version)).await?;
    let first = html! {
        p {
            "It stands on the ledger that this version's document was delivered, and can't be taken back. Only a \
             version that is ready is delivered, once each validator of its type has passed it."
        }
    };
    let fields = html! {
        (Line { name: "recipient", label: "To whom", hint: "Such as Deutsche Bundesbank.", required: true, max: 140 }.draw(given))
        (Line { name: "channel", label: "By what way", hint: "Such as ExtraNet file transfer.", required: true, max: 140 }.draw(given))
        (Line {
            name: "reference",
            label: "What the recipient calls it",
            hint: "The receipt's number, for one.",
            required: false,
            max: 140,
        }.draw(given))
        (when(given))
    };
    Ok(SHEET.draw(visit, once, &Of { report, version }, trouble, (&first, &fields)))
}

fn when(given: &Query) -> Markup {
    html! {
        label.field {
            span { "When, in UTC (optional)" }
            input type="datetime-local" name="delivered_at" value=[given.get("delivered_at")] autocomplete="off";
            span.hint { "Now, unless told." }
        }
    }
}
