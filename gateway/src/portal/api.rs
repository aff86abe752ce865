//! The API, as the portal calls it: in this process, by the same routes as everybody.

use std::{fmt::Debug, future::Future, pin::Pin};

use actix_http::{HttpMessage as _, Payload, Request, h1};
use actix_service::{IntoServiceFactory, Service as _};
use actix_web::{
    Error,
    body::{self, BoxBody},
    dev::{AppConfig, ServiceFactory, ServiceResponse},
    http::{
        Method, StatusCode, Uri,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    web::Bytes,
};
use serde_json::Value;

use super::trouble::Trouble;
use crate::{
    access::{Anybody, OnBehalf},
    error::Problem,
};

/// The most of an answer that is taken to draw a page.
const ANSWER_MAX: usize = 8 * 1024 * 1024;

type Answering = Pin<Box<dyn Future<Output = Result<ServiceResponse<BoxBody>, Error>>>>;

/// The API of this worker.
pub struct Api(Box<dyn Fn(Request) -> Answering>);

/// What is asked of it.
#[derive(Debug)]
pub struct Call {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Option<Bytes>,
}

impl Call {
    /// To a path, with its query.
    #[must_use]
    pub fn new(method: Method, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), headers: HeaderMap::new(), body: None }
    }

    /// With a header. A value that can't be one is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Whether it concerns the caller's own home, whichever institution is looked at.
    #[must_use]
    pub fn is_at_home(&self) -> bool {
        self.target.starts_with("/admin/") || self.target == "/v1/granted"
    }

    /// With a parameter more.
    #[must_use]
    pub fn about(mut self, name: &str, value: &str) -> Self {
        let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        self.target.push(if self.target.contains('?') { '&' } else { '?' });
        self.target.push_str(&format!("{name}={value}"));
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(self, kind: &str, body: impl Into<Bytes>) -> Self {
        Self { body: Some(body.into()), ..self.header(header::CONTENT_TYPE, kind) }
    }

    /// With a body of JSON.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }
}

impl Api {
    /// Starts the routes of an app.
    ///
    /// # Errors
    /// When one of its parts can't start.
    pub async fn start<F, S>(app: F) -> Result<Self, S::InitError>
    where
        F: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig, Response = ServiceResponse<BoxBody>, Error = Error>,
        S::Service: 'static,
        S::InitError: Debug,
    {
        let service = app.into_factory().new_service(AppConfig::default()).await?;
        Ok(Self(Box::new(move |request| Box::pin(service.call(request)))))
    }

    /// Calls it for somebody; the answer is as it comes.
    ///
    /// # Errors
    /// What it refuses.
    pub async fn call(&self, on_behalf: OnBehalf, call: Call) -> Result<ServiceResponse<BoxBody>, Trouble> {
        self.send(on_behalf, call).await
    }

    /// Calls it for anybody, who may do what takes no token.
    ///
    /// # Errors
    /// What it refuses.
    pub async fn call_openly(
        &self,
        anybody: Anybody,
        call: Call,
    ) -> Result<ServiceResponse<BoxBody>, Trouble> {
        self.send(anybody, call).await
    }

    async fn send<T: 'static>(&self, caller: T, call: Call) -> Result<ServiceResponse<BoxBody>, Trouble> {
        let payload = match call.body {
            Some(bytes) => {
                let mut payload = h1::Payload::create(true).1;
                payload.unread_data(bytes);
                payload.into()
            }
            None => Payload::None,
        };
        let mut request = Request::with_payload(payload);
        let head = request.head_mut();
        head.method = call.method;
        head.uri = call.target.parse::<Uri>().map_err(|_| Problem::not_found())?;
        head.headers = call.headers;
        request.extensions_mut().insert(caller);
        let response = (self.0)(request).await.map_err(|error| Problem::internal(error.to_string()))?;
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(Trouble::told(status, &json(response).await?));
        }
        Ok(response)
    }
}

/// The body of an answer, as JSON; null when there is none.
///
/// # Errors
/// When it is something else.
pub async fn json(response: ServiceResponse<BoxBody>) -> Result<Value, Trouble> {
    if response.status() == StatusCode::NO_CONTENT {
        return Ok(Value::Null);
    }
    let bytes = bytes(response).await?;
    Ok(serde_json::from_slice(&bytes).map_err(Problem::internal)?)
}

/// The body of an answer.
///
/// # Errors
/// When it is too long.
pub async fn bytes(response: ServiceResponse<BoxBody>) -> Result<Bytes, Trouble> {
    let read = body::to_bytes_limited(response.into_body(), ANSWER_MAX).await;
    let bytes = read.map_err(|_| Problem::internal("the answer is too long for a page"))?;
    Ok(bytes.map_err(|error| Problem::internal(error.to_string()))?)
}
