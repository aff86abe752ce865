//! A version's figures, what contributes to them, and what was remarked.

use uuid::Uuid;

use super::{
    super::{
        Connection, StoreError,
        rows::{Column, Table, Value, upsert},
        select::Select,
    },
    At,
};
use crate::domain::Tenant;

/// A figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FigureRow {
    /// Its place among the version's figures, from 0.
    pub position: i64,
    /// Its name.
    pub name: String,
    /// Its value as decimal text.
    pub value: String,
    /// What it is counted in.
    pub unit: String,
    /// How many decimals the unit has.
    pub decimals: i64,
    /// How it comes about.
    pub formula: String,
    /// Where it stands in the document.
    pub path: String,
    /// The figures that it is made of: JSON.
    pub inputs: String,
    /// How many contributions it has.
    pub parts: i64,
    /// What its contributions add, in the smallest unit.
    pub credit: String,
    /// What they take away.
    pub debit: String,
    /// The root over them.
    pub root: Vec<u8>,
}

from_row!(FigureRow {
    position,
    name,
    value,
    unit,
    decimals,
    formula,
    path,
    inputs,
    parts,
    credit,
    debit,
    root
});

/// A contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartRow {
    /// The figure's position.
    pub figure: i64,
    /// Its place among the figure's contributions, from 0.
    pub position: i64,
    /// The record's entry.
    pub seq: i64,
    /// What it adds, in the smallest unit.
    pub amount: i64,
}

from_row!(PartRow { figure, position, seq, amount });

/// A remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemarkRow {
    /// Its place among the version's remarks, from 0.
    pub position: i64,
    /// What it says: JSON.
    pub remark: String,
}

from_row!(RemarkRow { position, remark });

const FIGURES: Table = Table {
    name: "report_figures",
    columns: &[
        ("institution_id", Column::Uuid),
        ("report_id", Column::Uuid),
        ("n", Column::Int),
        ("position", Column::Int),
        ("name", Column::Text),
        ("value", Column::Text),
        ("unit", Column::Text),
        ("decimals", Column::Int),
        ("formula", Column::Text),
        ("path", Column::Text),
        ("inputs", Column::Text),
        ("parts", Column::Int),
        ("credit", Column::Text),
        ("debit", Column::Text),
        ("root", Column::Bytes),
    ],
};
const PARTS: Table = Table {
    name: "report_contributions",
    columns: &[
        ("institution_id", Column::Uuid),
        ("report_id", Column::Uuid),
        ("n", Column::Int),
        ("figure", Column::Int),
        ("position", Column::Int),
        ("seq", Column::Int),
        ("amount", Column::Int),
    ],
};
const REMARKS: Table = Table {
    name: "report_remarks",
    columns: &[
        ("institution_id", Column::Uuid),
        ("report_id", Column::Uuid),
        ("n", Column::Int),
        ("position", Column::Int),
        ("remark", Column::Text),
    ],
};

/// Positions that are asked for at a time.
const POSITIONS: usize = 500;
const COLUMNS: &str = "SELECT position, name, value, unit, decimals, formula, path, inputs, parts, credit, debit, root \
                       FROM report_figures";

/// Adds to a version that is being made.
pub async fn add(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
    figures: &[FigureRow],
    parts: &[PartRow],
    remarks: &[RemarkRow],
) -> Result<(), StoreError> {
    let (tenant, report, n) = (Value::Uuid(tenant.uuid()), Value::Uuid(at.report.uuid()), Value::Int(at.n));
    upsert(connection, &FIGURES, "", figures, |row| {
        [
            tenant,
            report,
            n,
            Value::Int(row.position),
            Value::Text(&row.name),
            Value::Text(&row.value),
            Value::Text(&row.unit),
            Value::Int(row.decimals),
            Value::Text(&row.formula),
            Value::Text(&row.path),
            Value::Text(&row.inputs),
            Value::Int(row.parts),
            Value::Text(&row.credit),
            Value::Text(&row.debit),
            Value::Bytes(&row.root),
        ]
    })
    .await?;
    upsert(connection, &PARTS, "", parts, |row| {
        [
            tenant,
            report,
            n,
            Value::Int(row.figure),
            Value::Int(row.position),
            Value::Int(row.seq),
            Value::Int(row.amount),
        ]
    })
    .await?;
    upsert(connection, &REMARKS, "", remarks, |row| {
        [tenant, report, n, Value::Int(row.position), Value::Text(&row.remark)]
    })
    .await
}

