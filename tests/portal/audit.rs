//! `/audit` and `/evidence`: the ledger as people see it, and what they take away of it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{Caller, Person, Server, data};

/// Delivers one transaction to the first institution and gives its record.
async fn delivered(server: &Server) -> Value {
    let line = data::ndjson(&[data::transaction(&data::unique("audit"))]);
    server.feeder().await.deliver(server.institution(0), &line).await.ok()["records"][0].clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A text as a page has it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A file that a page offers, and what it is to be saved as.
async fn file(person: &Person, path: &str) -> (Vec<u8>, String) {
    let answer = person.open(path).await;
    assert_eq!(answer.status(), 200, "{path}");
    let name = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
    (answer.bytes().await.unwrap().to_vec(), name)
}

#[tokio::test]
async fn the_timeline_has_the_newest_first_and_filters_by_its_address() {
    let server = Server::shared();
    let officer = server.person("compliance-officer").await;
    let record = delivered(server).await;
    let (id, seq) = (text(&record["id"]), text(&record["seq"]));
    let page = officer.page("/audit?kind=record").await;
    assert!(page.contains(&format!("/transactions/{id}")), "its subject is a link");
    let own = page.find(&format!("href=\"/audit/{seq}\"")).expect("the entry just made is on the first page");
    let before = seq.parse::<u64>().unwrap();
    let earlier = (0..before).rev().find_map(|other| page.find(&format!("href=\"/audit/{other}\"")));
    assert!(own < earlier.expect("there are earlier ones"), "the newest comes first");

    let page = officer.page(&format!("/audit?subject={id}")).await;
    assert!(page.contains(&format!("href=\"/audit/{seq}\"")));
    assert_eq!(page.matches("data-drawer").count(), 1, "only what records it");
    let page = officer.page(&format!("/audit?subject={id}&kind=access")).await;
    assert!(page.contains("No entry fits."));
    let page = officer.page("/audit?from=1999-01-01&to=1999-01-31").await;
    assert!(page.contains("No entry fits."));
    for wrong in ["subject=nonsense", "from=yesterday", "kind=x", "actor=a%20b"] {
        let page = officer.page(&format!("/audit?{wrong}")).await;
        assert!(page.contains("role=\"alert\""), "{wrong} is said to be wrong, and the form is there");
        assert!(page.contains("form class=\"filters\""), "{wrong}");
    }
}

#[tokio::test]
async fn who_did_it_is_told_by_name() {
    let server = Server::demo(&[]);
    let officer = server.person("compliance-officer").await;
    officer.page("/transactions").await;
    let looks = officer.page("/audit/looks").await;
    assert!(looks.contains(">Ines Falk</span>"), "{looks}");
    let entries = officer.page("/audit").await;
    let list = entries.find("see the list").expect("looks are on the timeline");
    let seq = &entries[..list][entries[..list].rfind("/audit/").unwrap() + "/audit/".len()..];
    let seq: String = seq.chars().take_while(char::is_ascii_digit).collect();
    assert!(officer.page(&format!("/audit/{seq}")).await.contains(">Ines Falk</span>"));
}

#[tokio::test]
async fn the_strip_of_days_tells_by_a_picture_and_by_a_table_what_the_api_counts() {
    let server = Server::shared();
    let officer = server.person("compliance-officer").await;
    delivered(server).await;
    let days = server.system(0).await.get("/v1/ledger/days").await.ok();
    let page = officer.page("/audit").await;
    assert!(page.contains("role=\"img\"") && page.contains("<desc id=\"heat-desc\">"));
    for day in days["data"].as_array().unwrap() {
        let day = text(&day["day"]);
        assert!(page.contains(&format!("href=\"/audit?from={day}&amp;to={day}\"")), "{day} is a link");
    }
    let today = text(&days["data"].as_array().unwrap().last().unwrap()["day"]).to_owned();
    let page = officer.page(&format!("/audit?from={today}&to={today}&kind=record")).await;
    assert!(page.contains(&format!("value=\"{today}\"")), "the filter is filled in");
}

#[tokio::test]
async fn an_entry_shows_its_exact_bytes_and_lines_that_check_it() {
    let server = Server::shared();
    let officer = server.person("compliance-officer").await;
    let record = delivered(server).await;
    let seq = text(&record["seq"]);
    let detail = server.system(0).await.get(&format!("/v1/ledger/entries/{seq}")).await.ok();
    let entry: Value = serde_json::from_str(text(&detail["entry"])).unwrap();
    let page = officer.page(&format!("/audit/{seq}")).await;
    assert!(page.contains(&escaped(text(&detail["entry"]))), "the entry stands there byte for byte");
    assert!(page.contains(&format!("/transactions/{}", text(&record["id"]))));
    assert!(
        page.contains("data-proof=") && page.contains("Not checked here yet."),
        "nothing is claimed unchecked"
    );
    assert!(page.contains(&escaped(server.vkey(0))));

    let (bytes, name) = file(&officer, &format!("/audit/{seq}/entry")).await;
    assert_eq!(bytes, text(&detail["entry"]).as_bytes());
    assert_eq!(name, format!("attachment; filename=\"entry-{seq}.json\""));
    // The lines on the page print what the page says that they print.
    let leaf = hex(Sha256::digest([b"\0".as_slice(), &bytes].concat()));
    assert!(page.contains(&leaf));
    let (payload, _) = file(&officer, &format!("/audit/{seq}/payload")).await;
    let salt = (0..32).map(|at| u8::from_str_radix(&text(&detail["salt"])[at * 2..at * 2 + 2], 16).unwrap());
    let salt: Vec<u8> = salt.collect();
    let commitment = hex(Sha256::digest([b"veritrail/commit@1\n".as_slice(), &salt, &payload].concat()));
    assert_eq!(entry["commitment"], commitment);
    for nowhere in ["/audit/99999999", "/audit/99999999/entry"] {
        assert_eq!(officer.open(nowhere).await.status(), 404, "{nowhere}");
    }
}

#[tokio::test]
async fn the_shell_line_of_an_entry_prints_its_hash() {
    let server = Server::shared();
    let officer = server.person("compliance-officer").await;
    let seq = text(&delivered(server).await["seq"]).to_owned();
    let page = officer.page(&format!("/audit/{seq}")).await;
    let mut lines = page.split("data-copy=\"").map(|rest| rest.split('"').next().unwrap());
    let line = lines.find(|line| line.starts_with("printf") && line.ends_with("| sha256sum")).unwrap();
    let line = line.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let output = tokio::process::Command::new("sh").args(["-c", &line]).output().await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let next = seq.parse::<u64>().unwrap() + 1;
    // Looking at the page made an entry after it, at the latest.
    let after = server.system(0).await.get(&format!("/v1/ledger/entries/{next}")).await.ok();
    let after: Value = serde_json::from_str(text(&after["entry"])).unwrap();
    assert_eq!(printed.split_whitespace().next().unwrap(), after["prev"]);
}

#[tokio::test]
async fn looks_say_who_looked_at_what_and_who_was_refused() {
    let server = Server::shared();
    let officer = server.person("compliance-officer").await;
    let system = server.system(0).await;
    let id = text(&delivered(server).await["id"]).to_owned();
    let look = system.get(&format!("/v1/transactions/{id}")).await;
    server.system_with(0, "accounts:read").await.get(&format!("/v1/transactions/{id}")).await;
    officer.page(&format!("/transactions/{id}")).await;
    let page = officer.page(&format!("/audit/looks?path=transactions/{id}")).await;
    assert!(page.contains("A transaction"), "its path is told in words");
    assert!(page.contains(&system.client_id) && page.contains("usr_"), "a program's look and a person's");
    assert!(page.contains("refused, 403") && page.contains("insufficient_scope"));
    assert!(page.contains(&format!("href=\"/audit/{}\"", look.receipt().1)), "the entry that lists it");
    let page = officer.page(&format!("/audit/looks?path=transactions/{id}&kind=denied")).await;
    assert!(page.contains("refused, 403") && !page.contains("usr_"));
    let page = officer.page(&format!("/audit/looks?path=transactions/{id}&kind=denied&status=200")).await;
    assert!(page.contains("No look fits.") || page.contains("Look further back"));
    let page = officer.page("/audit/looks?status=fine").await;
    assert!(page.contains("role=\"alert\""));
}

#[tokio::test]
async fn what_somebody_sent_is_shown_as_text() {
    let server = Server::shared();
    let officer = server.person("compliance-officer").await;
    let system = server.system(0).await;
    let mark = data::unique("x");
    let look =
        system.get(&format!("/v1/transactions?counterparty_name[contains]=<script>{mark}</script>")).await;
    let page = officer.page(&format!("/audit/looks?path={mark}")).await;
    assert!(page.contains(&mark));
    assert!(!page.contains(&format!("<script>{mark}")), "a path with markup is text");
    let page = officer.page(&format!("/audit/{}", look.receipt().1)).await;
    assert!(page.contains(&mark) && !page.contains(&format!("<script>{mark}")));

    let mut line = data::transaction(&data::unique("audit"));
    line["remittance_information"] = json!(format!("</pre><script>{mark}</script>\" onload=\"=1+1"));
    let lines = data::ndjson(&[line]);
    let record =
        server.feeder().await.deliver(server.institution(0), &lines).await.ok()["records"][0].clone();
    let page = officer.page(&format!("/audit/{}", text(&record["seq"]))).await;
    assert!(page.contains(&format!("&lt;script&gt;{mark}")) && !page.contains(&format!("<script>{mark}")));
    for path in ["/audit?actor=%22%3E%3Cscript%3Ex", "/audit/looks?path=%22%3E%3Cscript%3Ex"] {
        assert!(!officer.page(path).await.contains("<script>x"), "{path}");
    }
}

#[tokio::test]
async fn who_may_not_read_the_ledger_is_refused() {
    let server = Server::shared();
    let engineer = server.person("integration-engineer").await;
    for path in [
        "/audit",
        "/audit.csv",
        "/audit/looks",
        "/audit/0",
        "/audit/0/entry",
        "/audit/0/payload",
        "/evidence",
    ] {
        assert_eq!(engineer.open(path).await.status(), 403, "{path}");
    }
    assert_eq!(engineer.submit("/evidence", &[]).await.status(), 403);
}

#[tokio::test]
async fn the_timeline_is_exported_as_the_api_has_it() {
    let server = Server::shared();
    let officer = server.person("compliance-officer").await;
    let id = text(&delivered(server).await["id"]).to_owned();
    let (csv, name) = file(&officer, &format!("/audit.csv?subject={id}")).await;
    let csv = String::from_utf8(csv).unwrap();
    assert_eq!(name, "attachment; filename=\"entries.csv\"");
    assert_eq!(csv.trim_end().lines().count(), 2, "a head and one row: {csv}");
    assert!(csv.contains(&id));
}

/// The page of a bundle once it is ready.
async fn ready(officer: &Person, path: &str) -> String {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        let answer = officer.open(path).await;
        assert_eq!(answer.status(), 200);
        let refresh = answer.headers().get("refresh").cloned();
        let page = answer.text().await.unwrap();
        if page.contains("Download") {
            assert_eq!(refresh, None, "a page that is done stays as it is");
            return page;
        }
        assert_eq!(refresh.unwrap(), "2", "a page that waits looks again by itself");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{path} was not ready in time");
}

/// Orders a bundle by the form, and gives the page that it leads to.
async fn ordered(officer: &Person, fields: &[(&str, &str)]) -> String {
    let answer = officer.submit("/evidence", fields).await;
    assert_eq!(answer.status(), 303, "{}", answer.text().await.unwrap());
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// How the API says that a bundle stands.
async fn told(system: &Caller, page: &str) -> Value {
    let id = page.strip_prefix("/evidence/").unwrap();
    system.get(&format!("/v1/evidence-bundles/{id}")).await.ok()
}

#[tokio::test]
async fn evidence_of_a_period_is_ordered_by_one_button_and_downloaded_when_it_is_ready() {
    let server = Server::shared();
    let officer = server.person("compliance-officer").await;
    let system = server.system(0).await;
    let page = officer.page("/evidence").await;
    for preset in ["Last month", "Last quarter", "This year", "All of it"] {
        assert!(page.contains(preset), "{preset}");
    }
    let (_, once) = page.split_once("name=\"once\" value=\"").expect("the form tells its sendings apart");
    let order = [("once", once.split('"').next().unwrap()), ("from_seq", "0"), ("to_seq", "5")];
    let to = ordered(&officer, &order).await;
    assert_eq!(ordered(&officer, &order).await, to, "sent twice, it is ordered once");
    let page = ready(&officer, &to).await;
    let bundle = told(&system, &to).await;
    assert_eq!((&bundle["from_seq"], &bundle["to_seq"]), (&json!("0"), &json!("5")));
    assert!(page.contains("0 to 4") && page.contains(text(&bundle["sha256"])));
    assert!(page.contains("veritrail-verify") && page.contains(&escaped(server.vkey(0))));
    let (file, name) = file(&officer, &format!("{to}/content")).await;
    assert_eq!(hex(Sha256::digest(&file)), text(&bundle["sha256"]));
    assert!(name.contains(".zip"), "{name}");
    assert!(
        officer.page("/evidence").await.contains(&format!("href=\"{to}\"")),
        "it is among what was ordered"
    );
}

#[tokio::test]
async fn what_was_ordered_earlier_is_found_again_with_who_ordered_it_and_how_it_stands() {
    let server = Server::shared();
    let officer = server.person("compliance-officer").await;
    let system = server.system(0).await;
    let bundle = system.post("/v1/evidence-bundles", &json!({"to_seq": "5"})).await.ok();
    let id = text(&bundle["id"]);
    system.until_ready(id).await;
    // Others order too.
    let link = format!("href=\"/evidence/{id}\"");
    let mut page = officer.page("/evidence").await;
    while !page.contains(&link) {
        let (_, next) = page.split_once("rel=\"next\" href=\"").expect("it is on one of the pages");
        let next = next.split('"').next().unwrap().replace("&amp;", "&");
        page = officer.page(&next).await;
    }
    let (_, row) = page.split_once(&link).unwrap();
    let (row, _) = row.split_once("</tr>").unwrap();
    assert!(row.contains(">ready<") && row.contains(&system.client_id), "{row}");
    assert!(row.contains(&format!("href=\"/audit/{}\"", text(&bundle["seq"]))), "{row}");
    let page = officer.page(&format!("/evidence/{id}")).await;
    assert!(page.contains("Ordered by") && page.contains(&system.client_id));
}

#[tokio::test]
async fn a_period_of_days_has_its_last_day_whole_and_what_does_not_fit_is_said_over_the_form() {
    let server = Server::shared();
    let officer = server.person("compliance-officer").await;
    let system = server.system(0).await;
    let days = system.get("/v1/ledger/days").await.ok();
    let (first, today) = (text(&days["data"][0]["day"]).to_owned(), text(&days["to"]).to_owned());
    let to = ordered(&officer, &[("from", &first), ("to", &today)]).await;
    let bundle = told(&system, &to).await;
    assert_eq!(bundle["from_seq"], "0", "the demo's log begins on its first day");
    let size = text(&days["as_of"]["seq"]).parse::<u64>().unwrap();
    assert!(text(&bundle["to_seq"]).parse::<u64>().unwrap() > size, "today is in it, up to now");

    for (fields, kept) in [
        ([("from", "1999-01-01"), ("to", "1999-12-31")], "value=\"1999-12-31\""),
        ([("from_seq", "9"), ("to_seq", "3")], "value=\"9\""),
        ([("from_seq", "x<y"), ("to_seq", "")], "value=\"x&lt;y\""),
        ([("from_seq", "1"), ("from", "2026-01-01")], "value=\"1\""),
    ] {
        let answer = officer.submit("/evidence", &fields).await;
        assert_eq!(answer.status(), 422, "{fields:?}");
        let page = answer.text().await.unwrap();
        assert!(page.contains("role=\"alert\"") && page.contains(kept), "{fields:?}");
    }
    for nowhere in ["/evidence/evb_0190163d8694739bba1a9fbee4e5c1b2", "/evidence/nonsense/content"] {
        assert_eq!(officer.open(nowhere).await.status(), 404, "{nowhere}");
    }
}
