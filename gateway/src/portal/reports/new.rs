//! Having a report made.

use actix_web::{Either, get, post};
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::{
    form::{self, Answered, Line, Once},
    words,
};
use crate::portal::{
    form::Typed,
    layout::{self, Page},
    parts::{
        json::{rows, text},
        state::{self, Tone},
    },
    query::Query,
    trouble::Trouble,
    visit::{Visit, Visitor},
};

/// What the names of fields for a type's parameters begin with.
const PARAMETER: &str = "parameter.";

/// The choice of a type; and once it is chosen, the order.
#[get("/reports/new")]
pub async fn page(visit: Visit, once: Once) -> Result<Page, Trouble> {
    form::allow(&visit)?;
    let types = words::types(&visit).await?;
    Ok(drawn(&visit, &once, &types, &visit.query, None))
}

/// The order.
#[post("/reports/new")]
pub async fn order(visit: Visit, once: Once, Typed(given): Typed) -> Result<Answered, Trouble> {
    let parameters: Map<String, Value> = given
        .pairs()
        .filter_map(|(name, value)| Some((name.strip_prefix(PARAMETER)?.to_owned(), Value::from(value))))
        .collect();
    let mut body = json!({
        "type": given.get("type").unwrap_or_default(),
        "period": given.get("period").unwrap_or_default().trim(),
        "parameters": parameters,
    });
    if let Some(as_of) = given.get("as_of") {
        body["as_of"] = as_of.into();
    }
    match form::send(&visit, "/v1/reports", &given, &body).await {
        Ok(report) => Ok(form::see(&visit, &format!("/reports/{}?done=ordered", text(&report["id"])))),
        Err(trouble) if trouble.is_about_input() => {
            let types = words::types(&visit).await?;
            Ok(Either::Right(drawn(&visit, &once, &types, &given, Some(&trouble))))
        }
        Err(trouble) => Err(trouble),
    }
}

fn drawn(visitor: &Visitor, once: &Once, types: &Value, given: &Query, trouble: Option<&Trouble>) -> Page {
    let wanted = given.get("type");
    let chosen = wanted.and_then(|name| words::definition(types, &Value::from(name)));
    let main = html! {
        (words::up(&visitor.link("/reports"), "Reports"))
        h1 { "Have a report made" }
        (form::fault(trouble))
        @match chosen {
            Some(of) => (order_form(visitor, once, of, given)),
            None => {
                @if wanted.is_some() && trouble.is_none() {
                    (state::notice(Tone::Bad, "There is no such type; choose one of these."))
                }
                (choice(visitor, types))
            }
        }
    };
    layout::page(visitor, "Have a report made", &main)
}

/// Which types there are.
fn choice(visitor: &Visitor, types: &Value) -> Markup {
    let to = |of: &Value| visitor.link(&Query::default().with("type", text(&of["name"])).at("/reports/new"));
    html! {
        div.scroll role="region" aria-label="Types of reports" tabindex="0" {
            table {
                caption { "Types of reports" }
                thead { tr {
                    th scope="col" { "Type" } th scope="col" { "What it is" } th scope="col" { "Standard" }
                    th scope="col" { "It covers" }
                } }
                tbody {
                    @for of in rows(types) {
                        tr {
                            td { a href=(to(of)) { (words::type_name(text(&of["name"]))) } }
                            td { (text(&of["title"])) }
                            td { (text(&of["standard"])) }
                            td { (covers(of)) }
                        }
                    }
                }
            }
        }
        p.soft { "Reports of other types are made elsewhere and deposited by the API." }
    }
}

/// How long a type's periods are, in words.
fn covers(of: &Value) -> String {
    let lengths = of["periods"].as_array().into_iter().flatten().map(|length| format!("a {}", text(length)));
    lengths.collect::<Vec<_>>().join(" or ")
}

/// How a type's periods are written.
fn written(of: &Value) -> String {
    let lengths = of["periods"].as_array().into_iter().flatten().map(|length| match text(length) {
        "day" => "a day: 2026-03-31",
        "month" => "a month: 2026-03",
        "quarter" => "a quarter: 2026-Q1",
        "year" => "a year: 2026",
        other => other,
    });
    lengths.collect::<Vec<_>>().join("; ")
}

fn order_form(visitor: &Visitor, once: &Once, of: &Value, given: &Query) -> Markup {
    let parameters = of["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        p { (text(&of["title"])) " (" (text(&of["standard"])) "). "
            a href=(visitor.link("/reports/new")) { "Choose another type" } }
        form.sheet method="post" action=(visitor.link("/reports/new")) {
            (once.field("order"))
            input type="hidden" name="type" value=(text(&of["name"]));
            (Line { name: "period", label: "Period", hint: &written(of), required: true, max: 10 }.draw(given))
            @for parameter in parameters {
                (Line {
                    name: &format!("{PARAMETER}{}", text(&parameter["name"])),
                    label: &words::type_name(&text(&parameter["name"]).replace('_', "-")),
                    hint: &format!("{} For example {}", text(&parameter["description"]), text(&parameter["example"])),
                    required: parameter["required"] == true,
                    max: 10_000,
                }.draw(given))
            }
            (form::as_of(given))
            p.soft {
                "It is made in the background, of the records as the ledger has them. There is one report of a type, \
                 period and parameters; what follows are its versions."
            }
            div.actions { button { "Have it made" } }
        }
    }
}
