//! A schedule: which report it orders, when that is due, and what the ledger says about it.

use std::collections::BTreeMap;

use veritrail_audit::Kind;

use super::{PressError, order::words};
use crate::{
    domain::{
        ScheduleId,
        report::{ReportSchedule, ReportScheduleEnd},
    },
    ledger::{
        By, RecordError,
        command::{Filing, Rows},
    },
    reports::{Granularity, Period},
    store::{
        idempotency,
        reports::schedules::{self, NewSchedule, Schedule, Step},
    },
};

/// The kind of thing that entries about schedules are about.
pub const SUBJECT: &str = "report_schedule";
/// Schedules of an institution that are not ended.
pub const ACTIVE_MAX: usize = 100;
/// Most days after a period's end.
pub const AFTER_DAYS_MAX: u8 = 90;

/// A schedule that somebody asks for; that there can be such reports was judged before.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its id.
    pub id: ScheduleId,
    /// The reports' type.
    pub report_type: String,
    /// Their parameters.
    pub parameters: BTreeMap<String, String>,
    /// How long the periods are.
    pub every: Granularity,
    /// The first period.
    pub from: Period,
    /// How many whole days after a period's end its report is made.
    pub after_days: u8,
    /// At which hour of the day, UTC.
    pub hour: u8,
}

impl Plan {
    /// The entry and the row that set it up.
    ///
    /// # Errors
    /// When it is due at no time that there is.
    pub fn filing(self, by: By, idempotency: Option<idempotency::Key>) -> Result<Filing, jiff::Error> {
        let (after_days, hour) = (i64::from(self.after_days), i64::from(self.hour));
        let new = NewSchedule {
            id: self.id,
            kind: self.report_type.clone(),
            parameters: words(&self.parameters),
            rhythm: self.every.as_str(),
            after_days,
            hour,
            first_period: self.from.to_string(),
            due_at_us: due_at_us(self.from, after_days, hour)?,
        };
        let payload = ReportSchedule {
            after_days: after_days.to_string(),
            every: self.every.as_str().to_owned(),
            from: self.from.to_string(),
            hour: hour.to_string(),
            id: self.id,
            parameters: self.parameters,
            report_type: self.report_type,
        };
        let rows: Rows = Box::new(move |connection, at| {
            Box::pin(async move {
                let active = schedules::active(connection, at.tenant).await?;
                if active.len() >= ACTIVE_MAX {
                    return Err(RecordError::Conflict("an institution has at most 100 schedules of reports"));
                }
                let about = |it: &Schedule| {
                    it.kind == new.kind && it.rhythm == new.rhythm && it.parameters == new.parameters
                };
                if active.iter().any(about) {
                    return Err(RecordError::Conflict(
                        "there is a schedule of this type, rhythm and parameters",
                    ));
                }
                Ok(schedules::insert(connection, at.tenant, at.seq, new, at.at_us).await?)
            })
        });
        let subject = (SUBJECT, self.id.to_string());
        Ok(Filing { by, kind: Kind::Record, subject, payload: payload.payload(), rows, idempotency })
    }
}

/// The entry and the row that end a schedule.
#[must_use]
pub fn end(by: By, id: ScheduleId) -> Filing {
    let rows: Rows = Box::new(move |connection, at| {
        Box::pin(async move {
            let found = schedules::get(connection, at.tenant, id).await?;
            if found.ok_or(RecordError::Missing("report schedule"))?.ended_seq.is_some() {
                return Err(RecordError::Conflict("the schedule was ended before"));
            }
            Ok(schedules::end(connection, at.tenant, id, at.seq, at.at_us).await?)
        })
    });
    let payload = ReportScheduleEnd { id }.payload();
    Filing { by, kind: Kind::Record, subject: (SUBJECT, id.to_string()), payload, rows, idempotency: None }
}

/// The step from the period that is next to the one after it.
pub(super) fn step(schedule: &Schedule) -> Result<Step, PressError> {
    let (period, granularity) = Period::parse(&schedule.next_period).map_err(PressError::damaged)?;
    let next = period.next(granularity).map_err(PressError::damaged)?;
    Ok(Step {
        id: ScheduleId::from_uuid(schedule.id),
        period: schedule.next_period.clone(),
        next_period: next.to_string(),
        due_at_us: due_at_us(next, schedule.after_days, schedule.hour).map_err(PressError::damaged)?,
    })
}

/// When the report of a period is due, in microseconds since the Unix epoch: so many days after the midnight that
/// ends the period, at this hour, UTC.
fn due_at_us(period: Period, after_days: i64, hour: i64) -> Result<i64, jiff::Error> {
    let span = jiff::Span::new().try_days(after_days)?.try_hours(hour)?;
    let end = period.last.tomorrow()?.at(0, 0, 0, 0);
    Ok(end.checked_add(span)?.to_zoned(jiff::tz::TimeZone::UTC)?.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_due_so_long_after_its_period_is_over() {
        for (period, days, hour, due) in [
            ("2026-03-31", 0, 0, "2026-04-01T00:00:00Z"),
            ("2026-02", 0, 6, "2026-03-01T06:00:00Z"),
            ("2024-Q1", 30, 23, "2024-05-01T23:00:00Z"),
            ("2025", 90, 1, "2026-04-01T01:00:00Z"),
        ] {
            let due: jiff::Timestamp = due.parse().unwrap();
            let period = Period::parse(period).unwrap().0;
            assert_eq!(due_at_us(period, days, hour).unwrap(), due.as_microsecond(), "{period}");
        }
    }
}
