//! A small log, made the same way every time, and its bundles; and a zip packer of its own, so that a bundle
//! can be taken apart, altered as a skilled forger would, and put together again with every checksum right.

use std::io::Cursor;

use sha2::{Digest, Sha256};
use veritrail_audit::{
    BundleProof, BundleWriter, Checkpoint, CosignerKey, Entry, Fault, Frontier, Hash, Kind, Report, Salt,
    SignerKey, Span, Subject, VerifierKey, VerifyError, VerifyOptions, commit, genesis_prev, leaf_hash,
    range_spans, verify,
};

pub(crate) const ORIGIN: &str = "ledger.example/institutions/north";

/// A log in memory.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) origin: String,
    pub(crate) seed: u8,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) payloads: Vec<(Salt, Vec<u8>)>,
}

fn salt(origin: &str, seq: u64) -> Salt {
    Sha256::digest(format!("salt {origin} {seq}").as_bytes()).into()
}

impl Log {
    pub(crate) fn new(origin: &str, seed: u8, size: u64) -> Self {
        let mut log = Self { origin: origin.to_owned(), seed, entries: Vec::new(), payloads: Vec::new() };
        while log.size() < size {
            log.push();
        }
        log
    }

    pub(crate) fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(crate) fn key(&self) -> SignerKey {
        SignerKey::new(&self.origin, &[self.seed; 32]).unwrap()
    }

    /// Appends the entry and payload that any log made this way has next.
    pub(crate) fn push(&mut self) {
        let seq = self.size();
        let payload = match seq {
            0 => format!(r#"{{"origin":"{}","vkey":"{}"}}"#, self.origin, self.key().vkey()),
            _ => format!(r#"{{"amount":"{seq}.00","currency":"EUR","id":"txn_{seq:04}"}}"#),
        };
        self.push_payload(payload.into_bytes());
    }

    pub(crate) fn push_payload(&mut self, payload: Vec<u8>) {
        let seq = self.size();
        let kind = if seq == 0 { Kind::Key } else { Kind::ALL[(seq % 3) as usize] };
        let id = format!("txn_{seq:04}");
        self.push_about(
            kind,
            (kind == Kind::Record).then_some(Subject { kind: "transaction", id: &id }),
            payload,
        );
    }

    /// Appends an entry about something.
    pub(crate) fn push_about(&mut self, kind: Kind, subject: Option<Subject<'_>>, payload: Vec<u8>) {
        let seq = self.size();
        let (salt, request) = (salt(&self.origin, seq), format!("req-{seq:04}"));
        let entry = Entry {
            log: &self.origin,
            seq,
            at_us: 1_767_225_600_000_000 + (seq as i64) * 1_250_001,
            kind,
            actor: "feeder-1",
            request: (!seq.is_multiple_of(4)).then_some(&request),
            subject,
            commitment: commit(&salt, &payload),
            prev: self.entries.last().map_or_else(|| genesis_prev(&self.origin), |entry| leaf_hash(entry)),
        };
        self.entries.push(entry.encode().unwrap());
        self.payloads.push((salt, payload));
    }

    pub(crate) fn root(&self, span: Span) -> Hash {
        let mut frontier = Frontier::new();
        self.entries[span.start as usize..span.end as usize]
            .iter()
            .for_each(|entry| frontier.push(leaf_hash(entry)));
        frontier.root()
    }

    pub(crate) fn checkpoint(&self, size: u64) -> Checkpoint {
        Checkpoint { origin: self.origin.clone(), size, root: self.root(Span { start: 0, end: size }) }
    }

    pub(crate) fn note(&self, size: u64) -> String {
        self.key().sign(&self.checkpoint(size))
    }

    /// A bundle of `from..to` under a checkpoint of the whole log; payloads only where `may_see`.
    pub(crate) fn bundle(
        &self,
        from: u64,
        to: u64,
        earlier: &[u64],
        may_see: impl Fn(u64) -> bool,
    ) -> Vec<u8> {
        let mut writer = BundleWriter::new(Cursor::new(Vec::new()), &self.origin, from, to).unwrap();
        for seq in from..to {
            writer.entry(&self.entries[seq as usize]).unwrap();
        }
        for seq in (from..to).filter(|&seq| may_see(seq)) {
            let (salt, payload) = &self.payloads[seq as usize];
            writer.payload(seq, salt, payload).unwrap();
        }
        writer.finish(&self.proof(from, to, earlier)).unwrap().into_inner()
    }

    pub(crate) fn proof(&self, from: u64, to: u64, earlier: &[u64]) -> BundleProof {
        let (left, right) = range_spans(from, to, self.size());
        let roots = |spans: Vec<Span>| spans.into_iter().map(|span| self.root(span)).collect();
        BundleProof {
            left: roots(left),
            right: roots(right),
            checkpoint: self.note(self.size()),
            earlier: earlier.iter().map(|&size| self.note(size)).collect(),
            vkeys: vec![self.key().vkey()],
        }
    }

    pub(crate) fn options(&self) -> VerifyOptions {
        VerifyOptions {
            keys: vec![VerifierKey::parse(&self.key().vkey()).unwrap()],
            threads: 1,
            ..Default::default()
        }
    }
}

pub(crate) fn witness() -> CosignerKey {
    CosignerKey::new("witness.example/w1", &[0x77; 32]).unwrap()
}

/// The bundle that is tampered with: entries 5 to 36 of 40, two earlier checkpoints, some payloads withheld.
pub(crate) fn sample_log() -> Log {
    Log::new(ORIGIN, 1, 40)
}

pub(crate) fn sample() -> Vec<u8> {
    sample_log().bundle(5, 37, &[12, 29], |seq| seq % 7 != 0)
}

/// A whole log's bundle, from the first entry to the last.
pub(crate) fn whole() -> Vec<u8> {
    Log::new(ORIGIN, 1, 12).bundle(0, 12, &[4, 8], |seq| seq != 5)
}

pub(crate) fn check(bundle: &[u8], options: &VerifyOptions) -> Result<Report, Fault> {
    match verify(&mut Cursor::new(bundle), options, &mut |_, _| ()) {
        Ok(report) => Ok(report),
        Err(VerifyError::Refused(fault)) => Err(fault),
        Err(VerifyError::Read(error)) => panic!("{error}"),
    }
}
