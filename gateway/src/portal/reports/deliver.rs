//! Recording that a version was delivered.

use actix_web::{Either, get, post, web};
use futures_util::future::try_join;
use maud::{Markup, html};
use serde_json::json;

use super::{
    form::{self, Answered, Line, Once},
    words,
};
use crate::portal::{
    form::Typed,
    layout::{self, Page},
    parts::json::text,
    query::Query,
    trouble::Trouble,
    visit::Visit,
};

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
    let (id, n) = &*path;
    let mut body = json!({
        "recipient": given.get("recipient").unwrap_or_default(),
        "channel": given.get("channel").unwrap_or_default(),
    });
    if let Some(reference) = given.get("reference") {
        body["reference"] = reference.into();
    }
    if let Some(told) = given.get("delivered_at") {
        body["delivered_at"] = in_utc(told).into();
    }
    match form::send(&visit, &format!("{}/deliveries", words::version_at(id, n)), &given, &body).await {
        Ok(_) => Ok(form::see(&visit, &format!("/reports/{id}/versions/{n}?done=delivery"))),
        Err(trouble) if trouble.is_about_input() => {
            Ok(Either::Right(drawn(&visit, &once, &path, &given, Some(&trouble)).await?))
        }
        Err(trouble) => Err(trouble),
    }
}

/// What a browser's field for a time holds, as RFC 3339; anything else as it is.
fn in_utc(told: &str) -> String {
    match told.len() {
        16 => format!("{told}:00Z"),
        19 => format!("{told}Z"),
        _ => told.to_owned(),
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
    let title = format!("{}, version {}", words::title(&report), version["n"]);
    let here = format!("/reports/{}/versions/{}", text(&report["id"]), version["n"]);
    let main = html! {
        (words::up(&visit.link(&here), &title))
        h1 { "Record a delivery" }
        (form::fault(trouble))
        p {
            "It stands on the ledger that this version's document was delivered, and can't be taken back. Only a \
             version that is ready is delivered, once each validator of its type has passed it."
        }
        form.sheet method="post" action=(visit.link(&format!("{here}/deliveries/new"))) {
            (once.field("delivery"))
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
            div.actions {
                button { "Record it" }
                a href=(visit.link(&here)) { "Leave it" }
            }
        }
    };
    Ok(layout::page(visit, &format!("Record a delivery: {title}"), &main))
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

#[cfg(test)]
mod tests {
    use super::in_utc;

    #[test]
    fn a_browsers_time_becomes_one_of_rfc_3339() {
        assert_eq!(in_utc("2026-01-05T09:45"), "2026-01-05T09:45:00Z");
        assert_eq!(in_utc("2026-01-05T09:45:01"), "2026-01-05T09:45:01Z");
        assert_eq!(in_utc("yesterday"), "yesterday");
    }
}
