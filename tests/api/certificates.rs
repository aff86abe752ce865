//! Tokens that are bound to a client's certificate (RFC 8705): they open nothing over a connection that does
//! not prove to have it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::{Certificate, Client, Identity, Method, tls::Version};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::support::{
    Answer, Caller, Server, data,
    dpop::{self, Prover},
    keys::ClientKey,
    server::free_ports,
};

type Ca = CertifiedIssuer<'static, KeyPair>;

const READS: &str = "/v1/transactions?limit=1";

/// A demo that is heard by TLS and asks for certificates, and those who may have some.
struct Site {
    server: Server,
    trusted: Certificate,
    clients: Ca,
    _files: TempDir,
}

fn ca() -> Ca {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key, as a client has them, and the certificate's thumbprint.
fn identity(ca: &Ca) -> (Identity, String) {
    let key = KeyPair::generate().unwrap();
    let made = CertificateParams::new(vec!["client".to_owned()]).unwrap().signed_by(&key, ca).unwrap();
    let pem = format!("{}{}", key.serialize_pem(), made.pem());
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(made.der()));
    (Identity::from_pem(pem.as_bytes()).unwrap(), thumbprint)
}

impl Site {
    fn start() -> Self {
        let (files, ca, clients) = (TempDir::new().unwrap(), ca(), ca());
        let key = KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned()];
        let made = CertificateParams::new(names).unwrap().signed_by(&key, &ca).unwrap();
        let path = |name: &str, text: String| {
            let path = files.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let env = [
            ("VERITRAIL_HTTP__TLS_CERTIFICATE", path("server.pem", made.pem())),
            ("VERITRAIL_HTTP__TLS_KEY", path("key.pem", key.serialize_pem())),
            ("VERITRAIL_HTTP__TLS_CLIENT_CA", path("clients.pem", clients.pem())),
        ];
        let env = env.each_ref().map(|(name, value)| (*name, value.as_str()));
        let server = Server::start_with(&files.path().join("data"), free_ports(), &[], &env);
        let trusted = Certificate::from_pem(ca.pem().as_bytes()).unwrap();
        Self { server, trusted, clients, _files: files }
    }

    /// Somebody with or without a certificate.
    fn caller(&self, identity: Option<&Identity>, version: Version) -> Caller {
        let http = Client::builder().tls_certs_only([self.trusted.clone()]);
        let http = http.min_tls_version(version).max_tls_version(version);
        let http = match identity {
            Some(identity) => http.identity(identity.clone()),
            None => http,
        };
        Caller::over(http, self.server.base_url())
    }

    async fn operator(&self) -> Caller {
        let operator = &self.server.demo["operator"];
        let (id, secret) = credentials(operator);
        let mut caller = self.caller(None, Version::TLS_1_3).authenticated(id, secret, None).await;
        self.server.admin_url().clone_into(&mut caller.base_url);
        caller
    }

    /// A client whose tokens must be bound to its certificate.
    async fn bound_client(&self) -> Value {
        let new = json!({
            "name": data::unique("bound"), "scopes": ["transactions:read"],
            "tls_client_certificate_bound_access_tokens": true,
        });
        let path = format!("/admin/v1/institutions/{}/clients", self.server.institution(0));
        let made = self.operator().await.post(&path, &new).await.ok();
        assert_eq!(made["tls_client_certificate_bound_access_tokens"], true);
        made
    }
}

fn credentials(client: &Value) -> (&str, &str) {
    (client["client_id"].as_str().unwrap(), client["client_secret"].as_str().unwrap())
}

async fn grant(caller: &Caller, client: &Value) -> Answer {
    let (id, secret) = credentials(client);
    let request = caller.request(Method::POST, "/oauth2/token").basic_auth(id, Some(secret));
    caller.send(request.form(&[("grant_type", "client_credentials")])).await
}

#[tokio::test]
async fn a_token_is_bound_to_the_certificate_of_the_connection_and_opens_with_no_other() {
    let site = Site::start();
    let client = site.bound_client().await;
    let (own, thumbprint) = identity(&site.clients);
    let (other, _) = identity(&site.clients);
    for version in [Version::TLS_1_2, Version::TLS_1_3] {
        let without = site.caller(None, version);
        let refused = grant(&without, &client).await.problem(400, "invalid_dpop_proof");
        assert_eq!(refused["error"], "invalid_request", "no certificate, no token");
        let with_own = site.caller(Some(&own), version);
        let told = grant(&with_own, &client).await.ok();
        assert_eq!(told["token_type"], "Bearer");
        let token = told["access_token"].as_str().unwrap();
        let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(token).unwrap();
        assert_eq!(claims["cnf"], json!({"x5t#S256": thumbprint}));
        for _ in 0..2 {
            // The second time the verdict on the token is a cached one; the certificate is looked at all the
            // same.
            with_own.with_token(Some(token)).get(READS).await.ok();
            without.with_token(Some(token)).get(READS).await.refuses_the_token("no certificate");
            let with_other = site.caller(Some(&other), version);
            with_other.with_token(Some(token)).get(READS).await.refuses_the_token("another certificate");
            // There is no proxy here whose word would count.
            let forged = without.with_token(Some(token)).request(Method::GET, READS);
            let forged = forged.header("client-cert", ":AAAA:").header("x-forwarded-for", "127.0.0.1");
            without.send(forged).await.refuses_the_token("a certificate in a header");
        }
    }
}

#[tokio::test]
async fn a_token_can_be_bound_to_a_certificate_and_to_a_key_and_then_needs_both() {
    let site = Site::start();
    let client = site.bound_client().await;
    let (own, thumbprint) = identity(&site.clients);
    let (with_own, without) =
        (site.caller(Some(&own), Version::TLS_1_3), site.caller(None, Version::TLS_1_3));
    let prover = Prover::new(&with_own, site.server.base_url(), ClientKey::ed25519("p")).await;
    let token = prover.token(&with_own, &client).await;
    let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(&token).unwrap();
    assert_eq!(claims["cnf"], json!({"jkt": prover.jkt(), "x5t#S256": thumbprint}));
    prover.get(&with_own, READS, &token).await.ok();
    prover.get(&without, READS, &token).await.refuses_the_token("the key without the certificate");
    with_own.with_token(Some(&token)).get(READS).await.refuses_the_token("the certificate without the key");
    assert_eq!(dpop::send(&with_own, READS, &token, "").await.status, 401);
}

#[tokio::test]
async fn a_client_that_is_bound_from_now_on_has_no_more_use_for_its_other_tokens() {
    let site = Site::start();
    let client = &site.server.demo["institutions"][0]["clients"][0];
    let (own, _) = identity(&site.clients);
    let with_own = site.caller(Some(&own), Version::TLS_1_3);
    let told = grant(&with_own, client).await.ok();
    let token = told["access_token"].as_str().unwrap();
    let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(token).unwrap();
    assert_eq!(claims.get("cnf"), None, "a client that need not be bound is not, certificate or none");
    with_own.with_token(Some(token)).get(READS).await.ok();
    let operator = site.operator().await;
    let path = format!("/admin/v1/clients/{}", credentials(client).0);
    let change = operator.request(Method::PATCH, &path);
    let change = change.json(&json!({"tls_client_certificate_bound_access_tokens": true}));
    operator.send(change).await.ok();
    with_own.with_token(Some(token)).get(READS).await.refuses_the_token("a token that is bound to nothing");
}
