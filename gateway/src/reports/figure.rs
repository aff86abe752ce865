//! Figures: numbers in a report, with what made them.

use std::borrow::Cow;

use serde::Serialize;
use veritrail_audit::{SumLeaf, SumNode};

use crate::domain::{Currency, money::decimal_text};

/// What a figure is counted in. Amounts are whole numbers of the smallest unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Money, in minor units.
    Money(Currency),
    /// Things, such as `payments`.
    Count(&'static str),
}

impl Unit {
    /// Its name: the currency's code, or the things'.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Money(currency) => currency.code(),
            Self::Count(things) => things,
        }
    }

    /// A number of the smallest unit as decimal text.
    #[must_use]
    pub fn text(self, amount: i128) -> String {
        let decimals = match self {
            Self::Money(currency) => currency.exponent() as usize,
            Self::Count(_) => 0,
        };
        decimal_text(amount, decimals)
    }
}

/// A figure as a term of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Input {
    /// Its position among the version's figures.
    pub figure: u32,
    /// What it is multiplied with: 1, or -1.
    pub factor: i8,
}

/// A number in a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Its position among the version's figures, from 0.
    pub position: u32,
    /// Its name, unique in the version, such as `1787/closing_balance`.
    pub name: String,
    /// Its value in the smallest unit: of its contributions and its inputs, the sum.
    pub amount: i128,
    /// What it is counted in.
    pub unit: Unit,
    /// How it comes about, as a sentence.
    pub formula: Cow<'static, str>,
    /// Where it stands in the document: an `XPath`, a cell or a fact's id.
    pub path: String,
    /// The figures that it is made of.
    pub inputs: Vec<Input>,
    /// How many contributions it has of its own.
    pub count: u64,
    /// The root of the Merkle-sum tree over them, in their order.
    pub root: SumNode,
}

/// What a record adds to a figure, or takes from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// The figure's position.
    pub figure: u32,
    /// Its place among the figure's contributions, from 0.
    pub position: u64,
    /// The record, and how much.
    pub leaf: SumLeaf,
}

/// An amount that somebody adds to a figure by hand, and somebody else approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// The figure's name.
    pub figure: String,
    /// The entry that approved it.
    pub seq: u64,
    /// How much, in the figure's smallest unit.
    pub amount: i64,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The version must not be filed.
    Error,
    /// Somebody should look at it.
    Warning,
}

/// Something that was found while a report was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Remark {
    /// The rule's name: `snake_case`, or as the standard has it.
    #[schema(example = "running_balance_differs")]
    pub rule: Cow<'static, str>,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about: an account, a figure, or a place in the document.
    #[schema(example = "1787")]
    pub subject: String,
    /// The record's entry, where one is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "4711", pattern = "^[0-9]+$")]
    pub seq: Option<String>,
    /// What is wrong, as a sentence.
    #[schema(example = "the entries make 10.00, and 11.00 is recorded")]
    pub detail: String,
}
