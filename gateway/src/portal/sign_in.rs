//! Signing in and out, and setting a password by a link.

use actix_web::{
    HttpResponse, get,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    post,
};
use maud::{Markup, html};

use super::{
    form::Form,
    guest::{Guest, cookie_of, enter, lead, next},
    layout::{self, Page},
    parts::state::{Tone, notice},
    query::Query,
    trouble::Trouble,
};
use crate::{
    access::{second_factor, session, sign_in::SignedIn},
    error::Code,
};

/// The form.
#[get("/sign-in")]
pub async fn show(guest: Guest, request: actix_web::HttpRequest) -> Result<HttpResponse, Trouble> {
    let query = Query::parse(request.query_string());
    let next = next(query.get("next").unwrap_or_default());
    if let Some(cookie) = guest.cookie()
        && guest.door.session(&cookie).await?.is_some()
    {
        return Ok(lead(next));
    }
    let said =
        query.get("password").is_some().then_some((Tone::Good, "Your password is set. Sign in with it."));
    Ok(guest.page(StatusCode::OK, form(&guest, said, "", next)))
}

/// Signs in.
#[post("/sign-in")]
pub async fn send(guest: Guest, sent: Form) -> Result<HttpResponse, Trouble> {
    let (email, next) = (sent.get("email"), next(sent.get("next")));
    let before = guest.cookie();
    let signed_in = guest.door.sign_in(&guest.context, email, sent.secret("password"), before.as_deref());
    match signed_in.await {
        Ok(SignedIn::Whole(begun)) => Ok(enter(&begun, next)),
        Ok(SignedIn::Half(half)) => {
            let query = Query::default().with("next", next);
            let cookie = cookie_of(second_factor::HALF_COOKIE, &half.cookie, half.max_age_s);
            Ok(HttpResponse::SeeOther()
                .insert_header((header::SET_COOKIE, cookie))
                .insert_header((header::LOCATION, query.at("/sign-in/code")))
                .finish())
        }
        Err(problem) if problem.code == Code::SignInFailed => {
            let page = form(&guest, Some((Tone::Bad, problem.detail.as_str())), email, next);
            Ok(guest.page(problem.code.status(), page))
        }
        Err(problem) => Err(problem.into()),
    }
}

/// The form for the second factor.
#[get("/sign-in/code")]
pub async fn code(guest: Guest, request: actix_web::HttpRequest) -> HttpResponse {
    if guest.cookie_named(second_factor::HALF_COOKIE).is_none() {
        return lead("/sign-in");
    }
    let query = Query::parse(request.query_string());
    guest.page(StatusCode::OK, enter_code(None, next(query.get("next").unwrap_or_default())))
}

/// Signs in by the second factor.
#[post("/sign-in/code")]
pub async fn send_code(guest: Guest, sent: Form) -> Result<HttpResponse, Trouble> {
    let half = guest.cookie_named(second_factor::HALF_COOKIE).unwrap_or_default();
    let (next, before) = (next(sent.get("next")), guest.cookie());
    match guest.door.sign_in_by_code(&guest.context, &half, sent.get("code"), before.as_deref()).await {
        Ok(begun) => {
            let mut response = enter(&begun, next);
            let gone = cookie_of(second_factor::HALF_COOKIE, "", 0);
            if let Ok(gone) = HeaderValue::from_str(&gone) {
                response.headers_mut().append(header::SET_COOKIE, gone);
            }
            Ok(response)
        }
        Err(problem) if problem.code == Code::SignInFailed => {
            Ok(guest.page(problem.code.status(), enter_code(Some(&problem.detail), next)))
        }
        Err(problem) if problem.code == Code::Expired => {
            let said = Some((Tone::Warn, problem.detail.as_str()));
            Ok(guest.page(problem.code.status(), form(&guest, said, "", next)))
        }
        Err(problem) => Err(problem.into()),
    }
}

