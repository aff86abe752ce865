//! Making a version: records out of the store into its maker, and what it tells into the store, with flat memory.

use std::fs::File;

use jiff::civil::Date;
use jiff_sqlx::Date as SqlDate;

use super::{press::PressError, wording};
use crate::{
    domain::{Account, AccountId, Tenant, Transaction},
    reports::{Basis, Definition, Done, Producer, Reach, Recorded, Sheet},
    store::{
        Db,
        reports::{
            figures::{FigureRow, PartRow, RemarkRow},
            source,
        },
        transactions::{After, Row},
    },
};

/// Accounts that are read at a time.
const ACCOUNTS: i64 = 500;
/// Transactions that are read at a time.
const TRANSACTIONS: i64 = 2_000;
/// Transactions among which a balance is looked for at a time.
const BALANCES: i64 = 20;
/// What a maker told waits until there is so much of it.
const WAITING: usize = 8_000;

/// Where what a maker tells goes.
pub(super) trait Keep {
    /// Keeps it.
    async fn keep(&mut self, told: Told) -> Result<(), PressError>;
}

/// What a maker told, as rows.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) figures: Vec<FigureRow>,
    pub(super) parts: Vec<PartRow>,
    pub(super) remarks: Vec<RemarkRow>,
}

/// What was made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) document: File,
    pub(super) errors: usize,
    pub(super) warnings: usize,
}

/// A version being made.
pub(super) struct Making<'a, K> {
    db: &'a Db,
    tenant: Tenant,
    definition: &'static Definition,
    basis: &'a Basis,
    as_of: i64,
    maker: Box<dyn Producer>,
    sheet: Sheet,
    keep: K,
    remarks: i64,
}

impl<'a, K: Keep> Making<'a, K> {
    pub(super) fn new(
        db: &'a Db,
        tenant: Tenant,
        definition: &'static Definition,
        basis: &'a Basis,
        sheet: Sheet,
        keep: K,
    ) -> Self {
        let as_of = i64::try_from(basis.as_of).unwrap_or(i64::MAX);
        let maker = (definition.maker)(basis);
        Self { db, tenant, definition, basis, as_of, maker, sheet, keep, remarks: 0 }
    }

    /// Makes it.
    pub(super) async fn make(mut self) -> Result<Made, PressError> {
        let ordered_on = self.basis.ordered_at.to_zoned(jiff::tz::TimeZone::UTC).date();
        if ordered_on <= self.basis.period.last {
            self.sheet.remark_early(self.basis.period);
        }
        let mut after = String::new();
        loop {
            let mut reader = self.db.read(self.tenant).await?;
            let rows = source::accounts(&mut reader, self.tenant, self.as_of, &after, ACCOUNTS).await?;
            drop(reader);
            let Some(last) = rows.last() else { break };
            after.clone_from(&last.reference);
            for row in rows {
                let account: Account = serde_json::from_slice(&row.payload).map_err(PressError::damaged)?;
                if self.maker.wants(&account) {
                    self.maker.account(&account, &mut self.sheet)?;
                    self.transactions(account.id).await?;
                }
            }
        }
        self.maker.finish(&mut self.sheet)?;
        self.sheet.remark_unused();
        self.drain().await?;
        let (errors, warnings) = self.sheet.found();
        Ok(Made { document: self.sheet.finish()?, errors, warnings })
    }

    async fn transactions(&mut self, account: AccountId) -> Result<(), PressError> {
        let first = match self.definition.reach {
            Reach::Period => Some(self.basis.period.first),
            Reach::FromLastBalance => self.last_balance(account).await?,
        };
        let mut after = None;
        loop {
            let mut reader = self.db.read(self.tenant).await?;
            let days = (first, self.basis.period.last);
            let rows = source::transactions(
                &mut reader,
                self.tenant,
                self.as_of,
                account,
                days,
                after,
                TRANSACTIONS,
            )
            .await?;
            drop(reader);
            let Some(last) = rows.last() else { return self.drain_some().await };
            after = Some(place(last));
            let is_last = i64::try_from(rows.len()).is_ok_and(|count| count < TRANSACTIONS);
            for row in rows {
                let transaction = read(&row)?;
                let recorded = Recorded { seq: row.seq.unsigned_abs(), transaction: &transaction };
                self.maker.transaction(recorded, &mut self.sheet)?;
            }
            self.drain_some().await?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// The day from which an account is read: the last but one before the period on which a balance is said. The
    /// order of the last one's entries shows in the balance before them. None where there is no such day.
    async fn last_balance(&self, account: AccountId) -> Result<Option<Date>, PressError> {
        let (mut after, mut last) = (None, None);
        loop {
            let mut reader = self.db.read(self.tenant).await?;
            let day = self.basis.period.first;
            let rows =
                source::before(&mut reader, self.tenant, self.as_of, account, day, after, BALANCES).await?;
            drop(reader);
            let Some(end) = rows.last() else { return Ok(None) };
            after = Some(place(end));
            for row in &rows {
                if read(row)?.balance_after.is_none() {
                    continue;
                }
                let day = SqlDate::to_jiff(row.booking_date);
                if *last.get_or_insert(day) != day {
                    return Ok(Some(day));
                }
            }
        }
    }

    /// Keeps what was told, once there is enough of it.
    async fn drain_some(&mut self) -> Result<(), PressError> {
        if self.sheet.waiting() < WAITING { Ok(()) } else { self.drain().await }
    }

    async fn drain(&mut self) -> Result<(), PressError> {
        let Done { figures, contributions, remarks } = self.sheet.take();
        let mut told = Told::default();
        for figure in figures {
            told.figures.push(wording::figure(&figure)?);
        }
        told.parts.extend(contributions.iter().map(|part| PartRow {
            figure: part.figure.into(),
            position: i64::try_from(part.position).unwrap_or(i64::MAX),
            seq: i64::try_from(part.leaf.seq).unwrap_or(i64::MAX),
            amount: wording::amount(part.leaf),
        }));
        for remark in remarks {
            let remark = serde_json::to_string(&remark).map_err(PressError::damaged)?;
            told.remarks.push(RemarkRow { position: self.remarks, remark });
            self.remarks += 1;
        }
        self.keep.keep(told).await
    }
}

fn place(row: &Row) -> After {
    After { booking_date: SqlDate::to_jiff(row.booking_date), seq: row.seq }
}

fn read(row: &Row) -> Result<Transaction, PressError> {
    serde_json::from_slice(&row.payload).map_err(PressError::damaged)
}
