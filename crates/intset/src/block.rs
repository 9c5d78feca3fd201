//! [`Block`]: the block that an [`IntSet`](crate::IntSet) owns.
//!
//! ```text
//!  Block -> | encoding: u32 | length: u32 | integer 0 | integer 1 | ... | free |
//!           0               4             8     encoding bytes each
//! ```
//!
//! The size of the block is not stored, because Redis' header has no field for it. The block always has at
//! least the allocator's size class for the bytes in use. It has more if the set was once larger. So an
//! insert computes how many bytes are certainly free, and calls the allocator only when they are used up.

use crate::buffer::{Buffer, bytes_added};
use crate::header::{HEADER_LEN, Header};
use common::{Gap, ReserveError, Writer};
use core::ptr::NonNull;
use core::slice;

/// The header that all empty sets share.
static EMPTY: [u8; HEADER_LEN] = Header::EMPTY.to_bytes();

/// The block of an [`IntSet`](crate::IntSet). Nothing in this file depends on the order of the integers.
#[repr(transparent)]
pub(crate) struct Block {
    /// The start of a header, and of the integers after it.
    ///
    /// Invariant: if the header's length is 0, this points to [`EMPTY`], which is never written to. Otherwise
    /// it points to a block from zmalloc's raw functions that this value alone owns. The block begins with
    /// the bytes of a [`Header`]. Its first [`Header::byte_len`] bytes are initialised, and that number does
    /// not overflow.
    start: NonNull<u8>,
}

const _: () = assert!(size_of::<Option<Block>>() == size_of::<usize>());

// SAFETY: the value alone owns its block, and any thread may free a block.
unsafe impl Send for Block {}
// SAFETY: a shared reference gives no way to change the block.
unsafe impl Sync for Block {}

impl Block {
    /// A block without integers. It does not allocate.
    pub(crate) const EMPTY: Self = Self { start: NonNull::from_ref(&EMPTY).cast() };

    /// Copies the bytes of a set into a new block.
    ///
    /// # Panics
    /// If the header does not give the number of `bytes`.
    pub(crate) fn try_from_bytes(bytes: &[u8]) -> Result<Self, ReserveError> {
        let header = Header::of(bytes);
        assert!(header.byte_len() == Some(bytes.len()));
        if bytes.len() == HEADER_LEN {
            return Ok(Self::EMPTY);
        }
        let size = zmalloc::good_size(bytes.len());
        let start = zmalloc::ztrymalloc(size).ok_or(ReserveError::OutOfMemory { size })?;
        // SAFETY: the new block has room for the bytes. The header that is written gives their number (assert
        // above).
        unsafe {
            start.copy_from_nonoverlapping(NonNull::from_ref(bytes).cast(), bytes.len());
            start.cast().write(header.to_bytes());
        }
        Ok(Self { start })
    }

    /// The two numbers of the header: the encoding, which is the size of one integer in bytes, and the number
    /// of integers.
    #[inline]
    fn numbers(&self) -> [u32; 2] {
        // SAFETY: by the invariant, `start` points to a header. The header does not change while `self` is
        // borrowed.
        unsafe { self.start.cast::<[[u8; 4]; 2]>().read() }.map(u32::from_le_bytes)
    }

    /// How many bytes are in use, including the header.
    #[inline]
    fn byte_len(&self) -> usize {
        let [size, len] = self.numbers().map(|number| number as usize);
        HEADER_LEN + len * size // by the invariant, this does not overflow
    }

    #[inline]
    fn is_owned(&self) -> bool {
        let [_, len] = self.numbers();
        len > 0
    }

    /// Makes room for `new_len` bytes, which are more than `old_len`. The block is owned afterwards. A block
    /// that was not owned before has no header yet. On an error the block is unchanged.
    #[inline]
    fn try_fit(&mut self, old_len: usize, new_len: usize) -> Result<(), ReserveError> {
        // The block has at least the size class of the bytes in use.
        if old_len > HEADER_LEN && new_len <= zmalloc::good_size(old_len) {
            return Ok(());
        }
        let size = zmalloc::good_size(new_len);
        self.try_grow(old_len, new_len, size).ok_or(ReserveError::OutOfMemory { size })
    }

