//! Where a request would arrive.

use super::{
    Case, Finding,
    request::{Sent, shown},
};
use crate::api::operations::{Operation, Operations};

/// Where a request would arrive.
pub(super) enum Route<'a> {
    /// At an operation.
    Found(&'a Operation),
    /// At a path that has these methods and not its own.
    Methods(Vec<&'a str>),
    /// Nowhere.
    None,
}

impl<'a> Route<'a> {
    pub fn of(sent: &Sent, operations: &'a Operations) -> Self {
        let there: Vec<&Operation> = operations.at(&sent.path).collect();
        match there.iter().find(|operation| operation.method.as_str() == sent.method) {
            Some(operation) => Self::Found(operation),
            None if there.is_empty() => Self::None,
            None => Self::Methods(there.iter().map(|operation| operation.method.as_str()).collect()),
        }
    }

    pub fn operation(&self) -> Option<&'a Operation> {
        match self {
            Self::Found(operation) => Some(operation),
            _ => None,
        }
    }
}

pub(super) fn path(case: &Case<'_>) -> Finding {
    match case.route {
        Route::None => Finding::fail("there is no such path; the API's document lists them"),
        _ => Finding::pass("there is such a path"),
    }
}

pub(super) fn method(case: &Case<'_>) -> Finding {
    match case.route {
        Route::None => Finding::skipped("there is no such path"),
        Route::Found(operation) => Finding::pass(format!("this is {}", operation.id)),
        Route::Methods(methods) => {
            let mut methods = methods.clone();
            methods.sort_unstable();
            methods.dedup();
            let what = "the path takes another method";
            Finding::compare(false, what, methods.join(", "), shown(&case.sent.method))
        }
    }
}
