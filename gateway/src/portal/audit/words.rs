//! The ledger's terms in words, and the way from them to pages.

use maud::{Markup, html};
use serde_json::Value;

use super::super::{parts::fact, query::segment, visit::Visitor};
use crate::domain::Scope;

/// Kinds of entries, and what they say in a line.
pub const KINDS: &[(&str, &str)] = &[
    ("record", "Recorded"),
    ("access", "Looked at"),
    ("denied", "Refused"),
    ("export", "Taken out as a file"),
    ("grant", "Access or settings changed"),
    ("admin", "Set-up changed by the provider"),
    ("key", "Signing key"),
    ("erase", "Payload erased"),
    ("anchor", "Anchored"),
];

/// A kind in words; one that is not known as it stands.
#[must_use]
pub fn kind(name: &str) -> &str {
    KINDS.iter().find(|(known, _)| *known == name).map_or(name, |(_, words)| words)
}

/// A kind of subject in words; one that is not known as it stands.
fn noun(name: &str) -> &str {
    match name {
        "transaction" => "Transaction",
        "account" => "Account",
        "report" => "Report",
        "evidence_bundle" => "Evidence bundle",
        "export" => "Export",
        "intake" => "Delivered file",
        "lineage_event" => "Lineage event",
        "client" => "Client",
        "webhook_endpoint" => "Webhook endpoint",
        "user" => "Person",
        other => other,
    }
}

/// Who did it: by name, where it is known.
#[must_use]
pub fn actor(actor: &str, name: Option<&str>) -> Markup {
    match (actor, name) {
        ("veritrail", _) => html! { "the service" },
        (id, Some(name)) => html! { span title=(id) { (name) } },
        (id, None) => fact::short(id),
    }
}

/// What an entry is about, as a link where there is a page of it that they may see.
#[must_use]
pub fn subject(visitor: &Visitor, subject: &Value) -> Markup {
    let (Some(kind), Some(id)) = (subject["kind"].as_str(), subject["id"].as_str()) else {
        return html! { span.soft { "the log" } };
    };
    html! {
        (noun(kind)) " "
        @match page_of(visitor, kind, id) {
            Some(to) => a href=(visitor.link(&to)) { (shortened(id)) },
            None => (fact::short(id)),
        }
    }
}

/// The page of a thing.
fn page_of(visitor: &Visitor, kind: &str, id: &str) -> Option<String> {
    let id = segment(id);
    let (scope, path) = match kind {
        "transaction" => (Scope::TransactionsRead, format!("/transactions/{id}")),
        "account" => (Scope::TransactionsRead, format!("/transactions?account_id={id}")),
        "report" => (Scope::ReportsRead, format!("/reports/{id}")),
        "evidence_bundle" => (Scope::EvidenceRead, format!("/evidence/{id}")),
        _ => return None,
    };
    visitor.may(scope).then_some(path)
}

/// An id's beginning and end.
fn shortened(id: &str) -> String {
    let length = id.chars().count();
    if length <= 16 {
        return id.to_owned();
    }
    let (head, tail): (String, String) =
        (id.chars().take(8).collect(), id.chars().skip(length - 6).collect());
    format!("{head}…{tail}")
}

