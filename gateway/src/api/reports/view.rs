//! What reports, versions and figures look like.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    domain::{AccountId, ReportId, TransactionId, money::decimal_text, transaction::Source},
    error::Problem,
    reporting::wording::hex,
    reports::VersionKind,
    store::reports::{self, At, figures::FigureRow},
    world::rfc3339,
};

/// A report: of one type, for one period, with these parameters.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Report {
    /// Its id.
    pub id: ReportId,
    /// Its type: one of `/v1/report-types`, or the depositor's own.
    #[serde(rename = "type")]
    #[schema(example = "account-statement")]
    pub kind: String,
    /// What it covers: a day, a month, a quarter or a year.
    #[schema(example = "2026-03")]
    pub period: String,
    /// What it was told besides.
    #[schema(example = json!({"tolerance": "0.10"}))]
    pub parameters: BTreeMap<String, String>,
    /// When it was first ordered: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    pub created_at: String,
    /// Its newest version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<ReportVersion>,
}

impl Report {
    pub(super) fn of(row: reports::Report, newest: Option<reports::Version>) -> Result<Self, Problem> {
        Ok(Self {
            id: ReportId::from_uuid(row.id),
            parameters: serde_json::from_str(&row.parameters).map_err(Problem::internal)?,
            kind: row.kind,
            period: row.period,
            created_at: rfc3339(row.created_at_us),
            newest: newest.map(ReportVersion::of).transpose()?,
        })
    }
}

/// A version of a report. Once it is ready or refused, it never changes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReportVersion {
    /// Its number, from 1.
    #[schema(example = 1)]
    pub n: i64,
    /// `producing`; in the end `ready`, `refused` (it has errors, and must not be filed) or `failed`.
    #[schema(example = "ready")]
    pub state: String,
    /// How it stands to the versions before.
    pub kind: VersionKind,
    /// Why it was made; absent from the first.
    #[schema(example = "an amount was keyed in wrongly")]
    pub reason: Option<String>,
    /// The number of the version that it takes the place of, withdraws or follows.
    #[schema(example = 1)]
    pub supersedes: Option<i64>,
    /// The last entry of the ledger that it takes into account.
    #[schema(example = "49102", pattern = "^[0-9]+$")]
    pub as_of: String,
    /// The entry that ordered it.
    #[schema(example = "49103", pattern = "^[0-9]+$")]
    pub seq: String,
    /// The entry that says what became of it: it names the hashes of the document and of the list of figures.
    #[schema(example = "49104", pattern = "^[0-9]+$")]
    pub made_seq: Option<String>,
    /// The document's media type.
    #[schema(example = "application/xml")]
    pub media_type: Option<String>,
    /// The document's length in bytes.
    #[schema(example = 18277)]
    pub bytes: Option<i64>,
    /// The document's SHA-256 in hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: Option<String>,
    /// How many figures it has.
    #[schema(example = 600)]
    pub figures: i64,
    /// SHA-256 of the list of its figures, in hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub figures_sha256: Option<String>,
    /// What was found that must not be filed.
    #[schema(example = 0)]
    pub errors: i64,
    /// What was found that somebody should look at.
    #[schema(example = 0)]
    pub warnings: i64,
    /// When it was ordered: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    pub created_at: String,
    /// When it was made.
    #[schema(example = "2026-01-05T09:30:02.000000Z")]
    pub finished_at: Option<String>,
}

impl ReportVersion {
    pub(super) fn of(row: reports::Version) -> Result<Self, Problem> {
        Ok(Self {
            n: row.n,
            kind: VersionKind::parse(&row.kind).ok_or_else(|| Problem::internal("an unknown kind"))?,
            state: row.state,
            reason: row.reason,
            supersedes: row.supersedes,
            as_of: row.as_of.to_string(),
            seq: row.seq.to_string(),
            made_seq: row.made_seq.map(|seq| seq.to_string()),
            media_type: row.media_type,
            bytes: row.bytes,
            sha256: row.sha256.as_deref().map(hex),
            figures: row.figures,
            figures_sha256: row.figures_sha256.as_deref().map(hex),
            errors: row.errors,
            warnings: row.warnings,
            created_at: rfc3339(row.created_at_us),
            finished_at: row.finished_at_us.map(rfc3339),
        })
    }
}

