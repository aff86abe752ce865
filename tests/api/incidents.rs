//! `/admin/v1/incidents` and `/v1/status`: what operators tell, and what everybody reads.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Answer, Caller, Ledger, Server,
    behind::{Behind, behind},
    data,
    ledger::uuid,
};

const INCIDENTS: &str = "/admin/v1/incidents";

fn new(title: &str) -> Value {
    json!({"title": title, "impact": "minor", "components": ["ledger", "api", "ledger"], "text": "we look why"})
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn update(operator: &Caller, incident: &Value, update: &Value) -> Answer {
    operator.post(&format!("{INCIDENTS}/{}/updates", text(&incident["id"])), update).await
}

#[tokio::test]
async fn each_incident_and_each_update_is_an_entry_of_the_providers_log() {
    let mut server = Server::demo(&[]);
    let operator = server.operator().await;
    let answer = operator.post(INCIDENTS, &new("Reports are late")).await;
    assert_eq!(answer.status, 201);
    let receipt = answer.receipt();
    let made = answer.ok();
    let id = text(&made["id"]).to_owned();
    assert_eq!(made["components"], json!(["api", "ledger"]), "each once, in their order");
    assert_eq!((&made["status"], &made["impact"]), (&json!("investigating"), &json!("minor")));
    assert_eq!(made["seq"], receipt.1.to_string());
    assert_eq!(made["updates"][0]["made_by"], operator.client_id.as_str());

    // What is not said again stays.
    let told = update(&operator, &made, &json!({"status": "monitoring", "text": "mended"})).await.ok();
    assert_eq!((&told["components"], &told["impact"]), (&made["components"], &made["impact"]));
    let last = json!({"status": "resolved", "impact": "none", "components": ["api"], "text": "over"});
    let over = update(&operator, &made, &last).await.ok();
    assert_eq!(over["updates"].as_array().unwrap().len(), 3);
    assert_eq!(over["resolved_at"], over["updates"][0]["at"]);
    update(&operator, &made, &last).await.problem(409, "conflict");
    assert_eq!(operator.get(&format!("{INCIDENTS}/{id}")).await.ok(), over);

    let ledger = Ledger::of(&server);
    let provider = ledger.provider().await;
    let found = ledger.naming(&provider, &id).await;
    let told: Vec<(&Value, &Value)> = found
        .iter()
        .filter(|entry| entry.kind == "admin")
        .map(|entry| (&entry.payload["action"], &entry.payload["status"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!("incident.open"), &json!("investigating")),
            (&json!("incident.update"), &json!("monitoring")),
            (&json!("incident.update"), &json!("resolved")),
        ]
    );

    // The rows say what the entries say.
    assert!(server.terminate().success());
    let checked = server.run(&["fsck", "--institution", &provider]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[tokio::test]
async fn everybody_reads_what_was_told_but_not_who_told_it() {
    let server = Server::demo(&[]);
    let (operator, anybody) = (server.operator().await, server.stranger());
    let made = server.incident(&new("Reports are late")).await;
    let answer = anybody.get("/v1/status").await;
    assert_eq!(answer.header("cache-control"), Some("public, max-age=10"));
    let status = answer.ok();
    assert_eq!(status["open"][0]["id"], made["id"]);
    assert_eq!(status["open"][0]["updates"][0]["text"], "we look why");
    update(&operator, &made, &json!({"status": "identified", "text": "we know why"})).await.ok();
    let status = anybody.get("/v1/status").await.ok();
    assert_eq!(status["open"][0]["updates"].as_array().unwrap().len(), 1, "the newest alone");
    assert_eq!(status["open"][0]["updates"][0]["text"], "we know why");
    let answer = anybody.get(&format!("/v1/status/incidents/{}", text(&made["id"]))).await;
    assert_eq!(answer.header("audit-receipt"), None, "it is nobody's data");
    let one = answer.ok();
    let texts: Vec<&str> =
        one["updates"].as_array().unwrap().iter().map(|update| text(&update["text"])).collect();
    assert_eq!(texts, ["we know why", "we look why"]);
    assert!(!one.to_string().contains("made_by") && !one.to_string().contains("cli_"), "{one}");
    for unknown in ["inc_0190163d8694739bba1a9fbee4e5c1b2", "nonsense"] {
        anybody.get(&format!("/v1/status/incidents/{unknown}")).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn what_can_not_be_told_so_is_refused_and_nothing_of_it_is_told() {
    let server = Server::demo(&[]);
    let operator = server.operator().await;
    for (change, pointer, code) in [
        (json!({"title": ""}), "/title", "invalid_text"),
        (json!({"title": "x".repeat(201)}), "/title", "invalid_text"),
        (json!({"title": "two\nlines"}), "/title", "invalid_text"),
        (json!({"text": "x".repeat(2001)}), "/text", "invalid_text"),
        (json!({"components": []}), "/components", "too_few"),
        (json!({"status": "resolved"}), "/status", "resolved_at_once"),
    ] {
        let mut order = new("x");
        order.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let problem = operator.post(INCIDENTS, &order).await.problem(422, "refused");
        let fault = &problem["errors"][0];
        assert_eq!((&fault["pointer"], &fault["code"]), (&json!(pointer), &json!(code)), "{problem}");
    }
    for change in [json!({"impact": "huge"}), json!({"components": ["moon"]}), json!({"more": 1})] {
        let mut order = new("x");
        order.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        operator.post(INCIDENTS, &order).await.problem(400, "malformed_body");
    }
    assert_eq!(server.stranger().get("/v1/status").await.ok()["open"], json!([]));
    let made = server.incident(&new("x")).await;
    update(&operator, &made, &json!({"status": "monitoring", "text": ""})).await.problem(422, "refused");
    let none = json!({"id": "inc_0190163d8694739bba1a9fbee4e5c1b2"});
    update(&operator, &none, &json!({"status": "monitoring", "text": "x"})).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_call_that_is_repeated_under_its_key_tells_once() {
    let server = Server::demo(&[]);
    let operator = server.operator().await;
    let post = async |path: &str, body: &Value, key: &str| {
        operator.send(operator.request(Method::POST, path).header("idempotency-key", key).json(body)).await
    };
    let first = post(INCIDENTS, &new("once"), "a").await.ok();
    let again = post(INCIDENTS, &new("once"), "a").await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.ok()["id"], first["id"]);
    let path = format!("{INCIDENTS}/{}/updates", text(&first["id"]));
    let over = json!({"status": "resolved", "text": "over"});
    post(&path, &over, "b").await.ok();
    // It is resolved now, and a repeated call is still answered as the first one.
    let again = post(&path, &over, "b").await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.ok()["updates"].as_array().unwrap().len(), 2);
    let list = operator.get(INCIDENTS).await.ok();
    assert_eq!(list["data"].as_array().unwrap().len(), 1, "{list}");
}

#[tokio::test]
async fn incidents_are_listed_once_each_the_newest_first() {
    let most = "1000000";
    let server = Server::demo_with(
        &[],
        &[("VERITRAIL_LIMITS__ADDRESS_PER_SECOND", most), ("VERITRAIL_LIMITS__ADDRESS_BURST", most)],
    );
    server.lift_limits();
    let operator = server.operator().await;
    let mut made = Vec::new();
    for _ in 0..103 {
        let one = operator.post(INCIDENTS, &new(&data::unique("i"))).await.ok();
        made.push(text(&one["id"]).to_owned());
    }
    let first = operator.get(INCIDENTS).await.ok();
    assert_eq!(first["data"].as_array().unwrap().len(), 100);
    let rest = operator.get(&format!("{INCIDENTS}?before={}", text(&first["next_before"]))).await.ok();
    assert_eq!(rest["next_before"], Value::Null);
    let both = first["data"].as_array().unwrap().iter().chain(rest["data"].as_array().unwrap());
    let listed: Vec<&str> = both.map(|one| text(&one["id"])).collect();
    made.reverse();
    assert_eq!(listed, made);
    operator.get(&format!("{INCIDENTS}?before=nonsense")).await.problem(400, "invalid_parameter");
    // Everybody is told of the newest ones.
    let status = server.stranger().get("/v1/status").await.ok();
    let told: Vec<&str> = status["open"].as_array().unwrap().iter().map(|one| text(&one["id"])).collect();
    assert_eq!(told, made[..50]);
}

#[tokio::test]
async fn an_update_of_somebody_who_has_not_seen_the_newest_one_is_not_told() {
    let server = Server::demo(&[]);
    let operator = server.operator().await;
    let made = server.incident(&new("x")).await;
    let with = |after: &Value, text: &str| json!({"status": "monitoring", "text": text, "after": after});
    let told = update(&operator, &made, &with(&made["seq"], "first")).await.ok();
    let late = update(&operator, &made, &with(&made["seq"], "late")).await;
    let problem = late.problem(409, "conflict");
    assert!(text(&problem["detail"]).contains("somebody else"), "{problem}");
    let again = update(&operator, &made, &with(&told["updates"][0]["seq"], "second")).await.ok();
    let texts: Vec<&str> =
        again["updates"].as_array().unwrap().iter().map(|update| text(&update["text"])).collect();
    assert_eq!(texts, ["second", "first", "we look why"]);
    for after in ["", "-1", "+1", "1.0", "0000000000000000001"] {
        let problem = update(&operator, &made, &with(&after.into(), "x")).await.problem(422, "refused");
        assert_eq!(problem["errors"][0]["pointer"], "/after", "{problem}");
    }
    // A call that is repeated under its key is answered as the first one, though it is no longer the newest.
    let path = format!("{INCIDENTS}/{}/updates", text(&made["id"]));
    let body = with(&again["updates"][0]["seq"], "third");
    let send = async || {
        let request = operator.request(Method::POST, &path).header("idempotency-key", "after").json(&body);
        operator.send(request).await
    };
    send().await.ok();
    assert_eq!(send().await.header("idempotency-replayed"), Some("true"));
}

#[tokio::test]
async fn fsck_finds_an_incident_whose_row_was_rolled_back_or_redated() {
    let mut server = Server::demo(&[]);
    let operator = server.operator().await;
    let made = server.incident(&new("x")).await;
    let told = update(&operator, &made, &json!({"status": "monitoring", "text": "mended"})).await.ok();
    let over = update(&operator, &made, &json!({"status": "resolved", "text": "over"})).await.ok();
    let provider = Ledger::of(&server).provider().await;
    assert!(server.terminate().success());
    let fsck = || {
        let output = server.run(&["fsck", "--institution", &provider]);
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.success(), said.concat())
    };
    let id = uuid(text(&made["id"]));
    let change = async |table: &str, change: &str, place: &str| {
        let sql = format!("UPDATE {table} SET {change} WHERE {place} = $1");
        let rows = Behind::of(server.data_dir());
        let done = behind!(&rows, pool => {
            let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id);
            query.execute(pool).await.map(|done| done.rows_affected())
        });
        rows.close().await;
        done.unwrap()
    };
    let (clean, said) = fsck();
    assert!(clean, "{said}");
    let (first, second, last) = (&made["seq"], &told["updates"][0]["seq"], &over["updates"][0]["seq"]);
    // As it stood after the second update, to the last column.
    let back = format!(
        "last_seq = {}, status = 'monitoring', updates = 2, resolved_at_us = NULL, updated_at_us = \
         (SELECT at_us FROM incident_updates WHERE seq = {})",
        text(second),
        text(second)
    );
    let forth = format!(
        "last_seq = {0}, status = 'resolved', updates = 3, resolved_at_us = \
         (SELECT at_us FROM incident_updates WHERE seq = {0}), updated_at_us = \
         (SELECT at_us FROM incident_updates WHERE seq = {0})",
        text(last)
    );
    let redated = |column: &str, by: &str| format!("{column} = {column} {by} 1");
    for (table, altered, mended, place, entry) in [
        ("incidents", back, forth, "id", last),
        ("incidents", redated("opened_at_us", "-"), redated("opened_at_us", "+"), "id", first),
        ("incidents", redated("updated_at_us", "-"), redated("updated_at_us", "+"), "id", last),
        ("incidents", redated("resolved_at_us", "-"), redated("resolved_at_us", "+"), "id", last),
        ("incident_updates", redated("at_us", "-"), redated("at_us", "+"), "incident_id", first),
    ] {
        assert!(change(table, &altered, place).await > 0, "{altered}");
        let (clean, said) = fsck();
        let fault = format!("entry {}: its incident's row says something else", text(entry));
        assert!(!clean && said.contains(&fault), "{altered}: {said}");
        change(table, &mended, place).await;
        let (clean, said) = fsck();
        assert!(clean, "{mended}: {said}");
    }
}
