//! A form that was sent. Its fields may be secrets, so nothing prints it.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web};
use secrecy::SecretString;

use super::{query::Query, surroundings, trouble::Trouble};
use crate::{
    access::{Door, body},
    error::{Code, Problem},
};

/// Most bytes of a form.
const FORM_MAX: usize = 64 * 1024;
/// Most of one with long texts: a validator may have printed 300,000 characters, and each may take nine bytes.
const TYPED_MAX: usize = 3 << 20;
const TYPE: &str = "application/x-www-form-urlencoded";

/// The fields of a form.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// A field; empty when it was not sent.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value)
    }

    /// Every value of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// A field that is a secret.
    #[must_use]
    pub fn secret(&self, name: &str) -> SecretString {
        self.get(name).into()
    }
}

impl FromRequest for Form {
    type Error = Trouble;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Trouble>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = read(&request, payload, FORM_MAX).await?;
            let pairs = form_urlencoded::parse(&bytes);
            Ok(Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()))
        })
    }
}

/// What was typed into a form that has no secrets: as a query, so that the form can be shown again with it.
#[derive(Debug)]
pub struct Typed(pub Query);

impl FromRequest for Typed {
    type Error = Trouble;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Trouble>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = read(&request, payload, TYPED_MAX).await?;
            let unreadable = || Problem::new(Code::MalformedBody, "what was sent cannot be read");
            let text = std::str::from_utf8(&bytes).map_err(|_| unreadable())?;
            Ok(Self(Query::parse(text)))
        })
    }
}

/// A form's bytes, at the pace that every body must keep.
async fn read(request: &HttpRequest, payload: Payload, max: usize) -> Result<web::Bytes, Trouble> {
    let door = surroundings::given::<Door>(request)?;
    let context = surroundings::context(request)?;
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(TYPE) {
        return Err(Problem::new(Code::UnsupportedMediaType, format!("a form is {TYPE}")).into());
    }
    Ok(body::read(&door, &context, payload, max).await?)
}
