//! The service's own key for tokens rotates: the first signs, the others are still believed.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Server, server::free_ports};

const READS: &str = "/v1/transactions?limit=1";

/// An Ed25519 key as PKCS#8 in PEM.
fn pem() -> String {
    let seed: [u8; 32] = rand::random();
    let prefix =
        [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    let der = STANDARD.encode([&prefix[..], &seed].concat());
    format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n")
}

/// The demo again, with these keys for tokens.
fn again(mut server: Server, data_dir: &Path, port: u16, keys: &str) -> Server {
    assert!(server.terminate().success());
    // The file's mode stays as it was.
    std::fs::write(data_dir.join("keys/token.pem"), keys).unwrap();
    Server::start(data_dir, port, &[])
}

async fn kids(server: &Server) -> Vec<String> {
    let jwks = server.stranger().get("/.well-known/jwks.json").await.ok();
    let keys = jwks["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

async fn token(server: &Server) -> String {
    server.system(0).await.token.unwrap()
}

async fn opens(server: &Server, token: &str) -> u16 {
    server.stranger().with_token(Some(token)).get(READS).await.status.as_u16()
}

#[tokio::test]
async fn tokens_outlive_the_turn_to_another_key_and_end_with_their_own() {
    let (folder, port) = (TempDir::new().unwrap(), free_ports());
    let data_dir = folder.path().join("data");
    let server = Server::start(&data_dir, port, &[]);
    let old = std::fs::read_to_string(data_dir.join("keys/token.pem")).unwrap();
    let new = pem();
    let first = token(&server).await;
    assert_eq!(kids(&server).await, [kid(&first)]);

    // The new key is shown before it signs.
    let server = again(server, &data_dir, port, &format!("{old}{new}"));
    assert_eq!(kids(&server).await.len(), 2);
    assert_eq!(kid(&token(&server).await), kid(&first));
    // It signs, and what the old one signed is still believed.
    let server = again(server, &data_dir, port, &format!("{new}{old}"));
    let second = token(&server).await;
    assert_eq!(kids(&server).await, [kid(&second), kid(&first)]);
    assert_ne!(kid(&first), kid(&second));
    assert_eq!((opens(&server, &first).await, opens(&server, &second).await), (200, 200));
    // A token under the one key that names the other is neither's.
    let (_, rest) = first.split_once('.').unwrap();
    let (header, _) = second.split_once('.').unwrap();
    assert_eq!(opens(&server, &format!("{header}.{rest}")).await, 401);

    let server = again(server, &data_dir, port, &new);
    assert_eq!(kids(&server).await, [kid(&second)]);
    assert_eq!((opens(&server, &first).await, opens(&server, &second).await), (401, 200));
    let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(&second).unwrap();
    assert_eq!(claims["iss"], server.base_url());
}
