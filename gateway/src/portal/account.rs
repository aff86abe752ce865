//! One's own account: the password, the second factor, and where one is signed in.

use actix_web::{HttpResponse, get, http::StatusCode, post};
use maud::{Markup, html};
use qrcode::{Color, QrCode};

use super::{
    form::Form,
    guest::{Guest, lead},
    layout::{self, Page},
    parts::{
        state::{Tone, notice},
        time,
    },
    sign_in::{code_field, new_password},
    trouble::Trouble,
    visit::{Visit, Visitor},
};
use crate::{
    access::{account::Account, second_factor::Setup},
    error::{Code, Problem},
};

/// Where a second factor is set up.
pub const SET_UP: &str = "/account/second-factor";
const SET_UP_TITLE: &str = "Set up a second factor";

/// The account.
#[get("/account")]
pub async fn show(visit: Visit, guest: Guest) -> Result<HttpResponse, Trouble> {
    let done = match visit.query.get("done") {
        Some("password") => Some((Tone::Good, "Your password is changed. Your other sessions have ended.")),
        Some("sessions") => Some((Tone::Good, "Ended.")),
        _ => None,
    };
    account(&visit, &guest, StatusCode::OK, done).await
}

async fn account(
    visit: &Visitor,
    guest: &Guest,
    status: StatusCode,
    said: Option<(Tone, &str)>,
) -> Result<HttpResponse, Trouble> {
    let account = guest.door.account(&visit.session).await?;
    let session = &visit.session;
    let main = html! {
        h1 { "Your account" }
        @if let Some((tone, text)) = said { (notice(tone, text)) }
        dl.facts {
            div { dt { "Name" } dd { (session.name) } }
            div { dt { "E-mail address" } dd { (session.email) } }
            div { dt { "Role" } dd { (layout::role_name(session.role)) } }
            div { dt { "Of" } dd { (session.home_name) } }
            @if let Some(issuer) = &account.issuer { div { dt { "Signs in at" } dd { (issuer) } } }
        }
        @if account.has_password {
            h2 { "Password" }
            form.sheet method="post" action="/account/password" {
                (password_now())
                (new_password())
                div.actions { button { "Change the password" } }
            }
            h2 { "Second factor" }
            (second_factor(session.has_second_factor, account.recovery_codes))
        }
        h2 { "Where you are signed in" }
        (sessions(&account))
    };
    Ok(guest.page(status, layout::page(visit, "Your account", &main)))
}

fn password_now() -> Markup {
    html! {
        label.field {
            span { "Your password now" }
            input type="password" name="now" autocomplete="current-password" required;
        }
    }
}

fn second_factor(is_set: bool, codes: i64) -> Markup {
    html! {
        @if is_set {
            p { "A code from your app is asked after the password. " (codes) " recovery codes are left." }
            p { a href=(SET_UP) { "Set up another app, with new recovery codes" } }
            details {
                summary { "Go on without" }
                form.sheet method="post" action="/account/second-factor/drop" {
                    (password_now())
                    (code_field())
                    div.actions { button.danger { "Remove the second factor and sign out" } }
                }
            }
        } @else {
            p { "There is none: whoever has your password has your account. " a href=(SET_UP) { "Set one up" } }
        }
    }
}

