//! TLS for the API's listener: rustls, TLS 1.2 and 1.3, HTTP/1.1, optional client certificates.
//!
//! The files are looked at again and again; what changed is used from the next handshake on. What
//! can't be used is not: then the old pair stays, and an error is logged.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use rustls::{
    DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem, pem::PemObject as _},
    server::{
        ClientHello, NoServerSessionStorage, ResolvesServerCert, VerifierBuilderError, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
};
use tokio::task::JoinHandle;

use crate::config::Http;

/// How often the files are looked at.
const ROUND: Duration = Duration::from_secs(2);

/// Why TLS can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read, or is not PEM of what it should be.
    #[error("{0}: {1}")]
    File(PathBuf, pem::Error),
    /// A file has none of what it should have.
    #[error("{0}: no certificate is in it")]
    Empty(PathBuf),
    /// The certificate and the key can't be used, or don't fit each other.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The certificates of the CA can't be used.
    #[error("TLS client CA: {0}")]
    ClientCa(#[from] VerifierBuilderError),
}

/// What the files say now.
#[derive(Debug)]
struct Material {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
    required: bool,
    provider: Arc<CryptoProvider>,
    now: RwLock<Loaded>,
}

#[derive(Clone, Debug)]
struct Loaded {
    pair: Arc<CertifiedKey>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
}

/// What the listener serves with, and the task that looks at the files; none when TLS is not configured.
///
/// # Errors
/// When the files can't be used.
pub fn start(http: &Http) -> Result<Option<(ServerConfig, JoinHandle<()>)>, TlsError> {
    let (Some(certificate), Some(key)) = (&http.tls_certificate, &http.tls_key) else { return Ok(None) };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let (client_ca, required) = (http.tls_client_ca.clone(), http.tls_client_required);
    let files: Vec<_> =
        [Some(certificate), Some(key), client_ca.as_ref()].into_iter().flatten().cloned().collect();
    let seen = times(&files);
    let now = load(&provider, certificate, key, client_ca.as_deref(), required)?;
    let material = Arc::new(Material {
        certificate: certificate.clone(),
        key: key.clone(),
        client_ca,
        required,
        provider: Arc::clone(&provider),
        now: RwLock::new(now),
    });
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12, &rustls::version::TLS13])?;
    let builder = match material.client_ca {
        Some(_) => builder.with_client_cert_verifier(Arc::new(Clients(Arc::clone(&material)))),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(Pair(Arc::clone(&material))));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    if material.client_ca.is_some() {
        // A session taken up again would not be held against the CA of now.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(Some((config, tokio::spawn(watch(material, files, seen)))))
}

fn load(
    provider: &Arc<CryptoProvider>,
    certificate: &Path,
    key: &Path,
    client_ca: Option<&Path>,
    required: bool,
) -> Result<Loaded, TlsError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| TlsError::File(path, error)
    };
    let private = PrivateKeyDer::from_pem_file(key).map_err(failed(key))?;
    let pair = Arc::new(CertifiedKey::from_der(certificates(certificate)?, private, provider)?);
    let Some(path) = client_ca else { return Ok(Loaded { pair, clients: None }) };
    let mut roots = RootCertStore::empty();
    for root in certificates(path)? {
        roots.add(root)?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = if required { builder } else { builder.allow_unauthenticated() };
    Ok(Loaded { pair, clients: Some(builder.build()?) })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |error| TlsError::File(path.to_owned(), error);
    let found: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    if found.is_empty() { Err(TlsError::Empty(path.to_owned())) } else { Ok(found) }
}

fn times(files: &[PathBuf]) -> Vec<Option<SystemTime>> {
    files.iter().map(|file| std::fs::metadata(file).and_then(|data| data.modified()).ok()).collect()
}

async fn watch(material: Arc<Material>, files: Vec<PathBuf>, mut seen: Vec<Option<SystemTime>>) {
    loop {
        tokio::time::sleep(ROUND).await;
        let times = times(&files);
        if times == seen {
            continue;
        }
        seen = times;
        let Material { certificate, key, client_ca, required, provider, .. } = &*material;
        match load(provider, certificate, key, client_ca.as_deref(), *required) {
            Ok(loaded) => {
                *material.now.write().unwrap_or_else(PoisonError::into_inner) = loaded;
                tracing::info!("the TLS certificate was read again");
            }
            Err(error) => tracing::error!(%error, "the new TLS files can't be used; the old ones stay"),
        }
    }
}

impl Material {
    fn now(&self) -> Loaded {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The pair of now.
#[derive(Debug)]
struct Pair(Arc<Material>);

impl ResolvesServerCert for Pair {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.now().pair)
    }
}

/// The client CA of now.
#[derive(Debug)]
struct Clients(Arc<Material>);

impl Clients {
    fn now(&self) -> Result<Arc<dyn ClientCertVerifier>, rustls::Error> {
        self.0.now().clients.ok_or_else(|| rustls::Error::General("there is no client CA".to_owned()))
    }
}

impl ClientCertVerifier for Clients {
    fn client_auth_mandatory(&self) -> bool {
        self.0.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // None: the names may change, and a client that has one certificate sends it.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.now()?.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.now()?.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.now()?.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.provider.signature_verification_algorithms.supported_schemes()
    }
}
