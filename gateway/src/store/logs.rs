//! The head of each log: the only row of the ledger that moves, and it only grows.

use super::{Connection, StoreError, engine::Link};
use crate::domain::{Tenant, id::InstitutionId};

/// Where a log stands.
#[derive(Clone, Debug)]
pub struct Head {
    /// The log's name: a schemeless URL prefix.
    pub origin: String,
    /// How many entries it has.
    pub size: i64,
    /// The RFC 6962 root over them.
    pub root: Vec<u8>,
    /// The leaf hash of the last entry (of nothing: the genesis value).
    pub prev: Vec<u8>,
    /// When the last entry was made, in microseconds since the Unix epoch.
    pub at_us: i64,
}

from_row!(Head { origin, size, root, prev, at_us });

/// A log that has grown past its last checkpoint.
#[derive(Clone, Debug)]
pub struct Behind {
    /// Whose it is.
    pub institution_id: uuid::Uuid,
    /// How many entries it has.
    pub size: i64,
    /// How many of them are signed.
    pub signed: i64,
    /// When the last entry was made, in microseconds since the Unix epoch.
    pub at_us: i64,
}

from_row!(Behind { institution_id, size, signed, at_us });

/// Opens a log of size 0.
pub async fn insert(connection: &mut Connection, tenant: Tenant, head: &Head) -> Result<(), StoreError> {
    execute!(connection, sqlx::query(
        "INSERT INTO logs (institution_id, origin, size, root, prev, at_us) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(tenant.uuid())
    .bind(&head.origin)
    .bind(head.size)
    .bind(&head.root)
    .bind(&head.prev)
    .bind(head.at_us))?;
    Ok(())
}

/// The head, if the log exists.
pub async fn head(connection: &mut Connection, tenant: Tenant) -> Result<Option<Head>, StoreError> {
    fetch_optional!(connection, sqlx::query_as(HEAD).bind(tenant.uuid()))
}

const HEAD: &str = "SELECT origin, size, root, prev, at_us FROM logs WHERE institution_id = $1";

/// The heads of these logs, held until the transaction ends: nobody else appends meanwhile.
///
/// Every process takes them in the same order, so that none waits for another that waits for it.
pub async fn lock(
    connection: &mut Connection,
    tenants: &[Tenant],
) -> Result<Vec<(InstitutionId, Head)>, StoreError> {
    match connection.link() {
        // The transaction has the whole file to itself.
        Link::Sqlite(link) => {
            let mut heads = Vec::with_capacity(tenants.len());
            for tenant in tenants {
                let head = sqlx::query_as(HEAD).bind(tenant.uuid()).fetch_optional(&mut *link).await?;
                heads.extend(head.map(|head| (tenant.id(), head)));
            }
            Ok(heads)
        }
        Link::Postgres(link) => {
            let ids: Vec<uuid::Uuid> = tenants.iter().map(|tenant| tenant.uuid()).collect();
            let rows: Vec<Owned> = sqlx::query_as(
                "SELECT institution_id, origin, size, root, prev, at_us FROM logs \
                 WHERE institution_id = ANY ($1) ORDER BY institution_id FOR UPDATE",
            )
            .bind(ids)
            .fetch_all(link)
            .await?;
            let split = |Owned { institution_id, origin, size, root, prev, at_us }: Owned| {
                (InstitutionId::from_uuid(institution_id), Head { origin, size, root, prev, at_us })
            };
            Ok(rows.into_iter().map(split).collect())
        }
    }
}

/// A head, and whose it is.
struct Owned {
    institution_id: uuid::Uuid,
    origin: String,
    size: i64,
    root: Vec<u8>,
    prev: Vec<u8>,
    at_us: i64,
}

from_row!(Owned { institution_id, origin, size, root, prev, at_us });

/// A head to be moved, and the size at which the writer saw it.
#[derive(Debug)]
pub struct Advance {
    /// Whose log.
    pub tenant: Tenant,
    /// The size that it had.
    pub seen_size: i64,
    /// Where it is to stand.
    pub head: Head,
}

/// The logs, of those that the reader may see, that have grown past their last checkpoint.
pub async fn unsigned(connection: &mut Connection) -> Result<Vec<InstitutionId>, StoreError> {
    let ids: Vec<uuid::Uuid> = fetch_all!(
        connection,
        sqlx::query_scalar(
            "SELECT institution_id FROM logs l WHERE size > 0 AND size > coalesce(\
             (SELECT max(c.size) FROM checkpoints c WHERE c.institution_id = l.institution_id), 0)",
        )
    )?;
    Ok(ids.into_iter().map(InstitutionId::from_uuid).collect())
}

/// How many logs there are, and how many entries they have together.
pub async fn totals(connection: &mut Connection) -> Result<(i64, i64), StoreError> {
    let totals = "SELECT count(*), CAST(coalesce(sum(size), 0) AS bigint) FROM logs";
    fetch_one!(connection, sqlx::query_as(totals))
}

/// The logs that have grown past their last checkpoint, and how far.
pub async fn behind(connection: &mut Connection) -> Result<Vec<Behind>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT institution_id, size, signed, at_us FROM (SELECT l.institution_id, l.size, l.at_us, \
         coalesce((SELECT max(c.size) FROM checkpoints c WHERE c.institution_id = l.institution_id), 0) \
         AS signed FROM logs l) AS standing WHERE size > signed",
        )
    )
}
