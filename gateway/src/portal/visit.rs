//! A visit: somebody who is signed in asks for a page. The way from a page to the API.

use std::{future::Future, pin::Pin, sync::Arc};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest,
    body::BoxBody,
    dev::{Payload, ServiceResponse},
    http::{Method, header},
    web,
};
use serde_json::Value;

use super::{
    api::{self, Api, Call},
    query::Query,
    surroundings,
    trouble::Trouble,
};
use crate::{
    access::{Door, Session, Stay, session},
    domain::{InstitutionId, Role},
};

/// The parameter that says which institution an operator or a regulator looks at.
pub const INSTITUTION: &str = "institution";

/// Who asks, and for what.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Who is signed in.
    pub session: Session,
    /// On whose behalf, and at whom they look.
    pub stay: Stay,
    /// The page's path.
    pub path: String,
    /// The page's query.
    pub query: Query,
}

impl Visitor {
    /// A link within the portal, which keeps the institution that is looked at.
    #[must_use]
    pub fn link(&self, target: &str) -> String {
        match self.named() {
            Some(id) if target.contains('?') => format!("{target}&{INSTITUTION}={id}"),
            Some(id) => format!("{target}?{INSTITUTION}={id}"),
            None => target.to_owned(),
        }
    }

    /// The institution that links must name; none for people of the institution itself.
    #[must_use]
    pub fn named(&self) -> Option<InstitutionId> {
        let outside = self.session.role.is_outside();
        self.stay.institution.as_ref().filter(|_| outside).map(|(id, _)| *id)
    }

    /// Whether they may do what a scope permits, where they look.
    #[must_use]
    pub fn may(&self, scope: crate::domain::Scope) -> bool {
        self.stay.on_behalf.scopes().contains(&scope)
    }

    /// Their role.
    #[must_use]
    pub fn role(&self) -> Role {
        self.session.role
    }
}

/// A visitor with a way to the API.
pub struct Visit {
    api: web::Data<Api>,
    visitor: Arc<Visitor>,
}

impl std::ops::Deref for Visit {
    type Target = Visitor;

    fn deref(&self) -> &Visitor {
        &self.visitor
    }
}

impl Visit {
    /// What the API answers at a path, as JSON.
    ///
    /// # Errors
    /// What it refuses.
    pub async fn get(&self, target: &str) -> Result<Value, Trouble> {
        self.ask(Call::new(Method::GET, target)).await
    }

    /// As [`get`](Self::get), and none where there is nothing that they may see.
    ///
    /// # Errors
    /// What it refuses otherwise.
    pub async fn find(&self, target: &str) -> Result<Option<Value>, Trouble> {
        match self.get(target).await {
            Err(trouble) if trouble.is_not_found() => Ok(None),
            other => other.map(Some),
        }
    }

    /// Sends JSON to the API.
    ///
    /// # Errors
    /// What it refuses.
    pub async fn post(&self, target: &str, body: &Value) -> Result<Value, Trouble> {
        self.ask(Call::new(Method::POST, target).json(body)).await
    }

    /// Calls the API, and reads JSON.
    ///
    /// # Errors
    /// What it refuses.
    pub async fn ask(&self, call: Call) -> Result<Value, Trouble> {
        api::json(self.call(call).await?).await
    }

    /// Calls the API about the institution that is looked at; the answer is as it comes.
    ///
    /// # Errors
    /// What it refuses.
    pub async fn call(&self, call: Call) -> Result<ServiceResponse<BoxBody>, Trouble> {
        let call = match self.named() {
            Some(id) if !call.is_at_home() => call.about(INSTITUTION, &id.to_string()),
            _ => call,
        };
        self.api.call(self.stay.on_behalf.clone(), call).await
    }

    /// Hands on what the API answers: a download.
    ///
    /// # Errors
    /// What it refuses.
    pub async fn pass(&self, call: Call) -> Result<actix_web::HttpResponse, Trouble> {
        let (_, response) = self.call(call).await?.into_parts();
        Ok(response)
    }

    /// The visitor, for what is drawn.
    #[must_use]
    pub fn visitor(&self) -> &Visitor {
        &self.visitor
    }
}

impl FromRequest for Visit {
    type Error = Trouble;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Trouble>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let door = surroundings::given::<Door>(&request)?;
            let api = surroundings::given::<Api>(&request)?;
            let context = surroundings::context(&request)?;
            let session = match cookie(&request) {
                Some(cookie) => door.session(&cookie).await?,
                None => None,
            };
            let Some(session) = session else { return Err(Trouble::SignIn(return_to(&request))) };
            let path = request.path();
            if session.must_set_up && path != "/account" && !path.starts_with("/account/") {
                return Err(Trouble::SetUp);
            }
            let query = Query::parse(request.query_string());
            // What is no id is no institution of theirs.
            let named = query.get(INSTITUTION).and_then(|id| id.parse().ok());
            let stay = door.stay(&session, named, context.address).await?;
            door.know_visitor(&context, &stay);
            let visitor = Visitor { session, stay, path: request.path().to_owned(), query };
            let visitor = Arc::new(visitor);
            // For the frame of a page that tells of trouble.
            request.extensions_mut().insert(Arc::clone(&visitor));
            Ok(Self { api, visitor })
        })
    }
}

/// The session's id, as the browser sent it.
#[must_use]
pub fn cookie(request: &HttpRequest) -> Option<String> {
    cookie_named(request, session::COOKIE)
}

/// A cookie, as the browser sent it.
#[must_use]
pub fn cookie_named(request: &HttpRequest, wanted: &str) -> Option<String> {
    let lines = request.headers().get_all(header::COOKIE);
    let mut pairs = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == wanted).then(|| value.to_owned())
    })
}

/// Where to go after signing in: the page itself, if looking at it again does nothing else.
fn return_to(request: &HttpRequest) -> String {
    match *request.method() {
        Method::GET => request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned(),
        _ => "/".to_owned(),
    }
}