/// Removes all that was told of a version that is not made.
pub(super) async fn forget(connection: &mut Connection, tenant: Tenant, at: At) -> Result<(), StoreError> {
    for table in [FIGURES.name, PARTS.name, REMARKS.name] {
        let sql = format!("DELETE FROM {table} WHERE institution_id = $1 AND report_id = $2 AND n = $3");
        execute!(
            connection,
            sqlx::query(sqlx::AssertSqlSafe(sql.clone()))
                .bind(tenant.uuid())
                .bind(at.report.uuid())
                .bind(at.n)
        )?;
    }
    Ok(())
}

fn of(sql: &mut Select, tenant: Tenant, at: At) {
    sql.push(" WHERE institution_id = ").bind(tenant.uuid());
    sql.push(" AND report_id = ").bind(at.report.uuid()).push(" AND n = ").bind(at.n);
}

/// A version's figures in their order, after a position; those whose name begins so, where it is told.
pub async fn page(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
    after: i64,
    prefix: Option<&str>,
    limit: i64,
) -> Result<Vec<FigureRow>, StoreError> {
    let mut sql = Select::new(COLUMNS);
    of(&mut sql, tenant, at);
    sql.push(" AND position > ").bind(after);
    if let Some(prefix) = prefix {
        // By length, since a name may have the wildcards of LIKE in it.
        let letters = i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX);
        sql.push(" AND substr(name, 1, CAST(").bind(letters).push(" AS INTEGER)) = ").bind(prefix);
    }
    sql.push(" ORDER BY position LIMIT ").bind(limit);
    sql.fetch_all(connection).await
}

/// A version's figures that are made of others.
pub async fn derived(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
) -> Result<Vec<FigureRow>, StoreError> {
    let mut sql = Select::new(COLUMNS);
    of(&mut sql, tenant, at);
    sql.push(" AND inputs <> '[]' ORDER BY position");
    sql.fetch_all(connection).await
}

/// The figures at these positions, in their order.
pub async fn among(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
    positions: &[i64],
) -> Result<Vec<FigureRow>, StoreError> {
    let mut found = Vec::with_capacity(positions.len());
    for some in positions.chunks(POSITIONS) {
        let mut sql = Select::new(COLUMNS);
        of(&mut sql, tenant, at);
        sql.and_in("position", some.iter().copied());
        sql.push(" ORDER BY position");
        found.extend(sql.fetch_all(connection).await?);
    }
    Ok(found)
}

/// What a figure is made of, and no more of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its place among the version's figures.
    pub position: i64,
    /// The figures that it is made of: JSON.
    pub inputs: String,
    /// How many contributions it has.
    pub parts: i64,
}

from_row!(Made { position, inputs, parts });

/// What the figures at these positions are made of.
pub async fn made(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
    positions: &[i64],
) -> Result<Vec<Made>, StoreError> {
    let mut found = Vec::with_capacity(positions.len());
    for some in positions.chunks(POSITIONS) {
        let mut sql = Select::new("SELECT position, inputs, parts FROM report_figures");
        of(&mut sql, tenant, at);
        sql.and_in("position", some.iter().copied());
        found.extend(sql.fetch_all(connection).await?);
    }
    Ok(found)
}

/// The figure at a position.
pub async fn get(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
    position: i64,
) -> Result<Option<FigureRow>, StoreError> {
    let rows = page(connection, tenant, at, position - 1, None, 1).await?;
    Ok(rows.into_iter().find(|row| row.position == position))
}

/// The figure of a name.
pub async fn named(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
    name: &str,
) -> Result<Option<FigureRow>, StoreError> {
    let mut sql = Select::new(COLUMNS);
    of(&mut sql, tenant, at);
    sql.push(" AND name = ").bind(name);
    Ok(sql.fetch_all(connection).await?.into_iter().next())
}