/// A number in a version of a report.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReportFigure {
    /// Its place among the version's figures, from 0.
    #[schema(example = 4)]
    pub position: i64,
    /// Its name: the same in every version of the report.
    #[schema(example = "DE04000000000000000576/closing_balance")]
    pub name: String,
    /// Its value as decimal text: what contributes to it, and its inputs times their factors, added up.
    #[schema(example = "1234.56")]
    pub value: String,
    /// What it is counted in: a currency's code, or things such as `payments`.
    #[schema(example = "EUR")]
    pub unit: String,
    /// How it comes about.
    #[schema(example = "opening balance + credits - debits + differences")]
    pub formula: String,
    /// Where it stands in the document: an XPath, a cell or a fact's id.
    #[schema(example = "/Document/BkToCstmrStmt/Stmt[1]/Bal[2]/Amt")]
    pub path: String,
    /// The figures that it is made of.
    pub inputs: Vec<FigureInput>,
    /// How many records contribute to it by themselves.
    #[schema(example = 0)]
    pub contributions: i64,
    /// What they add, in the smallest unit.
    #[schema(example = "0", pattern = "^[0-9]+$")]
    pub credit: String,
    /// What they take away, in the smallest unit.
    #[schema(example = "0", pattern = "^[0-9]+$")]
    pub debit: String,
    /// The root of the Merkle-sum tree over them, in hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub root: String,
}

/// A figure as a term of another.
#[derive(Debug, Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct FigureInput {
    /// What it is multiplied with: `1` or `-1`.
    #[schema(example = "1")]
    pub factor: String,
    /// Its position among the version's figures.
    #[schema(example = "0", pattern = "^[0-9]+$")]
    pub figure: String,
}

impl ReportFigure {
    pub(super) fn of(row: FigureRow) -> Result<Self, Problem> {
        Ok(Self {
            position: row.position,
            name: row.name,
            value: row.value,
            unit: row.unit,
            formula: row.formula,
            path: row.path,
            inputs: serde_json::from_str(&row.inputs).map_err(Problem::internal)?,
            contributions: row.parts,
            credit: row.credit,
            debit: row.debit,
            root: hex(&row.root),
        })
    }
}

/// What a record adds to a figure.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FigureContribution {
    /// The figure that the record contributes to by itself: this one, or one that it is made of.
    #[schema(example = 4)]
    pub figure: i64,
    /// Its place among that figure's contributions, from 0.
    #[schema(example = 0)]
    pub position: i64,
    /// What it adds, as decimal text in the figure's unit; below nought, what it takes away.
    #[schema(example = "12.50")]
    pub amount: String,
    /// The record's entry: its version that counted.
    #[schema(example = "4711", pattern = "^[0-9]+$")]
    pub seq: String,
    /// The transaction; absent where an adjustment contributes.
    pub transaction: Option<TransactionId>,
    /// The servicer's own id of the transaction.
    #[schema(example = "2026033100018844")]
    pub reference: Option<String>,
    /// The account that it is on.
    pub account_id: Option<AccountId>,
    /// The day on which it came on the books.
    #[schema(example = "2026-03-31", format = Date)]
    pub booking_date: Option<String>,
    /// The file and line that it came from; absent when it came in none.
    pub source: Option<Source>,
    /// The entry of the version that has taken its place since, if one has: the figure no longer is what the records
    /// say.
    #[schema(example = "5000", pattern = "^[0-9]+$")]
    pub superseded_by: Option<String>,
}

/// A figure of a version, named.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FigureOf {
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
    /// The figure's position.
    #[schema(example = 4)]
    pub position: i64,
    /// The figure's name.
    #[schema(example = "DE04000000000000000576/credits")]
    pub name: String,
    /// The figure's value.
    #[schema(example = "1234.56")]
    pub value: String,
    /// What it is counted in.
    #[schema(example = "EUR")]
    pub unit: String,
    /// Where it stands in the document.
    #[schema(example = "/Document/BkToCstmrStmt/Stmt[1]/TxsSummry/TtlCdtNtries/Sum")]
    pub path: String,
    /// What the record adds by itself; absent where it counts by way of other figures.
    #[schema(example = "12.50")]
    pub amount: Option<String>,
    /// The record's entry that counted; absent where it counts by way of other figures.
    #[schema(example = "4711", pattern = "^[0-9]+$")]
    pub seq: Option<String>,
}

/// An amount of the smallest unit as decimal text.
pub(super) fn decimal(amount: i64, decimals: i64) -> String {
    decimal_text(amount.into(), usize::try_from(decimals).unwrap_or_default())
}

/// Where a version is.
pub(super) fn location(at: At) -> String {
    format!("/v1/reports/{}/versions/{}", at.report, at.n)
}
