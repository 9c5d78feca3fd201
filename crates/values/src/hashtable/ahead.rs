//! [`AheadLookup`]: prefetches for look-ups that run later, each perhaps in another table.

use super::{StringBlock, StringTable};
use core::fmt;
use dict::Table;
use dict::prefetch::prefetch;

/// A table with fewer elements than this is in the cache if it is in use, so a prefetch would only cost time: with
/// blocks of 32 bytes, it takes 0.6 MiB.
const LEN_MIN: usize = if cfg!(miri) { 32 } else { 16_384 };

/// A look-up that runs later, in a large hash table. [`SetView::look_ahead`](crate::SetView::look_ahead) and
/// [`HashView::look_ahead`](crate::HashView::look_ahead) return it.
///
/// A look-up waits for memory three times, and each time needs what it has waited for before. So a caller that knows
/// several look-ups makes all of them, then calls [`prefetch_slot`](Self::prefetch_slot) for each, and then
/// [`prefetch_block`](Self::prefetch_block). The cache misses of each step overlap.
#[derive(Clone, Copy)]
pub struct AheadLookup<'a> {
    table: TableRef<'a>,
    hash: u64,
}

#[derive(Clone, Copy)]
enum TableRef<'a> {
    Members(&'a Table<StringBlock<1>>),
    Pairs(&'a Table<StringBlock<2>>),
}

impl<const N: usize> StringTable<N> {
    /// Returns the look-up of a key in the table that `table_ref` makes of this one. Prefetches what it reads first.
    fn look_ahead_as<'a>(
        &'a self,
        key: &[u8],
        table_ref: impl FnOnce(&'a Table<StringBlock<N>>) -> TableRef<'a>,
    ) -> Option<AheadLookup<'a>> {
        if self.len() < LEN_MIN {
            return None;
        }
        let hash = self.0.hash(key);
        self.0.table.prefetch(hash);
        Some(AheadLookup { table: table_ref(&self.0.table), hash })
    }
}

impl StringTable<1> {
    /// Returns the look-up of a member, and prefetches what it reads first. Returns `None` if the table is small.
    pub(crate) fn look_ahead(&self, member: &[u8]) -> Option<AheadLookup<'_>> {
        self.look_ahead_as(member, TableRef::Members)
    }
}

impl StringTable<2> {
    /// Returns the look-up of a field, and prefetches what it reads first. Returns `None` if the table is small.
    pub(crate) fn look_ahead(&self, field: &[u8]) -> Option<AheadLookup<'_>> {
        self.look_ahead_as(field, TableRef::Pairs)
    }
}

impl AheadLookup<'_> {
    /// Prefetches the slot of the element that the look-up is likely to compare first, or the slot that an insert
    /// would fill. Waits for what was prefetched before. Constant time.
    #[inline]
    pub fn prefetch_slot(self) {
        match self.table {
            TableRef::Members(table) => prefetch_slot(table, self.hash),
            TableRef::Pairs(table) => prefetch_slot(table, self.hash),
        }
    }

    /// Prefetches the text of the element that the look-up is likely to compare first, if there is one. Waits for
    /// its slot. Constant time.
    #[inline]
    pub fn prefetch_block(self) {
        match self.table {
            TableRef::Members(table) => prefetch_block(table, self.hash),
            TableRef::Pairs(table) => prefetch_block(table, self.hash),
        }
    }
}

impl fmt::Debug for AheadLookup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AheadLookup").field("hash", &self.hash).finish_non_exhaustive()
    }
}

#[inline]
fn prefetch_slot<const N: usize>(table: &Table<StringBlock<N>>, hash: u64) {
    if table.prefetch_candidate(hash).is_none() {
        table.prefetch_inserts(&[hash]);
    }
}

#[inline]
fn prefetch_block<const N: usize>(table: &Table<StringBlock<N>>, hash: u64) {
    if let Some(block) = table.prefetch_candidate(hash) {
        prefetch(block.prefetch_address());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_large_tables_look_ahead_and_what_they_prefetch_changes_nothing() {
        let mut members = StringTable::<1>::try_new().unwrap();
        for n in 0..LEN_MIN + 100 {
            assert_eq!(members.look_ahead(b"no member").is_some(), n >= LEN_MIN);
            assert!(members.try_insert(n.to_string().as_bytes()).unwrap());
        }
        let size = members.allocation_size();
        for n in LEN_MIN..LEN_MIN + 200 {
            let member = n.to_string();
            let lookup = members.look_ahead(member.as_bytes()).unwrap();
            lookup.prefetch_slot();
            lookup.prefetch_block();
            assert_eq!(members.get(member.as_bytes()).is_some(), n < LEN_MIN + 100);
        }
        assert_eq!((members.len(), members.allocation_size()), (LEN_MIN + 100, size));
    }
}
