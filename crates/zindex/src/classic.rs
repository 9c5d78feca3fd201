//! The textbook ordered index: a skiplist with spans.
//!
//! Redis has used such a list for its sorted sets since 2010. This one is small and plain. The book
//! explains it, and the benchmarks use it as their baseline. Programs should use [`crate::ZIndex`].
//!
//! ```text
//!  level 2   head ------------------------ 3 -----------------------> c ----- 1 ----->|
//!  level 1   head ---- 1 ---> a ---------- 2 -----------------------> c ----- 1 ----->|
//!  level 0   head ---- 1 ---> a ---- 1 ---> b ---- 1 --------------> c -- 1 --> d -- 0 ->|
//! ```
//!
//! A node is in the list of level 0. It is in the list of each further level with probability 1/4. Each
//! link has a *span*, the number of nodes of level 0 that it passes. The spans on the way to a node add up
//! to its rank. A search goes along the highest level as far as it can, then down one level.
//!
//! The list has two costs, which led to the design of [`crate::ZIndex`]. Most nodes on the way are cache
//! misses: there are about `log n / log 4` levels, with about three nodes on each. A link and a span take 16 bytes, so
//! a node of the usual 1.33 levels has 21 bytes of them. Score, member, backward link and height take 40
//! bytes more.
//!
//! Links are raw pointers, because several links point at one node. Invariants:
//!
//! - The head and all nodes that can be reached from it are live. A node is freed after it has been
//!   unlinked, or together with the list.
//! - `levels[i].forward` of a node with more than `i` levels is the next such node.
//!
//! Learned from: William Pugh, *Skip Lists: A Probabilistic Alternative to Balanced Trees* (1990), and
//! Salvatore Sanfilippo's `t_zset.c`.

use core::alloc::Layout;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use allocator_api2::boxed::Box;
use allocator_api2::vec::Vec;
use zmalloc::Zmalloc;

use crate::error::NotANumber;
use crate::score::check_score;

/// The maximum number of levels of a node. In C: `ZSKIPLIST_MAXLEVEL`.
const LEVELS: usize = 32;
/// One node in `ONE_IN` of a level is in the next level as well. In C: `1 / ZSKIPLIST_P`.
const ONE_IN: u64 = 4;

type Link = *mut Node;

#[derive(Clone, Copy)]
struct Level {
    forward: Link,
    /// The distance of `forward` in nodes. Without a `forward`, the number of nodes after this one.
    span: usize,
}

/// A node, which is followed by its levels in the same block. In C: `zskiplistNode`.
struct Node {
    score: f64,
    member: Box<[u8], Zmalloc>,
    backward: Link,
    levels: usize,
}

impl Node {
    fn new(member: &[u8], score: f64, levels: usize) -> NonNull<Self> {
        let mut own = Vec::with_capacity_in(member.len(), Zmalloc);
        own.extend_from_slice(member);
        let node = Self { score, member: own.into_boxed_slice(), backward: ptr::null_mut(), levels };
        let block = zmalloc::zmalloc(block_size(levels)).cast();
        // SAFETY: the block has room for the node and its levels, and blocks are aligned to 8 bytes.
        unsafe {
            block.write(node);
            for level in 0..levels {
                level_of(block, level).write(Level { forward: ptr::null_mut(), span: 0 });
            }
        }
        block
    }

    fn is_before(&self, member: &[u8], score: f64) -> bool {
        self.score < score || (self.score == score && *self.member < *member)
    }
}

fn block_size(levels: usize) -> usize {
    size_of::<Node>() + levels * size_of::<Level>()
}

/// Returns the address of a level of a node.
///
/// # Safety
/// The node must be live and have the level.
unsafe fn level_of(node: NonNull<Node>, level: usize) -> NonNull<Level> {
    // SAFETY: the levels follow the node in its block.
    unsafe { node.add(1).cast::<Level>().add(level) }
}

/// Frees a node.
///
/// # Safety
/// The node must be live, and nothing may use it afterwards.
unsafe fn free(node: NonNull<Node>) {
    // SAFETY: the caller guarantees a live node that is not used afterwards. Its block has this size.
    unsafe {
        let levels = node.as_ref().levels;
        node.drop_in_place();
        zmalloc::zfree_sized(node.cast(), block_size(levels));
    }
}

/// An ordered set of scores and members, with ranks, in a skiplist. In C: `zskiplist`.
///
/// ```
/// let mut seed = 1_u64;
/// let mut rng = || { seed = seed.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1); seed };
/// let mut index = zindex::classic::ZIndex::new();
/// for (member, score) in [("carol", 3.0), ("alice", 1.0), ("bob", 3.0)] {
///     index.insert(member.as_bytes(), score, &mut rng).unwrap();
/// }
/// assert_eq!(index.rank(b"carol", 3.0), Some(2));
/// assert_eq!(index.by_rank(1), Some((&b"bob"[..], 3.0)));
/// ```
pub struct ZIndex {
    head: NonNull<Node>,
    tail: Link,
    len: usize,
    levels: usize,
}

