//! Notes, checkpoints, cosignatures and proofs: published vectors, and crates by others that must take what
//! is written here and write what is taken here.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use sha2::Sha256;
use signed_note::{Note as OtherNote, StandardVerifier, VerifierList};
use tlog_tiles::{Checkpoint as OtherCheckpoint, Tile};
use veritrail_audit::{
    Checkpoint, CosignerKey, Hash, KeyError, KeyType, Note, NoteError, ProofError, Signed, SignerKey, Span,
    TileId, TlogProof, TlogProofError, VerifierKey, consistency_spans, empty_root, entry_bundle,
    inclusion_spans, leaf_hash, verify_note,
};

use crate::support::{Log, ORIGIN, sample_log, witness};

/// The example of Go's golang.org/x/mod/sumdb/note.
const NEUMANN: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const NEUMANN_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn key(vkey: &str) -> VerifierKey {
    vkey.parse().unwrap()
}

#[test]
fn the_note_of_go_verifies() {
    let keys = [key(NEUMANN)];
    assert_eq!(verify_note(NEUMANN_NOTE, &keys), Ok(vec![Signed { key: 0, time_s: None }]));
    assert_eq!(keys[0].vkey(), NEUMANN);
    assert_eq!(keys[0].name(), "PeterNeumann");
    let altered = NEUMANN_NOTE.replace("don't", "do");
    assert_eq!(verify_note(&altered, &keys), Err(NoteError::BadSignature("PeterNeumann".to_owned())));
    let stranger = [key(&sample_log().key().vkey())];
    assert_eq!(verify_note(NEUMANN_NOTE, &stranger), Err(NoteError::UnknownSigners));
}

#[test]
fn malformed_notes_are_refused() {
    for note in [
        "",
        "text\n",
        "text\n\n",
        "text\n\n— name AAAA",
        "text\n\n— name AAAAAA==\n\n",
        "text\n\n- name AAAAAAA=\n",
        "text\n\n— na+me AAAAAAA=\n",
        "text\n\n— name AAAAAA==\n",
        "text\n\n— name AAAAAAB=\n",
        "te\txt\n\n— name AAAAAAA=\n",
        "text\r\n\n— name AAAAAAA=\n",
    ] {
        assert!(matches!(Note::parse(note), Err(NoteError::Format(_))), "{note:?}");
    }
    assert!(Note::parse("text\n\n— name AAAAAAA=\n").is_ok());
    assert!(Note::parse(&format!("text\n\n{}", "— name AAAAAAA=\n".repeat(65))).is_err());
    assert!(Note::parse(&"x".repeat(70_000)).is_err());
}

#[test]
fn malformed_keys_are_refused() {
    let vkey = sample_log().key().vkey();
    assert_eq!(VerifierKey::parse("name"), Err(KeyError::Spelling));
    assert_eq!(
        VerifierKey::parse(&vkey.replace('=', "")),
        Err(KeyError::Spelling).or(VerifierKey::parse(&vkey))
    );
    assert_eq!(VerifierKey::parse(&vkey.replace("north", "south")), Err(KeyError::Id));
    assert_eq!(VerifierKey::parse(&vkey.replace("+A", "+B")), Err(KeyError::Key));
    assert_eq!(VerifierKey::parse(&format!("a b{vkey}")), Err(KeyError::Name));
    assert!(SignerKey::new("a+b", &[1; 32]).is_err());
}

#[test]
fn malformed_checkpoints_are_refused() {
    let checkpoint = sample_log().checkpoint(40);
    let body = checkpoint.body();
    assert_eq!(Checkpoint::parse_body(&body), Ok(checkpoint.clone()));
    assert_eq!(Checkpoint::parse_note(&sample_log().note(40)), Ok(checkpoint));
    for other in [
        body.replace("\n40\n", "\n040\n"),
        body.replace("\n40\n", "\n+40\n"),
        body.replace("\n40\n", "\n0\n"),
        body.replace("\n40\n", "\n9223372036854775808\n"),
        body.replace("=\n", "\n"),
        body.trim_end().to_owned(),
        format!("{body}extension\n"),
        format!("{body}\n"),
        body.replace(ORIGIN, ""),
        body.replace(ORIGIN, "a b"),
    ] {
        assert!(Checkpoint::parse_body(&other).is_err(), "{other:?}");
    }
    let empty = Checkpoint { origin: ORIGIN.to_owned(), size: 0, root: empty_root() };
    assert_eq!(Checkpoint::parse_body(&empty.body()), Ok(empty));
}

#[test]
fn a_cosignature_is_what_the_spec_says() {
    let (log, witness) = (sample_log(), witness());
    let checkpoint = log.checkpoint(40);
    let note = log.note(40) + &witness.line(&checkpoint, 1_679_315_147);
    let witness_key = key(&witness.vkey());
    assert_eq!(witness_key.kind(), KeyType::CosignatureV1);
    let keys = [key(&log.key().vkey()), witness_key];
    let signed = [Signed { key: 0, time_s: None }, Signed { key: 1, time_s: Some(1_679_315_147) }];
    assert_eq!(verify_note(&note, &keys).unwrap(), signed);
    // The signed message, put together by hand.
    let message = format!("cosignature/v1\ntime 1679315147\n{}", checkpoint.body());
    let line = note.lines().last().unwrap().rsplit(' ').next().unwrap();
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, line).unwrap();
    assert_eq!(bytes.len(), 4 + 8 + 64);
    let public = ed25519_dalek::SigningKey::from_bytes(&[0x77; 32]).verifying_key();
    let signature = ed25519_dalek::Signature::from_slice(&bytes[12..]).unwrap();
    public.verify_strict(message.as_bytes(), &signature).unwrap();
    // Another time, and a log's signature in a cosignature's place, don't pass.
    let mut late = bytes;
    late[11] ^= 1;
    let late = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, late);
    assert!(matches!(verify_note(&note.replace(line, &late), &keys), Err(NoteError::BadSignature(_))));
    let same_seed = CosignerKey::new(ORIGIN, &[1; 32]).unwrap();
    assert_ne!(same_seed.vkey(), log.key().vkey());
    assert_eq!(verify_note(&log.note(40), &[key(&same_seed.vkey())]), Err(NoteError::UnknownSigners));
}

