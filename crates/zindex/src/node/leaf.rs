//! [`Leaf`]: up to 63 blocks in order, each with 32 bits of its score.
//!
//! A search that followed the pointer of each entry that it looks at would miss the cache at each. So a leaf keeps beside
//! each pointer a *code*: 32 bits of the score's [sort key](crate::score::sort_key), from where the keys of the leaf
//! begin to differ. What they have in common stands once, in the head:
//!
//! ```text
//!            common = 23 bits       code = the next 32        the last 9 are in the block only
//!  key     | reference, up to here | 1011 0100 ... 0111     | 0 0110 1001
//! ```
//!
//! Codes order as keys do, up to ties. In a leaf whose keys have 32 bits in common the code is the rest of the key and ties are
//! scores that are the same; then members decide, and there is no way but to read them.
//!
//! An entry with less in common moves the window: the bits that enter at the top are those of the reference, and the codes
//! lose as many at the bottom, so no block is read. The other way, a narrower window after a split, needs the lost bits,
//! and is taken only where there are ties ([`Leaf::narrow`]). So scores that ascend by small steps from a large number
//! (milliseconds of a clock) are told apart as well as random ones.
//!
//! Invariants: `ptrs[..len]` are blocks that the leaf owns, in the order of (key, member); `codes[..len]` are theirs;
//! all keys have `common` (at most 32) leading bits with `reference` in common. The elements from `len` on are copies of
//! whatever has been there and mean nothing.

use core::cmp::Ordering;

use super::{LEAF, partition_point};
use crate::block::{Block, BlockPtr};
use crate::score::Place;

/// The most that keys can have in common before the code is the rest of the key.
const COMMON_MAX: u32 = 32;

#[repr(C)]
pub(crate) struct Leaf {
    /// A key that has its first bits in common with all.
    reference: u64,
    codes: [u32; LEAF],
    len: u8,
    common: u8,
    ptrs: [BlockPtr; LEAF],
}

const _: () = assert!(LEAF <= u8::MAX as usize);

impl Leaf {
    /// A leaf of no entry. `filler` stands where there is none and is never read.
    pub(crate) fn empty(filler: BlockPtr) -> Self {
        Self { reference: 0, codes: [0; LEAF], len: 0, common: COMMON_MAX as u8, ptrs: [filler; LEAF] }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        // The minimum is what the compiler needs to know, for leaving checks out.
        usize::from(self.len).min(LEAF)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() == LEAF
    }

    fn common(&self) -> u32 {
        self.common.into()
    }

    /// The pointer of an entry.
    #[inline]
    pub(crate) fn ptr(&self, index: usize) -> BlockPtr {
        self.ptrs[..self.len()][index]
    }

    /// The sort key of an entry's score. Reads the block.
    #[inline]
    pub(crate) fn key(&self, index: usize) -> u64 {
        // SAFETY: an entry's block is owned, so it is live.
        unsafe { self.ptr(index).key() }
    }

    #[inline]
    pub(crate) fn member(&self, index: usize) -> &[u8] {
        // SAFETY: an entry's block is owned, so it is live as long as the leaf is borrowed.
        unsafe { self.ptr(index).member() }
    }

    #[inline]
    pub(crate) fn score(&self, index: usize) -> f64 {
        // SAFETY: an entry's block is owned, so it is live.
        unsafe { self.ptr(index).score() }
    }

    /// Asks for the blocks of some entries.
    #[inline]
    pub(crate) fn prefetch(&self, entries: core::ops::Range<usize>) {
        let len = self.len();
        for ptr in &self.ptrs[entries.start.min(len)..entries.end.min(len)] {
            ptr.prefetch();
        }
    }

    /// The code of a key; or, for a key that has less in common, whether it is less or greater than all here.
    #[inline]
    fn code(&self, key: u64) -> Result<u32, Ordering> {
        if (key ^ self.reference).leading_zeros() < self.common() {
            return Err(key.cmp(&self.reference));
        }
        Ok(code_at(key, self.common()))
    }

    /// The entries whose codes are that of the key: those before are less, those behind are greater.
    #[inline]
    fn ties(&self, key: u64) -> (usize, usize) {
        let codes = &self.codes[..self.len()];
        match self.code(key) {
            Err(Ordering::Less) => (0, 0),
            Err(_) => (codes.len(), codes.len()),
            Ok(code) => {
                // Counted, not searched: a sum has no branch, and the compiler adds up several at once.
                let before: u32 = codes.iter().map(|&other| u32::from(other < code)).sum();
                let ties = codes[before as usize..].iter().take_while(|&&other| other == code).count();
                (before as usize, before as usize + ties)
            }
        }
    }

    /// How many entries stand before a place.
    #[inline]
    pub(crate) fn rank(&self, place: &impl Place) -> usize {
        let Some(key) = place.key() else {
            let all = &self.ptrs[..self.len()];
            // SAFETY: the blocks of entries are owned, so they are live.
            return partition_point(all, |ptr| place.passes(unsafe { ptr.member() }));
        };
        let (start, end) = self.ties(key);
        if self.common() == COMMON_MAX
            && let Some(passes) = place.passes_ties()
        {
            return if passes { end } else { start };
        }
        let among = partition_point(&self.ptrs[start..end], |ptr| {
            // SAFETY: the blocks of entries are owned, so they are live.
            unsafe {
                match ptr.key().cmp(&key) {
                    Ordering::Less => true,
                    Ordering::Greater => false,
                    Ordering::Equal => place.passes(ptr.member()),
                }
            }
        });
        start + among
    }

