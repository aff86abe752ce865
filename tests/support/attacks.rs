//! The table of attacks: access tokens and DPoP proofs that open nothing, whichever process they are sent to.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::{
    Server,
    dpop::{self, Prover},
    forge::{self, now_s, with, without},
    keys::ClientKey,
    replicas::Replicas,
};

/// A service whose tokens are forged, with the key that signs them.
pub struct Target {
    base_url: String,
    demo: Value,
    key: EncodingKey,
    jwks: Value,
}

impl Target {
    pub async fn of(server: &Server) -> Self {
        let jwks = server.stranger().get("/.well-known/jwks.json").await.ok();
        let (base_url, demo) = (server.base_url().to_owned(), server.demo.clone());
        Self { base_url, demo, key: forge::token_key(server), jwks }
    }

    pub async fn of_replicas(replicas: &Replicas) -> Self {
        let jwks = replicas.stranger(0).get("/.well-known/jwks.json").await.ok();
        let pem = std::fs::read(replicas.keys().join("keys/token.pem")).unwrap();
        let (base_url, demo) = (replicas.base_url().to_owned(), replicas.demo.clone());
        Self { base_url, demo, key: EncodingKey::from_ed_pem(&pem).unwrap(), jwks }
    }

    /// What a good token says.
    pub fn claims(&self) -> Value {
        forge::claims_of(&self.demo, &self.base_url)
    }

