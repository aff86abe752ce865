//! Entries: the encoder and the scanner against an independent canonicaliser, and against each other.

use proptest::prelude::*;
use veritrail_audit::{
    Entry, EntryError, Hash, Kind, MAX_ENTRY_BYTES, MAX_LOG_SIZE, Subject, genesis_prev, is_origin,
};

fn text(max: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec((0x21u8..0x7f).prop_filter("plain", |b| *b != b'"' && *b != b'\\'), 1..=max)
        .prop_map(|bytes| bytes.into_iter().map(char::from).collect())
}

#[derive(Debug, Clone)]
struct Owned {
    log: String,
    seq: u64,
    at_us: i64,
    kind: Kind,
    actor: String,
    request: Option<String>,
    subject: Option<(String, String)>,
    commitment: [u8; 32],
    prev: [u8; 32],
}

impl Owned {
    fn entry(&self) -> Entry<'_> {
        Entry {
            log: &self.log,
            seq: self.seq,
            at_us: self.at_us,
            kind: self.kind,
            actor: &self.actor,
            request: self.request.as_deref(),
            subject: self.subject.as_ref().map(|(kind, id)| Subject { kind, id }),
            commitment: Hash(self.commitment),
            prev: Hash(self.prev),
        }
    }
}

fn owned() -> impl Strategy<Value = Owned> {
    let kind = (0..Kind::ALL.len()).prop_map(|i| Kind::ALL[i]);
    let names = (text(255).prop_map(|log| log.replace('+', "-")), text(128), proptest::option::of(text(128)));
    let subject = proptest::option::of((text(128), text(128)));
    (
        names,
        0..MAX_LOG_SIZE,
        0i64..=253_402_300_799_999_999,
        kind,
        subject,
        any::<[u8; 32]>(),
        any::<[u8; 32]>(),
    )
        .prop_map(|((log, actor, request), seq, at_us, kind, subject, commitment, prev)| Owned {
            log,
            seq,
            at_us,
            kind,
            actor,
            request,
            subject,
            commitment,
            prev,
        })
}

fn example() -> Owned {
    Owned {
        log: "ledger.example/institutions/north".to_owned(),
        seq: 7,
        at_us: 1_767_225_600_000_001,
        kind: Kind::Record,
        actor: "feeder-1".to_owned(),
        request: Some("req-1".to_owned()),
        subject: Some(("transaction".to_owned(), "txn_1".to_owned())),
        commitment: [0xab; 32],
        prev: [0x01; 32],
    }
}

proptest! {
    #[test]
    fn entries_round_trip_and_are_canonical(owned in owned()) {
        let bytes = owned.entry().encode().unwrap();
        prop_assert!(bytes.len() <= MAX_ENTRY_BYTES);
        prop_assert_eq!(Entry::parse(&bytes), Ok(owned.entry()));
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(serde_json_canonicalizer::to_vec(&value).unwrap(), bytes);
    }

    /// Whatever the scanner takes is canonical JSON, and the encoder writes it again just so.
    #[test]
    fn what_parses_is_canonical(owned in owned(), at in any::<prop::sample::Index>(), byte: u8, cut in 0usize..3) {
        let mut bytes = owned.entry().encode().unwrap();
        let at = at.index(bytes.len());
        match cut {
            0 => bytes[at] = byte,
            1 => drop(bytes.remove(at)),
            _ => bytes.insert(at, byte),
        }
        if let Ok(entry) = Entry::parse(&bytes) {
            prop_assert_eq!(entry.encode().unwrap(), bytes.clone());
            let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            prop_assert_eq!(serde_json_canonicalizer::to_vec(&value).unwrap(), bytes);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        prop_assert!(Entry::parse(&bytes).is_err());
    }
}

#[test]
fn other_spellings_are_refused_where_they_differ() {
    let bytes = example().entry().encode().unwrap();
    let spelled = String::from_utf8(bytes).unwrap();
    for (from, to, at) in [
        ("{\"actor\"", "{ \"actor\"", "{"),
        ("\"seq\":\"7\"", "\"seq\":\"07\"", "\"seq\":\""),
        ("\"seq\":\"7\"", "\"seq\":7", "\"seq\":"),
        ("\"kind\":\"record\",\"log\"", "\"kind\":\"write\",\"log\"", "\"kind\":\""),
        ("abab", "ABab", "\"commitment\":\""),
        ("feeder-1", "feeder\\u002d1", "{\"actor\":\"feeder"),
        ("feeder-1", "feeder 1", "{\"actor\":\"feeder"),
        ("feeder-1", "", "{\"actor\":\""),
        ("\"request\":\"req-1\"", "\"request\":false", "\"request\":"),
        ("000001Z", "000001+00:00", "\"at\":\""),
        ("2026-01-01T", "2026-02-30T", "\"at\":\""),
        ("entry@1", "entry@2", "veritrail/entry@"),
        ("north", "no+rth", "institutions/no"),
        ("@1\"}", "@1\"} ", "@1\"}"),
        ("@1\"}", "@1\",\"x\":1}", "@1\""),
    ] {
        let other = spelled.replacen(from, to, 1);
        assert_ne!(other, spelled);
        let expected = spelled.find(at).unwrap() + at.len();
        match Entry::parse(other.as_bytes()) {
            Err(EntryError::NotCanonical { offset, .. }) => assert_eq!(offset, expected, "{from} → {to}"),
            other => panic!("{from} → {to}: {other:?}"),
        }
    }
    for length in 0..spelled.len() {
        assert!(Entry::parse(&spelled.as_bytes()[..length]).is_err());
    }
}

#[test]
fn fields_out_of_their_limits_are_not_encoded() {
    let long = "x".repeat(129);
    let origin = "x".repeat(256);
    let owned = example();
    let good = owned.entry();
    for (field, entry) in [
        ("actor", Entry { actor: "", ..good }),
        ("actor", Entry { actor: "a b", ..good }),
        ("actor", Entry { actor: &long, ..good }),
        ("actor", Entry { actor: "ä", ..good }),
        ("log", Entry { log: &origin, ..good }),
        ("log", Entry { log: "a+b", ..good }),
        ("request", Entry { request: Some("\""), ..good }),
        ("subject.id", Entry { subject: Some(Subject { kind: "k", id: "" }), ..good }),
        ("subject.kind", Entry { subject: Some(Subject { kind: "\\", id: "i" }), ..good }),
        ("at", Entry { at_us: -1, ..good }),
        ("at", Entry { at_us: 253_402_300_800_000_000, ..good }),
        ("seq", Entry { seq: MAX_LOG_SIZE, ..good }),
    ] {
        let mut out = b"before".to_vec();
        match entry.encode_into(&mut out) {
            Err(EntryError::Field { field: found, .. }) => assert_eq!(found, field),
            other => panic!("{field}: {other:?}"),
        }
        assert_eq!(out, b"before");
    }
    assert!(is_origin("a") && !is_origin("") && !is_origin("a b") && !is_origin("a+b"));
    assert_ne!(genesis_prev("a"), genesis_prev("b"));
}

#[test]
fn kinds_are_words() {
    for kind in Kind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }
    assert!("Record".parse::<Kind>().is_err());
    let order: Vec<usize> = Kind::ALL.iter().map(|kind| *kind as usize).collect();
    assert_eq!(order, (0..Kind::ALL.len()).collect::<Vec<_>>());
}
