//! From a record to the figures that it made, and what a correction of it touches.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use actix_web::{get, web};
use serde::Serialize;

use super::{
    super::{
        State,
        as_of::{AsOf, Snapshot},
        list::{List, Page},
        params::Params,
    },
    deliveries::ReportDelivery,
    figures::terms,
    missing,
    view::{FigureOf, decimal},
};
use crate::{
    access::{Answer, Permit, Recorded, right::ReadReports},
    domain::{InstitutionId, ReportId, Tenant, TransactionId},
    error::{Code, Problem},
    store::{
        Reader,
        reports::{
            self, At, evidence,
            figures::{self, FigureRow, Use},
        },
        transactions,
    },
};

/// Places at which one transaction may count; nobody has had more.
const USES_MAX: i64 = 10_000;

/// A version that a correction touches.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TouchedVersion {
    /// The report.
    pub report: ReportId,
    /// Its type.
    #[serde(rename = "type")]
    #[schema(example = "account-statement")]
    pub kind: String,
    /// What it covers.
    #[schema(example = "2026-03")]
    pub period: String,
    /// The version's number.
    #[schema(example = 1)]
    pub n: i64,
    /// `ready` or `refused`.
    #[schema(example = "ready")]
    pub state: String,
    /// Whether it is not what the records say now: it counted a version of the transaction whose place another has
    /// taken since, or the transaction is missing from it.
    #[schema(example = true)]
    pub outdated: bool,
    /// Whether the report's period and accounts take in the transaction as it is, which was recorded only after what
    /// this version was made of: it counts no version of it, and one that is made now may.
    #[schema(example = false)]
    pub missing: bool,
    /// Whether a later version of the report is ready.
    #[schema(example = false)]
    pub superseded: bool,
    /// To whom it was delivered.
    pub deliveries: Vec<ReportDelivery>,
}

/// What a correction of a transaction touches.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Impact {
    /// The transaction.
    pub transaction: TransactionId,
    /// The entry of its newest version.
    #[schema(example = "5000", pattern = "^[0-9]+$")]
    pub newest: String,
    /// Every figure that counts it, or one that is made of such a figure.
    pub figures: Vec<FigureOf>,
    /// Every version that has such a figure, and every one that is ready and that the transaction is missing from, with
    /// its deliveries.
    pub versions: Vec<TouchedVersion>,
    /// The state of the ledger that this shows.
    pub as_of: AsOf,
}

/// Where a transaction counts.
struct Touched {
    newest: i64,
    figures: Vec<FigureOf>,
    /// By version: whether what counts is of before.
    versions: BTreeMap<(uuid::Uuid, i64), bool>,
    snapshot: Snapshot,
}

/// From a transaction to every figure that counts it, in every version of every report.
///
/// Besides `reports:read` it takes the scope of the record: `transactions:read`.
#[utoipa::path(
    operation_id = "listTransactionFigures", tag = "reports",
    params(
        ("id" = TransactionId, Path, description = "The transaction."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "All figures, by report and version; those made of others too.", body = List<FigureOf>)),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/transactions/{id}/figures")]
pub async fn list(permit: Permit<ReadReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    super::allow_records(&permit)?;
    let mut reader = state.read(permit.tenant()).await?;
    let touched = touched(&mut reader, permit.tenant(), permit.path("id")?).await?;
    drop(reader);
    let page = Page { next_cursor: None, has_more: false };
    permit.answer(List { data: touched.figures, page, as_of: touched.snapshot.as_of()? }.answer()?).await
}

/// What a correction of a transaction touches: every figure, version and delivery that counts it.
///
/// After a correction, what is `outdated` still counts the transaction as it was, or not at all; a new version of
/// these reports counts it as it is. Besides `reports:read` it takes the scope of the record: `transactions:read`.
#[utoipa::path(
    operation_id = "getTransactionImpact", tag = "reports",
    params(
        ("id" = TransactionId, Path, description = "The transaction."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "What it touches.", body = Impact)),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/transactions/{id}/impact")]
