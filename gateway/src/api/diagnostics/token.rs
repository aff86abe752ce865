//! The access token of a request, and what may be told of it.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Case, Finding,
    request::{Sent, shown},
    route::Route,
};
use crate::{
    access::token::{Believed, SKEW_S, is_access_token},
    api::State,
    domain::{ClientId, InstitutionId, Scope, Tenant},
    error::{Code, Problem},
    store::{clients, tokens},
};

/// What is known of a request's token, as far as its asker may know it.
pub(super) enum Token {
    /// The operation takes none, or there is no such operation.
    NotTaken,
    /// There is none that could be read.
    Unreadable(&'static str),
    /// It is not signed by the service.
    Unsigned,
    /// It was issued for another institution.
    Stranger,
    /// It was issued for the asker's.
    Own(Box<Own>),
    /// Another issuer's, which the service believes, for a client of the asker's.
    Vouched(Believed),
}

/// A token of the asker's institution.
pub(super) struct Own {
    typ: Option<String>,
    claims: Value,
    client_revoked: bool,
    revoked: bool,
    /// What the door says to it.
    believed: Option<Believed>,
}

impl Token {
    pub async fn of(sent: &Sent, route: &Route<'_>, state: &State, asker: Tenant) -> Result<Self, Problem> {
        if route.operation().is_none_or(|operation| operation.scopes.is_empty()) {
            return Ok(Self::NotTaken);
        }
        let token = match presented(&sent.header("authorization")) {
            Ok((_, token)) => token,
            Err(why) => return Ok(Self::Unreadable(why)),
        };
        let believed = async || match state.door.caller_of(token).await {
            Ok(believed) => Ok(Some(believed)),
            Err(problem) if problem.code == Code::Unauthenticated => Ok(None),
            Err(problem) => Err(problem),
        };
        let Some((typ, claims)) = state.door.tokens.signed(token) else {
            return Ok(match believed().await? {
                None => Self::Unsigned,
                Some(believed) if believed.caller.home == asker.id() => Self::Vouched(believed),
                Some(_) => Self::Stranger,
            });
        };
        let subject = claims["sub"].as_str().and_then(|id| id.parse::<ClientId>().ok());
        let mut reader = state.directory().await?;
        let client = match subject {
            Some(subject) => clients::get(&mut reader, subject).await?,
            None => None,
        };
        let own = client.filter(|client| InstitutionId::from_uuid(client.institution_id) == asker.id());
        let Some(client) = own else { return Ok(Self::Stranger) };
        let jti = claims["jti"].as_str().unwrap_or_default();
        let revoked = tokens::is_revoked(&mut reader, jti).await?;
        drop(reader);
        let client_revoked = client.revoked_at_us.is_some();
        let believed = believed().await?;
        Ok(Self::Own(Box::new(Own { typ, claims, client_revoked, revoked, believed })))
    }

