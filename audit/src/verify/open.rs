//! Opens a bundle: its container, byte for byte, and its small members.

use std::io::{self, Read, Seek, SeekFrom};

use super::VerifyOptions;
use crate::bundle::{
    CHECKPOINT_NAME, EARLIER_NAME, FileFact, MANIFEST_NAME, MAX_NOTES, Manifest, NAMES, PROOF_NAME,
    ProofFile, README, README_NAME, VERSION, VKEYS_NAME, json_line, range_spans,
};
use crate::checkpoint::Checkpoint;
use crate::fault::{Fault, VerifyError};
use crate::hash::Hash;
use crate::note::{KeyType, Note, NoteError, Signed, VerifierKey, parse_size};
use crate::zip::{CENTRAL_BYTES, Member, TRAILER_BYTES, directory};

/// The most bytes in one of the small members.
const MAX_SMALL_BYTES: u64 = 16 << 20;

/// A bundle whose container and small members are in order. The entries are not looked at.
pub(super) struct Opened {
    pub(super) origin: String,
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) checkpoint: Checkpoint,
    pub(super) note: String,
    pub(super) earlier: Vec<Checkpoint>,
    pub(super) left: Vec<Hash>,
    pub(super) right: Vec<Hash>,
    pub(super) vkeys: Vec<VerifierKey>,
    pub(super) entries: Member,
    pub(super) payloads: Member,
    pub(super) manifest: Manifest,
}

