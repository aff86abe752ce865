//! The yearly report on credit transfers in euro: `sepa-instant-payments`.
//!
//! Payment service providers tell their authority each year how many credit transfers and instant credit
//! transfers there were, what they cost and how many were rejected (Regulation (EU) No 260/2012, Article 15(3),
//! as Regulation (EU) 2024/886 has it; templates of Implementing Regulation (EU) 2025/1979). The document is an
//! xBRL-CSV package of the module `sepa_ipr` of the EBA's reporting framework 4.2.
//!
//! - Transactions tell the numbers and values of transfers of `S_01.01`: sent, domestic and cross-border, and
//!   received; of all credit transfers and of the instant ones among them.
//! - They don't tell how a transfer was initiated, by what kind of user, what was charged and what was rejected.
//!   Those cells are figures without contributions: approved adjustments make them. A breakdown or a template
//!   to which nothing is adjusted is not reported, with a warning.
//! - `S_01.02` and `S_02.02` are for institutions outside the euro area; such an institution's `S_01.01` is in
//!   its own currency. Only institutions of the euro area can be told.
//!
//! A figure's name and path are its template and datapoint, such as `S_01.01/dp3526422`. What is held is one
//! sum a cell.

mod cells;
mod identifiers;
mod package;
mod transfer;

use std::{borrow::Cow, cmp::Ordering, io::Write as _};

use super::super::{
    Basis, Definition, Granularity, Leaf, Parameter, ProduceError, Producer, Reach, Recorded, Remark,
    Severity, Sheet, Unit, Value, VersionKind, lei,
};
use crate::domain::{Account, Currency, Status};
use cells::{Breakdown, COLUMNS, Flow, OUTSIDE_EURO_AREA, Part, ROWS, Row, TOLD, Told, VOLUMES};
use package::{Fact, Template};
use transfer::{Place, Transfer};

pub use package::name as package_name;

/// The report on credit transfers in euro.
pub static DEFINITION: Definition = Definition {
    name: "sepa-instant-payments",
    title: "Credit transfers and instant credit transfers in euro, for a year",
    standard: "EBA reporting framework 4.2, module SEPA_IPR, xBRL-CSV",
    periods: &[Granularity::Year],
    media_type: "application/zip",
    extension: "zip",
    file_name: Some(package_name),
    parameters: &[
        Parameter {
            name: "lei",
            description: "The institution's legal entity identifier (ISO 17442).",
            required: true,
            example: "529900T8BM49AURSDO55",
            check: check_lei,
        },
        Parameter {
            name: "country",
            description: "The country of the authority that it reports to: a member of the euro area.",
            required: true,
            example: "DE",
            check: check_country,
        },
        Parameter {
            name: "consolidation",
            description: "Whether it reports for itself (IND, which is meant where it is not told) or for its group (CON).",
            required: false,
            example: "IND",
            check: check_consolidation,
        },
    ],
    validators: &["eba-xbridge"],
    files: &[],
    kinds: &[VersionKind::New, VersionKind::Correction],
    adjustable: true,
    reach: Reach::Period,
    needs_earlier: false,
    maker: |basis| Box::new(Maker::new(basis)),
};

fn check_lei(value: &str) -> Result<(), String> {
    let right = lei::check(value).is_ok();
    right
        .then_some(())
        .ok_or_else(|| "this is no LEI: 20 characters, the last two of which are check digits".into())
}

fn check_country(value: &str) -> Result<(), String> {
    let right = identifiers::in_euro_area(value);
    right.then_some(()).ok_or_else(|| "this is no member of the euro area: two letters, such as DE".into())
}

fn check_consolidation(value: &str) -> Result<(), String> {
    matches!(value, "IND" | "CON").then_some(()).ok_or_else(|| "this is neither IND nor CON".into())
}

/// A row that transactions contribute to, while it is summed.
struct Summed {
    row: &'static Row,
    leaves: [Leaf; 4],
}

/// Transfers that are not reported, and why.
#[derive(Default)]
struct LeftOut {
    other_currency: u64,
    outside: u64,
    against: u64,
}

struct Maker {
    basis: Basis,
    euro: Option<Currency>,
    rows: Vec<Summed>,
    /// The country of the account that was begun last.
    home: String,
    left_out: LeftOut,
}