// SAFETY: the list owns its nodes, which hold only bytes and links to each other.
unsafe impl Send for ZIndex {}
// SAFETY: a shared list is only read.
unsafe impl Sync for ZIndex {}

/// The result of a search. For each level it holds the last node before the place, and that node's rank,
/// counted from 1. The rank of the head is 0.
struct Search {
    before: [NonNull<Node>; LEVELS],
    ranks: [usize; LEVELS],
}

impl ZIndex {
    /// Creates an empty index, which owns a head of 32 levels.
    pub fn new() -> Self {
        Self { head: Node::new(b"", 0.0, LEVELS), tail: ptr::null_mut(), len: 0, levels: 1 }
    }

    /// Returns the number of members.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Goes along each level while `passes` returns `true` for the next node.
    fn search(&self, passes: impl Fn(&Node) -> bool) -> Search {
        let mut search = Search { before: [self.head; LEVELS], ranks: [0; LEVELS] };
        let (mut node, mut rank) = (self.head, 0);
        for level in (0..self.levels).rev() {
            // SAFETY: the head and the nodes that links lead to are live.
            unsafe {
                loop {
                    let Level { forward, span } = level_of(node, level).read();
                    let Some(next) = NonNull::new(forward) else { break };
                    if !passes(next.as_ref()) {
                        break;
                    }
                    (node, rank) = (next, rank + span);
                }
            }
            (search.before[level], search.ranks[level]) = (node, rank);
        }
        search
    }

    /// Returns the node of a member, or `None` if the member is absent.
    fn at(&self, search: &Search, member: &[u8], score: f64) -> Option<NonNull<Node>> {
        // SAFETY: a node found by a search is live, and so is the one that its link leads to.
        unsafe {
            let next = NonNull::new(level_of(search.before[0], 0).as_ref().forward)?;
            (next.as_ref().score == score && *next.as_ref().member == *member).then_some(next)
        }
    }

    /// Adds a member under a score. Returns `false` if it is already present. `rng` is a source of
    /// uniformly distributed 64-bit numbers, which decides the node's number of levels. O(log n) on
    /// average. In C: `zslInsert`.
    ///
    /// # Errors
    /// The score is NaN.
    pub fn insert(
        &mut self,
        member: &[u8],
        score: f64,
        rng: impl FnMut() -> u64,
    ) -> Result<bool, NotANumber> {
        let score = check_score(score)?;
        let mut search = self.search(|node| node.is_before(member, score));
        if self.at(&search, member, score).is_some() {
            return Ok(false);
        }
        let levels = random_levels(rng);
        while self.levels < levels {
            // SAFETY: the head has all levels.
            unsafe { level_of(self.head, self.levels).as_mut().span = self.len };
            (search.before[self.levels], search.ranks[self.levels]) = (self.head, 0);
            self.levels += 1;
        }
        let mut new = Node::new(member, score, levels);
        let rank = search.ranks[0];
        // SAFETY: the nodes in `search` are live and have the levels at which they stand there. Nothing
        // borrows them.
        unsafe {
            for level in 0..levels {
                let before = level_of(search.before[level], level).as_mut();
                let passed = rank - search.ranks[level];
                let after = Level { forward: before.forward, span: before.span - passed };
                (before.forward, before.span) = (new.as_ptr(), passed + 1);
                level_of(new, level).write(after);
            }
            for level in levels..self.levels {
                level_of(search.before[level], level).as_mut().span += 1;
            }
            if search.before[0] != self.head {
                new.as_mut().backward = search.before[0].as_ptr();
            }
            match level_of(new, 0).as_ref().forward.as_mut() {
                Some(next) => next.backward = new.as_ptr(),
                None => self.tail = new.as_ptr(),
            }
        }
        self.len += 1;
        Ok(true)
    }

    /// Removes a member under a score. Returns `false` if it is absent. O(log n) on average. In C:
    /// `zslDelete`.
    pub fn remove(&mut self, member: &[u8], score: f64) -> bool {
        let search = self.search(|node| node.is_before(member, score));
        let Some(node) = self.at(&search, member, score) else { return false };
        // SAFETY: as in `insert`. The node is freed after nothing links to it.
        unsafe {
            for level in 0..self.levels {
                let before = level_of(search.before[level], level).as_mut();
                if before.forward == node.as_ptr() {
                    let after = level_of(node, level).read();
                    (before.forward, before.span) = (after.forward, before.span + after.span - 1);
                } else {
                    before.span -= 1;
                }
            }
            match level_of(node, 0).as_ref().forward.as_mut() {
                Some(next) => next.backward = node.as_ref().backward,
                None => self.tail = node.as_ref().backward,
            }
            free(node);
            while self.levels > 1 && level_of(self.head, self.levels - 1).as_ref().forward.is_null() {
                self.levels -= 1;
            }
        }
        self.len -= 1;
        true
    }

