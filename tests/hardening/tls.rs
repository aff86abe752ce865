//! TLS: whom a client may trust, which clients are let in, and new certificates while it runs.

use std::{path::Path, sync::Arc, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
    version::{TLS12, TLS13},
};
use tempfile::TempDir;
use tokio::{io::AsyncReadExt as _, net::TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    hardening::{Raw, configured},
    support::{Server, server::free_ports},
};

type Ca = CertifiedIssuer<'static, KeyPair>;
type Own = (CertificateDer<'static>, PrivateKeyDer<'static>);

fn ca() -> Ca {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for a name, and its key.
fn issue(ca: &Ca, name: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    (CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, ca).unwrap(), key)
}

fn own(ca: &Ca) -> Own {
    let (certificate, key) = issue(ca, "client");
    (certificate.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
}

/// Puts the server's certificate of a CA where the server looks for it.
fn put(folder: &Path, ca: &Ca) {
    let (certificate, key) = issue(ca, "localhost");
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    std::fs::write(folder.join("certificate.pem"), certificate.pem()).unwrap();
}

/// A demo heard by TLS, with a certificate of the CA.
fn heard(ca: &Ca, env: &[(&str, &str)]) -> (Server, TempDir, TempDir) {
    let files = TempDir::new().unwrap();
    put(files.path(), ca);
    let path = |name: &str| files.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (path("certificate.pem"), path("key.pem"));
    let mut all = vec![
        ("VERITRAIL_HTTP__TLS_CERTIFICATE", certificate.as_str()),
        ("VERITRAIL_HTTP__TLS_KEY", key.as_str()),
    ];
    all.extend(env);
    let (server, folder) = configured(&all);
    (server, folder, files)
}

/// Asks whether the service lives, by TLS.
async fn asked(
    server: &Server,
    trusted: &Ca,
    own: Option<Own>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match own {
        Some((certificate, key)) => config.with_client_auth_cert(vec![certificate], key).unwrap(),
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(server.address()).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    // In TLS 1.3 a refused client certificate is told after the client's handshake.
    use tokio::io::AsyncWriteExt as _;
    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").await?;
    let mut first = [0; 12];
    stream.read_exact(&mut first).await?;
    assert_eq!(&first, b"HTTP/1.1 200");
    Ok(stream)
}

const BOTH: &[&rustls::SupportedProtocolVersion] = &[&TLS12, &TLS13];

#[tokio::test]
async fn a_client_that_trusts_the_ca_is_served_and_another_does_not_speak() {
    let ca = ca();
    let (server, _folder, _files) = heard(&ca, &[]);
    for (versions, version) in [
        (&[&TLS12][..], rustls::ProtocolVersion::TLSv1_2),
        (&[&TLS13], rustls::ProtocolVersion::TLSv1_3),
        (BOTH, rustls::ProtocolVersion::TLSv1_3),
    ] {
        let stream = asked(&server, &ca, None, versions).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version));
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    }
    let error = asked(&server, &self::ca(), None, BOTH).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    // Without TLS there is no answer.
    let mut plain = Raw::to(server.address()).await;
    plain.say("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut answer = Vec::new();
    let _ = plain.0.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[tokio::test]
async fn a_new_certificate_is_used_while_it_runs_and_a_broken_one_is_not() {
    let (first, second) = (ca(), ca());
    let (server, _folder, files) = heard(&first, &[]);
    asked(&server, &first, None, BOTH).await.unwrap();
    let settle = Duration::from_secs(5);
    std::fs::write(files.path().join("certificate.pem"), "-----BEGIN CERTIFICATE-----\nx").unwrap();
    tokio::time::sleep(settle).await;
    asked(&server, &first, None, BOTH).await.unwrap();
    // A key that doesn't fit.
    std::fs::write(files.path().join("certificate.pem"), issue(&second, "localhost").0.pem()).unwrap();
    tokio::time::sleep(settle).await;
    asked(&server, &first, None, BOTH).await.unwrap();
    put(files.path(), &second);
    let mut tries = 0;
    while asked(&server, &second, None, BOTH).await.is_err() {
        tries += 1;
        assert!(tries < 100, "the new certificate is not used");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(asked(&server, &first, None, BOTH).await.is_err());
}

#[tokio::test]
async fn a_client_certificate_is_asked_for_and_one_of_another_ca_refused() {
    let (ca, clients, foreign) = (ca(), ca(), ca());
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("clients.pem");
    std::fs::write(&path, clients.pem()).unwrap();
    for required in [true, false] {
        let (server, _folder, _files) = heard(
            &ca,
            &[
                ("VERITRAIL_HTTP__TLS_CLIENT_CA", path.to_str().unwrap()),
                ("VERITRAIL_HTTP__TLS_CLIENT_REQUIRED", if required { "true" } else { "false" }),
            ],
        );
        for versions in [&[&TLS12][..], &[&TLS13]] {
            asked(&server, &ca, Some(own(&clients)), versions).await.unwrap();
            assert!(asked(&server, &ca, Some(own(&foreign)), versions).await.is_err());
            assert_eq!(asked(&server, &ca, None, versions).await.is_err(), required);
        }
    }
}

#[test]
fn what_cannot_be_used_keeps_it_from_starting() {
    let folder = TempDir::new().unwrap();
    let port = free_ports();
    let start = |env: &[(&str, &str)]| {
        let told = std::process::Command::new(crate::support::server::binary("veritrail"))
            .args(["demo", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"])
            .arg(folder.path().join("data"))
            .envs(env.iter().copied())
            .output()
            .unwrap();
        assert!(!told.status.success());
        String::from_utf8_lossy(&told.stderr).into_owned()
    };
    assert!(start(&[("VERITRAIL_HTTP__TLS_KEY", "/x")]).contains("http.tls_certificate"));
    let missing = [("VERITRAIL_HTTP__TLS_CERTIFICATE", "/nowhere"), ("VERITRAIL_HTTP__TLS_KEY", "/nowhere")];
    assert!(start(&missing).contains("/nowhere"));
}
