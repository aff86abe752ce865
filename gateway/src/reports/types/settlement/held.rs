//! The last balance that is recorded, and what follows on it, as contributions to a figure.

use crate::reports::{Leaf, ProduceError, Sheet, Unit, Value, running::Step};

/// How many entries are kept until another balance makes them void.
const KEPT: usize = 256;

/// A figure that is the last recorded balance and the entries after it that say none.
///
/// Contributions can't be taken back, so what follows on a balance is kept until it is known to be the last.
/// Where more follows than is kept, it is told at once, and a later balance contributes what it adds to that.
#[derive(Debug)]
pub(super) struct Held {
    name: String,
    unit: Unit,
    formula: &'static str,
    leaf: Option<Leaf>,
    balance: Option<(u64, i64)>,
    after: Vec<(u64, i64)>,
    stated: bool,
}

impl Held {
    pub(super) fn new(name: String, unit: Unit, formula: &'static str) -> Self {
        Self { name, unit, formula, leaf: None, balance: None, after: Vec::new(), stated: false }
    }

    /// Whether a balance was recorded.
    pub(super) fn stated(&self) -> bool {
        self.stated
    }

    /// Whether anything was taken.
    pub(super) fn is_empty(&self) -> bool {
        self.leaf.is_none() && self.balance.is_none() && self.after.is_empty()
    }

    /// What it comes to.
    pub(super) fn amount(&self) -> i128 {
        let told = self.leaf.as_ref().map_or(0, Leaf::amount);
        let kept = self.balance.iter().chain(&self.after).map(|(_, amount)| i128::from(*amount));
        told + kept.sum::<i128>()
    }

    /// Takes the next entry in the order of the running balance.
    pub(super) fn take(&mut self, step: &Step, sheet: &mut Sheet) -> Result<(), ProduceError> {
        let Some(recorded) = step.recorded else {
            self.after.push((step.seq, step.amount));
            if self.after.len() > KEPT {
                self.tell(sheet);
            }
            return Ok(());
        };
        let told = self.leaf.as_ref().map_or(0, Leaf::amount);
        let more = i64::try_from(i128::from(recorded) - told)
            .map_err(|_| ProduceError::Figure(format!("{} is too large", self.name)))?;
        self.balance = Some((step.seq, more));
        self.after.clear();
        self.stated = true;
        Ok(())
    }

    /// Ends the figure.
    pub(super) fn close(self, path: String, sheet: &mut Sheet) -> Value {
        let Self { name, unit, formula, leaf, balance, after, .. } = self;
        let mut leaf = leaf.unwrap_or_else(|| sheet.open(name, unit, formula));
        for (seq, amount) in balance.into_iter().chain(after) {
            sheet.add(&mut leaf, seq, amount);
        }
        sheet.close(leaf, path)
    }

    fn tell(&mut self, sheet: &mut Sheet) {
        let leaf = self.leaf.get_or_insert_with(|| sheet.open(self.name.clone(), self.unit, self.formula));
        for (seq, amount) in self.balance.take().into_iter().chain(self.after.drain(..)) {
            sheet.add(leaf, seq, amount);
        }
    }
}