    /// Returns the rank of a member, from 0, or `None` if it is absent under that score. O(log n) on
    /// average. In C: `zslGetRank`.
    pub fn rank(&self, member: &[u8], score: f64) -> Option<usize> {
        let search = self.search(|node| node.is_before(member, score));
        self.at(&search, member, score).map(|_| search.ranks[0])
    }

    /// Returns the member of a rank, and its score. O(log n) on average. In C: `zslGetElementByRank`.
    pub fn by_rank(&self, rank: usize) -> Option<(&[u8], f64)> {
        self.range(rank).next()
    }

    /// Returns an iterator over the members from a rank on, in order. In C: a walk along `level[0].forward`.
    pub fn range(&self, start: usize) -> Iter<'_> {
        let (mut node, mut left) = (self.head, start);
        for level in (0..self.levels).rev() {
            // SAFETY: the head and the nodes that links lead to are live.
            while let Some(next) = unsafe { next_within(node, level, left) } {
                left -= next.0;
                node = next.1;
            }
        }
        // SAFETY: as above.
        let next = unsafe { level_of(node, 0).as_ref().forward };
        Iter { next: if start < self.len { next } else { ptr::null_mut() }, _list: PhantomData }
    }

    /// Returns an iterator over all members in order.
    pub fn iter(&self) -> Iter<'_> {
        self.range(0)
    }

    /// Returns an iterator over all members, from the last to the first. In C: a walk along `backward`.
    pub fn iter_rev(&self) -> impl Iterator<Item = (&[u8], f64)> {
        let mut at = self.tail;
        core::iter::from_fn(move || {
            // SAFETY: the tail and the nodes that links lead back to are live while the list is borrowed.
            let node = unsafe { at.as_ref() }?;
            at = node.backward;
            Some((&*node.member, node.score))
        })
    }

    /// Returns the number of members whose scores are below `score`, or at most `score` if `inclusive`.
    /// O(log n) on average.
    pub fn count_below(&self, score: f64, inclusive: bool) -> usize {
        self.search(|node| if inclusive { node.score <= score } else { node.score < score }).ranks[0]
    }

    /// Returns the number of bytes that the list adds to `used_memory`. It visits all nodes: O(n).
    pub fn allocation_size(&self) -> usize {
        let (mut bytes, mut at) = (0, Some(self.head));
        while let Some(node) = at {
            // SAFETY: the head and the nodes that links lead to are live, and their blocks have this size.
            unsafe {
                let Node { member, levels, .. } = node.as_ref();
                bytes += zmalloc::zmalloc_size_sized(node.cast(), block_size(*levels));
                if !member.is_empty() {
                    let layout = Layout::for_value(&**member);
                    bytes += Zmalloc.block_size(NonNull::from_ref(&**member).cast(), layout);
                }
                at = NonNull::new(level_of(node, 0).as_ref().forward);
            }
        }
        bytes
    }
}

/// Returns the next node of a level and its distance. Returns `None` if there is no next node, or if it is
/// more than `most` nodes away.
///
/// # Safety
/// The node must be live and have the level.
unsafe fn next_within(node: NonNull<Node>, level: usize, most: usize) -> Option<(usize, NonNull<Node>)> {
    // SAFETY: the caller guarantees that the node is live and has the level.
    let Level { forward, span } = unsafe { level_of(node, level).read() };
    NonNull::new(forward).filter(|_| span <= most).map(|next| (span, next))
}

fn random_levels(mut rng: impl FnMut() -> u64) -> usize {
    // One draw of 64 bits holds 32 fair draws of one in four.
    let draw = rng();
    (1..LEVELS).take_while(|level| (draw >> (2 * (level - 1))).is_multiple_of(ONE_IN)).count() + 1
}

/// An iterator over the members of a skiplist in order.
pub struct Iter<'a> {
    next: Link,
    _list: PhantomData<&'a ZIndex>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], f64);

    fn next(&mut self) -> Option<Self::Item> {
        let node = NonNull::new(self.next)?;
        // SAFETY: the nodes that links lead to are live while the list is borrowed.
        unsafe {
            self.next = level_of(node, 0).as_ref().forward;
            let Node { score, member, .. } = node.as_ref();
            Some((member, *score))
        }
    }
}

impl Default for ZIndex {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for ZIndex {
    fn drop(&mut self) {
        let mut at = Some(self.head);
        while let Some(node) = at {
            // SAFETY: the loop visits the head and each node after it once, and nothing reads them
            // afterwards.
            unsafe {
                at = NonNull::new(level_of(node, 0).as_ref().forward);
                free(node);
            }
        }
    }
}
