//! The way to Redis: by TLS, in a cluster; and what replicas tell each other through it.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use veritrail::{
    config,
    shared::{Heard, Link, News, Redis as Shared},
    world::Machine,
};

use super::shared_limits::{a_limit_holds, until};
use crate::support::redis::Redis;

pub(super) fn settings(urls: &str) -> config::Redis {
    config::Redis { urls: urls.into(), response_timeout_ms: 250, ..config::Redis::default() }
}

#[tokio::test]
async fn tls_is_spoken_and_the_server_must_prove_itself() {
    let redis = Redis::with_tls();
    let trusting = config::Redis { ca_file: Some(redis.ca_file()), ..settings(&redis.tls_url()) };
    a_limit_holds(&trusting).await;
    assert!(redis.cli(&["CLIENT", "LIST"]).lines().count() > 1, "the replicas are connected");

    // Its certificate is nobody's whom the system knows.
    let doubting = Shared::start(&settings(&redis.tls_url()), &Machine).await.unwrap();
    assert_eq!(doubting.link(), Link::Down);
    // Nor is it for another name.
    let elsewhere = redis.tls_url().replace("localhost", "127.0.0.1");
    let misled = config::Redis { urls: elsewhere.as_str().into(), ..trusting };
    assert_eq!(Shared::start(&misled, &Machine).await.unwrap().link(), Link::Down);
}

#[tokio::test]
async fn a_certificate_file_that_is_not_there_stops_the_start() {
    let missing = config::Redis { ca_file: Some("nowhere.pem".into()), ..settings("rediss://localhost:1") };
    let error = Shared::start(&missing, &Machine).await.err().expect("a refusal");
    assert!(error.to_string().contains("redis.ca_file"), "{error}");
}

#[tokio::test]
async fn limits_hold_and_news_spreads_in_a_cluster() {
    let nodes = Redis::cluster();
    let urls = nodes.each_ref().map(Redis::url).join(",");
    let settings = config::Redis { cluster: true, ..settings(&urls) };
    a_limit_holds(&settings).await;
    let [one, other] = [
        Shared::start(&settings, &Machine).await.unwrap(),
        Shared::start(&settings, &Machine).await.unwrap(),
    ];
    let ear = Ear::of(&one);
    ear.hears(&Heard::Listening).await;
    other.tell(&News::Plans).await;
    ear.hears(&Heard::News(News::Plans)).await;
}

#[tokio::test]
async fn the_first_server_that_answers_is_used() {
    let redis = Redis::start();
    let shared = Shared::start(&settings(&format!("redis://127.0.0.1:1, {}", redis.url())), &Machine).await;
    assert_eq!(shared.unwrap().link(), Link::Up);
}

/// What a replica heard, in order.
pub(super) struct Ear {
    heard: Arc<Mutex<Vec<Heard>>>,
    listening: tokio::task::JoinHandle<()>,
}

impl Ear {
    pub(super) fn of(redis: &Shared) -> Self {
        let heard = Arc::<Mutex<Vec<Heard>>>::default();
        let into = Arc::clone(&heard);
        Self { heard, listening: redis.listen(move |news| into.lock().unwrap().push(news)) }
    }

    /// Waits for this, and forgets it and what came before it, which is returned.
    pub(super) async fn hears(&self, expected: &Heard) -> Vec<Heard> {
        let mut before = Vec::new();
        until(&format!("{expected:?}"), || {
            let mut heard = self.heard.lock().unwrap();
            let place = heard.iter().position(|heard| heard == expected);
            place.map(|place| before = heard.drain(..=place).take(place).collect()).is_some()
        })
        .await;
        before
    }

    fn is_silent(&self) -> bool {
        self.heard.lock().unwrap().is_empty()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

#[tokio::test]
async fn news_reaches_the_others_at_once_and_what_was_missed_is_made_up_for() {
    let mut redis = Redis::start();
    let settings = settings(&redis.url());
    let [one, other] = [
        Shared::start(&settings, &Machine).await.unwrap(),
        Shared::start(&settings, &Machine).await.unwrap(),
    ];
    let (ear, own) = (Ear::of(&one), Ear::of(&other));
    ear.hears(&Heard::Listening).await;
    own.hears(&Heard::Listening).await;
    let revoked = News::Revoked("jti-1".to_owned());
    let began = Instant::now();
    other.tell(&revoked).await;
    ear.hears(&Heard::News(revoked)).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(own.is_silent(), "one's own news is known");

    redis.kill();
    ear.hears(&Heard::Deaf).await;
    other.tell(&News::Verdicts).await;
    redis.restart(false);
    ear.hears(&Heard::Listening).await;
    // Listening again, everything is read anew; who could not tell says so too.
    until("the link is there", || other.link() != Link::Down).await;
    ear.hears(&Heard::News(News::All)).await;

    // A Redis that hangs is noticed as well, though the connection stays open.
    redis.hang();
    ear.hears(&Heard::Deaf).await;
    redis.go_on();
    ear.hears(&Heard::Listening).await;
}
