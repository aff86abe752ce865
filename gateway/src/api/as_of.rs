//! The state of the ledger that an answer shows.

use serde::{Deserialize, Serialize};
use veritrail_audit::{Checkpoint, Hash};

use super::params::Params;
use crate::{
    domain::Tenant,
    error::Problem,
    ledger::tree,
    store::{Reader, logs},
};

/// The parameter that names an entry: what is shown is as it stood then.
pub const AS_OF: &str = "as_of";

/// A log as it stood when it had some number of entries: always at least one, since a log begins
/// with the entry that names its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The log's name.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// The RFC 6962 root over them.
    pub root: String,
}

impl Snapshot {
    /// The log as it stands now.
    ///
    /// # Errors
    /// 404 when there is no such log.
    pub async fn now(reader: &mut Reader, tenant: Tenant) -> Result<Self, Problem> {
        let head = logs::head(reader, tenant).await?.ok_or_else(Problem::not_found)?;
        let root = <[u8; 32]>::try_from(head.root.as_slice())
            .map_err(|_| Problem::internal("a head without a root"))?;
        Ok(Self { origin: head.origin, size: head.size.unsigned_abs(), root: Hash(root).to_string() })
    }

    /// The log as a query wants to see it: as it stood at `as_of`, or as it stands now.
    ///
    /// # Errors
    /// 404 when there is no such log, 400 when it has no such entry yet.
    pub async fn wanted(reader: &mut Reader, tenant: Tenant, params: &Params<'_>) -> Result<Self, Problem> {
        let now = Self::now(reader, tenant).await?;
        let Some(seq) = params.parse::<u64>(AS_OF)? else { return Ok(now) };
        if seq >= now.size {
            let detail = format!("the last entry is {}", now.seq());
            return Err(Problem::parameter(AS_OF, "out_of_range", detail));
        }
        let size = seq + 1;
        let root = tree::root_at(reader, tenant, size).await?.to_string();
        Ok(Self { origin: now.origin, size, root })
    }

    /// The last entry's seq.
    #[must_use]
    pub fn seq(&self) -> i64 {
        i64::try_from(self.size).unwrap_or(i64::MAX) - 1
    }

    /// As it stands in an answer.
    ///
    /// # Errors
    /// When the root is no hash.
    pub fn as_of(&self) -> Result<AsOf, Problem> {
        let root = self.root.parse().map_err(Problem::internal)?;
        let checkpoint = Checkpoint { origin: self.origin.clone(), size: self.size, root };
        Ok(AsOf { seq: self.seq().to_string(), checkpoint: checkpoint.body() })
    }
}

/// The state of the ledger that an answer shows: all entries up to `seq`, and none after.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AsOf {
    /// The last entry that this answer takes into account.
    #[schema(example = "49102", pattern = "^[0-9]+$")]
    pub seq: String,
    /// The log's checkpoint at that entry: origin, size and root hash, one a line (C2SP tlog-checkpoint,
    /// without signatures). A signed one follows within a second at `/v1/ledger/checkpoint`.
    #[schema(
        example = "localhost:8080/ledger/ins_0190163d8694739bba1a9fbee4e5c1b2\n49103\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )]
    pub checkpoint: String,
}
