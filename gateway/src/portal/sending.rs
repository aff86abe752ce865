//! What a form is for: it is sent on to the API once, however often it comes, and leads to where that is done.

use actix_web::{
    Either, HttpResponse,
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
    access::Door,
    domain::Scope,
    error::{Code, Problem},
    world::random,
};

/// The field whose value is the same when a form is sent twice.
pub const ONCE: &str = "once";

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

/// The hidden field that tells one sending from another.
#[must_use]
pub fn once(door: &Door) -> Markup {
    let key = u128::from_be_bytes(random(door.world.as_ref()));
    html! { input type="hidden" name=(ONCE) value=(format!("{key:032x}")); }
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
