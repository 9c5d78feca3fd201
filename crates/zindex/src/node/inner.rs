//! [`Inner`]: up to 34 children, each with its first entry and the number of entries below it.
//!
//! Invariants:
//!
//! - `firsts[i]` and `keys[i]` are the block and the sort key of the first entry in or below `children[i]`.
//!   So the block is live.
//! - `counts[i]` is the number of entries in or below `children[i]`, at least one.
//! - The children from `len` on are `None`.
//! - An inner node in a tree has at least one child, and all leaves are equally deep.

use super::child::Boxed;
use super::{Child, FAN, partition_point};
use crate::block::BlockPtr;
use crate::score::SearchBound;

#[repr(C)]
pub(crate) struct Inner {
    len: u16,
    firsts: [BlockPtr; FAN],
    keys: [u64; FAN],
    counts: [usize; FAN],
    children: [Option<Child>; FAN],
}

/// The first entry of a child.
#[derive(Clone, Copy)]
pub(crate) struct First {
    pub(crate) key: u64,
    pub(crate) block: BlockPtr,
}

impl Inner {
    /// Creates a node without children. `filler` fills the unused elements of `firsts` and is never read.
    pub(crate) fn empty(filler: BlockPtr) -> Self {
        Self {
            len: 0,
            firsts: [filler; FAN],
            keys: [0; FAN],
            counts: [0; FAN],
            children: [const { None }; FAN],
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        // The minimum tells the compiler the upper bound, so that it can leave out bounds checks.
        usize::from(self.len).min(FAN)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() == FAN
    }

    /// Returns the number of entries below the node.
    pub(crate) fn count(&self) -> usize {
        self.count_before(self.len())
    }

    /// Returns the number of entries below the first `index` children.
    #[inline]
    pub(crate) fn count_before(&self, index: usize) -> usize {
        self.counts[..index].iter().sum()
    }

    #[inline]
    pub(crate) fn child(&self, index: usize) -> &Child {
        self.children[index].as_ref().expect("a child below len")
    }

    #[inline]
    pub(crate) fn child_mut(&mut self, index: usize) -> &mut Child {
        self.children[index].as_mut().expect("a child below len")
    }

    pub(crate) fn first(&self, index: usize) -> First {
        First { key: self.keys[..self.len()][index], block: self.firsts[index] }
    }

    pub(crate) fn set_first(&mut self, index: usize, first: First) {
        (self.keys[index], self.firsts[index]) = (first.key, first.block);
    }

    /// Adds `entries`, which may be negative, to the count of a child.
    pub(crate) fn add_count(&mut self, index: usize, entries: isize) {
        self.counts[index] = self.counts[index].wrapping_add_signed(entries);
    }

    /// Returns the index of the child that holds a place. It is the last child whose first entry stands
    /// before the place, or the first child if there is none.
    ///
    /// The simple version counts the first entries, after that of child 0, which stand before the place:
    ///
    /// ```text
    /// firsts[1..len].take_while(|first| first stands before bound).count()
    /// ```
    ///
    /// The code below differs in three ways:
    ///
    /// 1. It finds the key of the place by binary search in the keys of the node, without reading a block.
    /// 2. It reads the first member of a child only if the child's key equals that of the place, or if the
    ///    place has no key.
    /// 3. If the place is before or after all entries with its score, all children with that key are on one
    ///    side of it, so no member is read.
    #[inline]
    pub(crate) fn find(&self, bound: &impl SearchBound) -> usize {
        let len = self.len();
        let (keys, firsts) = (&self.keys[1..len], &self.firsts[1..len]);
        // SAFETY: the first entries of children are live.
        let is_after = |ptr: BlockPtr| bound.is_after(unsafe { ptr.member() });
        let Some(key) = bound.key() else { return partition_point(firsts, is_after) };
        let start = partition_point(keys, |other| other < key);
        let ties = keys[start..].iter().take_while(|&&other| other == key).count();
        start
            + match bound.is_after_ties() {
                Some(true) => ties,
                Some(false) => 0,
                None => partition_point(&firsts[start..start + ties], is_after),
            }
    }

    /// Returns the child that holds entry number `rank` of those below the node, and the entry's number in
    /// that child.
    #[inline]
    pub(crate) fn find_rank(&self, mut rank: usize) -> (usize, usize) {
        let counts = &self.counts[..self.len()];
        for (index, &count) in counts.iter().enumerate() {
            if rank < count {
                return (index, rank);
            }
            rank -= count;
        }
        // A rank beyond the end belongs to the last child.
        let last = counts.len() - 1;
        (last, counts[last] + rank)
    }

    /// Adds a child as number `index`. The child must have an entry, and the node must not be full.
    pub(crate) fn insert(&mut self, index: usize, child: Child) {
        let (len, first, count) = (self.len(), child.first(), child.count());
        self.firsts.copy_within(index..len, index + 1);
        self.keys.copy_within(index..len, index + 1);
        self.counts.copy_within(index..len, index + 1);
        self.children[index..=len].rotate_right(1);
        self.set_first(index, first);
        self.counts[index] = count;
        self.children[index] = Some(child);
        self.len += 1;
    }

    /// Removes and returns a child.
    pub(crate) fn remove(&mut self, index: usize) -> Child {
        let len = self.len();
        self.firsts.copy_within(index + 1..len, index);
        self.keys.copy_within(index + 1..len, index);
        self.counts.copy_within(index + 1..len, index);
        let child = self.children[index].take();
        self.children[index..len].rotate_left(1);
        self.len -= 1;
        child.expect("a child below len")
    }

    /// Moves the children from number `cut` on to another node, which must be empty.
    pub(crate) fn split_into(&mut self, cut: usize, right: &mut Self) {
        let len = self.len();
        right.take_from(self, cut..len);
        self.len = cut as u16;
    }

    /// Moves all children of the next node to the end of this node, which must have room.
    pub(crate) fn append(&mut self, right: &mut Self) {
        let len = right.len();
        self.take_from(right, 0..len);
        right.len = 0;
    }

    fn take_from(&mut self, other: &mut Self, range: core::ops::Range<usize>) {
        let (len, more) = (self.len(), range.len());
        self.firsts[len..len + more].copy_from_slice(&other.firsts[range.clone()]);
        self.keys[len..len + more].copy_from_slice(&other.keys[range.clone()]);
        self.counts[len..len + more].copy_from_slice(&other.counts[range.clone()]);
        for (to, from) in self.children[len..].iter_mut().zip(&mut other.children[range]) {
            *to = from.take();
        }
        self.len += more as u16;
    }

    /// Puts a node in front of a chain of nodes, none of which is in a tree. The first child of each links
    /// to the next.
    pub(crate) fn chain(mut node: Boxed<Self>, rest: Option<Boxed<Self>>) -> Boxed<Self> {
        node.children[0] = rest.map(Child::inner);
        node
    }

    /// Splits the first node off a chain, and returns it and the rest. The inverse of [`Inner::chain`].
    pub(crate) fn unchain(mut node: Boxed<Self>) -> (Boxed<Self>, Option<Boxed<Self>>) {
        let rest = node.children[0].take().and_then(Child::into_inner);
        (node, rest)
    }
}
