//! `/v1/intakes`: files are taken whole, examined, and stored all or nothing.

use serde_json::{Value, json};

use crate::support::{Ledger, Server, bank::Bank, data};

const NDJSON: &str = "application/x-ndjson";
const XML: &str = "application/xml";

/// A statement of an account, with these balances and amounts; credits above nought.
fn statement(id: &str, opening: &str, amounts: &[&str], closing: &str) -> String {
    let side = |amount: &str| if amount.starts_with('-') { "DBIT" } else { "CRDT" };
    let balance = |code: &str, amount: &str, day: &str| {
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{}</Amt>\
             <CdtDbtInd>{}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>\n",
            amount.trim_start_matches('-'),
            side(amount)
        )
    };
    let entries: String = amounts
        .iter()
        .map(|amount| {
            format!(
                "<Ntry><Amt Ccy=\"EUR\">{}</Amt><CdtDbtInd>{}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
                 <BookgDt><Dt>2026-03-31</Dt></BookgDt></Ntry>\n",
                amount.trim_start_matches('-'),
                side(amount)
            )
        })
        .collect();
    format!(
        "<Stmt><Id>{id}</Id><Acct><Id><IBAN>DE04</IBAN></Id><Ccy>EUR</Ccy></Acct>\n{}{}{entries}</Stmt>\n",
        balance("OPBD", opening, "2026-03-30"),
        balance("CLBD", closing, "2026-03-31"),
    )
}

fn message(statements: &[String]) -> String {
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>\n{}</BkToCstmrStmt>\
         </Document>\n",
        statements.concat()
    )
}

