//! Forms about grants.

use maud::{Markup, html};

use crate::{
    domain::Scope,
    error::{Code, Problem},
    portal::{sending, trouble::Trouble, visit::Visitor},
};

pub(super) use crate::portal::sending::{Answered, Once, see, send};

/// Refuses a page to those who may not grant anything, and to those who have not said whose.
pub(super) fn allow(visitor: &Visitor) -> Result<(), Trouble> {
    sending::allow(visitor, Scope::GrantsManage)?;
    if visitor.stay.institution.is_none() {
        let detail = "say with institution= which institution's grants are meant";
        return Err(Problem::new(Code::MissingParameter, detail).into());
    }
    Ok(())
}

/// What was wrong with what was sent.
pub(super) fn fault(trouble: Option<&Trouble>) -> Markup {
    sending::fault(trouble, |place| html! { (named(place)) })
}

/// The field that a pointer of the API is about.
fn named(pointer: &str) -> &str {
    match pointer {
        "/email" => "E-mail address",
        "/from" => "First day",
        "/until" => "Last day",
        "/purpose" => "What for",
        "/reason" => "Reason",
        other if other.starts_with("/scopes") => "What they may see",
        other => other,
    }
}
