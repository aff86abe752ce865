//! What was refused or failed, by its code and by its endpoint, and on whose side the fault is.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde_json::Value;

use crate::{
    error::Code,
    portal::parts::{
        json::{number, rows, text},
        number::count,
        state::{self, Tone, badge},
        table::framed,
    },
};

/// On whose side a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The service's: the request may have been right.
    Ours,
    /// The caller's: the request has to change.
    Yours,
}

/// A code that can be told of.
fn known(code: &str) -> Option<Code> {
    Code::ALL.iter().copied().find(|one| one.as_str() == code)
}

/// On whose side a code has the fault: a status of 500 and above is the service's.
#[must_use]
pub fn side(code: &str) -> Side {
    match known(code) {
        Some(code) if code.status().is_client_error() => Side::Yours,
        _ => Side::Ours,
    }
}

/// Why a code is answered, and what to do.
const fn told(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::InvalidParameter => (
            "A parameter's value could not be read.",
            "The answer's errors name the parameter; see its form in the API reference.",
        ),
        Code::UnknownParameter => {
            ("The operation has no such parameter.", "Correct the name: the answer says which one is near.")
        }
        Code::MissingParameter => {
            ("A parameter that must be there was left out.", "Send it; the answer names it.")
        }
        Code::ExpiredCursor => (
            "A list was paged on after a long while.",
            "Begin the list again without a cursor, and page on without long breaks.",
        ),
        Code::InvalidCursor => (
            "A cursor was sent with other filters than those it was made for.",
            "Keep all parameters the same from page to page.",
        ),
        Code::MalformedBody => (
            "The body was not what its media type says.",
            "Send well-formed JSON, and no members that the operation doesn't have.",
        ),
        Code::InvalidProof => (
            "A token was asked for with a DPoP proof that was missing or not valid.",
            "Sign a fresh proof for each request, with the key that the token is bound to.",
        ),
        Code::Unauthenticated => (
            "There was no access token, or it had expired or been revoked.",
            "Get a new token before the old one ends. Diagnose a request tells what is wrong with one.",
        ),
        Code::SignInFailed => (
            "Somebody did not get in to the portal.",
            "Whoever has an account may have mistyped; many such tries are worth a look.",
        ),
        Code::InvalidClient => (
            "A client did not prove who it is.",
            "Check its secret or key: it may have been rotated, or its time may be over.",
        ),
        Code::InsufficientScope => (
            "The token lacks the scope of the operation.",
            "Ask for the scope when getting the token; the provider gives a client more scopes.",
        ),
        Code::AddressNotAllowed => (
            "The client called from an address that is not on its list.",
            "Add the address to the client's allowed addresses, or find out who called.",
        ),
        Code::CrossSite => ("A form was sent by another site's page.", "Send it from the portal's own page."),
        Code::NotFound => (
            "There is nothing at that path, or nothing that the client may see.",
            "Check ids: they belong to one institution, and what was withdrawn is gone.",
        ),
        Code::MethodNotAllowed => ("The path takes another method.", "See Allow in the answer."),
        Code::NotAcceptable => (
            "None of the media types in Accept can be made.",
            "Ask for application/json, or what the operation lists.",
        ),
        Code::Conflict => (
            "What was asked for does not fit what is there now.",
            "Read the state again, then decide whether it is still needed.",
        ),
        Code::Expired => ("What was asked for is no longer kept.", "Order it again, and fetch it in time."),
        Code::BodyTooLarge => ("The body was larger than the operation takes.", "Send it in parts."),
        Code::RequestTimeout => (
            "The body did not come in time.",
            "Look at the connection between your system and the service; send smaller parts.",
        ),
        Code::UriTooLong => ("The URI was too long.", "Use fewer filters at a time."),
        Code::UnsupportedMediaType => (
            "The body was of a type or encoding that is not taken.",
            "Send the Content-Type that the operation lists.",
        ),
        Code::RangeNotSatisfiable => {
            ("A range was asked for beyond the end of the file.", "Ask for its size first, or for the whole.")
        }
        Code::Refused => (
            "The body could be read, but what it asks for can't be.",
            "The answer's errors name each place and what is wrong there.",
        ),
        Code::IdempotencyKeyReused => (
            "An Idempotency-Key was used again with another body.",
            "Make a new key for each new request; keep it only for repeating the same one.",
        ),
        Code::QuotaExceeded => (
            "More was asked than the plan allows in that time.",
            "Wait as Retry-After says; plan larger work with POST /v1/limits/plan, or ask for a larger plan.",
        ),
        Code::LogStopped => (
            "The institution's ledger was stopped, and nothing is served without a record.",
            "Nothing for you to change. Tell the provider if it lasts.",
        ),
        Code::Overloaded => (
            "Too many requests were at work at once in the service.",
            "Repeat after Retry-After; nothing was done. Tell the provider if it happens often.",
        ),
        Code::Unavailable => (
            "The service was stopping, busy or broken.",
            "Repeat after Retry-After; a write under the same Idempotency-Key. Tell the provider a request's id if it lasts.",
        ),
    }
}

/// The word for a side.
fn mark(side: Side) -> Markup {
    match side {
        Side::Ours => badge(Tone::Bad, "Ours"),
        Side::Yours => badge(Tone::Warn, "Yours"),
    }
}

