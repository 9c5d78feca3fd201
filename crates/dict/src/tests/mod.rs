//! Tests of the inner structure: they check the invariants of `layout.rs` and `raw/mod.rs` after operations.

mod bounds;
mod expected;
mod extract;
mod faults;
mod maintenance;
mod model;
mod panics;
mod sampling;

use crate::geometry::{chunk_of, unsplit_mask};
use crate::group::{SLOTS, filter_bit, tag_of};
use crate::layout::{CHILD_SLOTS, CHILD_SLOTS_WITH_NEXT};
use crate::raw::RawTable;

impl<T> RawTable<T> {
    /// Asserts every invariant of the table. `hasher` is the one with which its entries were inserted.
    pub(crate) fn check(&self, hasher: impl Fn(&T) -> u64) {
        let (mut entries, mut children) = (0, 0);
        for index in 0..self.chunks() {
            // SAFETY: the chunks and children are live. A slot is read only if its tag says that it is
            // occupied.
            unsafe {
                let chunk = self.chunk(index);
                for slot in self.iter_chunk(index, false) {
                    let hash = hasher(slot.entry.as_ref());
                    assert_eq!(chunk_of(hash, self.chunks(), unsplit_mask(self.chunks())), index);
                    assert_eq!(slot.tag.read() & 0x7f, tag_of(hash));
                    entries += 1;
                }
                let (mut child, mut filter) = (chunk.child(), 0);
                if child.is_some() {
                    assert_eq!(chunk.group().occupied().len(), SLOTS, "a chunk with a child has a hole");
                }
                while let Some(one) = child {
                    children += 1;
                    let (len, next) = (one.len(), one.next());
                    assert!((1..=CHILD_SLOTS).contains(&len));
                    assert_eq!(one.occupied().0, (1 << len) - 1, "a child has a hole");
                    assert!(next.is_none() || len == CHILD_SLOTS_WITH_NEXT);
                    for slot in one.occupied() {
                        filter |= filter_bit(one.slot(slot).tag.read());
                    }
                    child = next;
                }
                let stored = chunk.base().tag.add(SLOTS).read();
                assert_eq!(stored, filter, "the filter is not that of the children's tags");
            }
        }
        assert_eq!(entries, self.len());
        assert_eq!(children, self.stats().children);
        let stats = self.stats();
        assert!(stats.chunks <= stats.chunks_allocated);
        // A table without chunks has no memory, except for the closure of a veto.
        const VETO_MAX: usize = 64;
        assert!(stats.chunks_allocated > 0 || stats.allocation_size <= VETO_MAX);
        assert!(stats.chunks_allocated == 0 || stats.allocation_size > 0);
    }
}

/// Returns a hash that is good enough for tests: a multiplication and a fold, the same in every run.
pub(crate) fn mix(number: u64) -> u64 {
    let product = u128::from(number ^ 0x5851_F42D_4C95_7F2D) * 0x9E37_79B9_7F4A_7C15;
    (product ^ (product >> 64)) as u64
}
