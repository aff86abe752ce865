//! `/admin/v1/feeds`, `/admin/v1/logs`, `/admin/v1/figures`: how feeds and logs stand, and what a replica counted.

use serde_json::{Value, json};

use crate::support::{
    Caller, Ledger, Server,
    bank::Bank,
    behind::{Behind, behind},
    data,
    ledger::uuid,
};

const NDJSON: &str = "application/x-ndjson";

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn number(value: &Value) -> i64 {
    text(value).parse().unwrap()
}

/// The row of an institution in a list, and how many there are of it.
async fn row_of(operator: &Caller, path: &str, institution: &str) -> Value {
    let (mut found, mut seen) = (Vec::new(), Vec::new());
    let mut next = path.to_owned();
    loop {
        let page = operator.get(&next).await.ok();
        for row in page["data"].as_array().unwrap() {
            seen.push(text(&row["institution"]).to_owned());
            if row["institution"] == institution {
                found.push(row.clone());
            }
        }
        let Some(after) = page["next_after"].as_str() else { break };
        let joint = if path.contains('?') { '&' } else { '?' };
        next = format!("{path}{joint}after={after}");
    }
    assert!(seen.is_sorted(), "by id");
    assert_eq!(found.len(), 1, "{institution} stands once in {path}");
    found.remove(0)
}

#[tokio::test]
async fn a_log_is_told_with_its_size_its_checkpoint_and_its_last_check() {
    let server = Server::demo(&[]);
    let operator = server.operator().await;
    let institution = server.institution(0);
    let grant = server.grant_to_come(0, &["reports:read"]).await;
    let log = row_of(&operator, "/admin/v1/logs", institution).await;
    let own = server.system(0).await.get("/v1/institution").await.ok();
    assert_eq!((&log["name"], &log["origin"]), (&own["name"], &own["log"]["origin"]));
    assert_eq!(
        (&log["role"], &log["stopped"], &log["check"]),
        (&json!("institution"), &json!(null), &json!(null))
    );
    assert!(number(&log["size"]) > 1_000 && number(&log["size"]) <= number(&own["log"]["size"]), "{log}");
    assert!((1..=number(&log["size"])).contains(&number(&log["checkpoint"]["size"])), "{log}");
    assert!(log["checkpoint"]["signed_at"].is_string() && log["last_entry_at"].is_string(), "{log}");
    assert_eq!(log["unsigned_since"].is_null(), log["checkpoint"]["size"] == log["size"], "{log}");
    let provider = Ledger::of(&server).provider().await;
    assert_eq!(row_of(&operator, "/admin/v1/logs", &provider).await["role"], "provider");

    let fsck = server.run(&["fsck"]);
    assert!(fsck.status.success(), "{}", String::from_utf8_lossy(&fsck.stdout));
    for log in [institution, server.institution(1), &provider] {
        let log = row_of(&operator, "/admin/v1/logs", log).await;
        assert_eq!(log["check"]["fault"], json!(null), "{log}");
        assert!((1..=number(&log["size"])).contains(&number(&log["check"]["size"])), "{log}");
    }

    // A row that says more than its payload.
    let rows = Behind::of(server.data_dir());
    let sql =
        "UPDATE grants SET scopes = 'institution:read ledger:read' WHERE institution_id = $1 AND id = $2";
    let id = uuid(text(&grant["id"]));
    let done = behind!(&rows, pool => {
        let query = sqlx::query(sql).bind(uuid(institution)).bind(id);
        query.execute(pool).await.map(|done| done.rows_affected())
    });
    assert_eq!(done.unwrap(), 1);
    rows.close().await;
    let before = row_of(&operator, "/admin/v1/logs", institution).await;
    assert!(!server.run(&["fsck", "--institution", institution]).status.success());
    let log = row_of(&operator, "/admin/v1/logs", institution).await;
    let fault = format!("entry {}: its grant's row says something else", text(&grant["seq"]));
    assert_eq!(log["check"]["fault"], fault, "the last check takes the place of the one before");
    assert!(text(&log["check"]["checked_at"]) > text(&before["check"]["checked_at"]), "{log}");
    let other = row_of(&operator, "/admin/v1/logs", server.institution(1)).await;
    assert_eq!(other["check"]["fault"], json!(null), "each log has its own");
}

