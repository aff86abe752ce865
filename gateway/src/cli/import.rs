//! `veritrail import`: records from files, through the same recorder as everything else.

use std::{
    fs::File,
    io::{BufReader, IsTerminal as _},
    path::{Path, PathBuf},
    time::Instant,
};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use veritrail_audit::Hash;

use super::Failure;
use crate::{
    config::Config,
    domain::{self, Findings, InstitutionId, IntakeId, NewAccount, Tenant, Text},
    intake::{self, Break, Format, Item, Mapping, Pulled, Record, Statement},
    ledger::{By, RecordError, Recorder, command::Delivery},
    receiving::{self, Receiver},
    service::{self, Ledger},
    store::{
        accounts, institutions,
        intakes::{Counts, New, Progress},
    },
    telemetry,
    world::id_parts,
};

/// Records in one delivery to the recorder.
const CHUNK: usize = 2_000;

#[derive(Debug, Args)]
pub(super) struct Import {
    /// Whose records these are
    #[arg(long, value_name = "ID")]
    institution: InstitutionId,
    /// berka, camt, csv, mt940 or ndjson; told from how the file begins unless it is said
    #[arg(long)]
    format: Option<Format>,
    /// What a CSV file's columns mean (TOML)
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// What to do when lines are refused
    #[arg(long, value_enum, default_value = "abort")]
    on_error: OnError,
    /// Read the files and tell what is found in them, without storing anything
    #[arg(long)]
    dry_run: bool,
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
        let result = self.import_all(&ledger, mapping.as_ref(), config).await;
        ledger.close().await;
        result
    }

    async fn import_all(
        &self,
        ledger: &Ledger,
        mapping: Option<&Mapping>,
        config: &Config,
    ) -> Result<(), Failure> {
        if institutions::get(&mut ledger.db.directory().await?, self.institution).await?.is_none() {
            return Err(format!("there is no institution {}", self.institution).into());
        }
        let receiver = service::receiver(config, &ledger.db, &ledger.recorder, &ledger.world);
        let tenant = Tenant::vouched(self.institution);
        let mut faults = false;
        for path in &self.files {
            let format = self.format.map_or_else(|| detect(path, mapping), Ok)?;
            let source = Source { path, format, mapping };
            if self.dry_run {
                let summary = look(&source)?;
                println!(
                    "{}: {format}, nothing stored: {} records, {summary}",
                    path.display(),
                    summary.records
                );
                faults |= !summary.findings.is_empty();
                continue;
            }
            let skip = self.on_error == OnError::Skip;
            let seen = if skip { None } else { Some(faultless(&source)?) };
            let recorded = self.record(ledger, &receiver, &source).await?;
            let stored = file(ledger, tenant, &source, skip, Some(&recorded.sha256)).await;
            let (counts, progress) = stored.as_ref().map_or_else(|_| Default::default(), Summary::counts);
            receiver.conclude(tenant, recorded.id, (counts, progress), stored.is_ok()).await?;
            let mut summary = stored?;
            summary.breaks = seen.map_or(summary.breaks, |seen| seen.breaks);
            println!("{}: {summary}", path.display());
        }
        if faults { Err("faults were found".into()) } else { Ok(()) }
    }

    /// Puts the file itself on the ledger, ahead of its records.
    async fn record(
        &self,
        ledger: &Ledger,
        receiver: &Receiver,
        source: &Source<'_>,
    ) -> Result<Recorded, Failure> {
        let sha256 = receiving::sha256(source.path).await?;
        let (ms, random) = id_parts(&*ledger.world);
        let id = IntakeId::from_parts(ms, random);
        let name = source.path.file_name().map(|name| name.to_string_lossy().into_owned());
        let mapping = self.mapping.as_ref().filter(|_| source.format == Format::Csv);
        let new = New {
            id,
            actor: By::service().actor,
            format: source.format.as_str(),
            file_name: name,
            mapping: mapping.map(std::fs::read_to_string).transpose()?,
            dry_run: false,
            skips: self.on_error == OnError::Skip,
            bytes: std::fs::metadata(source.path)?.len().cast_signed(),
        };
        receiver.record(Tenant::vouched(self.institution), By::service(), new, sha256).await?;
        let sha256 = Text::new(Hash(sha256).to_string())?;
        Ok(Recorded { id, sha256 })
    }
}

/// A file that is on the ledger.
struct Recorded {
    id: IntakeId,
    sha256: Text<64>,
}

/// What a file is, by how it begins; a mapping means a table.
fn detect(path: &Path, mapping: Option<&Mapping>) -> Result<Format, Failure> {
    use std::io::Read as _;
    if mapping.is_some() {
        return Ok(Format::Csv);
    }
    let mut beginning = Vec::new();
    let file = File::open(path).map_err(|e| format!("{}: {e}", path.display()))?;
    file.take(4096).read_to_end(&mut beginning)?;
    Format::detect(&beginning).ok_or_else(|| {
        format!("{}: its format can't be told from how it begins; say --format", path.display()).into()
    })
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
    /// Transactions without a fault.
    records: u64,
    /// Statements.
    statements: u64,
    /// Balances that do not add up: the first of them, and how many.
    breaks: Breaks,
}