pub async fn impact(permit: Permit<ReadReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    super::allow_records(&permit)?;
    let (tenant, transaction) = (permit.tenant(), permit.path("id")?);
    let mut reader = state.read(tenant).await?;
    let touched = touched(&mut reader, tenant, transaction).await?;
    drop(reader);
    let missing = missing::versions(&state, tenant, touched.newest, &touched.versions).await?;
    let mut all: BTreeMap<(uuid::Uuid, i64), (bool, bool)> =
        touched.versions.into_iter().map(|(key, outdated)| (key, (outdated, false))).collect();
    all.extend(missing.into_iter().map(|at| ((at.report.uuid(), at.n), (true, true))));
    let mut reader = state.read(tenant).await?;
    let mut versions = Vec::new();
    for ((report, n), (outdated, missing)) in all {
        let at = At::of(report, n);
        let about = reports::get(&mut reader, tenant, at.report).await?.ok_or_else(Problem::not_found)?;
        let version = reports::version(&mut reader, tenant, at).await?.ok_or_else(Problem::not_found)?;
        let deliveries = evidence::deliveries(&mut reader, tenant, at, -1, i64::MAX).await?;
        versions.push(TouchedVersion {
            report: at.report,
            kind: about.kind,
            period: about.period,
            n,
            state: version.state,
            outdated,
            missing,
            superseded: reports::is_followed(&mut reader, tenant, at).await?,
            deliveries: deliveries.into_iter().map(ReportDelivery::of).collect(),
        });
    }
    drop(reader);
    let impact = Impact {
        transaction,
        newest: touched.newest.to_string(),
        figures: touched.figures,
        versions,
        as_of: touched.snapshot.as_of()?,
    };
    permit.answer(Answer::json(&impact)?).await
}

async fn touched(reader: &mut Reader, tenant: Tenant, id: TransactionId) -> Result<Touched, Problem> {
    let snapshot = Snapshot::now(reader, tenant).await?;
    let seqs = transactions::seqs(reader, tenant, id).await?;
    let newest = *seqs.last().ok_or_else(Problem::not_found)?;
    let uses = figures::uses(reader, tenant, &seqs, USES_MAX + 1).await?;
    if i64::try_from(uses.len()).is_ok_and(|count| count > USES_MAX) {
        let detail = format!("the transaction counts at more than {USES_MAX} places");
        return Err(Problem::new(Code::Refused, detail));
    }
    let mut by_version: BTreeMap<(uuid::Uuid, i64), Vec<Use>> = BTreeMap::new();
    for one in uses {
        by_version.entry((one.report_id, one.n)).or_default().push(one);
    }
    let (mut found, mut versions) = (Vec::new(), BTreeMap::new());
    for (key, uses) in by_version {
        let at = At::of(key.0, key.1);
        versions.insert(key, uses.iter().any(|one| one.seq != newest));
        found.extend(of_version(reader, tenant, at, &uses).await?);
    }
    Ok(Touched { newest, figures: found, versions, snapshot })
}

/// The figures of a version that count a record, and those that are made of them.
async fn of_version(
    reader: &mut Reader,
    tenant: Tenant,
    at: At,
    uses: &[Use],
) -> Result<Vec<FigureOf>, Problem> {
    let report = reports::get(reader, tenant, at.report).await?.ok_or_else(Problem::not_found)?;
    let mut rows: HashMap<i64, FigureRow> = HashMap::new();
    for one in uses {
        if let Some(row) = figures::get(reader, tenant, at, one.figure).await? {
            rows.insert(row.position, row);
        }
    }
    let mut counted: BTreeSet<i64> = rows.keys().copied().collect();
    let derived = figures::derived(reader, tenant, at).await?;
    // Whatever is made of a counted figure counts too, also by way of another: until nothing is added.
    loop {
        let before = counted.len();
        for row in &derived {
            if terms(&row.inputs)?.iter().any(|(input, _)| counted.contains(input)) {
                counted.insert(row.position);
            }
        }
        if counted.len() == before {
            break;
        }
    }
    rows.extend(
        derived.into_iter().filter(|row| counted.contains(&row.position)).map(|row| (row.position, row)),
    );
    let mut found = Vec::new();
    for position in counted {
        let Some(row) = rows.get(&position) else { continue };
        let own: Vec<&Use> = uses.iter().filter(|one| one.figure == position).collect();
        let view = |one: Option<&Use>| FigureOf {
            report: at.report,
            kind: report.kind.clone(),
            period: report.period.clone(),
            n: at.n,
            position,
            name: row.name.clone(),
            value: row.value.clone(),
            unit: row.unit.clone(),
            path: row.path.clone(),
            amount: one.map(|one| decimal(one.amount, row.decimals)),
            seq: one.map(|one| one.seq.to_string()),
        };
        if own.is_empty() {
            found.push(view(None));
        }
        found.extend(own.into_iter().map(|one| view(Some(one))));
    }
    Ok(found)
}
