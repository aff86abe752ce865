//! The tree, its proofs and its tiles: published vectors, and properties against the definition and against
//! implementations by others.

use proptest::prelude::*;
use veritrail_audit::{
    Edge, Frontier, Hash, Nodes, ProofError, Span, TileId, TileSet, consistency_spans, empty_root,
    inclusion_spans, leaf_hash, node_hash, span_root, subtrees, tile_hashes, tiles_for_spans,
    verify_consistency, verify_inclusion,
};

/// MTH as RFC 6962 §2.1 defines it.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(1 << (leaves.len() - 1).ilog2());
            node_hash(&mth(left), &mth(right))
        }
    }
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect()
}

struct Leaves<'a>(&'a [Hash]);

impl Nodes for Leaves<'_> {
    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        let (start, end) = ((index << level) as usize, ((index + 1) << level) as usize);
        Some(mth(self.0.get(start..end)?))
    }
}

fn hashes(spans: &[Span], nodes: &impl Nodes) -> Vec<Hash> {
    spans.iter().map(|&span| span_root(span, nodes).unwrap()).collect()
}

fn hex(text: &str) -> Hash {
    text.parse().unwrap()
}

/// The eight leaves of the tree that certificate-transparency's tests publish.
fn reference_leaves() -> Vec<Hash> {
    let inputs: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    inputs.into_iter().map(leaf_hash).collect()
}

#[test]
fn reference_roots() {
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root(), empty_root());
    for (leaf, root) in reference_leaves().into_iter().zip(roots) {
        frontier.push(leaf);
        assert_eq!(frontier.root(), hex(root), "size {}", frontier.size());
    }
}

#[test]
fn reference_inclusion_paths() {
    let leaves = reference_leaves();
    let path = |index: u64, size: u64| hashes(&inclusion_spans(index, size), &Leaves(&leaves));
    assert_eq!(path(0, 1), []);
    let expected = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ];
    assert_eq!(path(0, 8), expected.map(hex));
    let expected = [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    assert_eq!(path(5, 8), expected.map(hex));
    let expected = ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"];
    assert_eq!(path(2, 3), expected.map(hex));
}

#[test]
fn reference_consistency_proofs() {
    let leaves = reference_leaves();
    let proof = |old: u64, new: u64| hashes(&consistency_spans(old, new), &Leaves(&leaves));
    assert_eq!(proof(1, 1), []);
    let expected = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ];
    assert_eq!(proof(1, 8), expected.map(hex));
    let expected = [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    assert_eq!(proof(6, 8), expected.map(hex));
}

#[test]
fn every_small_proof_verifies_and_no_other_does() {
    let leaves = leaves(40);
    let roots: Vec<Hash> = (0..=40).map(|size| mth(&leaves[..size])).collect();
    for size in 1..=40u64 {
        let root = roots[size as usize];
        for index in 0..size {
            let leaf = leaves[index as usize];
            let path = hashes(&inclusion_spans(index, size), &Leaves(&leaves));
            verify_inclusion(&leaf, index, size, &path, &root).unwrap();
            assert!(verify_inclusion(&leaf, index + 1, size, &path, &root).is_err());
            assert_eq!(
                verify_inclusion(&leaf_hash(b"other"), index, size, &path, &root),
                Err(ProofError::Root)
            );
            assert_eq!(
                verify_inclusion(&leaf, index, size, &[path.as_slice(), &[root]].concat(), &root),
                Err(ProofError::Length)
            );
            if let Some((_, short)) = path.split_last() {
                assert_eq!(verify_inclusion(&leaf, index, size, short, &root), Err(ProofError::Length));
            }
        }
        for old in 0..=size {
            let proof = hashes(&consistency_spans(old, size), &Leaves(&leaves));
            let old_root = roots[old as usize];
            verify_consistency(old, size, &old_root, &root, &proof).unwrap();
            assert!(verify_consistency(old, size, &leaf_hash(b"other"), &root, &proof).is_err());
            if old > 0 {
                assert!(verify_consistency(old, size, &old_root, &leaf_hash(b"other"), &proof).is_err());
            }
            let long = [proof.as_slice(), &[root]].concat();
            assert!(verify_consistency(old, size, &old_root, &root, &long).is_err());
            assert!(verify_consistency(size + 1, size, &old_root, &root, &proof).is_err());
        }
    }
}

/// Appends `count` leaves and checks each completed tile against the definition.
fn grow(edge: &mut Edge, leaves: &[Hash], tiles: &mut TileSet) {
    for leaf in leaves {
        for tile in edge.push(*leaf) {
            let hashes = tile_hashes(&tile.bytes).unwrap();
            assert_eq!(hashes.len(), 256);
            assert_eq!(mth(&hashes), tile.root);
            assert_eq!(tile.id().width, 256);
            tiles.insert(tile.level, tile.index, hashes);
        }
    }
}

