//! A version's figures, and the records that make them.

use std::collections::{BTreeMap, HashMap};

use actix_web::{get, web};
use serde::Serialize;
use veritrail_audit::{SumLeaf, sum_path};

use super::{
    super::{
        State,
        as_of::AsOf,
        item::{self, Proof},
        list::{List, Page, Run},
        params::Params,
    },
    view::{FigureContribution, FigureInput, ReportFigure, decimal},
};
use crate::{
    access::{
        Answer, Permit, Recorded,
        right::{ReadReports, TakeReportEvidence},
    },
    domain::{InstitutionId, ReportId, Tenant, Transaction},
    error::Problem,
    store::{
        Reader, payloads,
        reports::{
            At,
            figures::{self, FigureRow, PartRow},
        },
        transactions,
    },
};

const OPERATION: &str = "listReportFigures";
const ONE: &str = "getReportFigure";
/// Rows on a page with proofs.
const PROVEN_MAX: i64 = 100;
/// Inputs of a figure that are shown with it.
const INPUTS_MAX: usize = 500;
/// Contributions that are read at a time.
const PARTS: i64 = 10_000;

/// A version's figures, in the order of the document.
#[utoipa::path(
    operation_id = "listReportFigures", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("n" = u32, Path, description = "The version's number, from 1.", example = 1),
        ("prefix" = Option<String>, Query, description = "Only figures whose names begin so.", max_length = 200, example = "DE04000000000000000576/"),
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses(
        (status = 200, description = "A page of figures.", body = List<ReportFigure>),
        (status = 409, description = "The version is not made.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/reports/{id}/versions/{n}/figures")]
pub async fn list(permit: Permit<ReadReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["prefix", "limit", "cursor"])?;
    let (tenant, prefix) = (permit.tenant(), params.text("prefix", 200)?);
    let mut reader = state.read(tenant).await?;
    let (_, _, at) = super::made_version(&permit, &mut reader).await?;
    let operation = super::list_of(OPERATION, at);
    let run = Run::take_up(&state, &mut reader, &operation, tenant, &params).await?;
    let after = run.after_seq();
    let mut rows = figures::page(&mut reader, tenant, at, after, prefix, run.fetch()).await?;
    drop(reader);
    let page = run.cut(&mut rows, |row| (None, row.position))?;
    let data = rows.into_iter().map(ReportFigure::of).collect::<Result<_, _>>()?;
    permit.answer(List { data, page, as_of: run.snapshot.as_of()? }.answer()?).await
}

/// A figure, and a page of what makes it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FigureDetail {
    /// The figure.
    pub figure: ReportFigure,
    /// The figures that it is made of, in their order; the first 500 of them, while the figure's own `inputs` name all.
    #[schema(max_items = 500)]
    pub inputs: Vec<ReportFigure>,
    /// The records that make it, by itself and by way of its inputs. All pages together add up to its value.
    pub data: Vec<FigureContribution>,
    /// How to go on.
    pub page: Page,
    /// The state of the ledger that this run of pages shows.
    pub as_of: AsOf,
    /// With `proof=inclusion`: a proof for each record, in the same order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proofs: Option<Vec<Proof>>,
}

/// From a figure to the records that make it, each with its source and its entry.
///
/// Besides `reports:read` it takes the scope of the records: `transactions:read`.
#[utoipa::path(
    operation_id = "getReportFigure", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("n" = u32, Path, description = "The version's number, from 1.", example = 1),
        ("figure" = u32, Path, description = "The figure's position, from 0.", example = 4),
        ("proof" = Option<String>, Query, description = "`inclusion` adds what proves that the records are on the ledger.", example = "inclusion"),
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500, with proofs 1 to 100; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses(
        (status = 200, description = "The figure, and a page of what makes it.", body = FigureDetail),
        (status = 409, description = "The version is not made.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/reports/{id}/versions/{n}/figures/{figure}")]
