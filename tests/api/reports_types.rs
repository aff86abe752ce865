//! Each type of report from delivered records to a receipt: passed by its validator, opened to the cent, corrected.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Caller, Server, bank::Bank, data, python::python, server::binary};

const SHOP: &str = "DE89370400440532013000";
const FRENCH: &str = "FR1420041010050500013M02606";

/// Types with a period and parameters that the same records fill.
fn orders() -> [Value; 4] {
    [
        json!({"type": "account-statement", "period": "2026-01"}),
        json!({"type": "settlement-reconciliation", "period": "2026-01"}),
        json!({
            "type": "cesop-payment-data", "period": "2026-Q1",
            "parameters": {"transmitting_country": "DE", "psp_bic": "XMPLDEX0", "psp_name": "Feeding bank"},
        }),
        json!({
            "type": "sepa-instant-payments", "period": "2026",
            "parameters": {"lei": "529900T8BM49AURSDO55", "country": "DE"},
        }),
    ]
}

/// Thirty payments from France to a shop in Germany, as its bank states them.
fn statement() -> String {
    let entry = |n: usize| {
        format!(
            "<Ntry><Amt Ccy='EUR'>10.01</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
             <BookgDt><Dt>2026-01-{:02}</Dt></BookgDt><AcctSvcrRef>T{n}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly>\
             <Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls><RltdPties><Dbtr><Pty>\
             <Nm>Payer</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>{FRENCH}</IBAN></Id></DbtrAcct></RltdPties></TxDtls>\
             </NtryDtls></Ntry>",
            n + 1
        )
    };
    let entries: String = (0..30).map(entry).collect();
    format!(
        "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'><BkToCstmrStmt><GrpHdr><MsgId>1</MsgId>\
         <CreDtTm>2026-02-01T08:00:00Z</CreDtTm></GrpHdr><Stmt><Id>1</Id><Acct><Id><IBAN>{SHOP}</IBAN></Id><Ccy>EUR</Ccy>\
         <Nm>Muster's shop</Nm><Svcr><FinInstnId><BICFI>XMPLDEX0</BICFI></FinInstnId></Svcr></Acct>{entries}\
         </Stmt></BkToCstmrStmt></Document>"
    )
}

/// One of them with another amount, as it is to be.
fn corrected() -> Value {
    let right = json!({
        "account": SHOP, "reference": format!("{SHOP}/T7"), "booking_date": "2026-01-08", "direction": "credit",
        "amount": {"amount": "12.34", "currency": "EUR"}, "bank_transaction_code": "PMNT-RCDT-ESCT",
        "counterparty": {"account": FRENCH, "name": "Payer"},
    });
    data::revised(&right, "correction", "keyed in wrongly")
}

/// A bank with these payments, and a system that may do everything with its reports.
async fn bank(server: &Server) -> (Bank, Caller) {
    let bank = Bank::new(server).await;
    let new = json!({
        "name": "reports",
        "scopes": ["reports:read", "reports:write", "transactions:read", "accounts:read", "ledger:read"],
    });
    let path = format!("/admin/v1/institutions/{}/clients", bank.id);
    let client = server.operator().await.post(&path, &new).await.ok();
    let system = server.caller(&client, None).await;
    let taken = bank.take("format=camt", "application/xml", statement()).await;
    assert_eq!((&taken["state"], &taken["counts"]["added"]), (&json!("stored"), &json!(30)), "{taken}");
    (bank, system)
}

/// The verdict of the type's own validator; none where what it needs is not there.
fn validate(kind: &str, document: &[u8], server_files: &[(String, String)]) -> Option<Value> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("document");
    std::fs::write(&file, document).unwrap();
    let file = file.to_str().unwrap();
    Some(match kind {
        "account-statement" => {
            let schema = data::camt()?.parent().unwrap().join("xsd/camt.053.001.08.xsd");
            python("validate_xsd.py", &[file, schema.to_str().unwrap()])
        }
        "cesop-payment-data" => {
            let schema = data::cesop()?.join("PaymentData.xsd");
            python("validate_xsd.py", &[file, schema.to_str().unwrap()])
        }
        "settlement-reconciliation" => {
            for (name, text) in server_files {
                let path = folder.path().join("package").join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            let json = folder.path().join("document.json");
            std::fs::write(&json, document).unwrap();
            let package = folder.path().join("package");
            python("validate_arelle.py", &[json.to_str().unwrap(), package.to_str().unwrap()])
        }
        _ => python("validate_eba.py", &[file]),
    })
}

/// The files that come with a type.
async fn files(system: &Caller, kind: &str) -> Vec<(String, String)> {
    let types = system.get("/v1/report-types").await.ok();
    let of = types["data"].as_array().unwrap().iter().find(|of| of["name"] == kind).unwrap();
    let mut files = Vec::new();
    for name in of["files"].as_array().unwrap() {
        let name = name.as_str().unwrap();
        let file = system.get(&format!("/v1/report-types/{kind}/files/{name}")).await;
        files.push((name.to_owned(), file.text().to_owned()));
    }
    files
}

