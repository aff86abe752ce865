//! Diagnosing a request: what of it would be refused, check by check. It is sent in a form's body, as it holds
//! credentials; those are in no address, and on no ledger.

use actix_web::{HttpRequest, HttpResponse, Responder as _, get, post};
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::{
    form::{again, said},
    ways,
};
use crate::{
    error::{Code, Problem},
    portal::{
        form::Typed,
        layout::{self, Page},
        parts::{
            fact,
            json::text,
            state::{self, Tone, badge},
            table::framed,
            time,
        },
        query::Query,
        trouble::Trouble,
        visit::Visit,
    },
};

const PATH: &str = "/developers/diagnose";
const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];

/// The form.
#[get("/developers/diagnose")]
pub async fn page(visit: Visit) -> Page {
    show(&visit, &Query::default(), &html! {})
}

fn show(visit: &Visit, typed: &Query, answer: &Markup) -> Page {
    let main = html! {
        h1 { "Diagnose a request" }
        (ways(visit))
        p.soft { "Paste a request that is refused, without its body. It is not sent, and its token is neither used nor kept." }
        (answer)
        (fields(visit, typed))
    };
    layout::page(visit, "Diagnose a request", &main)
}

fn fields(visit: &Visit, typed: &Query) -> Markup {
    let shown = |name: &str| typed.get(name).unwrap_or_default();
    html! {
        h2 { "The request" }
        form.sheet.wide method="post" action=(visit.link(PATH)) {
            label.field {
                span { "Method" }
                select name="method" {
                    @for method in METHODS { option value=(method) selected[typed.get("method") == Some(*method)] { (method) } }
                }
            }
            label.field {
                span { "URL, whole or from the path on" }
                input type="text" name="url" value=(shown("url")) required maxlength="8192" autocomplete="off" spellcheck="false";
            }
            label.field {
                span { "Headers, one a line" }
                textarea name="headers" rows="6" autocomplete="off" spellcheck="false" { (shown("headers")) }
                span.hint { "Such as " code { "Authorization: Bearer eyJ…" } ". At most 100." }
            }
            details open[typed.get("certificate").is_some() || typed.get("from").is_some()] {
                summary { "Certificate and address" }
                label.field {
                    span { "Certificate (PEM) that it would be sent with" }
                    textarea name="certificate" rows="6" autocomplete="off" spellcheck="false" { (shown("certificate")) }
                }
                label.field {
                    span { "Address that it would come from; yours if empty" }
                    input type="text" name="from" value=(shown("from")) autocomplete="off" spellcheck="false";
                }
            }
            div.actions { button { "Diagnose" } }
        }
    }
}

/// The checks.
#[post("/developers/diagnose")]
pub async fn diagnose(
    visit: Visit,
    request: HttpRequest,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    let found = match order(&typed) {
        Ok(order) => visit.post("/v1/diagnostics/request", &order).await,
        Err(why) => Err(Problem::new(Code::MalformedBody, why).into()),
    };
    match found {
        Ok(found) => Ok(show(&visit, &typed, &verdict(&found)).respond_to(&request)),
        Err(trouble) => {
            let filled = async |trouble: &Trouble| Ok(show(&visit, &typed, &said(trouble)));
            again(trouble, &request, filled).await
        }
    }
}

/// What the API is asked; or what of the form can't be read.
fn order(typed: &Query) -> Result<Value, String> {
    let mut order = json!({
        "method": typed.get("method").unwrap_or("GET"),
        "url": typed.get("url").unwrap_or_default().trim(),
        "headers": headers(typed.get("headers").unwrap_or_default())?,
    });
    if let Some(certificate) = typed.get("certificate") {
        order["certificate"] = certificate.into();
    }
    if let Some(from) = typed.get("from") {
        order["from"] = from.trim().into();
    }
    Ok(order)
}

/// Headers as they were pasted: a name, a colon, a value.
fn headers(pasted: &str) -> Result<Map<String, Value>, String> {
    let mut headers = Map::new();
    let lines = pasted.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (at, line) in lines {
        let parts = line.split_once(':').filter(|(name, _)| !name.trim().is_empty());
        let Some((name, value)) = parts else {
            return Err(format!("Line {} of the headers is not of the form: Name: value", at + 1));
        };
        if headers.insert(name.trim().to_owned(), value.trim().into()).is_some() {
            return Err(format!("The header {} stands twice", name.trim()));
        }
    }
    Ok(headers)
}

fn mark(check: &Value) -> Markup {
    match text(&check["result"]) {
        "pass" => badge(Tone::Good, "pass"),
        "fail" => badge(Tone::Bad, "fail"),
        _ => badge(Tone::Plain, "not looked at"),
    }
}

fn verdict(found: &Value) -> Markup {
    let checks = found["checks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let failed = checks.iter().filter(|check| check["result"] == "fail").count();
    html! {
        @if found["let_in"] == true {
            (state::notice(Tone::Good, "It would be let in. Only its limits, its body or what it asks for can still be refused."))
        } @else if failed == 1 {
            (state::notice(Tone::Bad, "It would be refused: one check fails."))
        } @else {
            (state::notice(Tone::Bad, &format!("It would be refused: {failed} checks fail.")))
        }
        (fact::list(&[
            ("Operation", Some(match found["operation"].as_str() {
                Some(operation) => html! { code { (operation) } },
                None => html! { "none" },
            })),
            ("Judged by the service's time", found["at"].as_str().map(time::instant)),
        ]))
        h2 { "Checks" }
        (framed("Checks, in the order in which a request meets them", &html! {
            thead { tr {
                th scope="col" { "Check" } th scope="col" { "Result" } th scope="col" { "What it says" }
                th scope="col" { "Expected" } th scope="col" { "Got" }
            } }
            tbody {
                @for check in checks {
                    tr {
                        td { code { (text(&check["check"])) } }
                        td { (mark(check)) }
                        td { (text(&check["detail"])) }
                        td { @if let Some(expected) = check["expected"].as_str() { code { (expected) } } }
                        td { @if let Some(got) = check["got"].as_str() { code { (got) } } }
                    }
                }
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_headers_are_read_line_by_line() {
        let read = headers("Accept: application/json\r\n\n authorization : Bearer a:b \n").unwrap();
        assert_eq!(Value::from(read), json!({"Accept": "application/json", "authorization": "Bearer a:b"}));
        assert_eq!(headers("").unwrap().len(), 0);
        for wrong in ["Accept", ": x", "A: 1\nA: 2"] {
            assert!(headers(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_left_empty_is_not_asked() {
        let asked = order(&Query::parse("method=POST&url=+/v1/x&headers=&from=")).unwrap();
        assert_eq!(asked, json!({"method": "POST", "url": "/v1/x", "headers": {}}));
    }
}