impl Maker {
    fn new(basis: &Basis) -> Self {
        let euro = Currency::parse("EUR").ok();
        Self {
            basis: basis.clone(),
            euro,
            rows: Vec::new(),
            home: String::new(),
            left_out: LeftOut::default(),
        }
    }

    /// The units of the four columns.
    fn units(&self) -> Result<[Unit; 4], ProduceError> {
        let euro = self.euro.ok_or_else(|| ProduceError::Figure("there is no currency EUR".into()))?;
        let (number, value) = (Unit::Count("payments"), Unit::Money(euro));
        Ok([number, number, value, value])
    }

    /// Opens the rows that transactions contribute to, once.
    fn begin(&mut self, sheet: &mut Sheet) -> Result<(), ProduceError> {
        if self.rows.is_empty() {
            let units = self.units()?;
            self.rows = ROWS
                .iter()
                .filter(|row| is_counted(row))
                .map(|row| {
                    let open =
                        |at: usize| sheet.open(path(VOLUMES, row.cells[at]), units[at], formula(row, at));
                    Summed { row, leaves: [0, 1, 2, 3].map(open) }
                })
                .collect();
        }
        Ok(())
    }
}

/// Whether transactions contribute to a row: all that is sent is the sum of two such rows.
fn is_counted(row: &Row) -> bool {
    matches!(
        (row.flow, row.part),
        (Flow::Sent, Part::Domestic | Part::CrossBorder) | (Flow::Received, Part::Total)
    )
}

fn path(template: &str, datapoint: &str) -> String {
    format!("{template}/{datapoint}")
}

/// What a cell of `S_01.01` is, as a sentence.
fn formula(row: &Row, column: usize) -> Cow<'static, str> {
    let (what, way) = (COLUMNS[column], if row.flow == Flow::Sent { "sent" } else { "received" });
    match row.part {
        Part::Total if row.flow == Flow::Sent => format!("{what} {way}: domestic and cross-border ones"),
        Part::Total => format!("{what} {way}"),
        Part::Domestic => format!("{what} {way} within a country"),
        Part::CrossBorder => format!("{what} {way} to another country of the Economic Area"),
        Part::Of(breakdown, member) => {
            format!("{what} {way} of {}={member}, as approved adjustments have it", breakdown.dimension())
        }
    }
    .into()
}

impl Producer for Maker {
    fn account(&mut self, account: &Account, sheet: &mut Sheet) -> Result<(), ProduceError> {
        self.begin(sheet)?;
        let country = identifiers::iban_country(account.reference.as_str());
        self.home = country.or(self.basis.parameter("country")).unwrap_or_default().to_owned();
        Ok(())
    }

    fn transaction(&mut self, recorded: Recorded<'_>, sheet: &mut Sheet) -> Result<(), ProduceError> {
        let Recorded { seq, transaction } = recorded;
        let code = transaction.bank_transaction_code.as_ref();
        let transfer = code.and_then(|code| Transfer::of_code(code.as_str()));
        let Some(transfer) = transfer.filter(|_| transaction.status == Status::Booked) else { return Ok(()) };
        if !transfer.agrees(transaction.direction) {
            self.left_out.against += 1;
            return Ok(());
        }
        if Some(transaction.amount.currency()) != self.euro {
            self.left_out.other_currency += 1;
            return Ok(());
        }
        let part = match (Place::of(transaction, &self.home), transfer.flow) {
            (None, _) => {
                sheet.remark(Remark {
                    rule: "counterparty_iban_missing".into(),
                    severity: Severity::Error,
                    subject: transaction.account.as_str().to_owned(),
                    seq: Some(seq.to_string()),
                    detail: "no IBAN with right check digits says where the counterparty's account is".into(),
                });
                return Ok(());
            }
            (Some(Place::Outside), _) => {
                self.left_out.outside += 1;
                return Ok(());
            }
            (Some(_), Flow::Received) => Part::Total,
            (Some(Place::Domestic), Flow::Sent) => Part::Domestic,
            (Some(Place::CrossBorder), Flow::Sent) => Part::CrossBorder,
        };
        let to = self.rows.iter_mut().find(|it| (it.row.flow, it.row.part) == (transfer.flow, part));
        if let Some(Summed { leaves: [number, instant_number, value, instant_value], .. }) = to {
            let amount = transaction.amount.minor();
            sheet.add(number, seq, 1);
            sheet.add(value, seq, amount);
            if transfer.instant {
                sheet.add(instant_number, seq, 1);
                sheet.add(instant_value, seq, amount);
            }
        }
        Ok(())
    }

