//! Reading a log's tree: tiles, proofs and roots at any size it ever had.
//!
//! Full tiles are stored; a partial one is made from what lies below it: the entries' leaf hashes
//! at level 0, the roots of full tiles above.

use veritrail_audit::{
    Edge, Hash, Span, TileSet, consistency_spans, empty_root, inclusion_spans, leaf_hash, span_root,
    tile_hashes, tiles_for_spans,
};

use crate::{
    domain::Tenant,
    store::{Connection, StoreError, entries, tiles},
};

/// Hashes in a full tile.
pub const TILE_WIDTH: u64 = 256;

/// Why a tree could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Entries or tiles that must be there are not, or are of the wrong shape.
    #[error("the stored tree is damaged: {0}")]
    Damaged(String),
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// How many hashes of a tile level exist when the log has `size` entries.
fn count(size: u64, level: u8) -> u64 {
    size.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

/// The hashes that a tile has when the log has `size` entries: none, some, or 256.
pub async fn tile(
    connection: &mut Connection,
    tenant: Tenant,
    size: u64,
    level: u8,
    index: u64,
) -> Result<Vec<Hash>, TreeError> {
    let first = index.saturating_mul(TILE_WIDTH);
    let until = count(size, level).min(first.saturating_add(TILE_WIDTH));
    if first >= until {
        return Ok(Vec::new());
    }
    let hashes = if until - first == TILE_WIDTH {
        let bytes = tiles::hashes(connection, tenant, i64::from(level), signed(index)).await?;
        bytes.and_then(|bytes| tile_hashes(&bytes)).unwrap_or_default()
    } else if level == 0 {
        let rows =
            entries::range(connection, tenant, signed(first), signed(until), signed(TILE_WIDTH)).await?;
        rows.iter().map(|row| leaf_hash(&row.bytes)).collect()
    } else {
        let below = i64::from(level) - 1;
        let roots = tiles::roots(connection, tenant, below, signed(first), signed(until)).await?;
        roots.iter().filter_map(|root| Some(Hash(root.as_slice().try_into().ok()?))).collect::<Vec<_>>()
    };
    if hashes.len() as u64 != until - first {
        return Err(TreeError::Damaged(format!(
            "tile {level}/{index} has {} hashes instead of {}",
            hashes.len(),
            until - first
        )));
    }
    Ok(hashes)
}

/// The roots of some spans, in the tree of `size` entries.
pub async fn span_roots(
    connection: &mut Connection,
    tenant: Tenant,
    size: u64,
    spans: &[Span],
) -> Result<Vec<Hash>, TreeError> {
    let mut set = TileSet::new();
    for (level, index) in tiles_for_spans(spans) {
        set.insert(level, index, tile(connection, tenant, size, level, index).await?);
    }
    spans
        .iter()
        .map(|span| {
            span_root(*span, &set).ok_or_else(|| {
                TreeError::Damaged(format!("no root for entries {}..{}", span.start, span.end))
            })
        })
        .collect()
}

/// The root when the log had `size` entries.
pub async fn root_at(connection: &mut Connection, tenant: Tenant, size: u64) -> Result<Hash, TreeError> {
    if size == 0 {
        return Ok(empty_root());
    }
    let roots = span_roots(connection, tenant, size, &[Span { start: 0, end: size }]).await?;
    Ok(roots[0])
}

/// The RFC 6962 audit path of entry `seq` in the tree of `size` entries.
pub async fn inclusion(
    connection: &mut Connection,
    tenant: Tenant,
    seq: u64,
    size: u64,
) -> Result<Vec<Hash>, TreeError> {
    span_roots(connection, tenant, size, &inclusion_spans(seq, size)).await
}

/// The RFC 6962 consistency proof between two sizes.
pub async fn consistency(
    connection: &mut Connection,
    tenant: Tenant,
    old: u64,
    new: u64,
) -> Result<Vec<Hash>, TreeError> {
    span_roots(connection, tenant, new, &consistency_spans(old, new)).await
}

/// A log's right edge, ready to be appended to.
pub async fn edge(connection: &mut Connection, tenant: Tenant, size: u64) -> Result<Edge, TreeError> {
    let mut partial = Vec::new();
    for level in 0..8 {
        let hashes = count(size, level);
        if hashes == 0 {
            break;
        }
        let index = hashes / TILE_WIDTH;
        let keep = hashes % TILE_WIDTH;
        partial.push(if keep == 0 {
            Vec::new()
        } else {
            tile(connection, tenant, size, level, index).await?
        });
    }
    Edge::restore(size, partial).map_err(|e| TreeError::Damaged(e.to_string()))
}
