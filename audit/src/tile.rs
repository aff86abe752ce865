//! Tiles: the tree's nodes in blocks of 256, as files of fixed names (c2sp.org/tlog-tiles).
//!
//! Entry `i` of tile `N` on tile level `L` is the root of the complete subtree of 256^L leaves with index
//! `256 N + i`. Full tiles never change. Tiles are derived: they can be rebuilt from the entries.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::hash::{HASH_BYTES, Hash, node_hash};
use crate::merkle::{Frontier, Nodes, Span, subtrees};
use crate::scan::decimal;

/// Hashes in a full tile, entries in a full entry bundle.
pub const TILE_WIDTH: u16 = 256;

/// The highest tile level that a path can name.
pub const MAX_TILE_LEVEL: u8 = 63;

/// Why a tile is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// The path is not a tile's, or not its canonical spelling.
    #[error("not the path of a tile")]
    Path,
    /// The hashes are not as many as the size asks for.
    #[error("the tiles do not fit the size")]
    Size,
    /// An entry is longer than 65,535 bytes.
    #[error("an entry is too long for an entry bundle")]
    Entry,
}

/// The name of a hash tile: `tile/<L>/<N>[.p/<W>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// The tile level, 0 to 63; level 0 holds leaf hashes.
    pub level: u8,
    /// The tile's index on its level.
    pub index: u64,
    /// Hashes in it: 1 to 255 for a partial tile, 256 for a full one.
    pub width: u16,
}

/// The name of an entry bundle: `tile/entries/<N>[.p/<W>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntriesTileId {
    /// The bundle's index: it begins with entry `256 · index`.
    pub index: u64,
    /// Entries in it: 1 to 255 for a partial bundle, 256 for a full one.
    pub width: u16,
}

impl TileId {
    /// The path, as `tile/0/x001/067.p/12`.
    pub fn path(&self) -> String {
        self.to_string()
    }

    /// Every partial tile of the tree of `size` leaves; none for a level whose last tile is full.
    pub fn partial(size: u64) -> Vec<Self> {
        (0..8u8)
            .map(|level| (level, size >> (8 * level)))
            .filter(|(_, nodes)| nodes % 256 != 0)
            .map(|(level, nodes)| Self { level, index: nodes >> 8, width: (nodes % 256) as u16 })
            .collect()
    }
}

impl EntriesTileId {
    /// The path, as `tile/entries/x001/067.p/12`.
    pub fn path(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.level)?;
        write_index(f, self.index, self.width)
    }
}

impl fmt::Display for EntriesTileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tile/entries/")?;
        write_index(f, self.index, self.width)
    }
}

/// Groups of three digits, all but the last marked with `x`.
fn write_index(f: &mut fmt::Formatter<'_>, index: u64, width: u16) -> fmt::Result {
    let mut groups = vec![index % 1000];
    let mut rest = index / 1000;
    while rest > 0 {
        groups.push(rest % 1000);
        rest /= 1000;
    }
    for (place, group) in groups.iter().enumerate().rev() {
        let (mark, after) = if place > 0 { ("x", "/") } else { ("", "") };
        write!(f, "{mark}{group:03}{after}")?;
    }
    if width < TILE_WIDTH { write!(f, ".p/{width}") } else { Ok(()) }
}

impl FromStr for TileId {
    type Err = TileError;

    fn from_str(path: &str) -> Result<Self, TileError> {
        let (level, rest) =
            path.strip_prefix("tile/").and_then(|p| p.split_once('/')).ok_or(TileError::Path)?;
        let level =
            decimal(level.as_bytes()).and_then(|level| u8::try_from(level).ok()).ok_or(TileError::Path)?;
        let (index, width) = parse_index(rest)?;
        let tile = Self { level, index, width };
        if level <= MAX_TILE_LEVEL && tile.path() == path { Ok(tile) } else { Err(TileError::Path) }
    }
}

impl FromStr for EntriesTileId {
    type Err = TileError;

    fn from_str(path: &str) -> Result<Self, TileError> {
        let (index, width) = parse_index(path.strip_prefix("tile/entries/").ok_or(TileError::Path)?)?;
        let tile = Self { index, width };
        if tile.path() == path { Ok(tile) } else { Err(TileError::Path) }
    }
}

/// Reads generously: the callers refuse what doesn't print as it was read.
fn parse_index(text: &str) -> Result<(u64, u16), TileError> {
    let (groups, width) = match text.split_once(".p/") {
        Some((groups, width)) => (groups, decimal(width.as_bytes()).ok_or(TileError::Path)?),
        None => (text, u64::from(TILE_WIDTH)),
    };
    let width = u16::try_from(width).ok().filter(|width| (1..=TILE_WIDTH).contains(width));
    let index = groups.split('/').try_fold(0u64, |index, group| {
        let digits = group.strip_prefix('x').unwrap_or(group);
        let value = (digits.len() == 3).then(|| digits.parse::<u64>().ok())??;
        index.checked_mul(1000)?.checked_add(value)
    });
    index.zip(width).ok_or(TileError::Path)
}

/// An entry bundle: before each entry its length as 16 bits, big-endian.
///
/// # Errors
/// [`TileError::Entry`] if an entry is longer than 65,535 bytes.
pub fn entry_bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, TileError> {
    let mut out = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).map_err(|_| TileError::Entry)?;
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(entry);
    }
    Ok(out)
}

