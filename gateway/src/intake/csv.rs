//! CSV: a table of transactions whose columns a [`Mapping`] explains.
//!
//! The first line that is not blank is the header; every other line has as many fields. A finding's pointer is
//! the column's header.

use std::borrow::Cow;
use std::io::BufRead;

use super::draft::{self, Draft};
use super::faults::{Faults, UnknownWord};
use super::lines::{Line, Lines};
use super::mapping::{AmountRule, DateFormat, Mapping};
use crate::domain::nearest::nearest;
use crate::domain::{
    Balance, Counterparty, Currency, Direction, Fault, Finding, Findings, Money, NewTransaction, Status,
};

/// A mapping and the header that it was found to fit.
#[derive(Debug)]
pub(super) struct Table {
    mapping: Mapping,
    header: Vec<String>,
}

impl Table {
    /// Reads the header and holds that it has every column that the mapping names, once.
    pub(super) fn open<R: BufRead>(mapping: Mapping, lines: &mut Lines<R>) -> Result<Self, Findings> {
        let Some(line) = lines.next_filled() else {
            return Err(Finding::on_line(1, "missing_header", "the delivery is empty").into());
        };
        let line = line?;
        let number = line.number;
        let fields = mapping.dialect.split(&line)?;
        let header = fields.iter().map(|field| if mapping.trim { field.trim() } else { field }.to_owned());
        let table = Self { header: header.collect(), mapping };
        let mut findings = Findings::new();
        for column in table.mapped() {
            let hint = nearest(column, table.header.iter().map(String::as_str));
            match (table.header.iter().filter(|name| *name == column).count(), hint) {
                (1, _) => {}
                (0, Some(name)) => {
                    let detail = format!("the header has no such column; it has `{name}`");
                    findings.push(Finding::at(number, column, "missing_column", detail));
                }
                (0, None) => {
                    let detail = "the header has no such column";
                    findings.push(Finding::at(number, column, "missing_column", detail));
                }
                _ => {
                    let detail = "the header has this column more than once";
                    findings.push(Finding::at(number, column, "duplicate_column", detail));
                }
            }
        }
        if findings.is_empty() { Ok(table) } else { Err(findings) }
    }

    /// Every column that the mapping names.
    fn mapped(&self) -> Vec<&str> {
        let columns = &self.mapping.columns;
        let mut names = vec![columns.reference.as_str(), columns.booking_date.as_str()];
        let optional = [
            &columns.account,
            &columns.currency,
            &columns.value_date,
            &columns.balance_after,
            &columns.bank_transaction_code,
            &columns.purpose,
            &columns.end_to_end_id,
            &columns.counterparty_name,
            &columns.counterparty_account,
            &columns.counterparty_agent,
            &columns.remittance_information,
            &columns.status,
        ];
        names.extend(optional.into_iter().flatten().map(String::as_str));
        match &self.mapping.amount {
            AmountRule::Sign { column } => names.push(column),
            AmountRule::Column { column, direction_column, .. } => {
                names.extend([&**column, &**direction_column]);
            }
            AmountRule::TwoColumns { credit_column, debit_column } => {
                names.extend([&**credit_column, &**debit_column]);
            }
        }
        names
    }

    pub(super) fn transaction(&self, line: &Line<'_>) -> Result<NewTransaction, Vec<Finding>> {
        let split = self.mapping.dialect.split_into(line, self.header.len());
        let fields = split.map_err(|finding| vec![finding])?;
        let mut row = Row { table: self, fields, faults: Faults::on(line.number) };
        let draft = row.draft();
        let balance = self.mapping.columns.balance_after.as_deref().unwrap_or_default();
        draft.finish(row.faults, balance)
    }
}

/// A line of the table, being read.
struct Row<'a> {
    table: &'a Table,
    fields: Vec<Cow<'a, str>>,
    faults: Faults,
}