    /// What the door says to it, where that may be told.
    pub fn believed(&self) -> Option<&Believed> {
        match self {
            Self::Own(own) => own.believed.as_ref(),
            Self::Vouched(believed) => Some(believed),
            _ => None,
        }
    }
}

/// The token of `Authorization` and whether it comes by the scheme `DPoP`, not `Bearer`; or why it can't be
/// found.
pub(super) fn presented<'a>(values: &[&'a str]) -> Result<(bool, &'a str), &'static str> {
    let value = match values {
        [] => return Err("there is no Authorization header"),
        [value] => value,
        _ => return Err("there are several Authorization headers"),
    };
    let (scheme, token) = value.split_once(' ').ok_or("Authorization is not of the form: Bearer <token>")?;
    let by_dpop = scheme.eq_ignore_ascii_case("dpop");
    if !by_dpop && !scheme.eq_ignore_ascii_case("bearer") {
        return Err("Authorization is of another scheme than Bearer or DPoP");
    }
    let token = token.trim();
    if token.is_empty() || token.split('.').count() != 3 {
        return Err("the token is not a JWT: three parts with dots between them");
    }
    Ok((by_dpop, token))
}

/// Looks at a token if it may be told of.
fn own(case: &Case<'_>, look: impl FnOnce(&Own) -> Finding) -> Finding {
    match case.token {
        Token::Own(own) => look(own),
        Token::NotTaken => Finding::skipped("no token is asked for"),
        Token::Unreadable(_) => Finding::skipped("there is no token that can be read"),
        Token::Unsigned => Finding::skipped("nothing is believed of a token that is not signed"),
        Token::Stranger => Finding::skipped("the token is not valid for you"),
        Token::Vouched(_) => Finding::skipped("the token is another issuer's; it is believed as a whole"),
    }
}

/// Looks at what the door believes.
pub(super) fn believed(case: &Case<'_>, look: impl FnOnce(&Believed) -> Finding) -> Finding {
    match case.token.believed() {
        Some(believed) => look(believed),
        None => own(case, |_| Finding::skipped("the token is not accepted")),
    }
}

pub(super) fn form(case: &Case<'_>) -> Finding {
    match case.token {
        Token::NotTaken => Finding::skipped("no token is asked for"),
        Token::Unreadable(why) => Finding::fail(*why),
        _ => Finding::pass("there is one token"),
    }
}

pub(super) fn signature(case: &Case<'_>) -> Finding {
    match case.token {
        Token::Unsigned => Finding::fail("the token is not signed by this service, or was changed"),
        Token::Vouched(_) => Finding::pass("the token is signed by an issuer that the service believes"),
        _ => own(case, |_| Finding::pass("the token is signed by this service")),
    }
}

pub(super) fn owner(case: &Case<'_>) -> Finding {
    match case.token {
        Token::Stranger => Finding::fail("the token is not valid for you"),
        Token::Vouched(_) => Finding::pass("the token is for a client of yours"),
        _ => own(case, |_| Finding::pass("the token was issued for a client of yours")),
    }
}

pub(super) fn typ(case: &Case<'_>) -> Finding {
    own(case, |own| {
        let got = own.typ.as_deref();
        let holds = is_access_token(got);
        Finding::compare(holds, "the token's type", "at+jwt", shown(got.unwrap_or("none")))
    })
}

/// A claim as text, whatever it is.
fn told(claim: &Value) -> String {
    shown(&claim.as_str().map_or_else(|| claim.to_string(), ToOwned::to_owned))
}

pub(super) fn issuer(case: &Case<'_>) -> Finding {
    own(case, |own| {
        let iss = &own.claims["iss"];
        Finding::compare(iss == case.issuer, "who issued it", case.issuer, told(iss))
    })
}

pub(super) fn audience(case: &Case<'_>) -> Finding {
    own(case, |own| {
        let aud = &own.claims["aud"];
        Finding::compare(aud == case.audience, "whom it is for", case.audience, told(aud))
    })
}

/// A time of a token, held against the service's.
fn time(case: &Case<'_>, name: &str, what: &str, expected: &str, holds: impl Fn(i64) -> bool) -> Finding {
    own(case, |own| {
        let Some(at_s) = own.claims[name].as_i64() else {
            return Finding::compare(false, what, "seconds since 1970", told(&own.claims[name]));
        };
        let written = |at_s: i64| Timestamp::from_second(at_s).map_or(at_s.to_string(), |at| at.to_string());
        let now = written(case.now_s);
        Finding::compare(holds(at_s), what, format!("{expected}; the service has {now}"), written(at_s))
    })
}

pub(super) fn exp(case: &Case<'_>) -> Finding {
    time(case, "exp", "when it expires", "later than now", |at_s| at_s > case.now_s)
}

pub(super) fn nbf(case: &Case<'_>) -> Finding {
    let expected = format!("at most {SKEW_S} s ahead");
    time(case, "nbf", "when it begins to be valid", &expected, |at_s| at_s <= case.now_s + SKEW_S)
}

pub(super) fn iat(case: &Case<'_>) -> Finding {
    let expected = format!("at most {SKEW_S} s ahead");
    time(case, "iat", "when it was issued", &expected, |at_s| at_s <= case.now_s + SKEW_S)
}

pub(super) fn revocation(case: &Case<'_>) -> Finding {
    own(case, |own| match own.revoked {
        true => Finding::fail("the token was revoked"),
        false => Finding::pass("the token was not revoked"),
    })
}

pub(super) fn client_state(case: &Case<'_>) -> Finding {
    own(case, |own| match own.client_revoked {
        true => Finding::fail("the client was revoked"),
        false => Finding::pass("the client is there"),
    })
}

pub(super) fn accepted(case: &Case<'_>) -> Finding {
    match case.token.believed() {
        Some(_) => Finding::pass("the service accepts the token"),
        None => own(case, |_| Finding::fail("the service does not accept the token: see the other checks")),
    }
}

pub(super) fn scope(case: &Case<'_>) -> Finding {
    believed(case, |Believed { caller, .. }| {
        let needed = case.route.operation().map(|operation| operation.scopes.clone()).unwrap_or_default();
        let has = |name: &String| Scope::parse(name).is_some_and(|scope| caller.scopes.contains(&scope));
        let detail = "scopes of the token that its client still has";
        Finding::compare(needed.iter().all(has), detail, needed.join(" "), Scope::join(&caller.scopes))
    })
}

pub(super) fn institution(case: &Case<'_>) -> Finding {
    believed(case, |Believed { caller, .. }| {
        let takes = case.route.operation().is_some_and(|operation| {
            operation.parameters.iter().any(|one| one.place == "query" && one.name == "institution")
        });
        if !takes {
            return Finding::skipped("this concerns no institution");
        }
        let mut named = form_urlencoded::parse(case.sent.query().as_bytes());
        let named = named.find(|(name, _)| name == "institution").map(|(_, id)| id.parse().ok());
        match named {
            Some(None) => Finding::fail("there is no such institution that the client may speak for"),
            Some(Some(id)) if caller.tenant(Some(id)).is_none() => {
                Finding::fail("there is no such institution that the client may speak for")
            }
            None if caller.tenant(None).is_none() => {
                Finding::fail("the client serves several institutions; say which with institution=")
            }
            _ => Finding::pass("the client may speak for the institution"),
        }
    })
}
