//! What is left of the limits, and schedules that meet no refusal.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::limits::institution;
use crate::support::{
    Caller, Server, engine::Engine, forge, postgres::Postgres, redis::Redis, replicas::Replicas,
};

/// A client of an institution on a plan of its own.
async fn client(quotas: [u32; 4]) -> Caller {
    let server = Server::shared();
    let (institution, _) = institution(quotas).await;
    let path = format!("/admin/v1/institutions/{institution}/clients");
    let new = json!({"name": "x", "scopes": ["institution:read", "evidence:read", "usage:read"]});
    server.caller(&server.operator().await.post(&path, &new).await.ok(), None).await
}

async fn plan(caller: &Caller, body: &Value) -> Value {
    caller.post("/v1/limits/plan", body).await.ok()
}

fn limit<'a>(limits: &'a Value, policy: &str) -> &'a Value {
    let all = limits["limits"].as_array().unwrap();
    all.iter().find(|limit| limit["policy"] == policy).unwrap()
}

#[tokio::test]
async fn what_is_left_of_each_limit_is_told_after_the_request_was_paid() {
    let caller = client([1, 50, 1, 1000]).await;
    let limits = caller.get("/v1/limits").await.ok();
    let mine = limit(&limits, "client");
    assert_eq!(
        (&mine["per_second"], &mine["burst"], &mine["held"]),
        (&json!(1), &json!(50), &json!("alone"))
    );
    assert_eq!((&mine["remaining"], &mine["reset_s"]), (&json!(49), &json!(1)));
    assert_eq!(limit(&limits, "institution")["remaining"], 999);
    assert_eq!(limit(&limits, "address")["burst"], 2_000);
    let began = Instant::now();
    caller.post("/v1/evidence-bundles", &json!({})).await.ok();
    let left = limit(&caller.get("/v1/limits").await.ok(), "client")["remaining"].as_u64().unwrap();
    // A bundle costs 20; a unit comes back each second.
    assert!((28..=29 + began.elapsed().as_secs() + 1).contains(&left), "{left}");
    let cost = |operation: &str| {
        let all = limits["costs"].as_array().unwrap();
        all.iter().find(|cost| cost["operation"] == operation).unwrap()["units"].clone()
    };
    assert_eq!(
        (cost("createEvidenceBundle"), cost("getLimits"), cost("issueToken")),
        (20.into(), 1.into(), 0.into())
    );
}

/// Sends what a schedule says, each gap from the answer before (so nothing depends on how quick this
/// is), by callers in turn. Each is served.
async fn keep(made: &Value, callers: &[&Caller]) {
    let mut sends = Vec::new();
    for step in made["schedule"].as_array().unwrap() {
        let number = |name: &str| step[name].as_f64().unwrap();
        for k in 0..step["count"].as_u64().unwrap() {
            sends.push((number("at_s") + number("every_s") * k as f64, step["operation"].as_str().unwrap()));
        }
    }
    sends.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert_eq!(sends.len(), 62);
    let mut before_s = 0.0;
    for ((at_s, operation), caller) in sends.iter().zip(callers.iter().cycle()) {
        tokio::time::sleep(Duration::from_secs_f64(at_s - before_s)).await;
        before_s = *at_s;
        match *operation {
            "getInstitution" => caller.get("/v1/institution").await.ok(),
            _ => caller.post("/v1/evidence-bundles", &json!({})).await.ok(),
        };
    }
}