    fn finish(&mut self, sheet: &mut Sheet) -> Result<(), ProduceError> {
        self.begin(sheet)?;
        let mut templates = vec![Template { indicator: VOLUMES, facts: Some(self.volumes(sheet)?) }];
        for told in &TOLD {
            templates.push(self.told(told, sheet)?);
        }
        templates.extend(OUTSIDE_EURO_AREA.map(|indicator| Template { indicator, facts: None }));
        templates.sort_by_key(|template| template.indicator);
        self.say_what_was_left_out(sheet);
        sheet.write_all(&package::write(&self.basis, &templates))?;
        Ok(())
    }
}

/// A row's values, in the order of [`COLUMNS`].
type Values = (&'static Row, [Value; 4]);

impl Maker {
    /// The facts of `S_01.01`.
    fn volumes(&mut self, sheet: &mut Sheet) -> Result<Vec<Fact>, ProduceError> {
        let units = self.units()?;
        let mut done: Vec<Values> = Vec::with_capacity(ROWS.len());
        for Summed { row, leaves } in std::mem::take(&mut self.rows) {
            let mut cells = row.cells.into_iter();
            let values =
                leaves.map(|leaf| sheet.close(leaf, path(VOLUMES, cells.next().unwrap_or_default())));
            done.push((row, values));
        }
        let sent: Vec<[Value; 4]> =
            done.iter().filter(|(row, _)| row.flow == Flow::Sent).map(|(_, values)| *values).collect();
        for row in ROWS.iter().filter(|row| !is_counted(row)) {
            let values = [0, 1, 2, 3].map(|at: usize| {
                let terms: Vec<_> = match row.part {
                    Part::Total => sent.iter().map(|values| (values[at], 1)).collect(),
                    _ => Vec::new(),
                };
                let name = path(VOLUMES, row.cells[at]);
                sheet.derive(name.clone(), units[at], formula(row, at), &terms, name)
            });
            done.push((row, values));
        }
        for (row, values) in &done {
            check_row(row, values, &sent, sheet);
        }
        for breakdown in Breakdown::ALL {
            for flow in [Flow::Sent, Flow::Received] {
                check_breakdown(&mut done, breakdown, flow, sheet);
            }
        }
        let mut facts = Vec::with_capacity(ROWS.len() * COLUMNS.len());
        for (row, values) in &done {
            for (datapoint, value) in row.cells.into_iter().zip(values) {
                facts.push(Fact::new(datapoint, *value));
            }
        }
        Ok(facts)
    }

    /// A template that approved adjustments fill: not reported where there are none.
    fn told(&self, told: &'static Told, sheet: &mut Sheet) -> Result<Template, ProduceError> {
        let [_, _, euros, _] = self.units()?;
        let (things, counts) = told.counts;
        let counts = counts.iter().map(|datapoint| (*datapoint, Unit::Count(things)));
        let amounts = told.amounts.iter().map(|datapoint| (*datapoint, euros));
        let mut facts = Vec::new();
        let mut any = false;
        for (datapoint, unit) in counts.chain(amounts) {
            let name = path(told.template, datapoint);
            let formula = format!("{}, as approved adjustments have them", told.about);
            let value = sheet.derive(name.clone(), unit, formula, &[], name);
            check_sign(told.template, datapoint, value, sheet);
            any |= value.amount != 0;
            facts.push(Fact::new(datapoint, value));
        }
        if !any {
            let detail = format!("transactions do not tell {}: the template is not reported", told.about);
            warn("template_not_told", told.template.to_owned(), detail, sheet);
        }
        Ok(Template { indicator: told.template, facts: any.then_some(facts) })
    }

    fn say_what_was_left_out(&self, sheet: &mut Sheet) {
        let LeftOut { other_currency, outside, against } = self.left_out;
        for (rule, count, why) in [
            ("not_in_euro", other_currency, "are in another currency than the euro"),
            ("outside_economic_area", outside, "have a counterparty outside the European Economic Area"),
            ("direction_differs", against, "moved money the other way than their code says"),
        ] {
            if count > 0 {
                let detail = format!("{count} credit transfers {why}, and are left out");
                warn(rule, VOLUMES.to_owned(), detail, sheet);
            }
        }
    }
}

/// Leaves a breakdown out of what is reported where no adjustment says anything of it; one that says more than
/// there is must not be filed.
fn check_breakdown(done: &mut Vec<Values>, breakdown: Breakdown, flow: Flow, sheet: &mut Sheet) {
    let is_member = |row: &Row| row.flow == flow && matches!(row.part, Part::Of(of, _) if of == breakdown);
    let subject = format!("{VOLUMES}/{}", breakdown.dimension());
    let members: Vec<Values> = done.iter().filter(|(row, _)| is_member(row)).copied().collect();
    let Some((_, total)) = done.iter().find(|(row, _)| row.flow == flow && row.part == Part::Total) else {
        return;
    };
    if members.is_empty() {
        return;
    }
    let way = if flow == Flow::Sent { "sent" } else { "received" };
    if members.iter().all(|(_, values)| values.iter().all(|value| value.amount == 0)) {
        let detail = format!("transactions do not tell it of transfers {way}: the breakdown is not reported");
        warn("breakdown_not_told", subject, detail, sheet);
        done.retain(|(row, _)| !is_member(row));
        return;
    }
    for (at, total) in total.iter().enumerate() {
        let sum: i128 = members.iter().map(|(_, values)| values[at].amount).sum();
        let severity = match sum.cmp(&total.amount) {
            Ordering::Equal => continue,
            Ordering::Greater => Severity::Error,
            Ordering::Less => Severity::Warning,
        };
        let (sum, whole) = (total.unit.text(sum), total.text());
        let detail = format!("the parts of the {} {way} make {sum}, and there are {whole}", COLUMNS[at]);
        let rule = "breakdown_differs".into();
        sheet.remark(Remark { rule, severity, subject: subject.clone(), seq: None, detail });
    }
}

/// That a row's numbers are not below nought, that its instant transfers are not more than all of them, and that
/// all that was sent is what was sent within a country and to others: adjustments can break each.
fn check_row(row: &Row, values: &[Value; 4], sent: &[[Value; 4]], sheet: &mut Sheet) {
    for (at, (datapoint, value)) in row.cells.into_iter().zip(values).enumerate() {
        check_sign(VOLUMES, datapoint, *value, sheet);
        let parts: i128 = sent.iter().map(|values| values[at].amount).sum();
        if (row.flow, row.part) == (Flow::Sent, Part::Total) && parts != value.amount {
            let (parts, whole) = (value.unit.text(parts), value.text());
            let detail = format!("domestic and cross-border ones make {parts}, and all are {whole}");
            refuse("parts_differ", path(VOLUMES, datapoint), detail, sheet);
        }
    }
    for (all, instant) in [(0, 1), (2, 3)] {
        if values[instant].amount > values[all].amount {
            let (instants, whole) = (values[instant].text(), values[all].text());
            let detail = format!("{instants} are instant, and all are {whole}");
            refuse("more_instant_than_all", path(VOLUMES, row.cells[instant]), detail, sheet);
        }
    }
}

fn check_sign(template: &str, datapoint: &str, value: Value, sheet: &mut Sheet) {
    if value.amount < 0 {
        let detail = format!("a number of the report is {}, and can't be below nought", value.text());
        refuse("below_nought", path(template, datapoint), detail, sheet);
    }
}

fn refuse(rule: &'static str, subject: String, detail: String, sheet: &mut Sheet) {
    sheet.remark(Remark { rule: rule.into(), severity: Severity::Error, subject, seq: None, detail });
}

fn warn(rule: &'static str, subject: String, detail: String, sheet: &mut Sheet) {
    sheet.remark(Remark { rule: rule.into(), severity: Severity::Warning, subject, seq: None, detail });
}
