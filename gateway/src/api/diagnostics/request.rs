//! The request as it would be sent, and what can be said of it alone.

use std::collections::BTreeMap;

use actix_web::http::Uri;

use super::{super::operations::Parameter, Case, Finding};
use crate::{access::permit::IDEMPOTENCY_KEY_MAX, domain::nearest::nearest};

/// Characters of a value that are shown.
const SHOWN: usize = 100;

/// A request that would be sent.
pub(super) struct Sent {
    pub method: String,
    /// Its URL; none when it is not one.
    uri: Option<Uri>,
    /// The path as the service would see it.
    pub path: String,
    headers: BTreeMap<String, String>,
}

impl Sent {
    pub fn of(method: String, url: &str, base_url: &str, headers: BTreeMap<String, String>) -> Self {
        let uri: Option<Uri> = url.parse().ok().filter(|uri: &Uri| uri.path().starts_with('/'));
        let base: Option<Uri> = base_url.parse().ok();
        let before = base.as_ref().map_or("", |base| base.path().trim_end_matches('/')).to_owned();
        let path = uri.as_ref().map_or("", Uri::path);
        let whole = uri.as_ref().is_some_and(|uri| uri.host().is_some());
        let path = if whole { path.strip_prefix(&before).unwrap_or(path) } else { path }.to_owned();
        Self { method, uri, path, headers }
    }

    /// The values of a header; there are several when its name stands in several spellings.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub fn query(&self) -> &str {
        self.uri.as_ref().and_then(Uri::query).unwrap_or_default()
    }
}

/// A value that is no secret, cut.
pub(super) fn shown(value: &str) -> String {
    value.chars().take(SHOWN).collect()
}

pub(super) fn url_form(case: &Case<'_>) -> Finding {
    match &case.sent.uri {
        Some(_) => Finding::pass("the URL can be read"),
        None => Finding::fail("this is neither a URL nor a path that begins with /"),
    }
}

pub(super) fn host(case: &Case<'_>) -> Finding {
    let origin = |uri: &Uri| {
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
        Some((scheme, uri.host()?.to_ascii_lowercase(), port))
    };
    let told = |(scheme, host, port): (String, String, u16)| format!("{scheme}://{host}:{port}");
    let Some(got) = case.sent.uri.as_ref().and_then(origin) else {
        return Finding::skipped("the URL names no host");
    };
    let Some(expected) = case.base_url.parse().ok().as_ref().and_then(origin) else {
        return Finding::skipped("the service does not know its own name");
    };
    let holds = got == expected;
    Finding::compare(holds, "the URL is the service's own", told(expected), shown(&told(got)))
}

pub(super) fn content_encoding(case: &Case<'_>) -> Finding {
    let takes = |parameter: &Parameter| parameter.name.eq_ignore_ascii_case("content-encoding");
    let unpacks = case.route.operation().is_some_and(|operation| operation.parameters.iter().any(takes));
    let is_taken = |coding: &str| {
        coding.eq_ignore_ascii_case("identity") || unpacks && coding.eq_ignore_ascii_case("gzip")
    };
    match case.sent.header("content-encoding").iter().find(|coding| !is_taken(coding)) {
        None => Finding::pass("the body is sent as it is, or as it may be"),
        Some(coding) => {
            Finding::compare(false, "send the body without Content-Encoding", "identity", shown(coding))
        }
    }
}

pub(super) fn parameters(case: &Case<'_>) -> Finding {
    let Some(operation) = case.route.operation() else { return Finding::skipped("there is no such route") };
    let known: Vec<_> = operation.parameters.iter().filter(|one| one.place == "query").collect();
    let names = || known.iter().map(|one| one.name.as_str());
    let mut seen: Vec<String> = Vec::new();
    for (name, _) in form_urlencoded::parse(case.sent.query().as_bytes()) {
        if !names().any(|known| known == name) {
            let meant = nearest(&name, names()).map(|near| format!("; did you mean {near:?}?"));
            let detail = format!("there is no parameter {:?}{}", shown(&name), meant.unwrap_or_default());
            return Finding::fail(detail);
        }
        if seen.iter().any(|before| *before == name) {
            return Finding::fail(format!("{name} may stand once"));
        }
        seen.push(name.into_owned());
    }
    let missing = known.iter().find(|one| one.required && !seen.contains(&one.name));
    match missing {
        Some(missing) => Finding::fail(format!("the parameter {} must be there", missing.name)),
        None => Finding::pass("each parameter is known; their values are not looked at"),
    }
}

pub(super) fn content_type(case: &Case<'_>) -> Finding {
    let Some(operation) = case.route.operation() else { return Finding::skipped("there is no such route") };
    if operation.takes.is_empty() {
        return Finding::skipped("this takes no body");
    }
    let given = case.sent.header("content-type");
    let given = given.first().copied().unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    let holds = operation.takes.iter().any(|taken| taken.eq_ignore_ascii_case(essence));
    Finding::compare(holds, "the body's media type", operation.takes.join(" or "), shown(given))
}

pub(super) fn idempotency_key(case: &Case<'_>) -> Finding {
    let takes = case.route.operation().is_some_and(|operation| {
        operation.parameters.iter().any(|one| one.place == "header" && one.name == "Idempotency-Key")
    });
    if !takes {
        return Finding::skipped("this takes no Idempotency-Key");
    }
    match case.sent.header("idempotency-key").first() {
        None => Finding::pass("there is none: a call that is repeated is done again"),
        Some(key) => {
            let holds = (1..=IDEMPOTENCY_KEY_MAX).contains(&key.len())
                && key.bytes().all(|byte| byte.is_ascii_graphic());
            let expected = format!("1 to {IDEMPOTENCY_KEY_MAX} visible ASCII characters");
            Finding::compare(holds, "the key's form", expected, format!("{} bytes", key.len()))
        }
    }
}