/// A figure's contributions in their order, after a position.
pub async fn parts(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
    figure: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<PartRow>, StoreError> {
    let mut sql = Select::new("SELECT figure, position, seq, amount FROM report_contributions");
    of(&mut sql, tenant, at);
    sql.push(" AND figure = ").bind(figure).push(" AND position > ").bind(after);
    sql.push(" ORDER BY position LIMIT ").bind(limit);
    sql.fetch_all(connection).await
}

/// A version's contributions, figure by figure, after a place.
pub async fn all_parts(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
    (figure, position): (i64, i64),
    limit: i64,
) -> Result<Vec<PartRow>, StoreError> {
    let mut sql = Select::new("SELECT figure, position, seq, amount FROM report_contributions");
    of(&mut sql, tenant, at);
    sql.push(" AND (figure, position) > (").bind(figure).push(", ").bind(position);
    sql.push(") ORDER BY figure, position LIMIT ").bind(limit);
    sql.fetch_all(connection).await
}

/// An entry that contributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contributor {
    /// Its seq.
    pub seq: i64,
}

from_row!(Contributor { seq });

/// The entries that contribute to a version, each once and in order, after one.
pub async fn contributors(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
    after: i64,
    limit: i64,
) -> Result<Vec<Contributor>, StoreError> {
    let mut sql = Select::new("SELECT DISTINCT seq FROM report_contributions");
    of(&mut sql, tenant, at);
    sql.push(" AND seq > ").bind(after).push(" ORDER BY seq LIMIT ").bind(limit);
    sql.fetch_all(connection).await
}

/// A version's remarks in their order, after a position.
pub async fn remarks(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
    after: i64,
    limit: i64,
) -> Result<Vec<RemarkRow>, StoreError> {
    let mut sql = Select::new("SELECT position, remark FROM report_remarks");
    of(&mut sql, tenant, at);
    sql.push(" AND position > ").bind(after).push(" ORDER BY position LIMIT ").bind(limit);
    sql.fetch_all(connection).await
}

/// Where a record contributed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The report.
    pub report_id: Uuid,
    /// The version's number.
    pub n: i64,
    /// The figure's position.
    pub figure: i64,
    /// The version of the record: its entry.
    pub seq: i64,
    /// What it added, in the smallest unit.
    pub amount: i64,
}

from_row!(Use { report_id, n, figure, seq, amount });

/// Where entries contributed to versions that are made, in the order of reports.
pub async fn uses(
    connection: &mut Connection,
    tenant: Tenant,
    seqs: &[i64],
    limit: i64,
) -> Result<Vec<Use>, StoreError> {
    let mut sql = Select::new(
        "SELECT c.report_id, c.n, c.figure, c.seq, c.amount FROM report_contributions c \
         JOIN report_versions v ON v.institution_id = c.institution_id AND v.report_id = c.report_id AND v.n = c.n \
         WHERE v.state IN ('ready', 'refused') AND c.institution_id = ",
    );
    sql.bind(tenant.uuid()).push(" AND c.seq IN (");
    for (at, seq) in seqs.iter().enumerate() {
        if at > 0 {
            sql.push(", ");
        }
        sql.bind(*seq);
    }
    sql.push(") ORDER BY c.report_id, c.n, c.figure, c.position LIMIT ").bind(limit);
    if seqs.is_empty() { Ok(Vec::new()) } else { sql.fetch_all(connection).await }
}

/// A version by its report and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    report_id: Uuid,
    n: i64,
}

from_row!(Place { report_id, n });

/// Versions that are ready, of reports of these types and periods, and made of what was before an entry. Those that
/// withdraw another are not among them.
pub async fn made_before(
    connection: &mut Connection,
    tenant: Tenant,
    (types, periods): (&[&str], &[String]),
    seq: i64,
) -> Result<Vec<At>, StoreError> {
    let mut sql = Select::new(
        "SELECT v.report_id, v.n FROM reports r JOIN report_versions v \
         ON v.institution_id = r.institution_id AND v.report_id = r.id \
         WHERE v.state = 'ready' AND v.kind <> 'cancellation' AND r.institution_id = ",
    );
    sql.bind(tenant.uuid());
    sql.and_in("r.type", types.iter().copied());
    sql.and_in("r.period", periods.iter().map(String::as_str));
    sql.push(" AND v.as_of < ").bind(seq).push(" ORDER BY v.report_id, v.n");
    if types.is_empty() || periods.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Place> = sql.fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| At::of(row.report_id, row.n)).collect())
}
