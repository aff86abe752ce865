//! `/v1/transactions`: filters, sorts, fields, proofs and receipts.

use serde_json::{Value, json};

use crate::support::{Caller, Ledger, Server, data, proof};

/// A known set of transactions on two accounts of their own, in the order of their delivery.
struct Set {
    system: Caller,
    prefix: String,
    /// EUR and CHF.
    accounts: [String; 2],
    all: Vec<Value>,
}

impl Set {
    async fn delivered(server: &Server) -> Self {
        let prefix = data::unique("set");
        let mut lines = Vec::new();
        let rows = [
            ("2026-01-31", "10.00", "credit", "booked", 0),
            ("2026-02-28", "10.01", "debit", "booked", 0),
            ("2026-02-01", "9.99", "credit", "pending", 0),
            ("2026-02-28", "100.00", "credit", "information", 0),
            ("2026-01-01", "0.00", "debit", "booked", 0),
            ("2026-02-28", "10.00", "debit", "pending", 1),
            ("2026-03-01", "99999.95", "credit", "booked", 1),
        ];
        for (index, (date, amount, direction, status, account)) in rows.into_iter().enumerate() {
            lines.push(json!({
                "account": format!("{prefix}-{account}"), "reference": format!("{prefix}-{index}"),
                "booking_date": date, "direction": direction, "status": status,
                "amount": {"amount": amount, "currency": (["EUR", "CHF"][account])},
            }));
        }
        let delivered =
            server.feeder().await.deliver(server.institution(0), &data::ndjson(&lines)).await.ok();
        assert_eq!(delivered["added"], lines.len());
        let system = server.system(0).await;
        let references: Vec<_> = (0..lines.len()).map(|index| format!("{prefix}-{index}")).collect();
        let all =
            system.pages(&format!("/v1/transactions?sort=seq&reference[in]={}", references.join(","))).await;
        assert_eq!(all.len(), lines.len());
        let account = |index: usize| all[index]["account_id"].as_str().unwrap().to_owned();
        Self { system, prefix, accounts: [account(0), account(5)], all }
    }

    /// The places in the set of what a query finds on an account.
    async fn find(&self, account: usize, query: &str) -> Vec<usize> {
        let path = format!("/v1/transactions?account_id={}&{query}", self.accounts[account]);
        let found = self.system.get(&path).await.ok();
        let place = |item: &Value| {
            let reference = item["reference"].as_str().unwrap();
            reference.strip_prefix(&self.prefix).unwrap()[1..].parse().unwrap()
        };
        found["data"].as_array().unwrap().iter().map(place).collect()
    }
}

#[tokio::test]
async fn each_filter_keeps_what_it_names_and_they_combine() {
    let set = Set::delivered(Server::shared()).await;
    for (query, expected) in [
        ("booking_date=2026-02-28", vec![1, 3]),
        ("booking_date[gte]=2026-02-28", vec![1, 3]),
        ("booking_date[gt]=2026-02-01", vec![1, 3]),
        ("booking_date[lte]=2026-01-31", vec![4, 0]),
        ("booking_date[lt]=2026-01-31", vec![4]),
        ("booking_date[gte]=2026-01-31&booking_date[lt]=2026-02-28", vec![0, 2]),
        ("amount=10&currency=EUR", vec![0]),
        ("amount[gte]=10.00&currency=EUR", vec![0, 1, 3]),
        ("amount[gt]=10.00&currency=EUR", vec![1, 3]),
        ("amount[lte]=9.99&currency=EUR", vec![4, 2]),
        ("amount[lt]=10&currency=EUR", vec![4, 2]),
        ("amount[gt]=9.99&amount[lt]=100&currency=EUR", vec![0, 1]),
        ("currency=EUR", vec![4, 0, 2, 1, 3]),
        ("currency=CHF", vec![]),
        ("currency[in]=CHF,EUR", vec![4, 0, 2, 1, 3]),
        ("direction=debit", vec![4, 1]),
        ("status=pending", vec![2]),
        ("status[in]=pending,information", vec![2, 3]),
        ("direction=credit&status=booked&booking_date[lt]=2026-02-01", vec![0]),
        ("direction=debit&amount[gt]=0&currency=EUR&status[in]=booked,pending", vec![1]),
        ("booking_date[gt]=2026-12-31", vec![]),
    ] {
        assert_eq!(set.find(0, query).await, expected, "{query}");
    }
    let reference = format!("reference={}-6", set.prefix);
    assert_eq!(set.find(1, &reference).await, [6]);
    assert_eq!(set.find(0, &reference).await, [0; 0], "on the other account");
}

