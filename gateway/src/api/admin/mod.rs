//! `/admin/v1`, on its own port: what operators do. Each change is an entry on the log that it
//! concerns and on the provider's own.

pub mod clients;
pub mod feeds;
pub mod figures;
pub mod incidents;
pub mod institutions;
pub mod logs;
pub mod plans;

use crate::error::{Code, Problem};

/// Most bytes of a request's body.
const BODY_MAX: usize = 64 * 1024;
/// Rows of a list.
const PAGE: i64 = 100;

/// A name that people give: 1 to 100 characters, none of them a control character.
fn check_name(name: &str) -> Result<(), Problem> {
    let length = name.chars().count();
    if (1..=100).contains(&length) && !name.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(Problem::new(Code::Refused, "name: 1 to 100 characters, without control characters"))
    }
}
