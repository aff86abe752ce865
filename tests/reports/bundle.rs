//! A version's evidence bundle out of the store: it verifies offline, and what is altered in it is named.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use serde_json::{Value, json};
use veritrail::{
    config::Config,
    domain::{ReportId, Tenant},
    reporting::{Archive, bundle},
    service::Ledger,
    store::reports::At,
};
use veritrail_audit::{Fault, Level, ReportVerdict, VerifierKey, VerifyError, VerifyOptions, verify_report};

use crate::support::{Caller, Server, data, engine::database_of};

/// A report of an account with an adjustment, a verdict and a delivery of its second version.
async fn corrected(server: &Server, system: &Caller) -> ReportId {
    let mut lines: Vec<Value> = (0..700).map(|_| data::transaction(&data::unique("bundled"))).collect();
    let account = lines[0]["account"].clone();
    lines.iter_mut().for_each(|line| line["account"] = account.clone());
    server.feeder().await.deliver(server.institution(0), &data::ndjson(&lines)).await.ok();
    let account = account.as_str().unwrap();
    let order =
        json!({"type": "account-statement", "period": "2026-02", "parameters": {"accounts": account}});
    let report = system.report(&order).await;
    let id = report["id"].as_str().unwrap();
    let path = format!("/v1/reports/{id}");

    let adjustment =
        json!({"figure": format!("{account}/credits"), "amount": "-2.34", "reason": "a fee came late"});
    let proposed = system.post(&format!("{path}/adjustments"), &adjustment).await.ok();
    let new = json!({"name": "second pair of eyes", "scopes": ["reports:read", "reports:write"]});
    let other = server.enrol(0, &new).await;
    let other = server.caller(&other, None).await;
    let decision = format!("{path}/adjustments/{}/decision", proposed["id"].as_str().unwrap());
    other.post(&decision, &json!({"approve": true})).await.ok();
    system.post(&format!("{path}/versions"), &json!({"reason": "a fee came late"})).await.ok();
    let version = system.until_made(id, 2).await;

    let verdict = json!({
        "validator": "xsd", "version": "2.1", "verdict": "passed", "output": "said", "sha256": version["sha256"],
    });
    system.post(&format!("{path}/versions/2/validations"), &verdict).await.ok();
    let receipt = json!({
        "recipient": "the supervisor", "channel": "portal", "delivered_at": "2026-03-01T08:00:00+01:00",
    });
    system.post(&format!("{path}/versions/2/deliveries"), &receipt).await.ok();
    id.parse().unwrap()
}

/// The verdict on a file, held against the log's key.
fn verify(file: &mut std::fs::File, vkey: &str) -> Result<ReportVerdict, Fault> {
    let keys = vec![VerifierKey::parse(vkey).unwrap()];
    match verify_report(file, &VerifyOptions { keys, ..VerifyOptions::default() }, &mut |_, _| ()) {
        Ok(verdict) => Ok(verdict),
        Err(VerifyError::Refused(fault)) => Err(fault),
        Err(VerifyError::Read(error)) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_versions_bundle_verifies_offline_and_names_what_is_altered() {
    let mut server = Server::demo(&[]);
    server.lift_limits();
    let system = server.system(0).await;
    let report = corrected(&server, &system).await;
    let content = system.get(&format!("/v1/reports/{report}/versions/2/content")).await;
    let (document, vkey) = (content.text().to_owned(), server.vkey(0).to_owned());
    server.terminate();

    let mut config = Config::default();
    config.storage.data_dir = server.data_dir().to_owned();
    if let Some(database) = database_of(server.data_dir()) {
        config.storage.postgres_url = database.service_url().as_str().into();
    }
    let ledger = Ledger::open(&config).await.unwrap();
    let archive = Archive::open(&config.archive, &config.storage.data_dir.join("archive")).unwrap();
    let signer = ledger.signer.clone().unwrap();
    let sources = bundle::Sources { db: &ledger.db, signer: &signer, key: &*ledger.key, archive: &archive };
    let tenant = Tenant::vouched(server.institution(0).parse().unwrap());

    let mut second = bundle::write(sources, tenant, At { report, n: 2 }).await.unwrap().unwrap();
    let verdict = verify(&mut second.file, &vkey).unwrap();
    assert_eq!((verdict.level, verdict.kind.as_str()), (Level::Signed, "correction"));
    assert_eq!((verdict.records, verdict.adjustments), (700, 1));
    assert!(verdict.contributions > 700, "each record counts, and the adjustment");
    assert_eq!((verdict.validations.len(), verdict.deliveries.len()), (1, 1));
    assert_eq!(verdict.bytes, document.len().to_string());

    let mut first = bundle::write(sources, tenant, At { report, n: 1 }).await.unwrap().unwrap();
    let verdict = verify(&mut first.file, &vkey).unwrap();
    assert_eq!((verdict.records, verdict.adjustments, verdict.validations.len()), (700, 0, 0));
    assert!(bundle::write(sources, tenant, At { report, n: 3 }).await.unwrap().is_none());

    let mut bytes = Vec::new();
    second.file.rewind().unwrap();
    second.file.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len() as u64, second.length);
    let find = |what: &[u8]| bytes.windows(what.len()).position(|window| window == what).unwrap() as u64;
    for (place, code) in [
        (find(document.as_bytes()) + 100, "document_altered"),
        (find(b"{\"amount\":\"") + 11, "contribution_altered"),
        (find(b"{\"entry\":{\"actor\":\"") + 20, "not_included"),
        (find(b"{\"credit\":\"") + 11, "figures_altered"),
    ] {
        let mut altered = tempfile::tempfile().unwrap();
        altered.write_all(&bytes).unwrap();
        altered.seek(SeekFrom::Start(place)).unwrap();
        let byte = bytes[place as usize];
        altered.write_all(&[if byte == b'1' { b'2' } else { b'1' }]).unwrap();
        assert_eq!(verify(&mut altered, &vkey).unwrap_err().code(), code);
    }
    ledger.close().await;
}
