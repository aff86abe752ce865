//! `veritrail import`: records from files, through the same recorder as everything else.

use std::{
    fs::File,
    io::{BufReader, IsTerminal as _},
    path::{Path, PathBuf},
    time::Instant,
};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::Failure;
use crate::{
    config::Config,
    domain::{Findings, InstitutionId, Tenant},
    intake::{self, Format, Item, Mapping},
    ledger::{By, RecordError, Recorder, command::Delivery},
    service::Ledger,
    store::institutions,
    telemetry,
};

/// Records in one delivery to the recorder.
const CHUNK: usize = 2_000;

#[derive(Debug, Args)]
pub(super) struct Import {
    /// Whose records these are
    #[arg(long, value_name = "ID")]
    institution: InstitutionId,
    /// berka, csv or ndjson
    #[arg(long)]
    format: Format,
    /// What a CSV file's columns mean (TOML)
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// What to do when lines are refused
    #[arg(long, value_enum, default_value = "abort")]
    on_error: OnError,
    /// The files, in order
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnError {
    /// Store nothing of a file with refused lines
    Abort,
    /// Store the good lines and list the others
    Skip,
}

impl Import {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        telemetry::start(&config.log);
        let mapping = match &self.mapping {
            Some(path) => Some(std::fs::read_to_string(path)?.parse::<Mapping>()?),
            None => None,
        };
        let ledger = Ledger::open(config).await?;
        let result = self.import_all(&ledger, mapping.as_ref()).await;
        ledger.close().await;
        result
    }

    async fn import_all(&self, ledger: &Ledger, mapping: Option<&Mapping>) -> Result<(), Failure> {
        if institutions::get(&mut ledger.db.directory().await?, self.institution).await?.is_none() {
            return Err(format!("there is no institution {}", self.institution).into());
        }
        let tenant = Tenant::vouched(self.institution);
        for path in &self.files {
            let source = Source { path, format: self.format, mapping };
            let summary = file(&ledger.recorder, tenant, &source, self.on_error == OnError::Skip).await?;
            println!("{}: {summary}", path.display());
        }
        Ok(())
    }
}

/// A file of records.
pub(super) struct Source<'a> {
    /// Where it is.
    pub(super) path: &'a Path,
    /// What it is.
    pub(super) format: Format,
    /// What its columns mean.
    pub(super) mapping: Option<&'a Mapping>,
}

/// What became of a file.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Records stored.
    pub(super) added: u64,
    /// Records that were there already.
    pub(super) unchanged: u64,
    /// Faults, of lines that were left out.
    pub(super) findings: Findings,
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} added, {} unchanged, {} faults", self.added, self.unchanged, self.findings.total())?;
        if self.added == 0 && self.unchanged > 0 {
            f.write_str("; nothing changed")?;
        }
        self.findings.kept().iter().try_for_each(|finding| write!(f, "\n  {finding}"))
    }
}

/// Imports one file: reads it once to see whether every line is good, then stores it in chunks.
pub(super) async fn file(
    recorder: &Recorder,
    tenant: Tenant,
    source: &Source<'_>,
    skip: bool,
) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    if !skip {
        for finding in open(source, None)?.filter_map(Result::err) {
            summary.findings.push(finding);
        }
        if !summary.findings.is_empty() {
            let faults = format!("{}: nothing was stored, because of {summary}", source.path.display());
            return Err(format!("{faults}\nMend the lines, or leave them out with --on-error skip.").into());
        }
    }
    let bar = progress(std::fs::metadata(source.path)?.len());
    let began = Instant::now();
    let mut chunk: Vec<(u64, Item)> = Vec::with_capacity(CHUNK);
    for record in open(source, Some(&bar))? {
        match record {
            Ok(record) => chunk.push((record.line, record.item)),
            Err(finding) if finding.ends_reading() => return Err(finding.to_string().into()),
            Err(finding) => summary.findings.push(finding),
        }
        if chunk.len() == CHUNK {
            store(recorder, tenant, std::mem::take(&mut chunk), skip, &mut summary).await?;
        }
    }
    if !chunk.is_empty() {
        store(recorder, tenant, chunk, skip, &mut summary).await?;
    }
    bar.finish_and_clear();
    tracing::info!(
        added = summary.added,
        unchanged = summary.unchanged,
        faults = summary.findings.total(),
        took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        "imported"
    );
    Ok(summary)
}

type Input = BufReader<Box<dyn std::io::Read>>;

fn open(source: &Source<'_>, bar: Option<&ProgressBar>) -> Result<intake::Records<Input>, Failure> {
    let file = File::open(source.path).map_err(|e| format!("{}: {e}", source.path.display()))?;
    let input: Box<dyn std::io::Read> = match bar {
        Some(bar) => Box::new(bar.wrap_read(file)),
        None => Box::new(file),
    };
    intake::open(source.format, source.mapping.cloned(), BufReader::new(input)).map_err(|findings| {
        let said: Vec<String> = findings.kept().iter().map(ToString::to_string).collect();
        format!("{}: {}", source.path.display(), said.join("; ")).into()
    })
}

async fn store(
    recorder: &Recorder,
    tenant: Tenant,
    items: Vec<(u64, Item)>,
    skip: bool,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let delivery = Delivery { by: By::service(), items, skip, idempotency: None };
    let delivered = match recorder.deliver(tenant, delivery).await {
        Err(RecordError::Refused(findings)) => {
            summary.findings.extend(findings);
            return Err(
                format!("stopped: {summary}\nWhat was added stays; running it again adds the rest.").into()
            );
        }
        delivered => delivered?,
    };
    let added = delivered.records.iter().filter(|record| record.added).count();
    summary.added += added as u64;
    summary.unchanged += (delivered.records.len() - added) as u64;
    summary.findings.extend(delivered.findings);
    Ok(())
}

fn progress(bytes: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
