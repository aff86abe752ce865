//! Records with payloads: delivered as they are, and in files.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    payload::{FORMULA, Field, KINDS, SCRIPT},
    plant::{Planted, encoded, sent, text},
};
use crate::support::data;

/// The record's own texts, and how they stand in a line.
const TEXTS: &[(&str, &str)] = &[
    ("/account", "/account"),
    ("/reference", "/reference"),
    ("/remittance_information", "/remittance_information"),
    ("/end_to_end_id", "/end_to_end_id"),
    ("/purpose", "/purpose"),
    ("/bank_transaction_code", "/bank_transaction_code"),
    ("/counterparty/name", "/counterparty/name"),
    ("/counterparty/account", "/counterparty/account"),
    ("/counterparty/agent", "/counterparty/agent"),
];

/// Plants records; the reference of an account whose name is markup.
pub async fn plant(planted: &mut Planted) -> String {
    let account = delivered(planted).await;
    by_csv(planted).await;
    by_camt(planted).await;
    account
}

/// A record for each kind of payload, one corrected and one withdrawn.
async fn delivered(planted: &mut Planted) -> String {
    let mut lines: Vec<Value> = Vec::new();
    for kind in 0..KINDS {
        let mut line = json!({
            "account": "", "reference": "", "remittance_information": "", "end_to_end_id": "", "purpose": "",
            "bank_transaction_code": "", "counterparty": {"name": "", "account": "", "agent": ""},
            "booking_date": "2026-02-03", "direction": "credit", "amount": {"amount": "12.34", "currency": "EUR"},
        });
        for (place, at) in TEXTS {
            let payload = planted.texts.one(("deliverTransactions", *place), kind);
            *line.pointer_mut(at).unwrap() = payload.into();
        }
        lines.push(line);
    }
    let feeder = planted.server.feeder().await;
    let told = feeder.deliver(&planted.institution, &data::ndjson(&lines)).await.ok();
    let records = told["records"].as_array().unwrap();
    assert_eq!(records.len(), KINDS, "{told}");
    planted.pages.extend(records.iter().map(|record| format!("/transactions/{}", text(&record["id"]))));
    let reason = planted.texts.whole(("deliverTransactions", "/revision/reason"), 500);
    let revised = [
        data::revised(&lines[SCRIPT], "correction", &reason),
        data::revised(&lines[KINDS - 1], "reversal", &reason),
    ];
    feeder.deliver(&planted.institution, &data::ndjson(&revised)).await.ok();
    planted.pages.extend(
        [
            "/transactions",
            "/transactions?columns=reference&columns=account&columns=counterparty&columns=remittance_information",
            "/transactions.csv",
            "/audit",
            "/audit.csv",
        ]
        .map(str::to_owned),
    );
    text(&lines[SCRIPT]["account"])
}

/// A table; a head of its columns is a payload too.
async fn by_csv(planted: &mut Planted) {
    let column = planted.texts.one(("putIntakeMapping", "toml"), SCRIPT);
    let mapping = format!(
        "delimiter = \";\"\ndecimal_separator = \",\"\ndate_format = \"%d.%m.%Y\"\n[columns]\nreference = \"Beleg\"\n\
         booking_date = \"Tag\"\nremittance_information = \"{column}\"\n[amount]\nby = \"sign\"\n\
         column = \"Umsatz\"\n[fixed]\naccount = \"DE04\"\ncurrency = \"EUR\"\n"
    );
    let feeder = planted.server.feeder().await;
    let path = planted.of("/v1/intake-mappings/planted");
    sent(&feeder, Method::PUT, &path, "application/toml", mapping).await;
    let field: Field = ("createIntake", "csv");
    // These two have no quotes and no semicolons.
    let (script, formula) = (planted.texts.one(field, SCRIPT), planted.texts.one(field, 5));
    let file =
        format!("Beleg;Tag;Umsatz;{column}\nc1;04.02.2026;12,50;{script}\nc2;04.02.2026;-3,00;{formula}\n");
    take(planted, "format=csv&mapping=planted", "text/csv", file).await;
}

/// A statement that opens an account.
async fn by_camt(planted: &mut Planted) {
    let name = xml(&planted.texts.whole(("camt.053", "Acct/Nm"), 70));
    let servicer = xml(&planted.texts.whole(("camt.053", "Acct/Svcr/FinInstnId/Nm"), 140));
    let entries: String = [SCRIPT, FORMULA]
        .map(|kind| {
            let information = xml(&planted.texts.one(("createIntake", "xml"), kind));
            format!(
                "<Ntry><Amt Ccy=\"EUR\">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt>\
                 <Dt>2026-02-05</Dt></BookgDt><AcctSvcrRef>{kind}</AcctSvcrRef><NtryDtls><TxDtls><RmtInf><Ustrd>\
                 {information}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>\n"
            )
        })
        .concat();
    let file = format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><Stmt><Id>S1</Id><Acct>\
         <Id><IBAN>DE05</IBAN></Id><Ccy>EUR</Ccy><Nm>{name}</Nm><Svcr><FinInstnId><Nm>{servicer}</Nm></FinInstnId>\
         </Svcr></Acct>\n{entries}</Stmt></BkToCstmrStmt></Document>\n"
    );
    take(planted, "format=camt", "application/xml", file).await;
}

/// Sends a file and waits until its records are stored.
async fn take(planted: &mut Planted, query: &str, kind: &str, file: String) {
    let name = encoded(&planted.texts.whole(("createIntake", "?file_name"), 255));
    let feeder = planted.server.feeder().await;
    let path = planted.of(&format!("/v1/intakes?{query}&file_name={name}"));
    let begun = sent(&feeder, Method::POST, &path, kind, file).await;
    let path = planted.of(&format!("/v1/intakes/{}", text(&begun["id"])));
    for _ in 0..1_200 {
        let intake = feeder.get(&path).await.ok();
        if intake["finished_at"].is_string() {
            assert_eq!(intake["state"], "stored", "{intake}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{path} did not end");
}

/// A text within XML.
fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
