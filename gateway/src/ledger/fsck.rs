//! The walk that checks a whole log in the database: chain, tree, tiles, head, checkpoints,
//! payloads, and the rows that records are found by.

use std::collections::HashMap;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use veritrail_audit::{
    Checkpoint, Edge, Entry, FullTile, Kind, VerifierKey, commit, genesis_prev, leaf_hash, verify_note,
};

use super::{grants::GrantRows, incidents::IncidentRows, memory::Recollection};
use crate::{
    domain::{
        Account, ScheduleId, Tenant, Transaction,
        intake::{Intake, IntakeOutcome},
        report::{ReportSchedule, ReportScheduleEnd},
    },
    keys::CheckpointSigner,
    store::{
        Connection, StoreError, accounts, checkpoints, entries, intakes, lineage, logs, payloads,
        reports::{self, schedules},
        tiles, transactions,
    },
};

/// The payload of a lineage event.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineageEvent {
    event: String,
}

/// What payloads about a version of a report say of its hashes.
#[derive(Deserialize)]
struct ReportVersion {
    r#type: String,
    sha256: Option<String>,
    figures_sha256: Option<String>,
}

/// Entries that are read at a time.
const ROWS: i64 = 2_000;

/// What a clean log has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The log's name.
    pub origin: String,
    /// Entries checked.
    pub entries: u64,
    /// Payloads checked against their commitments.
    pub payloads: u64,
    /// Full tiles checked.
    pub tiles: u64,
    /// Checkpoints whose signature and root were checked.
    pub checkpoints: u64,
    /// Accounts and transactions whose rows say what their payloads say.
    pub records: u64,
}

/// Why a log is not clean.
#[derive(Debug, thiserror::Error)]
pub enum FsckError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The first fault.
    #[error("{origin}: {place}: {what}")]
    Fault {
        /// The log's name.
        origin: String,
        /// Where: an entry, a tile, a checkpoint, the head.
        place: String,
        /// What is wrong there.
        what: String,
    },
}

/// A walk under way.
struct Walk {
    tenant: Tenant,
    head: logs::Head,
    edge: Edge,
    prev: veritrail_audit::Hash,
    at_us: i64,
    key: VerifierKey,
    checkpoints: std::vec::IntoIter<(i64, String)>,
    next_checkpoint: Option<(i64, String)>,
    last_checkpoint: i64,
    report: Report,
    remembered: Option<Recollection>,
}

/// Checks one log; `progress` hears how many entries are done.
///
/// # Errors
/// The first fault, by its place.
pub async fn check(
    connection: &mut Connection,
    tenant: Tenant,
    key: &dyn CheckpointSigner,
    remembered: Option<Recollection>,
    mut progress: impl FnMut(u64),
) -> Result<Report, FsckError> {
    let head = logs::head(connection, tenant).await?.ok_or(StoreError::RowNotFound)?;
    let origin = head.origin.clone();
    let vkey = VerifierKey::parse(&key.vkey(&origin));
    let mut walk = Walk {
        tenant,
        edge: Edge::new(),
        prev: genesis_prev(&origin),
        at_us: i64::MIN,
        key: vkey.map_err(|e| fault(&origin, "the ledger key", e))?,
        checkpoints: Vec::new().into_iter(),
        next_checkpoint: None,
        last_checkpoint: 0,
        report: Report { origin, ..Report::default() },
        remembered,
        head,
    };
    walk.load_checkpoint(connection).await?;
    let mut next = 0;
    while next < walk.head.size {
        let until = (next + ROWS).min(walk.head.size);
        walk.range(connection, next, until).await?;
        next = until;
        progress(next.unsigned_abs());
    }
    walk.end(connection).await
}

fn fault(origin: &str, place: impl ToString, what: impl ToString) -> FsckError {
    FsckError::Fault { origin: origin.to_owned(), place: place.to_string(), what: what.to_string() }
}

impl Walk {
    fn fault(&self, place: impl ToString, what: impl ToString) -> FsckError {
        fault(&self.report.origin, place, what)
    }

