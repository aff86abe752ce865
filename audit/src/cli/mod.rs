//! The command line: what it takes, and what each command does.

mod print;
mod report;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use veritrail_audit::{
    Entry, Fault, KeyError, Ledger, NoteError, Progress, Report, TlogProof, TlogProofError, VerifierKey,
    VerifyError, VerifyOptions, is_report_bundle, verify, verify_report,
};

/// Checks a Veritrail evidence bundle, or a report's, without trusting whoever made it.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Exit status: 0 good, 1 refused, 2 wrong usage or unreadable file.\n\n\
    The key must come from somewhere other than the bundle: the supervisor, the contract, the provider's \
    published list.")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// The bundle
    #[arg(required = true)]
    bundle: Option<PathBuf>,
    #[command(flatten)]
    args: VerifyArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Check a bundle and show one of its entries, with its payload and hashes
    Show {
        /// The bundle
        bundle: PathBuf,
        #[command(flatten)]
        args: VerifyArgs,
        /// The entry's number in its log
        #[arg(long)]
        seq: u64,
    },
    /// Check a bundle and write the proof of one of its entries (c2sp.org/tlog-proof@v1)
    Prove {
        /// The bundle
        bundle: PathBuf,
        #[command(flatten)]
        args: VerifyArgs,
        /// The entry's number in its log
        #[arg(long)]
        seq: u64,
        /// Where to write the proof; standard output if left out
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Check the proof of a single entry
    Check {
        /// The proof, a .tlog-proof file
        proof: PathBuf,
        /// The entry's bytes, if they are not in the proof
        #[arg(long, value_name = "FILE")]
        entry: Option<PathBuf>,
        #[command(flatten)]
        keys: KeyArgs,
    },
}

#[derive(Args)]
struct KeyArgs {
    /// A public key of the log (name+id+base64), or @FILE with one key a line; may be repeated
    #[arg(long, value_name = "VKEY|@FILE")]
    vkey: Vec<String>,
    /// A public key of a witness, or @FILE; may be repeated
    #[arg(long, value_name = "VKEY|@FILE")]
    witness: Vec<String>,
    /// Print the verdict as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct VerifyArgs {
    #[command(flatten)]
    keys: KeyArgs,
    /// A checkpoint of the log that you kept from before: the bundle must not contradict it
    #[arg(long, value_name = "FILE")]
    seen: Vec<PathBuf>,
    /// Threads to use; 0 is one a core
    #[arg(long, default_value_t = 0, value_name = "N")]
    threads: usize,
}

/// What the exit status says.
pub(crate) enum Verdict {
    Good,
    Refused,
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error("cannot read {path}: {error}")]
    Read { path: String, error: io::Error },
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
    #[error("the key {text}: {error}")]
    Key { text: String, error: KeyError },
    #[error("give a bundle to check")]
    NoBundle,
    #[error("a proof is checked against a key: give --vkey")]
    NoKey,
    #[error("the proof does not hold the entry: give it with --entry")]
    NoEntry,
    #[error("entry {seq} is not in this bundle, which holds {} to {}", range.start, range.end - 1)]
    NotInRange { seq: u64, range: std::ops::Range<u64> },
    #[error("this is a report's bundle, whose entries.ndjson shows each entry with its proof")]
    ReportBundle,
}

/// Parses the command line and does what it says.
pub(crate) fn run() -> Result<Verdict, CliError> {
    let cli = Cli::parse();
    match (cli.command, cli.bundle) {
        (Some(Command::Show { bundle, args, seq }), _) => {
            with_entry(&bundle, &args, seq, |ledger, report| {
                let Some(found) = ledger.find(seq)? else { return Ok(false) };
                let text =
                    if args.keys.json { print::entry_json(&found) } else { print::entry(report, &found) };
                io::stdout().write_all(text.as_bytes())?;
                Ok(true)
            })
        }
        (Some(Command::Prove { bundle, args, seq, output }), _) => {
            with_entry(&bundle, &args, seq, |ledger, _| {
                let Some(proof) = ledger.prove(seq)? else { return Ok(false) };
                match &output {
                    Some(path) => std::fs::write(path, proof.to_text())?,
                    None => io::stdout().write_all(proof.to_text().as_bytes())?,
                }
                Ok(true)
            })
        }
        (Some(Command::Check { proof, entry, keys }), _) => check(&proof, entry.as_deref(), &keys),
        (None, Some(bundle)) => {
            let (mut file, options) = (open(&bundle)?, options(&cli.args)?);
            if is_report_bundle(&mut file).map_err(|error| unread(&bundle, error))? {
                let verdict = judge(&bundle, |progress| verify_report(&mut file, &options, progress))?;
                report::verdict(&verdict, cli.args.keys.json)?;
                return Ok(if verdict.is_ok() { Verdict::Good } else { Verdict::Refused });
            }
            let verdict = verify_file(&bundle, &mut file, &options)?;
            print::verdict(&verdict, cli.args.keys.json)?;
            Ok(if verdict.is_ok() { Verdict::Good } else { Verdict::Refused })
        }
        // Clap asks for a bundle or a command, and so never comes here.
        (None, None) => Err(CliError::NoBundle),
    }
}

fn read_text(path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path).map_err(|error| unread(path, error))
}

