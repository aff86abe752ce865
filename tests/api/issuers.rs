//! Tokens of another issuer: what they open, and what they don't.

use std::sync::{Arc, Mutex};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, web};
use jsonwebtoken::Header;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::support::{
    Caller, Server,
    behind::{Behind, behind},
    data,
    dpop::{self, Prover},
    forge::{self, now_s, with, without},
    keys::ClientKey,
    ledger::uuid,
};

const READS: &str = "/v1/transactions?limit=1";

/// What an issuer serves, and how often it was asked for its keys.
struct Served {
    jwks: Value,
    issuer: String,
    asked: usize,
}

/// A real issuer on a port of its own.
struct Issuer {
    url: String,
    served: Arc<Mutex<Served>>,
    handle: ServerHandle,
}

impl Issuer {
    fn start(jwks: Value) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let served = Arc::new(Mutex::new(Served { jwks, issuer: url.clone(), asked: 0 }));
        let data = web::Data::from(Arc::clone(&served));
        let at = url.clone();
        let server = HttpServer::new(move || {
            let at = at.clone();
            App::new()
                .app_data(data.clone())
                .route(
                    "/.well-known/openid-configuration",
                    web::get().to(move |served: web::Data<Mutex<Served>>| {
                        let jwks_uri = format!("{at}/keys");
                        async move {
                            let issuer = served.lock().unwrap().issuer.clone();
                            HttpResponse::Ok().json(json!({"issuer": issuer, "jwks_uri": jwks_uri}))
                        }
                    }),
                )
                .route(
                    "/keys",
                    web::get().to(|served: web::Data<Mutex<Served>>| async move {
                        let mut served = served.lock().unwrap();
                        served.asked += 1;
                        HttpResponse::Ok().json(served.jwks.clone())
                    }),
                )
        });
        let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { url, served, handle }
    }

    fn asked(&self) -> usize {
        self.served.lock().unwrap().asked
    }

    fn serves(&self, keys: &[&ClientKey]) {
        let keys: Vec<&Value> = keys.iter().map(|key| &key.jwk).collect();
        self.served.lock().unwrap().jwks = json!({"keys": keys});
    }

    /// What a good token of it says.
    fn claims(&self, server: &Server, subject: &str) -> Value {
        json!({
            "iss": self.url, "sub": "a person or a program", "aud": ["another", server.base_url()],
            "client_id": subject, "scope": "openid transactions:read accounts:read",
            "iat": now_s(), "nbf": now_s(), "exp": now_s() + 300,
        })
    }
}

/// A demo that believes an issuer, and a client that is registered with it.
async fn site(issuer: &Issuer) -> (Server, Value) {
    let server = Server::demo_with(&[], &[("VERITRAIL_ISSUERS__BANK__URL", &issuer.url)]);
    let new = json!({
        "name": "warehouse", "scopes": ["transactions:read", "ledger:read"],
        "external": {"issuer": "bank", "subject": "warehouse"},
    });
    let client = server.enrol(0, &new).await;
    assert_eq!(client["external"], json!({"issuer": "bank", "subject": "warehouse"}));
    (server, client)
}

async fn status(caller: &Caller, token: &str) -> u16 {
    caller.with_token(Some(token)).get(READS).await.status.as_u16()
}

