//! The layout of a chunk and of its overflow in memory, for entries of any size.
//!
//! ```text
//!  chunk i of a page, entries of 8 bytes:
//!
//!  tags     | t0 t1 t2 t3 t4 t5 t6 t7 t8 t9 t10 t11 t12 t13 t14 | m |     16 bytes, dense over the page
//!  entries  | e0 | e1 | ............................. | e14 | child |    128 bytes: two cache lines
//!
//!  t  0 = free, else 7 bits of hash and the caller's mark      m  0, or which tags have overflowed
//!
//!  child    | t0 t1 t2 t3 t4 t5 t6 | 0 | e0 | e1 | e2 | e3 | e4 | e5 |  e6  |   64 bytes, seven entries
//!  or       | t0 t1 t2 t3 t4 t5  0 | 1 | e0 | e1 | e2 | e3 | e4 | e5 | next |   six, and a further child
//! ```
//!
//! Invariants, which `chunk.rs` and `moving.rs` keep:
//! - A chunk has a child exactly when its filter `m` is not 0. Then all of its fifteen slots are full.
//! - The entries of a child are in its first slots, without holes. A child with `next` holds exactly six
//!   entries.
//! - No child is empty.
//!
//! A pointer to a child has six bytes ([`CompactPtr`]). It lies right after the entries and may be
//! unaligned. A chunk of entries of six bytes has 96 bytes. The pointer of a chunk without a child, and the
//! entries of free slots, are uninitialised memory.

use core::alloc::Layout;

use zmalloc::ReserveError;

use crate::compact::CompactPtr;
use crate::geometry::Paging;
use crate::group::{SLOTS, TAG_BYTES};

/// The most entries in an overflow child that has no further child.
pub(crate) const CHILD_SLOTS: usize = 7;
/// The number of entries in an overflow child that has one.
pub(crate) const CHILD_SLOTS_WITH_NEXT: usize = 6;
/// The offset of the byte that says whether a child has a next one.
pub(crate) const HAS_NEXT_OFFSET: usize = 7;
const CACHE_LINE: usize = 64;
/// The size of a pointer to a child.
const POINTER: usize = size_of::<CompactPtr<u8>>();

const fn round_up(size: usize, align: usize) -> usize {
    (size + align - 1) & !(align - 1)
}

const fn max(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

/// Sizes and offsets for entries of one type, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChunkLayout {
    /// The distance from the entries of one chunk to those of the next one.
    pub(crate) stride: usize,
    /// The alignment of the entries of a page.
    pub(crate) align: usize,
    /// The offset of the child pointer after the entries of a chunk.
    pub(crate) child_offset: usize,
    /// The offset of the first entry in a child.
    pub(crate) child_entries_offset: usize,
    /// The offset of the next pointer in a child.
    pub(crate) next_offset: usize,
    /// The layout of a child.
    pub(crate) child: Layout,
    /// How the chunks are cut into pages.
    pub(crate) paging: Paging,
}

/// Returns the slot, 0 to 14, that bits 41 to 56 of a hash choose. The tag uses the bits above, and the
/// number of the chunk the bits below.
#[inline]
const fn hashed_slot(hash: u64) -> usize {
    (((hash >> 41) as usize & 0xffff) * SLOTS) >> 16
}

/// Returns whether every chunk begins on a cache line and no entry crosses one.
const fn lines_hold_whole_entries<T>() -> bool {
    let size = size_of::<T>();
    size > 0 && CACHE_LINE.is_multiple_of(size) && ChunkLayout::of::<T>().stride.is_multiple_of(CACHE_LINE)
}

/// Returns the slot at which an insert begins to look for a free one. It is less than [`SLOTS`]. The entry
/// then usually lies in the cache line at [`preferred_offset`], which a look-up prefetches while it loads the
/// tags.
#[inline]
pub(crate) const fn preferred_slot<T>(hash: u64) -> usize {
    let slot = hashed_slot(hash);
    // Use the first slot of the line. Every chunk has the same slots in a line.
    if const { lines_hold_whole_entries::<T>() } { slot - slot % (CACHE_LINE / size_of::<T>()) } else { slot }
}