fn read_keys(texts: &[String]) -> Result<Vec<VerifierKey>, CliError> {
    let mut keys = Vec::new();
    for text in texts {
        let lines = match text.strip_prefix('@') {
            Some(path) => read_text(Path::new(path))?,
            None => text.clone(),
        };
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let key = VerifierKey::parse(line);
            keys.push(key.map_err(|error| CliError::Key { text: line.to_owned(), error })?);
        }
    }
    Ok(keys)
}

fn options(args: &VerifyArgs) -> Result<VerifyOptions, CliError> {
    Ok(VerifyOptions {
        keys: read_keys(&args.keys.vkey)?,
        witnesses: read_keys(&args.keys.witness)?,
        seen: args.seen.iter().map(|path| read_text(path)).collect::<Result<_, _>>()?,
        threads: args.threads,
    })
}

fn open(bundle: &Path) -> Result<File, CliError> {
    File::open(bundle).map_err(|error| unread(bundle, error))
}

fn unread(path: &Path, error: io::Error) -> CliError {
    CliError::Read { path: path.display().to_string(), error }
}

/// Verifies an evidence bundle.
fn verify_file(
    bundle: &Path,
    file: &mut File,
    options: &VerifyOptions,
) -> Result<Result<Report, Fault>, CliError> {
    judge(bundle, |progress| verify(file, options, progress))
}

/// Runs a verifier: the outer error is about the file, the inner one about what is in it.
fn judge<T>(
    bundle: &Path,
    verify: impl FnOnce(Progress<'_>) -> Result<T, VerifyError>,
) -> Result<Result<T, Fault>, CliError> {
    // Drawn on standard error, and only if that is a terminal.
    let bar = ProgressBar::new(0);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40} {percent:>3} %  {binary_bytes_per_sec}  {eta} left")
    {
        bar.set_style(style);
    }
    let verdict = verify(&mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    match verdict {
        Ok(report) => Ok(Ok(report)),
        Err(VerifyError::Refused(fault)) => Ok(Err(fault)),
        Err(VerifyError::Read(error)) => Err(unread(bundle, error)),
    }
}

/// Verifies the bundle, then does something with one of its entries: nothing unverified is ever shown. The
/// file stays open in between, so that no other can take its place.
fn with_entry(
    bundle: &Path,
    args: &VerifyArgs,
    seq: u64,
    mut action: impl FnMut(&mut Ledger<File>, &Report) -> io::Result<bool>,
) -> Result<Verdict, CliError> {
    let options = options(args)?;
    let mut file = open(bundle)?;
    if is_report_bundle(&mut file).map_err(|error| unread(bundle, error))? {
        return Err(CliError::ReportBundle);
    }
    let report = match verify_file(bundle, &mut file, &options)? {
        Ok(report) => report,
        refused => {
            print::verdict(&refused, args.keys.json)?;
            return Ok(Verdict::Refused);
        }
    };
    let mut ledger = Ledger::open(file, &options).map_err(|error| unread(bundle, io::Error::other(error)))?;
    if action(&mut ledger, &report)? {
        Ok(Verdict::Good)
    } else {
        Err(CliError::NotInRange { seq, range: ledger.range() })
    }
}

/// Checks a proof file of one entry.
fn check(path: &Path, entry: Option<&Path>, args: &KeyArgs) -> Result<Verdict, CliError> {
    let (keys, witnesses) = (read_keys(&args.vkey)?, read_keys(&args.witness)?);
    if keys.is_empty() {
        return Err(CliError::NoKey);
    }
    let text = read_text(path)?;
    let given = match entry {
        Some(path) => Some(read_text(path)?.trim_end_matches('\n').as_bytes().to_vec()),
        None => None,
    };
    let result = TlogProof::parse(&text).and_then(|proof| {
        let Some(entry) = given.or(proof.extra.clone()) else { return Ok(None) };
        let (checkpoint, _) = proof.verify(&entry, &keys)?;
        let seen = match proof.verify(&entry, &witnesses) {
            Ok((_, signed)) => signed.iter().map(|signed| witnesses[signed.key].name().to_owned()).collect(),
            Err(TlogProofError::Checkpoint(NoteError::UnknownSigners)) => Vec::new(),
            Err(error) => return Err(error),
        };
        check_place(&entry, &proof, &checkpoint.origin)?;
        Ok(Some(print::Checked { entry, checkpoint, witnesses: seen }))
    });
    match result {
        Ok(None) => Err(CliError::NoEntry),
        Ok(Some(checked)) => {
            print::checked(&Ok(checked), args.json)?;
            Ok(Verdict::Good)
        }
        Err(error) => {
            print::checked(&Err(error), args.json)?;
            Ok(Verdict::Refused)
        }
    }
}

/// The entry must say itself that it stands where the proof puts it.
fn check_place(entry: &[u8], proof: &TlogProof, origin: &str) -> Result<(), TlogProofError> {
    match Entry::parse(entry) {
        Ok(entry) if entry.seq == proof.index && entry.log == origin => Ok(()),
        Ok(_) => Err(TlogProofError::Format("the entry names another log or seq than the proof")),
        Err(_) => Err(TlogProofError::Format("the entry is not canonical")),
    }
}