    async fn range(&mut self, connection: &mut Connection, from: i64, until: i64) -> Result<(), FsckError> {
        let rows = entries::stored(connection, self.tenant, from, until).await?;
        let found = payloads::range(connection, self.tenant, from, until, ROWS).await?;
        let mut found: HashMap<i64, payloads::PayloadRow> =
            found.into_iter().map(|row| (row.seq, row)).collect();
        let mut record_rows = RecordRows::load(connection, self.tenant, from, until).await?;
        for (expected, row) in (from..until).zip(rows.iter().map(Some).chain(std::iter::repeat(None))) {
            let place = format!("entry {expected}");
            let row =
                row.filter(|row| row.seq == expected).ok_or_else(|| self.fault(&place, "it is missing"))?;
            self.entry(connection, row).await?;
            let entry = Entry::parse(&row.bytes).map_err(|e| self.fault(&place, e))?;
            let payload =
                found.remove(&expected).ok_or_else(|| self.fault(&place, "its payload is missing"))?;
            let salt =
                payload.salt.as_slice().try_into().map_err(|_| self.fault(&place, "its salt is short"))?;
            if commit(&salt, &payload.payload) != entry.commitment {
                return Err(self.fault(&place, "its payload is not what it committed to"));
            }
            self.report.payloads += 1;
            if entry.kind == Kind::Record {
                record_rows.take(expected, &payload.payload).map_err(|what| self.fault(&place, what))?;
                self.report.records += 1;
            }
            let granted = record_rows.grants.take(expected, &entry, &payload.payload);
            granted.map_err(|what| self.fault(&place, what))?;
            let told = record_rows.incidents.take(expected, &entry, &payload.payload);
            told.map_err(|what| self.fault(&place, what))?;
        }
        record_rows.none_left().map_err(|(seq, what)| self.fault(format!("entry {seq}"), what))
    }

    async fn entry(&mut self, connection: &mut Connection, row: &entries::Stored) -> Result<(), FsckError> {
        let place = format!("entry {}", row.seq);
        let entry = Entry::parse(&row.bytes).map_err(|e| self.fault(&place, e))?;
        let wrong = if entry.log != self.report.origin {
            Some("it belongs to another log")
        } else if entry.seq != row.seq.unsigned_abs() {
            Some("its seq is another")
        } else if entry.prev != self.prev {
            Some("its prev is not the leaf hash of the entry before")
        } else if entry.kind.as_str() != row.kind || entry.at_us != row.at_us {
            Some("its row says another kind or time")
        } else if entry.at_us < self.at_us {
            Some("its time is before that of the entry ahead of it")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            return Err(self.fault(&place, wrong));
        }
        self.at_us = entry.at_us;
        self.prev = leaf_hash(&row.bytes);
        for tile in self.edge.push(self.prev) {
            self.tile(connection, &tile).await?;
        }
        self.report.entries += 1;
        while self.next_checkpoint.as_ref().is_some_and(|(size, _)| size.unsigned_abs() == self.edge.size()) {
            self.checkpoint()?;
            self.load_checkpoint(connection).await?;
        }
        Ok(())
    }

    async fn tile(&mut self, connection: &mut Connection, tile: &FullTile) -> Result<(), FsckError> {
        let index = i64::try_from(tile.index).unwrap_or(i64::MAX);
        let stored = tiles::hashes(connection, self.tenant, i64::from(tile.level), index).await?;
        let place = format!("tile {}/{}", tile.level, tile.index);
        match stored {
            None => Err(self.fault(place, "it is missing")),
            Some(stored) if stored != tile.bytes => Err(self.fault(place, "its hashes are not the entries'")),
            Some(_) => {
                let roots =
                    tiles::roots(connection, self.tenant, i64::from(tile.level), index, index + 1).await?;
                if roots.first().is_none_or(|root| root.as_slice() != tile.root.0) {
                    return Err(self.fault(place, "its root is not its hashes'"));
                }
                self.report.tiles += 1;
                Ok(())
            }
        }
    }

    fn checkpoint(&mut self) -> Result<(), FsckError> {
        let Some((size, note)) = self.next_checkpoint.take() else { return Ok(()) };
        let place = format!("checkpoint {size}");
        match verify_note(&note, std::slice::from_ref(&self.key)) {
            Ok(signed) if !signed.is_empty() => {}
            Ok(_) => return Err(self.fault(place, "it is not signed by the ledger key")),
            Err(error) => return Err(self.fault(place, error)),
        }
        let checkpoint = Checkpoint::parse_note(&note).map_err(|e| self.fault(&place, e))?;
        if checkpoint.origin != self.report.origin || checkpoint.size != size.unsigned_abs() {
            return Err(self.fault(place, "it is of another log or size"));
        }
        if checkpoint.root != self.edge.root() {
            return Err(self.fault(place, "its root is not the entries'"));
        }
        self.last_checkpoint = size;
        self.report.checkpoints += 1;
        Ok(())
    }

    async fn load_checkpoint(&mut self, connection: &mut Connection) -> Result<(), FsckError> {
        if let Some(next) = self.checkpoints.next() {
            self.next_checkpoint = Some(next);
        } else {
            let page = checkpoints::page(connection, self.tenant, self.last_checkpoint, ROWS).await?;
            self.checkpoints = page.into_iter();
            self.next_checkpoint = self.checkpoints.next();
        }
        Ok(())
    }

