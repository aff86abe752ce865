//! What keeps a page from being shown.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde_json::Value;

use super::account;
use crate::error::{Code, Problem};

/// Why there is no page.
#[derive(Debug)]
pub enum Trouble {
    /// Nobody is signed in; where to lead him afterwards.
    SignIn(String),
    /// A second factor is to be set up before anything else.
    SetUp,
    /// The API refused, and has put that on the ledger.
    Told {
        /// Its status.
        status: StatusCode,
        /// The problem's code.
        code: String,
        /// In a few words.
        title: String,
        /// What happened.
        detail: String,
        /// The request's id.
        request_id: String,
        /// Each fault and its place.
        errors: Vec<(String, String)>,
    },
    /// The portal itself refuses.
    Own(Problem),
}

impl Trouble {
    /// A problem that the API told.
    #[must_use]
    pub fn told(status: StatusCode, problem: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let errors = problem["errors"].as_array().into_iter().flatten();
        Self::Told {
            status,
            code: text(&problem["code"]),
            title: text(&problem["title"]),
            detail: text(&problem["detail"]),
            request_id: text(&problem["request_id"]),
            errors: errors.map(|fault| (text(&fault["pointer"]), text(&fault["detail"]))).collect(),
        }
    }

    /// Whether the API said that there is nothing here.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == StatusCode::NOT_FOUND
    }

    /// Whether what was sent is at fault, so that the form is shown again with what is wrong.
    #[must_use]
    pub fn is_about_input(&self) -> bool {
        matches!(
            self.status(),
            StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY
        )
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::SignIn(_) | Self::SetUp => StatusCode::SEE_OTHER,
            Self::Told { status, .. } => *status,
            Self::Own(problem) => problem.code.status(),
        }
    }

    /// What happened, for a person.
    #[must_use]
    pub fn detail(&self) -> &str {
        match self {
            Self::SignIn(_) => "sign in first",
            Self::SetUp => "set up a second factor first",
            Self::Told { detail, .. } => detail,
            Self::Own(problem) => &problem.detail,
        }
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::SignIn(_) | Self::SetUp => Code::Unauthenticated.as_str(),
            Self::Told { code, .. } => code,
            Self::Own(problem) => problem.code.as_str(),
        }
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Own(problem)
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.detail())
    }
}

impl ResponseError for Trouble {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    /// The bare answer; [`shell`](super::shell) makes a page of it.
    fn error_response(&self) -> HttpResponse {
        match self {
            Self::SignIn(next) => {
                let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
                let to = format!("/sign-in?next={next}");
                HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
            }
            Self::SetUp => {
                HttpResponse::SeeOther().insert_header((header::LOCATION, account::SET_UP)).finish()
            }
            other => HttpResponse::new(other.status()),
        }
    }
}
