//! [`Leaf`]: up to 63 blocks in order, each with 32 bits of its score.
//!
//! A search that read the block of each entry it compares would miss the cache each time. So a leaf keeps a
//! *code* beside each pointer. The code is 32 bits of the score's [sort key](crate::score::sort_key), from
//! the first bit in which the keys of the leaf differ. The bits before it are common to all keys and are
//! stored once, in the head:
//!
//! ```text
//!            common = 23 bits       code = the next 32        the last 9 are in the block only
//!  key     | reference, up to here | 1011 0100 ... 0111     | 0 0110 1001
//! ```
//!
//! Codes have the order of the keys, except that different keys may have equal codes. If the keys have 32
//! bits in common, the code is the rest of the key, so equal codes are equal scores. The members then
//! decide the order, and a search has to read them.
//!
//! The bits of a key that are its code are the *window* of the leaf. A new entry whose key has fewer bits in
//! common moves the window to the left. The bits that enter at the top are those of the reference, and the
//! codes lose as many bits at the bottom, so no block is read. Moving the window to the right, after a split,
//! needs the lost bits, so all blocks are read. The leaf does it only if some codes are equal
//! ([`Leaf::move_window_right`]). So scores that ascend by small steps from a large number (milliseconds of a
//! clock) are told apart as well as random ones.
//!
//! Invariants:
//!
//! - `ptrs[..len]` are blocks that the leaf owns, in the order of (key, member).
//! - `codes[..len]` are the codes of the same entries.
//! - All keys have their first `common` bits (at most 32) in common with `reference`.
//! - The elements from `len` on are left over from earlier entries and have no meaning.

use core::cmp::Ordering;

use super::{LEAF, partition_point};
use crate::block::{Block, BlockPtr};
use crate::score::SearchBound;

/// The maximum of `common`: the code is then the rest of the key.
const COMMON_MAX: u32 = 32;

#[repr(C)]
pub(crate) struct Leaf {
    /// A key whose first `common` bits are those of all keys.
    reference: u64,
    codes: [u32; LEAF],
    len: u8,
    common: u8,
    ptrs: [BlockPtr; LEAF],
}

const _: () = assert!(LEAF <= u8::MAX as usize);

impl Leaf {
    /// Creates a leaf without entries. `filler` fills the unused elements of `ptrs` and is never read.
    pub(crate) fn empty(filler: BlockPtr) -> Self {
        Self { reference: 0, codes: [0; LEAF], len: 0, common: COMMON_MAX as u8, ptrs: [filler; LEAF] }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        // The minimum tells the compiler the upper bound, so that it can leave out bounds checks.
        usize::from(self.len).min(LEAF)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() == LEAF
    }

    fn common(&self) -> u32 {
        self.common.into()
    }

    /// Returns the pointer of an entry.
    #[inline]
    pub(crate) fn ptr(&self, index: usize) -> BlockPtr {
        self.ptrs[..self.len()][index]
    }

    /// Returns the sort key of an entry's score. Reads the block.
    #[inline]
    pub(crate) fn key(&self, index: usize) -> u64 {
        // SAFETY: an entry's block is owned, so it is live.
        unsafe { self.ptr(index).key() }
    }

    #[inline]
    pub(crate) fn member(&self, index: usize) -> &[u8] {
        // SAFETY: an entry's block is owned, so it is live while the leaf is borrowed.
        unsafe { self.ptr(index).member() }
    }

    #[inline]
    pub(crate) fn score(&self, index: usize) -> f64 {
        // SAFETY: an entry's block is owned, so it is live.
        unsafe { self.ptr(index).score() }
    }

    /// Prefetches the blocks of some entries.
    #[inline]
    pub(crate) fn prefetch(&self, entries: core::ops::Range<usize>) {
        let len = self.len();
        for ptr in &self.ptrs[entries.start.min(len)..entries.end.min(len)] {
            ptr.prefetch();
        }
    }

    /// Returns the code of a key. If the key has fewer bits in common with the reference, the error says
    /// whether it is less or greater than all keys of the leaf.
    #[inline]
    fn code(&self, key: u64) -> Result<u32, Ordering> {
        if (key ^ self.reference).leading_zeros() < self.common() {
            return Err(key.cmp(&self.reference));
        }
        Ok(code_at(key, self.common()))
    }