fn enter_code(said: Option<&str>, next: &str) -> Page {
    let main = html! {
        h1 { "Enter your code" }
        @if let Some(text) = said { (notice(Tone::Bad, text)) }
        form.sheet method="post" action="/sign-in/code" {
            (code_field())
            p.soft { "Your app shows it. A recovery code will do, once." }
            input type="hidden" name="next" value=(next);
            div.actions { button { "Sign in" } }
        }
        p { a href="/sign-in" { "Begin again" } }
    };
    layout::public(None, "Enter your code", &main)
}

/// The field for a code.
#[must_use]
pub fn code_field() -> Markup {
    html! {
        label.field {
            span { "Code of six digits" }
            input name="code" autocomplete="one-time-code" inputmode="numeric" required maxlength="24";
        }
    }
}

/// Signs out.
#[post("/sign-out")]
pub async fn leave(guest: Guest) -> Result<HttpResponse, Trouble> {
    if let Some(cookie) = guest.cookie()
        && let Some(session) = guest.door.session(&cookie).await?
    {
        guest.door.sign_out(&guest.context, &session).await?;
    }
    let gone = cookie_of(session::COOKIE, "", 0);
    let mut response = HttpResponse::SeeOther();
    Ok(response
        .insert_header((header::SET_COOKIE, gone))
        .insert_header((header::LOCATION, "/sign-in"))
        .finish())
}

/// The page with the form.
pub(super) fn form(guest: &Guest, said: Option<(Tone, &str)>, email: &str, next: &str) -> Page {
    let query = Query::default().with("next", next);
    let main = html! {
        h1 { "Sign in" }
        @if let Some((tone, text)) = said { (notice(tone, text)) }
        form.sheet method="post" action="/sign-in" {
            label.field {
                span { "E-mail address" }
                input type="email" name="email" value=(email) autocomplete="username" required maxlength="254";
            }
            label.field {
                span { "Password" }
                input type="password" name="password" autocomplete="current-password" required;
            }
            input type="hidden" name="next" value=(next);
            div.actions { button { "Sign in" } }
        }
        @for (name, label) in guest.door.sign_in_issuers() {
            p { a.button href=(query.at(&format!("/sign-in/with/{name}"))) { "Sign in with " (label) } }
        }
    };
    layout::public(None, "Sign in", &main)
}

/// The form behind a link.
#[get("/set-password")]
pub async fn set_password_page(guest: Guest, request: actix_web::HttpRequest) -> HttpResponse {
    let query = Query::parse(request.query_string());
    guest.page(StatusCode::OK, set_password(None, query.get("token").unwrap_or_default()))
}

/// Sets a password.
#[post("/set-password")]
pub async fn set_password_send(guest: Guest, form: Form) -> Result<HttpResponse, Trouble> {
    let link = form.get("token");
    if form.get("password") != form.get("again") {
        let page = set_password(Some("The two passwords differ."), link);
        return Ok(guest.page(StatusCode::UNPROCESSABLE_ENTITY, page));
    }
    match guest.door.set_password_by_link(&guest.context, link, form.secret("password")).await {
        Ok(()) => Ok(lead("/sign-in?password=set")),
        Err(problem) if matches!(problem.code, Code::Refused | Code::Expired) => {
            let said = problem.errors.first().map_or(problem.detail.as_str(), |error| &error.detail);
            Ok(guest.page(problem.code.status(), set_password(Some(said), link)))
        }
        Err(problem) => Err(problem.into()),
    }
}

fn set_password(said: Option<&str>, link: &str) -> Page {
    let main = html! {
        h1 { "Set your password" }
        @if let Some(text) = said { (notice(Tone::Bad, text)) }
        form.sheet method="post" action="/set-password" {
            (new_password())
            input type="hidden" name="token" value=(link);
            div.actions { button { "Set the password" } }
        }
    };
    layout::public(None, "Set your password", &main)
}

/// The fields for a new password.
#[must_use]
pub fn new_password() -> Markup {
    html! {
        label.field {
            span { "New password" }
            input type="password" name="password" autocomplete="new-password" required minlength="12";
            span.hint { "12 characters at least. Several words make a good one." }
        }
        label.field {
            span { "The same once more" }
            input type="password" name="again" autocomplete="new-password" required minlength="12";
        }
    }
}