fn sessions(account: &Account) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Sessions" {
            table {
                caption { "Sessions" }
                thead {
                    tr {
                        th scope="col" { "Since" }
                        th scope="col" { "Last used" }
                        th scope="col" { "From" }
                        th scope="col" { "By" }
                        th scope="col" { "End it" }
                    }
                }
                tbody {
                    @for open in &account.sessions {
                        tr {
                            td { (time::instant_us(open.created_at_us)) }
                            td { (time::instant_us(open.seen_at_us)) }
                            td { (open.address) }
                            td { (open.factors) }
                            td {
                                @if open.is_this { "this one" } @else {
                                    form method="post" action="/account/sessions/end" {
                                        input type="hidden" name="id" value=(open.id);
                                        button.plain { "End" }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if account.sessions.len() > 1 {
            form method="post" action="/account/sessions/end" {
                button.second { "End all others" }
            }
        }
    }
}

/// Changes the password.
#[post("/account/password")]
pub async fn password(visit: Visit, guest: Guest, form: Form) -> Result<HttpResponse, Trouble> {
    if form.get("password") != form.get("again") {
        let said = Some((Tone::Bad, "The two new passwords differ."));
        return account(&visit, &guest, StatusCode::UNPROCESSABLE_ENTITY, said).await;
    }
    let passwords = (form.secret("now"), form.secret("password"));
    match guest.door.change_password(&guest.context, &visit.session, passwords).await {
        Ok(()) => Ok(lead("/account?done=password")),
        Err(problem) => refused(&visit, &guest, problem).await,
    }
}

/// The account again, with what was wrong.
async fn refused(visit: &Visitor, guest: &Guest, problem: Problem) -> Result<HttpResponse, Trouble> {
    if !matches!(problem.code, Code::SignInFailed | Code::Refused | Code::Conflict) {
        return Err(problem.into());
    }
    account(visit, guest, problem.code.status(), Some((Tone::Bad, said(&problem)))).await
}

fn said(problem: &Problem) -> &str {
    problem.errors.first().map_or(problem.detail.as_str(), |error| &error.detail)
}

/// Ends other sessions.
#[post("/account/sessions/end")]
pub async fn end_sessions(visit: Visit, guest: Guest, form: Form) -> Result<HttpResponse, Trouble> {
    let one = Some(form.get("id")).filter(|id| !id.is_empty());
    guest.door.end_sessions(&guest.context, &visit.session, one).await?;
    Ok(lead("/account?done=sessions"))
}

/// Removes the second factor.
#[post("/account/second-factor/drop")]
pub async fn drop_second_factor(visit: Visit, guest: Guest, form: Form) -> Result<HttpResponse, Trouble> {
    let proof = (form.secret("now"), form.get("code"));
    match guest.door.drop_second_factor(&guest.context, &visit.session, proof).await {
        Ok(()) => Ok(lead("/sign-in")),
        Err(problem) => refused(&visit, &guest, problem).await,
    }
}

/// Where a second factor is set up: first the password, then the app and its first code. It shows nothing of what was
/// begun before: a secret is shown once, when it is made.
#[get("/account/second-factor")]
pub async fn set_up(visit: Visit, guest: Guest) -> HttpResponse {
    set_up_page(&visit, &guest, StatusCode::OK, None)
}

fn set_up_page(visit: &Visitor, guest: &Guest, status: StatusCode, said: Option<&str>) -> HttpResponse {
    let main = html! {
        h1 { (SET_UP_TITLE) }
        @if visit.session.must_set_up {
            (notice(Tone::Warn, "Your role needs a second factor. Set one up to go on."))
        }
        @if let Some(text) = said { (notice(Tone::Bad, text)) }
        p { "You need an authenticator app on your phone, or a password manager that shows codes." }
        (beginning(visit))
    };
    guest.page(status, layout::page(visit, SET_UP_TITLE, &main))
}

/// What a set-up begins with: the password, and a code of the second factor that there is.
fn beginning(visit: &Visitor) -> Markup {
    html! {
        form.sheet method="post" action="/account/second-factor/begin" {
            (password_now())
            @if visit.session.has_second_factor {
                (code_field())
                p.soft { "Of the app that you have now. A recovery code will do, once." }
            }
            div.actions { button { "Begin" } }
        }
    }
}

/// The app's first code, with what was begun.
fn confirmation(begun: &str) -> Markup {
    html! {
        form.sheet method="post" action="/account/second-factor" {
            (code_field())
            input type="hidden" name="begun" value=(begun);
            div.actions { button { "Confirm" } }
        }
    }
}

fn app(visit: &Visitor, setup: &Setup) -> Page {
    let spaced: Vec<String> =
        setup.secret.as_bytes().chunks(4).map(|four| String::from_utf8_lossy(four).into_owned()).collect();
    let main = html! {
        h1 { (SET_UP_TITLE) }
        p { "Scan this with your authenticator app, or type the secret into it. It is shown this once." }
        (qr(&setup.uri))
        dl.facts {
            div { dt { "Secret" } dd { code data-copy=(setup.secret) { (spaced.join(" ")) } } }
            div { dt { "For a password manager" } dd { code { (setup.uri) } } }
        }
        (confirmation(&setup.begun))
        p.soft { "Nothing changes until you confirm. " a href=(SET_UP) { "Begin anew" } " for another secret." }
    };
    layout::page(visit, SET_UP_TITLE, &main)
}

/// A text as a QR code, drawn; it has the margin that cameras need, and its own colours.
fn qr(text: &str) -> Markup {
    let Ok(code) = QrCode::new(text) else { return html! {} };
    let (width, margin) = (code.width(), 4);
    let dark = code.to_colors().into_iter().enumerate().filter(|(_, color)| *color == Color::Dark);
    let squares = dark.map(|(at, _)| format!("M{} {}h1v1h-1z", at % width + margin, at / width + margin));
    let (path, side) = (squares.collect::<String>(), width + 2 * margin);
    html! {
        svg role="img" aria-label="The secret as a QR code" width="220" height="220"
            viewBox=(format!("0 0 {side} {side}")) shape-rendering="crispEdges" {
            rect width="100%" height="100%" fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    }
}

/// Begins to set up a second factor, and shows its secret.
#[post("/account/second-factor/begin")]
pub async fn begin(visit: Visit, guest: Guest, form: Form) -> Result<HttpResponse, Trouble> {
    let proof = (form.secret("now"), form.get("code"));
    match guest.door.begin_second_factor(&guest.context, &visit.session, proof).await {
        Ok(setup) => Ok(guest.page(StatusCode::OK, app(&visit, &setup))),
        Err(problem) if problem.code == Code::SignInFailed => {
            Ok(set_up_page(&visit, &guest, problem.code.status(), Some(said(&problem))))
        }
        Err(problem) => Err(problem.into()),
    }
}

/// Confirms a second factor, and shows the codes that stand in for it.
#[post("/account/second-factor")]
pub async fn confirm(visit: Visit, guest: Guest, form: Form) -> Result<HttpResponse, Trouble> {
    let begun = form.get("begun");
    match guest.door.confirm_second_factor(&guest.context, &visit.session, (begun, form.get("code"))).await {
        Ok(codes) => Ok(guest.page(StatusCode::OK, recovery(&visit, &codes))),
        Err(problem) if problem.code == Code::SignInFailed => {
            let main = html! {
                h1 { (SET_UP_TITLE) }
                (notice(Tone::Bad, said(&problem)))
                (confirmation(begun))
                p { "Is the secret not in your app? " a href=(SET_UP) { "Begin anew" } " for another one." }
            };
            Ok(guest.page(problem.code.status(), layout::page(&visit, SET_UP_TITLE, &main)))
        }
        Err(problem) if problem.code == Code::Conflict => {
            Ok(set_up_page(&visit, &guest, problem.code.status(), Some(said(&problem))))
        }
        Err(problem) => Err(problem.into()),
    }
}

fn recovery(visit: &Visitor, codes: &[String]) -> Page {
    let shown = |code: &str| {
        let fours: Vec<String> =
            code.as_bytes().chunks(4).map(|four| String::from_utf8_lossy(four).into_owned()).collect();
        fours.join("-")
    };
    let main = html! {
        h1 { "Your second factor is set up" }
        p {
            "If you lose it, each of these codes signs you in once. Keep them where you keep passwords: they are "
            "shown this once."
        }
        ul.codes { @for code in codes { li { code { (shown(code)) } } } }
        p { a href="/" { "Go on" } }
    };
    layout::page(visit, "Your second factor is set up", &main)
}