    /// A token of these claims under the service's own key.
    pub fn signed(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&forge::header(), claims, &self.key).unwrap()
    }

    /// A token with a header put together by hand, under the service's own key.
    pub fn signed_under(&self, header: &Value) -> String {
        dpop::sign_by_hand(header, &self.claims(), &self.key)
    }

    /// Tokens that are refused, each with what is wrong with it, and that alone.
    pub fn tokens(&self) -> Vec<(String, String)> {
        let mut all = self.claims_that_do_not_fit();
        all.extend(self.types());
        all.extend(self.keys());
        all
    }

    fn claims_that_do_not_fit(&self) -> Vec<(String, String)> {
        let good = || self.claims();
        let other = &self.demo["institutions"][1]["clients"][0]["client_id"];
        let both = with(with(good(), "sub", other.clone()), "client_id", other.clone());
        let unfit = [
            ("expired", with(good(), "exp", now_s() - 1)),
            ("expired this second", with(good(), "exp", now_s())),
            ("valid from 60 s on", with(good(), "nbf", now_s() + 60)),
            ("issued in 60 s", with(good(), "iat", now_s() + 60)),
            ("of another issuer", with(good(), "iss", "https://elsewhere.example")),
            ("of an issuer with a slash more", with(good(), "iss", format!("{}/", self.base_url))),
            ("for another audience", with(good(), "aud", "https://elsewhere.example")),
            ("for several audiences", with(good(), "aud", json!([self.base_url, "x"]))),
            ("of two clients", with(good(), "sub", other.clone())),
            ("of a client of another institution", both),
            (
                "of another institution",
                with(good(), "institution", self.demo["institutions"][1]["id"].clone()),
            ),
            ("of an unknown scope", with(good(), "scope", "everything")),
            ("of a client that is none", with(good(), "client_id", "cli_x")),
            ("with an expiry as text", with(good(), "exp", "2999-01-01")),
            ("bound in a way that is not known", with(good(), "cnf", json!({"x": "y"}))),
            ("bound to a certificate", with(good(), "cnf", json!({"x5t#S256": "AAAA"}))),
            ("bound to a key", with(good(), "cnf", json!({"jkt": "AAAA"}))),
        ];
        let mut all: Vec<_> =
            unfit.iter().map(|(what, claims)| ((*what).to_owned(), self.signed(claims))).collect();
        for name in ["iss", "sub", "client_id", "aud", "iat", "nbf", "exp", "jti", "scope", "institution"] {
            all.push((format!("without {name}"), self.signed(&without(good(), name))));
        }
        all
    }

    fn types(&self) -> Vec<(String, String)> {
        let mut all: Vec<_> = ["JWT", "", "at+jwtx", "logout+jwt", "dpop+jwt"]
            .iter()
            .map(|typ| (format!("of the type {typ:?}"), json!({"alg": "EdDSA", "typ": typ})))
            .collect();
        all.push(("without a type".to_owned(), json!({"alg": "EdDSA"})));
        let crit = json!({"alg": "EdDSA", "typ": "at+jwt", "crit": ["b64"], "b64": true});
        all.push(("with what must be understood".to_owned(), crit));
        for kid in ["", "x", "../../../dev/null", "' OR 1=1 --", "\u{0}"] {
            let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid});
            all.push((format!("of the key {kid:?}"), header));
        }
        for alg in ["none", "HS256", "RS256", "ES256"] {
            let header = json!({"alg": alg, "typ": "at+jwt"});
            all.push((format!("that says {alg}, signed with EdDSA"), header));
        }
        all.into_iter().map(|(what, header)| (what, self.signed_under(&header))).collect()
    }

    fn keys(&self) -> Vec<(String, String)> {
        let (claims, own) = (self.claims(), &self.jwks["keys"][0]);
        let x = own["x"].as_str().unwrap();
        let header = |alg: &str| json!({"alg": alg, "typ": "at+jwt", "kid": own["kid"]});
        let mut all = Vec::new();
        for alg in ["none", "None", "nOnE", "", "EdDSA"] {
            all.push((format!("unsigned, alg {alg:?}"), forge::jwt(&header(alg), &claims, b"")));
        }
        let public = URL_SAFE_NO_PAD.decode(x).unwrap();
        for secret in [x.as_bytes().to_vec(), public, self.jwks.to_string().into_bytes(), vec![]] {
            let header = Header { typ: Some("at+jwt".to_owned()), ..Header::new(Algorithm::HS256) };
            let forged = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&secret));
            all.push(("an HMAC under the public key".to_owned(), forged.unwrap()));
        }
        let attacker = ClientKey::ed25519("x");
        let forged = |header: Header| {
            let (typ, kid) = (Some("at+jwt".to_owned()), own["kid"].as_str().map(ToOwned::to_owned));
            let header = Header { typ, kid, ..header };
            jsonwebtoken::encode(&header, &claims, &attacker.encoding).unwrap()
        };
        let jwk = serde_json::from_value(attacker.jwk.clone()).unwrap();
        let jku = Some("http://127.0.0.1:9/jwks.json".to_owned());
        all.extend([
            ("under another key".to_owned(), forged(attacker.header())),
            ("under a key in its header".to_owned(), forged(Header { jwk: Some(jwk), ..attacker.header() })),
            (
                "under a key that its header links to".to_owned(),
                forged(Header { jku: jku.clone(), x5u: jku, ..attacker.header() }),
            ),
        ]);
        all
    }
}