#[tokio::test]
async fn a_token_of_a_believed_issuer_opens_what_its_client_may() {
    let (key, rsa) = (ClientKey::ed25519("a"), ClientKey::rs256("r"));
    let issuer = Issuer::start(key.jwks());
    issuer.serves(&[Some(&key), rsa.as_ref()].into_iter().flatten().collect::<Vec<_>>());
    let (server, client) = site(&issuer).await;
    let stranger = server.stranger();
    let claims = || issuer.claims(&server, "warehouse");
    for key in [Some(&key), rsa.as_ref()].into_iter().flatten() {
        let token = key.sign(&claims());
        for _ in 0..2 {
            stranger.with_token(Some(&token)).get(READS).await.ok();
        }
    }
    assert_eq!(issuer.asked(), 1, "its keys are kept");
    let typed = |typ: &str| Header { typ: Some(typ.to_owned()), ..key.header() };
    let token = jsonwebtoken::encode(&typed("at+jwt"), &claims(), &key.encoding).unwrap();
    stranger.with_token(Some(&token)).get(READS).await.ok();
    // The token names accounts:read, which the client does not have; the client has ledger:read, which the
    // token does not name.
    for path in ["/v1/accounts", "/v1/ledger/checkpoint"] {
        stranger.with_token(Some(&token)).get(path).await.problem(403, "insufficient_scope");
    }
    let listed = key.sign(&with(claims(), "scope", json!(["transactions:read"])));
    assert_eq!(status(&stranger, &listed).await, 200, "scopes as a list");

    // Bound to a key, it needs proofs of that key.
    let prover = Prover::new(&stranger, server.base_url(), ClientKey::ed25519("p")).await;
    let bound = key.sign(&with(claims(), "cnf", json!({"jkt": prover.jkt()})));
    prover.get(&stranger, READS, &bound).await.ok();
    assert_eq!(status(&stranger, &bound).await, 401, "bound, as a bearer token");
    assert_eq!(dpop::send(&stranger, READS, &bound, "").await.status, 401);

    // The client ends, and its tokens with it.
    let operator = server.operator().await;
    let path = format!("/admin/v1/clients/{}", client["client_id"].as_str().unwrap());
    operator.send(operator.request(Method::DELETE, &path)).await.ok();
    assert_eq!(status(&stranger, &token).await, 401);
}

#[tokio::test]
async fn a_token_that_its_issuer_did_not_make_so_for_us_opens_nothing() {
    let key = ClientKey::ed25519("a");
    let issuer = Issuer::start(key.jwks());
    let (server, client) = site(&issuer).await;
    let stranger = server.stranger();
    let claims = || issuer.claims(&server, "warehouse");
    assert_eq!(status(&stranger, &key.sign(&claims())).await, 200);
    let own_id = client["client_id"].clone();
    let mut table: Vec<(String, String)> = [
        ("expired", with(claims(), "exp", now_s() - 1)),
        ("valid from 60 s on", with(claims(), "nbf", now_s() + 60)),
        ("issued in 60 s", with(claims(), "iat", now_s() + 60)),
        ("for another audience", with(claims(), "aud", "https://elsewhere.example")),
        ("for a list of other audiences", with(claims(), "aud", json!(["x", "y"]))),
        ("of another issuer", with(claims(), "iss", "https://elsewhere.example")),
        ("that claims to be ours", with(claims(), "iss", server.base_url())),
        ("of a subject that nobody registered", with(claims(), "client_id", "nobody")),
        ("that names a client by our id", with(claims(), "client_id", own_id)),
        ("of a subject with a NUL", with(claims(), "client_id", "a\u{0}b")),
        ("of a subject that is too long", with(claims(), "client_id", "x".repeat(201))),
        ("with a number for a subject", with(claims(), "client_id", 1)),
        ("with an expiry as text", with(claims(), "exp", "2999-01-01")),
        ("bound in a way that is not known", with(claims(), "cnf", json!({"x": "y"}))),
        ("bound to nothing that is said", with(claims(), "cnf", Value::Null)),
    ]
    .into_iter()
    .map(|(what, claims)| (what.to_owned(), key.sign(&claims)))
    .collect();
    for name in ["iss", "sub", "aud", "exp", "iat", "nbf", "client_id"] {
        table.push((format!("without {name}"), key.sign(&without(claims(), name))));
    }
    let attacker = ClientKey::ed25519("a");
    let jwk = serde_json::from_value(attacker.jwk.clone()).unwrap();
    let jku = Some(format!("{}/keys", issuer.url));
    let forged = |header: Header| jsonwebtoken::encode(&header, &claims(), &attacker.encoding).unwrap();
    let typed = |typ: &str| json!({"alg": "EdDSA", "typ": typ, "kid": "a"});
    table.extend([
        ("under another key of this kid".to_owned(), forged(attacker.header())),
        ("under a key in its header".to_owned(), forged(Header { jwk: Some(jwk), ..attacker.header() })),
        ("under a linked key".to_owned(), forged(Header { jku: jku.clone(), x5u: jku, ..attacker.header() })),
        ("without a kid".to_owned(), {
            jsonwebtoken::encode(&Header { kid: None, ..key.header() }, &claims(), &key.encoding).unwrap()
        }),
        ("unsigned".to_owned(), forge::jwt(&json!({"alg": "none", "kid": "a"}), &claims(), b"")),
        (
            "an HMAC under the public key".to_owned(),
            jsonwebtoken::encode(
                &Header { kid: Some("a".to_owned()), ..Header::default() },
                &claims(),
                &jsonwebtoken::EncodingKey::from_secret(key.jwk["x"].as_str().unwrap().as_bytes()),
            )
            .unwrap(),
        ),
    ]);
    for typ in ["dpop+jwt", "logout+jwt", "secevent+jwt"] {
        table.push((format!("a {typ}"), dpop::sign_by_hand(&typed(typ), &claims(), &key.encoding)));
    }
    let crit = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "a", "crit": ["x"], "x": 1});
    table.push((
        "with what must be understood".to_owned(),
        dpop::sign_by_hand(&crit, &claims(), &key.encoding),
    ));
    for (what, token) in &table {
        stranger.with_token(Some(token)).get(READS).await.refuses_the_token(what);
    }
    // Our own key makes no tokens of theirs, nor theirs ours.
    let ours = jsonwebtoken::encode(&forge::header(), &claims(), &forge::token_key(&server)).unwrap();
    assert_eq!(status(&stranger, &ours).await, 401);
    let theirs = key.sign(&forge::claims(&server));
    assert_eq!(status(&stranger, &theirs).await, 401);
}