#[tokio::test]
async fn a_reconciliation_team_finds_by_counterparty_reference_text_and_value_date() {
    let server = Server::shared();
    let account = data::unique("reconciled");
    let line = |place: usize, more: Value| {
        let mut line = data::transaction(&format!("{account}-{place}"));
        line["account"] = json!(account);
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        line
    };
    let lines = [
        line(
            0,
            json!({"value_date": "2026-03-01", "end_to_end_id": "RENT-03",
                       "counterparty": {"name": "Gärtnerei Süßmilch", "account": "AT560000000012345864"}}),
        ),
        line(1, json!({"value_date": "2026-03-05", "remittance_information": "MIETE MÄRZ, Wohnung 7"})),
        line(2, json!({"remittance_information": "100% of a_b\\c", "counterparty": {"name": "ÖBB"}})),
    ];
    server.feeder().await.deliver(server.institution(0), &data::ndjson(&lines)).await.ok();
    let system = server.system(0).await;
    let found = system.get(&format!("/v1/accounts?reference={account}")).await.ok();
    let account_id = found["data"][0]["id"].as_str().unwrap();
    let all = system.pages(&format!("/v1/transactions?account_id={account_id}&sort=seq")).await;
    let id = |place: usize| all[place]["id"].as_str().unwrap().to_owned();
    for (name, value, expected) in [
        ("value_date", "2026-03-01", vec![0]),
        ("value_date[gt]", "2026-03-01", vec![1]),
        ("value_date[lte]", "2026-03-05", vec![0, 1]),
        ("end_to_end_id", "RENT-03", vec![0]),
        ("counterparty_account", "AT560000000012345864", vec![0]),
        ("counterparty_name[contains]", "süßmilch", vec![0]),
        ("counterparty_name[contains]", "öbb", vec![2]),
        ("remittance_information[contains]", "märz", vec![1]),
        ("remittance_information[contains]", "%", vec![2]),
        ("remittance_information[contains]", "a_b\\c", vec![2]),
        ("remittance_information[contains]", "a_b_c", vec![]),
        ("id[in]", &format!("{},{}", id(2), id(0)), vec![0, 2]),
    ] {
        let request = system.request(reqwest::Method::GET, "/v1/transactions").query(&[
            ("account_id", account_id),
            ("sort", "seq"),
            (name, value),
        ]);
        let page = system.send(request).await.ok();
        let references: Vec<&str> =
            page["data"].as_array().unwrap().iter().map(|one| one["reference"].as_str().unwrap()).collect();
        let expected: Vec<String> = expected.iter().map(|place| format!("{account}-{place}")).collect();
        assert_eq!(references, expected, "{name}={value}");
    }
}

#[tokio::test]
async fn sorts_go_both_ways_and_ledger_order_breaks_ties() {
    let set = Set::delivered(Server::shared()).await;
    for (sort, expected) in [
        ("", [4, 0, 2, 1, 3]),
        ("sort=booking_date", [4, 0, 2, 1, 3]),
        ("sort=-booking_date", [3, 1, 2, 0, 4]),
        ("sort=seq", [0, 1, 2, 3, 4]),
        ("sort=-seq", [4, 3, 2, 1, 0]),
    ] {
        assert_eq!(set.find(0, sort).await, expected, "{sort}");
    }
}