/// Balances that do not add up.
#[derive(Debug, Default)]
struct Breaks {
    kept: Vec<Break>,
    total: u64,
}

impl Summary {
    /// Counts a statement and what does not add up in it.
    fn statement(&mut self, statement: &Statement) {
        self.statements += 1;
        if let Some(found) = statement.check() {
            self.breaks.total += 1;
            if self.breaks.kept.len() < Findings::KEPT {
                self.breaks.kept.push(found);
            }
        }
    }

    fn counts(&self) -> (Counts, Progress) {
        let [statements, records, faults, breaks, added, unchanged] = [
            self.statements,
            self.records,
            self.findings.total(),
            self.breaks.total,
            self.added,
            self.unchanged,
        ]
        .map(u64::cast_signed);
        let counts = Counts { statements, records, faults, breaks };
        (counts, Progress { delivered: records, added, unchanged })
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} added, {} unchanged, {} faults", self.added, self.unchanged, self.findings.total())?;
        if self.added == 0 && self.unchanged > 0 {
            f.write_str("; nothing changed")?;
        }
        if self.statements > 0 {
            write!(f, "; {} statements, {} breaks", self.statements, self.breaks.total)?;
        }
        self.findings.kept().iter().try_for_each(|finding| write!(f, "\n  {finding}"))?;
        self.breaks.kept.iter().try_for_each(|found| write!(f, "\n  {found}"))
    }
}

/// Reads a file and stores nothing.
fn look(source: &Source<'_>) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    let mut records = open(source, None)?;
    while let Some(pulled) = records.pull() {
        match pulled {
            Pulled::Record(_) => summary.records += 1,
            Pulled::Finding(finding) => summary.findings.push(finding),
            Pulled::Statement(statement) => summary.statement(&statement),
        }
    }
    Ok(summary)
}

/// Reads a file, which must not have a fault.
fn faultless(source: &Source<'_>) -> Result<Summary, Failure> {
    let summary = look(source)?;
    if summary.findings.is_empty() {
        return Ok(summary);
    }
    let faults = format!("{}: nothing was stored, because of {summary}", source.path.display());
    Err(format!("{faults}\nMend the lines, or leave them out with --on-error skip.").into())
}

/// Stores a file's records in chunks; with its hash, each gets its place in the file as its source.
pub(super) async fn file(
    ledger: &Ledger,
    tenant: Tenant,
    source: &Source<'_>,
    skip: bool,
    sha256: Option<&Text<64>>,
) -> Result<Summary, Failure> {
    let recorder = &ledger.recorder;
    let mut summary = Summary::default();
    let bar = progress(std::fs::metadata(source.path)?.len());
    let began = Instant::now();
    let mut chunk: Vec<(u64, Item)> = Vec::with_capacity(CHUNK);
    let mut records = open(source, Some(&bar))?;
    // Elsewhere an account is what a statement says beside its records.
    let accounts = source.format == Format::Berka;
    while let Some(pulled) = records.pull() {
        match pulled {
            Pulled::Record(Record { line, item: Item::Account(account), .. }) => {
                if source.format != Format::Camt || !is_known(ledger, tenant, &account).await? {
                    chunk.push((line, Item::Account(account)));
                }
            }
            Pulled::Record(Record { line, offset, item: Item::Transaction(mut new) }) => {
                summary.records += 1;
                new.source = sha256.map(|sha256| domain::Source::new(sha256, line, offset));
                chunk.push((line, Item::Transaction(new)));
            }
            Pulled::Finding(finding) if finding.ends_reading() => return Err(finding.to_string().into()),
            Pulled::Finding(finding) => summary.findings.push(finding),
            Pulled::Statement(statement) => summary.statement(&statement),
        }
        if chunk.len() == CHUNK {
            store(recorder, tenant, std::mem::take(&mut chunk), (skip, accounts), &mut summary).await?;
        }
    }
    if !chunk.is_empty() {
        store(recorder, tenant, chunk, (skip, accounts), &mut summary).await?;
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

/// Whether an account is there, however it was opened: what a statement says of it changes nothing then.
async fn is_known(ledger: &Ledger, tenant: Tenant, account: &NewAccount) -> Result<bool, Failure> {
    let mut reader = ledger.db.read(tenant).await?;
    Ok(!accounts::by_reference(&mut reader, &[(tenant, account.reference.as_str())]).await?.is_empty())
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
    (skip, accounts): (bool, bool),
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
    for record in delivered.records.iter().filter(|record| accounts || record.kind == "transaction") {
        *(if record.added { &mut summary.added } else { &mut summary.unchanged }) += 1;
    }
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