#[tokio::test]
async fn a_feed_is_who_delivers_files_in_a_format_and_batches_count_for_the_institution() {
    let server = Server::shared();
    let (operator, bank) = (server.operator().await, Bank::new(server).await);
    let feeds = async || row_of(&operator, "/admin/v1/feeds", &bank.id).await;
    let none = feeds().await;
    let expected = json!({
        "institution": bank.id, "name": "Feeding bank", "newest_delivery_at": null, "feeds": [],
    });
    assert_eq!(none, expected);

    // What comes record by record names no feed.
    bank.feeder.deliver(&bank.id, &data::ndjson(&[data::transaction(&data::unique("f"))])).await.ok();
    let delivered = feeds().await;
    assert_eq!(delivered["feeds"], json!([]));
    let first = text(&delivered["newest_delivery_at"]).to_owned();

    let later = data::transaction(&data::unique("f"));
    let looked =
        bank.take("format=ndjson&dry_run=true", NDJSON, data::ndjson(std::slice::from_ref(&later))).await;
    assert_eq!(looked["state"], "examined", "{looked}");
    assert_eq!(feeds().await["feeds"], json!([]), "a dry run delivers nothing");

    let intake = bank.take("format=ndjson", NDJSON, data::ndjson(&[later])).await;
    assert_eq!(intake["state"], "stored", "{intake}");
    let told = feeds().await;
    assert!(text(&told["newest_delivery_at"]) > first.as_str(), "{told}");
    let feed = &told["feeds"][0];
    assert_eq!(
        (&feed["deliverer"], &feed["format"]),
        (&server.demo["feeder"]["client_id"], &json!("ndjson"))
    );
    assert!(feed["deliverer_name"].is_string(), "{feed}");
    assert_eq!((&feed["files_30_days"], &feed["records_added_30_days"]), (&json!(1), &json!(1)));
    let newest = json!({
        "intake": intake["id"], "state": "stored", "created_at": intake["created_at"],
        "finished_at": intake["finished_at"], "records": 1, "added": 1, "faults": 0,
    });
    assert_eq!(feed["newest"], newest);

    // A refused file is the newest one, and a second format is a feed of its own.
    let mut wrong = data::transaction(&data::unique("f"));
    wrong["amount"]["amount"] = "1.234".into();
    let refused = bank.take("format=ndjson", NDJSON, data::ndjson(&[wrong])).await;
    let statement = ":20:A\r\n:25:10020030/1234567\r\n:28C:84/1\r\n:60F:C260331EUR10,00\r\n\
                     :61:2603310331D3,50NMSCNONREF//7\r\n:62F:C260331EUR6,50\r\n-\r\n";
    bank.take("format=mt940", "text/plain", statement).await;
    let told = feeds().await;
    let formats: Vec<&str> =
        told["feeds"].as_array().unwrap().iter().map(|feed| text(&feed["format"])).collect();
    assert_eq!(formats, ["mt940", "ndjson"]);
    let newest = &told["feeds"][1]["newest"];
    assert_eq!((&newest["intake"], &newest["state"]), (&refused["id"], &json!("refused")));
    assert_eq!(newest["faults"], 1);
    let feed = &told["feeds"][1];
    assert_eq!((&feed["files_30_days"], &feed["records_added_30_days"]), (&json!(2), &json!(1)));

    // How fresh records are, alone.
    let alone = row_of(&operator, "/admin/v1/feeds?feeds=false", &bank.id).await;
    let expected = json!({
        "institution": bank.id, "name": "Feeding bank", "newest_delivery_at": told["newest_delivery_at"],
    });
    assert_eq!(alone, expected);
    operator.get("/admin/v1/feeds?feeds=no").await.problem(400, "invalid_parameter");
}