/// Paths of the API in words; `{}` is one part of a path, whatever it is. The first that fits counts.
const PATHS: &[(&str, &str, &str)] = &[
    ("GET", "/v1/institution", "The institution"),
    ("GET", "/v1/accounts", "Accounts"),
    ("GET", "/v1/accounts/{}", "An account"),
    ("GET", "/v1/accounts/{}/balances", "An account's balances"),
    ("GET", "/v1/accounts/{}/transactions", "An account's transactions"),
    ("POST", "/v1/transactions:batch", "Delivered records"),
    ("GET", "/v1/transactions", "Transactions"),
    ("GET", "/v1/transactions/sync", "Transactions that changed"),
    ("POST", "/v1/transactions:lookup", "Transactions by their ids"),
    ("GET", "/v1/transactions/{}", "A transaction"),
    ("GET", "/v1/transactions/{}/versions", "A transaction's versions"),
    ("GET", "/v1/transactions/{}/figures", "Figures that count a transaction"),
    ("GET", "/v1/transactions/{}/impact", "What a transaction bears on"),
    ("GET", "/v1/ledger/entries", "Entries of the ledger"),
    ("GET", "/v1/ledger/entries/{}", "An entry of the ledger"),
    ("GET", "/v1/ledger/looks", "Who looked at what"),
    ("GET", "/v1/ledger/days", "Entries by day"),
    ("GET", "/v1/ledger/actors", "Names of those who acted"),
    ("GET", "/v1/ledger/checkpoint", "The signed checkpoint"),
    ("GET", "/v1/ledger/key", "The ledger's key"),
    ("GET", "/v1/ledger/proofs/{}", "A proof"),
    ("POST", "/v1/evidence-bundles", "Ordered an evidence bundle"),
    ("GET", "/v1/evidence-bundles", "Evidence bundles"),
    ("GET", "/v1/evidence-bundles/{}", "How an evidence bundle stands"),
    ("GET", "/v1/evidence-bundles/{}/content", "Downloaded an evidence bundle"),
    ("POST", "/v1/exports", "Ordered an export"),
    ("GET", "/v1/exports", "Exports"),
    ("GET", "/v1/exports/{}", "How an export stands"),
    ("GET", "/v1/exports/{}/parts/{}", "Downloaded an export"),
    ("GET", "/v1/events", "Events"),
    ("GET", "/v1/events/stream", "Followed events"),
    ("GET", "/v1/lineage", "Lineage"),
    ("GET", "/v1/lineage/{}", "Lineage"),
    ("GET", "/v1/reports", "Reports"),
    ("POST", "/v1/reports", "Ordered a report"),
    ("GET", "/v1/reports/{}", "A report"),
    ("GET", "/v1/reports/{}/adjustments", "A report's adjustments"),
    ("GET", "/v1/reports/{}/adjustments/{}", "An adjustment of a report"),
    ("GET", "/v1/reports/{}/versions", "A report's versions"),
    ("GET", "/v1/reports/{}/versions/{}", "A version of a report"),
    ("GET", "/v1/reports/{}/versions/{}/content", "Downloaded a report"),
    ("GET", "/v1/reports/{}/versions/{}/bundle", "Downloaded a report's evidence"),
    ("GET", "/v1/reports/{}/versions/{}/figures", "A report's figures"),
    ("GET", "/v1/reports/{}/versions/{}/figures/{}", "Records behind a figure"),
    ("GET", "/v1/webhooks", "Webhook endpoints"),
    ("GET", "/v1/clients", "Clients"),
    ("GET", "/v1/usage", "Usage"),
    ("GET", "/v1/limits", "Limits"),
    ("POST", "/v1/diagnostics/request", "Asked why a request is refused"),
];

/// What a request asked for, in words; none where there are none.
#[must_use]
pub fn asked(method: &str, target: &str) -> Option<&'static str> {
    let path = target.split('?').next().unwrap_or_default();
    let fits = |pattern: &str| {
        let (mut parts, mut wanted) = (path.split('/'), pattern.split('/'));
        loop {
            match (parts.next(), wanted.next()) {
                (None, None) => return true,
                (Some(part), Some(want)) if part == want || want == "{}" && !part.is_empty() => {}
                _ => return false,
            }
        }
    };
    let found = PATHS.iter().find(|(verb, pattern, _)| *verb == method && fits(pattern));
    found.map(|(_, _, words)| *words)
}

/// What a request was about: in words, and as it was sent.
#[must_use]
pub fn request(visitor: &Visitor, method: &str, target: &str) -> Markup {
    let thing = thing(target).and_then(|(kind, id)| page_of(visitor, kind, id));
    html! {
        @if let Some(words) = asked(method, target) {
            @match &thing {
                Some(to) => a href=(visitor.link(to)) { (words) },
                None => (words),
            }
            br;
        }
        code.soft { (method) " " (target) }
    }
}

/// The thing that a path names.
fn thing(target: &str) -> Option<(&'static str, &str)> {
    let path = target.split('?').next()?.strip_prefix("/v1/")?;
    let mut parts = path.split('/');
    let kind = match parts.next()? {
        "transactions" => "transaction",
        "accounts" => "account",
        "reports" => "report",
        "evidence-bundles" => "evidence_bundle",
        _ => return None,
    };
    // Ids have a prefix with an underscore; `sync` and the like are none.
    parts.next().filter(|id| id.contains('_')).map(|id| (kind, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_by_its_parts_and_not_by_how_it_begins() {
        for (method, target, words) in [
            ("GET", "/v1/transactions?limit=5", Some("Transactions")),
            ("GET", "/v1/transactions/sync", Some("Transactions that changed")),
            ("GET", "/v1/transactions/txn_1?proof=inclusion", Some("A transaction")),
            ("GET", "/v1/transactions/", None),
            ("DELETE", "/v1/transactions/txn_1", None),
            ("GET", "/v1/evidence-bundles/evb_1/content", Some("Downloaded an evidence bundle")),
            ("GET", "/", None),
        ] {
            assert_eq!(asked(method, target), words, "{method} {target}");
        }
        assert_eq!(thing("/v1/reports/rep_1/versions/1"), Some(("report", "rep_1")));
        assert_eq!(thing("/v1/transactions/sync"), None);
    }

    #[test]
    fn an_id_is_shown_by_its_ends() {
        assert_eq!(shortened("txn_0190163d8694739bba1a9fbee4e5c1b2"), "txn_0190…e5c1b2");
        assert_eq!(shortened("short"), "short");
    }
}
