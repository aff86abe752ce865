//! The sheet that a maker writes on: the document's bytes, its figures with their contributions, and remarks.

use std::{
    borrow::Cow,
    collections::HashMap,
    fs::File,
    io::{self, BufWriter, Write},
};

use veritrail_audit::{SumLeaf, SumTree};

use super::{Adjustment, Contribution, Figure, Input, Period, Remark, Severity, Unit};

/// Remarks that are kept of each severity; more are counted.
const REMARKS_MAX: usize = 10_000;

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ProduceError {
    /// The document can't be written.
    #[error("the document can't be written: {0}")]
    Io(#[from] io::Error),
    /// A figure can't be told: a number is too large, for one.
    #[error("{0}")]
    Figure(String),
}

/// A figure that is being summed.
#[derive(Debug)]
#[must_use = "a figure is told by closing it"]
pub struct Leaf {
    position: u32,
    name: String,
    unit: Unit,
    formula: Cow<'static, str>,
    tree: SumTree,
    amount: i128,
}

impl Leaf {
    /// What it sums to so far, before any adjustment.
    #[must_use]
    pub fn amount(&self) -> i128 {
        self.amount
    }
}

/// A figure that was told: to be written into the document, or taken as an input of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its position among the figures.
    pub position: u32,
    /// Its value in the smallest unit.
    pub amount: i128,
    /// What it is counted in.
    pub unit: Unit,
}

impl Value {
    /// Its value as decimal text.
    #[must_use]
    pub fn text(&self) -> String {
        self.unit.text(self.amount)
    }
}

/// What was told since it was last taken.
#[derive(Debug, Default)]
pub struct Done {
    /// Figures that were closed.
    pub figures: Vec<Figure>,
    /// Contributions, also of figures that are still open.
    pub contributions: Vec<Contribution>,
    /// Remarks.
    pub remarks: Vec<Remark>,
}

impl Done {
    /// How many things there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.figures.len() + self.contributions.len() + self.remarks.len()
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a maker writes on. The document's bytes go to a file at once; figures, contributions and remarks are
/// taken from it now and then, so that it does not grow.
#[derive(Debug)]
pub struct Sheet {
    out: BufWriter<File>,
    adjustments: HashMap<String, Vec<Adjustment>>,
    next: u32,
    done: Done,
    errors: usize,
    warnings: usize,
}

impl Sheet {
    /// A sheet whose document is written to a file, with adjustments that were approved.
    #[must_use]
    pub fn new(file: File, adjustments: Vec<Adjustment>) -> Self {
        let mut by_figure: HashMap<String, Vec<Adjustment>> = HashMap::new();
        for adjustment in adjustments {
            by_figure.entry(adjustment.figure.clone()).or_default().push(adjustment);
        }
        Self {
            out: BufWriter::new(file),
            adjustments: by_figure,
            next: 0,
            done: Done::default(),
            errors: 0,
            warnings: 0,
        }
    }

    /// Begins a figure that records contribute to. Names are unique in a version: text without control characters.
    pub fn open(
        &mut self,
        name: impl Into<String>,
        unit: Unit,
        formula: impl Into<Cow<'static, str>>,
    ) -> Leaf {
        Leaf {
            position: self.take_position(),
            name: name.into(),
            unit,
            formula: formula.into(),
            tree: SumTree::default(),
            amount: 0,
        }
    }

    /// Adds a record's part to a figure; an amount below nought is taken away.
    pub fn add(&mut self, leaf: &mut Leaf, seq: u64, amount: i64) {
        let part = SumLeaf::new(seq, amount);
        let position = leaf.tree.size();
        leaf.tree.push(part);
        leaf.amount += i128::from(amount);
        self.done.contributions.push(Contribution { figure: leaf.position, position, leaf: part });
    }

    /// Ends a figure: approved adjustments are added, and it is told with its place in the document.
    pub fn close(&mut self, leaf: Leaf, path: impl Into<String>) -> Value {
        self.tell(leaf, &[], path.into())
    }

    /// Tells a figure that is made of others: their values times their factors, added up.
    pub fn derive(
        &mut self,
        name: impl Into<String>,
        unit: Unit,
        formula: impl Into<Cow<'static, str>>,
        terms: &[(Value, i8)],
        path: impl Into<String>,
    ) -> Value {
        let leaf = self.open(name, unit, formula);
        self.tell(leaf, terms, path.into())
    }

    fn tell(&mut self, mut leaf: Leaf, terms: &[(Value, i8)], path: String) -> Value {
        for adjustment in self.adjustments.remove(&leaf.name).unwrap_or_default() {
            self.add(&mut leaf, adjustment.seq, adjustment.amount);
            self.remark(Remark {
                rule: "adjusted".into(),
                severity: Severity::Warning,
                subject: leaf.name.clone(),
                seq: Some(adjustment.seq.to_string()),
                detail: format!(
                    "{} was added by hand, as approved",
                    leaf.unit.text(adjustment.amount.into())
                ),
            });
        }
        let Leaf { position, name, unit, formula, tree, amount } = leaf;
        let amount =
            terms.iter().fold(amount, |sum, (value, factor)| sum + value.amount * i128::from(*factor));
        let inputs = terms.iter().map(|(value, factor)| Input { figure: value.position, factor: *factor });
        let (inputs, count, root) = (inputs.collect(), tree.size(), tree.root());
        let figure = Figure { position, name, amount, unit, formula, path, inputs, count, root };
        self.done.figures.push(figure);
        Value { position, amount, unit }
    }

    /// Says what was found.
    pub fn remark(&mut self, remark: Remark) {
        let count = match remark.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count <= REMARKS_MAX {
            self.done.remarks.push(remark);
        }
    }

    /// How many errors and warnings were found.
    #[must_use]
    pub fn found(&self) -> (usize, usize) {
        (self.errors, self.warnings)
    }

    /// Says that the period was not over when the version was ordered: more may come.
    pub fn remark_early(&mut self, period: Period) {
        self.remark(Remark {
            rule: "period_not_over".into(),
            severity: Severity::Warning,
            subject: period.to_string(),
            seq: None,
            detail: "the version was ordered before the period was over".to_owned(),
        });
    }

    /// Says of each adjustment that no figure took that there is no figure of its name: the version must not be filed
    /// without what was approved for it.
    pub fn remark_unused(&mut self) {
        let mut unused: Vec<Adjustment> =
            std::mem::take(&mut self.adjustments).into_values().flatten().collect();
        unused.sort_by_key(|adjustment| adjustment.seq);
        for Adjustment { figure, seq, .. } in unused {
            self.remark(Remark {
                rule: "adjustment_unused".into(),
                severity: Severity::Error,
                detail: "an adjustment was approved for this figure, and the version has no such figure"
                    .to_owned(),
                subject: figure,
                seq: Some(seq.to_string()),
            });
        }
    }

    /// What was told since this was last asked.
    pub fn take(&mut self) -> Done {
        std::mem::take(&mut self.done)
    }

    /// What waits to be taken.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.done.len()
    }

    /// Ends the document.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn finish(self) -> io::Result<File> {
        self.out.into_inner().map_err(io::IntoInnerError::into_error)
    }

    fn take_position(&mut self) -> u32 {
        let position = self.next;
        self.next += 1;
        position
    }
}

impl Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
