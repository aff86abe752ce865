//! A guest: somebody whom nobody knows yet. Pages for signing in are theirs.

use std::{future::Future, pin::Pin, sync::Arc};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, Responder as _,
    dev::Payload,
    http::{StatusCode, header},
    web,
};

use super::{layout::Page, surroundings, trouble::Trouble, visit};
use crate::access::{
    Context, Door,
    session::{self, Begun},
};

/// Longest path to lead to afterwards.
const NEXT_MAX: usize = 2048;

/// Who asks, as far as that is known: by an address.
pub struct Guest {
    /// What every request passes.
    pub door: web::Data<Door>,
    /// The request.
    pub context: Arc<Context>,
    request: HttpRequest,
}

impl Guest {
    /// The session's id that the browser has, good or not.
    #[must_use]
    pub fn cookie(&self) -> Option<String> {
        visit::cookie(&self.request)
    }

    /// A cookie that the browser has.
    #[must_use]
    pub fn cookie_named(&self, name: &str) -> Option<String> {
        visit::cookie_named(&self.request, name)
    }

    /// A page with another status than 200.
    #[must_use]
    pub fn page(&self, status: StatusCode, page: Page) -> HttpResponse {
        let mut response = page.respond_to(&self.request);
        *response.status_mut() = status;
        response
    }
}

impl FromRequest for Guest {
    type Error = Trouble;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Trouble>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let door = surroundings::given::<Door>(&request)?;
            let context = surroundings::context(&request)?;
            Ok(Self { door, context, request })
        })
    }
}

/// A cookie of ours, held to this host and to the whole of it.
#[must_use]
pub fn cookie_of(name: &str, value: &str, max_age_s: i64) -> String {
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={max_age_s}")
}

/// Leads on, signed in.
#[must_use]
pub fn enter(begun: &Begun, next: &str) -> HttpResponse {
    let cookie = cookie_of(session::COOKIE, &begun.cookie, begun.max_age_s);
    HttpResponse::SeeOther()
        .insert_header((header::SET_COOKIE, cookie))
        .insert_header((header::LOCATION, next))
        .finish()
}

/// Leads to another page of ours.
#[must_use]
pub fn lead(to: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
}

/// Where to lead after signing in: a path of ours, and nothing that a browser would take for another host.
#[must_use]
pub fn next(given: &str) -> &str {
    let plain = given.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let ours = given.starts_with('/') && !given.starts_with("//");
    if plain && ours && given.len() <= NEXT_MAX { given } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn nobody_is_led_to_another_host() {
        for own in ["/", "/transactions?currency=EUR&cursor=a%2Fb", "/a//b"] {
            assert_eq!(next(own), own);
        }
        for other in [
            "",
            "transactions",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/%zz\u{202e}",
            " /x",
            &format!("/{}", "a".repeat(3000)),
        ] {
            assert_eq!(next(other), "/", "{other:?}");
        }
    }
}
