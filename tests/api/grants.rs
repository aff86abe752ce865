//! `/v1/grants`: an institution lets a regulator see what it names, for a time, and its ledger says so.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Ledger, Server,
    behind::{Behind, behind},
    data,
    grants::in_s,
    ledger::uuid,
    server::run_in,
};

const GRANTS: &str = "/v1/grants";
const DAY_S: i64 = 24 * 3600;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn path(grant: &Value) -> String {
    format!("{GRANTS}/{}", text(&grant["id"]))
}

/// An order that can be done.
fn order(server: &Server) -> Value {
    json!({
        "email": server.regulator(), "scopes": ["transactions:read"], "until": in_s(DAY_S),
        "purpose": data::unique("review"),
    })
}

/// The same with some members changed.
fn with(server: &Server, changes: Value) -> Value {
    let mut whole = order(server);
    whole.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    whole
}

#[tokio::test]
async fn a_grant_is_made_and_revoked_and_both_are_on_the_institutions_ledger() {
    let server = Server::shared();
    let (system, institution) = (server.system(0).await, server.institution(0));
    let wanted = with(server, json!({"email": server.regulator().to_uppercase()}));
    let made = system.post(GRANTS, &wanted).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let (_, seq) = made.receipt();
    let grant = made.json();
    assert_eq!(made.header("location"), Some(path(&grant).as_str()));
    assert_eq!(grant["state"], "live");
    assert_eq!(grant["email"], server.regulator());
    // The institution itself is always part of it.
    assert_eq!(grant["scopes"], json!(["institution:read", "transactions:read"]));
    assert_eq!(grant["seq"], seq.to_string());
    assert_eq!(grant["made_by"], system.client_id.as_str());
    assert_eq!(system.get(&path(&grant)).await.ok(), grant);

    let revocation = format!("{}/revocation", path(&grant));
    let revoked = system.post(&revocation, &json!({"reason": "the <review> is closed"})).await;
    assert_eq!(revoked.status, 200, "{}", revoked.text());
    let (_, revoked_seq) = revoked.receipt();
    let revoked = revoked.json();
    assert_eq!(revoked["state"], "revoked");
    assert_eq!(revoked["revoked_seq"], revoked_seq.to_string());
    assert_eq!(revoked["revoked_by"], system.client_id.as_str());
    assert_eq!(revoked["reason"], "the <review> is closed");
    system.post(&revocation, &json!({"reason": "again"})).await.problem(409, "conflict");

    let told = Ledger::of(server).naming(institution, text(&grant["id"])).await;
    let told: Vec<&Value> =
        told.iter().filter(|entry| entry.kind == "grant").map(|entry| &entry.payload).collect();
    let said = json!({
        "action": "make", "email": server.regulator(), "from": grant["from"], "id": grant["id"],
        "purpose": wanted["purpose"], "scopes": ["institution:read", "transactions:read"], "type": "grant",
        "until": grant["until"], "user": grant["user"],
    });
    let ended = json!({
        "action": "revoke", "id": grant["id"], "reason": "the <review> is closed", "type": "grant",
    });
    assert_eq!(told, [&said, &ended]);
}

