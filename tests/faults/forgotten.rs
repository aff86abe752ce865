//! What is kept for a while only is forgotten after it, and not before.

use std::sync::Arc;

use jiff::civil::Date;
use reqwest::Method;
use serde_json::json;
use veritrail::{
    domain::{Actor, EndpointId, Tenant},
    ledger::command::Rows,
    store::{
        Reader, idempotency, usage,
        webhook_attempts::{self, Attempt},
    },
    world::{World as _, id_parts},
};

use super::webhooks::{
    ALLOW,
    house::{Clock, open_ledger},
};
use crate::support::{
    Server, data,
    receiver::{Manner, Receiver, until},
};

const HOUR_US: i64 = 3600 * 1_000_000;
const DAY_US: i64 = 24 * HOUR_US;

async fn attempts(reader: &mut Reader, tenant: Tenant, endpoint: EndpointId) -> Vec<Attempt> {
    webhook_attempts::page(reader, tenant, endpoint, None, 500).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_attempts_and_usage_are_forgotten_each_after_its_time() {
    let receiver = Receiver::start().await;
    receiver.behave(Manner::Status(500, ""));
    let mut server = Server::demo_with(&[], &ALLOW);
    let system = server.system(0).await;
    let call = idempotency::Key {
        actor: Actor::Client(system.client_id.parse().unwrap()),
        route: "POST /v1/webhooks".to_owned(),
        key: data::unique("key"),
        body_sha256: [0; 32],
    };
    let order = system.request(Method::POST, "/v1/webhooks").json(&json!({"url": receiver.url()}));
    let endpoint = system.send(order.header("idempotency-key", &call.key)).await.ok();
    let never: EndpointId = endpoint["id"].as_str().unwrap().parse().unwrap();
    let line = data::transaction(&data::unique("kept"));
    server.feeder().await.deliver(server.institution(0), &data::ndjson(&[line])).await.ok();
    let path = format!("/v1/webhooks/{never}/deliveries");
    until("it is tried in vain", async || {
        let tried = system.get(&path).await.ok();
        (tried["data"] != json!([])).then_some(())
    })
    .await;
    assert!(server.terminate().success());

    let clock: Arc<Clock> = Arc::default();
    let (ledger, _) = open_ledger(&server, &clock).await;
    let tenant = Tenant::vouched(server.institution(0).parse().unwrap());
    let (ms, random) = id_parts(&*clock);
    let gone = EndpointId::from_parts(ms, random);
    let found = attempts(&mut ledger.db.read(tenant).await.unwrap(), tenant, never).await;
    let left_behind = found[0].clone();
    let rows: Rows = Box::new(move |connection, at| {
        Box::pin(
            async move { Ok(webhook_attempts::insert(connection, at.tenant, gone, &left_behind).await?) },
        )
    });
    ledger.recorder.store(tenant, rows).await.unwrap();

    let began = clock.now_us();
    // What is left after so long: the answer, attempts of an endpoint that never took anything and of one that
    // is gone, usage.
    let left_after = async |time_us: i64| {
        clock.reach(began + time_us);
        ledger.recorder.sweep().await.unwrap();
        let mut reader = ledger.db.read(tenant).await.unwrap();
        let ever = (Date::constant(1, 1, 1), Date::MAX);
        [
            idempotency::get(&mut reader, tenant, &call).await.unwrap().is_some(),
            !attempts(&mut reader, tenant, never).await.is_empty(),
            !attempts(&mut reader, tenant, gone).await.is_empty(),
            !usage::sums(&mut reader, tenant, ever, &[], 1).await.unwrap().is_empty(),
        ]
    };
    assert_eq!(left_after(24 * HOUR_US).await, [true; 4]);
    assert_eq!(left_after(26 * HOUR_US).await, [false, true, true, true]);
    assert_eq!(left_after(29 * DAY_US).await, [false, true, true, true]);
    assert_eq!(left_after(31 * DAY_US).await, [false, false, false, true]);
    // A day is kept as a whole.
    assert_eq!(left_after(729 * DAY_US).await, [false, false, false, true]);
    assert_eq!(left_after(732 * DAY_US).await, [false; 4]);
    ledger.close().await;
}