    async fn end(self, connection: &mut Connection) -> Result<Report, FsckError> {
        if let Some((size, _)) = &self.next_checkpoint {
            return Err(self.fault(format!("checkpoint {size}"), "it covers more entries than there are"));
        }
        let beyond = entries::range(connection, self.tenant, self.head.size, i64::MAX, 1).await?;
        if let Some(row) = beyond.first() {
            return Err(self.fault(format!("entry {}", row.seq), "it is beyond the head"));
        }
        let beyond = payloads::range(connection, self.tenant, self.head.size, i64::MAX, 1).await?;
        if let Some(row) = beyond.first() {
            return Err(self.fault(format!("payload {}", row.seq), "it is beyond the head"));
        }
        RecordRows::load(connection, self.tenant, self.head.size, i64::MAX)
            .await?
            .none_left()
            .map_err(|(seq, what)| self.fault(format!("entry {seq}"), what))?;
        if self.edge.root().0.as_slice() != self.head.root
            || self.prev.0.as_slice() != self.head.prev
            || self.at_us != self.head.at_us
        {
            return Err(self.fault("the head", "its hashes or its time are not the entries'"));
        }
        if self.remembered == Some(Recollection::None) && self.report.checkpoints > 0 {
            return Err(self.fault("the signer's memory", "it knows nothing of this log, which was signed"));
        }
        if let Some(Recollection::Signed(signed)) = self.remembered {
            if signed.size > self.edge.size() {
                let what = format!("{} entries were signed, there are {}", signed.size, self.edge.size());
                return Err(self.fault("the signer's memory", what));
            }
            let root = super::tree::root_at(connection, self.tenant, signed.size).await;
            if !root.is_ok_and(|root| root == signed.root) {
                return Err(self.fault("the signer's memory", "what was signed is not what is stored"));
            }
        }
        Ok(self.report)
    }
}

/// The rows that a range's records are found by.
struct RecordRows {
    transactions: HashMap<i64, transactions::Stored>,
    accounts: HashMap<i64, accounts::Stored>,
    intakes: HashMap<i64, intakes::Stored>,
    /// Digests of lineage events.
    lineage: HashMap<i64, Vec<u8>>,
    /// Hashes of versions of reports that are made: of the document and of the list of figures.
    reports: HashMap<i64, reports::Stored>,
    /// Grants to regulators.
    grants: GrantRows,
    /// Incidents of the service.
    incidents: IncidentRows,
    /// What entries say that set up or end a schedule of reports.
    schedules: HashMap<i64, Vec<u8>>,
}

impl RecordRows {
    async fn load(
        connection: &mut Connection,
        tenant: Tenant,
        from: i64,
        until: i64,
    ) -> Result<Self, StoreError> {
        let transactions = transactions::stored(connection, tenant, from, until).await?;
        let accounts = accounts::stored(connection, tenant, from, until).await?;
        let intakes = intakes::stored(connection, tenant, from, until).await?;
        let lineage = lineage::stored(connection, tenant, from, until).await?;
        let reports = reports::stored(connection, tenant, from, until).await?;
        let mut said = HashMap::new();
        for row in schedules::stored(connection, tenant, from, until).await? {
            let id = ScheduleId::from_uuid(row.id);
            said.extend(row.ended_seq.map(|seq| (seq, ReportScheduleEnd { id }.payload())));
            let parameters = serde_json::from_str(&row.parameters);
            let payload = ReportSchedule {
                after_days: row.after_days.to_string(),
                every: row.rhythm,
                from: row.first_period,
                hour: row.hour.to_string(),
                id,
                parameters: parameters.map_err(|error| StoreError::Decode(Box::new(error)))?,
                report_type: row.kind,
            };
            said.insert(row.seq, payload.payload());
        }
        said.retain(|seq, _| (from..until).contains(seq));
        Ok(Self {
            transactions: transactions.into_iter().map(|row| (row.seq, row)).collect(),
            accounts: accounts.into_iter().map(|row| (row.seq, row)).collect(),
            intakes: intakes.into_iter().map(|row| (row.seq, row)).collect(),
            lineage: lineage.into_iter().collect(),
            reports: reports.into_iter().map(|row| (row.made_seq, row)).collect(),
            grants: GrantRows::load(connection, tenant, from, until).await?,
            incidents: IncidentRows::load(connection, tenant, from, until).await?,
            schedules: said,
        })
    }

