//! What the forms about grants have in common.

use actix_web::{
    Either, HttpResponse,
    http::{
        Method,
        header::{self, HeaderName},
    },
};
use maud::{Markup, html};
use serde_json::Value;

use crate::{
    access::Door,
    domain::Scope,
    error::{Code, Problem},
    portal::{
        api::Call,
        layout::Page,
        query::Query,
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
    world::random,
};

/// The field whose value is the same when a form is sent twice.
const ONCE: &str = "once";

/// What a form is answered: the way to where it is done, or the form again.
pub(super) type Answered = Either<HttpResponse, Page>;

/// Refuses a page to those whom the API would refuse what it asks and sends, before they fill it in.
pub(super) fn allow(visitor: &Visitor) -> Result<(), Trouble> {
    if !visitor.may(Scope::GrantsManage) {
        let detail = format!("this takes the scope {}", Scope::GrantsManage.as_str());
        return Err(Problem::new(Code::InsufficientScope, detail).into());
    }
    if visitor.stay.institution.is_none() {
        let detail = "say with institution= which institution's grants are meant";
        return Err(Problem::new(Code::MissingParameter, detail).into());
    }
    Ok(())
}

/// Sends a form on to the API: once, however often it comes.
pub(super) async fn send(visit: &Visit, target: &str, given: &Query, body: &Value) -> Result<Value, Trouble> {
    let call = Call::new(Method::POST, target).json(body);
    let call = match given.get(ONCE) {
        Some(key) => call.header(HeaderName::from_static("idempotency-key"), key),
        None => call,
    };
    visit.ask(call).await
}

/// Leads on to a page.
pub(super) fn see(visitor: &Visitor, target: &str) -> Answered {
    let to = visitor.link(target);
    Either::Left(HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish())
}

/// The hidden field that tells one sending from another.
pub(super) fn once(door: &Door) -> Markup {
    let key = u128::from_be_bytes(random(door.world.as_ref()));
    html! { input type="hidden" name=(ONCE) value=(format!("{key:032x}")); }
}

/// What was wrong with what was sent.
pub(super) fn fault(trouble: Option<&Trouble>) -> Markup {
    let Some(trouble) = trouble else { return html! {} };
    html! {
        div.notice.bad role="alert" {
            p { (trouble.detail()) }
            @if let Trouble::Told { errors, .. } = trouble && !errors.is_empty() {
                ul { @for (place, detail) in errors { li { (named(place)) ": " (detail) } } }
            }
        }
    }
}

/// The field that a pointer of the API is about.
fn named(pointer: &str) -> &str {
    match pointer {
        "/email" => "E-mail address",
        "/from" => "First day",
        "/until" => "Last day",
        "/purpose" => "What for",
        "/reason" => "Reason",
        other if other.starts_with("/scopes") => "What they may see",
        other => other,
    }
}
