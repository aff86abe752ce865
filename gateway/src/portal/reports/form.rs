//! Forms that change something: read, sent on once, and shown again with what is wrong.

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

/// Refuses a form's page to those whom the API would refuse what it sends.
pub(super) fn allow(visitor: &Visitor) -> Result<(), Trouble> {
    if visitor.may(Scope::ReportsWrite) {
        return Ok(());
    }
    let detail = format!("this takes the scope {}", Scope::ReportsWrite.as_str());
    Err(Trouble::Own(Problem::new(Code::InsufficientScope, detail)))
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
                ul { @for (place, detail) in errors { li { code { (place) } ": " (detail) } } }
            }
        }
    }
}

/// A field for a line of text.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// What stands over it.
    pub(super) label: &'a str,
    /// What helps to fill it.
    pub(super) hint: &'a str,
    /// Whether it must be filled.
    pub(super) required: bool,
    /// The most characters that it takes.
    pub(super) max: u32,
}

impl Line<'_> {
    /// Draws it with what was given before.
    pub(super) fn draw(&self, given: &Query) -> Markup {
        html! {
            label.field {
                span { (self.label) @if !self.required { " (optional)" } }
                input type="text" name=(self.name) value=[given.get(self.name)] maxlength=(self.max)
                    required[self.required] autocomplete="off";
                @if !self.hint.is_empty() { span.hint { (self.hint) } }
            }
        }
    }
}

/// The field for the entry up to which records count.
pub(super) fn as_of(given: &Query) -> Markup {
    html! {
        details open[given.get("as_of").is_some()] {
            summary { "Of records as they stood earlier" }
            (Line {
                name: "as_of",
                label: "Last entry of the ledger that counts",
                hint: "Its number; the newest entry unless told.",
                required: false,
                max: 18,
            }.draw(given))
        }
    }
}
