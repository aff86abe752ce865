//! `/v1/report-schedules`: what is due is ordered once, late periods too, until the schedule is ended.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Caller, Ledger, Server,
    behind::{Behind, behind},
    data,
    engine::Engine,
    forge,
    ledger::{Recorded, uuid},
    postgres::Postgres,
    replicas::Replicas,
    server::free_ports,
};

/// What has the service look each second.
const LOOKS: (&str, &str) = ("VERITRAIL_REPORTS__SCHEDULE_LOOK_S", "1");

/// The month so many months ago, as periods are written.
fn month(ago: i32) -> String {
    let today = Timestamp::from_second(forge::now_s()).unwrap().to_zoned(TimeZone::UTC).date();
    today.first_of_month().checked_sub(ago.months()).unwrap().strftime("%Y-%m").to_string()
}

/// A new account of an institution.
async fn account(feeder: &Caller, institution: &str) -> String {
    let line = data::transaction(&data::unique("schedule"));
    feeder.deliver(institution, &data::ndjson(std::slice::from_ref(&line))).await.ok();
    line["account"].as_str().unwrap().to_owned()
}

/// A statement of an account for each month, from this one on.
fn monthly(account: &str, from: &str) -> Value {
    json!({"type": "account-statement", "every": "month", "from": from, "parameters": {"accounts": account}})
}

fn path(schedule: &Value) -> String {
    format!("/v1/report-schedules/{}", schedule["id"].as_str().unwrap())
}