    /// Holds the row of a record against its payload.
    fn take(&mut self, seq: i64, payload: &[u8]) -> Result<(), &'static str> {
        if let Ok(record) = serde_json::from_slice::<Transaction>(payload) {
            let row = self.transactions.remove(&seq).ok_or("its transaction's row is missing")?;
            let same = row.id == record.id.uuid()
                && row.account_id == record.account_id.uuid()
                && row.reference == record.reference.as_str()
                && row.booking_date.to_jiff() == record.booking_date
                && row.amount_minor == record.amount.minor()
                && row.currency == record.amount.currency().code()
                && row.direction == record.direction.as_str()
                && row.status == record.status.as_str()
                && is_version(&row, &record)
                && transactions::Search {
                    value_date: row.value_date.map(jiff_sqlx::Date::to_jiff),
                    end_to_end_id: row.end_to_end_id,
                    counterparty_account: row.counterparty_account,
                    // Rows older than these columns got them from the database, whose lower case is not
                    // quite ours.
                    counterparty_name: row.counterparty_name.map(|name| name.to_lowercase()),
                    remittance_information: row.remittance_information.map(|text| text.to_lowercase()),
                } == transactions::Search::of(&record);
            return if same { Ok(()) } else { Err("its transaction's row says something else") };
        }
        if let Ok(record) = serde_json::from_slice::<Account>(payload) {
            let row = self.accounts.remove(&seq).ok_or("its account's row is missing")?;
            let same = row.id == record.id.uuid()
                && row.reference == record.reference.as_str()
                && row.currency == record.currency.code();
            return if same { Ok(()) } else { Err("its account's row says something else") };
        }
        if let Ok(record) = serde_json::from_slice::<Intake>(payload) {
            let row = self.intakes.remove(&seq).ok_or("its intake's row is missing")?;
            let hash = <[u8; 32]>::try_from(row.sha256.as_slice()).map(veritrail_audit::Hash);
            let same = row.id == record.id.uuid()
                && row.bytes.to_string() == record.bytes
                && hash.is_ok_and(|hash| hash.to_string() == record.sha256.as_str());
            return if same { Ok(()) } else { Err("its intake's row says something else") };
        }
        if serde_json::from_slice::<IntakeOutcome>(payload).is_ok() {
            return Ok(());
        }
        if let Ok(LineageEvent { event }) = serde_json::from_slice(payload) {
            let digest = self.lineage.remove(&seq).ok_or("its lineage event's row is missing")?;
            let same = digest == Sha256::digest(event).as_slice();
            return if same { Ok(()) } else { Err("its lineage event's row says something else") };
        }
        match serde_json::from_slice(payload) {
            Ok(ReportVersion { r#type, sha256, figures_sha256 }) if r#type == "report_version" => {
                let row = self.reports.remove(&seq).ok_or("its report version's row is missing")?;
                let hex = |bytes: Option<Vec<u8>>| {
                    bytes.map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
                };
                let same = hex(row.sha256) == sha256 && hex(row.figures_sha256) == figures_sha256;
                return if same { Ok(()) } else { Err("its report version's row says something else") };
            }
            Ok(ReportVersion { r#type, .. })
                if r#type == "report_schedule" || r#type == "report_schedule_end" =>
            {
                let said = self.schedules.remove(&seq).ok_or("its report schedule's row is missing")?;
                return if said == payload {
                    Ok(())
                } else {
                    Err("its report schedule's row says something else")
                };
            }
            Ok(ReportVersion { r#type, .. }) if r#type.starts_with("report_") => return Ok(()),
            _ => {}
        }
        Err("its payload is no record that is known here")
    }

    /// A row without a record of its own is a fault too.
    fn none_left(&self) -> Result<(), (i64, &'static str)> {
        let records = self.transactions.keys().chain(self.accounts.keys()).chain(self.intakes.keys());
        let left = records
            .chain(self.lineage.keys())
            .chain(self.reports.keys())
            .chain(self.grants.left())
            .chain(self.incidents.left())
            .chain(self.schedules.keys())
            .min();
        left.map_or(Ok(()), |seq| Err((*seq, "a row names it, but it records nothing of the kind")))
    }
}

/// Whether a row is the version that its record says.
fn is_version(row: &transactions::Stored, record: &Transaction) -> bool {
    let (version, supersedes) = match &record.revision {
        None => (Some(1), None),
        Some(revision) => (revision.version.parse().ok(), Some(revision.supersedes.as_str())),
    };
    version == Some(row.version)
        && supersedes == row.supersedes.map(|seq| seq.to_string()).as_deref()
        && (row.reversed != 0) == record.is_reversal()
}