impl Row<'_> {
    fn draft(&mut self) -> Draft {
        let Mapping { columns, fixed, date_format, value_date_format, .. } = &self.table.mapping;
        let currency = match fixed.currency {
            Some(currency) => Some(currency),
            None => self.required(columns.currency.as_deref(), Currency::parse),
        };
        let movement = currency.and_then(|currency| self.movement(currency));
        let date = |format: &DateFormat, text: &str| format.parse(text);
        Draft {
            account: match &fixed.account {
                Some(account) => Some(account.clone()),
                None => self.required(columns.account.as_deref(), str::parse),
            },
            amount: movement.map(|(amount, _)| amount),
            balance_after: currency.and_then(|currency| self.balance(currency)),
            bank_transaction_code: fixed
                .bank_transaction_code
                .clone()
                .or_else(|| self.optional(columns.bank_transaction_code.as_deref(), str::parse)),
            booking_date: self.required(Some(&columns.booking_date), |text| date(date_format, text)),
            counterparty: Counterparty {
                account: self.optional(columns.counterparty_account.as_deref(), str::parse),
                agent: self.optional(columns.counterparty_agent.as_deref(), str::parse),
                name: self.optional(columns.counterparty_name.as_deref(), str::parse),
            }
            .known(),
            direction: movement.map(|(_, direction)| direction),
            end_to_end_id: self.optional(columns.end_to_end_id.as_deref(), str::parse),
            purpose: fixed.purpose.clone().or_else(|| self.optional(columns.purpose.as_deref(), str::parse)),
            reference: self.required(Some(&columns.reference), str::parse),
            remittance_information: self.optional(columns.remittance_information.as_deref(), str::parse),
            revision: None,
            status: fixed.status.or_else(|| self.status()),
            value_date: self.optional(columns.value_date.as_deref(), |text| date(value_date_format, text)),
        }
    }

    /// How much moved, and which way.
    fn movement(&mut self, currency: Currency) -> Option<(Money, Direction)> {
        let Mapping { notation, amount, .. } = &self.table.mapping;
        match amount {
            AmountRule::Sign { column } => {
                self.required(Some(column), |text| notation.signed(text, currency))
            }
            AmountRule::Column { column, direction_column, values } => {
                let amount = self.required(Some(column), |text| notation.unsigned(text, currency));
                let direction = self.required(Some(direction_column), |word| {
                    let known = || values.keys().map(String::as_str);
                    values.get(word).copied().ok_or_else(|| UnknownWord::new(word, known()))
                });
                Some((amount?, direction?))
            }
            AmountRule::TwoColumns { credit_column, debit_column } => {
                self.either(credit_column, debit_column, currency)
            }
        }
    }

    /// The amount of the one column of two that is filled, and the direction that this column stands for.
    fn either(&mut self, credit: &str, debit: &str, currency: Currency) -> Option<(Money, Direction)> {
        let notation = self.table.mapping.notation;
        let faults_before = self.faults.len();
        let came = self.optional(Some(credit), |text| notation.unsigned(text, currency));
        let went = self.optional(Some(debit), |text| notation.unsigned(text, currency));
        match (came, went) {
            _ if self.faults.len() > faults_before => None,
            (Some(came), None) => Some((came, Direction::Credit)),
            (None, Some(went)) => Some((went, Direction::Debit)),
            (Some(came), Some(went)) if went.minor() == 0 => Some((came, Direction::Credit)),
            (Some(came), Some(went)) if came.minor() == 0 => Some((went, Direction::Debit)),
            (Some(_), Some(_)) => {
                let detail = format!("`{credit}` and `{debit}` both hold an amount");
                self.faults.at(debit, "ambiguous_direction", detail);
                None
            }
            (None, None) => {
                self.faults.at(
                    credit,
                    "missing_field",
                    format!("neither this nor `{debit}` holds an amount"),
                );
                None
            }
        }
    }

    fn balance(&mut self, currency: Currency) -> Option<Balance> {
        let notation = self.table.mapping.notation;
        let column = self.table.mapping.columns.balance_after.as_deref();
        let (money, direction) = self.optional(column, |text| notation.signed(text, currency))?;
        // "-0,00" says nothing about a side; ISO 20022 calls a nought a credit.
        Some(Balance { money, direction: if money.minor() == 0 { Direction::Credit } else { direction } })
    }

    fn status(&mut self) -> Option<Status> {
        let Mapping { columns, status_values, .. } = &self.table.mapping;
        self.optional(columns.status.as_deref(), |word| match status_values {
            Some(values) => {
                let known = || values.keys().map(String::as_str);
                values.get(word).copied().ok_or_else(|| UnknownWord::new(word, known()))
            }
            None => draft::status(word),
        })
    }

    /// The value of a cell that must be filled.
    fn required<T, F: Fault>(
        &mut self,
        column: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, F>,
    ) -> Option<T> {
        let column = column?;
        if self.cell(column).is_none() {
            self.faults.missing(column);
            return None;
        }
        self.optional(Some(column), parse)
    }

    /// The value of a cell that may be empty.
    fn optional<T, F: Fault>(
        &mut self,
        column: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, F>,
    ) -> Option<T> {
        let column = column?;
        let parsed = parse(self.cell(column)?);
        self.faults.keep(column, parsed)
    }

    /// The text of a cell, unless it is empty.
    fn cell(&self, column: &str) -> Option<&str> {
        let i = self.table.header.iter().position(|name| name == column)?;
        let text = self.fields.get(i)?;
        Some(if self.table.mapping.trim { text.trim() } else { text }).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
