//! What the forms of these pages have in common: each sending has a key, so that one that is sent twice is done
//! once; and what does not fit is said over the form, which keeps what was typed.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, HttpResponse, Responder as _, dev::Payload, http::header,
};
use maud::{Markup, html};
use serde_json::Value;

use crate::{
    access::Context,
    error::{Code, Problem},
    portal::{
        layout::Page,
        parts::{
            fact,
            state::{self, Tone},
        },
        query::Query,
        sending::ONCE,
        trouble::Trouble,
        visit::Visitor,
    },
};

pub use crate::portal::sending::call;

/// The field that says that somebody means it.
const SURE: &str = "sure";
/// The parameter that says what was done just now.
const DONE: &str = "done";

/// What makes the keys of a page's forms: the id of the request that loaded it.
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

/// A form that did not fit.
#[derive(Debug)]
pub struct Tried<'a> {
    /// Which one of the page.
    pub form: &'static str,
    /// What was typed.
    pub typed: &'a Query,
    /// What does not fit.
    pub trouble: &'a Trouble,
}

impl<'a> Tried<'a> {
    /// What was typed, if it was this form.
    #[must_use]
    pub fn of(tried: Option<&Self>, form: &str) -> Option<&'a Query> {
        tried.filter(|tried| tried.form == form).map(|tried| tried.typed)
    }
}

/// What does not fit of a form, if it is this one.
#[must_use]
pub fn wrong(tried: Option<&Tried<'_>>, form: &str) -> Markup {
    html! {
        @if let Some(tried) = tried.filter(|tried| tried.form == form) { (said(tried.trouble)) }
    }
}

/// What was refused, and each fault with its place.
#[must_use]
pub fn said(trouble: &Trouble) -> Markup {
    html! {
        (state::notice(Tone::Bad, trouble.detail()))
        @if let Trouble::Told { errors, .. } = trouble && !errors.is_empty() {
            ul { @for (place, detail) in errors { li { code { (place) } ": " (detail) } } }
        }
    }
}

/// A page that shows a form again: it comes with the status of what does not fit.
#[must_use]
pub fn again(page: Page, trouble: &Trouble, request: &HttpRequest) -> HttpResponse {
    let mut response = page.respond_to(request);
    *response.status_mut() = trouble.status();
    response
}

/// After something was done: on to a page that says so.
#[must_use]
pub fn then(visitor: &Visitor, path: &str, done: &str) -> HttpResponse {
    let to = visitor.link(&format!("{path}?{DONE}={done}"));
    HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
}

/// What was done just now, in one of these words.
#[must_use]
pub fn done(visitor: &Visitor, words: &[(&str, &str)]) -> Markup {
    let named = visitor.query.get(DONE);
    let said = words.iter().find(|(name, _)| named == Some(*name)).map(|(_, said)| said);
    html! { @if let Some(said) = said { (state::notice(Tone::Good, said)) } }
}

/// The box to tick by whoever means it.
#[must_use]
pub fn sure(means: &str) -> Markup {
    html! {
        label { input type="checkbox" name=(SURE) value="yes" required; " " (means) }
    }
}

/// What is told when it is not ticked.
#[must_use]
pub fn unsure() -> Trouble {
    Trouble::Own(Problem::new(Code::Refused, "Nothing was changed: tick the box if you mean it."))
}

/// Whether it is ticked.
#[must_use]
pub fn is_sure(typed: &Query) -> bool {
    typed.get(SURE) == Some("yes")
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

/// A new secret or key, which is seen this once.
#[must_use]
pub fn shown_once(name: &str, value: &Value) -> Markup {
    html! {
        (state::notice(Tone::Warn, "Copy it now, into the store of secrets of the system that needs it. It is not shown again."))
        h2 { (name) }
        (fact::block(value.as_str().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn what_was_typed_stays_with_its_own_form() {
        let typed = Query::parse("url=a%26b&url_2=");
        assert_eq!((typed.get("url"), typed.get("url_2"), is_sure(&typed)), (Some("a&b"), None, false));
        let trouble = Trouble::SignIn(String::new());
        let tried = Tried { form: "change", typed: &typed, trouble: &trouble };
        assert!(Tried::of(Some(&tried), "change").is_some());
        assert!(Tried::of(Some(&tried), "add").is_none());
        assert_eq!(wrong(Some(&tried), "add").0, "");
    }
}
