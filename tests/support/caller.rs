//! A caller of the API, and what it is answered.

use std::time::{Duration, Instant};

use reqwest::{Client, ClientBuilder, Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::Value;

/// A client with or without a token.
#[derive(Clone)]
pub struct Caller {
    http: Client,
    pub base_url: String,
    pub token: Option<String>,
    pub client_id: String,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The receipt: the log's origin and the entry's seq.
    pub fn receipt(&self) -> (String, u64) {
        let (origin, seq) = self.header("audit-receipt").expect("a receipt").rsplit_once(' ').unwrap();
        (origin.to_owned(), seq.parse().unwrap())
    }

    /// The body of a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// The problem of a refusal, which must be of this status and code.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        let body = String::from_utf8_lossy(&self.body).into_owned();
        assert_eq!(self.status.as_u16(), status, "{body}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{body}");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{body}");
        assert_eq!(problem["status"], status, "{body}");
        assert_eq!(problem["request_id"], self.header("x-request-id").unwrap(), "{body}");
        problem
    }

    /// A refusal because of the token, which does not say which check failed.
    #[track_caller]
    pub fn refuses_the_token(self, what: &str) {
        assert_eq!(self.status, 401, "{what}: {}", self.text());
        let problem = self.problem(401, "unauthenticated");
        assert_eq!(problem["detail"], "the access token is not valid, or no longer", "{what}");
    }
}

impl Caller {
    pub fn stranger(base_url: &str) -> Self {
        Self::over(Client::builder(), base_url)
    }

    /// A stranger with an HTTP client of its own making: another address, a certificate.
    pub fn over(http: ClientBuilder, base_url: &str) -> Self {
        let http = http.no_proxy().build().unwrap();
        Self { http, base_url: base_url.to_owned(), token: None, client_id: String::new() }
    }

    /// Gets a token by client credentials.
    pub async fn authenticate(base_url: &str, id: &str, secret: &str, scopes: Option<&str>) -> Self {
        Self::stranger(base_url).authenticated(id, secret, scopes).await
    }

    /// This caller with a token by client credentials.
    pub async fn authenticated(mut self, id: &str, secret: &str, scopes: Option<&str>) -> Self {
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(scopes.map(|scopes| ("scope", scopes)));
        let request = self.request(Method::POST, "/oauth2/token").basic_auth(id, Some(secret)).form(&form);
        let token = self.send(request).await.ok();
        self.token = Some(token["access_token"].as_str().unwrap().to_owned());
        id.clone_into(&mut self.client_id);
        self
    }

    /// This caller with another token, or none.
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(ToOwned::to_owned), ..self.clone() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base_url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends, and reads the whole answer.
    pub async fn try_send(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Answer { status, headers, body: response.bytes().await?.to_vec() })
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Delivers NDJSON lines for an institution.
    pub async fn deliver(&self, institution: &str, lines: &str) -> Answer {
        self.send(self.delivery(institution, lines)).await
    }

    /// A delivery to be sent.
    pub fn delivery(&self, institution: &str, lines: &str) -> RequestBuilder {
        self.request(Method::POST, &format!("/v1/transactions:batch?institution={institution}"))
            .header("content-type", "application/x-ndjson")
            .body(lines.to_owned())
    }

    /// Waits until an evidence bundle is prepared.
    pub async fn until_ready(&self, bundle: &str) -> Value {
        self.until_prepared(&format!("/v1/evidence-bundles/{bundle}")).await
    }

    /// Waits until an export is prepared.
    pub async fn until_exported(&self, export: &str) -> Value {
        self.until_prepared(&format!("/v1/exports/{export}")).await
    }

    /// Has a report made, and waits for its first version.
    pub async fn report(&self, order: &Value) -> Value {
        let report = self.post("/v1/reports", order).await.ok();
        self.until_made(report["id"].as_str().unwrap(), 1).await;
        report
    }

    /// A version of a report, once it is made.
    pub async fn until_made(&self, report: &str, n: u64) -> Value {
        let path = format!("/v1/reports/{report}/versions/{n}");
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(60) {
            let version = self.get(&path).await.ok();
            if version["state"] != "producing" {
                return version;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{path} was not made in time");
    }

    async fn until_prepared(&self, path: &str) -> Value {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(60) {
            let state = self.get(path).await.ok();
            match state["state"].as_str().unwrap() {
                "preparing" => tokio::time::sleep(Duration::from_millis(25)).await,
                "ready" => return state,
                other => panic!("{path} is {other}"),
            }
        }
        panic!("{path} was not ready in time");
    }

    /// Every item of a list, page by page.
    pub async fn pages(&self, path: &str) -> Vec<Value> {
        self.pages_of(path, 500).await
    }

    /// Every item of a list, in pages of so many.
    pub async fn pages_of(&self, path: &str, limit: usize) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let page = self.get(&format!("{path}{joint}limit={limit}{cursor}")).await.ok();
            items.extend(page["data"].as_array().unwrap().iter().cloned());
            match page["page"]["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}