/// The schedule, once all periods that are over are dealt with, and the last report is made.
async fn until_caught_up(system: &Caller, schedule: &Value) -> Value {
    let began = Instant::now();
    loop {
        let now = system.get(&path(schedule)).await.ok();
        let last = &now["last"]["outcome"];
        if now["next_period"] == month(0) && !last.is_null() && last != "producing" {
            return now;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it is not caught up: {now}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Changes a schedule's row behind the service's back.
async fn change_row(server: &Server, schedule: &Value, change: &str) {
    let behind = Behind::of(server.data_dir());
    let sql = format!("UPDATE report_schedules SET {change} WHERE id = $1");
    let id = uuid(schedule["id"].as_str().unwrap());
    behind!(&behind, pool => {
        let changed = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).execute(pool).await.unwrap();
        assert_eq!(changed.rows_affected(), 1);
    });
    behind.close().await;
}

/// The periods of an account's reports in the order in which they were ordered, and the reports.
async fn reports(system: &Caller, account: &str) -> (Vec<String>, Vec<Value>) {
    let mut all = system.pages("/v1/reports").await;
    all.retain(|report| report["parameters"]["accounts"] == account);
    all.reverse();
    (all.iter().map(|report| report["period"].as_str().unwrap().to_owned()).collect(), all)
}

/// An entry of the ledger.
async fn entry(system: &Caller, seq: &Value) -> Value {
    let found = system.get(&format!("/v1/ledger/entries/{}", seq.as_str().unwrap())).await.ok();
    serde_json::from_str(found["entry"].as_str().unwrap()).unwrap()
}

/// What entries of a type say that name something.
async fn said(ledger: &Ledger, institution: &str, name: &Value, kind: &str) -> Vec<Value> {
    let found = ledger.naming(institution, name.as_str().unwrap()).await;
    let payloads = found.into_iter().map(|Recorded { payload, .. }| payload);
    payloads.filter(|payload| payload["type"] == kind).collect()
}

#[tokio::test]
async fn what_is_due_is_ordered_oldest_first_as_a_caller_would() {
    let server = Server::demo_with(&[], &[LOOKS]);
    let (system, institution) = (server.system(0).await, server.institution(0));
    let account = account(&server.feeder().await, institution).await;
    // More than one look takes.
    let set_up = system.post("/v1/report-schedules", &monthly(&account, &month(15))).await;
    assert_eq!(set_up.status, 201, "{}", set_up.text());
    let location = set_up.header("location").unwrap().to_owned();
    let schedule = set_up.ok();
    assert_eq!(location, path(&schedule));

    let now = until_caught_up(&system, &schedule).await;
    let (periods, ordered) = reports(&system, &account).await;
    assert_eq!(periods, (1..=15).rev().map(month).collect::<Vec<_>>());
    let (last, newest) = (&now["last"], ordered.last().unwrap());
    assert_eq!(
        (&last["period"], &last["outcome"], &last["report"], &last["code"]),
        (&json!(month(1)), &json!("ready"), &newest["id"], &Value::Null)
    );
    let due: Timestamp = now["next_due_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        due.to_zoned(TimeZone::UTC).date().strftime("%Y-%m-%d").to_string(),
        format!("{}-01", month(-1))
    );

    // The same record as a caller's order, with another actor; and the same event.
    let ledger = Ledger::of(&server);
    let other =
        json!({"type": "account-statement", "period": month(16), "parameters": {"accounts": account}});
    let other = system.report(&other).await;
    let members = async |report: &Value| {
        let said = said(&ledger, institution, &report["id"], "report_order").await;
        assert_eq!(said.len(), 1, "{said:?}");
        said[0].as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>()
    };
    let told = system.pages("/v1/events?type[in]=report.ready").await;
    let told: BTreeSet<_> = told.iter().map(|event| event["data"]["id"].as_str().unwrap()).collect();
    for report in &ordered {
        let id = report["id"].as_str().unwrap();
        assert_eq!(members(report).await, members(&other).await);
        let version = system.until_made(id, 1).await;
        assert_eq!(entry(&system, &version["seq"]).await["actor"], schedule["id"]);
        assert!(told.contains(id), "{id} was told");
    }
    let fsck = server.run(&["fsck", "--institution", institution]);
    assert!(fsck.status.success(), "{}", String::from_utf8_lossy(&fsck.stderr));
}

#[tokio::test]
async fn what_can_not_be_ordered_is_told_and_does_not_stop_the_next() {
    let server = Server::demo_with(&[], &[LOOKS]);
    let (system, institution) = (server.system(0).await, server.institution(0));
    let feeder = server.feeder().await;
    let ledger = Ledger::of(&server);
    let order = |account: &str, period: String| json!({"type": "account-statement", "period": period, "parameters": {"accounts": account}});

    // The last period's report is there already.
    let one = account(&feeder, institution).await;
    let there = system.report(&order(&one, month(1))).await;
    let schedule = system.post("/v1/report-schedules", &monthly(&one, &month(1))).await.ok();
    let now = until_caught_up(&system, &schedule).await;
    let last = &now["last"];
    assert_eq!(
        (&last["period"], &last["outcome"], &last["code"], &last["report"]),
        (&json!(month(1)), &json!("not_ordered"), &json!("conflict"), &there["id"])
    );
    let refusals = said(&ledger, institution, &schedule["id"], "report_schedule_refusal").await;
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!((&refusals[0]["code"], &refusals[0]["report"]), (&json!("conflict"), &there["id"]));
    assert_eq!(
        system.get(&format!("/v1/reports/{}", there["id"].as_str().unwrap())).await.ok()["newest"]["n"],
        1
    );

    // The one before the last is; the last one is ordered all the same.
    let two = account(&feeder, institution).await;
    system.report(&order(&two, month(2))).await;
    let schedule = system.post("/v1/report-schedules", &monthly(&two, &month(2))).await.ok();
    let now = until_caught_up(&system, &schedule).await;
    assert_eq!(now["last"]["outcome"], "ready", "{now}");
    assert_eq!(reports(&system, &two).await.0, [month(2), month(1)]);

    // A version with errors is refused when it is made.
    let schedule = system.post("/v1/report-schedules", &monthly("nobodys", &month(1))).await.ok();
    let now = until_caught_up(&system, &schedule).await;
    assert_eq!((&now["last"]["outcome"], &now["last"]["code"]), (&json!("refused"), &Value::Null));
    let fsck = server.run(&["fsck", "--institution", institution]);
    assert!(fsck.status.success(), "{}", String::from_utf8_lossy(&fsck.stderr));

    // Its type is no longer there.
    let three = account(&feeder, institution).await;
    let schedule = system.post("/v1/report-schedules", &monthly(&three, &month(0))).await.ok();
    let gone = format!("type = 'gone', next_period = '{}', due_at_us = 0", month(1));
    change_row(&server, &schedule, &gone).await;
    let now = until_caught_up(&system, &schedule).await;
    assert_eq!(
        (&now["last"]["outcome"], &now["last"]["code"], &now["last"]["report"]),
        (&json!("not_ordered"), &json!("unknown_type"), &Value::Null)
    );
}

#[tokio::test]
async fn an_ended_schedule_orders_nothing_and_another_catches_up_after_a_stop() {
    // It looks when it starts, and then not for an hour.
    let seldom = [("VERITRAIL_REPORTS__SCHEDULE_LOOK_S", "3600")];
    let folder = tempfile::tempdir().unwrap();
    let (data_dir, port) = (folder.path().join("data"), free_ports());
    let mut server = Server::start_with(&data_dir, port, &[], &seldom);
    let (system, feeder) = (server.system(0).await, server.feeder().await);
    let institution = server.institution(0).to_owned();
    let (ends, goes_on) = (account(&feeder, &institution).await, account(&feeder, &institution).await);
    let ended = system.post("/v1/report-schedules", &monthly(&ends, &month(2))).await.ok();
    let other = system.post("/v1/report-schedules", &monthly(&goes_on, &month(2))).await.ok();
    let end = async |system: &Caller| system.send(system.request(Method::DELETE, &path(&ended))).await;
    let answer = end(&system).await.ok();
    assert_eq!((&answer["state"], &answer["next_due_at"]), (&json!("ended"), &Value::Null));
    end(&system).await.problem(409, "conflict");
    server.kill();
    drop(server);

    let server = Server::start_with(&data_dir, port, &[], &seldom);
    let system = server.system(0).await;
    until_caught_up(&system, &other).await;
    assert_eq!(reports(&system, &goes_on).await.0, [month(2), month(1)]);
    assert!(reports(&system, &ends).await.0.is_empty());
    let now = system.get(&path(&ended)).await.ok();
    assert_eq!((&now["state"], &now["last"]), (&json!("ended"), &Value::Null));

    // Both ends of it are on the ledger, with who did it.
    let ledger = Ledger::of(&server);
    for (kind, seq) in [("report_schedule", "seq"), ("report_schedule_end", "ended_seq")] {
        assert_eq!(said(&ledger, &institution, &ended["id"], kind).await.len(), 1, "{kind}");
        let entry = entry(&system, &now[seq]).await;
        assert_eq!((&entry["actor"], &entry["subject"]["id"]), (&json!(system.client_id), &ended["id"]));
    }
    let fsck = server.run(&["fsck", "--institution", &institution]);
    assert!(fsck.status.success(), "{}", String::from_utf8_lossy(&fsck.stderr));
    // And fsck holds the row against them.
    for (change, fault) in [
        ("hour = hour + 1", "its report schedule's row says something else"),
        ("ended_seq = NULL", "its report schedule's row is missing"),
        ("ended_seq = seq - 1", "its report schedule's row is missing"),
    ] {
        change_row(&server, &ended, change).await;
        let fsck = server.run(&["fsck", "--institution", &institution]);
        let said = String::from_utf8([fsck.stdout, fsck.stderr].concat()).unwrap();
        assert!(!fsck.status.success() && said.contains(fault), "{change}: {said}");
        let right = format!("hour = 0, ended_seq = {}", now["ended_seq"].as_str().unwrap());
        change_row(&server, &ended, &right).await;
    }
    // One like it may take its place.
    system.post("/v1/report-schedules", &monthly(&ends, &month(0))).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_replicas_one_orders_a_period_though_one_is_killed() {
    if Engine::of_this_run() == Engine::Sqlite {
        return;
    }
    let looks = [(LOOKS.0, LOOKS.1.to_owned())];
    let mut replicas = Replicas::start(Postgres::shared(), 2, &looks).await;
    let institution = replicas.institution().to_owned();
    let (system, feeder) = (replicas.system(1).await, replicas.feeder(1).await);
    let mut schedules = Vec::new();
    for _ in 0..3 {
        let account = account(&feeder, &institution).await;
        let new = monthly(&account, &month(40));
        schedules.push((system.post("/v1/report-schedules", &new).await.ok(), account));
    }
    // Until both had their look.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    replicas.kill(0);
    for (schedule, account) in &schedules {
        let began = Instant::now();
        while system.get(&path(schedule)).await.ok()["next_period"] != month(0) {
            assert!(began.elapsed() < Duration::from_secs(60), "the other does not go on");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let (periods, ordered) = reports(&system, account).await;
        assert_eq!(periods, (1..=40).rev().map(month).collect::<Vec<_>>(), "each once, and in order");
        for report in &ordered {
            let versions = format!("/v1/reports/{}/versions", report["id"].as_str().unwrap());
            assert_eq!(system.pages(&versions).await.len(), 1);
        }
    }
    let fsck = replicas.run(&["fsck", "--institution", &institution]);
    assert!(fsck.status.success(), "{}", String::from_utf8_lossy(&fsck.stderr));
    let refused = format!(
        "SELECT count(*) FROM veritrail.payloads WHERE position('\"report_schedule_refusal\"'::bytea IN payload) > 0 \
         AND institution_id = '{}'",
        uuid(&institution)
    );
    assert_eq!(Postgres::shared().sql(&replicas.database.name, &refused), "0", "no period was tried twice");
}

#[tokio::test]
async fn a_schedule_that_can_never_work_is_refused() {
    let system = Server::shared().system(0).await;
    let good = monthly("nobodys", &month(0));
    for (member, value, pointer, code) in [
        ("type", json!("no-such-type"), "/type", "unknown_type"),
        ("type", json!("cesop-payment-data"), "/every", "invalid_period"),
        ("type", json!("settlement-reconciliation"), "/parameters/accounts", "invalid_parameter"),
        ("every", json!("day"), "/from", "invalid_period"),
        ("from", json!("2026-13"), "/from", "invalid_period"),
        ("from", json!("1950-01"), "/from", "out_of_range"),
        ("from", json!("2950-01"), "/from", "out_of_range"),
        ("after_days", json!(91), "/after_days", "out_of_range"),
        ("hour", json!(24), "/hour", "out_of_range"),
        ("parameters", json!({"tolerance": "much"}), "/parameters/tolerance", "invalid_parameter"),
        ("parameters", json!({"accounts": ""}), "/parameters/accounts", "invalid_text"),
    ] {
        let mut new = good.clone();
        new[member] = value;
        let problem = system.post("/v1/report-schedules", &new).await.problem(422, "refused");
        let fault = &problem["errors"][0];
        assert_eq!((&fault["pointer"], &fault["code"]), (&json!(pointer), &json!(code)), "{new}: {problem}");
    }
    for body in [json!({"type": "account-statement"}), json!({"type": "account-statement", "every": "week"})]
    {
        system.post("/v1/report-schedules", &body).await.problem(400, "malformed_body");
    }
}

#[tokio::test]
async fn a_schedule_is_listed_told_again_and_nobody_elses() {
    let server = Server::shared();
    let system = server.system(0).await;
    let name = data::unique("once");
    let new = json!({
        "type": "account-statement", "every": "month", "after_days": 2, "hour": 6, "parameters": {"accounts": name},
    });
    let under = async |new: &Value| {
        let request = system.request(Method::POST, "/v1/report-schedules");
        system.send(request.header("idempotency-key", name.as_str()).json(new)).await
    };
    let schedule = under(&new).await.ok();
    assert_eq!((&schedule["from"], &schedule["next_period"]), (&json!(month(0)), &json!(month(0))));
    assert_eq!(schedule["next_due_at"], format!("{}-03T06:00:00.000000Z", month(-1)));
    let again = under(&new).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.ok(), schedule);
    system.post("/v1/report-schedules", &new).await.problem(409, "conflict");

    assert!(system.pages("/v1/report-schedules").await.contains(&schedule));
    let pages = system.pages_of("/v1/report-schedules", 1).await;
    assert!(pages.contains(&schedule));
    assert!(pages.windows(2).all(|two| {
        let seq = |one: &Value| one["seq"].as_str().unwrap().parse::<u64>().unwrap();
        seq(&two[0]) > seq(&two[1])
    }));

    let other = server.system(1).await;
    assert!(!other.pages("/v1/report-schedules").await.contains(&schedule));
    other.get(&path(&schedule)).await.problem(404, "not_found");
    other.send(other.request(Method::DELETE, &path(&schedule))).await.problem(404, "not_found");
    assert_eq!(system.get(&path(&schedule)).await.ok(), schedule);
    system.send(system.request(Method::DELETE, &path(&schedule))).await.ok();
}
