//! Signed notes and their keys (c2sp.org/signed-note, c2sp.org/tlog-cosignature).
//!
//! Two signature types: 0x01, Ed25519 over the text, by which a log signs; and 0x04, a timestamped Ed25519
//! cosignature, by which a witness says what it has seen.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::checkpoint::Checkpoint;
use crate::hash::sha256;
use crate::scan::decimal;

/// The most bytes that a note may have.
pub const MAX_NOTE_BYTES: usize = 64 << 10;

/// The most signature lines that a note may have.
pub const MAX_SIGNATURES: usize = 64;

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// 0x01: Ed25519 over the note's text.
    Ed25519,
    /// 0x04: a witness's timestamped cosignature, `cosignature/v1`.
    CosignatureV1,
}

impl KeyType {
    const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::CosignatureV1 => 4,
        }
    }
}

/// Why a key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The name is empty, or has a space, a plus sign or a control character.
    #[error("a key's name must not be empty and has no space and no plus sign")]
    Name,
    /// The text is not `name+hexid+base64`.
    #[error("not a verifier key: expected name+keyid+base64")]
    Spelling,
    /// The id is not the one of this name and key.
    #[error("the verifier key's id does not belong to it")]
    Id,
    /// Neither Ed25519 (0x01) nor cosignature/v1 (0x04), or not a valid Ed25519 point.
    #[error("not an Ed25519 key of type 0x01 or 0x04")]
    Key,
}

/// Why a note is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not a signed note.
    #[error("not a signed note: {0}")]
    Format(&'static str),
    /// A signature line names a known key but its signature is wrong.
    #[error("the signature by {0} does not verify")]
    BadSignature(String),
    /// No line is by a known key.
    #[error("not signed by a known key")]
    UnknownSigners,
}

fn check_name(name: &str) -> Result<(), KeyError> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.contains(bad) { Err(KeyError::Name) } else { Ok(()) }
}

fn key_id(name: &str, kind: KeyType, public: &[u8; 32]) -> [u8; 4] {
    let hash = sha256(&[name.as_bytes(), b"\n", &[kind.byte()], public]);
    let [a, b, c, d, ..] = hash.0;
    [a, b, c, d]
}

/// A public key by which notes are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    kind: KeyType,
    key: VerifyingKey,
}

impl VerifierKey {
    fn new(name: &str, kind: KeyType, key: VerifyingKey) -> Result<Self, KeyError> {
        check_name(name)?;
        let id = key_id(name, kind, key.as_bytes());
        Ok(Self { name: name.to_owned(), id, kind, key })
    }

    /// Parses a vkey, `name+hexid+base64(type ‖ key)`.
    ///
    /// # Errors
    /// [`KeyError`] if it is spelled otherwise, its id is wrong, or its type isn't known.
    pub fn parse(vkey: &str) -> Result<Self, KeyError> {
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Spelling);
        };
        let bytes = STANDARD.decode(key).map_err(|_| KeyError::Spelling)?;
        let (kind, public) = match bytes.split_first() {
            Some((1, public)) => (KeyType::Ed25519, public),
            Some((4, public)) => (KeyType::CosignatureV1, public),
            _ => return Err(KeyError::Key),
        };
        let public: &[u8; 32] = public.try_into().map_err(|_| KeyError::Key)?;
        let key = Self::new(name, kind, VerifyingKey::from_bytes(public).map_err(|_| KeyError::Key)?)?;
        if id != hex_id(key.id) {
            return Err(KeyError::Id);
        }
        Ok(key)
    }

    /// The key as a vkey.
    pub fn vkey(&self) -> String {
        let mut bytes = vec![self.kind.byte()];
        bytes.extend_from_slice(self.key.as_bytes());
        format!("{}+{}+{}", self.name, hex_id(self.id), STANDARD.encode(bytes))
    }

    /// The key's name; a log's key bears the log's origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it signs.
    pub fn kind(&self) -> KeyType {
        self.kind
    }

    /// Checks the signature bytes after the key id; a cosignature yields its time.
    fn verify(&self, text: &str, signature: &[u8]) -> Option<Option<u64>> {
        let (message, time, signature) = match self.kind {
            KeyType::Ed25519 => (text.to_owned(), None, signature),
            KeyType::CosignatureV1 => {
                let (time, signature) = signature.split_first_chunk::<8>()?;
                let time = u64::from_be_bytes(*time);
                (cosigned(text, time), Some(time), signature)
            }
        };
        if time.is_some_and(|time| i64::try_from(time).is_err()) {
            return None;
        }
        let signature = Signature::from_bytes(signature.try_into().ok()?);
        self.key.verify_strict(message.as_bytes(), &signature).ok().map(|()| time)
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(vkey: &str) -> Result<Self, KeyError> {
        Self::parse(vkey)
    }
}