/// A tile's file: its hashes one after the other.
pub fn tile_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// A tile's hashes from its file; None if the length is no multiple of 32.
pub fn tile_hashes(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
    rest.is_empty().then(|| hashes.iter().map(|&hash| Hash(hash)).collect())
}

/// A tile that an append completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullTile {
    /// The tile level.
    pub level: u8,
    /// The tile's index on its level.
    pub index: u64,
    /// Its 256 hashes: 8,192 bytes.
    pub bytes: Vec<u8>,
    /// The root over them: the entry that this tile has on the level above.
    pub root: Hash,
}

impl FullTile {
    /// The tile's name.
    pub fn id(&self) -> TileId {
        TileId { level: self.level, index: self.index, width: TILE_WIDTH }
    }
}

/// A log's right edge: the partial tile of every level, and the [`Frontier`]. An append costs one node hash
/// on average, since a completed tile's root is a node that the frontier merges anyway.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edge {
    frontier: Frontier,
    partial: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge of the empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// The edge of a log of `size` leaves from its partial tiles, level 0 first, an empty one where a
    /// level's last tile is full. Levels above the last may be left out if they are empty.
    ///
    /// # Errors
    /// [`TileError::Size`] if a level doesn't hold as many hashes as `size` asks for.
    pub fn restore(size: u64, mut partial: Vec<Vec<Hash>>) -> Result<Self, TileError> {
        partial.resize(partial.len().max(8), Vec::new());
        let fits = |(level, hashes): (usize, &Vec<Hash>)| {
            let nodes = u32::try_from(8 * level).ok().and_then(|shift| size.checked_shr(shift)).unwrap_or(0);
            hashes.len() as u64 == nodes % 256
        };
        if !partial.iter().enumerate().all(fits) {
            return Err(TileError::Size);
        }
        // The frontier's subtrees are, level by level, the complete subtrees of each partial tile.
        let mut roots = Vec::new();
        for hashes in partial.iter().rev() {
            for span in subtrees(0, hashes.len() as u64) {
                roots.push(fold(&hashes[span.start as usize..span.end as usize]));
            }
        }
        let frontier = Frontier::from_hashes(size, roots).map_err(|_| TileError::Size)?;
        while partial.pop_if(|hashes| hashes.is_empty()).is_some() {}
        Ok(Self { frontier, partial })
    }

    /// Appends a leaf hash and returns the tiles that this completes, lowest level first; mostly none.
    pub fn push(&mut self, leaf: Hash) -> Vec<FullTile> {
        let at = self.frontier.size();
        let partial = &mut self.partial;
        let mut full = Vec::new();
        self.frontier.push_seen(leaf, |node_level, node| {
            if node_level % 8 != 0 {
                return;
            }
            let level = usize::from(node_level / 8);
            if level > 0 {
                let bytes = tile_bytes(&partial[level - 1]);
                partial[level - 1].clear();
                full.push(FullTile {
                    level: node_level / 8 - 1,
                    index: at >> node_level,
                    bytes,
                    root: *node,
                });
            }
            if partial.len() == level {
                partial.push(Vec::with_capacity(TILE_WIDTH.into()));
            }
            partial[level].push(*node);
        });
        full
    }

    /// Leaves so far.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The tree's root.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The frontier: all that a root needs.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// The hashes of each level's partial tile, level 0 first: what [`Edge::restore`] takes.
    pub fn partial(&self) -> &[Vec<Hash>] {
        &self.partial
    }

    /// The partial tiles as files, with their names.
    pub fn partial_tiles(&self) -> Vec<(TileId, Vec<u8>)> {
        let bytes =
            |tile: TileId| self.partial.get(usize::from(tile.level)).map(|hashes| (tile, tile_bytes(hashes)));
        TileId::partial(self.size()).into_iter().filter_map(bytes).collect()
    }
}

/// The root over 2^k hashes, 1 ≤ 2^k ≤ 256.
fn fold(hashes: &[Hash]) -> Hash {
    match hashes {
        [hash] => *hash,
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            node_hash(&fold(left), &fold(right))
        }
    }
}

/// Tiles held in memory; levels between theirs are hashed up when asked for.
#[derive(Debug, Clone, Default)]
pub struct TileSet(BTreeMap<(u8, u64), Vec<Hash>>);

impl TileSet {
    /// No tiles.
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds a tile, full or partial, in place of what was held for it.
    pub fn insert(&mut self, level: u8, index: u64, hashes: Vec<Hash>) {
        self.0.insert((level, index), hashes);
    }
}

impl Nodes for TileSet {
    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        let (tile, first, count) = locate(level, index);
        let hashes = self.0.get(&tile)?.get(first..first + count)?;
        Some(fold(hashes))
    }
}

/// Where a node lies: its tile, and there the hashes that fold into it.
fn locate(level: u8, index: u64) -> ((u8, u64), usize, usize) {
    let above = level % 8;
    let tile = (level / 8, index >> (8 - above));
    let first = (index << above) & 0xff;
    (tile, first as usize, 1 << above)
}

/// The tiles, as (level, index), that a [`TileSet`] must hold to compute `spans`; sorted, each once.
pub fn tiles_for_spans(spans: &[Span]) -> Vec<(u8, u64)> {
    let mut tiles: Vec<_> = spans
        .iter()
        .flat_map(|span| subtrees(span.start, span.end))
        .filter_map(|span| span.level().map(|level| locate(level, span.start >> level).0))
        .collect();
    tiles.sort_unstable();
    tiles.dedup();
    tiles
}
