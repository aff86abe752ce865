//! `/.well-known`: a client finds its way, and anyone can check a token.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};

use crate::support::Server;

#[tokio::test]
async fn the_metadata_leads_to_endpoints_that_work() {
    let server = Server::shared();
    let stranger = server.stranger();
    let answer = stranger.get("/.well-known/oauth-authorization-server").await;
    assert_eq!(answer.header("cache-control"), Some("public, max-age=3600"));
    let metadata = answer.ok();
    assert_eq!(metadata["issuer"], server.base_url());
    assert_eq!(metadata["grant_types_supported"], json!(["client_credentials"]));
    assert_eq!(
        metadata["token_endpoint_auth_methods_supported"],
        json!(["private_key_jwt", "client_secret_basic"])
    );
    let path = |name: &str| metadata[name].as_str().unwrap().strip_prefix(server.base_url()).unwrap();
    for name in ["token_endpoint", "revocation_endpoint", "introspection_endpoint"] {
        let form = stranger.request(reqwest::Method::POST, path(name)).form(&[("token", "x")]);
        stranger.send(form).await.problem(401, "invalid_client");
    }
    stranger.get(path("jwks_uri")).await.ok();
    assert_eq!(stranger.get(&format!("{}/", path("service_documentation"))).await.status, 200);

    let document = stranger.get("/openapi.json").await.ok();
    let flow = &document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"];
    let mut scopes: Vec<&String> = flow["scopes"].as_object().unwrap().keys().collect();
    let mut supported: Vec<&str> = metadata["scopes_supported"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scope| scope.as_str().unwrap())
        .collect();
    scopes.sort_unstable();
    supported.sort_unstable();
    assert_eq!(scopes, supported);
}

#[tokio::test]
async fn a_token_verifies_with_the_published_keys() {
    let server = Server::shared();
    let jwks = server.stranger().get("/.well-known/jwks.json").await.ok();
    for key in jwks["keys"].as_array().unwrap() {
        assert_eq!(key.get("d"), None, "no private part");
    }
    let keys: JwkSet = serde_json::from_value(jwks).unwrap();
    let token = server.system(0).await.token.unwrap();
    let header = jsonwebtoken::decode_header(&token).unwrap();
    assert_eq!(header.typ.as_deref(), Some("at+jwt"));
    let key = keys.find(header.kid.as_deref().unwrap()).expect("the key that the token names");
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[server.base_url()]);
    validation.set_audience(&[server.base_url()]);
    let claims = jsonwebtoken::decode::<Value>(&token, &DecodingKey::from_jwk(key).unwrap(), &validation);
    let claims = claims.unwrap().claims;
    assert_eq!(claims["institution"], server.institution(0));
    assert_eq!(claims["sub"], server.demo["institutions"][0]["clients"][0]["client_id"]);
}
