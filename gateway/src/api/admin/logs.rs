//! `/admin/v1/logs`: how each institution's log stands, and the provider's own.

use actix_web::{get, web};
use serde::Serialize;

use super::PAGE;
use crate::{
    access::{Answer, Permit, Recorded, right::Administer},
    api::{State, params::Params},
    domain::{InstitutionId, Tenant},
    error::Problem,
    store::standings::{self, Standing},
    world::rfc3339,
};

/// How a log stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LogStanding {
    /// Whose it is.
    institution: InstitutionId,
    /// Their name.
    #[schema(example = "Harbour Leasing Bank")]
    name: String,
    /// `institution`, or `provider` for the provider's own log.
    #[schema(example = "institution")]
    role: String,
    /// The log's name (C2SP tlog-checkpoint origin).
    #[schema(example = "localhost:8080/ledger/ins_0190163d8694739bba1a9fbee4e5c1b2")]
    origin: String,
    /// How many entries it has.
    #[schema(example = "49103", pattern = "^[0-9]+$")]
    size: String,
    /// When the last one was made: RFC 3339, UTC. None while there is none.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    last_entry_at: Option<String>,
    /// The newest checkpoint; none before the first one is signed.
    checkpoint: Option<CheckpointStanding>,
    /// When the oldest entry that no checkpoint covers yet was made: RFC 3339, UTC. None while all are signed, as
    /// they are within a minute.
    #[schema(example = json!(null))]
    unsigned_since: Option<String>,
    /// Why it is stopped, if it is: nothing is stored in it or served from it until somebody has looked. As the
    /// replica that answers has it; another one may not have met the fault yet.
    #[schema(example = json!(null))]
    stopped: Option<String>,
    /// What `veritrail fsck` found when it last walked over the whole log; none if it never did.
    check: Option<LogCheck>,
}

/// The newest checkpoint of a log.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CheckpointStanding {
    /// How many entries it covers.
    #[schema(example = "49103", pattern = "^[0-9]+$")]
    size: String,
    /// When it was signed: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    signed_at: String,
}

/// The outcome of a walk over a whole log.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LogCheck {
    /// When it ended: RFC 3339, UTC.
    #[schema(example = "2026-01-05T03:00:00.000000Z")]
    checked_at: String,
    /// How many entries the log had then.
    #[schema(example = "49000", pattern = "^[0-9]+$")]
    size: String,
    /// The first fault and its place; none when all was clean.
    #[schema(example = json!(null))]
    fault: Option<String>,
}

/// How logs stand, by their owners' ids.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LogStandingList {
    /// The logs.
    data: Vec<LogStanding>,
    /// Give this as `after` to get more; none when there are no more.
    next_after: Option<InstitutionId>,
}

impl LogStanding {
    fn new(row: Standing, stopped: Option<String>) -> Self {
        let checkpoint = row.signed_size.zip(row.signed_at_us);
        let check = row.checked_at_us.zip(row.checked_size);
        Self {
            institution: InstitutionId::from_uuid(row.institution_id),
            name: row.name,
            role: row.role,
            origin: row.origin,
            size: row.size.to_string(),
            last_entry_at: (row.size > 0).then(|| rfc3339(row.at_us)),
            checkpoint: checkpoint.map(|(size, signed_at_us)| CheckpointStanding {
                size: size.to_string(),
                signed_at: rfc3339(signed_at_us),
            }),
            unsigned_since: row.unsigned_at_us.map(rfc3339),
            stopped,
            check: check.map(|(checked_at_us, size)| LogCheck {
                checked_at: rfc3339(checked_at_us),
                size: size.to_string(),
                fault: row.fault,
            }),
        }
    }
}

/// How each log stands: its size, its newest checkpoint, whether it is stopped, and what the last check found.
#[utoipa::path(
    operation_id = "listLogs", tag = "admin",
    params(("after" = Option<InstitutionId>, Query, description = "`next_after` of the page before.")),
    responses((status = 200, description = "Up to 100 logs, the provider's own among them.", body = LogStandingList)),
    security(("oauth2" = ["admin"]))
)]
#[get("/admin/v1/logs")]
pub async fn list(permit: Permit<Administer>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["after"])?;
    let owners = standings::owners(&mut state.directory().await?, params.parse("after")?, PAGE).await?;
    let next_after = owners.last().filter(|_| owners.len() as i64 == PAGE).copied();
    let tenants = permit.over(owners);
    let rows = rows(&state, &tenants).await?;
    let stops = state.door.recorder.stops();
    let standing = |row: Standing| {
        let whose = tenants.iter().find(|tenant| tenant.uuid() == row.institution_id);
        let stopped = whose.and_then(|tenant| stops.reason(*tenant));
        LogStanding::new(row, stopped)
    };
    let data = rows.into_iter().map(standing).collect();
    permit.answer(Answer::json(&LogStandingList { data, next_after })?).await
}

/// The rows of these logs, which are in order.
async fn rows(state: &State, tenants: &[Tenant]) -> Result<Vec<Standing>, Problem> {
    let (Some(first), Some(last)) = (tenants.first(), tenants.last()) else { return Ok(Vec::new()) };
    let mut reader = state.door.db.read_many(tenants).await?;
    Ok(standings::between(&mut reader, *first, *last).await?)
}
