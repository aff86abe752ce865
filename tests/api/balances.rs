//! `/v1/accounts/{id}/balances`: a day's balance, what it starts from and what makes it up.

use serde_json::{Value, json};

use crate::support::{Caller, Server, data};

struct Account {
    system: Caller,
    feeder: Caller,
    institution: String,
    reference: String,
    id: String,
}

/// A booked movement: day, amount, side, and the balance after it, where it is stated.
type Movement<'a> = (&'a str, &'a str, &'a str, Option<(&'a str, &'a str)>);

impl Account {
    async fn with(server: &Server, movements: &[Movement<'_>]) -> Self {
        let (system, feeder) = (server.system(0).await, server.feeder().await);
        let mut account = Self {
            system,
            feeder,
            institution: server.institution(0).to_owned(),
            reference: data::unique("balanced"),
            id: String::new(),
        };
        account.deliver(movements).await;
        let found = account.system.get(&format!("/v1/accounts?reference={}", account.reference)).await.ok();
        found["data"][0]["id"].as_str().unwrap().clone_into(&mut account.id);
        account
    }

    fn line(&self, (day, amount, direction, balance): &Movement<'_>) -> Value {
        let mut line = json!({
            "account": self.reference, "reference": data::unique("moved"), "booking_date": day,
            "direction": direction, "amount": {"amount": amount, "currency": "EUR"},
        });
        if let Some((amount, direction)) = balance {
            line["balance_after"] = json!({"amount": amount, "currency": "EUR", "direction": direction});
        }
        line
    }

    async fn deliver(&self, movements: &[Movement<'_>]) -> Vec<Value> {
        let lines: Vec<Value> = movements.iter().map(|movement| self.line(movement)).collect();
        self.feeder.deliver(&self.institution, &data::ndjson(&lines)).await.ok();
        lines
    }

    async fn on(&self, query: &str) -> Value {
        self.system.get(&format!("/v1/accounts/{}/balances?date={query}", self.id)).await.ok()
    }
}

/// Opening, closing and stated closing, overdrawn ones with a minus.
fn balances(answer: &Value) -> [String; 3] {
    ["opening", "closing", "stated_closing"].map(|name| {
        let sign = if answer[name]["direction"] == "debit" { "-" } else { "" };
        format!("{sign}{}", answer[name]["amount"].as_str().unwrap_or("unsaid"))
    })
}

#[tokio::test]
async fn a_day_opens_with_all_before_it_and_closes_with_what_moved_on_it() {
    let account = Account::with(
        Server::shared(),
        &[
            ("2026-03-30", "100.00", "credit", None),
            ("2026-03-31", "150.50", "debit", None),
            ("2026-03-31", "20.00", "credit", None),
            ("2026-04-02", "1.00", "credit", None),
        ],
    )
    .await;
    let day = account.on("2026-03-31").await;
    assert_eq!(balances(&day), ["100.00", "-30.50", "unsaid"]);
    assert_eq!(day["basis"], "movements");
    assert_eq!(day["credits"], json!({"count": "1", "sum": {"amount": "20.00", "currency": "EUR"}}));
    assert_eq!(day["debits"], json!({"count": "1", "sum": {"amount": "150.50", "currency": "EUR"}}));
    assert_eq!(day["data"].as_array().unwrap().len(), 2, "the entries that make it up");
    assert_eq!(balances(&account.on("2026-03-29").await), ["0.00", "0.00", "unsaid"], "before all of it");
    let quiet = account.on("2026-04-01").await;
    assert_eq!(balances(&quiet), ["-30.50", "-30.50", "unsaid"]);
    assert_eq!(quiet["data"], json!([]));
    assert_eq!(balances(&account.on("2026-12-31").await)[1], "-29.50");
}

#[tokio::test]
async fn a_history_that_begins_in_the_middle_starts_from_what_the_servicer_states() {
    let account = Account::with(
        Server::shared(),
        &[
            ("2026-03-30", "100.00", "debit", Some(("400.00", "credit"))),
            ("2026-03-31", "450.00", "debit", Some(("50.00", "debit"))),
            ("2026-04-01", "10.00", "credit", Some(("39.00", "debit"))),
        ],
    )
    .await;
    let first = account.on("2026-03-30").await;
    assert_eq!(
        (balances(&first), &first["basis"]),
        (["500.00", "400.00", "400.00"].map(str::to_owned), &json!("balance_after"))
    );
    assert_eq!(balances(&account.on("2026-03-31").await), ["400.00", "-50.00", "-50.00"]);
    assert_eq!(balances(&account.on("2026-04-01").await), ["-50.00", "-40.00", "-39.00"], "a break shows");
    assert_eq!(balances(&account.on("2026-03-29").await), ["500.00", "500.00", "unsaid"], "before all of it");
}

#[tokio::test]
async fn corrections_reversals_and_what_is_pending_count_as_they_stood() {
    let account = Account::with(Server::shared(), &[("2026-03-31", "10.00", "credit", None)]).await;
    let lines = account
        .deliver(&[("2026-03-31", "5.00", "credit", None), ("2026-03-31", "1.00", "credit", None)])
        .await;
    let before = account.on("2026-03-31").await;
    let mut corrected = lines[0].clone();
    corrected["amount"]["amount"] = json!("7.00");
    let mut pending = account.line(&("2026-03-31", "100.00", "credit", None));
    pending["status"] = json!("pending");
    let batch = [
        data::revised(&corrected, "correction", "it was seven"),
        data::revised(&lines[1], "reversal", "it never was"),
        pending,
    ];
    account.feeder.deliver(&account.institution, &data::ndjson(&batch)).await.ok();
    assert_eq!(balances(&account.on("2026-03-31").await)[1], "17.00");
    let as_of = format!("2026-03-31&as_of={}", before["as_of"]["seq"].as_str().unwrap());
    let then = account.on(&as_of).await;
    assert_eq!(balances(&then)[1], "16.00", "as it stood before");
    assert_eq!(then["data"], before["data"]);
}

#[tokio::test]
async fn the_days_entries_come_in_pages_that_are_pinned() {
    let many: Vec<Movement<'_>> = (0..7).map(|_| ("2026-05-05", "1.00", "credit", None)).collect();
    let account = Account::with(Server::shared(), &many).await;
    let first = account.on("2026-05-05&limit=3").await;
    account.deliver(&many).await;
    let (mut page, mut seen) = (first.clone(), 0);
    loop {
        assert_eq!((&page["closing"], &page["as_of"]), (&first["closing"], &first["as_of"]));
        seen += page["data"].as_array().unwrap().len();
        let Some(cursor) = page["page"]["next_cursor"].as_str() else { break };
        page = account.on(&format!("2026-05-05&limit=3&cursor={cursor}")).await;
    }
    assert_eq!(seen, 7);
}

#[tokio::test]
async fn sums_of_the_largest_amounts_are_exact() {
    let most = "9999999999999999.99";
    let mut movements: Vec<Movement<'_>> = Vec::new();
    for _ in 0..20 {
        movements.extend([("2026-05-05", most, "credit", None), ("2026-05-05", most, "debit", None)]);
    }
    movements.push(("2026-05-05", "0.01", "credit", None));
    let account = Account::with(Server::shared(), &movements).await;
    assert_eq!(balances(&account.on("2026-05-06").await)[1], "0.01");
    let path = format!("/v1/accounts/{}/balances?date=2026-05-05", account.id);
    let problem = account.system.get(&path).await.problem(400, "invalid_parameter");
    assert!(
        problem["errors"][0]["detail"].as_str().unwrap().contains("18 digits"),
        "the day's credits: {problem}"
    );
}
