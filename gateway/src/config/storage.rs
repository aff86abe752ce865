//! Where the service keeps things, and its keys.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, Secret, refused};

/// Where it keeps things.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// The folder of the database, of the keys (`keys/`), of what the signer remembers
    /// (`signed-heads`) and of evidence bundles (`bundles/`).
    pub data_dir: PathBuf,
    /// What the signer remembers, if it is to be elsewhere: a backup of the database must not
    /// contain it.
    pub signed_heads: Option<PathBuf>,
    /// PostgreSQL instead of the embedded database: `postgres://veritrail_service:…@host/database`.
    pub postgres_url: Secret,
    /// The same database as the role that `veritrail migrate` uses.
    pub postgres_migrator_url: Secret,
    /// Connections for reading; the recorder has one more of its own.
    pub postgres_pool_max: u32,
    /// Entries in one range of the partitioned tables, of those made from now on.
    pub postgres_partition_entries: u32,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            signed_heads: None,
            postgres_url: Secret::default(),
            postgres_migrator_url: Secret::default(),
            postgres_pool_max: 8,
            postgres_partition_entries: 1 << 22,
        }
    }
}

/// The service's keys, where they are not files in `data_dir`: Ed25519 private keys (PKCS#8, PEM). All
/// replicas of a service have the same ones.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// Signs checkpoints.
    pub ledger: Secret,
    /// Signs access tokens. Several, one after the other: the first signs, all are believed and shown.
    pub token: Secret,
    /// Authenticates cursors and the nonces of DPoP proofs.
    pub cursor: Secret,
}

/// Where the signer remembers what it signed, outside the database.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Signer {
    /// A Redis that replicas share, instead of the file `storage.signed_heads`: one of its own, which
    /// syncs every write (`appendonly yes`, `appendfsync always`).
    pub redis_url: Secret,
}

impl Storage {
    /// Checks what types can't.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=1_000).contains(&self.postgres_pool_max) {
            return refused("storage.postgres_pool_max", "1 to 1000");
        }
        if self.postgres_partition_entries < 256 {
            return refused("storage.postgres_partition_entries", "at least 256");
        }
        Ok(())
    }
}