/// Returns the offset of that line from the first entry of the chunk. If small entries cross lines, it is the
/// offset of the slot's end. The line there also holds the beginning of the next slot, where the entry goes
/// if its own slot is taken.
#[inline]
pub(crate) const fn preferred_offset<T>(hash: u64) -> usize {
    let slot = hashed_slot(hash);
    let own_line = const { size_of::<T>() >= CACHE_LINE || lines_hold_whole_entries::<T>() };
    (if own_line { slot } else { slot + 1 }) * size_of::<T>()
}

impl ChunkLayout {
    pub(crate) const fn of<T>() -> Self {
        let (size, align) = (size_of::<T>(), align_of::<T>());
        // A pointer to a child may be unaligned, so its offset is not rounded up.
        let child_offset = SLOTS * size;
        let stride = round_up(child_offset + POINTER, align);
        let child_entries_offset = round_up(HAS_NEXT_OFFSET + 1, align);
        let next_offset = child_entries_offset + CHILD_SLOTS_WITH_NEXT * size;
        // The tags of a child are cleared, and spare children are linked, by writes of 64 bits.
        let child_align = max(align, align_of::<u64>());
        let child_size =
            round_up(max(child_entries_offset + CHILD_SLOTS * size, next_offset + POINTER), child_align);
        let Ok(child) = Layout::from_size_align(child_size, child_align) else {
            panic!("an entry is too large for a table")
        };
        Self {
            stride,
            align: max(align, CACHE_LINE),
            child_offset,
            child_entries_offset,
            next_offset,
            child,
            paging: Paging::of(stride),
        }
    }

    /// Returns the layout of the tags of `chunks` chunks.
    pub(crate) fn tags(&self, chunks: usize) -> Result<Layout, ReserveError> {
        block(chunks, TAG_BYTES, TAG_BYTES)
    }

    /// Returns the layout of the entries of `chunks` chunks.
    pub(crate) fn entries(&self, chunks: usize) -> Result<Layout, ReserveError> {
        block(chunks, self.stride, self.align)
    }
}

/// Returns the layout of a block of `count` parts of `size` bytes each.
fn block(count: usize, size: usize, align: usize) -> Result<Layout, ReserveError> {
    let size = count.saturating_mul(size);
    Layout::from_size_align(size, align).map_err(|_| ReserveError::TooLong { len: 0, additional: size })
}

const _: () = {
    let pointers = ChunkLayout::of::<*mut u8>();
    if size_of::<*mut u8>() == 8 && POINTER == 6 {
        assert!(pointers.stride == 128 && pointers.child_offset == 120);
        assert!(pointers.child.size() == 64 && pointers.next_offset == 56);
        assert!(pointers.paging.page() == 128);
        let compact = ChunkLayout::of::<[u16; 3]>();
        assert!(compact.stride == 96 && compact.child.size() == 56);
    }
};

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;

    /// Checks all values of the bits of a hash that choose the slot.
    fn check<T>() {
        for bits in 0..=0xffff_u64 {
            let hash = bits << 41 | 0x1234;
            let (slot, offset) = (preferred_slot::<T>(hash), preferred_offset::<T>(hash));
            assert!(slot < SLOTS, "{slot}");
            assert!(offset <= SLOTS * size_of::<T>(), "{offset}");
            if lines_hold_whole_entries::<T>() {
                assert_eq!(slot * size_of::<T>() / CACHE_LINE, offset / CACHE_LINE);
                assert!(slot == 0 || (slot - 1) * size_of::<T>() / CACHE_LINE < offset / CACHE_LINE);
            }
        }
    }

    #[test]
    fn the_preferred_slot_is_one_of_the_chunk_and_the_first_of_its_line() {
        #[repr(align(64))]
        struct Wide(#[allow(dead_code, reason = "only its size matters")] [u8; 128]);
        check::<()>();
        check::<u8>();
        check::<[u16; 3]>();
        check::<u64>();
        check::<u128>();
        check::<[u64; 3]>();
        check::<[u64; 8]>();
        check::<[u64; 9]>();
        check::<[u64; 512]>();
        check::<Wide>();
        assert!(lines_hold_whole_entries::<u128>() && !lines_hold_whole_entries::<[u64; 3]>());
    }
}