fn codes(findings: &[Value]) -> Vec<(u64, &str, &str)> {
    let row = |found: &Value| found["line"].as_u64().unwrap();
    findings
        .iter()
        .map(|found| (row(found), found["code"].as_str().unwrap(), found["severity"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_file_is_stored_and_is_on_the_ledger_before_and_after_its_records() {
    let server = Server::shared();
    let bank = Bank::new(server).await;
    let lines: Vec<Value> = (0..2_500).map(|number| data::transaction(&format!("n-{number}"))).collect();
    let answer = bank.send("format=ndjson&file_name=day.ndjson", NDJSON, data::ndjson(&lines)).await;
    assert_eq!(answer.status, 202);
    let receipt = answer.receipt();
    let location = answer.header("location").unwrap().to_owned();
    let begun = answer.ok();
    assert_eq!(begun["seq"], receipt.1.to_string());
    let id = begun["id"].as_str().unwrap();
    let intake = bank.until_finished(id).await;
    assert_eq!(intake, bank.feeder.get(&location).await.ok());
    assert_eq!(intake["state"], "stored", "{intake}");
    assert_eq!((&intake["counts"]["added"], &intake["counts"]["faults"]), (&json!(2_500), &json!(0)));

    let entries = Ledger::of(server).naming(&bank.id, id).await;
    let records: Vec<_> = entries.iter().filter(|entry| entry.kind == "record").collect();
    assert_eq!(records.len(), 2, "the file, and what became of it");
    assert_eq!(records[0].payload["type"], "intake");
    assert_eq!(records[0].payload["sha256"], intake["sha256"]);
    assert_eq!(records[0].payload["file_name"], "day.ndjson");
    assert_eq!(records[1].payload["type"], "intake_outcome");
    assert_eq!(records[1].payload["added"], "2500");
    let first = &bank.transactions().await[0];
    assert_eq!(first["source"], json!({"file_sha256": intake["sha256"], "line": "1", "offset": "0"}));

    let fsck = server.run(&["fsck", "--institution", &bank.id]);
    assert!(fsck.status.success(), "{}", String::from_utf8_lossy(&fsck.stderr));
}

#[tokio::test]
async fn one_fault_keeps_a_whole_file_out() {
    let bank = Bank::new(Server::shared()).await;
    let mut lines: Vec<Value> = (0..1_500).map(|number| data::transaction(&format!("n-{number}"))).collect();
    lines[1_400]["amount"]["amount"] = json!("1.234");
    let intake = bank.take("format=ndjson", NDJSON, data::ndjson(&lines)).await;
    assert_eq!(intake["state"], "refused", "{intake}");
    assert!(intake["reason"].as_str().unwrap().contains("nothing was stored"), "{intake}");
    let findings = bank.findings(&intake).await;
    assert_eq!(codes(&findings), [(1_401, "too_many_decimals", "error")]);
    assert_eq!((&findings[0]["path"], &findings[0]["field"]), (&json!("/amount/amount"), &json!("amount")));
    assert_eq!(bank.transactions().await, Vec::<Value>::new());

    let intake = bank.take("format=ndjson&on_error=skip", NDJSON, data::ndjson(&lines)).await;
    assert_eq!(intake["state"], "stored", "{intake}");
    assert_eq!((&intake["counts"]["added"], &intake["counts"]["faults"]), (&json!(1_499), &json!(1)));
}

#[tokio::test]
async fn what_stands_in_a_file_twice_differently_is_found_before_anything_is_stored() {
    let bank = Bank::new(Server::shared()).await;
    let mut lines: Vec<Value> = (0..1_200).map(|number| data::transaction(&format!("n-{number}"))).collect();
    // Far apart, so that they are in two batches.
    let mut other = lines[3].clone();
    other["direction"] = json!("debit");
    lines.push(lines[5].clone());
    lines.push(other);
    let intake = bank.take("format=ndjson", NDJSON, data::ndjson(&lines)).await;
    assert_eq!(intake["state"], "refused", "{intake}");
    assert_eq!(codes(&bank.findings(&intake).await), [(1_202, "reference_conflict", "error")]);
    assert_eq!(bank.transactions().await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_is_recorded_with_other_content_or_in_another_currency_is_found() {
    let bank = Bank::new(Server::shared()).await;
    let stored = [data::transaction("a"), data::transaction("b")];
    bank.feeder.deliver(&bank.id, &data::ndjson(&stored)).await.ok();
    let mut changed = data::transaction("a");
    changed["amount"]["amount"] = json!("99.00");
    let mut foreign = data::transaction("c");
    (foreign["account"], foreign["amount"]["currency"]) = (json!("acct-b"), json!("CHF"));
    let intake =
        bank.take("format=ndjson", NDJSON, data::ndjson(&[changed, stored[1].clone(), foreign])).await;
    assert_eq!(intake["state"], "refused", "{intake}");
    let found = bank.findings(&intake).await;
    assert_eq!(codes(&found), [(1, "reference_conflict", "error"), (3, "currency_mismatch", "error")]);
    let same = bank.take("format=ndjson", NDJSON, data::ndjson(&stored)).await;
    assert_eq!(same["counts"]["unchanged"], 2, "what another way brought is the same record: {same}");
}

#[tokio::test]
async fn a_dry_run_tells_all_and_stores_nothing() {
    let bank = Bank::new(Server::shared()).await;
    let body = data::ndjson(&[data::transaction("a"), data::transaction("b")]);
    let intake = bank.take("format=ndjson&dry_run=true", NDJSON, body.clone()).await;
    assert_eq!((&intake["state"], &intake["counts"]["records"]), (&json!("examined"), &json!(2)), "{intake}");
    assert_eq!(bank.transactions().await, Vec::<Value>::new());
    assert_eq!(bank.take("format=ndjson", NDJSON, body).await["counts"]["added"], 2);
}

#[tokio::test]
async fn a_balance_that_does_not_add_up_is_a_break_and_is_stored() {
    let bank = Bank::new(Server::shared()).await;
    let body = message(&[
        statement("1", "100.00", &["20.00", "-5.50"], "114.50"),
        statement("2", "114.50", &["-120.00"], "-5.49"),
        statement("3", "-5.40", &[], "-5.40"),
    ]);
    let intake = bank.take("format=camt", XML, body).await;
    assert_eq!(intake["state"], "stored", "{intake}");
    assert_eq!((&intake["counts"]["statements"], &intake["counts"]["breaks"]), (&json!(3), &json!(2)));
    let findings = bank.findings(&intake).await;
    assert_eq!(findings[0]["code"], "balance_differs");
    assert_eq!(findings[0]["severity"], "break");
    assert_eq!(
        findings[0]["balance"],
        json!({"statement": "2", "account": "DE04", "expected": "-5.50", "stated": "-5.49", "difference": "0.01"})
    );
    assert_eq!(findings[1]["code"], "previous_closing_differs");
    assert_eq!(findings[1]["balance"]["difference"], "0.09");

    let next = message(&[statement("4", "1.00", &[], "1.00").replace("2026-03-3", "2026-04-0")]);
    let next = next.replace("2026-04-00", "2026-03-31");
    let intake = bank.take("format=camt", XML, next).await;
    let findings = bank.findings(&intake).await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(
        findings[0]["code"], "previous_closing_differs",
        "also against what an earlier file ended with"
    );
    assert_eq!(findings[0]["balance"]["expected"], "-5.40");
}

#[tokio::test]
async fn mt940_is_read_statement_by_statement() {
    let bank = Bank::new(Server::shared()).await;
    let body = ":20:STARTUMS\r\n:25:10020030/1234567\r\n:28C:00084/001\r\n:60F:C090924EUR54484,04\r\n\
                :61:0909250925DR583,92NMSC1110030403010139//1234\r\n:86:Miete März & Nebenkosten\r\nWohnung 7\r\n\
                :61:0910010930D62,60NCHGNONREF//bank id\r\n:86:Fees according to advice\r\n\
                :62F:C090930EUR53837,52\r\n-\r\n\
                :20:STARTUMS\r\n:25:10020030/1234567\r\n:28C:00085/001\r\n:60F:C090930EUR53837,52\r\n\
                :61:1001021231C10,NTRFNONREF\r\n:62F:C100102EUR53847,50\r\n-\r\n";
    let intake = bank.take("format=mt940", "text/plain", body).await;
    assert_eq!(intake["state"], "stored", "{intake} {:?}", bank.findings(&intake).await);
    assert_eq!((&intake["counts"]["statements"], &intake["counts"]["added"]), (&json!(2), &json!(3)));
    let rows = bank.transactions().await;
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            (text("reference"), text("booking_date"), text("direction"), row["amount"]["amount"].clone())
        })
        .collect();
    let row = |reference: &str, day: &str, direction: &str, amount: &str| {
        (format!("10020030/1234567/{reference}"), day.to_owned(), direction.to_owned(), json!(amount))
    };
    assert_eq!(
        told,
        [
            row("20090930/00084/001/1234", "2009-09-25", "debit", "583.92"),
            row("20090930/00084/001/bank id", "2009-09-30", "debit", "62.60"),
            row("20100102/00085/001/#1", "2009-12-31", "credit", "10.00"),
        ]
    );
    assert_eq!(rows[0]["remittance_information"], "Miete März & Nebenkosten Wohnung 7");
    assert_eq!(rows[0]["end_to_end_id"], "1110030403010139");
    assert_eq!(rows[0]["source"]["line"], "5");
    assert_eq!(rows[2]["value_date"], "2010-01-02");
    let findings = bank.findings(&intake).await;
    assert_eq!(codes(&findings), [(12, "balance_differs", "break")]);
    assert_eq!(findings[0]["balance"]["difference"], "-0.02");
}

#[tokio::test]
async fn csv_is_read_by_a_mapping_that_was_set_before() {
    let bank = Bank::new(Server::shared()).await;
    let mapping = "delimiter = \";\"\ndecimal_separator = \",\"\ndate_format = \"%d.%m.%Y\"\n[columns]\n\
                   reference = \"Beleg\"\nbooking_date = \"Tag\"\n[amount]\nby = \"sign\"\ncolumn = \"Umsatz\"\n\
                   [fixed]\naccount = \"DE04\"\ncurrency = \"EUR\"\n";
    let set = |name: &str, text: &str| {
        let path = bank.path(&format!("/v1/intake-mappings/{name}"));
        let request =
            bank.feeder.request(reqwest::Method::PUT, &path).header("content-type", "application/toml");
        bank.feeder.send(request.body(text.to_owned()))
    };
    bank.send("format=csv&mapping=konto", "text/csv", "x").await.problem(422, "refused");
    bank.send("format=csv", "text/csv", "x").await.problem(422, "refused");
    set("konto", "columns = 1").await.problem(422, "refused");
    assert_eq!(set("konto", mapping).await.ok()["name"], "konto");
    let shown = bank.feeder.get(&bank.path("/v1/intake-mappings/konto")).await.ok();
    assert_eq!(shown["mapping"], mapping);
    let body = "Beleg;Tag;Umsatz\n1;31.03.2026;12,50\n2;01.04.2026;-3,00\n";
    let intake = bank.take("format=csv&mapping=konto", "text/csv", body).await;
    assert_eq!((&intake["state"], &intake["counts"]["added"]), (&json!("stored"), &json!(2)), "{intake}");
    let rows = bank.transactions().await;
    assert_eq!((&rows[1]["direction"], &rows[1]["amount"]["amount"]), (&json!("debit"), &json!("3.00")));
    assert_eq!(rows[1]["source"]["line"], "3");
    bank.send("format=camt&mapping=konto", XML, "x").await.problem(422, "refused");
    let broken = bank.take("format=csv&mapping=konto", "text/csv", "A;B\n").await;
    assert_eq!(broken["state"], "refused", "a header without the columns: {broken}");
}

#[tokio::test]
async fn a_repeated_call_is_answered_as_the_first_one() {
    let bank = Bank::new(Server::shared()).await;
    let (key, body) = (data::unique("key"), data::ndjson(&[data::transaction("once")]));
    let send = |body: String| {
        let path = bank.path("/v1/intakes?format=ndjson");
        let request = bank.feeder.request(reqwest::Method::POST, &path).header("content-type", NDJSON);
        bank.feeder.send(request.header("idempotency-key", &key).body(body))
    };
    let first = send(body.clone()).await;
    let again = send(body).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.receipt(), first.receipt());
    assert_eq!(again.ok()["id"], first.ok()["id"]);
    send(data::ndjson(&[data::transaction("other")])).await.problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn what_is_no_file_is_refused() {
    let bank = Bank::new(Server::shared()).await;
    bank.send("format=berka", NDJSON, "x").await.problem(400, "invalid_parameter");
    bank.send("", NDJSON, "x").await.problem(400, "missing_parameter");
    bank.send("format=camt&dryrun=true", XML, "x").await.problem(400, "unknown_parameter");
    bank.send("format=camt&file_name=", XML, "x").await.problem(400, "invalid_parameter");
    bank.send("format=camt", "application/json", "x").await.problem(415, "unsupported_media_type");
    for (format, body, code) in [
        ("ndjson", "", "no_records"),
        ("mt940", "", "unknown_document"),
        ("mt940", "hello\n", "unknown_document"),
        ("camt", "", "unknown_document"),
        ("camt", "hello", "unknown_document"),
        ("camt", "<a/>", "unknown_document"),
        ("camt", "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.03\"/>", "unknown_document"),
        ("camt", "<Document><", "unknown_document"),
        (
            "camt",
            "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrAcctRpt/></Document>",
            "unknown_message",
        ),
        (
            "camt",
            "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>",
            "malformed_xml",
        ),
    ] {
        let intake = bank.take(&format!("format={format}&on_error=skip"), "text/plain", body).await;
        assert_eq!(intake["state"], "refused", "{body}: {intake}");
        assert_eq!(bank.findings(&intake).await[0]["code"], code, "{body}");
    }
}

#[tokio::test]
async fn findings_come_in_pages() {
    let bank = Bank::new(Server::shared()).await;
    let body: String = (0..250).map(|number| format!("{{\"line\":{number}}}\n")).collect();
    let intake = bank.take("format=ndjson", NDJSON, body).await;
    let faults = intake["counts"]["faults"].as_u64().unwrap();
    let mut path = format!("/v1/intakes/{}/findings?limit=200", intake["id"].as_str().unwrap());
    let (first, mut seen) = (path.clone(), 0);
    loop {
        let page = bank.feeder.get(&bank.path(&path)).await.ok();
        seen += page["data"].as_array().unwrap().len() as u64;
        let Some(cursor) = page["page"]["next_cursor"].as_str() else { break };
        path = format!("{first}&cursor={cursor}");
    }
    assert!(faults > 1_000, "{faults}");
    assert_eq!(seen, faults);
}

#[tokio::test]
async fn equal_entries_of_one_statement_are_all_stored_once() {
    let bank = Bank::new(Server::shared()).await;
    let body = message(&[statement("1", "10.00", &["-0.50", "-0.50"], "9.00")]);
    let body = body.replace("</Ntry>", "<AcctSvcrRef>FEE</AcctSvcrRef></Ntry>");
    let first = bank.take("format=camt", XML, body.clone()).await;
    assert_eq!((&first["counts"]["added"], &first["counts"]["unchanged"]), (&json!(2), &json!(0)), "{first}");
    let again = bank.take("format=camt", XML, body).await;
    assert_eq!((&again["counts"]["added"], &again["counts"]["unchanged"]), (&json!(0), &json!(2)), "{again}");
}

#[tokio::test]
async fn intakes_are_listed_newest_first() {
    let (server, mut ids) = (Server::shared(), Vec::new());
    let (bank, other) = (Bank::new(server).await, Bank::new(server).await);
    for number in 0..5 {
        let body = data::ndjson(&[data::transaction(&format!("n-{number}"))]);
        ids.insert(0, bank.take("format=ndjson", NDJSON, body).await);
    }
    other.take("format=ndjson", NDJSON, data::ndjson(&[data::transaction("other")])).await;
    let (mut seen, mut path) = (Vec::new(), "/v1/intakes?limit=2".to_owned());
    loop {
        let page = bank.feeder.get(&bank.path(&path)).await.ok();
        seen.extend(page["data"].as_array().unwrap().clone());
        let Some(cursor) = page["page"]["next_cursor"].as_str() else { break };
        path = format!("/v1/intakes?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ids);
    bank.feeder.get(&bank.path("/v1/intakes?state=stored")).await.problem(400, "unknown_parameter");
}

#[tokio::test]
async fn an_account_is_what_its_first_mention_makes_it_wherever_in_the_file_that_is() {
    let bank = Bank::new(Server::shared()).await;
    // The first statement does not say the account's currency, the second one does.
    let silent = statement("1", "1.00", &["1.00"], "2.00").replace("<Ccy>EUR</Ccy>", "");
    let body = message(&[silent, statement("2", "2.00", &["1.00"], "3.00")]);
    let looked = bank.take("format=camt&dry_run=true", XML, body.clone()).await;
    assert_eq!(looked["state"], "examined", "{looked}");
    let intake = bank.take("format=camt", XML, body).await;
    assert_eq!((&intake["state"], &intake["counts"]["added"]), (&json!("stored"), &json!(2)), "{intake}");

    let account = |number: usize, currency: &str| {
        let mut line = data::transaction(&format!("a-{number}"));
        line["account"] = json!(format!("account-{}", number % 10_500));
        line["amount"]["currency"] = json!(currency);
        line
    };
    let mut lines: Vec<Value> = (0..10_500).map(|number| account(number, "EUR")).collect();
    lines.push(account(20_999, "CHF"));
    for query in ["format=ndjson&dry_run=true", "format=ndjson"] {
        let intake = bank.take(query, NDJSON, data::ndjson(&lines)).await;
        assert_eq!(intake["state"], "refused", "{intake}");
        assert_eq!(codes(&bank.findings(&intake).await), [(10_501, "currency_mismatch", "error")]);
    }
    let intake = bank.take("format=ndjson&on_error=skip", NDJSON, data::ndjson(&lines)).await;
    let counts = &intake["counts"];
    assert_eq!((&counts["added"], &counts["faults"]), (&json!(10_500), &json!(1)), "{intake}");
}
