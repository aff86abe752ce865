//! `/v1/grants`: what regulators may see of the institution, from when to when, and why.
//!
//! A grant lets a person look around in the portal. It ends by itself; each that is made or revoked is an entry.

use actix_web::{get, http::StatusCode, post, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    State,
    list::{List, Run},
    params::Params,
    reports::{first_answer, order::text},
};
use crate::{
    access::{Answer, Door, Permit, Recorded, right::ManageGrants},
    domain::{
        GrantId, InstitutionId, Role, Scope, Tenant, UserId,
        grant::{DAYS_MAX, GrantState, TEXT_MAX},
    },
    error::Problem,
    ledger::{
        command::{Filed, Filing},
        grants as ledger,
    },
    store::grants::{self as store, NewGrant},
    world::{id_parts, rfc3339},
};

const BODY_MAX: usize = 8192;
/// What the cursors of the list are for.
const OPERATION: &str = "listGrants";
/// Most characters of an e-mail address.
const EMAIL_MAX: usize = 254;
const DAY_US: i64 = 24 * 3600 * 1_000_000;
/// A beginning that is so little ago counts as now: clocks differ.
const SLACK_US: i64 = 60 * 1_000_000;

/// What is to be granted.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantOrder {
    /// By which the regulator signs in to the portal. The provider adds them.
    #[schema(example = "examiner@supervisor.example", min_length = 1, max_length = 254)]
    email: String,
    /// What they may see: `institution:read`, which is always among it, `accounts:read`, `transactions:read`,
    /// `ledger:read`, `evidence:read`, `lineage:read`, `reports:read`. What the ledger's entries record is read by
    /// `ledger:read`, and taken away by `evidence:read`.
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
    /// From when: RFC 3339, at most 366 days ahead; from now on unless told.
    #[schema(example = "2026-12-01T00:00:00Z", format = DateTime)]
    from: Option<String>,
    /// Until when: RFC 3339, at most 366 days after it begins.
    #[schema(example = "2026-12-31T00:00:00Z", format = DateTime)]
    until: String,
    /// What for: 1 to 500 characters. The regulator sees it on every page, and the ledger has it.
    #[schema(example = "Review of settlement reporting, first quarter", min_length = 1, max_length = 500)]
    purpose: String,
}

/// Why a grant ends before its time.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantRevocation {
    /// The reason: 1 to 500 characters. The ledger has it.
    #[schema(example = "The review is closed", min_length = 1, max_length = 500)]
    reason: String,
}

/// A grant.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Grant {
    /// Its id.
    id: GrantId,
    /// The regulator.
    user: UserId,
    /// By which they signed in when it was made.
    #[schema(example = "examiner@supervisor.example")]
    email: String,
    /// What they may see.
    scopes: Vec<Scope>,
    /// From when: RFC 3339, UTC.
    #[schema(example = "2026-12-01T00:00:00.000000Z")]
    from: String,
    /// Until when.
    #[schema(example = "2026-12-31T00:00:00.000000Z")]
    until: String,
    /// What for.
    #[schema(example = "Review of settlement reporting, first quarter")]
    purpose: String,
    /// `to_come`, `live`, `ended`, or `revoked`.
    state: GrantState,
    /// Who made it: a client or a person.
    #[schema(example = "usr_0190163d8694739bba1a9fbee4e5c1b2")]
    made_by: String,
    /// When it was made.
    #[schema(example = "2026-11-30T09:30:00.000000Z")]
    created_at: String,
    /// The entry that made it.
    #[schema(example = "49102", pattern = "^[0-9]+$")]
    seq: String,
    /// Who revoked it.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_by: Option<String>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
    /// The entry that revoked it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9]+$", example = "49120")]
    revoked_seq: Option<String>,
    /// Why it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Grant {
    fn of(row: store::Grant, now_us: i64) -> Result<Self, Problem> {
        Ok(Self {
            id: GrantId::from_uuid(row.id),
            user: UserId::from_uuid(row.user_id),
            scopes: Scope::parse_list(&row.scopes).map_err(Problem::internal)?,
            from: rfc3339(row.from_us),
            until: rfc3339(row.until_us),
            state: GrantState::at(now_us, (row.from_us, row.until_us), row.revoked_seq.is_some()),
            created_at: rfc3339(row.created_at_us),
            seq: row.seq.to_string(),
            revoked_at: row.revoked_at_us.map(rfc3339),
            revoked_seq: row.revoked_seq.map(|seq| seq.to_string()),
            email: row.email,
            purpose: row.purpose,
            made_by: row.made_by,
            revoked_by: row.revoked_by,
            reason: row.reason,
        })
    }
}