#[tokio::test]
async fn the_figures_are_what_the_replica_has_counted() {
    let server = Server::demo(&[]);
    let operator = server.operator().await;
    let figures = async || operator.get("/admin/v1/figures").await.ok();
    let before = figures().await;
    assert_eq!(before["limits"]["held"], "local", "there is no Redis");
    let limits: Vec<&Value> =
        before["limits"]["decisions"].as_array().unwrap().iter().map(|row| &row["limit"]).collect();
    assert_eq!(limits, ["address", "institution", "client"]);
    let system = server.system(0).await;
    for _ in 0..3 {
        system.get("/v1/transactions?limit=1").await.ok();
        system.get("/v1/transactions/txn_0190163d8694739bba1a9fbee4e5c1b2").await.problem(404, "not_found");
    }
    let after = figures().await;
    assert_eq!(after["since"], before["since"]);
    let grown = |pointer: &str| {
        let at = |figures: &Value| figures.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
        at(&after) - at(&before)
    };
    assert!(grown("/requests/answered") >= 6, "{after}");
    assert!(grown("/recorder/commands") >= 4, "{after}");
    assert!((1..=grown("/recorder/commands")).contains(&grown("/recorder/batches")), "{after}");
    assert!(grown("/limits/decisions/2/admitted") >= 6, "{after}");
    let count = |figures: &Value, status: i64| {
        let mut rows = figures["requests"]["refused"].as_array().unwrap().iter();
        rows.find(|row| row["status"] == status).map_or(0, |row| row["requests"].as_i64().unwrap())
    };
    assert_eq!(count(&after, 404) - count(&before, 404), 3, "{after}");
    for spread in [&after["recorder"]["commit"], &after["requests"]["answer"]] {
        let (median, p99) = (spread["median_ms"].as_f64().unwrap(), spread["p99_ms"].as_f64().unwrap());
        assert!(median > 0.0 && median <= p99, "{spread}");
    }
    assert_eq!(after["recorder"]["batches"], after["recorder"]["commit"]["samples"]);
    assert!(after["requests"]["in_flight"].as_i64().unwrap() >= 1, "this request itself: {after}");
}

#[tokio::test]
async fn one_client_is_told_with_whose_it_is() {
    let server = Server::shared();
    let operator = server.operator().await;
    let client = text(&server.demo["institutions"][0]["clients"][0]["client_id"]);
    let told = operator.get(&format!("/admin/v1/clients/{client}")).await.ok();
    assert_eq!((&told["client_id"], &told["institution"]), (&json!(client), &json!(server.institution(0))));
    assert!(told.get("client_secret").is_none(), "{told}");
    let nobody = "/admin/v1/clients/cli_0190163d8694739bba1a9fbee4e5c1b2";
    operator.get(nobody).await.problem(404, "not_found");
}

#[tokio::test]
async fn how_things_stand_is_for_operators_and_takes_no_unknown_parameter() {
    let server = Server::shared();
    let operator = server.operator().await;
    let mut system = server.system(0).await;
    server.admin_url().clone_into(&mut system.base_url);
    for path in ["/admin/v1/feeds", "/admin/v1/logs", "/admin/v1/figures"] {
        system.get(path).await.problem(403, "insufficient_scope");
        operator.get(&format!("{path}?limit=1")).await.problem(400, "unknown_parameter");
    }
    for path in ["/admin/v1/feeds", "/admin/v1/logs"] {
        operator.get(&format!("{path}?after=x")).await.problem(400, "invalid_parameter");
        let beyond = operator.get(&format!("{path}?after=ins_ffffffffffff7fffbfffffffffffffff")).await.ok();
        assert_eq!(beyond, json!({"data": [], "next_after": null}));
    }
}
