//! The Merkle tree over a log's leaf hashes: roots, audit paths and consistency (RFC 6962 §2.1).
//!
//! The tree is never held: [`Frontier`] keeps one hash for each complete subtree of a growing log, and the
//! proofs are described as [`Span`]s, whose hashes come from wherever [`Nodes`] are stored.

use crate::hash::{Hash, empty_root, node_hash};

/// The hashes of the complete subtrees that cover leaves `start..end`, in order, where `start` need not be
/// zero; merging stops at the range's left border. Two neighbours can be joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    start: u64,
    end: u64,
    hashes: Vec<Hash>,
}

impl Run {
    pub(crate) fn new(start: u64) -> Self {
        Self { start, end: start, hashes: Vec::new() }
    }

    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Appends a complete subtree of 2^level leaves, which must be aligned at `end`, and shows every node
    /// that this completes, with its level, from the subtree itself upwards.
    fn push(&mut self, mut level: u8, mut node: Hash, mut seen: impl FnMut(u8, &Hash)) {
        let at = self.end;
        seen(level, &node);
        // The node here is a right child if its index is odd; its sibling is ours if it begins at or after
        // the left border.
        while (at >> level) & 1 == 1 && ((at >> level) - 1) << level >= self.start {
            let Some(left) = self.hashes.pop() else { break };
            node = node_hash(&left, &node);
            level += 1;
            seen(level, &node);
        }
        self.hashes.push(node);
    }

    pub(crate) fn push_leaf(&mut self, leaf: Hash) {
        self.push(0, leaf, |_, _| ());
        self.end += 1;
    }

    fn push_subtree(&mut self, level: u8, node: Hash, seen: impl FnMut(u8, &Hash)) {
        self.push(level, node, seen);
        self.end += 1 << level;
    }
}

/// A log's right edge: its size and the root of each complete subtree, largest first. Enough to append
/// leaves and to compute the root at every size on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frontier(Run);

impl Default for Frontier {
    fn default() -> Self {
        Self::new()
    }
}

impl Frontier {
    /// The empty tree.
    pub fn new() -> Self {
        Self(Run::new(0))
    }

    /// The tree of `size` leaves from the roots of its complete subtrees, largest first, one for each bit
    /// of `size`: the hashes of [`subtrees`]`(0, size)`.
    ///
    /// # Errors
    /// [`ProofError::Length`] if their number is not the number of bits in `size`.
    pub fn from_hashes(size: u64, hashes: Vec<Hash>) -> Result<Self, ProofError> {
        if hashes.len() == size.count_ones() as usize {
            Ok(Self(Run { start: 0, end: size, hashes }))
        } else {
            Err(ProofError::Length)
        }
    }

    /// Appends a leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        self.0.push_leaf(leaf);
    }

    /// Appends a leaf hash and shows each node that it completes as (level, hash), the leaf included.
    pub(crate) fn push_seen(&mut self, leaf: Hash, seen: impl FnMut(u8, &Hash)) {
        self.0.push_subtree(0, leaf, seen);
    }

    /// Appends a complete subtree of 2^level leaves by its root.
    ///
    /// # Errors
    /// [`ProofError::Range`] if the size so far is no multiple of 2^level, or the tree would be too large.
    pub fn push_subtree(&mut self, level: u8, root: Hash) -> Result<(), ProofError> {
        let width = 1u64.checked_shl(level.into()).ok_or(ProofError::Range)?;
        if !self.size().is_multiple_of(width) || self.size().checked_add(width).is_none() {
            return Err(ProofError::Range);
        }
        self.0.push_subtree(level, root, |_, _| ());
        Ok(())
    }

    /// Appends a run that begins where this ends.
    pub(crate) fn append(&mut self, run: &Run) -> Result<(), ProofError> {
        if run.start != self.size() {
            return Err(ProofError::Range);
        }
        subtrees(run.start, run.end)
            .iter()
            .zip(&run.hashes)
            .try_for_each(|(span, hash)| self.push_subtree(span.level().ok_or(ProofError::Range)?, *hash))
    }

    /// Leaves so far.
    pub fn size(&self) -> u64 {
        self.0.end
    }

    /// The roots of the complete subtrees, largest first.
    pub fn hashes(&self) -> &[Hash] {
        &self.0.hashes
    }

    /// The tree's root, `MTH(D[0:size])`.
    pub fn root(&self) -> Hash {
        self.0
            .hashes
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or_else(empty_root)
    }
}

/// The leaves `start..end`, standing for the subtree hash `MTH(D[start:end])` (RFC 6962 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first leaf.
    pub start: u64,
    /// The leaf after the last; above `start`.
    pub end: u64,
}

impl Span {
    /// The level of the node that this span is, if it is a complete, aligned subtree of 2^level leaves.
    pub fn level(&self) -> Option<u8> {
        let width = self.end.checked_sub(self.start)?;
        let level = u8::try_from(width.trailing_zeros()).ok()?;
        (width.is_power_of_two() && self.start.is_multiple_of(width)).then_some(level)
    }