#[test]
fn tiles_hold_the_whole_tree() {
    let leaves = leaves(66_000);
    let (mut edge, mut tiles) = (Edge::new(), TileSet::new());
    grow(&mut edge, &leaves, &mut tiles);
    for (tile, bytes) in edge.partial_tiles() {
        tiles.insert(tile.level, tile.index, tile_hashes(&bytes).unwrap());
    }
    let whole = Span { start: 0, end: 66_000 };
    assert_eq!(span_root(whole, &tiles), Some(edge.root()));
    assert_eq!(edge.root(), mth(&leaves));
    assert_eq!(tiles_for_spans(&[whole]), [(0, 257), (1, 1), (2, 0)]);
    assert_eq!(
        TileId::partial(66_000).iter().map(TileId::path).collect::<Vec<_>>(),
        ["tile/0/257.p/208", "tile/1/001.p/1", "tile/2/000.p/1"]
    );
    for (old, new, index) in
        [(1, 66_000, 0), (65_536, 65_537, 65_536), (300, 65_999, 298), (513, 60_001, 511)]
    {
        let spans = [inclusion_spans(index, new), consistency_spans(old, new)].concat();
        let needed = tiles_for_spans(&spans);
        assert!(needed.len() <= 8);
        assert_eq!(hashes(&spans, &tiles), hashes(&spans, &Leaves(&leaves)));
    }
}

#[test]
fn paths_are_canonical() {
    let tile = TileId { level: 0, index: 1_067, width: 12 };
    assert_eq!(tile.path(), "tile/0/x001/067.p/12");
    assert_eq!(TileId { level: 63, index: 1_234_067, width: 256 }.path(), "tile/63/x001/x234/067");
    for path in [
        "tile/0/x001/067.p/0",
        "tile/0/x001/067.p/256",
        "tile/0/001/067",
        "tile/0/x000/067",
        "tile/00/067",
        "tile/64/067",
        "tile/0/67",
        "tile/0/x067",
        "tile/0/+67",
        "tile/0/067.p/012",
        "tile/0/067/",
        "/tile/0/067",
        "tile/0/",
        "tile/0/0067",
        "tile/entries/067",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert!(path.parse::<TileId>().is_err(), "{path}");
    }
}

proptest! {
    #[test]
    fn paths_round_trip(level in 0u8..64, index: u64, width in 1u16..=256) {
        let tile = TileId { level, index, width };
        prop_assert_eq!(tile.path().parse(), Ok(tile));
        let bundle = veritrail_audit::EntriesTileId { index, width };
        prop_assert_eq!(bundle.path().parse(), Ok(bundle));
    }

    #[test]
    fn edges_restore(count in 0u64..1_500, more in 0u64..600) {
        let leaves = leaves(count + more);
        let (first, rest) = leaves.split_at(count as usize);
        let (mut edge, mut tiles) = (Edge::new(), TileSet::new());
        grow(&mut edge, first, &mut tiles);
        let mut restored = Edge::restore(count, edge.partial().to_vec()).unwrap();
        prop_assert_eq!(&restored, &edge);
        grow(&mut restored, rest, &mut tiles);
        prop_assert_eq!(restored.root(), mth(&leaves));
        prop_assert!(Edge::restore(count + 1, edge.partial().to_vec()).is_err());
    }

    #[test]
    fn a_frontier_continues_over_subtrees(from in 0u64..500, to in 0u64..500, end in 0u64..500) {
        let mut sizes = [from, to, end];
        sizes.sort_unstable();
        let [from, to, size] = sizes;
        let leaves = leaves(size);
        let (left, right) = veritrail_audit::range_spans(from, to, size);
        let mut frontier = Frontier::from_hashes(from, hashes(&left, &Leaves(&leaves))).unwrap();
        leaves[from as usize..to as usize].iter().for_each(|leaf| frontier.push(*leaf));
        prop_assert_eq!(frontier.root(), mth(&leaves[..to as usize]));
        for (span, root) in right.iter().zip(hashes(&right, &Leaves(&leaves))) {
            frontier.push_subtree(span.level().unwrap(), root).unwrap();
        }
        prop_assert_eq!(frontier.root(), mth(&leaves));
    }

    #[test]
    fn subtrees_cover_without_gaps(start in 0u64..1 << 40, length in 0u64..1 << 40) {
        let mut at = start;
        for span in subtrees(start, start + length) {
            prop_assert_eq!(span.start, at);
            prop_assert!(span.level().is_some());
            at = span.end;
        }
        prop_assert_eq!(at, start + length);
    }

    #[test]
    fn proofs_hold_in_large_trees(index in 0u64..70_000, size in 1u64..70_000, old in 1u64..70_000) {
        prop_assume!(index < size && old <= size);
        // A tree of equal leaves: each complete subtree is one hash a level.
        let mut levels = vec![leaf_hash(b"same")];
        for level in 0..40 {
            levels.push(node_hash(&levels[level], &levels[level]));
        }
        struct Same(Vec<Hash>);
        impl Nodes for Same {
            fn node(&self, level: u8, _: u64) -> Option<Hash> {
                self.0.get(usize::from(level)).copied()
            }
        }
        let nodes = Same(levels);
        let root = |size| span_root(Span { start: 0, end: size }, &nodes).unwrap();
        let path = hashes(&inclusion_spans(index, size), &nodes);
        prop_assert_eq!(verify_inclusion(&leaf_hash(b"same"), index, size, &path, &root(size)), Ok(()));
        let proof = hashes(&consistency_spans(old, size), &nodes);
        prop_assert_eq!(verify_consistency(old, size, &root(old), &root(size), &proof), Ok(()));
    }
}