/// Lets a regulator see what is named of the institution, for a time.
#[utoipa::path(
    operation_id = "createGrant", tag = "grants",
    params(
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(content = GrantOrder, content_type = "application/json", example = json!({
        "email": "examiner@supervisor.example", "scopes": ["institution:read", "transactions:read", "reports:read"],
        "from": "2026-12-01T00:00:00Z", "until": "2026-12-31T00:00:00Z",
        "purpose": "Review of settlement reporting, first quarter",
    })),
    responses(
        (status = 201, description = "The grant.", body = Grant),
        (status = 409, description = "1000 grants have not ended.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "No regulator signs in by this address, or scopes, times or purpose can't be taken; or the Idempotency-Key was used with another body.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["grants:manage"]))
)]
#[post("/v1/grants")]
pub async fn create(permit: Permit<ManageGrants>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (order, idempotency): (GrantOrder, _) = permit.json_once(BODY_MAX).await?;
    let tenant = permit.tenant();
    if tenant == state.door.provider {
        // Its log is about others.
        return Err(Problem::not_found());
    }
    // What was in time when the call came first need not be so any more.
    let first = first_answer(&mut state.read(tenant).await?, tenant, idempotency.as_ref()).await?;
    let filed = match first {
        Some(first) => first,
        None => {
            let new = checked(&permit, &state, order).await?;
            filed(&state, tenant, ledger::make(permit.by(), new, idempotency)?).await?
        }
    };
    let id: GrantId = filed.id.parse().map_err(Problem::internal)?;
    let answer = Answer::json(&load(&state, tenant, id).await?)?
        .status(StatusCode::CREATED)
        .header("location", &format!("/v1/grants/{id}"));
    permit.answer(answer.receipt(filed.receipt).replayed(filed.replayed)).await
}

/// The institution's grants, the newest first; those that have ended or were revoked too.
#[utoipa::path(
    operation_id = "listGrants", tag = "grants",
    params(
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "A page of grants.", body = List<Grant>)),
    security(("oauth2" = ["grants:manage"]))
)]
#[get("/v1/grants")]
pub async fn list(permit: Permit<ManageGrants>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["limit", "cursor"])?;
    let tenant = permit.tenant();
    let mut reader = state.read(tenant).await?;
    let run = Run::take_up(&state, &mut reader, OPERATION, tenant, &params).await?;
    let before = run.before();
    let as_of = run.snapshot.seq();
    let mut rows = store::page(&mut reader, tenant, as_of, before, run.fetch()).await?;
    drop(reader);
    let page = run.cut(&mut rows, |row| (None, row.seq))?;
    let now_us = state.world().now_us();
    let data: Vec<Grant> =
        rows.into_iter().map(|row| Grant::of(row.at(as_of), now_us)).collect::<Result<_, _>>()?;
    permit.answer(List { data, page, as_of: run.snapshot.as_of()? }.answer()?).await
}

/// One grant, and how it stands.
#[utoipa::path(
    operation_id = "getGrant", tag = "grants",
    params(
        ("id" = GrantId, Path, description = "The grant."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The grant.", body = Grant)),
    security(("oauth2" = ["grants:manage"]))
)]
#[get("/v1/grants/{id}")]
pub async fn get(permit: Permit<ManageGrants>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let grant = load(&state, permit.tenant(), permit.path("id")?).await?;
    permit.answer(Answer::json(&grant)?).await
}