pub async fn get(permit: Permit<ReadReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["proof", "limit", "cursor"])?;
    super::allow_records(&permit)?;
    let tenant = permit.tenant();
    let is_proven = item::wants_proof(&params)?;
    if is_proven && params.limit()? > PROVEN_MAX {
        let detail = format!("1 to {PROVEN_MAX} with proof=inclusion");
        return Err(Problem::parameter("limit", "out_of_range", detail));
    }
    let mut reader = state.read(tenant).await?;
    let (_, _, at) = super::made_version(&permit, &mut reader).await?;
    let row = named(&permit, &mut reader, at).await?;
    let operation = format!("{} {}", super::list_of(ONE, at), row.position);
    let run = Run::take_up(&state, &mut reader, &operation, tenant, &params).await?;
    let (inputs, leaves) = leaves(&mut reader, tenant, at, &row).await?;
    let after = run.after.as_ref().map_or((-1, -1), |position| {
        (position.key.as_deref().and_then(|key| key.parse().ok()).unwrap_or(-1), position.seq)
    });
    let mut parts = Vec::new();
    for (figure, _) in leaves.range(after.0..) {
        let (limit, wanted) = (run.fetch(), i64::try_from(parts.len()).unwrap_or(i64::MAX));
        let after = if *figure == after.0 { after.1 } else { -1 };
        parts.extend(figures::parts(&mut reader, tenant, at, *figure, after, limit - wanted).await?);
        if i64::try_from(parts.len()).is_ok_and(|count| count >= limit) {
            break;
        }
    }
    let page = run.cut(&mut parts, |part| (Some(part.figure.to_string()), part.position))?;
    let data = shown(&mut reader, tenant, &row, &leaves, &parts).await?;
    drop(reader);
    let seqs: Vec<i64> = parts.iter().map(|part| part.seq).collect();
    let proofs = match is_proven {
        true => Some(item::proofs(&state, tenant, &seqs).await?),
        false => None,
    };
    let inputs = inputs.into_iter().map(ReportFigure::of).collect::<Result<_, _>>()?;
    let figure = ReportFigure::of(row)?;
    let detail = FigureDetail { figure, inputs, data, page, as_of: run.snapshot.as_of()?, proofs };
    permit.answer(Answer::json(&detail)?).await
}

/// The figure that a path names.
async fn named<R: crate::access::right::Right>(
    permit: &Permit<R>,
    reader: &mut Reader,
    at: At,
) -> Result<FigureRow, Problem> {
    let position: u32 = permit.path("figure")?;
    figures::get(reader, permit.tenant(), at, position.into()).await?.ok_or_else(Problem::not_found)
}

/// The figures that a figure is made of directly, so many at most, and those with records of their own that make it in the end, with
/// how often each counts.
async fn leaves(
    reader: &mut Reader,
    tenant: Tenant,
    at: At,
    row: &FigureRow,
) -> Result<(Vec<FigureRow>, BTreeMap<i64, i64>), Problem> {
    let terms = terms(&row.inputs)?;
    if terms.is_empty() {
        return Ok((Vec::new(), BTreeMap::from([(row.position, 1)])));
    }
    let first: Vec<i64> = terms.iter().map(|(input, _)| *input).take(INPUTS_MAX).collect();
    let rows = figures::among(reader, tenant, at, &first).await?;
    let rows: HashMap<i64, FigureRow> = rows.into_iter().map(|row| (row.position, row)).collect();
    let inputs = first.iter().filter_map(|input| rows.get(input).cloned()).collect();

    let mut leaves = BTreeMap::new();
    // Step by step down: what is made of others, and then what these are made of. Inputs were told before what is
    // made of them, so this ends.
    let mut open = BTreeMap::from([(row.position, 1)]);
    while !open.is_empty() {
        let positions: Vec<i64> = open.keys().copied().collect();
        let mut below = BTreeMap::new();
        for made in figures::made(reader, tenant, at, &positions).await? {
            let factor = open.get(&made.position).copied().unwrap_or(0);
            if made.parts > 0 {
                *leaves.entry(made.position).or_insert(0) += factor;
            }
            for (input, by) in self::terms(&made.inputs)? {
                *below.entry(input).or_insert(0) += factor * by;
            }
        }
        open = below;
    }
    Ok((inputs, leaves))
}

/// The figures that a figure is made of, with their factors.
pub(super) fn terms(inputs: &str) -> Result<Vec<(i64, i64)>, Problem> {
    let inputs: Vec<FigureInput> = serde_json::from_str(inputs).map_err(Problem::internal)?;
    let number = |text: &str| text.parse::<i64>().map_err(Problem::internal);
    inputs.iter().map(|input| Ok((number(&input.figure)?, number(&input.factor)?))).collect()
}

/// Contributions with what their records say.
async fn shown(
    reader: &mut Reader,
    tenant: Tenant,
    figure: &FigureRow,
    leaves: &BTreeMap<i64, i64>,
    parts: &[PartRow],
) -> Result<Vec<FigureContribution>, Problem> {
    let mut seqs: Vec<i64> = parts.iter().map(|part| part.seq).collect();
    seqs.sort_unstable();
    seqs.dedup();
    let records: HashMap<i64, Vec<u8>> =
        payloads::of(reader, tenant, &seqs).await?.into_iter().map(|row| (row.seq, row.payload)).collect();
    let successors: HashMap<i64, i64> =
        transactions::successors(reader, tenant, &seqs).await?.into_iter().collect();
    let show = |part: &PartRow| {
        let record = records.get(&part.seq).and_then(|it| serde_json::from_slice::<Transaction>(it).ok());
        let factor = leaves.get(&part.figure).copied().unwrap_or(1);
        FigureContribution {
            figure: part.figure,
            position: part.position,
            amount: decimal(part.amount.saturating_mul(factor), figure.decimals),
            seq: part.seq.to_string(),
            transaction: record.as_ref().map(|it| it.id),
            reference: record.as_ref().map(|it| it.reference.as_str().to_owned()),
            account_id: record.as_ref().map(|it| it.account_id),
            booking_date: record.as_ref().map(|it| it.booking_date.to_string()),
            source: record.and_then(|it| it.source),
            superseded_by: successors.get(&part.seq).map(ToString::to_string),
        }
    };
    Ok(parts.iter().map(show).collect())
}

