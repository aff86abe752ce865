//! Callers that hang up: thousands of requests whose sender goes away tear nothing.

use std::time::Duration;

use super::stored::{Stored, fsck};
use crate::support::{Server, data};
use rand::RngExt as _;

const REQUESTS: usize = 3_000;
const AT_ONCE: usize = 24;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_cancelled_are_done_or_not_done_but_never_half() {
    let mut server = Server::demo(&[]);
    let institution = server.institution(0).to_owned();
    let (feeder, system) = (server.feeder().await, server.system(0).await);
    server.lift_limits();

    let mut sent = Vec::new();
    for _ in 0..REQUESTS / AT_ONCE {
        let mut hung_up = tokio::task::JoinSet::new();
        for n in 0..AT_ONCE {
            let (first, second) = (data::unique("hang"), data::unique("hang"));
            sent.push((first.clone(), second.clone()));
            let request = if n % 3 == 0 {
                system.request(reqwest::Method::GET, "/v1/transactions?limit=50")
            } else {
                let lines = [data::transaction(&first), data::transaction(&second)];
                feeder.delivery(&institution, &data::ndjson(&lines))
            };
            let patience = Duration::from_micros(rand::rng().random_range(0..20_000));
            // Dropping the future closes the connection.
            hung_up.spawn(async move { drop(tokio::time::timeout(patience, request.send()).await) });
        }
        while hung_up.join_next().await.is_some() {}
    }

    // What comes after is durable: no connection was left within a transaction.
    let reference = data::unique("after");
    let delivered = feeder.deliver(&institution, &data::ndjson(&[data::transaction(&reference)])).await.ok();
    assert_eq!(delivered["added"], 1);
    server.kill();

    let mut stored = Stored::open(server.data_dir()).await;
    assert!(stored.transaction(&institution, &reference).await.is_some());
    let (mut done, mut not_done) = (0, 0);
    for (first, second) in &sent {
        let there = [first, second].map(|reference| reference.to_owned());
        let first = stored.transaction(&institution, &there[0]).await;
        let second = stored.transaction(&institution, &there[1]).await;
        assert_eq!(first.is_some(), second.is_some(), "{there:?} is half there");
        if first.is_some() { done += 1 } else { not_done += 1 }
    }
    stored.close().await;
    assert!(done > 0 && not_done > 0, "some were done and some were not: {done}, {not_done}");
    let (clean, said) = fsck(server.data_dir(), server.base_url(), &institution);
    assert!(clean, "{said}");
}
