//! What is found in a file, as a feeder is told.

use serde::{Deserialize, Serialize};

use crate::{domain::Finding, intake::Break};

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something cannot be stored.
    Error,
    /// Figures do not fit together; what they are of is stored all the same.
    Break,
}

/// One thing that was found in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IntakeFinding {
    /// The line, from 1.
    #[schema(example = 43)]
    pub line: u64,
    /// Where in the line or document: a JSON pointer, a column's name, the way to an XML element, or an MT940
    /// statement and tag. Absent when the whole line is at fault.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "/Document/BkToCstmrStmt/Stmt[1]/Bal[1]/Amt")]
    pub path: Option<String>,
    /// The field: the end of `path`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "Amt")]
    pub field: Option<String>,
    /// What is wrong, stable and in snake_case.
    #[schema(example = "too_many_decimals")]
    pub code: String,
    /// How grave it is.
    pub severity: Severity,
    /// What is wrong, for a person.
    #[schema(example = "EUR has 2 decimals, and the amount has more")]
    pub detail: String,
    /// Of a break: the figures.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub balance: Option<BalanceBreak>,
}

/// Figures of a statement that do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BalanceBreak {
    /// The statement's own id.
    #[schema(example = "253EURNL26VAYB8060476890")]
    pub statement: String,
    /// The account's reference.
    #[schema(example = "NL26VAYB8060476890")]
    pub account: String,
    /// What the figure had to be; a currency where currencies differ.
    #[schema(example = "27.00")]
    pub expected: String,
    /// What is stated.
    #[schema(example = "27.05")]
    pub stated: String,
    /// What is stated less what was expected.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "0.05")]
    pub difference: Option<String>,
}

impl From<Finding> for IntakeFinding {
    fn from(finding: Finding) -> Self {
        let Finding { line, pointer, code, detail } = finding;
        let field = pointer.as_deref().and_then(field);
        Self {
            line,
            path: pointer,
            field,
            code: code.into_owned(),
            severity: Severity::Error,
            detail,
            balance: None,
        }
    }
}

impl From<Break> for IntakeFinding {
    fn from(found: Break) -> Self {
        let detail = found.detail();
        let Break { line, path, code, statement, account, expected, stated, difference } = found;
        Self {
            line,
            field: field(&path),
            path: Some(path),
            code: code.to_owned(),
            severity: Severity::Break,
            detail,
            // An id of any length that schemas allow is told whole.
            balance: Some(BalanceBreak {
                statement: statement.chars().take(64).collect(),
                account,
                expected,
                stated,
                difference,
            }),
        }
    }
}

impl std::fmt::Display for IntakeFinding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, code, detail, .. } = self;
        match &self.path {
            Some(path) => write!(f, "line {line}, {path}: {detail} ({code})"),
            None => write!(f, "line {line}: {detail} ({code})"),
        }
    }
}

/// The last name of a path, without its number.
fn field(path: &str) -> Option<String> {
    let last = path.rsplit('/').next()?;
    let name = last.split_once('[').map_or(last, |(name, _)| name);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_the_end_of_the_path() {
        let field = |path: &str| IntakeFinding::from(Finding::at(1, path, "x", "")).field;
        assert_eq!(field("/Document/BkToCstmrStmt/Stmt[1]/Bal[2]/Amt").as_deref(), Some("Amt"));
        assert_eq!(field("/Document/BkToCstmrStmt/Stmt[1]").as_deref(), Some("Stmt"));
        assert_eq!(field("/amount/amount").as_deref(), Some("amount"));
        assert_eq!(field("Umsatz").as_deref(), Some("Umsatz"));
        assert_eq!(IntakeFinding::from(Finding::on_line(1, "x", "")).field, None);
    }
}
