//! `/v1/clients`: an institution changes the keys of its own clients, from where they may call, and nothing
//! of anybody else's.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Answer, Caller, Ledger, Server,
    behind::{Behind, behind},
    data,
    forge::now_s,
    keys::ClientKey,
    ledger::uuid,
};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn made(server: &Server, new: Value) -> Value {
    let mut whole = json!({"name": data::unique("own"), "scopes": ["ledger:read"]});
    whole.as_object_mut().unwrap().extend(new.as_object().unwrap().clone());
    server.enrol(0, &whole).await
}

fn id(client: &Value) -> &str {
    client["client_id"].as_str().unwrap()
}

/// What was changed of a client, as its institution's log says.
async fn changes(server: &Server, client: &Value) -> Vec<Value> {
    let found = Ledger::of(server).naming(server.institution(0), id(client)).await;
    let all = found.iter().filter(|entry| entry.kind == "admin");
    all.map(|entry| json!([entry.payload["action"], entry.payload["change"]])).collect()
}

fn nameless(key: &ClientKey) -> Value {
    let mut jwk = key.jwk.clone();
    jwk.as_object_mut().unwrap().remove("kid");
    jwk
}

async fn by_key(server: &Server, client: &Value, key: &ClientKey) -> Answer {
    let claims = json!({
        "iss": id(client), "sub": id(client), "aud": server.base_url(),
        "iat": now_s(), "exp": now_s() + 60, "jti": data::unique("jti"),
    });
    let assertion = key.sign(&claims);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", TYPE),
        ("client_assertion", &assertion),
    ];
    let stranger = server.stranger();
    stranger.send(stranger.request(Method::POST, "/oauth2/token").form(&form)).await
}

async fn by_secret(server: &Server, client: &Value, secret: &str) -> Answer {
    let stranger = server.stranger();
    let request = stranger.request(Method::POST, "/oauth2/token").basic_auth(id(client), Some(secret));
    stranger.send(request.form(&[("grant_type", "client_credentials")])).await
}

async fn put_addresses(caller: &Caller, client: &Value, allowed: &[&str]) -> Answer {
    let path = format!("/v1/clients/{}/allowed-addresses", id(client));
    caller.send(caller.request(Method::PUT, &path).json(&json!({"allowed_addresses": allowed}))).await
}

async fn delete(caller: &Caller, path: &str) -> Answer {
    caller.send(caller.request(Method::DELETE, path)).await
}

#[tokio::test]
async fn keys_overlap_and_the_last_one_stays() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (old, new) = (ClientKey::ed25519("old"), ClientKey::ed25519("new"));
    let client = made(server, json!({"jwks": old.jwks()})).await;
    let keys = format!("/v1/clients/{}/keys", id(&client));
    by_key(server, &client, &old).await.ok();
    by_key(server, &client, &new).await.problem(401, "invalid_client");
    delete(&system, &format!("{keys}/old")).await.problem(409, "conflict");

    let now = system.post(&keys, &new.jwk).await.ok();
    assert_eq!(now["keys"].as_array().unwrap().len(), 2);
    system.post(&keys, &new.jwk).await.problem(409, "conflict");
    by_key(server, &client, &old).await.ok();
    by_key(server, &client, &new).await.ok();

    #[expect(clippy::disallowed_methods, reason = "the service judges by the real clock")]
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3600);
    let now = delete(&system, &format!("{keys}/old?expires_at={soon:.0}")).await.ok();
    let ending = now["keys"].as_array().unwrap().iter().find(|key| key["kid"] == "old").unwrap().clone();
    assert!(ending["ends_at"].as_str().unwrap().starts_with(&format!("{soon:.0}")[..16]), "{ending}");
    by_key(server, &client, &old).await.ok();
    // A key that is about to end does not count as one that stays.
    delete(&system, &format!("{keys}/new")).await.problem(409, "conflict");
    delete(&system, &format!("{keys}/old?expires_at=2099-01-01T00:00:00Z")).await.problem(422, "refused");
    delete(&system, &format!("{keys}/old?expires_at=soon")).await.problem(400, "invalid_parameter");
    delete(&system, &format!("{keys}/old")).await.ok();
    by_key(server, &client, &old).await.problem(401, "invalid_client");
    by_key(server, &client, &new).await.ok();
    delete(&system, &format!("{keys}/old")).await.problem(404, "not_found");

    let mut private = ClientKey::ed25519("third").jwk;
    private["d"] = "AAAA".into();
    let mut again = new.jwk.clone();
    again["kid"] = "other-name".into();
    system.post(&keys, &again).await.problem(409, "conflict");
    let mut stepping = ClientKey::ed25519("third").jwk;
    stepping["kid"] = "..".into();
    let mut ending = ClientKey::ed25519("third").jwk;
    ending["exp"] = now_s().into();
    for refused in
        [private, stepping, ending, json!({"kid": "x", "kty": "oct", "k": "AAAA"}), json!({}), json!([])]
    {
        system.post(&keys, &refused).await.problem(422, "refused");
    }
    let with_secret = made(server, json!({})).await;
    let path = format!("/v1/clients/{}/keys", id(&with_secret));
    system.post(&path, &new.jwk).await.problem(409, "conflict");
}

