//! One entry: what it says, what it commits to, its exact bytes, and how to check it without us.

use actix_web::{
    HttpResponse, get,
    http::{Method, header},
    web::{self, Bytes},
};
use futures_util::future::try_join;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use veritrail_audit::leaf_hash;

use super::{
    super::{
        api::{self, Call},
        layout::{self, Page},
        parts::{fact, time},
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
    names::{self, Names},
    payload, tabs, text, words,
};
use crate::{domain::Scope, error::Problem};

/// An entry as the API gives it; the payload as it stands.
#[derive(Deserialize)]
struct Detail<'a> {
    seq: String,
    entry: String,
    salt: String,
    path: Vec<String>,
    checkpoint: String,
    #[serde(borrow)]
    payload: &'a RawValue,
}

/// What the API says of an entry, byte for byte.
async fn load(visit: &Visit, seq: u64) -> Result<Bytes, Trouble> {
    api::bytes(visit.call(Call::new(Method::GET, format!("/v1/ledger/entries/{seq}"))).await?).await
}

fn read(bytes: &[u8]) -> Result<Detail<'_>, Trouble> {
    Ok(serde_json::from_slice(bytes).map_err(Problem::internal)?)
}

/// The key that signs the log's checkpoints.
async fn key(visit: &Visit) -> Result<String, Trouble> {
    let bytes = api::bytes(visit.call(Call::new(Method::GET, "/v1/ledger/key")).await?).await?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

/// The page; a list shows it in a drawer.
#[get("/audit/{seq:[0-9]{1,18}}")]
pub async fn page(visit: Visit, seq: web::Path<u64>) -> Result<Page, Trouble> {
    let seq = seq.into_inner();
    let (bytes, vkey) = try_join(load(&visit, seq), key(&visit)).await?;
    let detail = read(&bytes)?;
    let entry: Value = serde_json::from_str(&detail.entry).map_err(Problem::internal)?;
    let record: Value = serde_json::from_str(detail.payload.get()).map_err(Problem::internal)?;
    let actors = std::iter::once(&entry["actor"]).chain(payload::actors(&record));
    let names = names::of(&visit, actors).await?;
    let title = format!("Entry {}", detail.seq);
    let main = html! {
        h1 { (title) }
        (tabs(&visit))
        p { (words::kind(text(&entry["kind"]))) ", " (time::instant(text(&entry["at"]))) }
        (proof(&detail, &vkey))
        h2 { "Entry" }
        (facts(&visit, &entry, &detail, &names))
        h2 { "What it commits to" }
        (payload::draw(&visit, &record, &names))
        (exact(&visit, &detail, &record))
        h2 { "Check it yourself" }
        (checks(&visit, &entry, &detail, &vkey))
        (neighbours(&visit, seq))
    };
    Ok(layout::page(&visit, &title, &main))
}

/// What shows that the entry is on the ledger. A script checks it, and says so; until then nothing is claimed.
fn proof(detail: &Detail<'_>, vkey: &str) -> Markup {
    let payload = detail.payload.get();
    let proof = json!({
        "seq": detail.seq, "entry": detail.entry, "salt": detail.salt, "path": detail.path,
        "checkpoint": detail.checkpoint,
    })
    .to_string();
    // What is too long for a page is checked by the lines below.
    let fits = payload.len() <= payload::SHOWN_MAX;
    html! {
        section.proof data-proof=[fits.then_some(proof.as_str())] data-record=[fits.then_some(payload)] data-vkey=[fits.then_some(vkey)] {
            p {
                "The signed checkpoint covers it. "
                span.verdict role="status" { @if fits { "Not checked here yet." } @else { "Too long to be checked on this page: see below." } }
            }
            details {
                summary { "Proof" }
                p.soft { "The path leads from the entry to the root that the checkpoint signs (RFC 9162 section 2.1.3)." }
                (fact::list(&[("Salt", Some(fact::copyable(&detail.salt)))]))
                h3 { "Path" }
                (fact::block(&detail.path.join("\n")))
                h3 { "Checkpoint" }
                (fact::block(&detail.checkpoint))
            }
        }
    }
}

fn facts(visitor: &Visitor, entry: &Value, detail: &Detail<'_>, names: &Names) -> Markup {
    let code = |value: &Value| value.as_str().map(fact::copyable);
    let hash = leaf_hash(detail.entry.as_bytes()).to_string();
    fact::list(&[
        (
            "Who",
            Some(match text(&entry["actor"]) {
                "veritrail" => words::actor("veritrail", None),
                other => html! {
                    @if let Some(name) = names.get(other) { (name) " " }
                    (fact::copyable(other))
                },
            }),
        ),
        ("About", Some(words::subject(visitor, &entry["subject"]))),
        ("Request", code(&entry["request"])),
        ("Log", code(&entry["log"])),
        ("Its hash", Some(fact::copyable(&hash))),
        ("Hash of the entry before", code(&entry["prev"])),
        ("Commitment to the payload", code(&entry["commitment"])),
    ])
}

/// The bytes as they are hashed.
fn exact(visitor: &Visitor, detail: &Detail<'_>, record: &Value) -> Markup {
    let payload = detail.payload.get();
    let fits = payload.len() <= payload::SHOWN_MAX;
    html! {
        details {
            summary { "Payload as JSON" }
            @if fits {
                (fact::block(&serde_json::to_string_pretty(record).unwrap_or_default()))
            } @else {
                p.soft { "It has " (payload.len()) " bytes, too many for a page." }
            }
        }
        details {
            summary { "Exact bytes" }
            h3 { "Entry, " (detail.entry.len()) " bytes" }
            (fact::block(&detail.entry))
            h3 { "Payload, " (payload.len()) " bytes" }
            @if fits { (fact::block(payload)) } @else { p.soft { "Too many for a page: download it." } }
        }
        p.actions {
            a href=(visitor.link(&format!("/audit/{}/entry", detail.seq))) { "Download the entry" }
            a href=(visitor.link(&format!("/audit/{}/payload", detail.seq))) { "Download the payload" }
        }
    }
}

/// Lines for a shell, each with what it must print.
fn checks(visitor: &Visitor, entry: &Value, detail: &Detail<'_>, vkey: &str) -> Markup {
    let seq = &detail.seq;
    let hash = leaf_hash(detail.entry.as_bytes()).to_string();
    let commit = format!(
        "python3 -c 'import hashlib, sys; print(hashlib.sha256(b\"veritrail/commit@1\\n\" + \
         bytes.fromhex(sys.argv[1]) + open(sys.argv[2], \"rb\").read()).hexdigest())' {} payload-{seq}.json",
        detail.salt,
    );
    let next = seq.parse::<u64>().unwrap_or_default().saturating_add(1);
    let order = visitor.link(&format!("/evidence?from_seq={seq}&to_seq={next}"));
    html! {
        ol.checks {
            li {
                p { "The entry's hash: SHA-256 of a zero byte and the entry (RFC 9162 section 2.1.1)." }
                (fact::block(&format!("printf '\\0%s' {} | sha256sum", quoted(&detail.entry))))
                p.soft { "It must print " (fact::short(&hash)) ", which the next entry names as " code { "prev" } ". With the downloaded file:" }
                (fact::block(&format!("(printf '\\0'; cat entry-{seq}.json) | sha256sum")))
            }
            li {
                p { "That the entry commits to this payload, with the payload downloaded:" }
                (fact::block(&commit))
                p.soft { "It must print " (fact::short(text(&entry["commitment"]))) ", the entry's " code { "commitment" } "." }
            }
            li {
                p {
                    "That the signed tree holds it, with an evidence bundle that has this entry"
                    @if visitor.may(Scope::EvidenceRead) { " (" a href=(order) { "order one" } ")" }
                    ":"
                }
                (fact::block(&format!("veritrail-verify show evidence.zip --seq {seq} --vkey {}", quoted(vkey))))
                p.soft { "This page shows the key as the service tells it. Compare it with the one in your contract, or that your supervisor has." }
            }
        }
    }
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn neighbours(visitor: &Visitor, seq: u64) -> Markup {
    html! {
        nav.pager aria-label="Entries beside this one" {
            @if let Some(before) = seq.checked_sub(1) {
                a rel="prev" href=(visitor.link(&format!("/audit/{before}"))) { "Entry " (before) }
            }
            // The look at this one makes another, at the latest.
            a rel="next" href=(visitor.link(&format!("/audit/{}", seq.saturating_add(1)))) { "Entry " (seq.saturating_add(1)) }
        }
    }
}

/// The entry's exact bytes, as a file.
#[get("/audit/{seq:[0-9]{1,18}}/entry")]
pub async fn entry_file(visit: Visit, seq: web::Path<u64>) -> Result<HttpResponse, Trouble> {
    let seq = seq.into_inner();
    let bytes = load(&visit, seq).await?;
    Ok(file(format!("entry-{seq}.json"), read(&bytes)?.entry))
}

/// The payload's exact bytes, as a file.
#[get("/audit/{seq:[0-9]{1,18}}/payload")]
pub async fn payload_file(visit: Visit, seq: web::Path<u64>) -> Result<HttpResponse, Trouble> {
    let seq = seq.into_inner();
    let bytes = load(&visit, seq).await?;
    Ok(file(format!("payload-{seq}.json"), read(&bytes)?.payload.get().to_owned()))
}

fn file(name: String, content: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .body(content)
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_quote_does_not_end_a_word_of_the_shell() {
        assert_eq!(quoted("a'; rm -rf b"), "'a'\\''; rm -rf b'");
        assert_eq!(quoted("$(x) `y`"), "'$(x) `y`'");
    }
}