#[tokio::test]
async fn a_new_key_is_fetched_once_and_unknown_ones_do_not_make_it_ask_again_and_again() {
    let (old, new) = (ClientKey::ed25519("old"), ClientKey::ed25519("new"));
    let issuer = Issuer::start(old.jwks());
    let (server, _) = site(&issuer).await;
    let stranger = server.stranger();
    let signed =
        |key: &ClientKey| key.sign(&with(issuer.claims(&server, "warehouse"), "jti", data::unique("jti")));
    assert_eq!(status(&stranger, &signed(&old)).await, 200);
    issuer.serves(&[&new]);
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (stranger, token) = (stranger.clone(), signed(&new));
        all.spawn(async move { status(&stranger, &token).await });
    }
    assert!(all.join_all().await.iter().all(|status| *status == 200), "a new key counts at once");
    assert_eq!(issuer.asked(), 2, "sixteen who wait for a key have it fetched once");
    assert_eq!(status(&stranger, &signed(&old)).await, 401, "a key that was taken away counts no more");
    // That one was asked for too, and was not there.
    let asked = issuer.asked();
    assert_eq!(asked, 3);
    let mut all = tokio::task::JoinSet::new();
    for index in 0..64 {
        let (stranger, token) = (stranger.clone(), signed(&ClientKey::ed25519(&format!("x{index}"))));
        all.spawn(async move { status(&stranger, &token).await });
    }
    assert!(all.join_all().await.iter().all(|status| *status == 401));
    assert_eq!(issuer.asked(), asked, "a flood of unknown keys has nothing fetched");
    assert_eq!(status(&stranger, &signed(&new)).await, 200, "nor does it keep out who has a key");
}

#[tokio::test]
async fn an_issuer_that_is_away_or_is_another_keeps_nobody_else_out() {
    let key = ClientKey::ed25519("a");
    let issuer = Issuer::start(key.jwks());
    issuer.served.lock().unwrap().issuer = "https://elsewhere.example".to_owned();
    let (server, _) = site(&issuer).await;
    let stranger = server.stranger();
    let token = key.sign(&issuer.claims(&server, "warehouse"));
    let answer = stranger.with_token(Some(&token)).get(READS).await;
    assert!(answer.header("retry-after").is_some());
    answer.problem(503, "unavailable");
    assert_eq!(issuer.asked(), 0, "metadata of another issuer lead to no keys");
    issuer.handle.stop(false).await;
    stranger.with_token(Some(&token)).get(READS).await.problem(503, "unavailable");
    server.system(0).await.get(READS).await.ok();
}

#[tokio::test]
async fn an_issuer_whose_name_ends_with_a_slash_is_found() {
    let key = ClientKey::ed25519("a");
    let mut issuer = Issuer::start(key.jwks());
    issuer.url.push('/');
    issuer.served.lock().unwrap().issuer.clone_from(&issuer.url);
    let (server, _) = site(&issuer).await;
    let stranger = server.stranger();
    assert_eq!(status(&stranger, &key.sign(&issuer.claims(&server, "warehouse"))).await, 200);
}

