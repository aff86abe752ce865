//! The ledger: its format, its proofs and its verifier.
//!
//! One log an institution. A log is a sequence of entries, each holding the hash of the one before, with an
//! RFC 6962 Merkle tree over the same bytes whose root is signed as a C2SP checkpoint. `FORMAT.md` is the
//! normative text; what is here follows it byte for byte.
//!
//! The library is pure: no database, no network, no clock, no randomness. Bytes are hashed as they stand and
//! never re-serialised. Everything that reads outside data has limits and never panics.
//!
//! - [`Entry`], [`leaf_hash`], [`genesis_prev`], [`commit()`]: a line of the log.
//! - [`Frontier`], [`Edge`], [`Span`], [`TileSet`]: the tree, and where its nodes lie.
//! - [`Checkpoint`], [`SignerKey`], [`VerifierKey`]: what is signed.
//! - [`TlogProof`]: one entry's proof. [`BundleWriter`]: a range's.
//! - [`SumTree`]: what a report's figure was summed from.
//! - [`stored_zip`]: a zip with one spelling, as a bundle is one.
//! - [`ReportBundleWriter`], [`verify_report`]: a version of a report with all that its figures rest on.
//! - [`verify()`]: the verdict on a bundle, a [`Report`] or a [`Fault`].

mod bundle;
mod checkpoint;
mod commit;
mod entry;
mod fault;
mod hash;
mod merkle;
mod note;
mod proof;
mod report_bundle;
mod report_fault;
mod scan;
mod sum_tree;
mod tile;
mod time;
mod verify;
mod zip;

pub use bundle::{BundleError, BundleProof, BundleWriter, range_spans};
pub use checkpoint::Checkpoint;
pub use commit::{MAX_PAYLOAD_BYTES, Salt, commit};
pub use entry::{
    Entry, EntryError, Kind, MAX_ENTRY_BYTES, MAX_ID_BYTES, MAX_LOG_SIZE, MAX_ORIGIN_BYTES, Subject,
    UnknownKind, genesis_prev, is_origin,
};
pub use fault::{Fault, VerifyError};
pub use hash::{HASH_BYTES, Hash, HashError, empty_root, leaf_hash, node_hash};
pub use merkle::{
    Frontier, Nodes, ProofError, Span, consistency_spans, inclusion_spans, span_root, subtrees,
    verify_consistency, verify_inclusion,
};
pub use note::{
    CosignerKey, KeyError, KeyType, MAX_NOTE_BYTES, MAX_SIGNATURES, Note, NoteError, Signed, SignerKey,
    VerifierKey, verify_note,
};
pub use proof::{PROOF_VERSION, TlogProof, TlogProofError};
pub use report_bundle::{REPORT_BUNDLE_FORMAT, ReportBundleError, ReportBundleWriter, ReportHead};
pub use report_fault::ReportFault;
pub use sum_tree::{SumLeaf, SumNode, SumTree, sum_path, sum_root};
pub use tile::{
    Edge, EntriesTileId, FullTile, MAX_TILE_LEVEL, TILE_WIDTH, TileError, TileId, TileSet, entry_bundle,
    tile_bytes, tile_hashes, tiles_for_spans,
};
pub use verify::{
    DeliveryFact, Found, Ledger, Level, Progress, Report, ReportVerdict, ValidationFact, VerifyOptions,
    Witness, is_report_bundle, verify, verify_report,
};
pub use zip::stored_zip;
