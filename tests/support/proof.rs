//! Checks of what the service proves, made with nothing but the audit crate and a public key.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use sha2::{Digest as _, Sha256};
use veritrail_audit::{Checkpoint, Entry, Hash, TlogProof, VerifierKey, commit, leaf_hash};

use super::Answer;

/// A list or an item with its records as they stand in the answer, byte for byte.
#[derive(Deserialize)]
struct Whole {
    data: Box<RawValue>,
}

/// The records of a page as they were sent.
pub fn raw_list(answer: &Answer) -> Vec<String> {
    let whole: Whole = serde_json::from_slice(&answer.body).unwrap();
    let items: Vec<Box<RawValue>> = serde_json::from_str(whole.data.get()).unwrap();
    items.iter().map(|item| item.get().to_owned()).collect()
}

/// The record of an item as it was sent.
pub fn raw_item(answer: &Answer) -> String {
    let whole: Whole = serde_json::from_slice(&answer.body).unwrap();
    whole.data.get().to_owned()
}

/// The checkpoint in a note, if the key has signed it.
#[track_caller]
pub fn checkpoint(note: &str, vkey: &str) -> Checkpoint {
    let key = VerifierKey::parse(vkey).unwrap();
    let signed = veritrail_audit::verify_note(note, &[key]).unwrap();
    assert_eq!(signed.len(), 1, "signed once");
    Checkpoint::parse_note(note).unwrap()
}

pub fn hashes(list: &Value) -> Vec<Hash> {
    list.as_array().unwrap().iter().map(|hash| hash.as_str().unwrap().parse().unwrap()).collect()
}

/// Checks that a payload is on the ledger: commitment, leaf, path and the checkpoint's signature.
#[track_caller]
pub fn verify(proof: &Value, payload: &str, vkey: &str) -> Checkpoint {
    let entry = proof["entry"].as_str().unwrap();
    let parsed = Entry::parse(entry.as_bytes()).unwrap();
    assert_eq!(proof["seq"], parsed.seq.to_string());
    let salt: Hash = proof["salt"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        commit(&salt.0, payload.as_bytes()),
        parsed.commitment,
        "the payload is what was committed to"
    );
    let note = proof["checkpoint"].as_str().unwrap().to_owned();
    let whole = TlogProof { index: parsed.seq, path: hashes(&proof["path"]), checkpoint: note, extra: None };
    let keys = [VerifierKey::parse(vkey).unwrap()];
    let (checkpoint, _) = whole.verify(entry.as_bytes(), &keys).unwrap();
    assert_eq!(checkpoint.origin, parsed.log);
    checkpoint
}

/// An entry's leaf hash as the service writes it.
pub fn leaf(entry: &str) -> String {
    leaf_hash(entry.as_bytes()).to_string()
}

/// The `Content-Digest` that bytes ought to have (RFC 9530).
pub fn content_digest(bytes: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(bytes)))
}

/// JSON as RFC 8785 writes it, for values without floats and exotic keys.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.encode_utf16().collect::<Vec<_>>());
            let members: Vec<_> = members
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}
