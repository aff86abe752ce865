//! An issuer on a port of its own that keeps its callers waiting.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::*;

/// What an issuer does.
#[derive(Default)]
struct State {
    hangs: AtomicBool,
    /// Requests that are at work, and the most that were at once.
    at_work: AtomicUsize,
    most: AtomicUsize,
}

/// An issuer that has the key `new`.
struct Issuer {
    url: String,
    state: Arc<State>,
}

impl Issuer {
    fn that_hangs() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State { hangs: true.into(), ..State::default() });
        let (own, issuer) = (Arc::clone(&state), url.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (state, issuer) = (Arc::clone(&own), issuer.clone());
                thread::spawn(move || state.serve(stream.unwrap(), &issuer));
            }
        });
        Self { url, state }
    }

    /// Its keys as they were fetched so long ago: one, `old`.
    fn keys(&self, age: Duration) -> Keys {
        let keys = self.no_keys();
        let old = serde_json::from_value(jwk("old")).unwrap();
        *keys.0.known.write().unwrap() = Some((Instant::now().checked_sub(age).unwrap(), vec![old]));
        keys
    }

    fn no_keys(&self) -> Keys {
        // Others may have done it.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Keys::new(&self.url, client().unwrap())
    }
}

impl State {
    fn serve(&self, mut stream: TcpStream, issuer: &str) {
        let (mut head, mut byte) = (String::new(), [0]);
        while !head.ends_with("\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
            head.push(byte[0].into());
        }
        self.most.fetch_max(self.at_work.fetch_add(1, SeqCst) + 1, SeqCst);
        stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        while self.hangs.load(SeqCst) {
            // Until then its caller may give up.
            if stream.read(&mut byte).is_ok() {
                break;
            }
        }
        self.at_work.fetch_sub(1, SeqCst);
        let body = match head.starts_with("GET /keys ") {
            true => json!({"keys": [jwk("new")]}),
            false => json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys")}),
        }
        .to_string();
        let length = body.len();
        let answer =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        let _ = stream.write_all(answer.as_bytes());
    }
}

fn jwk(kid: &str) -> Value {
    // RFC 8037, appendix A.2.
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid})
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn old_keys_are_had_at_once_while_one_fetches_new_ones_from_an_issuer_that_hangs() {
    let issuer = Issuer::that_hangs();
    let keys = issuer.keys(STALE - Duration::from_secs(600));
    let at_once = || keys.find("old").now_or_never().expect("nobody waits").unwrap();
    for _ in 0..50 {
        assert!(at_once().is_some());
    }
    until("the issuer is asked", || issuer.state.at_work.load(SeqCst) == 1).await;
    for _ in 0..50 {
        assert!(at_once().is_some());
        tokio::task::yield_now().await;
    }
    issuer.state.hangs.store(false, SeqCst);
    // It may have been given up meanwhile, and is asked again by whoever needs a key.
    until("the new keys are there", || keys.0.is_fresh("new") || at_once().is_none()).await;
    assert!(keys.find("new").await.unwrap().is_some());
    assert!(keys.find("old").await.unwrap().is_none(), "it was withdrawn");
    assert_eq!(issuer.state.most.load(SeqCst), 1, "one fetches at a time");
}

#[tokio::test]
async fn keys_that_nobody_asked_for_in_an_hour_count_again_once_the_issuer_was_asked() {
    let issuer = Issuer::that_hangs();
    issuer.state.hangs.store(false, SeqCst);
    let keys = issuer.keys(STALE * 2);
    assert!(keys.find("old").await.unwrap().is_none(), "it was withdrawn");
    assert!(keys.find("new").await.unwrap().is_some());
    // An issuer that hangs is waited for once; then they count for as long as it can't be asked.
    issuer.state.hangs.store(true, SeqCst);
    let keys = issuer.keys(STALE * 2);
    assert!(keys.find("old").await.unwrap().is_some());
    until("it is known to be away", || keys.0.is_away.load(SeqCst)).await;
    assert!(keys.find("old").now_or_never().expect("nobody waits").unwrap().is_some());
    issuer.state.hangs.store(false, SeqCst);
    until("it was asked again", || {
        let _ = keys.find("old").now_or_never();
        keys.0.is_fresh("new")
    })
    .await;
    assert!(keys.find("old").await.unwrap().is_none());
}

#[tokio::test]
async fn without_keys_that_count_a_caller_waits_a_while_and_the_next_one_has_what_came_later() {
    let issuer = Issuer::that_hangs();
    for keys in [issuer.no_keys(), issuer.keys(DEAD * 2)] {
        issuer.state.hangs.store(true, SeqCst);
        let began = Instant::now();
        assert!(keys.find("old").await.is_err());
        assert!(began.elapsed() < WHOLE * 2, "one request may take {WHOLE:?}, and fetching has several");
        issuer.state.hangs.store(false, SeqCst);
        until("the keys are there", || keys.0.is_fresh("new")).await;
    }
}

#[test]
fn metadata_is_looked_for_where_rfc_8414_says() {
    for (issuer, at) in [
        ("https://a.example", "https://a.example/.well-known/oauth-authorization-server"),
        ("https://a.example/x/y/", "https://a.example/.well-known/oauth-authorization-server/x/y"),
    ] {
        assert_eq!(rfc_8414(issuer).unwrap(), at);
    }
}
