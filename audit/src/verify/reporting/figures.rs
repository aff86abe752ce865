//! Figures and their contributions, which stand in the same order and are read side by side.
//!
//! Of a figure only its position and value are kept, for those that it is an input of.

use std::io::{self, Read, Seek};

use super::Facts;
use super::entries::Said;
use super::stream::{Lines, Meter};
use crate::commit::MAX_PAYLOAD_BYTES;
use crate::fault::{Fault, VerifyError};
use crate::hash::{Hash, empty_root};
use crate::report_bundle::{FIGURES_NAME, FigureLine, PARTS_NAME, PartLine, smallest_unit};
use crate::report_fault::ReportFault;
use crate::scan::decimal;
use crate::sum_tree::{SumLeaf, SumNode, SumTree};
use crate::zip::Member;

/// A contribution's line is far below it.
const MAX_PART_LINE: usize = 256;

/// Both members being read.
struct Reading<'a, R> {
    file: &'a mut R,
    parts: Lines,
    next: Option<PartLine>,
    /// The values so far, by position.
    values: Vec<(u64, i128)>,
    contributions: u64,
}

/// A fault, or a file that can't be read.
enum Stop {
    Read(io::Error),
    Fault(ReportFault),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

impl From<ReportFault> for Stop {
    fn from(fault: ReportFault) -> Self {
        Self::Fault(fault)
    }
}

/// A figure whose numbers are numbers.
struct Figure {
    line: FigureLine,
    position: u64,
    parts: u64,
    decimals: usize,
    value: i128,
    root: SumNode,
    inputs: Vec<(u64, i8)>,
}

/// Reads and checks all of them; how many contributions there are.
pub(super) fn read<R: Read + Seek>(
    file: &mut R,
    (figures, parts): (&Member, &Member),
    facts: &Facts,
    said: &mut Said,
    meter: &mut Meter<'_>,
) -> Result<u64, VerifyError> {
    let mut lines = Lines::new(FIGURES_NAME, figures, MAX_PAYLOAD_BYTES).hashed();
    let parts = Lines::new(PARTS_NAME, parts, MAX_PART_LINE);
    let mut reading = Reading { file, parts, next: None, values: Vec::new(), contributions: 0 };
    let first = match reading.all(&mut lines, said, meter) {
        Ok(()) => None,
        Err(Stop::Fault(fault)) => Some(fault),
        Err(Stop::Read(error)) => return Err(error.into()),
    };
    // Where the list itself is another, whatever doesn't fit is the list's fault.
    let found = lines.rest(reading.file, meter)?.unwrap_or(Hash([0; 32])).to_hex();
    let expected = said.outcome.as_ref().and_then(|outcome| outcome.figures_sha256.clone());
    // A document made elsewhere has no list; its place is empty then.
    let expected = expected.unwrap_or_else(|| empty_root().to_hex());
    if found != expected {
        let first = first.map(|fault| fault.to_string());
        return Err(
            Fault::from(ReportFault::Figures { seq: facts.head.entry, expected, found, first }).into()
        );
    }
    if let Some(fault) = first {
        return Err(Fault::from(fault).into());
    }
    if lines.count != facts.head.figures {
        let why = format!("it has {} figures, and report.json says {}", lines.count, facts.head.figures);
        return Err(Fault::File { file: FIGURES_NAME, why }.into());
    }
    lines.check()?;
    reading.parts.check()?;
    match said.unused() {
        Some(seq) => Err(Fault::from(ReportFault::EntryAdded { seq }).into()),
        None => Ok(reading.contributions),
    }
}

impl<R: Read + Seek> Reading<'_, R> {
    fn all(&mut self, lines: &mut Lines, said: &mut Said, meter: &mut Meter<'_>) -> Result<(), Stop> {
        self.advance(meter)?;
        while let Some(line) = lines.next(self.file, meter)? {
            let figure = Figure::parse(&line).ok_or(ReportFault::FigureLine { line: lines.count })?;
            if self.values.last().is_some_and(|(before, _)| *before >= figure.position) {
                return Err(ReportFault::FigureLine { line: lines.count }.into());
            }
            self.figure(&figure, said, meter)?;
        }
        match self.next {
            Some(PartLine { figure, position, .. }) => {
                Err(ReportFault::ContributionAdded { figure, position }.into())
            }
            None => Ok(()),
        }
    }