    /// Where MTH splits it: after the largest power of two below its width. None for a single leaf.
    fn split(&self) -> Option<(Self, Self)> {
        let width = self.end.checked_sub(self.start).filter(|&width| width > 1)?;
        let middle = self.start + (1 << (width - 1).ilog2());
        Some((Self { start: self.start, end: middle }, Self { start: middle, end: self.end }))
    }
}

/// The fewest complete, aligned subtrees that cover the leaves `start..end`, in order.
pub fn subtrees(start: u64, end: u64) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut at = start;
    while at < end {
        let fits = (end - at).ilog2();
        let level = at.trailing_zeros().min(fits);
        spans.push(Span { start: at, end: at + (1 << level) });
        at += 1 << level;
    }
    spans
}

/// The audit path of leaf `index` in the tree of `size` leaves: `PATH(m, D[n])`, leaf to root
/// (RFC 6962 §2.1.1). Empty if `index` is not below `size`.
pub fn inclusion_spans(index: u64, size: u64) -> Vec<Span> {
    let mut path = Vec::new();
    let mut here = Span { start: 0, end: size };
    while let Some((left, right)) = here.split().filter(|_| index < size) {
        let (next, sibling) = if index < left.end { (left, right) } else { (right, left) };
        path.push(sibling);
        here = next;
    }
    path.reverse();
    path
}

/// The consistency proof between the trees of `old` and `new` leaves: `PROOF(m, D[n])` (RFC 6962 §2.1.2).
/// Empty if `old` is 0 or not below `new`.
pub fn consistency_spans(old: u64, new: u64) -> Vec<Span> {
    let mut path = Vec::new();
    if old == 0 || old >= new {
        return path;
    }
    let mut here = Span { start: 0, end: new };
    while let Some((left, right)) = here.split().filter(|_| here.end != old) {
        let (next, sibling) = if old <= left.end { (left, right) } else { (right, left) };
        path.push(sibling);
        here = next;
    }
    // The old root itself is known to the reader only if it is one complete subtree from the left.
    if here.start != 0 {
        path.push(here);
    }
    path.reverse();
    path
}

/// A store of complete, aligned subtrees' roots.
pub trait Nodes {
    /// The root of the `index`th complete subtree of 2^level leaves, if it is stored.
    fn node(&self, level: u8, index: u64) -> Option<Hash>;
}

/// The subtree hash of `span`, from stored nodes; None if the span is empty or a node is missing.
pub fn span_root(span: Span, nodes: &impl Nodes) -> Option<Hash> {
    if let Some(level) = span.level() {
        return nodes.node(level, span.start >> level);
    }
    let (left, right) = span.split()?;
    Some(node_hash(&span_root(left, nodes)?, &span_root(right, nodes)?))
}

/// Why a proof doesn't hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The index is not in the tree, or a size doesn't fit the other.
    #[error("the index or the sizes do not fit each other")]
    Range,
    /// Too few or too many hashes.
    #[error("the proof has the wrong number of hashes")]
    Length,
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// Checks an audit path (RFC 9162 §2.1.3.2).
///
/// # Errors
/// [`ProofError`] if the path doesn't lead from `leaf` at `index` to `root` at `size`.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Range);
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // A right border skips the levels on which it has no sibling.
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    match (last, hash == *root) {
        (0, true) => Ok(()),
        (0, false) => Err(ProofError::Root),
        _ => Err(ProofError::Length),
    }
}

/// Checks a consistency proof (RFC 9162 §2.1.4.2). The empty tree is consistent with every tree; equal
/// sizes need equal roots and no hashes.
///
/// # Errors
/// [`ProofError`] if the tree of `new` leaves isn't shown to begin with the tree of `old` leaves.
pub fn verify_consistency(
    old: u64,
    new: u64,
    old_root: &Hash,
    new_root: &Hash,
    path: &[Hash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Range);
    }
    if old == 0 || old == new {
        let same = if old == new { old_root == new_root } else { *old_root == empty_root() };
        return if !path.is_empty() {
            Err(ProofError::Length)
        } else if same {
            Ok(())
        } else {
            Err(ProofError::Root)
        };
    }
    let whole = old.is_power_of_two().then_some(old_root);
    let mut path = whole.into_iter().chain(path);
    let (mut node, mut last) = (old - 1, new - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let first = *path.next().ok_or(ProofError::Length)?;
    let (mut from_old, mut from_new) = (first, first);
    for sibling in path {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            from_old = node_hash(sibling, &from_old);
            from_new = node_hash(sibling, &from_new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            from_new = node_hash(&from_new, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if from_old == *old_root && from_new == *new_root { Ok(()) } else { Err(ProofError::Root) }
}
