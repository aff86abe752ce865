//! Signing in at another issuer, and coming back from it.

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header::{self, HeaderValue},
    web,
};

use super::{
    guest::{Guest, cookie_of, enter, next},
    parts::state::Tone,
    query::Query,
    sign_in,
    trouble::Trouble,
};
use crate::{
    access::oidc::{Back, LEFT_COOKIE},
    error::Code,
};

/// Sends somebody to an issuer.
#[get("/sign-in/with/{issuer}")]
pub async fn leave(
    guest: Guest,
    issuer: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Trouble> {
    let query = Query::parse(request.query_string());
    let leaving = guest.door.leave_for(&issuer, next(query.get("next").unwrap_or_default())).await?;
    let cookie = cookie_of(LEFT_COOKIE, &leaving.cookie.cookie, leaving.cookie.max_age_s);
    Ok(HttpResponse::SeeOther()
        .insert_header((header::SET_COOKIE, cookie))
        .insert_header((header::LOCATION, leaving.to))
        .finish())
}

/// Takes somebody who comes back.
#[get("/sign-in/callback/{issuer}")]
pub async fn come_back(
    guest: Guest,
    issuer: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Trouble> {
    let query = Query::parse(request.query_string());
    let left = guest.cookie_named(LEFT_COOKIE).unwrap_or_default();
    let back = Back {
        came_to: &issuer,
        cookie: &left,
        state: query.get("state").unwrap_or_default(),
        code: query.get("code").unwrap_or_default(),
        issuer: query.get("iss"),
    };
    let before = guest.cookie();
    let mut response = match guest.door.come_back(&guest.context, back, before.as_deref()).await {
        Ok((begun, to)) => enter(&begun, next(&to)),
        Err(problem) if problem.code == Code::SignInFailed => {
            let said = Some((Tone::Bad, problem.detail.as_str()));
            guest.page(problem.code.status(), sign_in::form(&guest, said, "", "/"))
        }
        Err(problem) => return Err(problem.into()),
    };
    if let Ok(gone) = HeaderValue::from_str(&cookie_of(LEFT_COOKIE, "", 0)) {
        response.headers_mut().append(header::SET_COOKIE, gone);
    }
    Ok(response)
}
