//! [`StringTable`]: the encoding `hashtable` of sets and hashes, a table of strings or of pairs of strings.
//!
//! ```text
//!  StringTable -> table of six-byte pointers -> | len | bytes |      one block a member
//! ```
//!
//! The table keeps the sum of its blocks' sizes, so that `allocation_size` need not visit the blocks.

mod ahead;
mod block;
mod pairs;

pub use ahead::AheadLookup;
pub(crate) use block::StringBlock;

use crate::element::Element;
use allocator_api2::boxed::Box;
use common::Cursor;
use core::cell::RefCell;
use core::fmt;
use core::hash::BuildHasher;
use core::ptr::NonNull;
use dict::prefetch::prefetch;
use dict::{DefaultHashBuilder, Table};
use zmalloc::{ReserveError, Zmalloc, box_size, relocate_box, try_box};

/// The number of look-ups in a batch. Their cache misses overlap.
pub(crate) const BATCH: usize = 16;

/// A table of strings, or of pairs whose first string is the key. It has the size of a pointer.
pub(crate) struct StringTable<const N: usize>(Box<Inner<N>, Zmalloc>);

const _: () = assert!(size_of::<Option<StringTable<1>>>() == size_of::<usize>());

/// Invariant: `bytes` is the sum of `allocation_size` over the blocks in `table`, and no two blocks have
/// the same key.
struct Inner<const N: usize> {
    table: Table<StringBlock<N>>,
    hash_builder: DefaultHashBuilder,
    bytes: usize,
}

impl<const N: usize> Inner<N> {
    fn hash(&self, key: &[u8]) -> u64 {
        self.hash_builder.hash_one(key)
    }
}

/// Methods for one block.
impl<const N: usize> StringTable<N> {
    /// Creates an empty table.
    pub(crate) fn try_new() -> Result<Self, ReserveError> {
        let inner = Inner { table: Table::new(), hash_builder: DefaultHashBuilder::default(), bytes: 0 };
        try_box(inner).map(Self)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.table.len()
    }

    /// Returns whether both references point to the same table in memory.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        core::ptr::eq(&*self.0, &*other.0)
    }

    /// Returns the block with this key. Constant time on average.
    #[inline]
    pub(crate) fn get(&self, key: &[u8]) -> Option<&StringBlock<N>> {
        self.0.table.find(self.0.hash(key), |member| member.key() == key)
    }

    /// Adds a block whose key must not be present. On failure the block is dropped, and the table does not
    /// change.
    pub(crate) fn try_insert_unique(&mut self, member: StringBlock<N>) -> Result<(), ReserveError> {
        debug_assert!(self.get(member.key()).is_none());
        let Inner { table, hash_builder, bytes } = &mut *self.0;
        let size = member.allocation_size();
        let hasher = |member: &StringBlock<N>| hash_builder.hash_one(member.key());
        table.try_insert_unique(hasher(&member), member, hasher)?;
        *bytes += size;
        Ok(())
    }

    /// Adds a block, unless its key is present. In that case it drops the block and returns `false`.
    pub(crate) fn try_insert_block(&mut self, member: StringBlock<N>) -> Result<bool, ReserveError> {
        if self.get(member.key()).is_some() {
            return Ok(false);
        }
        self.try_insert_unique(member).map(|()| true)
    }

    /// Removes and returns the block with this key. Constant time on average.
    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<StringBlock<N>> {
        let hash = self.0.hash(key);
        let member = self.0.table.find_entry(hash, |member| member.key() == key).ok()?.remove();
        self.0.bytes -= member.allocation_size();
        Some(member)
    }
}

