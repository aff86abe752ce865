//! A look at a page that is for everybody: the way to what the API tells without a token.

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::Method, web};
use maud::Markup;
use serde_json::Value;

use crate::{
    access::{Anybody, Door},
    domain::Scope,
    portal::{
        api::{self, Api, Call},
        layout::{self, Page},
        surroundings,
        trouble::Trouble,
        visit::Visit,
    },
};

/// How long it may take to find out who looks.
const PATIENCE: Duration = Duration::from_secs(2);

/// Somebody who looks, signed in or not.
pub struct Look {
    /// What every request passes.
    pub door: web::Data<Door>,
    api: web::Data<Api>,
    anybody: Anybody,
    visit: Option<Visit>,
}

impl Look {
    /// What the API answers everybody at a path, as JSON.
    ///
    /// # Errors
    /// What it refuses.
    pub async fn get(&self, target: &str) -> Result<Value, Trouble> {
        api::json(self.api.call_openly(self.anybody, Call::new(Method::GET, target)).await?).await
    }

    /// The page, in the frame of whoever is signed in.
    #[must_use]
    pub fn page(&self, title: &str, main: &Markup) -> Page {
        layout::public(self.visit.as_ref().map(Visit::visitor), title, main)
    }

    /// Whether whoever looks may do what a scope permits.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.visit.as_ref().is_some_and(|visit| visit.may(scope))
    }
}

/// Whoever is signed in. When that can't be found out, it is nobody: how the service is, is told then above all.
async fn visit(request: &HttpRequest) -> Option<Visit> {
    let found = Visit::from_request(request, &mut Payload::None);
    match tokio::time::timeout(PATIENCE, found).await {
        Ok(Ok(visit)) => return Some(visit),
        Ok(Err(Trouble::SignIn(_) | Trouble::SetUp)) => {}
        Ok(Err(trouble)) => {
            let cause = match &trouble {
                Trouble::Own(problem) => problem.cause.as_deref(),
                _ => None,
            };
            tracing::warn!(code = trouble.code(), cause, "who looks at the status can't be found out");
        }
        Err(_) => tracing::warn!("who looks at the status was not found out in time"),
    }
    None
}

impl FromRequest for Look {
    type Error = Trouble;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Trouble>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let door = surroundings::given::<Door>(&request)?;
            let api = surroundings::given::<Api>(&request)?;
            let context = surroundings::context(&request)?;
            let visit = visit(&request).await;
            Ok(Self { door, api, anybody: Anybody::of(&context), visit })
        })
    }
}