#[tokio::test]
async fn fields_cut_a_record_down_and_id_stays() {
    let set = Set::delivered(Server::shared()).await;
    let path = format!("/v1/transactions?account_id={}&fields=amount,direction", set.accounts[1]);
    let page = set.system.get(&path).await.ok();
    let expected: Vec<Value> = [5, 6]
        .map(|place| {
            let whole: &Value = &set.all[place];
            json!({"amount": whole["amount"], "direction": whole["direction"], "id": whole["id"]})
        })
        .to_vec();
    assert_eq!(page["data"], json!(expected));
    let path = format!("/v1/transactions/{}?fields=reference", set.all[0]["id"].as_str().unwrap());
    let one = set.system.get(&path).await.ok();
    assert_eq!(one["data"], json!({"id": set.all[0]["id"], "reference": set.all[0]["reference"]}));
}

#[tokio::test]
async fn a_query_that_makes_no_sense_is_refused_and_its_parameter_named() {
    let system = Server::shared().system(0).await;
    let many = vec!["x"; 101].join(",");
    for (query, code, place, hint) in [
        ("acount_id=1", "unknown_parameter", "", "did you mean \"account_id\"?"),
        ("booking_date[gtee]=2026-01-01", "unknown_parameter", "", "booking_date[gte]"),
        ("limit=1&limit=1", "invalid_parameter", "?limit", "once"),
        ("limit=0", "invalid_parameter", "?limit", "1 to 500"),
        ("limit=501", "invalid_parameter", "?limit", "1 to 500"),
        ("limit=ten", "invalid_parameter", "?limit", ""),
        ("limit=101&proof=inclusion", "invalid_parameter", "?limit", "1 to 100"),
        ("sort=amount", "invalid_parameter", "?sort", "-booking_date"),
        ("fields=secret", "invalid_parameter", "?fields", "secret"),
        ("fields=", "invalid_parameter", "?fields", ""),
        ("fields=id&proof=inclusion", "invalid_parameter", "?fields", "whole"),
        ("proof=maybe", "invalid_parameter", "?proof", "inclusion"),
        ("account_id=txn_0190163d8694739bba1a9fbee4e5c1b2", "invalid_parameter", "?account_id", ""),
        ("booking_date=2026-02-30", "invalid_parameter", "?booking_date", ""),
        ("booking_date[lt]=yesterday", "invalid_parameter", "?booking_date[lt]", ""),
        ("amount=5", "invalid_parameter", "?amount", "currency="),
        ("amount=5&currency[in]=EUR,CHF", "invalid_parameter", "?amount", "one currency"),
        ("amount=5.001&currency=EUR", "invalid_parameter", "?amount", "2 decimals"),
        ("amount=-5&currency=EUR", "invalid_parameter", "?amount", ""),
        ("id[in]=1", "invalid_parameter", "?id[in]", "ids"),
        ("as_of=999999999999", "invalid_parameter", "?as_of", "last entry"),
        ("as_of=-1", "invalid_parameter", "?as_of", ""),
        ("currency=EURO", "invalid_parameter", "?currency", ""),
        ("currency[in]=EUR,,CHF", "invalid_parameter", "?currency[in]", "list"),
        ("direction=up", "invalid_parameter", "?direction", "credit, debit"),
        ("status=done", "invalid_parameter", "?status", "booked"),
        ("status[in]=booked,done", "invalid_parameter", "?status[in]", "booked"),
        (&format!("reference[in]={many}"), "invalid_parameter", "?reference[in]", "100"),
    ] {
        let problem = system.get(&format!("/v1/transactions?{query}")).await.problem(400, code);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(hint), "{query}: {detail}");
        let pointer = problem["errors"][0]["pointer"].as_str().unwrap_or_default();
        assert_eq!(pointer, place, "{query}: {problem}");
    }
}

#[tokio::test]
async fn a_record_is_served_byte_for_byte_as_canonical_json_and_proven() {
    let server = Server::shared();
    let set = Set::delivered(server).await;
    let id = set.all[3]["id"].as_str().unwrap();
    let answer = set.system.get(&format!("/v1/transactions/{id}?proof=inclusion")).await;
    let payload = proof::raw_item(&answer);
    assert_eq!(payload, proof::canonical(&set.all[3]));
    let checkpoint = proof::verify(&answer.json()["proof"], &payload, server.vkey(0));
    assert_eq!(checkpoint.origin, server.demo["institutions"][0]["origin"]);
}