/// Methods for many blocks.
impl<const N: usize> StringTable<N> {
    /// Returns an iterator over the blocks, in any order.
    pub(crate) fn iter(&self) -> dict::iter::Iter<'_, StringBlock<N>> {
        self.0.table.iter()
    }

    /// Returns a random block. All blocks have about the same probability. In C: `dictGetFairRandomKey`.
    pub(crate) fn fair_random(&self, rng: impl FnMut() -> u64) -> Option<&StringBlock<N>> {
        self.0.table.fair_random(rng)
    }

    /// Removes and returns a random block. All blocks have about the same probability. Constant time on average.
    /// In C: `dictGetFairRandomKey` and `dictDelete`.
    pub(crate) fn pop_random(&mut self, rng: impl FnMut() -> u64) -> Option<StringBlock<N>> {
        let key = self.fair_random(rng)?.key();
        let (hash, address) = (self.0.hash(key), key.as_ptr());
        let entry = self.0.table.find_entry(hash, |member| member.key().as_ptr() == address).ok()?;
        let member = entry.remove();
        self.0.bytes -= member.allocation_size();
        Some(member)
    }

    /// Visits the blocks of one place of the table and returns the cursor for the next call. In C:
    /// `dictScan`.
    pub(crate) fn scan<'a>(&'a self, cursor: Cursor, each: impl FnMut(&'a StringBlock<N>)) -> Cursor {
        self.0.table.scan(cursor, each)
    }

    /// Returns a copy with its own blocks.
    pub(crate) fn try_clone(&self) -> Result<Self, ReserveError> {
        let mut copy = Self::try_new()?;
        for member in self.iter() {
            copy.try_insert_unique(StringBlock::try_new(member.parts())?)?;
        }
        Ok(copy)
    }
}

/// Methods for memory.
impl<const N: usize> StringTable<N> {
    /// Returns the number of bytes that the table and its blocks add to `used_memory`. Constant time.
    pub(crate) fn allocation_size(&self) -> usize {
        box_size(&self.0) + self.0.table.allocation_size() + self.0.bytes
    }

    /// Frees about `n` blocks and chunks of the table. Returns the rest, or `None` if nothing is left. See
    /// [`Table::pop_chunks`].
    pub(crate) fn drop_in_steps(mut self, n: usize) -> Option<Self> {
        let Inner { table, bytes, .. } = &mut *self.0;
        let ahead = |member: &StringBlock<N>| prefetch(member.prefetch_address());
        table.pop_chunks(n, ahead, |member| *bytes -= member.free()).then_some(self)
    }

    /// Moves the memory blocks for which `moves` returns `true`: those of the members, of the [`Table`], and of
    /// this struct. A call handles one place of the table. In C: `activeDefragSdsDict`.
    pub(crate) fn relocate(
        &mut self,
        cursor: Cursor,
        moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
    ) -> Cursor {
        if cursor.is_start() {
            relocate_box(&mut self.0, moves);
        }
        let moves = RefCell::new(moves);
        let Inner { table, bytes, .. } = &mut *self.0;
        table.relocate(cursor, &mut |block, size| (moves.borrow_mut())(block, size), |member| {
            // Some allocators return a block that is a little larger or smaller than the old one.
            let before = member.allocation_size();
            member.relocate(*moves.borrow_mut());
            *bytes = *bytes - before + member.allocation_size();
        })
    }
}

impl StringTable<1> {
    /// Adds a member. Returns `false` if the member is already present. Constant time on average.
    pub(crate) fn try_insert(&mut self, key: &[u8]) -> Result<bool, ReserveError> {
        let hash = self.0.hash(key);
        let Inner { table, hash_builder, bytes } = &mut *self.0;
        if table.find(hash, |member| member.key() == key).is_some() {
            return Ok(false);
        }
        let member = StringBlock::try_new([key])?;
        let size = member.allocation_size();
        let hasher = |member: &StringBlock<1>| hash_builder.hash_one(member.key());
        table.try_insert_unique(hash, member, hasher)?;
        *bytes += size;
        Ok(true)
    }

    /// Returns whether each of the keys is present. The cache misses of the look-ups overlap.
    pub(crate) fn contains_many<const K: usize>(&self, keys: [&[u8]; K]) -> [bool; K] {
        let hashes = keys.map(|key| self.0.hash(key));
        let ahead = |member: &StringBlock<1>| prefetch(member.prefetch_address());
        self.0
            .table
            .find_many(hashes, ahead, |i, member| member.key() == keys[i])
            .map(|found| found.is_some())
    }
}