    /// Reads the next contribution.
    fn advance(&mut self, meter: &mut Meter<'_>) -> Result<(), Stop> {
        self.next = match self.parts.next(self.file, meter)? {
            Some(line) => {
                let part = PartLine::parse(&line);
                Some(part.ok_or(ReportFault::ContributionLine { line: self.parts.count })?)
            }
            None => None,
        };
        Ok(())
    }

    fn figure(&mut self, figure: &Figure, said: &mut Said, meter: &mut Meter<'_>) -> Result<(), Stop> {
        let mut tree = SumTree::default();
        while let Some(part) = self.next.filter(|part| part.figure <= figure.position) {
            let (place, expected) = (part.position, tree.size());
            if part.figure < figure.position || place < expected || expected >= figure.parts {
                return Err(ReportFault::ContributionAdded { figure: part.figure, position: place }.into());
            }
            if place > expected {
                break;
            }
            founded(figure, part, said)?;
            tree.push(SumLeaf::new(part.seq, part.amount));
            self.contributions += 1;
            self.advance(meter)?;
        }
        let name = || figure.line.name.clone();
        if tree.size() < figure.parts {
            let (position, parts) = (tree.size(), figure.parts);
            return Err(ReportFault::ContributionMissing { figure: name(), position, parts }.into());
        }
        let root = tree.root();
        if root != figure.root {
            return Err(ReportFault::Contributions {
                figure: name(),
                parts: figure.parts,
                credit: figure.line.credit.clone(),
                debit: figure.line.debit.clone(),
                found_credit: root.credit,
                found_debit: root.debit,
            }
            .into());
        }
        let expected = self.sum(figure);
        if expected != Some(figure.value) {
            let expected = expected.map_or("nothing that can be told".to_owned(), |sum| sum.to_string());
            let found = figure.value.to_string();
            return Err(ReportFault::Value { figure: name(), expected, found }.into());
        }
        self.values.push((figure.position, figure.value));
        Ok(())
    }

    /// What a figure's contributions and inputs make; none where an input is not before it.
    fn sum(&self, figure: &Figure) -> Option<i128> {
        let signed = |sum: u128| i128::try_from(sum).ok();
        let own = signed(figure.root.credit)?.checked_sub(signed(figure.root.debit)?)?;
        figure.inputs.iter().try_fold(own, |sum, (position, factor)| {
            let at = self.values.binary_search_by_key(position, |(position, _)| *position).ok()?;
            sum.checked_add(self.values[at].1.checked_mul(i128::from(*factor))?)
        })
    }
}

/// That a contribution rests on a transaction's record, or on an approval of an adjustment of its figure.
fn founded(figure: &Figure, part: PartLine, said: &mut Said) -> Result<(), ReportFault> {
    let why = if part.seq > said.as_of() {
        Some("which is after the last one that the version takes into account")
    } else if said.rests_on(part.seq) {
        None
    } else {
        match said.decided(part.seq) {
            None => Some("which is not here as a transaction's record or an approved adjustment"),
            Some(it) if it.figure != figure.line.name || it.unit != figure.line.unit => {
                Some("which approves an adjustment of another figure")
            }
            Some(it) if smallest_unit(&it.amount, figure.decimals) != Some(part.amount.into()) => {
                Some("which approves an adjustment of another amount")
            }
            Some(_) => None,
        }
    };
    match why {
        None => Ok(()),
        Some(why) => {
            let (figure, position, seq) = (figure.line.name.clone(), part.position, part.seq);
            Err(ReportFault::Unfounded { figure, position, seq, why })
        }
    }
}

impl Figure {
    fn parse(line: &[u8]) -> Option<Self> {
        let figure: FigureLine = serde_json::from_slice(line).ok()?;
        if serde_json::to_vec(&figure).ok()? != line {
            return None;
        }
        let number = |text: &str| decimal(text.as_bytes());
        let sum = |text: &str| smallest_unit(text, 0).and_then(|sum| u128::try_from(sum).ok());
        let decimals = usize::try_from(number(&figure.decimals)?).ok()?;
        let inputs = figure.inputs.iter().map(|input| {
            let factor = i8::try_from(smallest_unit(&input.factor, 0)?).ok()?;
            Some((number(&input.figure)?, factor))
        });
        Some(Self {
            position: number(&figure.position)?,
            parts: number(&figure.parts)?,
            decimals,
            value: smallest_unit(&figure.value, decimals)?,
            root: SumNode {
                hash: Hash::from_hex(&figure.root).ok()?,
                credit: sum(&figure.credit)?,
                debit: sum(&figure.debit)?,
            },
            inputs: inputs.collect::<Option<_>>()?,
            line: figure,
        })
    }
}
