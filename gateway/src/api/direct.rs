//! A whole list as one answer, in ledger order, as of one seq.
//!
//! It is written into a file without a name before its first byte leaves. So the look is recorded with the
//! digest of exactly what leaves, as every look is; the size is known; a client that takes its time holds
//! no memory and no reader; and trouble half way is a problem, not half a file.

use super::{State, as_of::Snapshot, params::Params};
use crate::{
    access::{Answer, Permit, Recorded, answer::Spooled, right::Right},
    error::{Code, Problem},
    export::{
        order::{Form, Format},
        press::ExportError,
        source::Selection,
    },
};

/// What makes no sense with a whole list.
const UNFIT: [&str; 5] = ["limit", "cursor", "sort", "fields", "proof"];

/// The header that says which entry is the last that an answer takes into account.
const AS_OF: &str = "audit-as-of";

/// Answers with all that a selection has.
///
/// # Errors
/// 400 for parameters of pages, 422 when there is too much.
pub async fn answer<R: Right>(
    permit: &Permit<R>,
    state: &State,
    params: &Params<'_>,
    snapshot: &Snapshot,
    selection: Selection,
    format: Format,
) -> Result<Recorded, Problem> {
    if let Some(name) = UNFIT.into_iter().find(|name| params.get(name).is_some()) {
        let detail = "only with application/json: another type has all rows whole, in ledger order";
        return Err(Problem::parameter(name, "conflicting_parameters", detail));
    }
    let (form, of) = (Form::plain(format), selection.of());
    let written = state.exports.spool(permit.tenant(), selection, snapshot.seq(), format).await?;
    let spooled = Spooled { file: written.file, length: written.bytes, sha256: written.sha256 };
    let name = format!("{}-as-of-{}.{}", of.as_str(), snapshot.seq(), form.extension());
    let answer = Answer::spooled(spooled, form.media_type())
        .header("vary", "Accept")
        .header(AS_OF, &snapshot.seq().to_string())
        .header("content-disposition", &format!("attachment; filename=\"{name}\""));
    permit.answer(answer).await
}

impl From<ExportError> for Problem {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::TooLarge(most) => {
                let detail = format!("there are more than {most} rows: order them with POST /v1/exports");
                Self::new(Code::Refused, detail)
            }
            ExportError::Busy => {
                let mut problem = Self::new(Code::Overloaded, error.to_string());
                problem.retry_after_s = Some(5);
                problem
            }
            other => Self::internal(other),
        }
    }
}