/// Proofs for a GET of a path with a token that are refused, each with what is wrong with it, and that alone,
/// and the error that is told.
pub fn proofs(
    prover: &Prover,
    path: &str,
    (token, other_token): (&str, &str),
) -> Vec<(&'static str, String, &'static str)> {
    let good = || prover.claims_with("GET", path, token);
    let base = &prover.base_url;
    let at = |rest: &str| format!("{base}{rest}");
    let bare = path.split('?').next().unwrap();
    let unfit = [
        ("for another method", with(good(), "htm", "POST")),
        ("for a method in lower case", with(good(), "htm", "get")),
        ("for another path", with(good(), "htu", at("/v1/accounts"))),
        ("for a path with a slash more", with(good(), "htu", at(&format!("{bare}/")))),
        ("for another host", with(good(), "htu", format!("http://elsewhere.example{bare}"))),
        ("for another scheme", with(good(), "htu", at(bare).replace("http://", "https://"))),
        ("for a name that only begins like it", with(good(), "htu", format!("{base}.example{bare}"))),
        ("for a user at it", with(good(), "htu", at(bare).replace("://", "://x@"))),
        ("for a path alone", with(good(), "htu", bare)),
        ("for another token", with(good(), "ath", dpop::ath(other_token))),
        ("for no token", without(good(), "ath")),
        ("for an empty token", with(good(), "ath", "")),
        ("of an hour ago", with(good(), "iat", now_s() - 3600)),
        ("of 65 s ago", with(good(), "iat", now_s() - 65)),
        ("of 60 s from now", with(good(), "iat", now_s() + 60)),
        ("with the last time of all", with(good(), "iat", i64::MAX)),
        ("with the first time of all", with(good(), "iat", i64::MIN)),
        ("with a time as text", with(good(), "iat", "now")),
        ("with an empty jti", with(good(), "jti", "")),
        ("with a long jti", with(good(), "jti", "x".repeat(300))),
        ("without htm", without(good(), "htm")),
        ("without htu", without(good(), "htu")),
        ("without iat", without(good(), "iat")),
        ("without jti", without(good(), "jti")),
    ];
    let proof = "invalid_dpop_proof";
    let mut all: Vec<_> = unfit.iter().map(|(what, claims)| (*what, prover.proof(claims), proof)).collect();
    let nonce = "use_dpop_nonce";
    let foreign = "AAAAAAHKAAAAAAAAAAAAAAAAAAAAAAAA";
    all.extend([
        ("with another nonce", prover.proof(&with(good(), "nonce", foreign)), nonce),
        ("with an empty nonce", prover.proof(&with(good(), "nonce", "")), nonce),
        ("without a nonce", prover.proof(&without(good(), "nonce")), nonce),
    ]);
    all.extend(headers(prover, &good()).into_iter().map(|(what, forged)| (what, forged, proof)));
    all.push(("the token itself", token.to_owned(), proof));
    all
}

/// Proofs of good claims under headers and signatures that are not.
fn headers(prover: &Prover, claims: &Value) -> Vec<(&'static str, String)> {
    let thief = ClientKey::ed25519("p");
    let own = &prover.key.jwk;
    let x = own["x"].as_str().unwrap();
    let typed = |typ: &str| Header { typ: Some(typ.to_owned()), ..prover.header() };
    let hmac = Header {
        jwk: prover.header().jwk,
        typ: Some("dpop+jwt".to_owned()),
        ..Header::new(Algorithm::HS256)
    };
    let mut private = own.clone();
    private["d"] = "AAAA".into();
    let by_hand = |more: Value| {
        let mut header = json!({"typ": "dpop+jwt", "alg": "EdDSA"});
        header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        dpop::sign_by_hand(&header, claims, &prover.key.encoding)
    };
    let unsigned = |alg: &str| forge::jwt(&json!({"typ": "dpop+jwt", "alg": alg, "jwk": own}), claims, b"");
    vec![
        ("signed by another key", jsonwebtoken::encode(&prover.header(), claims, &thief.encoding).unwrap()),
        ("of another type", prover.proof_under(&typed("JWT"), claims)),
        ("of the type of access tokens", prover.proof_under(&typed("at+jwt"), claims)),
        ("without a key", prover.proof_under(&Header { jwk: None, ..prover.header() }, claims)),
        ("with a private key", by_hand(json!({"jwk": private}))),
        ("with a symmetric key", by_hand(json!({"jwk": {"kty": "oct", "k": x}}))),
        ("with a link to a key", by_hand(json!({"jku": "http://127.0.0.1:9/"}))),
        ("with what must be understood", by_hand(json!({"jwk": own, "crit": ["exp"]}))),
        ("with an algorithm that is not the key's", by_hand(json!({"jwk": own, "alg": "ES256"}))),
        ("unsigned", unsigned("none")),
        ("with an empty signature", unsigned("EdDSA")),
        (
            "an HMAC under the public key",
            jsonwebtoken::encode(&hmac, claims, &EncodingKey::from_secret(x.as_bytes())).unwrap(),
        ),
        ("no JWT", "x".to_owned()),
    ]
}
