//! Figures as rows, and the list of a version's figures as text, whose hash its entry names.

use serde::Serialize;
use veritrail_audit::SumLeaf;

use super::PressError;
use crate::{
    reports::{Figure, Unit},
    store::reports::figures::FigureRow,
};

/// A figure as a row.
pub(super) fn figure(figure: &Figure) -> Result<FigureRow, PressError> {
    let decimals = match figure.unit {
        Unit::Money(currency) => currency.exponent(),
        Unit::Count(_) => 0,
    };
    let inputs: Vec<Term> = figure
        .inputs
        .iter()
        .map(|input| Term { factor: input.factor.to_string(), figure: input.figure.to_string() })
        .collect();
    Ok(FigureRow {
        position: figure.position.into(),
        name: figure.name.clone(),
        value: figure.unit.text(figure.amount),
        unit: figure.unit.name().to_owned(),
        decimals: decimals.into(),
        formula: figure.formula.to_string(),
        path: figure.path.clone(),
        inputs: serde_json::to_string(&inputs).map_err(PressError::damaged)?,
        parts: i64::try_from(figure.count).unwrap_or(i64::MAX),
        credit: figure.root.credit.to_string(),
        debit: figure.root.debit.to_string(),
        root: figure.root.hash.0.to_vec(),
    })
}

/// What a contribution adds; below nought, what it takes away.
pub(super) fn amount(leaf: SumLeaf) -> i64 {
    let signed = |sum: u64| i64::try_from(sum).unwrap_or(i64::MAX);
    signed(leaf.credit) - signed(leaf.debit)
}

/// A figure as a term of another: canonical JSON, like [`Line`].
#[derive(Debug, Serialize)]
struct Term {
    factor: String,
    figure: String,
}

/// A line of the list of figures: canonical JSON, members in order and no numbers.
#[derive(Debug, Serialize)]
struct Line<'a> {
    credit: &'a str,
    debit: &'a str,
    decimals: String,
    formula: &'a str,
    inputs: serde_json::Value,
    name: &'a str,
    parts: String,
    path: &'a str,
    position: String,
    root: String,
    unit: &'a str,
    value: &'a str,
}

/// A figure's line in the list, with its end.
///
/// # Errors
/// When what is stored is no figure.
pub fn line(row: &FigureRow) -> serde_json::Result<Vec<u8>> {
    let line = Line {
        credit: &row.credit,
        debit: &row.debit,
        decimals: row.decimals.to_string(),
        formula: &row.formula,
        inputs: serde_json::from_str(&row.inputs)?,
        name: &row.name,
        parts: row.parts.to_string(),
        path: &row.path,
        position: row.position.to_string(),
        root: hex(&row.root),
        unit: &row.unit,
        value: &row.value,
    };
    let mut text = serde_json::to_vec(&line)?;
    text.push(b'\n');
    Ok(text)
}

/// Bytes in hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
