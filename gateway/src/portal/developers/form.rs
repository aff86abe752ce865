//! What the forms of these pages have in common: each sending has a key, so that one that is sent twice is done
//! once; and what does not fit is said over the form, which keeps what was typed.

use actix_web::{HttpRequest, HttpResponse, Responder as _, http::header};
use maud::{Markup, html};
use serde_json::Value;

use crate::{
    error::{Code, Problem},
    portal::{
        api::Call,
        layout::Page,
        parts::{
            ask::is_sure,
            fact,
            state::{self, Tone},
        },
        query::Query,
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
};

pub use crate::portal::sending::{Once, call, utc};

/// The parameter that says what was done just now.
const DONE: &str = "done";

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

/// Shows the page of a form again, with the status of what does not fit; any other trouble stays one.
///
/// # Errors
/// That trouble, and what comes up while the page is made.
pub async fn again(
    trouble: Trouble,
    request: &HttpRequest,
    page: impl AsyncFnOnce(&Trouble) -> Result<Page, Trouble>,
) -> Result<HttpResponse, Trouble> {
    if !trouble.is_about_input() {
        return Err(trouble);
    }
    let mut response = page(&trouble).await?.respond_to(request);
    *response.status_mut() = trouble.status();
    Ok(response)
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

/// What the API says to a call that somebody means: nothing is asked of it until the box is ticked.
///
/// # Errors
/// When it is not ticked, and what the API refuses.
pub async fn if_sure(visit: &Visit, typed: &Query, call: Call) -> Result<Value, Trouble> {
    if is_sure(typed) {
        return visit.ask(call).await;
    }
    Err(Problem::new(Code::Refused, "Nothing was changed: tick the box if you mean it.").into())
}

/// A choice of how long what was there before goes on.
#[must_use]
pub fn overlap(name: &str, label: &str, lengths: &[(&str, &str)], typed: &Query) -> Markup {
    html! {
        label.field {
            span { (label) }
            select name=(name) {
                @for (length, shown) in lengths {
                    option value=(length) selected[typed.get(name) == Some(*length)] { (shown) }
                }
            }
        }
    }
}

/// A whole number that was typed; what is none is left for the API to refuse.
#[must_use]
pub fn number(typed: &Query, name: &str) -> Value {
    let text = typed.get(name).unwrap_or_default();
    text.parse::<i64>().map_or_else(|_| text.into(), Value::from)
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