#[tokio::test]
async fn a_key_that_came_without_a_name_is_called_by_its_thumbprint_and_can_be_replaced() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (first, second) = (ClientKey::ed25519("unused"), ClientKey::ed25519("unused"));
    let client = made(server, json!({"jwks": {"keys": [nameless(&first)]}})).await;
    let kid = client["keys"][0]["kid"].as_str().unwrap();
    assert_eq!(kid, client["keys"][0]["thumbprint"]);
    // As one that was stored before keys were named.
    let stored = json!({"keys": [nameless(&first)]}).to_string();
    let database = Behind::of(server.data_dir());
    behind!(&database, pool => sqlx::query("UPDATE clients SET jwks = $1 WHERE id = $2")
        .bind(&stored).bind(uuid(id(&client))).execute(pool).await.map(drop).unwrap());
    database.close().await;
    let keys = format!("/v1/clients/{}/keys", id(&client));
    let signing = |key: &ClientKey, kid: Option<&str>| {
        let mut jwk = nameless(key);
        kid.into_iter().for_each(|kid| jwk["kid"] = kid.into());
        ClientKey { algorithm: key.algorithm, encoding: key.encoding.clone(), jwk }
    };
    by_key(server, &client, &signing(&first, None)).await.ok();
    by_key(server, &client, &signing(&first, Some(kid))).await.ok();

    let now = system.post(&keys, &nameless(&second)).await.ok();
    let new = now["keys"][1]["kid"].as_str().unwrap();
    assert_eq!((&now["keys"][0]["kid"], new), (&json!(kid), now["keys"][1]["thumbprint"].as_str().unwrap()));
    for (key, kid) in [(&first, kid), (&second, new)] {
        by_key(server, &client, &signing(key, Some(kid))).await.ok();
    }
    system.post(&keys, &nameless(&second)).await.problem(409, "conflict");
    delete(&system, &format!("{keys}/{kid}")).await.ok();
    by_key(server, &client, &signing(&first, Some(kid))).await.problem(401, "invalid_client");
    by_key(server, &client, &signing(&second, None)).await.ok();

    // The ledger says which keys it had.
    let told = changes(server, &client).await;
    let named = |kid: &str| json!({"kid": kid, "thumbprint": kid});
    assert_eq!(told[0], json!(["client.enrol", {"keys": [named(kid)]}]));
    assert_eq!(told[1], json!(["client.add_key", named(new)]));
    assert_eq!((&told[2][0], &told[2][1]["thumbprint"]), (&json!("client.end_key"), &json!(kid)));
}

