//! `/ledger/{institution}/…`: a tool made for transparency logs reads the log whole.

use veritrail_audit::{EntriesTileId, Entry, Frontier, Hash, TileId, leaf_hash, node_hash, tile_hashes};

use crate::support::{Answer, Caller, Server, proof};

const WIDTH: u64 = 256;

struct Log {
    system: Caller,
    prefix: String,
    vkey: &'static str,
}

impl Log {
    async fn of(index: usize) -> Self {
        let server = Server::shared();
        let prefix = format!("/ledger/{}", server.institution(index));
        Self { system: server.system(index).await, prefix, vkey: server.vkey(index) }
    }

    async fn get(&self, path: &str) -> Answer {
        self.system.get(&format!("{}/{path}", self.prefix)).await
    }

    async fn file(&self, path: &str) -> Vec<u8> {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
        let full = !path.contains(".p/");
        let caching = answer.header("cache-control").unwrap();
        assert_eq!(caching.contains("immutable"), full, "{path}: {caching}");
        assert!(caching.starts_with("private"), "{path}: {caching}");
        answer.body
    }

    /// A level's tiles of a tree of this many nodes on that level.
    async fn level(&self, level: u8, nodes: u64) -> Vec<Hash> {
        let mut hashes = Vec::new();
        for index in 0..nodes.div_ceil(WIDTH) {
            let width = u16::try_from((nodes - index * WIDTH).min(WIDTH)).unwrap();
            let tile = self.file(&TileId { level, index, width }.path()).await;
            assert_eq!(tile.len(), usize::from(width) * 32);
            hashes.extend(tile_hashes(&tile).unwrap());
        }
        hashes
    }
}

/// Takes an entry bundle apart.
fn entries(bundle: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = bundle;
    let mut entries = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (entry, after) = after.split_at(u16::from_be_bytes(*length).into());
        entries.push(entry.to_vec());
        rest = after;
    }
    assert!(rest.is_empty());
    entries
}

/// The root over a full tile's hashes.
fn tile_root(hashes: &[Hash]) -> Hash {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.chunks(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    row[0]
}

#[tokio::test]
async fn the_tree_rebuilt_from_tiles_and_from_entries_has_the_signed_root() {
    let log = Log::of(1).await;
    let note = log.get("checkpoint").await;
    let checkpoint = proof::checkpoint(note.text(), log.vkey);
    assert!(checkpoint.size > 2 * WIDTH, "the demo's log has full tiles");

    let leaves = log.level(0, checkpoint.size).await;
    let mut from_tiles = Frontier::new();
    leaves.iter().for_each(|leaf| from_tiles.push(*leaf));
    assert_eq!(from_tiles.root(), checkpoint.root);

    let mut at = 0;
    for index in 0..checkpoint.size.div_ceil(WIDTH) {
        let width = u16::try_from((checkpoint.size - index * WIDTH).min(WIDTH)).unwrap();
        for entry in entries(&log.file(&EntriesTileId { index, width }.path()).await) {
            assert_eq!(leaf_hash(&entry), leaves[at]);
            assert_eq!(Entry::parse(&entry).unwrap().seq, at as u64);
            at += 1;
        }
    }
    assert_eq!(at as u64, checkpoint.size);

    let above = log.level(1, checkpoint.size / WIDTH).await;
    let below: Vec<Hash> = leaves.chunks_exact(256).map(tile_root).collect();
    assert_eq!(above, below, "each hash of level 1 is the root of a full tile");
}

#[tokio::test]
async fn a_partial_tile_is_the_beginning_of_the_full_one() {
    let log = Log::of(1).await;
    let full = log.file("tile/0/000").await;
    for width in [1, 2, 17, 255] {
        let part = log.file(&format!("tile/0/000.p/{width}")).await;
        assert_eq!(part, full[..width * 32]);
    }
    let (all, some) = (log.file("tile/entries/000").await, log.file("tile/entries/000.p/3").await);
    assert_eq!(entries(&some), entries(&all)[..3]);
}

#[tokio::test]
async fn what_is_no_tile_or_beyond_the_signed_tree_is_not_found() {
    let log = Log::of(1).await;
    for path in [
        "tile/0/999",
        "tile/0/x001/000",
        "tile/9/000",
        "tile/64/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/01",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/00x",
        "tile/x/000",
        "tile/-1/000",
        "tile/entries/999",
        "tile/entries/000.p/0",
        "tile/entries/../../etc",
        "tile/",
        "tile/0",
        "tile/entries/x999/x999/x999/x999/x999/x999/x999",
        "checkpoints",
        "",
    ] {
        log.get(path).await.problem(404, "not_found");
    }
    let other = Log::of(0).await;
    for path in ["checkpoint", "tile/0/000", "tile/entries/000"] {
        let path = format!("{}/{path}", log.prefix);
        other.system.get(&path).await.problem(404, "not_found");
    }
}