#[tokio::test]
async fn a_client_is_registered_once_with_an_issuer_that_the_configuration_names() {
    let key = ClientKey::ed25519("a");
    let issuer = Issuer::start(key.jwks());
    let (server, first) = site(&issuer).await;
    let operator = server.operator().await;
    let path = format!("/admin/v1/institutions/{}/clients", server.institution(1));
    let made = async |issuer: &str, subject: &str| {
        let external = json!({"issuer": issuer, "subject": subject});
        let new = json!({"name": "x", "scopes": ["transactions:read"], "external": external});
        operator.post(&path, &new).await
    };
    made("bank", "warehouse").await.problem(409, "conflict");
    made("nobody", "other").await.problem(422, "refused");
    made("bank", "").await.problem(422, "refused");
    made("bank", "a\u{0}b").await.problem(422, "refused");
    made("bank", "other").await.ok();

    // Under the name of one that was revoked another can be registered, and the name means that one from then on.
    let stranger = server.stranger();
    let token = key.sign(&issuer.claims(&server, "warehouse"));
    assert_eq!(status(&stranger, &token).await, 200);
    let revoke = async |client: &Value| {
        let path = format!("/admin/v1/clients/{}", client["client_id"].as_str().unwrap());
        operator.send(operator.request(Method::DELETE, &path)).await.ok()
    };
    revoke(&first).await;
    assert_eq!(status(&stranger, &token).await, 401);
    let second = made("bank", "warehouse").await.ok();
    let own = stranger.with_token(Some(&token)).get("/v1/transactions?limit=1").await;
    assert!(own.receipt().0.ends_with(server.institution(1)), "{:?}", own.receipt());
    own.ok();
    made("bank", "warehouse").await.problem(409, "conflict");
    revoke(&second).await;
    let third = made("bank", "warehouse").await.ok();
    assert_ne!(third["client_id"], second["client_id"]);
    assert_eq!(status(&stranger, &token).await, 200);
}

#[tokio::test]
async fn a_client_of_another_issuer_has_neither_keys_nor_a_secret_here() {
    let issuer = Issuer::start(ClientKey::ed25519("a").jwks());
    let (server, client) = site(&issuer).await;
    assert_eq!(client.get("client_secret"), None);
    assert_eq!(client["auth_method"], "external_issuer");
    let key = ClientKey::ed25519("k");
    let both = json!({
        "name": "x", "scopes": ["ledger:read"], "jwks": key.jwks(),
        "external": {"issuer": "bank", "subject": "other"},
    });
    let operator = server.operator().await;
    let path = format!("/admin/v1/institutions/{}/clients", server.institution(0));
    operator.post(&path, &both).await.problem(422, "refused");
    let id = client["client_id"].as_str().unwrap();
    let (system, own) = (server.system(0).await, format!("/v1/clients/{id}"));
    let gets_neither = async || {
        let body = json!({"overlap_s": 0});
        for answer in [
            system.post(&format!("{own}/rotate-secret"), &body).await,
            system.post(&format!("{own}/keys"), &key.jwk).await,
            system.send(system.request(Method::DELETE, &format!("{own}/keys/k"))).await,
        ] {
            let problem = answer.problem(409, "conflict");
            assert!(problem["detail"].as_str().unwrap().contains("another issuer"), "{problem}");
        }
    };
    gets_neither().await;
    // One that was given a secret before that was so gets no tokens by it.
    let database = Behind::of(server.data_dir());
    let hash = sha2::Sha256::digest(b"known").to_vec();
    behind!(&database, pool => sqlx::query("UPDATE clients SET secret_sha256 = $1 WHERE id = $2")
        .bind(&hash).bind(uuid(id)).execute(pool).await.map(drop).unwrap());
    database.close().await;
    gets_neither().await;
    let stranger = server.stranger();
    let request = stranger.request(Method::POST, "/oauth2/token").basic_auth(id, Some("known"));
    let answer = stranger.send(request.form(&[("grant_type", "client_credentials")])).await;
    answer.problem(401, "invalid_client");
    // From where it may call can be said of it as of any.
    let put = system.request(Method::PUT, &format!("{own}/allowed-addresses"));
    system.send(put.json(&json!({"allowed_addresses": ["127.0.0.1"]}))).await.ok();
}