#[tokio::test]
async fn what_changes_nothing_is_no_entry() {
    let server = Server::shared();
    let (system, operator) = (server.system(0).await, server.operator().await);
    let (old, new) = (ClientKey::ed25519("old"), ClientKey::ed25519("new"));
    let client = made(server, json!({"jwks": {"keys": [old.jwk, new.jwk]}})).await;
    let own = format!("/v1/clients/{}", id(&client));
    #[expect(clippy::disallowed_methods, reason = "the service judges by the real clock")]
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3600);
    let admin = format!("/admin/v1/clients/{}", id(&client));
    for _ in 0..2 {
        put_addresses(&system, &client, &["192.0.2.1", "2001:db8::/32"]).await.ok();
        delete(&system, &format!("{own}/keys/old?expires_at={soon:.0}")).await.ok();
        let bind = operator.request(Method::PATCH, &admin).json(&json!({"dpop_bound_access_tokens": true}));
        let answer = operator.send(bind).await;
        assert!(answer.receipt().0.contains("/ledger/"), "the look is recorded all the same");
        answer.ok();
    }
    let told = changes(server, &client).await;
    let actions: Vec<&Value> = told.iter().map(|change| &change[0]).collect();
    assert_eq!(actions, ["client.enrol", "client.allow_addresses", "client.end_key", "client.bind"]);
}

#[tokio::test]
async fn an_old_secret_counts_for_as_long_as_told_and_no_secret_is_on_a_ledger() {
    let server = Server::shared();
    let system = server.system(0).await;
    let client = made(server, json!({})).await;
    let first = client["client_secret"].as_str().unwrap();
    let path = format!("/v1/clients/{}/rotate-secret", id(&client));
    let told = system.post(&path, &json!({"overlap_s": 3600})).await.ok();
    let second = told["client_secret"].as_str().unwrap();
    assert_ne!(first, second);
    by_secret(server, &client, first).await.ok();
    by_secret(server, &client, second).await.ok();
    // Of the secrets of before, one alone goes on; and none if there is to be no overlap.
    let key = data::unique("once");
    let request =
        || system.request(Method::POST, &path).json(&json!({"overlap_s": 0})).header("idempotency-key", &key);
    let told = system.send(request()).await.ok();
    let third = told["client_secret"].as_str().unwrap();
    for (secret, status) in [(first, 401), (second, 401), (third, 200)] {
        assert_eq!(by_secret(server, &client, secret).await.status, status);
    }
    let again = system.send(request()).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.ok().get("client_secret"), None);
    by_secret(server, &client, third).await.ok();
    for refused in [-1, 7_776_001] {
        system.post(&path, &json!({"overlap_s": refused})).await.problem(422, "refused");
    }
    let keyed = made(server, json!({"jwks": ClientKey::ed25519("a").jwks()})).await;
    let path = format!("/v1/clients/{}/rotate-secret", id(&keyed));
    system.post(&path, &json!({"overlap_s": 0})).await.problem(409, "conflict");

    let ledger = Ledger::of(server);
    for log in [server.institution(0), &ledger.provider().await] {
        let about = ledger.naming(log, id(&client)).await;
        let text = format!("{about:?}");
        assert!(text.contains("client.rotate_secret"), "{log}: {text}");
        assert!([first, second, third].iter().all(|secret| !text.contains(secret)), "a secret is on {log}");
    }
}

#[tokio::test]
async fn a_client_calls_from_where_it_may_and_other_places_are_refused_and_recorded() {
    let server = Server::shared();
    let system = server.system(0).await;
    let client = made(server, json!({"allowed_addresses": ["127.0.0.1"]})).await;
    assert_eq!(client["allowed_addresses"], json!(["127.0.0.1"]));
    let caller = server.caller(&client, None).await;
    let reads = "/v1/ledger/checkpoint";
    assert_eq!(caller.get(reads).await.status, 200);
    // A token that there is, and was believed a moment ago, counts no more than a new one.
    let now = put_addresses(&system, &client, &["192.0.2.0/24", "2001:db8::/32"]).await.ok();
    assert_eq!(now["allowed_addresses"], json!(["192.0.2.0/24", "2001:db8::/32"]));
    let spoofed = caller
        .request(Method::GET, reads)
        .header("x-forwarded-for", "192.0.2.1")
        .header("forwarded", "for=192.0.2.1")
        .header("x-real-ip", "192.0.2.1");
    caller.send(spoofed).await.problem(403, "address_not_allowed");
    let secret = client["client_secret"].as_str().unwrap();
    by_secret(server, &client, secret).await.problem(403, "address_not_allowed");
    // Who does not know the secret does not learn from where it would count.
    by_secret(server, &client, "x").await.problem(401, "invalid_client");
    put_addresses(&system, &client, &[]).await.ok();
    assert_eq!(caller.get(reads).await.status, 200);
    for refused in ["192.0.2.1/24", "x", "", "1.2.3.4/33"] {
        put_addresses(&system, &client, &[refused]).await.problem(422, "refused");
    }
    let operator = server.operator().await;
    let path = format!("/admin/v1/clients/{}", id(&client));
    let change = |body: Value| operator.request(Method::PATCH, &path).json(&body);
    operator.send(change(json!({"allowed_addresses": ["192.0.2.1"]}))).await.ok();
    caller.get(reads).await.problem(403, "address_not_allowed");
    operator.send(change(json!({}))).await.problem(422, "refused");
}

