//! Recording what a validator said of a version.

use actix_web::{Either, get, post, web};
use futures_util::future::try_join3;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{
    form::{self, Answered, Line, Once},
    sheet::{Of, Sheet},
    words,
};
use crate::portal::{
    form::Typed,
    layout::Page,
    parts::{fact, json::text},
    query::Query,
    trouble::Trouble,
    visit::Visit,
};

const SHEET: Sheet = Sheet {
    heading: "Record a validator's verdict",
    title: "Record a verdict",
    list: "validations",
    done: "verdict",
};

/// The form.
#[get("/reports/{id}/versions/{n}/validations/new")]
pub async fn page(visit: Visit, once: Once, path: web::Path<(String, String)>) -> Result<Page, Trouble> {
    form::allow(&visit)?;
    drawn(&visit, &once, &path, &visit.query, None).await
}

/// The verdict.
#[post("/reports/{id}/versions/{n}/validations/new")]
pub async fn record(
    visit: Visit,
    once: Once,
    path: web::Path<(String, String)>,
    Typed(given): Typed,
) -> Result<Answered, Trouble> {
    let body = json!({
        "validator": given.get("validator").unwrap_or_default().trim(),
        "version": given.get("version").unwrap_or_default().trim(),
        "verdict": given.get("verdict").unwrap_or_default(),
        "sha256": given.get("sha256").unwrap_or_default().trim().to_ascii_lowercase(),
        "output": given.get("output").unwrap_or_default(),
    });
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
    let (report, version, types) =
        try_join3(visit.get(&report), visit.get(&version), words::types(visit)).await?;
    let of = words::definition(&types, &report["type"]);
    let validators = of.and_then(|of| of["validators"].as_array()).map(Vec::as_slice).unwrap_or_default();
    let first = html! {
        p {
            "Download the document, let the validator look at it, and record here what it said. What it printed is \
             kept, and its hash is on the ledger. The newest verdict of a validator counts."
        }
        (fact::list(&[("The version's document (SHA-256)", version["sha256"].as_str().map(fact::copyable))]))
    };
    let fields = html! {
        (validator(validators, given))
        (Line { name: "version", label: "Its version", hint: "Such as libxml2 2.14.6.", required: true, max: 70 }.draw(given))
        (Line {
            name: "sha256",
            label: "SHA-256 of the file that it looked at",
            hint: "As sha256sum prints it, so that no other file's verdict is taken for this one's.",
            required: true,
            max: 64,
        }.draw(given))
        (said(given))
        label.field {
            span { "What it printed (optional)" }
            textarea name="output" rows="8" maxlength="300000" { (given.get("output").unwrap_or_default()) }
        }
    };
    Ok(SHEET.draw(visit, once, &Of { report, version }, trouble, (&first, &fields)))
}

fn validator(validators: &[Value], given: &Query) -> Markup {
    html! {
        label.field {
            span { "Validator" }
            input type="text" name="validator" value=[given.get("validator")] list="validators" maxlength="70"
                required autocomplete="off";
        }
        datalist #validators {
            @for name in validators { option value=(text(name)) {} }
        }
    }
}

fn said(given: &Query) -> Markup {
    let choice = |value: &str, label: &str| {
        html! {
            label {
                input type="radio" name="verdict" value=(value) required checked[given.get("verdict") == Some(value)];
                " " (label)
            }
        }
    };
    html! {
        fieldset {
            legend { "Verdict" }
            (choice("passed", "Passed: it found nothing wrong"))
            br;
            (choice("failed", "Failed: it found something wrong"))
        }
    }
}