    /// Returns the range of the entries whose codes equal that of the key. The entries before it have
    /// lesser keys, and those after it have greater ones.
    #[inline]
    fn ties(&self, key: u64) -> (usize, usize) {
        let codes = &self.codes[..self.len()];
        match self.code(key) {
            Err(Ordering::Less) => (0, 0),
            Err(_) => (codes.len(), codes.len()),
            Ok(code) => {
                // Counting has no branch, unlike a search, and the compiler adds up several codes at once.
                let before: u32 = codes.iter().map(|&other| u32::from(other < code)).sum();
                let ties = codes[before as usize..].iter().take_while(|&&other| other == code).count();
                (before as usize, before as usize + ties)
            }
        }
    }

    /// Returns the number of entries before a place.
    ///
    /// The simple version is a binary search that reads the block of each entry it compares:
    ///
    /// ```text
    /// partition_point(ptrs[..len], |ptr| (ptr.key(), ptr.member()) stands before bound)
    /// ```
    ///
    /// In a full leaf it reads six blocks, each in another place of memory. The code below differs in five
    /// ways:
    ///
    /// 1. It compares codes, which lie in the leaf itself ([`Leaf::ties`]). They decide the side of every
    ///    entry except the *ties*, which have the same code as the place.
    /// 2. It counts the lesser codes instead of searching for the first one that is not less.
    /// 3. If equal codes are equal scores, and the place is before or after all members of a score, all
    ///    ties are on one side of the place. So no block is read.
    /// 4. Otherwise the binary search runs over the ties alone. It reads the member only if the keys are
    ///    equal.
    /// 5. A place without a key has no code. For it the binary search runs over all members, as in the
    ///    simple version.
    ///
    /// `src/tests/leaf.rs` compares the results with the sorted keys.
    #[inline]
    pub(crate) fn rank(&self, bound: &impl SearchBound) -> usize {
        let Some(key) = bound.key() else {
            let all = &self.ptrs[..self.len()];
            // SAFETY: the blocks of entries are owned, so they are live.
            return partition_point(all, |ptr| bound.is_after(unsafe { ptr.member() }));
        };
        let (start, end) = self.ties(key);
        if self.common() == COMMON_MAX
            && let Some(is_after) = bound.is_after_ties()
        {
            return if is_after { end } else { start };
        }
        let among = partition_point(&self.ptrs[start..end], |ptr| {
            // SAFETY: the blocks of entries are owned, so they are live.
            unsafe {
                match ptr.key().cmp(&key) {
                    Ordering::Less => true,
                    Ordering::Greater => false,
                    Ordering::Equal => bound.is_after(ptr.member()),
                }
            }
        });
        start + among
    }

    /// Returns the position of a block, which is found by its address. No block is read.
    #[inline]
    pub(crate) fn position(&self, key: u64, block: BlockPtr) -> Option<usize> {
        let (start, end) = self.ties(key);
        self.ptrs[start..end].iter().position(|&ptr| ptr == block).map(|at| start + at)
    }

    /// Moves the window to the left until `key` has a code too.
    fn move_window_left(&mut self, key: u64) {
        self.move_window_left_to((key ^ self.reference).leading_zeros());
    }

    /// Moves the window to the left until the codes begin after `common` bits. Does nothing if they already
    /// begin there or further to the left.
    fn move_window_left_to(&mut self, common: u32) {
        let Some(lost @ 1..) = self.common().checked_sub(common) else { return };
        let entering = code_at(self.reference, common);
        let kept = (u64::from(u32::MAX) >> lost) as u32;
        let len = self.len();
        for code in &mut self.codes[..len] {
            *code = (entering & !kept) | (u64::from(*code) >> lost) as u32;
        }
        self.common = common as u8;
    }

    /// Adds a block as entry number `index`. The leaf must not be full. It then owns the block.
    pub(crate) fn insert(&mut self, index: usize, key: u64, block: Block) {
        let len = self.len();
        if len == 0 {
            (self.reference, self.common) = (key, COMMON_MAX as u8);
        } else {
            self.move_window_left(key);
        }
        self.codes.copy_within(index..len, index + 1);
        self.ptrs.copy_within(index..len, index + 1);
        self.codes[index] = code_at(key, self.common());
        self.ptrs[index] = block.into_ptr();
        self.len += 1;
    }

    /// Removes and returns the block of an entry.
    pub(crate) fn remove(&mut self, index: usize) -> Block {
        let (len, ptr) = (self.len(), self.ptr(index));
        self.codes.copy_within(index + 1..len, index);
        self.ptrs.copy_within(index + 1..len, index);
        self.len -= 1;
        // SAFETY: the leaf owned the block, and the entry has just been removed.
        unsafe { ptr.into_owned() }
    }

