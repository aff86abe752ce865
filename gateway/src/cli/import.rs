//! `veritrail import`: records from files, by the same way as files that come by REST.

use std::{
    fs::File,
    io::IsTerminal as _,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::{Failure, existing};
use crate::{
    config::Config,
    domain::{Findings, InstitutionId, IntakeId, Tenant},
    intake::{Format, Mapping},
    ledger::By,
    receiving::{IntakeFinding, Receiver},
    service::{self, Ledger},
    store::{
        Db, institutions, intake_findings,
        intakes::{self, Intake, New},
    },
    telemetry,
    world::id_parts,
};

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
    /// Read the files and tell what is found in them, without storing anything of them
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
            Some(path) => {
                let text = std::fs::read_to_string(path)?;
                text.parse::<Mapping>()?;
                Some(text)
            }
            None => None,
        };
        let ledger = existing(config).await?;
        let result = self.import_all(&ledger, mapping.as_deref(), config).await;
        ledger.close().await;
        result
    }

    async fn import_all(
        &self,
        ledger: &Ledger,
        mapping: Option<&str>,
        config: &Config,
    ) -> Result<(), Failure> {
        if institutions::get(&mut ledger.db.directory().await?, self.institution).await?.is_none() {
            return Err(format!("there is no institution {}", self.institution).into());
        }
        let receiver = service::receiver(config, &ledger.db, &ledger.recorder, &ledger.world);
        let mut faults = false;
        for path in &self.files {
            let summary = self.import(ledger, &receiver, path, mapping).await?;
            let is_refused = summary.intake.finished_at_us.is_none() || summary.intake.reason.is_some();
            if is_refused && !self.dry_run {
                let mend = match summary.intake.state.as_str() {
                    "refused" => "Mend the lines, or leave them out with --on-error skip.",
                    _ => "Running it again adds the rest.",
                };
                return Err(format!("{}: {summary}\n{mend}", path.display()).into());
            }
            println!("{}: {summary}", path.display());
            faults |= is_refused;
        }
        if faults { Err("faults were found".into()) } else { Ok(()) }
    }

    async fn import(
        &self,
        ledger: &Ledger,
        receiver: &Receiver,
        path: &Path,
        mapping: Option<&str>,
    ) -> Result<Summary, Failure> {
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let format = self.format.map_or_else(|| detect(path, mapping.is_some()), Ok)?;
        let (ms, random) = id_parts(&*ledger.world);
        let (tenant, id) = (Tenant::vouched(self.institution), IntakeId::from_parts(ms, random));
        let new = New {
            id,
            actor: By::service().actor,
            format: format.as_str(),
            file_name: path.file_name().map(|name| name.to_string_lossy().into_owned()),
            mapping: mapping.map(ToOwned::to_owned),
            dry_run: self.dry_run,
            skips: self.on_error == OnError::Skip,
            bytes: std::fs::metadata(path).map_err(|e| told(&e))?.len().cast_signed(),
        };
        let watching = tokio::spawn(watch(ledger.db.clone(), tenant, id));
        let intake = receiver.import(tenant, By::service(), new, path).await;
        watching.abort();
        let intake = intake.map_err(|e| told(&e))?;
        let mut reader = ledger.db.read(tenant).await?;
        let kept = intake_findings::page(&mut reader, tenant, id, 0, i64::try_from(Findings::KEPT)?).await?;
        let findings = kept.iter().map(|row| serde_json::from_str(&row.finding)).collect::<Result<_, _>>()?;
        Ok(Summary { intake, findings })
    }
}

/// What a file is, by how it begins; a mapping means a table.
fn detect(path: &Path, is_mapped: bool) -> Result<Format, Failure> {
    use std::io::Read as _;
    if is_mapped {
        return Ok(Format::Csv);
    }
    let mut beginning = Vec::new();
    let file = File::open(path).map_err(|e| format!("{}: {e}", path.display()))?;
    file.take(4096).read_to_end(&mut beginning)?;
    Format::detect(&beginning).ok_or_else(|| {
        format!("{}: its format can't be told from how it begins; say --format", path.display()).into()
    })
}

/// What became of a file.
struct Summary {
    intake: Intake,
    /// The first findings.
    findings: Vec<IntakeFinding>,
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Intake { format, records, added, unchanged, faults, statements, breaks, .. } = &self.intake;
        if self.intake.dry_run != 0 {
            write!(f, "{format}, nothing stored: {records} records, {faults} faults")?;
        } else {
            write!(f, "{added} added, {unchanged} unchanged, {faults} faults")?;
            if *added == 0 && *unchanged > 0 {
                f.write_str("; nothing changed")?;
            }
            if *format == *Format::Berka.as_str() && *records == 0 && *faults == 0 {
                f.write_str("; its accounts are there")?;
            }
        }
        if *statements > 0 {
            write!(f, "; {statements} statements, {breaks} breaks")?;
        }
        if let Some(reason) = &self.intake.reason {
            write!(f, "; {}: {reason}", self.intake.state)?;
        }
        self.findings.iter().try_for_each(|finding| write!(f, "\n  {finding}"))
    }
}

/// Shows how far a file's storing is, to a person who looks on.
async fn watch(db: Db, tenant: Tenant, id: IntakeId) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} records {msg} {eta}");
    let bar = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let Ok(mut reader) = db.read(tenant).await else { continue };
        if let Ok(Some(row)) = intakes::get(&mut reader, tenant, id).await {
            bar.set_length(row.records.unsigned_abs());
            bar.set_position(row.delivered.unsigned_abs());
            bar.set_message(row.state);
        }
    }
}
