//! A version's evidence bundle: its document, its figures with all that they rest on, and what became of it, under
//! a checkpoint that covers all of it (`FORMAT.md` of the audit crate, section 12).
//!
//! Written to a file without a name, out of the store by pages, so that memory does not grow with the version. What
//! is in it was recorded before; only the checkpoint, and what became of the version, may be newer from one time to
//! the next.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufWriter, Seek as _},
};

use veritrail_audit::{Hash, ReportBundleWriter, ReportHead, inclusion_spans};

use super::{
    archive::{Archive, Document},
    press::PressError,
    wording,
};
use crate::{
    domain::Tenant,
    keys::CheckpointSigner,
    ledger::{Signer, tree},
    reports::types,
    store::{
        Db, Reader, entries, payloads,
        reports::{self, At, Report, Version, adjustments, evidence, figures},
    },
};

/// Rows that are read at a time.
const ROWS: i64 = 2_000;
/// Entries that are read and proven at a time.
const ENTRIES: i64 = 500;

/// Where what goes into a bundle comes from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The database.
    pub db: &'a Db,
    /// Gives the checkpoint.
    pub signer: &'a Signer,
    /// The checkpoint key, whose public half is in the bundle.
    pub key: &'a dyn CheckpointSigner,
    /// Has the document, and what validators printed.
    pub archive: &'a Archive,
}

type Writer = ReportBundleWriter<BufWriter<File>>;

/// What became of a version, and what it rests on besides records: few entries each.
struct Evidence {
    seqs: BTreeSet<i64>,
    outputs: BTreeSet<Vec<u8>>,
}

/// The bundle of a version: a file without a name, at its beginning. None where there is no such version, or it has
/// no document.
///
/// # Errors
/// When something can't be read, signed or written, or what is stored makes no bundle.
pub async fn write(from: Sources<'_>, tenant: Tenant, at: At) -> Result<Option<Document>, PressError> {
    let mut reader = from.db.read(tenant).await?;
    let report = reports::get(&mut reader, tenant, at.report).await?;
    let version = reports::version(&mut reader, tenant, at).await?;
    let (Some(report), Some(version)) = (report, version) else { return Ok(None) };
    let (Some(made), Some(sha256)) = (version.made_seq, version.sha256.clone()) else { return Ok(None) };
    let evidence = evidence(&mut reader, tenant, at, &version).await?;
    drop(reader);
    // Contributions are not after what the version takes into account, and that is before it was made.
    let newest = evidence.seqs.last().copied().unwrap_or(made).max(made);
    let (size, checkpoint) = from.signer.cover(tenant, newest.unsigned_abs() + 1).await?;
    let origin = checkpoint.lines().next().unwrap_or_default().to_owned();
    let vkeys = [from.key.vkey(&origin)];
    let head = head(&report, &version, (at, made), origin);
    let out = BufWriter::new(tempfile::tempfile()?);
    let mut writer = ReportBundleWriter::new(out, head, &checkpoint, &vkeys)?;

    let Document { file, .. } = from.archive.get(tenant, &sha256).await?;
    writer = blocking(writer, move |writer| Ok(writer.document(&mut &file)?)).await?;
    let mut reader = from.db.read(tenant).await?;
    figures(&mut writer, &mut reader, tenant, at).await?;
    contributions(&mut writer, &mut reader, tenant, at).await?;
    needed(&mut writer, &mut reader, tenant, (at, size), evidence.seqs).await?;
    drop(reader);
    for sha256 in evidence.outputs {
        let Document { file, .. } = from.archive.get(tenant, &sha256).await?;
        let sha256 = Hash(sha256.as_slice().try_into().map_err(PressError::damaged)?);
        writer = blocking(writer, move |writer| Ok(writer.output(sha256, &mut &file)?)).await?;
    }
    let document = tokio::task::spawn_blocking(move || {
        let mut file = writer.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        let length = file.seek(io::SeekFrom::End(0))?;
        file.rewind()?;
        Ok::<_, PressError>(Document { file, length })
    });
    Ok(Some(document.await.map_err(io::Error::other)??))
}

/// Writes what is read from a file, where waiting for it blocks nothing else.
async fn blocking(
    mut writer: Writer,
    write: impl FnOnce(&mut Writer) -> Result<(), PressError> + Send + 'static,
) -> Result<Writer, PressError> {
    let written = tokio::task::spawn_blocking(move || write(&mut writer).map(|()| writer));
    written.await.map_err(io::Error::other)?
}

