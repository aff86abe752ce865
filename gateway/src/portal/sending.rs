//! What a form is for: it is sent on to the API once, however often it comes, and leads to where that is done.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{
    Either, FromRequest, HttpMessage as _, HttpRequest, HttpResponse,
    dev::Payload,
    http::{
        Method,
        header::{self, HeaderName},
    },
};
use maud::{Markup, html};
use serde_json::Value;

use super::{
    api::Call,
    layout::Page,
    query::Query,
    trouble::Trouble,
    visit::{Visit, Visitor},
};
use crate::{
    access::Context,
    domain::Scope,
    error::{Code, Problem},
};

/// The field whose value is the same when a form is sent twice.
const ONCE: &str = "once";

/// What a form is answered: the way to where it is done, or the form again.
pub type Answered = Either<HttpResponse, Page>;

/// Refuses a form's page to those whom the API would refuse what it sends, before they fill it in.
///
/// # Errors
/// 403.
pub fn allow(visitor: &Visitor, scope: Scope) -> Result<(), Trouble> {
    if visitor.may(scope) {
        return Ok(());
    }
    let detail = format!("this takes the scope {}", scope.as_str());
    Err(Problem::new(Code::InsufficientScope, detail).into())
}

/// The call that a form asks for, under the form's key.
#[must_use]
pub fn call(method: Method, target: impl Into<String>, given: &Query) -> Call {
    let call = Call::new(method, target);
    match given.get(ONCE) {
        Some(key) => call.header(HeaderName::from_static("idempotency-key"), key),
        None => call,
    }
}

/// Sends a form on to the API.
///
/// # Errors
/// What it refuses.
pub async fn send(visit: &Visit, target: &str, given: &Query, body: &Value) -> Result<Value, Trouble> {
    visit.ask(call(Method::POST, target, given).json(body)).await
}

/// Leads on to a page.
#[must_use]
pub fn see(visitor: &Visitor, target: &str) -> Answered {
    let to = visitor.link(target);
    Either::Left(HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish())
}

/// What makes the keys of a page's forms: the id of the request that loaded it. So a form that is sent twice is done
/// once, and each loading of the page asks for something new.
#[derive(Debug)]
pub struct Once(String);

impl FromRequest for Once {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let context = request.extensions().get::<Arc<Context>>().cloned();
        ready(Ok(Self(context.map(|context| context.request_id.clone()).unwrap_or_default())))
    }
}

impl Once {
    /// The hidden field of one of the page's forms.
    #[must_use]
    pub fn field(&self, form: &str) -> Markup {
        html! {
            @if !self.0.is_empty() { input type="hidden" name=(ONCE) value=(format!("{}.{form}", self.0)); }
        }
    }
}

/// A time as a browser's field has it, in UTC, as RFC 3339 writes it; anything else as it was typed.
#[must_use]
pub fn utc(text: &str) -> String {
    let text = text.trim();
    match text.len() {
        // 2026-01-05T09:30
        16 => format!("{text}:00Z"),
        // 2026-01-05T09:30:00
        19 => format!("{text}Z"),
        _ => text.to_owned(),
    }
}

/// What was wrong with what was sent; each place by its name.
#[must_use]
pub fn fault(trouble: Option<&Trouble>, name: impl Fn(&str) -> Markup) -> Markup {
    let Some(trouble) = trouble else { return html! {} };
    html! {
        div.notice.bad role="alert" {
            p { (trouble.detail()) }
            @if let Trouble::Told { errors, .. } = trouble && !errors.is_empty() {
                ul { @for (place, detail) in errors { li { (name(place)) ": " (detail) } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Once, utc};

    #[test]
    fn a_browsers_time_is_taken_as_utc() {
        assert_eq!(utc("2026-01-05T09:30"), "2026-01-05T09:30:00Z");
        assert_eq!(utc("2026-01-05T09:30:15"), "2026-01-05T09:30:15Z");
        assert_eq!(utc("2026-01-05T09:30:15+01:00"), "2026-01-05T09:30:15+01:00");
        assert_eq!(utc(" soon "), "soon");
    }

    #[test]
    fn each_form_of_a_page_has_its_own_key_and_each_loading_another() {
        let (first, second) = (Once("req_1".to_owned()), Once("req_2".to_owned()));
        let keys = [first.field("pause"), first.field("test"), second.field("pause")].map(|field| field.0);
        assert!(keys[0].contains("\"req_1.pause\""));
        assert!(keys[0] != keys[1] && keys[0] != keys[2]);
        assert_eq!(Once(String::new()).field("pause").0, "");
    }
}
