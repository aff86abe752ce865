//! Whether there can be such a report, whoever orders it: a caller, or a schedule.

use std::collections::BTreeMap;

use crate::reports::{Definition, Granularity, Period, types};

const PARAMETER_MAX: usize = 10_000;

/// What of an order can't be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// A JSON pointer to it.
    pub pointer: String,
    /// The kind of fault, in snake_case.
    pub code: &'static str,
    /// Why.
    pub detail: String,
}

impl Unfit {
    fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.into() }
    }
}

/// The type of this name, and the period, if such a report can be made with these parameters.
///
/// # Errors
/// The first thing that does not fit.
pub fn judge(
    report_type: &str,
    period: &str,
    parameters: &BTreeMap<String, String>,
) -> Result<(&'static Definition, Period, Granularity), Unfit> {
    let definition = types::of_name(report_type).ok_or_else(|| {
        let names: Vec<_> = types::ALL.iter().map(|of| of.name).collect();
        Unfit::new("/type", "unknown_type", format!("one of {}", names.join(", ")))
    })?;
    let (period, granularity) =
        Period::parse(period).map_err(|e| Unfit::new("/period", "invalid_period", e.to_string()))?;
    if !definition.periods.contains(&granularity) {
        let lengths: Vec<_> = definition.periods.iter().map(|one| one.as_str()).collect();
        let detail = format!("a {} covers a {}", definition.name, lengths.join(" or a "));
        return Err(Unfit::new("/period", "invalid_period", detail));
    }
    let pointer = |name: &str| format!("/parameters/{}", name.replace('~', "~0").replace('/', "~1"));
    for (name, value) in parameters {
        text(&pointer(name), value, PARAMETER_MAX)?;
    }
    if let Some((name, why)) = definition.check(parameters).into_iter().next() {
        return Err(Unfit::new(pointer(&name), "invalid_parameter", format!("{name}: {why}")));
    }
    Ok((definition, period, granularity))
}

/// A text that people read: short, and without control characters.
///
/// # Errors
/// When it is not.
pub fn text(pointer: &str, text: &str, max: usize) -> Result<(), Unfit> {
    if text.is_empty() || text.chars().count() > max || text.contains(char::is_control) {
        let detail = format!("1 to {max} characters, none of them a control character");
        return Err(Unfit::new(pointer, "invalid_text", detail));
    }
    Ok(())
}