impl<const N: usize> fmt::Debug for StringTable<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = self.iter().map(|member| member.parts().map(Element::Bytes));
        f.debug_list().entries(texts).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const COUNT: usize = if cfg!(miri) { 18 } else { 3000 };

    fn members(count: usize) -> StringTable<2> {
        let mut members = StringTable::try_new().unwrap();
        for n in 0..count {
            let (field, value) = (format!("field:{n}"), "v".repeat(n % 50));
            members
                .try_insert_unique(StringBlock::try_new([field.as_bytes(), value.as_bytes()]).unwrap())
                .unwrap();
        }
        members
    }

    fn contents(members: &StringTable<2>) -> BTreeMap<Vec<u8>, Vec<u8>> {
        members.iter().map(|pair| (pair.key().to_vec(), pair.value().to_vec())).collect()
    }

    /// Compares the stored sum with the sum over all blocks.
    fn check<const N: usize>(members: &StringTable<N>) {
        let bytes: usize = members.iter().map(StringBlock::allocation_size).sum();
        assert_eq!(members.0.bytes, bytes);
    }

    #[test]
    fn the_sum_of_the_blocks_is_kept_through_all_changes() {
        let mut members = members(COUNT);
        check(&members);
        for n in 0..COUNT {
            let field = format!("field:{n}");
            match n % 3 {
                0 => assert!(!members.try_set(field.as_bytes(), &vec![b'w'; n % 97]).unwrap()),
                1 => assert_eq!(members.remove(field.as_bytes()).unwrap().key(), field.as_bytes()),
                _ => assert_eq!(members.try_set(b"nobody", b"").unwrap(), n == 2),
            }
        }
        check(&members);
        assert_eq!(members.len(), COUNT - COUNT / 3 + 1);
        assert!(members.remove(b"nobody").is_some() && members.remove(b"nobody").is_none());
    }

    #[test]
    fn what_is_moved_is_the_same_elsewhere() {
        let mut members = members(COUNT);
        let before = contents(&members);
        let addresses = |members: &StringTable<2>| -> std::collections::BTreeSet<usize> {
            members.iter().map(|pair| pair.key().as_ptr().addr()).collect()
        };
        let (places, size) = (addresses(&members), members.allocation_size());
        let (mut cursor, mut asked) = (Cursor::START, 0);
        loop {
            cursor = members.relocate(cursor, &mut |_, _| {
                asked += 1;
                true
            });
            if cursor.is_start() {
                break;
            }
        }
        assert!(asked >= COUNT);
        assert_eq!(contents(&members), before);
        // glibc may return a new block that is a few bytes larger.
        assert!(zmalloc::ALLOCATOR == "libc" || members.allocation_size() == size);
        // A block may move to the former address of another block, so not every address is new.
        let moved = addresses(&members).difference(&places).count();
        assert!(moved > 0);
        check(&members);
    }

    #[test]
    fn a_clone_is_equal_and_apart() {
        let members = members(COUNT);
        let mut copy = members.try_clone().unwrap();
        assert_eq!(contents(&copy), contents(&members));
        copy.try_set(b"field:1", b"changed").unwrap();
        assert_ne!(contents(&copy), contents(&members));
        check(&copy);
    }

    fn set_of(texts: impl Iterator<Item = String>) -> StringTable<1> {
        let mut members = StringTable::try_new().unwrap();
        texts.for_each(|text| {
            members.try_insert_unique(StringBlock::try_new([text.as_bytes()]).unwrap()).unwrap();
        });
        members
    }

    #[test]
    fn the_sum_of_the_blocks_is_right_after_they_were_moved_into_gaps_of_another_size() {
        const LEN: usize = if cfg!(miri) { 100 } else { 2030 };
        // The gaps are a little larger than a block, so glibc does not split them.
        let gaps: Vec<_> = (0..2 * COUNT).map(|_| zmalloc::zmalloc(LEN + 26)).collect();
        let mut members = set_of((0..(COUNT / 10).max(5)).map(|n| format!("{n:0LEN$}")));
        // SAFETY: these gaps are live blocks, and each is freed once.
        gaps.iter().step_by(2).for_each(|gap| unsafe { zmalloc::zfree(*gap) });
        let mut cursor = members.relocate(Cursor::START, &mut |_, _| true);
        while !cursor.is_start() {
            cursor = members.relocate(cursor, &mut |_, _| true);
        }
        check(&members);
        // SAFETY: the other gaps are still live, and each is freed once.
        gaps.iter().skip(1).step_by(2).for_each(|gap| unsafe { zmalloc::zfree(*gap) });
    }
}