#[test]
fn the_signed_note_crate_takes_our_notes() {
    let log = sample_log();
    let known = VerifierList::new(vec![Box::new(StandardVerifier::new(&log.key().vkey()).unwrap())]);
    let note = OtherNote::from_bytes(log.note(40).as_bytes()).unwrap();
    let (verified, unverified) = note.verify(&known).unwrap();
    assert_eq!((verified.len(), unverified.len()), (1, 0));
    assert_eq!(note.text(), log.checkpoint(40).body().as_bytes());
}

#[test]
fn the_tlog_tiles_crate_agrees() {
    let log = sample_log();
    let checkpoint = log.checkpoint(40);
    let other = OtherCheckpoint::from_bytes(checkpoint.body().as_bytes()).unwrap();
    assert_eq!((other.origin(), other.size(), other.hash().0), (ORIGIN, 40, checkpoint.root.0));
    assert_eq!(other.to_bytes(), checkpoint.body().as_bytes());
    for (level, index, width) in [(0, 0, 256), (1, 1_234_067, 7), (3, 999, 255), (0, 1_000, 1)] {
        let path = TileId { level, index, width }.path();
        let tile = Tile::new(8, level, index, width.into(), false);
        // That crate writes the tile height of 8 as a further folder, as the Go checksum database does.
        assert_eq!(tile.path().replacen("tile/8/", "tile/", 1), path);
    }
    let hash = |hash: Hash| tlog_tiles::Hash(hash.0);
    let path = |spans: Vec<Span>| spans.into_iter().map(|span| hash(log.root(span))).collect();
    for index in 0..40 {
        let (proof, leaf) = (path(inclusion_spans(index, 40)), hash(leaf_hash(&log.entries[index as usize])));
        tlog_tiles::check_record(&proof, 40, hash(checkpoint.root), index, leaf).unwrap();
    }
    for old in 1..=40 {
        let (proof, root) = (path(consistency_spans(old, 40)), hash(log.checkpoint(old).root));
        tlog_tiles::check_tree(&proof, 40, hash(checkpoint.root), old, root).unwrap();
    }
}

#[test]
fn the_ct_merkle_crate_agrees() {
    let log = sample_log();
    let mut tree = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    log.entries.iter().for_each(|entry| tree.push(entry.clone()));
    assert_eq!(tree.root().as_bytes().as_slice(), log.checkpoint(40).root.0);
    let ours = |spans: Vec<Span>| spans.into_iter().flat_map(|span| log.root(span).0).collect::<Vec<u8>>();
    for index in 0..40 {
        assert_eq!(tree.prove_inclusion(index).as_bytes(), ours(inclusion_spans(index as u64, 40)));
    }
    for old in 1..40 {
        assert_eq!(tree.prove_consistency(40 - old).as_bytes(), ours(consistency_spans(old as u64, 40)));
    }
}

#[test]
fn proof_files_round_trip_and_verify() {
    let log = Log::new(ORIGIN, 1, 40);
    let path = inclusion_spans(7, 40).into_iter().map(|span| log.root(span)).collect();
    let proof = TlogProof { index: 7, path, checkpoint: log.note(40), extra: Some(b"extra".to_vec()) };
    let text = proof.to_text();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra ZXh0cmE=\nindex 7\n"));
    assert_eq!(TlogProof::parse(&text), Ok(proof.clone()));
    let bare = TlogProof { extra: None, ..proof.clone() };
    assert_eq!(TlogProof::parse(&bare.to_text()), Ok(bare));
    let keys = log.options().keys;
    proof.verify(&log.entries[7], &keys).unwrap();
    let wrong = proof.verify(&log.entries[8], &keys);
    assert_eq!(wrong, Err(TlogProofError::Inclusion(ProofError::Root)));
    for other in [
        text.replace("@v1", "@v2"),
        text.replace("index 7", "index 07"),
        text.replace("index 7\n", ""),
        text.replace("extra ZXh0cmE=", "extra ZXh0cmE"),
        text.replace("\n\n", "\n"),
        text.replacen("=\n", "\n", 2),
    ] {
        assert!(TlogProof::parse(&other).is_err(), "{other}");
    }
    // A lone leaf has an empty path.
    let lone = TlogProof { index: 0, path: vec![], checkpoint: log.note(1), extra: None };
    TlogProof::parse(&lone.to_text()).unwrap().verify(&log.entries[0], &keys).unwrap();
}

#[test]
fn entry_bundles_hold_lengths() {
    let bundle = entry_bundle([b"ab".as_slice(), b"", &[b'x'; 300]]).unwrap();
    assert_eq!(bundle[..7], [0, 2, b'a', b'b', 0, 0, 1]);
    assert_eq!(bundle.len(), 2 + 2 + 2 + 2 + 300);
    assert!(entry_bundle([[0; 65_536].as_slice()]).is_err());
}
