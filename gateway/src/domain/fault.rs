//! What every refusal of a value has in common.

/// A value was refused for one stated reason.
///
/// The `Display` text is a whole sentence for a person; [`Fault::code`] is for programs. Neither ever quotes a
/// value that may be personal data.
pub trait Fault: std::error::Error {
    /// The stable, snake_case name of the reason, as it stands in `errors[].code` of a problem document.
    fn code(&self) -> &'static str;
}
