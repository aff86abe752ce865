//! The scheduler: orders what schedules are due, as a caller would.
//!
//! A period's report and the schedule's step to the next period are one transaction, so that a period is dealt with
//! once, whatever stops and however many processes look. What was ordered is made by the press, which takes it up
//! again after a stop.

use std::{sync::Arc, time::Duration};

use veritrail_audit::Kind;

use super::{
    PressError, ReportPress,
    judge::judge,
    order::{EXISTS, Order},
    schedule::{self, SUBJECT},
};
use crate::{
    domain::{ReportId, ScheduleId, Tenant, report::ReportScheduleRefusal},
    ledger::{
        By, RecordError, Recorder,
        command::{Filing, Rows},
        rounds,
    },
    reports::VersionKind,
    store::{
        Db, StoreError, logs,
        reports::{
            self, At,
            schedules::{self, Schedule, Step},
        },
    },
    world::{World, id_parts},
};

/// Periods of one schedule that are dealt with in one look; the next one goes on.
const PERIODS_AT_ONCE: usize = 12;
/// Why a period is somebody else's.
const OVERTAKEN: &str = "the schedule was ended, or another process dealt with the period";
/// Why a report was not ordered that is there already.
const CONFLICT: &str = "conflict";

/// Orders what is due.
pub struct Scheduler {
    /// The database.
    pub db: Db,
    /// The one writer.
    pub recorder: Recorder,
    /// The time and randomness.
    pub world: Arc<dyn World>,
    /// What makes the reports.
    pub press: ReportPress,
}

impl Scheduler {
    /// Looks for what is due, and again after each pause.
    pub async fn run(self, pause: Duration) {
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "schedules of reports could not be looked for");
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn look(&self) -> Result<(), StoreError> {
        for portion in rounds::portions(&self.db).await? {
            let mut reader = self.db.read_many(&portion).await?;
            let due = schedules::due(&mut reader, self.world.now_us()).await?;
            drop(reader);
            for (institution, id) in due {
                if let Err(error) = self.catch_up(Tenant::vouched(institution), id).await {
                    tracing::warn!(%error, schedule = %id, "a report that is due could not be ordered; it is tried again");
                }
            }
        }
        Ok(())
    }

    /// Deals with the periods of a schedule that are due, oldest first.
    async fn catch_up(&self, tenant: Tenant, id: ScheduleId) -> Result<(), PressError> {
        for _ in 0..PERIODS_AT_ONCE {
            let found = schedules::get(&mut self.db.read(tenant).await?, tenant, id).await?;
            let now_us = self.world.now_us();
            match found.filter(|it| it.ended_seq.is_none() && it.due_at_us <= now_us) {
                Some(schedule) => self.deal_with(tenant, schedule).await?,
                None => break,
            }
        }
        Ok(())
    }

    /// Orders the report of the next period; where that can't be, says why, and goes on to the one after it.
    async fn deal_with(&self, tenant: Tenant, schedule: Schedule) -> Result<(), PressError> {
        let step = schedule::step(&schedule)?;
        let parameters = serde_json::from_str(&schedule.parameters).map_err(PressError::damaged)?;
        // What was right when the schedule was set up may no longer be so.
        if let Err(unfit) = judge(&schedule.kind, &step.period, &parameters) {
            return self.refuse(tenant, &schedule, step, (unfit.code, None)).await;
        }
        let mut reader = self.db.read(tenant).await?;
        let head = logs::head(&mut reader, tenant).await?;
        let head = head.ok_or_else(|| PressError::damaged("an unknown log"))?;
        drop(reader);
        let (ms, random) = id_parts(&*self.world);
        let order = Order {
            report: ReportId::from_parts(ms, random),
            report_type: schedule.kind.clone(),
            period: step.period.clone(),
            parameters,
            n: 1,
            kind: VersionKind::New,
            reason: None,
            supersedes: None,
            as_of: head.size - 1,
        };
        let at = At { report: order.report, n: order.n };
        let filing = stepping(order.filing(by(step.id), None), step.clone(), (Some(at.report), None));
        match self.recorder.file(tenant, filing).await {
            Ok(_) => self.press.start(tenant, at),
            Err(RecordError::Conflict(OVERTAKEN)) => {}
            Err(RecordError::Conflict(EXISTS)) => {
                let about = (schedule.kind.as_str(), step.period.as_str(), schedule.parameters.as_str());
                let there = reports::of(&mut self.db.read(tenant).await?, tenant, about).await?;
                let there = there.map(|report| ReportId::from_uuid(report.id));
                self.refuse(tenant, &schedule, step, (CONFLICT, there)).await?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Records that a period's report was not ordered, and why.
    async fn refuse(
        &self,
        tenant: Tenant,
        schedule: &Schedule,
        step: Step,
        (code, report): (&'static str, Option<ReportId>),
    ) -> Result<(), PressError> {
        let payload = ReportScheduleRefusal {
            code: code.to_owned(),
            id: step.id,
            period: step.period.clone(),
            report,
            report_type: schedule.kind.clone(),
        }
        .payload();
        let filing = Filing {
            by: by(step.id),
            kind: Kind::Record,
            subject: (SUBJECT, step.id.to_string()),
            payload,
            rows: Box::new(|_, _| Box::pin(async { Ok(()) })),
            idempotency: None,
        };
        match self.recorder.file(tenant, stepping(filing, step, (report, Some(code)))).await {
            Ok(_) | Err(RecordError::Conflict(OVERTAKEN)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Who orders: the schedule.
fn by(id: ScheduleId) -> By {
    By { actor: id.to_string(), request: None }
}

/// A filing that also moves a schedule on, if it still stands where it did.
fn stepping(filing: Filing, step: Step, (report, code): (Option<ReportId>, Option<&'static str>)) -> Filing {
    let write = filing.rows;
    let rows: Rows = Box::new(move |connection, at| {
        Box::pin(async move {
            if !schedules::stands(connection, at.tenant, &step).await? {
                return Err(RecordError::Conflict(OVERTAKEN));
            }
            write(connection, at).await?;
            Ok(schedules::advance(connection, at.tenant, step, report, code, at.at_us).await?)
        })
    });
    Filing { rows, ..filing }
}
