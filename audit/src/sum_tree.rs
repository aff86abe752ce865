//! A Merkle-sum tree: its root commits to every contribution of a figure, and to what they sum to.
//!
//! Shaped as RFC 6962 section 2.1 has it (the left part is the largest power of two below the size), but each
//! node has sums beside its hash, and a parent's hash covers its children's sums. Credits and debits are summed
//! apart and never below nought, so that no branch can hide another: whoever shows one leaf and its path has
//! also shown that all leaves together sum to what the root says.
//!
//! - leaf: SHA-256(0x00 ‖ seq ‖ credit ‖ debit)
//! - node: SHA-256(0x01 ‖ left hash ‖ left credit ‖ left debit ‖ right hash ‖ right credit ‖ right debit)
//! - no leaves: SHA-256 of nothing, and sums of nought
//!
//! with seq in 8 bytes and sums in 16, big-endian.

use sha2::{Digest as _, Sha256};

use crate::hash::{Hash, empty_root};

/// One record's part in a figure: of credit and debit, one is nought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumLeaf {
    /// The record's entry.
    pub seq: u64,
    /// What it adds, in the smallest unit.
    pub credit: u64,
    /// What it takes away.
    pub debit: u64,
}

impl SumLeaf {
    /// A record that adds this much; takes away, below nought.
    #[must_use]
    pub fn new(seq: u64, amount: i64) -> Self {
        let size = amount.unsigned_abs();
        let (credit, debit) = if amount < 0 { (0, size) } else { (size, 0) };
        Self { seq, credit, debit }
    }

    fn node(self) -> SumNode {
        let (credit, debit) = (u128::from(self.credit), u128::from(self.debit));
        let mut sha256 = Sha256::new_with_prefix([0]);
        sha256.update(self.seq.to_be_bytes());
        sha256.update(credit.to_be_bytes());
        sha256.update(debit.to_be_bytes());
        SumNode { hash: Hash(sha256.finalize().into()), credit, debit }
    }
}

/// A node: what its leaves sum to, and a hash of all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumNode {
    /// Its hash.
    pub hash: Hash,
    /// What its leaves add.
    pub credit: u128,
    /// What they take away.
    pub debit: u128,
}

impl SumNode {
    fn join(left: &Self, right: &Self) -> Self {
        let mut sha256 = Sha256::new_with_prefix([1]);
        for node in [left, right] {
            sha256.update(node.hash.0);
            sha256.update(node.credit.to_be_bytes());
            sha256.update(node.debit.to_be_bytes());
        }
        Self {
            hash: Hash(sha256.finalize().into()),
            credit: left.credit.saturating_add(right.credit),
            debit: left.debit.saturating_add(right.debit),
        }
    }

    /// What is left when what is taken away is taken away.
    #[must_use]
    pub fn total(&self) -> i128 {
        let signed = |sum: u128| i128::try_from(sum).unwrap_or(i128::MAX);
        signed(self.credit) - signed(self.debit)
    }
}

/// A tree that grows leaf by leaf. It holds one node for each complete subtree.
#[derive(Clone, Debug, Default)]
pub struct SumTree {
    size: u64,
    subtrees: Vec<SumNode>,
}

impl SumTree {
    /// Adds a leaf.
    pub fn push(&mut self, leaf: SumLeaf) {
        let mut node = leaf.node();
        let mut joined = self.size;
        while joined & 1 == 1 {
            let Some(left) = self.subtrees.pop() else { break };
            node = SumNode::join(&left, &node);
            joined >>= 1;
        }
        self.subtrees.push(node);
        self.size += 1;
    }

    /// How many leaves it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Its root.
    #[must_use]
    pub fn root(&self) -> SumNode {
        let mut nodes = self.subtrees.iter().rev();
        let Some(last) = nodes.next() else { return SumNode { hash: empty_root(), credit: 0, debit: 0 } };
        nodes.fold(*last, |right, left| SumNode::join(left, &right))
    }
}

/// The path from a leaf to the root: the nodes beside it, from the bottom up. None if there is no such leaf.
#[must_use]
pub fn sum_path(leaves: &[SumLeaf], index: usize) -> Option<Vec<SumNode>> {
    if index >= leaves.len() {
        return None;
    }
    if leaves.len() == 1 {
        return Some(Vec::new());
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut path, beside) = match index.checked_sub(left.len()) {
        None => (sum_path(left, index)?, right),
        Some(index) => (sum_path(right, index)?, left),
    };
    path.push(root_of(beside));
    Some(path)
}

/// The root that a leaf and its path make; none where the path does not fit the place.
#[must_use]
pub fn sum_root(leaf: SumLeaf, index: u64, size: u64, path: &[SumNode]) -> Option<SumNode> {
    if index >= size {
        return None;
    }
    if size == 1 {
        return path.is_empty().then(|| leaf.node());
    }
    let (beside, path) = path.split_last()?;
    let left = border(size);
    match index.checked_sub(left) {
        None => Some(SumNode::join(&sum_root(leaf, index, left, path)?, beside)),
        Some(index) => Some(SumNode::join(beside, &sum_root(leaf, index, size - left, path)?)),
    }
}

fn root_of(leaves: &[SumLeaf]) -> SumNode {
    let mut tree = SumTree::default();
    leaves.iter().for_each(|leaf| tree.push(*leaf));
    tree.root()
}

/// The largest power of two below a size of two or more.
fn border(size: u64) -> u64 {
    size.next_power_of_two() / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaves() -> impl Strategy<Value = Vec<SumLeaf>> {
        prop::collection::vec((0..99_u64, -1_000..1_000_i64), 1..40)
            .prop_map(|parts| parts.into_iter().map(|(seq, amount)| SumLeaf::new(seq, amount)).collect())
    }

    #[test]
    fn no_leaves_sum_to_nought() {
        let root = SumTree::default().root();
        assert_eq!((root.total(), root.hash), (0, empty_root()));
    }

    proptest! {
        #[test]
        fn the_root_has_the_sum_and_every_leaf_shows_it(leaves in leaves()) {
            let root = root_of(&leaves);
            let sum: i128 = leaves.iter().map(|leaf| i128::from(leaf.credit) - i128::from(leaf.debit)).sum();
            prop_assert_eq!(root.total(), sum);
            for (index, leaf) in leaves.iter().enumerate() {
                let path = sum_path(&leaves, index).unwrap();
                prop_assert_eq!(sum_root(*leaf, index as u64, leaves.len() as u64, &path), Some(root));
            }
        }

        #[test]
        fn nothing_can_be_changed_dropped_or_moved(leaves in leaves(), at: prop::sample::Index, by in 1_u64..9) {
            let (root, at) = (root_of(&leaves), at.index(leaves.len()));
            let mut changed = leaves.clone();
            changed[at].credit += by;
            prop_assert_ne!(root_of(&changed), root);
            let mut dropped = leaves.clone();
            dropped.remove(at);
            prop_assert_ne!(root_of(&dropped), root);
            let mut path = sum_path(&leaves, at).unwrap();
            if let Some(node) = path.first_mut() {
                node.credit += u128::from(by);
                prop_assert_ne!(sum_root(leaves[at], at as u64, leaves.len() as u64, &path), Some(root));
            }
        }
    }
}