/// Reads the container (FORMAT.md §7.1): finds sizes and CRCs, derives every header from them and compares.
pub(super) fn read_container<R: Read + Seek>(file: &mut R) -> Result<Vec<Member>, VerifyError> {
    let length = file.seek(SeekFrom::End(0))?;
    let names: u64 = NAMES.iter().map(|name| name.len() as u64).sum();
    let tail = NAMES.len() as u64 * CENTRAL_BYTES + names + TRAILER_BYTES;
    let start = length.checked_sub(tail).ok_or(Fault::Container { offset: length })?;
    let found = read_at(file, start, tail)?;
    let mut members = Vec::with_capacity(NAMES.len());
    let (mut header, mut offset) = (0, 0);
    for name in NAMES {
        let crc = found[header + 16..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let size =
            found[header + 50 + name.len()..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        if size > length {
            return Err(Fault::Container { offset: start + header as u64 }.into());
        }
        let member = Member { name: name.into(), size, crc, offset };
        offset = member.end();
        header += CENTRAL_BYTES as usize + name.len();
        members.push(member);
    }
    if offset != start {
        return Err(Fault::Container { offset: offset.min(start) }.into());
    }
    compare(&found, &directory(&members), start)?;
    for member in &members {
        let expected = member.local_header();
        let found = read_at(file, member.offset, expected.len() as u64)?;
        compare(&found, &expected, member.offset)?;
    }
    Ok(members)
}

pub(super) fn compare(found: &[u8], expected: &[u8], start: u64) -> Result<(), Fault> {
    match found.iter().zip(expected).position(|(a, b)| a != b) {
        Some(at) => Err(Fault::Container { offset: start + at as u64 }),
        None => Ok(()),
    }
}

pub(super) fn read_at<R: Read + Seek>(file: &mut R, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn bad<T>(file: &'static str, why: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::File { file, why: why.into() })
}

pub(super) fn read_small<R: Read + Seek>(
    file: &mut R,
    name: &'static str,
    member: &Member,
) -> Result<String, VerifyError> {
    if member.size > MAX_SMALL_BYTES {
        return Ok(bad(name, "it is too long")?);
    }
    let bytes = read_at(file, member.data(), member.size)?;
    if crc32fast::hash(&bytes) != member.crc {
        return Err(Fault::Crc { file: name }.into());
    }
    Ok(String::from_utf8(bytes).or_else(|_| bad(name, "it is not UTF-8"))?)
}

/// Reads and checks all but the entries and payloads.
pub(super) fn open<R: Read + Seek>(file: &mut R, options: &VerifyOptions) -> Result<Opened, VerifyError> {
    let members = read_container(file)?;
    let [readme, entries, payloads, checkpoint, earlier, proof, vkeys, manifest] = members.as_slice() else {
        return Err(Fault::Container { offset: 0 }.into());
    };
    let (entries, payloads) = (entries.clone(), payloads.clone());
    let mut small = |name, member| read_small(file, name, member);
    let readme = small(README_NAME, readme)?;
    let note = small(CHECKPOINT_NAME, checkpoint)?;
    let earlier = small(EARLIER_NAME, earlier)?;
    let proof = small(PROOF_NAME, proof)?;
    let vkeys = small(VKEYS_NAME, vkeys)?;
    let manifest_text = small(MANIFEST_NAME, manifest)?;
    if readme != README {
        bad(README_NAME, "it is not the text that every bundle has")?;
    }
    let manifest: Manifest = canonical(MANIFEST_NAME, &manifest_text)?;
    let facts = [
        (README_NAME, &readme),
        (CHECKPOINT_NAME, &note),
        (EARLIER_NAME, &earlier),
        (PROOF_NAME, &proof),
        (VKEYS_NAME, &vkeys),
    ];
    check_facts(&manifest, &facts.map(|(name, text)| FileFact::small(name, text)))?;
    let vkeys = read_vkeys(&vkeys, &manifest.origin)?;
    let keys = Keys { inside: &vkeys, outside: &options.keys, witnesses: &options.witnesses };
    let checkpoint = keys.read(&note, "in the bundle", &manifest.origin)?;
    let (from, to) = read_range(&manifest, &checkpoint)?;
    let earlier = read_earlier(&earlier, &keys, &manifest.origin, (from, to, checkpoint.size))?;
    let proof: ProofFile = canonical(PROOF_NAME, &proof)?;
    let (left, right) = range_spans(from, to, checkpoint.size);
    let (left, right) = (read_hashes(&proof.left, left.len())?, read_hashes(&proof.right, right.len())?);
    let origin = manifest.origin.clone();
    Ok(Opened {
        origin,
        from,
        to,
        checkpoint,
        note,
        earlier,
        left,
        right,
        vkeys,
        entries,
        payloads,
        manifest,
    })
}

/// Parses a JSON member and refuses every other spelling of it.
pub(super) fn canonical<T: serde::Serialize + serde::de::DeserializeOwned>(
    file: &'static str,
    text: &str,
) -> Result<T, Fault> {
    let value: T = serde_json::from_str(text).or_else(|error| bad(file, error.to_string()))?;
    if json_line(&value).is_ok_and(|line| line == text) {
        Ok(value)
    } else {
        bad(file, "it is not canonical JSON")
    }
}

/// The manifest's facts of the small members; those of the large ones are checked once they were read.
fn check_facts(manifest: &Manifest, small: &[FileFact]) -> Result<(), Fault> {
    let names = manifest.files.iter().map(|fact| fact.name.as_str());
    if manifest.v != VERSION || !names.eq(NAMES[..NAMES.len() - 1].iter().copied()) {
        return bad(MANIFEST_NAME, "it is of another version or names other files");
    }
    for fact in small {
        if !manifest.files.contains(fact) {
            return bad(MANIFEST_NAME, format!("what it says of {} is not so", fact.name));
        }
    }
    Ok(())
}

pub(super) fn read_vkeys(text: &str, origin: &str) -> Result<Vec<VerifierKey>, Fault> {
    let lines: Vec<&str> = text.split_terminator('\n').collect();
    if !text.ends_with('\n') || lines.len() > MAX_NOTES {
        return bad(VKEYS_NAME, "it is not a list of keys, one a line");
    }
    let parse = |line: &&str| match VerifierKey::parse(line) {
        Ok(key) if key.name() == origin && key.kind() == KeyType::Ed25519 && key.vkey() == *line => Ok(key),
        Ok(_) => bad(VKEYS_NAME, "a key is not this log's"),
        Err(error) => bad(VKEYS_NAME, error.to_string()),
    };
    lines.iter().map(parse).collect()
}

fn read_range(manifest: &Manifest, checkpoint: &Checkpoint) -> Result<(u64, u64), Fault> {
    let (from, to, size) = (parse_size(&manifest.from), parse_size(&manifest.to), parse_size(&manifest.size));
    let (Some(from), Some(to), Some(size)) = (from, to, size) else {
        return bad(MANIFEST_NAME, "from, to and size must be decimal numbers");
    };
    if from >= to {
        return bad(MANIFEST_NAME, "the range is empty");
    }
    if checkpoint.size < to {
        return Err(Fault::OldCheckpoint { size: checkpoint.size, to });
    }
    if size != checkpoint.size {
        return bad(MANIFEST_NAME, "its size is not the checkpoint's");
    }
    Ok((from, to))
}

/// Splits the notes of `checkpoints`: a checkpoint's text has no blank line, so every second blank line ends
/// a note.
fn read_earlier(
    text: &str,
    keys: &Keys<'_>,
    origin: &str,
    (from, to, size): (u64, u64, u64),
) -> Result<Vec<Checkpoint>, Fault> {
    let mut earlier = Vec::new();
    let (mut rest, mut after) = (text, from);
    while !rest.is_empty() {
        let signatures = rest.find("\n\n").map_or(rest.len(), |blank| blank + 2);
        let end = rest[signatures..].find("\n\n").map_or(rest.len(), |blank| signatures + blank + 1);
        let checkpoint =
            keys.read(&rest[..end], &format!("number {} in checkpoints", earlier.len() + 1), origin)?;
        if checkpoint.size <= after
            || checkpoint.size > to
            || checkpoint.size >= size
            || earlier.len() == MAX_NOTES
        {
            return bad(EARLIER_NAME, "a checkpoint is out of order or outside the range");
        }
        after = checkpoint.size;
        earlier.push(checkpoint);
        rest = match rest[end..].strip_prefix('\n') {
            Some("") => return bad(EARLIER_NAME, "it ends with a blank line"),
            Some(next) => next,
            None => "",
        };
    }
    Ok(earlier)
}

fn read_hashes(hex: &[String], count: usize) -> Result<Vec<Hash>, Fault> {
    if hex.len() != count {
        return bad(PROOF_NAME, "it has the wrong number of hashes");
    }
    hex.iter()
        .map(|hex| Hash::from_hex(hex))
        .collect::<Result<_, _>>()
        .or_else(|_| bad(PROOF_NAME, "a hash is malformed"))
}

/// The keys that a checkpoint is held against.
pub(super) struct Keys<'a> {
    pub(super) inside: &'a [VerifierKey],
    pub(super) outside: &'a [VerifierKey],
    pub(super) witnesses: &'a [VerifierKey],
}

impl Keys<'_> {
    /// Reads a checkpoint that must be this log's and signed by one of its own keys, with no bad signature
    /// by any key that is known, from inside or outside.
    pub(super) fn read(&self, note: &str, what: &str, origin: &str) -> Result<Checkpoint, Fault> {
        let fault = |why| Fault::Checkpoint { what: what.to_owned(), why };
        let parsed = Note::parse(note).map_err(fault)?;
        let checkpoint = Checkpoint::parse_body(parsed.text()).map_err(fault)?;
        if checkpoint.origin != origin {
            return Err(fault(NoteError::Format("it is another log's")));
        }
        let own = [self.inside, self.outside].concat();
        parsed.verify(&own).map_err(fault)?;
        match parsed.verify(self.witnesses) {
            Ok(_) | Err(NoteError::UnknownSigners) => Ok(checkpoint),
            Err(error) => Err(fault(error)),
        }
    }
}

/// Which of `keys` signed `note`; none is no error here.
pub(super) fn signers(note: &str, keys: &[VerifierKey]) -> Result<Vec<Signed>, Fault> {
    match Note::parse(note).and_then(|note| note.verify(keys)) {
        Ok(signed) => Ok(signed),
        Err(NoteError::UnknownSigners) => Ok(Vec::new()),
        Err(why) => Err(Fault::Checkpoint { what: "in the bundle".to_owned(), why }),
    }
}