/// A contribution, and what proves that it is one of those that sum to the figure.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ContributionProof {
    /// The record's entry.
    #[schema(example = "4711", pattern = "^[0-9]+$")]
    pub seq: String,
    /// What it adds, in the smallest unit.
    #[schema(example = "1250", pattern = "^[0-9]+$")]
    pub credit: String,
    /// What it takes away, in the smallest unit.
    #[schema(example = "0", pattern = "^[0-9]+$")]
    pub debit: String,
    /// Its place among the contributions, from 0.
    #[schema(example = 0)]
    pub index: i64,
    /// How many contributions there are.
    #[schema(example = 3)]
    pub size: i64,
    /// The nodes beside the way from the leaf to the root, from the bottom up.
    pub path: Vec<SumNodeView>,
    /// The root, which the list of figures names.
    pub root: SumNodeView,
}

/// A node of a Merkle-sum tree.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SumNode)]
pub struct SumNodeView {
    /// Its hash in hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub hash: String,
    /// What its leaves add, in the smallest unit.
    #[schema(example = "1250", pattern = "^[0-9]+$")]
    pub credit: String,
    /// What they take away.
    #[schema(example = "0", pattern = "^[0-9]+$")]
    pub debit: String,
}

impl From<&veritrail_audit::SumNode> for SumNodeView {
    fn from(node: &veritrail_audit::SumNode) -> Self {
        Self { hash: node.hash.to_string(), credit: node.credit.to_string(), debit: node.debit.to_string() }
    }
}

/// Proves that a record is one of those that sum to a figure, without showing the others.
///
/// A leaf's hash is SHA-256 of a zero byte, the seq in 8 bytes, credit and debit in 16 bytes each, big-endian; a
/// node's is SHA-256 of a one byte and hash, credit and debit of its left and its right child. The tree is shaped as in
/// RFC 6962 section 2.1. Since sums are never below nought, no part of the tree can hide another.
///
/// Besides `reports:read` it takes the scope of the records: `transactions:read`.
#[utoipa::path(
    operation_id = "proveReportContribution", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("n" = u32, Path, description = "The version's number, from 1.", example = 1),
        ("figure" = u32, Path, description = "The position of the figure that the record contributes to by itself.", example = 1),
        ("position" = u32, Path, description = "The contribution's place, from 0.", example = 0),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses(
        (status = 200, description = "The proof.", body = ContributionProof),
        (status = 409, description = "The version is not made.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/reports/{id}/versions/{n}/figures/{figure}/contributions/{position}")]
pub async fn prove(permit: Permit<TakeReportEvidence>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    super::allow_records(&permit)?;
    let (tenant, index) = (permit.tenant(), permit.path::<u32>("position")?);
    let mut reader = state.read(tenant).await?;
    let (_, _, at) = super::made_version(&permit, &mut reader).await?;
    let row = named(&permit, &mut reader, at).await?;
    if i64::from(index) >= row.parts {
        return Err(Problem::not_found());
    }
    let mut leaves = Vec::with_capacity(usize::try_from(row.parts).unwrap_or_default());
    let mut after = -1;
    loop {
        let parts = figures::parts(&mut reader, tenant, at, row.position, after, PARTS).await?;
        let Some(last) = parts.last() else { break };
        after = last.position;
        leaves.extend(parts.iter().map(|part| SumLeaf::new(part.seq.unsigned_abs(), part.amount)));
    }
    drop(reader);
    let (index, size) = (usize::try_from(index).map_err(Problem::internal)?, row.parts);
    // The whole tree is hashed for this.
    let path = tokio::task::spawn_blocking(move || leaves.get(index).copied().zip(sum_path(&leaves, index)));
    let (leaf, path) = path.await.map_err(Problem::internal)?.ok_or_else(Problem::not_found)?;
    let proof = ContributionProof {
        seq: leaf.seq.to_string(),
        credit: leaf.credit.to_string(),
        debit: leaf.debit.to_string(),
        index: i64::try_from(index).map_err(Problem::internal)?,
        size,
        path: path.iter().map(SumNodeView::from).collect(),
        root: SumNodeView {
            hash: crate::reporting::wording::hex(&row.root),
            credit: row.credit,
            debit: row.debit,
        },
    };
    permit.answer(Answer::json(&proof)?).await
}