#[tokio::test]
async fn a_schedule_holds_across_replicas_that_share_a_limit() {
    if Engine::of_this_run() == Engine::Sqlite {
        return;
    }
    let redis = Redis::start();
    let environment = [("VERITRAIL_REDIS__URLS", redis.url()), ("VERITRAIL_REDIS__REPLICAS", "2".to_owned())];
    let replicas = Replicas::start(Postgres::shared(), 2, &environment).await;
    let plan_of_both = json!({"client_per_second": 40, "client_burst": 60,
                              "institution_per_second": 1000, "institution_burst": 1000});
    let operator = replicas.operator(0).await;
    operator.send(operator.request(Method::PUT, "/admin/v1/plans/narrow").json(&plan_of_both)).await.ok();
    let path = format!("/admin/v1/institutions/{}", replicas.institution());
    operator.send(operator.request(Method::PATCH, &path).json(&json!({"plan": "narrow"}))).await.ok();
    let (first, second) = (replicas.system(0).await, replicas.system(1).await);
    let began = Instant::now();
    // Both have heard of the plan.
    for caller in [&first, &second] {
        while caller.get("/v1/limits").await.json()["plan"] != "narrow" {
            assert!(began.elapsed() < Duration::from_secs(60));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let limits = first.get("/v1/limits").await.ok();
    assert_eq!(limit(&limits, "client")["held"], "together");
    let made = plan(&first, &planned()).await;
    assert_eq!(made["held_by"], "client");
    keep(&made, &[&first, &second]).await;
}

fn planned() -> Value {
    json!({"late_s": 0.0, "requests": [
        {"operation": "getInstitution", "count": 60}, {"operation": "createEvidenceBundle", "count": 2},
    ]})
}

#[tokio::test]
async fn a_schedule_that_is_kept_meets_no_refusal() {
    let caller = client([40, 45, 1000, 1000]).await;
    let made = plan(&caller, &planned()).await;
    assert_eq!(made["held_by"], "client");
    // 100 units, of which 44 are there: 56 of them come back at 40 a second, and one of each is 21.
    let duration_s = made["duration_s"].as_f64().unwrap();
    assert!((1.4..1.4 * 1.05 + 21.0 / 40.0).contains(&duration_s), "{duration_s}");

    keep(&made, &[&caller]).await;
}

#[tokio::test]
async fn a_start_to_come_has_what_comes_back_until_then() {
    let caller = client([1, 30, 1000, 1000]).await;
    caller.post("/v1/evidence-bundles", &json!({})).await.ok();
    let requests = json!([{"operation": "getInstitution", "count": 25}]);
    let now = plan(&caller, &json!({"requests": requests})).await;
    assert!(now["duration_s"].as_f64().unwrap() > 5.0, "{now}");
    let start = jiff::Timestamp::from_second(forge::now_s() + 300).unwrap();
    let later = plan(&caller, &json!({"requests": requests, "start": start.to_string()})).await;
    assert_eq!((&later["duration_s"], &later["held_by"]), (&json!(0.0), &Value::Null));
    assert_eq!(later["schedule"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_others_spend_is_left_to_them() {
    let caller = client([100, 100, 100, 100]).await;
    let requests = json!([{"operation": "getInstitution", "count": 1000}]);
    let alone = plan(&caller, &json!({"requests": requests})).await;
    let beside = plan(&caller, &json!({"requests": requests, "other_load_per_second": 50})).await;
    let advice = |made: &Value| made["advice_per_second"].as_f64().unwrap().round() as u64;
    assert_eq!((advice(&alone), advice(&beside)), (100, 50));
    assert_eq!(beside["held_by"], "institution");
}

#[tokio::test]
async fn what_can_never_be_or_is_not_known_is_named() {
    let caller = client([100, 100, 10, 10]).await;
    for (body, pointer, code) in [
        (json!({"requests": []}), "/requests", "out_of_range"),
        (
            json!({"requests": [{"operation": "getInstitution", "count": 0}]}),
            "/requests/0/count",
            "out_of_range",
        ),
        (
            json!({"requests": [{"operation": "getInstitutio", "count": 1}]}),
            "/requests/0/operation",
            "unknown_operation",
        ),
        (
            json!({"requests": [{"operation": "putPlan", "count": 1}]}),
            "/requests/0/operation",
            "unknown_operation",
        ),
        (
            json!({"requests": [{"operation": "getInstitution", "count": 1}], "other_load_per_second": 10}),
            "/other_load_per_second",
            "nothing_left",
        ),
        (
            json!({"requests": [{"operation": "createEvidenceBundle", "count": 1}], "other_load_per_second": 1}),
            "/requests/0",
            "cost_beyond_burst",
        ),
        (
            json!({"requests": [{"operation": "getInstitution", "count": 1}], "start": "2020-01-01T00:00:00Z"}),
            "/start",
            "out_of_range",
        ),
        (
            json!({"requests": [{"operation": "getInstitution", "count": 1}], "late_s": -1}),
            "/late_s",
            "out_of_range",
        ),
    ] {
        let problem = caller.post("/v1/limits/plan", &body).await.problem(422, "refused");
        let fault = &problem["errors"][0];
        assert_eq!((&fault["pointer"], &fault["code"]), (&json!(pointer), &json!(code)), "{body}");
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}
