//! The compliance officer follows a transaction to its proof and its uses, and a figure to its transactions.

use super::Walk;
use crate::browser::stage::{COUNTERPARTY, MONTH, Stage};

/// A figure of the stage's report that counts the stage's transaction alone.
fn figure(stage: &Stage) -> String {
    format!("acct-{}/credits", stage.reference)
}

/// Looks at the proof of the record that is opened, and at the entry that it names.
async fn see_the_proof(walk: &Walk) {
    let verdict = format!("{} .proof .verdict", walk.opened());
    if walk.scripts {
        walk.wait_for(&verdict, |text| text.starts_with("✓ Checked in your browser")).await;
    } else {
        assert_eq!(walk.text(&verdict).await, "Not checked here yet.", "nothing is claimed unchecked");
    }
    walk.click(&format!("{} .proof a", walk.opened())).await;
    walk.wait_for("main h1", |text| text.starts_with("Entry ")).await;
    if walk.scripts {
        walk.wait_for("main .verdict", |text| text.starts_with("✓ Checked in your browser")).await;
    }
    // What to do where nothing is checked by the page.
    let checks = walk.text("main ol.checks").await;
    assert!(checks.contains("sha256sum") && checks.contains("veritrail-verify show"), "{checks}");
}

async fn finds_a_transaction(scripts: bool) {
    let stage = Stage::shared().await;
    let walk = Walk::of(&stage.server, "compliance-officer", scripts).await;
    walk.go_to("Transactions").await;
    walk.filter_by("Counterparty has", "counterparty_name%5Bcontains%5D", COUNTERPARTY).await;
    walk.follow("main", &stage.reference).await;
    walk.wait_for_opened(&format!("Transaction {}", stage.reference)).await;

    let opened = walk.opened();
    let facts = walk.text(&format!("{opened} > .facts")).await;
    assert!(facts.contains("Source file (SHA-256)") && facts.contains("Source line\n1\n"), "{facts}");
    let all = walk.text(opened).await;
    for shown in [
        "<b>Überzahl</b> & Söhne",
        "correction the purpose was cut off 12.34 EUR",
        &format!("{MONTH}, version 1 {} 12.34 EUR 12.34 EUR", figure(stage)),
    ] {
        assert!(all.contains(shown), "{shown} is not in {all}");
    }
    walk.follow(opened, &figure(stage)).await;
    walk.arrive(&figure(stage)).await;
    walk.follow("main", &stage.reference).await;
    walk.wait_for_opened(&format!("Transaction {}", stage.reference)).await;
    see_the_proof(&walk).await;
    walk.end().await;
}

async fn opens_a_figure(scripts: bool) {
    let stage = Stage::shared().await;
    let walk = Walk::of(&stage.server, "compliance-officer", scripts).await;
    let title = format!("Account statement, {MONTH}");
    walk.go_to("Reports").await;
    walk.filter_by("Period, such as 2026-03", "period", MONTH).await;
    walk.follow("main", "Account statement").await;
    walk.arrive(&title).await;
    walk.follow("main", "Version 1").await;
    walk.arrive(&format!("{title}, version 1")).await;
    walk.filter_by("Name begins with", "prefix", &figure(stage)).await;
    walk.follow("main", &figure(stage)).await;
    walk.arrive(&figure(stage)).await;
    let sum = walk.text("main .notice.good").await;
    assert_eq!(sum, "1 record adds up to 12.34 EUR: to the last digit what the figure says.");
    let row = walk.text("main tbody").await;
    assert!(row.contains("Corrected since"), "{row}");
    walk.follow("main", &stage.reference).await;
    walk.wait_for_opened(&format!("Transaction {}", stage.reference)).await;
    walk.end().await;
}

#[tokio::test]
async fn an_officer_finds_a_transaction_its_source_its_uses_and_its_proof() {
    tokio::join!(finds_a_transaction(true), finds_a_transaction(false));
}

#[tokio::test]
async fn an_officer_opens_a_figure_down_to_its_transactions() {
    tokio::join!(opens_a_figure(true), opens_a_figure(false));
}