#[tokio::test]
async fn what_can_not_be_granted_is_refused_with_its_place() {
    let server = Server::shared();
    let (system, institution) = (server.system(0).await, server.institution(0));
    let officer = server.demo["institutions"][0]["users"].as_array().unwrap();
    let officer = officer.iter().find(|user| user["role"] == "compliance-officer").unwrap();
    for (changes, place, code) in [
        (json!({"email": "nobody@supervisor.example"}), "/email", "unknown_regulator"),
        (json!({"email": officer["email"]}), "/email", "unknown_regulator"),
        (json!({"email": ""}), "/email", "invalid_text"),
        (json!({"scopes": []}), "/scopes", "too_few"),
        (json!({"scopes": ["ledger:read", "reports:write"]}), "/scopes/1", "not_for_regulators"),
        (json!({"scopes": ["grants:manage"]}), "/scopes/0", "not_for_regulators"),
        (json!({"scopes": ["admin"]}), "/scopes/0", "not_for_regulators"),
        (json!({"until": in_s(-1)}), "/until", "too_early"),
        (json!({"until": "tomorrow"}), "/until", "invalid_time"),
        (json!({"until": in_s(367 * DAY_S)}), "/until", "too_late"),
        (json!({"from": in_s(2 * DAY_S)}), "/until", "too_early"),
        (json!({"from": in_s(-3600)}), "/from", "in_the_past"),
        (json!({"from": in_s(400 * DAY_S), "until": in_s(401 * DAY_S)}), "/from", "too_late"),
        (json!({"purpose": ""}), "/purpose", "invalid_text"),
        (json!({"purpose": "a".repeat(501)}), "/purpose", "invalid_text"),
        (json!({"purpose": "a\nb"}), "/purpose", "invalid_text"),
    ] {
        let refused = system.post(GRANTS, &with(server, changes.clone())).await.problem(422, "refused");
        let fault = &refused["errors"][0];
        assert_eq!(
            (&fault["pointer"], &fault["code"]),
            (&json!(place), &json!(code)),
            "{changes}: {refused}"
        );
    }
    for changes in [json!({"scopes": ["everything"]}), json!({"until": null}), json!({"reach": "all"})] {
        system.post(GRANTS, &with(server, changes)).await.problem(400, "malformed_body");
    }
    let grant = server.grant_to_come(0, &["ledger:read"]).await;
    let revocation = format!("{}/revocation", path(&grant));
    for reason in [String::new(), "a".repeat(501), "a\u{7}b".to_owned()] {
        let refused = system.post(&revocation, &json!({"reason": reason})).await.problem(422, "refused");
        assert_eq!(refused["errors"][0]["pointer"], "/reason");
    }
    assert_eq!(system.get(&path(&grant)).await.ok()["state"], "to_come");
    // Nothing that was refused is on the ledger as granted.
    let told = Ledger::of(server).naming(institution, r#""type":"grant""#).await;
    assert!(told.iter().any(|entry| entry.payload["id"] == grant["id"]));
    assert!(told.iter().all(|entry| entry.payload["email"] != "nobody@supervisor.example"));
}

#[tokio::test]
async fn another_institution_neither_sees_nor_ends_a_grant() {
    let server = Server::shared();
    let grant = server.grant_to_come(0, &["ledger:read"]).await;
    let other = server.system(1).await;
    other.get(&path(&grant)).await.problem(404, "not_found");
    let revocation = format!("{}/revocation", path(&grant));
    other.post(&revocation, &json!({"reason": "not mine"})).await.problem(404, "not_found");
    let all = other.pages(GRANTS).await;
    assert!(all.iter().all(|one| one["id"] != grant["id"]));
    // An operator reaches it by naming the institution, and the institution's ledger has the operator's doing.
    let mut operator = server.operator().await;
    server.base_url().clone_into(&mut operator.base_url);
    operator.get(&path(&grant)).await.problem(400, "missing_parameter");
    let named = format!("{revocation}?institution={}", server.institution(0));
    let revoked = operator.post(&named, &json!({"reason": "asked for by phone"})).await.ok();
    assert_eq!(revoked["revoked_by"], operator.client_id.as_str());
    // The provider's own log is about others: nobody is granted a look at it.
    let provider = Ledger::of(server).provider().await;
    let to_provider = format!("{GRANTS}?institution={provider}");
    operator.post(&to_provider, &order(server)).await.problem(404, "not_found");
    server.system_with(0, "ledger:read").await.get(GRANTS).await.problem(403, "insufficient_scope");
}

#[tokio::test]
async fn a_call_that_is_repeated_makes_one_grant_even_when_its_time_is_over() {
    let server = Server::shared();
    let (system, key) = (server.system(0).await, data::unique("key"));
    let wanted = with(server, json!({"until": in_s(2)}));
    let make = async |wanted: &Value| {
        let request = system.request(Method::POST, GRANTS).json(wanted).header("idempotency-key", &key);
        system.send(request).await
    };
    let first = make(&wanted).await.ok();
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let again = make(&wanted).await.ok();
    assert_eq!(again["id"], first["id"]);
    assert_eq!(again["state"], "ended");
    make(&order(server)).await.problem(422, "idempotency_key_reused");
    // What has ended needs no end.
    let revocation = format!("{}/revocation", path(&first));
    system.post(&revocation, &json!({"reason": "late"})).await.problem(409, "conflict");
}

#[tokio::test]
async fn the_list_has_the_newest_first_and_keeps_to_its_snapshot() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(server.grant_to_come(0, &["reports:read"]).await["id"].clone());
    }
    made.reverse();
    let ids = |all: &[Value]| all.iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&system.pages_of(GRANTS, 2).await), made);
    let first = system.get(&format!("{GRANTS}?limit=2")).await.ok();
    let revocation = format!("{GRANTS}/{}/revocation", text(&made[2]));
    system.post(&revocation, &json!({"reason": "meanwhile"})).await.ok();
    server.grant_to_come(0, &["reports:read"]).await;
    let next = format!("{GRANTS}?limit=2&cursor={}", text(&first["page"]["next_cursor"]));
    let second = system.get(&next).await.ok();
    assert_eq!(second["data"][0]["id"], made[2]);
    assert_eq!(second["data"][0]["state"], "to_come", "it was revoked after the state that is shown");
    assert_eq!(system.get(&format!("{GRANTS}/{}", text(&made[2]))).await.ok()["state"], "revoked");
}

#[tokio::test]
async fn fsck_finds_a_grant_whose_row_says_more_than_the_ledger() {
    let mut server = Server::demo(&[]);
    let grant = server.grant_to_come(0, &["reports:read"]).await;
    let ended = server.grant_to_come(0, &["reports:read"]).await;
    let revocation = format!("{}/revocation", path(&ended));
    let ended = server.system(0).await.post(&revocation, &json!({"reason": "over"})).await.ok();
    assert!(server.terminate().success());
    let (institution, base) = (server.institution(0).to_owned(), server.base_url().to_owned());
    let fsck = || {
        let output = run_in(server.data_dir(), &base, &["fsck", "--institution", &institution]);
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.success(), said.concat())
    };
    let (clean, said) = fsck();
    assert!(clean, "{said}");
    // The last entry first: the walk ends at the first fault.
    for (change, of, entry, what) in [
        ("revoked_seq = NULL, revoked_at_us = NULL", &ended, &ended["revoked_seq"], "is missing"),
        ("until_us = until_us + 1000000", &ended, &ended["seq"], "says something else"),
        ("scopes = 'institution:read ledger:read'", &grant, &grant["seq"], "says something else"),
    ] {
        let sql = format!("UPDATE grants SET {change} WHERE institution_id = $1 AND id = $2");
        let rows = Behind::of(server.data_dir());
        let id = uuid(text(&of["id"]));
        let done = behind!(&rows, pool => {
            let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(uuid(&institution)).bind(id);
            query.execute(pool).await.map(|done| done.rows_affected())
        });
        assert_eq!(done.unwrap(), 1, "{change}");
        rows.close().await;
        let (clean, said) = fsck();
        let fault = format!("entry {}: its grant's row {what}", text(entry));
        assert!(!clean && said.contains(&fault), "{change}: {said}");
    }
}