/// A decimal as a number of its smallest unit.
fn smallest(decimal: &Value) -> i64 {
    decimal.as_str().unwrap().replace('.', "").parse().unwrap()
}

/// That each figure is the sum of the records that it opens to.
async fn assert_opens(system: &Caller, version: &str) {
    let figures = system.pages(&format!("{version}/figures")).await;
    assert!(figures.iter().any(|figure| smallest(&figure["value"]) != 0), "{figures:#?}");
    for figure in figures {
        let parts = system.pages(&format!("{version}/figures/{}", figure["position"])).await;
        let sum: i64 = parts.iter().map(|part| smallest(&part["amount"])).sum();
        assert_eq!(sum, smallest(&figure["value"]), "{figure:#}");
        assert!(parts.iter().all(|part| part["transaction"].is_string()), "{parts:#?}");
    }
}

#[tokio::test]
async fn each_type_is_passed_by_its_validator_opens_to_the_cent_and_is_corrected() {
    let server = Server::shared();
    server.lift_limits();
    let (bank, system) = bank(server).await;
    let mut made = Vec::new();
    for order in orders() {
        let kind = order["type"].as_str().unwrap().to_owned();
        let report = system.report(&order).await;
        let version = format!("/v1/reports/{}/versions/1", report["id"].as_str().unwrap());
        let row = system.get(&version).await.ok();
        let remarks = system.pages(&format!("{version}/remarks")).await;
        assert_eq!(row["state"], "ready", "{kind}: {remarks:#?}");
        assert_opens(&system, &version).await;
        let document = system.get(&format!("{version}/content")).await;
        if let Some(verdict) = validate(&kind, &document.body, &files(&system, &kind).await) {
            assert_eq!(verdict["verdict"], "passed", "{kind}: {verdict:#}");
            let new = json!({
                "validator": verdict["validator"], "version": verdict["version"], "verdict": verdict["verdict"],
                "output": verdict["messages"].to_string(), "sha256": row["sha256"],
            });
            system.post(&format!("{version}/validations"), &new).await.ok();
            let receipt = json!({"recipient": "the supervisor", "channel": kind});
            system.post(&format!("{version}/deliveries"), &receipt).await.ok();
        }
        made.push((kind, report, version, document.body));
    }

    bank.feeder.deliver(&bank.id, &data::ndjson(&[corrected()])).await.ok();
    let found = system.get(&format!("/v1/transactions?reference={SHOP}%2FT7")).await.ok();
    let path = format!("/v1/transactions/{}/impact", found["data"][0]["id"].as_str().unwrap());
    let impact = system.get(&path).await.ok();
    for (kind, report, version, document) in &made {
        let id = &report["id"];
        let of =
            |list: &str| impact[list].as_array().unwrap().iter().filter(|it| &it["report"] == id).count();
        assert!(of("figures") >= 2 && of("versions") == 1, "{kind}: {impact:#}");
        let touched = impact["versions"].as_array().unwrap().iter().find(|it| &it["report"] == id).unwrap();
        assert_eq!(touched["outdated"], true);
        let deliveries = touched["deliveries"].as_array().unwrap();
        assert!(deliveries.iter().all(|delivery| &delivery["channel"] == kind));

        let versions = format!("/v1/reports/{}/versions", id.as_str().unwrap());
        system.post(&versions, &json!({"reason": "a payment was keyed in wrongly"})).await.ok();
        let next = system.until_made(id.as_str().unwrap(), 2).await;
        assert_eq!((&next["state"], &next["kind"]), (&json!("ready"), &json!("correction")), "{kind}");
        assert_opens(&system, &format!("{versions}/2")).await;
        let corrected = system.get(&format!("{versions}/2/content")).await;
        assert_ne!(&corrected.body, document, "{kind}");
        if let Some(verdict) = validate(kind, &corrected.body, &files(&system, kind).await) {
            assert_eq!(verdict["verdict"], "passed", "{kind}: {verdict:#}");
        }
        assert_eq!(
            &system.get(&format!("{version}/content")).await.body,
            document,
            "{kind}: the old one is as it was"
        );

        let bundle = system.get(&format!("{version}/bundle")).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bundle.zip");
        std::fs::write(&file, &bundle.body).unwrap();
        let verified = Command::new(binary("veritrail-verify")).arg(&file).output().unwrap();
        let said = String::from_utf8([verified.stdout, verified.stderr].concat()).unwrap();
        assert!(verified.status.success(), "{kind}: {said}");
    }
    let fsck = server.run(&["fsck", "--institution", &bank.id]);
    assert!(fsck.status.success(), "{}", String::from_utf8_lossy(&fsck.stderr));
}
