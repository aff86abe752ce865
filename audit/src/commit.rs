//! Commitments: how an entry binds a payload that may later be destroyed.
//!
//! An entry holds only SHA-256 over a salt and the payload. Payload and salt lie elsewhere; once both are
//! gone nothing about the payload can be learnt from the entry, not even by guessing, and the chain still
//! verifies. The salt is 32 random bytes, fresh for every payload; this crate never draws one.

use crate::hash::{Hash, sha256};

/// The 32 random bytes hashed before a payload.
pub type Salt = [u8; 32];

/// The most bytes that a payload may have: 64 MiB.
pub const MAX_PAYLOAD_BYTES: usize = 64 << 20;

/// SHA-256("veritrail/commit@1\n" ‖ salt ‖ payload), over the payload's bytes as they are stored.
pub fn commit(salt: &Salt, payload: &[u8]) -> Hash {
    sha256(&[b"veritrail/commit@1\n", salt, payload])
}
