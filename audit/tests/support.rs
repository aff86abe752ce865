//! A small log, made the same way every time, and its bundles; and a zip packer of its own, so that a bundle
//! can be taken apart, altered as a skilled forger would, and put together again with every checksum right.

use std::collections::BTreeMap;
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
        let (salt, id, request) = (salt(&self.origin, seq), format!("txn_{seq:04}"), format!("req-{seq:04}"));
        let entry = Entry {
            log: &self.origin,
            seq,
            at_us: 1_767_225_600_000_000 + (seq as i64) * 1_250_001,
            kind,
            actor: "feeder-1",
            request: (!seq.is_multiple_of(4)).then_some(&request),
            subject: (kind == Kind::Record).then_some(Subject { kind: "transaction", id: &id }),
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

/// A bundle's members by name, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parts(pub(crate) Vec<(String, Vec<u8>)>);

impl Parts {
    /// Walks the local headers, by the offsets that FORMAT.md gives.
    pub(crate) fn unpack(zip: &[u8]) -> Self {
        let mut parts = Vec::new();
        let mut at = 0;
        while zip[at..].starts_with(b"PK\x03\x04") {
            let name = u16::from_le_bytes(zip[at + 26..at + 28].try_into().unwrap()) as usize;
            let size = u64::from_le_bytes(zip[at + 34 + name..at + 42 + name].try_into().unwrap()) as usize;
            let data = at + 50 + name;
            parts.push((
                String::from_utf8(zip[at + 30..at + 30 + name].to_vec()).unwrap(),
                zip[data..data + size].to_vec(),
            ));
            at = data + size;
        }
        Self(parts)
    }

    pub(crate) fn get(&mut self, name: &str) -> &mut Vec<u8> {
        &mut self.0.iter_mut().find(|(found, _)| found == name).unwrap().1
    }

    pub(crate) fn text(&mut self, name: &str) -> String {
        String::from_utf8(self.get(name).clone()).unwrap()
    }

    pub(crate) fn lines(&mut self, name: &str) -> Vec<String> {
        self.text(name).lines().map(str::to_owned).collect()
    }

    pub(crate) fn set_lines(&mut self, name: &str, lines: &[String]) {
        *self.get(name) = lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect();
    }

    /// Makes the manifest true again, with another range, size or origin if wanted.
    pub(crate) fn fix_manifest(&mut self, change: impl Fn(&mut BTreeMap<&str, serde_json::Value>)) {
        let manifest: serde_json::Value = serde_json::from_slice(self.get("manifest.json")).unwrap();
        let mut fields: BTreeMap<&str, serde_json::Value> = ["from", "origin", "size", "to", "v"]
            .into_iter()
            .map(|key| (key, manifest[key].clone()))
            .collect();
        let files = self.0.iter().filter(|(name, _)| name != "manifest.json").map(|(name, bytes)| {
            let large = name == "entries.ndjson" || name == "payloads.ndjson";
            let sha256 = (!large).then(|| Hash(Sha256::digest(bytes).into()).to_hex());
            let lines = bytes.iter().filter(|&&byte| byte == b'\n').count().to_string();
            // serde_json's map is sorted by key.
            serde_json::json!({ "lines": lines, "name": name, "sha256": sha256, "size": bytes.len().to_string() })
        });
        fields.insert("files", files.collect());
        change(&mut fields);
        *self.get("manifest.json") = format!("{}\n", serde_json::to_string(&fields).unwrap()).into_bytes();
    }

    pub(crate) fn pack(&self) -> Vec<u8> {
        let (mut zip, mut directory) = (Vec::new(), Vec::new());
        let le = |out: &mut Vec<u8>, width: usize, value: u64| {
            out.extend_from_slice(&value.to_le_bytes()[..width]);
        };
        let put =
            |out: &mut Vec<u8>, fields: &[(usize, u64)]| fields.iter().for_each(|&(w, v)| le(out, w, v));
        for (name, data) in &self.0 {
            let (crc, size, offset) = (u64::from(crc32fast::hash(data)), data.len() as u64, zip.len() as u64);
            let common =
                [(2, 45), (2, 0), (2, 0), (2, 0), (2, 33), (4, crc), (4, 0xffff_ffff), (4, 0xffff_ffff)];
            put(&mut zip, &[(4, 0x0403_4b50)]);
            put(&mut zip, &common);
            put(&mut zip, &[(2, name.len() as u64), (2, 20)]);
            zip.extend_from_slice(name.as_bytes());
            put(&mut zip, &[(2, 1), (2, 16), (8, size), (8, size)]);
            zip.extend_from_slice(data);
            put(&mut directory, &[(4, 0x0201_4b50), (2, 0x032d)]);
            put(&mut directory, &common);
            put(
                &mut directory,
                &[
                    (2, name.len() as u64),
                    (2, 28),
                    (2, 0),
                    (2, 0),
                    (2, 0),
                    (4, 0x81a4_0000),
                    (4, 0xffff_ffff),
                ],
            );
            directory.extend_from_slice(name.as_bytes());
            put(&mut directory, &[(2, 1), (2, 24), (8, size), (8, size), (8, offset)]);
        }
        let (start, length, count) = (zip.len() as u64, directory.len() as u64, self.0.len() as u64);
        zip.extend_from_slice(&directory);
        put(
            &mut zip,
            &[(4, 0x0606_4b50), (8, 44), (2, 0x032d), (2, 45), (4, 0), (4, 0), (8, count), (8, count)],
        );
        put(&mut zip, &[(8, length), (8, start), (4, 0x0706_4b50), (4, 0), (8, start + length), (4, 1)]);
        put(
            &mut zip,
            &[
                (4, 0x0605_4b50),
                (2, 0),
                (2, 0),
                (2, 0xffff),
                (2, 0xffff),
                (4, 0xffff_ffff),
                (4, 0xffff_ffff),
                (2, 0),
            ],
        );
        zip
    }
}