#[tokio::test]
async fn each_record_of_a_page_is_proven_against_one_checkpoint() {
    let server = Server::shared();
    let set = Set::delivered(server).await;
    let path = format!("/v1/transactions?account_id={}&limit=4&proof=inclusion", set.accounts[0]);
    let answer = set.system.get(&path).await;
    let (payloads, page) = (proof::raw_list(&answer), answer.json());
    let proofs = page["proofs"].as_array().unwrap();
    assert_eq!((payloads.len(), proofs.len()), (4, 4));
    let checkpoints =
        payloads.iter().zip(proofs).map(|(payload, proof)| proof::verify(proof, payload, server.vkey(0)));
    let checkpoints: Vec<_> = checkpoints.collect();
    assert!(checkpoints.iter().all(|checkpoint| *checkpoint == checkpoints[0]));
}

#[tokio::test]
async fn the_receipt_leads_to_the_entry_that_holds_the_digest_of_what_was_sent() {
    let server = Server::shared();
    let system = server.system(0).await;
    let path = "/v1/transactions?limit=3&sort=-seq&fields=id";
    let request = system.request(reqwest::Method::GET, path).header("x-request-id", data::unique("look"));
    let answer = system.send(request).await;
    let digest = answer.header("content-digest").unwrap().to_owned();
    assert_eq!(digest, proof::content_digest(&answer.body));
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));

    let (origin, seq) = answer.receipt();
    assert_eq!(origin, server.demo["institutions"][0]["origin"].as_str().unwrap());
    let entry = system.get(&format!("/v1/ledger/entries/{seq}")).await.ok();
    let looks = entry["payload"]["accesses"].as_array().unwrap();
    let request = answer.header("x-request-id").unwrap();
    let look =
        looks.iter().find(|look| look["request"] == request).expect("the look, among those of the entry");
    assert_eq!(look["digest"], digest);
    assert_eq!((&look["path"], &look["status"]), (&json!(path), &json!(200)));
    assert_eq!(look["actor"], system.client_id);
}

#[tokio::test]
async fn what_is_not_there_or_somebody_elses_is_not_found() {
    let server = Server::shared();
    let set = Set::delivered(server).await;
    let other = server.system(1).await;
    let id = set.all[0]["id"].as_str().unwrap();
    for id in [id, "txn_0190163d8694739bba1a9fbee4e5c1b2", "acc_0190163d8694739bba1a9fbee4e5c1b2", "x", "%00"]
    {
        other.get(&format!("/v1/transactions/{id}")).await.problem(404, "not_found");
    }
    let theirs = other.get(&format!("/v1/transactions?account_id={}", set.accounts[0])).await.ok();
    assert_eq!(theirs["data"], json!([]), "filters don't reach over");
    let theirs = other.get(&format!("/v1/transactions?reference={}-0", set.prefix)).await.ok();
    assert_eq!(theirs["data"], json!([]));
}

#[tokio::test]
async fn the_service_records_a_delivery_under_the_feeders_name() {
    let server = Server::shared();
    let reference = data::unique("found");
    let feeder = server.feeder().await;
    let delivered =
        feeder.deliver(server.institution(0), &data::ndjson(&[data::transaction(&reference)])).await;
    assert_eq!(delivered.status, 201);
    let receipt = delivered.receipt();
    let record = delivered.ok()["records"][0].clone();
    assert_eq!(record["seq"], receipt.1.to_string(), "the receipt is the record's");

    let found = Ledger::of(server).naming(server.institution(0), &reference).await;
    let kinds: Vec<&str> = found.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["record", "record"], "the account that it opened, and itself");
    let entry = server.system(0).await.get(&format!("/v1/ledger/entries/{}", receipt.1)).await.ok();
    let entry: Value = serde_json::from_str(entry["entry"].as_str().unwrap()).unwrap();
    assert_eq!(entry["actor"], feeder.client_id);
    assert_eq!(entry["subject"], json!({"id": record["id"], "kind": "transaction"}));
}