/// Ends a grant before its time: the regulator sees nothing more by it, at once.
#[utoipa::path(
    operation_id = "revokeGrant", tag = "grants",
    params(
        ("id" = GrantId, Path, description = "The grant."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(content = GrantRevocation, content_type = "application/json", example = json!({"reason": "The review is closed"})),
    responses(
        (status = 200, description = "It is revoked.", body = Grant),
        (status = 409, description = "It was revoked before, or has ended.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The reason can't be taken; or the Idempotency-Key was used with another body.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["grants:manage"]))
)]
#[post("/v1/grants/{id}/revocation")]
pub async fn revoke(permit: Permit<ManageGrants>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (tenant, id): (_, GrantId) = (permit.tenant(), permit.path("id")?);
    let (GrantRevocation { reason }, idempotency): (GrantRevocation, _) = permit.json_once(BODY_MAX).await?;
    load(&state, tenant, id).await?;
    text("/reason", &reason, TEXT_MAX)?;
    let filed = filed(&state, tenant, ledger::revoke(permit.by(), id, reason, idempotency)?).await?;
    let answer = Answer::json(&load(&state, tenant, id).await?)?;
    permit.answer(answer.receipt(filed.receipt).replayed(filed.replayed)).await
}

/// What is ordered, once it can be done.
async fn checked(
    permit: &Permit<ManageGrants>,
    state: &State,
    order: GrantOrder,
) -> Result<NewGrant, Problem> {
    text("/email", &order.email, EMAIL_MAX)?;
    text("/purpose", &order.purpose, TEXT_MAX)?;
    let scopes = scopes(order.scopes)?;
    let (from_us, until_us) = span(order.from.as_deref(), &order.until, state.world().now_us())?;
    let email = order.email.trim().to_lowercase();
    let user = store::regulator(&mut state.directory().await?, &email).await?.ok_or_else(|| {
        let detail = "no regulator signs in by this address; ask the provider to add them";
        Problem::member("/email", "unknown_regulator", detail)
    })?;
    let (ms, random) = id_parts(state.world());
    Ok(NewGrant {
        id: GrantId::from_parts(ms, random),
        user,
        email,
        scopes: Scope::join(&scopes),
        purpose: order.purpose,
        from_us,
        until_us,
        made_by: permit.by().actor,
    })
}

/// What a grant names, the institution itself always among it.
fn scopes(named: Vec<Scope>) -> Result<Vec<Scope>, Problem> {
    if named.is_empty() {
        return Err(Problem::member("/scopes", "too_few", "name at least one"));
    }
    let most = Role::Regulator.scopes();
    if let Some((at, scope)) = named.iter().enumerate().find(|(_, scope)| !most.contains(scope)) {
        let detail = format!("{} can't be granted; {} can", scope.as_str(), Scope::join(most));
        return Err(Problem::member(format!("/scopes/{at}"), "not_for_regulators", detail));
    }
    let all = [vec![Scope::InstitutionRead], named].concat();
    Ok(Scope::each_once(all))
}

/// From when and until when a grant counts, in microseconds since the Unix epoch.
fn span(from: Option<&str>, until: &str, now_us: i64) -> Result<(i64, i64), Problem> {
    let time = |pointer: &str, text: &str| {
        let read = text.parse::<Timestamp>().map(Timestamp::as_microsecond);
        read.map_err(|_| Problem::member(pointer, "invalid_time", "a time as RFC 3339 writes it"))
    };
    let from_us = from.map_or(Ok(now_us), |from| time("/from", from))?;
    let until_us = time("/until", until)?;
    if from_us < now_us - SLACK_US {
        return Err(Problem::member("/from", "in_the_past", "it begins now or later"));
    }
    if from_us > now_us + DAYS_MAX * DAY_US {
        return Err(Problem::member("/from", "too_late", format!("it begins within {DAYS_MAX} days")));
    }
    if until_us <= from_us.max(now_us) {
        return Err(Problem::member("/until", "too_early", "it ends after it begins, and later than now"));
    }
    if until_us - from_us > DAYS_MAX * DAY_US {
        return Err(Problem::member("/until", "too_late", format!("it lasts {DAYS_MAX} days at most")));
    }
    Ok((from_us, until_us))
}

/// Files what was asked for; it is done or not, even if the caller hangs up.
async fn filed(state: &State, tenant: Tenant, filing: Filing) -> Result<Filed, Problem> {
    let recorder = state.door.recorder.clone();
    Door::whole(async move { recorder.file(tenant, filing).await }).await
}

async fn load(state: &State, tenant: Tenant, id: GrantId) -> Result<Grant, Problem> {
    let row = store::get(&mut state.read(tenant).await?, tenant, id).await?;
    Grant::of(row.ok_or_else(Problem::not_found)?, state.world().now_us())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-03-01T12:00:00Z";

    fn code(from: Option<&str>, until: &str) -> String {
        let now_us = NOW.parse::<Timestamp>().unwrap().as_microsecond();
        match span(from, until, now_us) {
            Ok((from_us, until_us)) => format!("{} s", (until_us - from_us) / 1_000_000),
            Err(problem) => format!("{} {}", problem.errors[0].pointer, problem.errors[0].code),
        }
    }

    #[test]
    fn a_grant_begins_now_or_later_and_lasts_a_year_at_most() {
        assert_eq!(code(None, "2026-03-01T12:00:05Z"), "5 s");
        assert_eq!(code(Some("2026-03-02T00:00:00+02:00"), "2026-03-02T00:00:00Z"), "7200 s");
        assert_eq!(code(Some("2026-03-01T11:59:30Z"), "2026-03-01T12:00:30Z"), "60 s");
        assert_eq!(code(Some("2026-03-01T11:58:00Z"), "2026-03-02T00:00:00Z"), "/from in_the_past");
        assert_eq!(code(Some("2027-03-03T00:00:00Z"), "2027-03-04T00:00:00Z"), "/from too_late");
        assert_eq!(code(None, NOW), "/until too_early");
        assert_eq!(code(Some("2026-03-05T00:00:00Z"), "2026-03-04T00:00:00Z"), "/until too_early");
        assert_eq!(code(None, "2027-03-02T12:00:00Z"), format!("{} s", 366 * 24 * 3600));
        assert_eq!(code(None, "2027-03-02T12:00:01Z"), "/until too_late");
        assert_eq!(code(Some("soon"), NOW), "/from invalid_time");
        assert_eq!(code(None, "2026-03-05"), "/until invalid_time");
    }

    #[test]
    fn the_institution_itself_is_always_granted_and_what_changes_something_never() {
        let given = scopes(vec![Scope::ReportsRead, Scope::InstitutionRead, Scope::ReportsRead]).unwrap();
        assert_eq!(given, [Scope::InstitutionRead, Scope::ReportsRead]);
        assert_eq!(scopes(Vec::new()).unwrap_err().errors[0].pointer, "/scopes");
        for scope in Scope::ALL.into_iter().filter(|scope| !Role::Regulator.scopes().contains(scope)) {
            let refused = scopes(vec![Scope::LedgerRead, scope]).unwrap_err();
            assert_eq!(refused.errors[0].pointer, "/scopes/1", "{}", scope.as_str());
        }
    }
}
