//! A receiver of webhooks on an address of its own, which answers as a test wants it to.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use super::python::python;

/// How a receiver answers.
#[derive(Clone, Debug)]
pub enum Manner {
    /// With this status and body.
    Status(u16, &'static str),
    /// With a redirect to somewhere.
    Redirect(String),
    /// With a success, after this long.
    Late(Duration),
    /// With the head of a success, and then nothing of the body that it announces.
    Stall,
    /// With a success whose body never ends.
    Endless,
}

/// A message as it was received.
#[derive(Clone, Debug)]
pub struct Message {
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// How it was answered.
    pub taken: bool,
}

impl Message {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        &found.unwrap_or_else(|| panic!("no {name}: {self:?}")).1
    }

    pub fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The event's seq; -1 for a test.
    pub fn seq(&self) -> i64 {
        self.event()["data"]["seq"].as_str().map_or(-1, |seq| seq.parse().unwrap())
    }

    pub fn signatures(&self) -> Vec<&str> {
        self.header("webhook-signature").split(' ').collect()
    }

    /// Whether one of its signatures is that of a public key, checked by the words of the specification.
    pub fn is_signed_by(&self, public_key: &str) -> bool {
        let key: [u8; 32] =
            STANDARD.decode(public_key.strip_prefix("whpk_").unwrap()).unwrap().try_into().unwrap();
        let key = ed25519_dalek::VerifyingKey::from_bytes(&key).unwrap();
        let content =
            format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.body);
        self.signatures().iter().filter_map(|one| one.strip_prefix("v1a,")).any(|signature| {
            let signature: [u8; 64] = STANDARD.decode(signature).unwrap().try_into().unwrap();
            key.verify_strict(content.as_bytes(), &signature.into()).is_ok()
        })
    }
}

/// A running receiver.
pub struct Receiver {
    pub address: SocketAddr,
    manner: Arc<Mutex<Manner>>,
    messages: Arc<Mutex<Vec<Message>>>,
    task: JoinHandle<()>,
}

impl Receiver {
    /// One that takes everything.
    pub async fn start() -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    pub async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let manner = Arc::new(Mutex::new(Manner::Status(204, "")));
        let messages = Arc::default();
        let task = tokio::spawn(listen(listener, None, Arc::clone(&manner), Arc::clone(&messages)));
        Self { address, manner, messages, task }
    }

    /// One that speaks TLS with a certificate of a name, and leaves what to check it by in a file.
    pub async fn start_tls(name: &str, ca_file: &Path) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        std::fs::write(ca_file, made.cert.pem()).unwrap();
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let manner = Arc::new(Mutex::new(Manner::Status(204, "")));
        let messages = Arc::default();
        let tls = Some(TlsAcceptor::from(Arc::new(config)));
        let task = tokio::spawn(listen(listener, tls, Arc::clone(&manner), Arc::clone(&messages)));
        Self { address, manner, messages, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Its URL by a host's name.
    pub fn url_by(&self, host: &str) -> String {
        format!("http://{host}:{}/hook", self.address.port())
    }

    pub fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// All that it received, taken or not.
    pub fn received(&self) -> Vec<Message> {
        self.messages.lock().unwrap().clone()
    }

    /// What it took.
    pub fn taken(&self) -> Vec<Message> {
        self.received().into_iter().filter(|message| message.taken).collect()
    }

    /// The seqs of what it took, in the order in which it did.
    pub fn seqs(&self) -> Vec<i64> {
        self.taken().iter().map(Message::seq).collect()
    }

    /// Waits until it received so many, taken or not.
    pub async fn until_received(&self, count: usize) {
        until(&format!("{count} messages are received"), async || {
            (self.received().len() >= count).then_some(())
        })
        .await;
    }

    /// Waits until it took so many.
    pub async fn until_taken(&self, count: usize) -> Vec<Message> {
        until(&format!("{count} messages are taken"), async || {
            Some(self.taken()).filter(|all| all.len() >= count)
        })
        .await
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Asks again and again until there is an answer.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < Duration::from_secs(90), "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The public library takes all these messages, which were signed with a shared secret.
pub fn check_with_public_library(secret: &str, messages: &[Message]) {
    assert_eq!(refused_by_public_library(secret, messages), 0);
}

/// How many messages the public library refuses.
pub fn refused_by_public_library(secret: &str, messages: &[Message]) -> usize {
    let given: Vec<Value> = messages
        .iter()
        .map(|message| {
            let headers: serde_json::Map<String, Value> =
                message.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            // The receiver's clock goes as the sender's does.
            let received_at: i64 = message.header("webhook-timestamp").parse().unwrap();
            json!({"headers": headers, "body": message.body, "received_at": received_at})
        })
        .collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    serde_json::to_writer(file.as_file(), &json!({"secret": secret, "messages": given})).unwrap();
    let said = python("verify_webhooks.py", &[file.path().to_str().unwrap()]);
    assert_eq!(said["checked"], messages.len());
    said["refused"].as_array().unwrap().len()
}

async fn listen(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    manner: Arc<Mutex<Manner>>,
    messages: Arc<Mutex<Vec<Message>>>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let (tls, manner, messages) = (tls.clone(), Arc::clone(&manner), Arc::clone(&messages));
        tokio::spawn(async move {
            match tls {
                None => serve(stream, &manner, &messages).await,
                Some(tls) => {
                    // A sender that does not trust the certificate goes away.
                    let Ok(stream) = tls.accept(stream).await else { return };
                    serve(stream, &manner, &messages).await;
                }
            }
        });
    }
}

/// Reads one request and answers it.
async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    manner: &Mutex<Manner>,
    messages: &Mutex<Vec<Message>>,
) {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        break (head, end + 4 + length.unwrap_or(0_usize));
    };
    while bytes.len() < length {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let manner = manner.lock().unwrap().clone();
    let body = String::from_utf8(bytes[head.len() + 4..].to_vec()).unwrap();
    let taken = matches!(manner, Manner::Status(200..=299, _) | Manner::Endless);
    messages.lock().unwrap().push(Message { headers, body, taken });
    let answer = match manner {
        Manner::Status(status, body) => {
            format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )
        }
        Manner::Redirect(to) => {
            format!("HTTP/1.1 307 X\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        }
        Manner::Late(after) => {
            tokio::time::sleep(after).await;
            "HTTP/1.1 204 X\r\nconnection: close\r\n\r\n".to_owned()
        }
        Manner::Stall => "HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\n".to_owned(),
        Manner::Endless => "HTTP/1.1 200 X\r\n\r\n".to_owned(),
    };
    let is_endless = answer.ends_with("X\r\n\r\n");
    let waits = answer.contains("content-length: 9");
    if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() {
        return;
    }
    while is_endless && stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    if waits {
        // Until the sender gives up.
        let _ = stream.read(&mut [0; 1]).await;
    }
}