fn hex_id(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

fn cosigned(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

fn line(name: &str, id: [u8; 4], signature: &[&[u8]]) -> String {
    format!("\u{2014} {name} {}\n", STANDARD.encode([&id, signature.concat().as_slice()].concat()))
}

/// A log's signing key. Its name is the log's origin.
pub struct SignerKey {
    key: SigningKey,
    public: VerifierKey,
}

impl SignerKey {
    /// The key of a 32-byte Ed25519 seed (RFC 8032 §5.1.5).
    ///
    /// # Errors
    /// [`KeyError::Name`] if `name` can't name a key.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        Self::of_kind(name, seed, KeyType::Ed25519)
    }

    fn of_kind(name: &str, seed: &[u8; 32], kind: KeyType) -> Result<Self, KeyError> {
        let key = SigningKey::from_bytes(seed);
        let public = VerifierKey::new(name, kind, key.verifying_key())?;
        Ok(Self { key, public })
    }

    /// The public half.
    pub fn verifier(&self) -> &VerifierKey {
        &self.public
    }

    /// The public half as a vkey.
    pub fn vkey(&self) -> String {
        self.public.vkey()
    }

    /// The signed note of a checkpoint: body, blank line, one signature line.
    pub fn sign(&self, checkpoint: &Checkpoint) -> String {
        let body = checkpoint.body();
        format!("{body}\n{}", self.line(&body))
    }

    /// A signature line for a note's text, to put under a note that is signed already (key rotation).
    pub fn line(&self, text: &str) -> String {
        line(&self.public.name, self.public.id, &[&self.key.sign(text.as_bytes()).to_bytes()])
    }
}

/// A witness's signing key (c2sp.org/tlog-cosignature, Ed25519).
pub struct CosignerKey(SignerKey);

impl CosignerKey {
    /// The key of a 32-byte Ed25519 seed.
    ///
    /// # Errors
    /// [`KeyError::Name`] if `name` can't name a key.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        SignerKey::of_kind(name, seed, KeyType::CosignatureV1).map(Self)
    }

    /// The public half as a vkey.
    pub fn vkey(&self) -> String {
        self.0.vkey()
    }

    /// The signature line that says: at `time_s`, in seconds since 1970, this was the largest tree seen.
    pub fn line(&self, checkpoint: &Checkpoint, time_s: u64) -> String {
        let SignerKey { key, public } = &self.0;
        let signature = key.sign(cosigned(&checkpoint.body(), time_s).as_bytes()).to_bytes();
        line(&public.name, public.id, &[&time_s.to_be_bytes(), &signature])
    }
}

/// A key that signed a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    /// Which of the keys that were given.
    pub key: usize,
    /// For a cosignature: when, in seconds since 1970.
    pub time_s: Option<u64>,
}

/// A note taken apart; nothing is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    text: &'a str,
    lines: Vec<(&'a str, [u8; 4], Vec<u8>)>,
}

impl<'a> Note<'a> {
    /// Takes a signed note apart.
    ///
    /// # Errors
    /// [`NoteError::Format`] if it isn't one, or is beyond [`MAX_NOTE_BYTES`] or [`MAX_SIGNATURES`].
    pub fn parse(note: &'a str) -> Result<Self, NoteError> {
        let bad = |why| Err(NoteError::Format(why));
        if note.len() > MAX_NOTE_BYTES {
            return bad("too long");
        }
        if note.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
            return bad("it has a control character");
        }
        let Some(blank) = note.rfind("\n\n") else {
            return bad("it has no blank line before the signatures");
        };
        let (text, signatures) = (&note[..=blank], &note[blank + 2..]);
        let Some(signatures) = signatures.strip_suffix('\n') else {
            return bad("it does not end with a signature line");
        };
        let lines: Vec<_> = signatures.split('\n').map_while(parse_line).collect();
        if lines.len() != signatures.split('\n').count() {
            return bad("a signature line is malformed");
        }
        if lines.len() > MAX_SIGNATURES {
            return bad("too many signatures");
        }
        Ok(Self { text, lines })
    }

    /// The signed text, its last newline included.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Which of `keys` signed, in the order of the lines. Lines by other keys are ignored.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] if a line by one of `keys` doesn't verify,
    /// [`NoteError::UnknownSigners`] if none is by one of them.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Vec<Signed>, NoteError> {
        let mut signed = Vec::new();
        for (name, id, signature) in &self.lines {
            let known = keys.iter().enumerate().filter(|(_, key)| key.name == *name && key.id == *id);
            for (index, key) in known {
                let Some(time_s) = key.verify(self.text, signature) else {
                    return Err(NoteError::BadSignature((*name).to_owned()));
                };
                signed.push(Signed { key: index, time_s });
            }
        }
        if signed.is_empty() { Err(NoteError::UnknownSigners) } else { Ok(signed) }
    }
}

fn parse_line(text: &str) -> Option<(&str, [u8; 4], Vec<u8>)> {
    let (name, signature) = text.strip_prefix("\u{2014} ")?.split_once(' ')?;
    check_name(name).ok()?;
    let bytes = STANDARD.decode(signature).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    (!signature.is_empty()).then(|| (name, *id, signature.to_vec()))
}

/// Checks a signed note: which of `keys` signed it.
///
/// # Errors
/// As [`Note::parse`] and [`Note::verify`].
pub fn verify_note(note: &str, keys: &[VerifierKey]) -> Result<Vec<Signed>, NoteError> {
    Note::parse(note)?.verify(keys)
}

/// A decimal without leading zeros that a log's size may be.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    decimal(text.as_bytes()).filter(|&size| size <= crate::entry::MAX_LOG_SIZE)
}
