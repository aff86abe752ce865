//! Hostile files: each is refused with its reason, and the process takes no more memory for them.

use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use super::{configured, raw::Raw};
use crate::support::{Server, bank::Bank, data};

/// What a hostile file may take above idle.
const MEMORY_KIB: u64 = 32 << 10;
const HEAD: &str = "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>";
const STATEMENT: &str = "<Stmt><Id>1</Id><Acct><Id><IBAN>DE04</IBAN></Id><Ccy>EUR</Ccy></Acct>";
const ENTRY: &str = "<Ntry><Amt Ccy=\"EUR\">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>\
                     <BookgDt><Dt>2026-03-31</Dt></BookgDt>";

/// A figure of the process in kilobytes.
fn kib(server: &Server, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Forgets the most memory that the process has had; what it has now.
fn idle_kib(server: &Server) -> u64 {
    std::fs::write(format!("/proc/{}/clear_refs", server.pid()), "5").unwrap();
    kib(server, "VmRSS:")
}

fn entity_bomb() -> String {
    let mut bomb = "<!DOCTYPE Document [<!ENTITY a0 \"ha\">".to_owned();
    for level in 1..30 {
        let before = format!("&a{};", level - 1);
        bomb += &format!("<!ENTITY a{level} \"{}\">", before.repeat(10));
    }
    format!("<?xml version=\"1.0\"?>\n{bomb}]>\n{HEAD}&a29;")
}

/// Files, and the code of the first finding about each.
fn hostile() -> Vec<(&'static str, String, &'static str)> {
    let long = "x".repeat(8 << 20);
    let statement = format!("{HEAD}\n{STATEMENT}\n");
    let mt940 = ":20:A\n:25:1\n:28C:1/1\n:60F:C260330EUR0,00\n";
    vec![
        ("camt", entity_bomb(), "dtd_refused"),
        ("camt", format!("<!DOCTYPE d [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>{HEAD}&f;"), "dtd_refused"),
        ("camt", format!("{statement}<Nm>&a;</Nm>"), "entity_refused"),
        ("camt", format!("{HEAD}{}", "<Stmt>".repeat(100)), "too_deep"),
        ("camt", format!("{HEAD}{}", "<Stmt>".repeat(1 << 20)), "too_deep"),
        ("camt", format!("{statement}<Nm>{long}</Nm>"), "element_too_long"),
        ("camt", format!("{statement}<Nm>{}</Nm>", "x<!---->".repeat(1 << 20)), "element_too_long"),
        ("camt", format!("{statement}<Nm a=\"{long}\"/>"), "element_too_long"),
        ("camt", format!("{statement}<{long}/>"), "element_too_long"),
        ("camt", format!("{statement}<!-- {long} -->"), "element_too_long"),
        ("camt", format!("<?xml version=\"1.0\"?>{}", long.replace('x', " ")), "element_too_long"),
        (
            "camt",
            format!("{statement}{ENTRY}{}</Ntry></Stmt>", "<NtryDtls><TxDtls/></NtryDtls>".repeat(500_000)),
            "entry_too_large",
        ),
        (
            "camt",
            format!(
                "{statement}{}</Stmt></BkToCstmrStmt></Document>",
                format!("<Ntry><Sts>{}</Sts></Ntry>", "y".repeat(2_000)).repeat(10_000)
            ),
            "missing_field",
        ),
        (
            "mt940",
            format!("{mt940}{}", ":61:2603310331C1,00NTRFx\n:86:y\n".repeat(400_000)),
            "statement_too_long",
        ),
        ("mt940", format!("{mt940}{}", ":86:y\n".repeat(9_000)), "malformed_mt940"),
        (
            "mt940",
            format!("{mt940}:61:{}", format!("{}\n", "y".repeat(60_000)).repeat(15)),
            "malformed_mt940",
        ),
        ("ndjson", long, "line_too_long"),
        ("ndjson", format!("{}\n", "[".repeat(60_000)), "nested_too_deep"),
        ("ndjson", "{\"a\":1}\n".repeat(200_000), "unknown_field"),
    ]
}

#[tokio::test]
async fn hostile_files_are_refused_within_32_mib() {
    let (server, _folder) = configured(&[]);
    server.lift_limits();
    let bank = Bank::new(&server).await;
    // What the first of each kind loads stays.
    let lines: Vec<Value> = (0..2_000).map(|number| data::transaction(&format!("n-{number}"))).collect();
    bank.take("format=ndjson&dry_run=true", "text/plain", data::ndjson(&lines)).await;
    bank.take("format=camt", "text/plain", "<a/>").await;
    let idle = idle_kib(&server);
    for (format, body, code) in hostile() {
        let shown: String = body.chars().take(200).collect();
        let intake = bank.take(&format!("format={format}"), "text/plain", body).await;
        assert_eq!(intake["state"], "refused", "{shown}: {intake}");
        let path = format!("/v1/intakes/{}/findings", intake["id"].as_str().unwrap());
        let findings = bank.feeder.get(&bank.path(&path)).await.ok();
        assert_eq!(findings["data"][0]["code"], code, "{shown}: {}", findings["data"][0]);
        let most = kib(&server, "VmHWM:");
        assert!(most < idle + MEMORY_KIB, "{shown}: idle {idle} KiB, at most {most} KiB");
    }
    assert_eq!(bank.transactions().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_stream_of_ten_gigabytes_is_refused_before_it_has_come() {
    const TEN: usize = 10_000_000_000;
    const MOST: usize = 16 << 20;
    let most = MOST.to_string();
    let (server, folder) = configured(&[("VERITRAIL_INTAKE__FILE_BYTES_MAX", &most)]);
    let bank = Bank::new(&server).await;
    let token = bank.feeder.token.clone().unwrap();
    let path = bank.path("/v1/intakes?format=camt");
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/xml\r\n"
    );
    let idle = idle_kib(&server);

    // Told in advance, it is refused by what is told.
    let mut raw = Raw::to(server.address()).await;
    raw.say(format!("{head}content-length: {TEN}\r\n\r\n")).await;
    raw.told().await.problem(413, "body_too_large");

    // Not told, it is refused by what comes.
    let mut raw = Raw::to(server.address()).await;
    raw.say(format!("{head}transfer-encoding: chunked\r\n\r\n")).await;
    let piece = "<Ntry></Ntry>\n".repeat(4_096);
    let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
    let mut sent = 0;
    while sent <= MOST {
        raw.say(&chunk).await;
        sent += piece.len();
    }
    raw.told().await.problem(413, "body_too_large");
    // Whoever goes on is not listened to for long.
    while sent < TEN && raw.0.write_all(chunk.as_bytes()).await.is_ok() {
        sent += piece.len();
    }
    assert!(raw.ends_within(Duration::from_secs(60)).await, "the connection is not kept");
    let top = kib(&server, "VmHWM:");
    assert!(top < idle + MEMORY_KIB, "idle {idle} KiB, at most {top} KiB");
    let left = folder.path().join("data/intakes").join(&bank.id);
    assert_eq!(std::fs::read_dir(left).unwrap().count(), 0, "nothing of it stays on disk");
}