/// What a route had.
struct Route<'a> {
    name: &'a str,
    requests: i64,
    ours: i64,
    yours: i64,
    codes: Vec<(&'a str, i64)>,
}

/// The codes of a row of usage.
fn codes(row: &Value) -> impl Iterator<Item = (&str, i64)> {
    row["refusals"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(code, requests)| (code.as_str(), number(requests)))
}

fn route(row: &Value) -> Route<'_> {
    let of = |wanted: Side| {
        codes(row).filter(|(code, _)| side(code) == wanted).map(|(_, requests)| requests).sum::<i64>()
    };
    let mut sorted: Vec<_> = codes(row).collect();
    sorted.sort_by_key(|(_, requests)| -requests);
    Route {
        name: text(&row["route"]),
        requests: number(&row["requests"]),
        ours: of(Side::Ours),
        yours: of(Side::Yours),
        codes: sorted,
    }
}

/// What an answer of `/v1/usage` by route has of refusals and failures.
#[must_use]
pub fn draw(usage: &Value) -> Markup {
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for (code, requests) in rows(usage).iter().flat_map(codes) {
        *sums.entry(code).or_default() += requests;
    }
    if sums.is_empty() {
        return state::empty(
            "Nothing was refused, and nothing failed.",
            &html! { "Refusals of your clients' requests will stand here, with what to do about each." },
        );
    }
    let mut sums: Vec<(&str, i64)> = sums.into_iter().collect();
    // The service's own faults first, and of each side the most frequent.
    sums.sort_by_key(|(code, requests)| (side(code) == Side::Yours, -requests));
    let mut routes: Vec<Route<'_>> = rows(usage).iter().map(route).collect();
    routes.retain(|route| !route.codes.is_empty());
    routes.sort_by_key(|route| -(route.ours + route.yours));
    let ours: i64 = routes.iter().map(|route| route.ours).sum();
    let yours: i64 = routes.iter().map(|route| route.yours).sum();
    html! {
        p {
            strong { (count(ours)) } " by our fault: the service failed, and the request may have been right. "
            strong { (count(yours)) } " by yours: the request has to change."
        }
        h3 { "By code" }
        (by_code(&sums))
        h3 { "By endpoint" }
        (by_route(&routes))
    }
}

fn by_code(sums: &[(&str, i64)]) -> Markup {
    framed(
        "Requests that were refused or failed, by code",
        &html! {
            thead { tr {
                th scope="col" { "Code" } th scope="col" { "Fault" } th.num scope="col" { "Requests" }
                th scope="col" { "Why" } th scope="col" { "What to do" }
            } }
            tbody {
                @for (code, requests) in sums {
                    @let words = known(code).map(told);
                    tr {
                        td { code { (code) } }
                        td { (mark(side(code))) }
                        td.num { (count(*requests)) }
                        td { (words.map_or("It is not known here.", |(why, _)| why)) }
                        td { (words.map_or("Tell the provider a request's id.", |(_, then)| then)) }
                    }
                }
            }
        },
    )
}

fn by_route(routes: &[Route<'_>]) -> Markup {
    framed(
        "Requests that were refused or failed, by endpoint",
        &html! {
            thead { tr {
                th scope="col" { "Endpoint" } th.num scope="col" { "Requests" } th.num scope="col" { "Our fault" }
                th.num scope="col" { "Your fault" } th scope="col" { "Codes" }
            } }
            tbody {
                @for route in routes {
                    tr {
                        td { code { (route.name) } }
                        td.num { (count(route.requests)) }
                        td.num { (count(route.ours)) }
                        td.num { (count(route.yours)) }
                        td {
                            @for (at, (code, requests)) in route.codes.iter().enumerate() {
                                @if at > 0 { ", " }
                                code { (code) } " " (count(*requests))
                            }
                        }
                    }
                }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fault_is_ours_when_the_service_failed() {
        for code in ["unavailable", "overloaded", "log_stopped"] {
            assert_eq!(side(code), Side::Ours, "{code}");
        }
        for code in ["quota_exceeded", "not_found", "request_timeout", "insufficient_scope"] {
            assert_eq!(side(code), Side::Yours, "{code}");
        }
    }

    #[test]
    fn every_code_is_explained_by_itself() {
        let mut whys: Vec<&str> = Code::ALL.iter().map(|code| told(*code).0).collect();
        whys.sort_unstable();
        whys.dedup();
        assert_eq!(whys.len(), Code::ALL.len());
    }

    #[test]
    fn refusals_are_summed_by_code_and_by_endpoint_and_what_is_ours_comes_first() {
        let usage = json!({"data": [
            {"route": "GET /a", "requests": 90, "refusals": {"not_found": 7, "unavailable": 2}},
            {"route": "GET /b", "requests": 5, "refusals": {"not_found": 1}},
            {"route": "GET /c", "requests": 3, "refusals": {}},
        ]});
        let drawn = draw(&usage).0;
        let at = |what: &str| drawn.find(what).unwrap_or_else(|| panic!("no {what} in {drawn}"));
        assert!(at("<code>unavailable</code>") < at("<code>not_found</code>"));
        assert!(drawn.contains("<strong>2</strong> by our fault"));
        assert!(drawn.contains("<strong>8</strong> by yours"));
        assert!(!drawn.contains("GET /c"), "it had none");
    }
}