    /// The slow path of [`try_fit`](Self::try_fit), taken if the size class of the old length may be too
    /// small. `size` is the size class of the new length.
    #[inline(never)]
    fn try_grow(&mut self, old_len: usize, new_len: usize, size: usize) -> Option<()> {
        if old_len == HEADER_LEN {
            self.start = zmalloc::ztrymalloc(size)?;
            return Some(());
        }
        // SAFETY: the set is not empty, so the block is owned. Its size comes from the allocator.
        unsafe {
            let usable = zmalloc::zmalloc_usable_size(self.start);
            // The block may be larger than its size class, because the set was once larger. It may even be
            // half empty, if there was no memory when `shrink_if_half_free` tried to make it smaller.
            let (fits, wastes) = (new_len <= usable, size <= usable / 2);
            if fits && !wastes {
                return Some(());
            }
            match zmalloc::ztryrealloc_sized(self.start, usable, size) {
                Some((start, _)) => self.start = start,
                None if fits => {}
                None => return None,
            }
        }
        Some(())
    }

    /// Makes the block smaller after integers were removed, if at least half of it would be free. The block
    /// keeps its size if the allocator has no memory for a smaller block.
    #[inline]
    fn shrink_if_half_free(&mut self, old_len: usize, new_len: usize) {
        let size = zmalloc::good_size(new_len);
        if size >= zmalloc::good_size(old_len) {
            return;
        }
        // SAFETY: callers call this only for an owned block. Its first `new_len` bytes are kept, and its size
        // comes from the allocator.
        unsafe {
            let usable = zmalloc::zmalloc_usable_size(self.start);
            if size <= usable / 2
                && let Some((start, _)) = zmalloc::ztryrealloc_sized(self.start, usable, size)
            {
                self.start = start;
            }
        }
    }

    /// How many bytes the block adds to `used_memory`.
    pub(crate) fn allocation_size(&self) -> usize {
        // SAFETY: the allocator is asked only about an owned block.
        if self.is_owned() { unsafe { zmalloc::zmalloc_size(self.start) } } else { 0 }
    }

    /// See [`IntSet::relocate`](crate::IntSet::relocate).
    pub(crate) fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        if !self.is_owned() || !moves(self.start, self.allocation_size()) {
            return false;
        }
        // SAFETY: the block is owned and has at least the size class of the bytes in use.
        let moved = unsafe { zmalloc::ztryrelocate(self.start, zmalloc::good_size(self.byte_len())) };
        let Some(start) = moved else { return false };
        self.start = start;
        true
    }
}

impl Buffer for Block {
    #[inline]
    fn bytes(&self) -> &[u8] {
        // SAFETY: by the invariant, the header and the integers are initialised.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.byte_len()) }
    }

    #[inline]
    fn items_mut(&mut self) -> &mut [u8] {
        let len = self.byte_len() - HEADER_LEN;
        // SAFETY: by the invariant, `len` bytes after the header are initialised, and `self` is borrowed
        // mutably. For `EMPTY`, `len` is 0.
        unsafe { slice::from_raw_parts_mut(self.start.add(HEADER_LEN).as_ptr(), len) }
    }

    #[inline]
    fn try_make_gap(
        &mut self,
        header: Header,
        at: usize,
        fill: impl FnOnce(&mut Writer<'_, '_>),
    ) -> Result<(), ReserveError> {
        let old_len = self.byte_len();
        let added = bytes_added(old_len, header, at)?;
        if added == 0 {
            return Ok(()); // nothing may be written: this may be `EMPTY`
        }
        self.try_fit(old_len, old_len + added)?;
        // SAFETY: the block is owned now and has room for the new length, so the tail stays within it. The
        // gap begins at `at` and ends where the moved tail begins. `Gap` initialises all of it, even if
        // `fill` panics.
        unsafe {
            let gap = self.start.add(at);
            if at < old_len {
                gap.add(added).copy_from(gap, old_len - at);
            }
            self.start.cast().write(header.to_bytes());
            fill(&mut Gap::new(gap, added).writer());
        }
        Ok(())
    }

    /// Removes the integers. The block is freed if no integer is left.
    fn remove_items(&mut self, start: usize, end: usize) {
        let [size, len] = self.numbers().map(|number| number as usize);
        assert!(start <= end && end <= len);
        let rest = len - (end - start);
        if rest == 0 {
            *self = Self::EMPTY;
            return;
        }
        // SAFETY: the set is not empty, so the block is owned, and the indices are within its length (assert
        // above). The length is at bytes 4 to 7 of the header. The new one fits in 32 bits, because it is
        // less than the old one.
        unsafe {
            let items = self.start.add(HEADER_LEN);
            items.add(start * size).copy_from(items.add(end * size), (len - end) * size);
            self.start.add(4).cast().write((rest as u32).to_le_bytes());
        }
        self.shrink_if_half_free(HEADER_LEN + len * size, HEADER_LEN + rest * size);
    }
}

impl Drop for Block {
    #[inline]
    fn drop(&mut self) {
        if self.is_owned() {
            // SAFETY: the block is owned, and it is freed only here.
            unsafe { zmalloc::zfree(self.start) };
        }
    }
}
