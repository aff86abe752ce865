//! What one message says of an account after another: pending then booked, interim then closing.

use serde_json::{Value, json};

use crate::support::{Server, bank::Bank, data};

const XML: &str = "application/xml";

/// An entry with the servicer's reference: its amount in EUR, its status, its day of March.
fn entry(reference: &str, amount: &str, status: &str, day: u8) -> String {
    format!(
        "<Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>{status}</Cd></Sts>\
         <BookgDt><Dt>2026-03-{day:02}</Dt></BookgDt><AcctSvcrRef>{reference}</AcctSvcrRef></Ntry>\n"
    )
}

fn balance(code: &str, amount: &str, day: u8) -> String {
    format!(
        "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{amount}</Amt>\
         <CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-{day:02}</Dt></Dt></Bal>\n"
    )
}

/// A part of a message, about an account.
fn part(name: &str, id: &str, account: &str, content: &str) -> String {
    format!(
        "<{name}><Id>{id}</Id><Acct><Id><IBAN>{account}</IBAN></Id><Ccy>EUR</Ccy></Acct>\n{content}</{name}>"
    )
}

fn message(digit: u8, root: &str, parts: &str) -> String {
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.05{digit}.001.08\"><{root}>{parts}</{root}></Document>"
    )
}

/// An intraday report.
fn report(id: &str, content: &str) -> String {
    message(2, "BkToCstmrAcctRpt", &part("Rpt", id, "DE04", content))
}

/// A statement.
fn statement(id: &str, content: &str) -> String {
    message(3, "BkToCstmrStmt", &part("Stmt", id, "DE04", content))
}

fn counted(intake: &Value) -> (&str, u64, u64, u64) {
    let number = |name: &str| intake["counts"][name].as_u64().unwrap();
    (intake["state"].as_str().unwrap(), number("added"), number("unchanged"), number("faults"))
}

#[tokio::test]
async fn the_booked_entry_takes_the_place_of_the_pending_one_and_a_late_report_changes_nothing() {
    let server = Server::shared();
    let bank = Bank::new(server).await;
    let early = report("R1", &entry("7", "10.00", "PDNG", 30));
    let booked = statement("S1", &entry("7", "10.50", "BOOK", 31));
    assert_eq!(counted(&bank.take("format=camt", XML, early.clone()).await), ("stored", 1, 0, 0));
    let looked = bank.take("format=camt&dry_run=true", XML, booked.clone()).await;
    assert_eq!(counted(&looked), ("examined", 0, 0, 0));
    assert_eq!(counted(&bank.take("format=camt", XML, booked.clone()).await), ("stored", 1, 0, 0));

    let rows = bank.transactions().await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    let row = &rows[0];
    assert_eq!((&row["reference"], &row["status"]), (&json!("DE04/7"), &json!("booked")));
    assert_eq!((&row["amount"]["amount"], &row["booking_date"]), (&json!("10.50"), &json!("2026-03-31")));
    assert_eq!((&row["revision"]["kind"], &row["revision"]["version"]), (&json!("correction"), &json!("2")));
    assert_eq!(row["revision"]["reason"], "what was pending came on the books");
    let path = format!("/v1/transactions/{}/versions", row["id"].as_str().unwrap());
    let versions = bank.system.get(&path).await.ok();
    assert_eq!(versions["data"][0]["status"], "pending");

    // Whatever comes again, or late and otherwise, leaves it booked.
    let late = report("R2", &entry("7", "9.00", "PDNG", 29));
    for again in [&early, &late, &booked, &early] {
        let intake = bank.take("format=camt", XML, again.clone()).await;
        assert_eq!(counted(&intake), ("stored", 0, 1, 0), "{intake}");
    }
    assert_eq!(bank.transactions().await, rows);

    // Two booked ones are not one.
    let other = bank.take("format=camt", XML, statement("S2", &entry("7", "11.00", "BOOK", 31))).await;
    assert_eq!(counted(&other).0, "refused", "{other}");
    assert_eq!(bank.findings(&other).await[0]["code"], "reference_conflict");
    let fsck = server.run(&["fsck", "--institution", &bank.id]);
    assert!(fsck.status.success(), "{}", String::from_utf8_lossy(&fsck.stderr));
}

#[tokio::test]
async fn a_report_that_comes_after_the_statement_is_no_conflict() {
    let bank = Bank::new(Server::shared()).await;
    bank.take("format=camt", XML, statement("S1", &entry("7", "10.00", "BOOK", 31))).await;
    let late = bank.take("format=camt", XML, report("R1", &entry("7", "10.00", "PDNG", 31))).await;
    assert_eq!(counted(&late), ("stored", 0, 1, 0), "{late}");
    assert_eq!(bank.transactions().await[0]["status"], "booked");
}