    /// Where a block stands, by its address: no other block is read.
    #[inline]
    pub(crate) fn position(&self, key: u64, block: BlockPtr) -> Option<usize> {
        let (start, end) = self.ties(key);
        self.ptrs[start..end].iter().position(|&ptr| ptr == block).map(|at| start + at)
    }

    /// Makes the codes of all entries such that the key has one too.
    fn widen(&mut self, key: u64) {
        self.widen_to((key ^ self.reference).leading_zeros());
    }

    /// Makes the codes begin behind the first `common` bits, if they begin later.
    fn widen_to(&mut self, common: u32) {
        let Some(lost @ 1..) = self.common().checked_sub(common) else { return };
        let entering = code_at(self.reference, common);
        let kept = (u64::from(u32::MAX) >> lost) as u32;
        let len = self.len();
        for code in &mut self.codes[..len] {
            *code = (entering & !kept) | (u64::from(*code) >> lost) as u32;
        }
        self.common = common as u8;
    }

    /// Adds a block, which the leaf now owns, as entry number `index` of a leaf that is not full.
    pub(crate) fn insert(&mut self, index: usize, key: u64, block: Block) {
        let len = self.len();
        if len == 0 {
            (self.reference, self.common) = (key, COMMON_MAX as u8);
        } else {
            self.widen(key);
        }
        self.codes.copy_within(index..len, index + 1);
        self.ptrs.copy_within(index..len, index + 1);
        self.codes[index] = code_at(key, self.common());
        self.ptrs[index] = block.into_ptr();
        self.len += 1;
    }

    /// Takes a block out.
    pub(crate) fn remove(&mut self, index: usize) -> Block {
        let (len, ptr) = (self.len(), self.ptr(index));
        self.codes.copy_within(index + 1..len, index);
        self.ptrs.copy_within(index + 1..len, index);
        self.len -= 1;
        // SAFETY: an entry's block is owned, and it is an entry no more.
        unsafe { ptr.into_owned() }
    }

    /// Takes out the entries from number `keep` on and gives them to `each`.
    pub(crate) fn truncate(&mut self, keep: usize, mut each: impl FnMut(Block)) {
        let gone = keep.min(self.len())..self.len();
        self.prefetch(gone.clone());
        self.len = gone.start as u8;
        for index in gone {
            // SAFETY: an entry's block is owned, and it is an entry no more.
            each(unsafe { self.ptrs[index].into_owned() });
        }
    }

    /// Gives an entry another score, which leaves it where it is.
    pub(crate) fn set_score(&mut self, index: usize, score: f64, key: u64) {
        self.widen(key);
        self.codes[index] = code_at(key, self.common());
        // SAFETY: an entry's block is owned, so it is live, and borrowed for writing with the leaf.
        unsafe { self.ptr(index).set_score(score) };
    }

    /// Puts a block in the place of another with the same score and member, which it gives back.
    pub(crate) fn replace(&mut self, index: usize, block: Block) -> Block {
        let old = self.ptr(index);
        self.ptrs[index] = block.into_ptr();
        // SAFETY: an entry's block is owned, and it is an entry no more.
        unsafe { old.into_owned() }
    }

    /// Moves the entries from `cut` on to another leaf, which has none.
    pub(crate) fn split_into(&mut self, cut: usize, right: &mut Self) {
        let moved = self.len() - cut;
        (right.reference, right.common) = (self.reference, self.common);
        right.codes[..moved].copy_from_slice(&self.codes[cut..cut + moved]);
        right.ptrs[..moved].copy_from_slice(&self.ptrs[cut..cut + moved]);
        // Owned by this one, and then by the other.
        (self.len, right.len) = (cut as u8, moved as u8);
        self.narrow();
        right.narrow();
    }

    /// Moves all entries of the leaf that follows to the end of this one, which has room.
    pub(crate) fn append(&mut self, right: &mut Self) {
        self.append_first(right, right.len());
    }

    /// Moves the first entries of the leaf that follows, so many of them, to the end of this one, which has room.
    pub(crate) fn append_first(&mut self, right: &mut Self, more: usize) {
        if more == 0 {
            return;
        }
        // What the keys of both have in common, so that a code of the one is a code of the other.
        let common = (self.reference ^ right.reference).leading_zeros();
        let common = common.min(self.common()).min(right.common());
        self.widen_to(common);
        right.widen_to(common);
        let (len, right_len) = (self.len(), right.len());
        self.codes[len..len + more].copy_from_slice(&right.codes[..more]);
        self.ptrs[len..len + more].copy_from_slice(&right.ptrs[..more]);
        right.codes.copy_within(more..right_len, 0);
        right.ptrs.copy_within(more..right_len, 0);
        (self.len, right.len) = ((len + more) as u8, (right_len - more) as u8);
    }

    /// Makes the codes tell more entries apart, where some are not and more could be: reads all blocks.
    fn narrow(&mut self) {
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

/// The 32 bits behind the first `common` of a key; `common` is at most 32.
#[inline]
fn code_at(key: u64, common: u32) -> u32 {
    ((key << common) >> 32) as u32
}

impl Drop for Leaf {
    fn drop(&mut self) {
        self.truncate(0, drop);
    }
}