    /// Removes the entries from number `keep` on, and passes their blocks to `each`.
    pub(crate) fn truncate(&mut self, keep: usize, mut each: impl FnMut(Block)) {
        let gone = keep.min(self.len())..self.len();
        self.prefetch(gone.clone());
        self.len = gone.start as u8;
        for index in gone {
            // SAFETY: the leaf owned the block, and the entry is removed, since `len` no longer counts it.
            each(unsafe { self.ptrs[index].into_owned() });
        }
    }

    /// Gives an entry another score, with which it must keep its position.
    pub(crate) fn set_score(&mut self, index: usize, score: f64, key: u64) {
        self.move_window_left(key);
        self.codes[index] = code_at(key, self.common());
        // SAFETY: an entry's block is owned, so it is live, and it is borrowed for writing with the leaf.
        unsafe { self.ptr(index).set_score(score) };
    }

    /// Replaces a block with another that has the same score and member. Returns the old block.
    pub(crate) fn replace(&mut self, index: usize, block: Block) -> Block {
        let old = self.ptr(index);
        self.ptrs[index] = block.into_ptr();
        // SAFETY: the leaf owned the old block, and the entry no longer points at it.
        unsafe { old.into_owned() }
    }

    /// Moves the entries from number `cut` on to another leaf, which must be empty.
    pub(crate) fn split_into(&mut self, cut: usize, right: &mut Self) {
        let moved = self.len() - cut;
        (right.reference, right.common) = (self.reference, self.common);
        right.codes[..moved].copy_from_slice(&self.codes[cut..cut + moved]);
        right.ptrs[..moved].copy_from_slice(&self.ptrs[cut..cut + moved]);
        // The lengths decide which leaf owns the moved blocks. They change together.
        (self.len, right.len) = (cut as u8, moved as u8);
        self.move_window_right();
        right.move_window_right();
    }

    /// Moves all entries of the next leaf to the end of this leaf, which must have room.
    pub(crate) fn append(&mut self, right: &mut Self) {
        self.append_first(right, right.len());
    }

    /// Moves the first `more` entries of the next leaf to the end of this leaf, which must have room.
    pub(crate) fn append_first(&mut self, right: &mut Self, more: usize) {
        if more == 0 {
            return;
        }
        // Both leaves get the same window, so that a code of one is a code of the other.
        let common = (self.reference ^ right.reference).leading_zeros();
        let common = common.min(self.common()).min(right.common());
        self.move_window_left_to(common);
        right.move_window_left_to(common);
        let (len, right_len) = (self.len(), right.len());
        self.codes[len..len + more].copy_from_slice(&right.codes[..more]);
        self.ptrs[len..len + more].copy_from_slice(&right.ptrs[..more]);
        right.codes.copy_within(more..right_len, 0);
        right.ptrs.copy_within(more..right_len, 0);
        (self.len, right.len) = ((len + more) as u8, (right_len - more) as u8);
    }

    /// Moves the window to the right as far as the keys allow, if some codes are equal. Reads all blocks.
    fn move_window_right(&mut self) {
        let codes = &self.codes[..self.len()];
        if self.common() == COMMON_MAX || codes.windows(2).all(|pair| pair[0] != pair[1]) {
            return;
        }
        let len = self.len();
        let (first, last) = (self.key(0), self.key(len - 1));
        let common = (first ^ last).leading_zeros().min(COMMON_MAX);
        if common <= self.common() {
            return;
        }
        self.prefetch(0..len);
        (self.reference, self.common) = (first, common as u8);
        for index in 0..len {
            self.codes[index] = code_at(self.key(index), common);
        }
    }
}

#[cfg(test)]
impl Leaf {
    pub(crate) fn check(&self) {
        for index in 0..self.len() {
            assert_eq!(self.code(self.key(index)), Ok(self.codes[index]));
        }
        assert!(self.codes[..self.len()].is_sorted());
    }
}

/// Returns the 32 bits of a key that follow its first `common` bits. `common` is at most 32.
#[inline]
fn code_at(key: u64, common: u32) -> u32 {
    ((key << common) >> 32) as u32
}

impl Drop for Leaf {
    fn drop(&mut self) {
        self.truncate(0, drop);
    }
}