fn head(report: &Report, version: &Version, (at, made): (At, i64), origin: String) -> ReportHead {
    let extension = types::of_name(&report.kind).map_or("bin", |definition| definition.extension);
    ReportHead {
        document: format!("{}-{}-v{}.{extension}", report.kind, report.period, at.n),
        entry: made.unsigned_abs(),
        figures: version.figures.unsigned_abs(),
        media_type: version.media_type.clone().unwrap_or_default(),
        n: at.n.unsigned_abs(),
        origin,
        period: report.period.clone(),
        report: at.report.to_string(),
        report_type: report.kind.clone(),
    }
}

async fn evidence(
    reader: &mut Reader,
    tenant: Tenant,
    at: At,
    version: &Version,
) -> Result<Evidence, PressError> {
    let mut seqs: BTreeSet<i64> = [version.seq].into_iter().chain(version.made_seq).collect();
    let mut outputs = BTreeSet::new();
    let mut after = -1;
    loop {
        let rows = evidence::validations(reader, tenant, at, after, ROWS).await?;
        let Some(last) = rows.last() else { break };
        after = last.seq;
        seqs.extend(rows.iter().map(|row| row.seq));
        outputs.extend(rows.into_iter().map(|row| row.output_sha256));
    }
    after = -1;
    loop {
        let rows = evidence::deliveries(reader, tenant, at, after, ROWS).await?;
        let Some(last) = rows.last() else { break };
        after = last.seq;
        seqs.extend(rows.iter().map(|row| row.seq));
    }
    // A document made elsewhere has no figures, and so nothing was added to them.
    if version.figures_sha256.is_some() {
        for row in adjustments::approved(reader, tenant, at.report, version.as_of).await? {
            seqs.extend([Some(row.seq), row.decided_seq].into_iter().flatten());
        }
    }
    Ok(Evidence { seqs, outputs })
}

async fn figures(writer: &mut Writer, reader: &mut Reader, tenant: Tenant, at: At) -> Result<(), PressError> {
    let mut after = -1;
    loop {
        let rows = figures::page(reader, tenant, at, after, None, ROWS).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.position;
        for row in &rows {
            writer.figure(&wording::line(row).map_err(PressError::damaged)?)?;
        }
    }
}

async fn contributions(
    writer: &mut Writer,
    reader: &mut Reader,
    tenant: Tenant,
    at: At,
) -> Result<(), PressError> {
    let mut after = (-1, -1);
    loop {
        let rows = figures::all_parts(reader, tenant, at, after, ROWS).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = (last.figure, last.position);
        for row in &rows {
            let (figure, position) = (row.figure.unsigned_abs(), row.position.unsigned_abs());
            writer.contribution(figure, position, row.seq.unsigned_abs(), row.amount)?;
        }
    }
}

/// The entries that contribute and the others that are needed, in the order of the log.
async fn needed(
    writer: &mut Writer,
    reader: &mut Reader,
    tenant: Tenant,
    (at, size): (At, u64),
    mut others: BTreeSet<i64>,
) -> Result<(), PressError> {
    let mut after = -1;
    loop {
        let rows = figures::contributors(reader, tenant, at, after, ENTRIES).await?;
        let Some(last) = rows.last() else { break };
        after = last.seq;
        let later = others.split_off(&(after + 1));
        let mut seqs = std::mem::replace(&mut others, later);
        seqs.extend(rows.iter().map(|row| row.seq));
        proven(writer, reader, tenant, size, seqs).await?;
    }
    proven(writer, reader, tenant, size, others).await
}

/// Writes entries with their audit paths and payloads.
async fn proven(
    writer: &mut Writer,
    reader: &mut Reader,
    tenant: Tenant,
    size: u64,
    seqs: BTreeSet<i64>,
) -> Result<(), PressError> {
    let seqs: Vec<i64> = seqs.into_iter().collect();
    for seqs in seqs.chunks(ENTRIES.unsigned_abs() as usize) {
        let query = entries::EntryQuery {
            from: 0,
            until: i64::MAX,
            kind: None,
            seqs: Some(seqs.to_vec()),
            limit: ENTRIES,
        };
        let rows = entries::list(reader, tenant, &query).await?;
        let payloads = payloads::salted(reader, tenant, seqs).await?;
        let spans: Vec<Vec<_>> = seqs.iter().map(|seq| inclusion_spans(seq.unsigned_abs(), size)).collect();
        let mut roots = tree::span_roots(reader, tenant, size, &spans.concat()).await?.into_iter();
        if rows.len() != seqs.len() || payloads.len() != seqs.len() {
            return Err(PressError::damaged("an entry that a report rests on, or its payload, is missing"));
        }
        for ((row, payload), spans) in rows.iter().zip(&payloads).zip(&spans) {
            let path: Vec<Hash> = roots.by_ref().take(spans.len()).collect();
            let salt = payload.salt.as_slice().try_into().map_err(PressError::damaged)?;
            writer.entry(&row.bytes, &path, &salt, &payload.payload)?;
        }
    }
    Ok(())
}
