//! Signing in and out, and setting a password by a link.

use actix_web::{
    HttpResponse, get,
    http::{StatusCode, header},
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
use crate::{access::session, error::Code};

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
    Ok(guest.page(StatusCode::OK, sign_in(said, "", next)))
}

/// Signs in.
#[post("/sign-in")]
pub async fn send(guest: Guest, form: Form) -> Result<HttpResponse, Trouble> {
    let (email, next) = (form.get("email"), next(form.get("next")));
    let before = guest.cookie();
    let signed_in = guest.door.sign_in(&guest.context, email, form.secret("password"), before.as_deref());
    match signed_in.await {
        Ok(begun) => Ok(enter(&begun, next)),
        Err(problem) if problem.code == Code::SignInFailed => {
            let page = sign_in(Some((Tone::Bad, problem.detail.as_str())), email, next);
            Ok(guest.page(problem.code.status(), page))
        }
        Err(problem) => Err(problem.into()),
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

fn sign_in(said: Option<(Tone, &str)>, email: &str, next: &str) -> Page {
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