#[tokio::test]
async fn who_has_a_clients_token_or_secret_and_not_its_address_puts_nothing_of_his_own_on_a_ledger() {
    let server = Server::shared();
    let client = made(server, json!({})).await;
    let secret = client["client_secret"].as_str().unwrap();
    let caller = server.caller(&client, None).await;
    put_addresses(&server.system(0).await, &client, &["192.0.2.0/24"]).await.ok();
    let chosen = data::unique("chosen");
    let mut all = tokio::task::JoinSet::new();
    for index in 0..20 {
        let (caller, stranger) = (caller.clone(), server.stranger());
        let chosen = format!("{chosen}-{index}");
        let (id, secret) = (id(&client).to_owned(), secret.to_owned());
        all.spawn(async move {
            let request = match index % 2 {
                0 => caller.request(Method::GET, &format!("/v1/transactions/{chosen}?{chosen}")),
                _ => stranger
                    .request(Method::POST, &format!("/oauth2/token?{chosen}"))
                    .basic_auth(id, Some(secret))
                    .form(&[("grant_type", "client_credentials")]),
            };
            caller.send(request.header("x-request-id", chosen)).await.problem(403, "address_not_allowed");
        });
    }
    all.join_all().await;
    let ledger = Ledger::of(server);
    assert!(ledger.naming(server.institution(0), &chosen).await.is_empty());
    let denials = ledger.denials(server.institution(0), id(&client), "address_not_allowed").await;
    let of = |method: &str, route: &str| -> u64 {
        let of = denials.iter().filter(|denial| denial["method"] == method && denial["path"] == route);
        of.map(|denial| denial["count"].as_u64().unwrap()).sum()
    };
    assert_eq!((of("GET", "/v1/transactions/{id}"), of("POST", "/oauth2/token")), (10, 10), "{denials:?}");
}

#[tokio::test]
async fn nothing_of_another_institutions_clients_is_seen_or_changed() {
    let server = Server::shared();
    let (own, other) = (server.system(0).await, server.system(1).await);
    let client = made(server, json!({"jwks": ClientKey::ed25519("a").jwks()})).await;
    let path = format!("/v1/clients/{}", id(&client));
    let is_listed = async |caller: &Caller| {
        let mut after = String::new();
        loop {
            let page = caller.get(&format!("/v1/clients{after}")).await.ok();
            if page["data"].as_array().unwrap().iter().any(|one| one["client_id"] == id(&client)) {
                return true;
            }
            match page["next_after"].as_str() {
                Some(next) => after = format!("?after={next}"),
                None => return false,
            }
        }
    };
    assert!(is_listed(&own).await && !is_listed(&other).await);
    assert_eq!(own.get(&path).await.ok()["client_id"], id(&client));
    other.get(&path).await.problem(404, "not_found");
    other.post(&format!("{path}/keys"), &ClientKey::ed25519("b").jwk).await.problem(404, "not_found");
    delete(&other, &format!("{path}/keys/a")).await.problem(404, "not_found");
    other.post(&format!("{path}/rotate-secret"), &json!({"overlap_s": 0})).await.problem(404, "not_found");
    put_addresses(&other, &client, &["192.0.2.1"]).await.problem(404, "not_found");
    let seen = own.get(&path).await.ok();
    assert_eq!((&seen["keys"].as_array().unwrap().len(), &seen["allowed_addresses"]), (&1, &json!([])));
    // A revoked client is not changed any more.
    let operator = server.operator().await;
    delete(&operator, &format!("/admin/v1/clients/{}", id(&client))).await.ok();
    put_addresses(&own, &client, &["192.0.2.1"]).await.problem(409, "conflict");
}