#[tokio::test]
async fn pending_and_booked_may_come_in_one_delivery() {
    let bank = Bank::new(Server::shared()).await;
    let line = |status: &str, amount: &str| {
        let mut line = data::transaction("one");
        (line["status"], line["amount"]["amount"]) = (json!(status), json!(amount));
        line
    };
    let lines =
        [line("pending", "1.00"), line("booked", "2.00"), line("pending", "1.00"), line("booked", "2.00")];
    let intake = bank.take("format=ndjson", "application/x-ndjson", data::ndjson(&lines)).await;
    assert_eq!(counted(&intake), ("stored", 2, 2, 0), "{intake}");
    let rows = bank.transactions().await;
    assert_eq!((rows.len(), &rows[0]["amount"]["amount"]), (1, &json!("2.00")));
    let other = [line("pending", "1.00"), line("pending", "3.00")];
    let intake = bank.take("format=ndjson", "application/x-ndjson", data::ndjson(&other)).await;
    assert_eq!(counted(&intake), ("refused", 0, 0, 1), "two pending ones are not one: {intake}");
}

#[tokio::test]
async fn accounts_may_share_a_servicers_reference() {
    let bank = Bank::new(Server::shared()).await;
    let content = entry("7", "10.00", "BOOK", 31);
    let parts = part("Stmt", "S1", "DE04", &content) + &part("Stmt", "S1", "DE05", &content);
    let intake = bank.take("format=camt", XML, message(3, "BkToCstmrStmt", &parts)).await;
    assert_eq!(counted(&intake), ("stored", 2, 0, 0), "{:?}", bank.findings(&intake).await);
    let rows = bank.transactions().await;
    let references: Vec<&Value> = rows.iter().map(|row| &row["reference"]).collect();
    assert_eq!(references, ["DE04/7", "DE05/7"]);
}

#[tokio::test]
async fn a_statement_goes_on_from_a_closing_balance_and_from_no_interim_one() {
    let bank = Bank::new(Server::shared()).await;
    let day = |opening: &str, booked: &str, code: &str, closing: &str| {
        balance("OPBD", opening, 30) + &balance(code, closing, 31) + &entry(booked, "5.00", "BOOK", 31)
    };
    let of = |intake: &Value| intake["counts"]["breaks"].clone();
    let interim = bank.take("format=camt", XML, report("R1", &day("1.00", "a", "ITBD", "6.00"))).await;
    assert_eq!(of(&interim), 0, "{interim}");
    // The day's statement begins where the day did, not where the report was.
    let content =
        balance("OPBD", "1.00", 31) + &balance("CLBD", "6.00", 31) + &entry("a", "5.00", "BOOK", 31);
    let closing = bank.take("format=camt", XML, statement("S1", &content)).await;
    assert_eq!(of(&closing), 0, "{:?}", bank.findings(&closing).await);
    let next = balance("OPBD", "7.00", 31);
    let next =
        bank.take("format=camt", XML, statement("S2", &(next + &entry("b", "1.00", "BOOK", 31)))).await;
    assert_eq!(bank.findings(&next).await[0]["code"], "previous_closing_differs");
    // Within one file it is the same.
    let bank = Bank::new(Server::shared()).await;
    let parts = part("Rpt", "R1", "DE04", &day("1.00", "a", "ITBD", "6.00"))
        + &part("Rpt", "R2", "DE04", &day("1.00", "a", "ITBD", "6.00"));
    let two = bank.take("format=camt", XML, message(2, "BkToCstmrAcctRpt", &parts)).await;
    assert_eq!(of(&two), 0, "{:?}", bank.findings(&two).await);
    let wrong = bank.take("format=camt", XML, report("R3", &day("1.00", "a", "ITBD", "6.50"))).await;
    assert_eq!(bank.findings(&wrong).await[0]["code"], "balance_differs", "it is still held to its entries");
}

#[tokio::test]
async fn what_is_booked_settles_no_other_that_shares_its_reference() {
    let bank = Bank::new(Server::shared()).await;
    let fee = |status: &str, direction: &str, id: &str| {
        let mut line = data::transaction("FEE");
        (line["status"], line["direction"], line["end_to_end_id"]) =
            (json!(status), json!(direction), json!(id));
        data::ndjson(&[line])
    };
    let (format, kind) = ("format=ndjson", "application/x-ndjson");
    let first = bank.take(format, kind, fee("pending", "debit", "a")).await;
    assert_eq!(counted(&first), ("stored", 1, 0, 0), "{first}");
    for (direction, id) in [("credit", "a"), ("debit", "b")] {
        let other = bank.take(format, kind, fee("booked", direction, id)).await;
        assert_eq!(counted(&other), ("refused", 0, 0, 1), "{direction} {id}: {other}");
    }
    let booked = bank.take(format, kind, fee("booked", "debit", "a")).await;
    assert_eq!(counted(&booked), ("stored", 1, 0, 0), "{booked}");
    let new = bank.take(format, kind, fee("pending", "debit", "b")).await;
    assert_eq!(counted(&new), ("refused", 0, 0, 1), "it is no late report of the booked one: {new}");
}
