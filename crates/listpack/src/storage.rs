//! [`Storage`]: the block that a [`ListPack`](crate::ListPack) owns.
//!
//! ```text
//!   | byte_len | count | entry 0 | entry 1 | ... | 0xFF | slack |
//!   0                                                           good_size(byte_len)
//! ```
//!
//! Invariants:
//!
//! 1. `byte_len`, in the first four bytes, is at least 7 and at most [`BYTE_LEN_MAX`]. That many bytes are
//!    initialised, and the last one is 0xFF. Only this module writes the length and the end byte. The bytes
//!    between the header and the end byte may have any value.
//! 2. If `byte_len` is 7, the list has no entries and owns no block. Its pointer points to [`EMPTY`], which
//!    is never written to. Every other list owns a block from zmalloc's raw functions.
//! 3. Without the bit [`OVERSIZED`] in the address, the block can be freed with the size
//!    `good_size(byte_len)`. So the capacity is not stored. With the bit, the block is larger, because the
//!    list was once longer. Only the allocator knows its size then.

use crate::buffer::{Buffer, spliced_len};
use crate::format::{BYTE_LEN_MAX, EMPTY_LEN, END, HEADER_LEN};
use common::{Gap, Writer};
use core::ptr::NonNull;
use core::slice;
use zmalloc::ReserveError;

/// The lowest bit of the address, which is free because blocks are aligned to 8. See invariant 3.
const OVERSIZED: usize = 1;

#[repr(align(8))]
struct Aligned([u8; EMPTY_LEN]);

static EMPTY: Aligned = Aligned([EMPTY_LEN as u8, 0, 0, 0, 0, 0, END]);

/// The block of a [`ListPack`](crate::ListPack).
#[repr(transparent)]
pub(crate) struct Storage {
    /// The address of the block, with the bit [`OVERSIZED`].
    tagged: NonNull<u8>,
}

const _: () = assert!(size_of::<Option<Storage>>() == size_of::<usize>());

// SAFETY: the value alone owns its block, and `EMPTY` is never written to.
unsafe impl Send for Storage {}
// SAFETY: a shared reference gives no way to change the block.
unsafe impl Sync for Storage {}

impl Storage {
    pub(crate) const fn new() -> Self {
        Self { tagged: NonNull::from_ref(&EMPTY.0).cast() }
    }

    /// Copies the bytes of a list into a new block. The caller has checked the header and the end byte.
    ///
    /// An empty list gets no block. Its count is 0, even if the count in the bytes is unknown.
    pub(crate) fn try_from_bytes(bytes: &[u8]) -> Result<Self, ReserveError> {
        assert!((EMPTY_LEN..=BYTE_LEN_MAX).contains(&bytes.len()) && bytes.ends_with(&[END]));
        if bytes.len() == EMPTY_LEN {
            return Ok(Self::new());
        }
        let tagged = allocate(bytes.len())?;
        // SAFETY: the new block has room for the bytes. Once the length is written below, all invariants
        // hold.
        unsafe { tagged.copy_from_nonoverlapping(NonNull::from_ref(bytes).cast(), bytes.len()) };
        let mut new = Self { tagged };
        new.set_byte_len(bytes.len());
        Ok(new)
    }

    #[inline]
    fn base(&self) -> NonNull<u8> {
        let base = self.tagged.as_ptr().map_addr(|address| address & !OVERSIZED);
        // SAFETY: the address of a block is a multiple of 8 and not 0, so it is not 0 without the lowest bit.
        unsafe { NonNull::new_unchecked(base) }
    }

    #[inline]
    fn is_oversized(&self) -> bool {
        self.tagged.addr().get() & OVERSIZED != 0
    }

    #[inline]
    pub(crate) fn byte_len(&self) -> usize {
        // SAFETY: by invariant 1, the first four bytes are initialised. They are aligned to 8.
        u32::from_le(unsafe { self.base().cast().read() }) as usize
    }

    /// Returns whether the list owns a block, by invariant 2.
    #[inline]
    fn is_owned(&self) -> bool {
        self.byte_len() != EMPTY_LEN
    }

    #[inline]
    fn set_byte_len(&mut self, len: usize) {
        debug_assert!((EMPTY_LEN..=BYTE_LEN_MAX).contains(&len));
        // SAFETY: callers call this only for an owned block, which has more than four bytes.
        unsafe { self.base().cast().write((len as u32).to_le()) };
    }

    /// Makes room for `new_len` bytes, where `new_len > old_len`. On an error, the block is unchanged.
    #[inline]
    fn try_fit(&mut self, old_len: usize, new_len: usize) -> Result<(), ReserveError> {
        let (class, size) = (zmalloc::good_size(old_len), zmalloc::good_size(new_len));
        if class == size && old_len != EMPTY_LEN { Ok(()) } else { self.try_grow(old_len, new_len) }
    }

    /// The slow path of [`try_fit`](Self::try_fit), taken if the size class changes or there is no block.
    #[inline(never)]
    fn try_grow(&mut self, old_len: usize, new_len: usize) -> Result<(), ReserveError> {
        if old_len == EMPTY_LEN {
            let block = allocate(new_len)?;
            // SAFETY: the new block and `EMPTY` have at least `EMPTY_LEN` bytes, and they do not overlap.
            unsafe { block.copy_from_nonoverlapping(self.base(), EMPTY_LEN) };
            self.tagged = block;
            return Ok(());
        }
        let (class, size) = (zmalloc::good_size(old_len), zmalloc::good_size(new_len));
        let capacity = if self.is_oversized() { self.usable_size() } else { class };
        // At least half of the block may be free, if `shrink_if_half_free` had no memory to make it smaller. Such a
        // block is moved, too.
        let is_moved =
            (capacity < new_len || size <= capacity / 2) && self.try_move(capacity, size).is_some();
        if is_moved {
            return Ok(());
        }
        if capacity < new_len {
            return Err(ReserveError::OutOfMemory { size });
        }
        self.tag(capacity != size);
        Ok(())
    }

    /// Makes the block smaller after bytes were removed, if at least half of it would be free.
    ///
    /// A block with less free space keeps its size. If it always got the size of the list, removing entries one by
    /// one would allocate a new block every few entries.
    #[inline]
    fn shrink_if_half_free(&mut self, old_len: usize, new_len: usize) {
        let (class, size) = (zmalloc::good_size(old_len), zmalloc::good_size(new_len));
        if class == size {
            return;
        }
        let capacity = if self.is_oversized() { self.usable_size() } else { class };
        if size > capacity / 2 || self.try_move(capacity, size).is_none() {
            self.tag(true);
        }
    }

    /// Moves the list to a block of its size class, if its block is larger and there is memory.
    pub(crate) fn shrink_to_fit(&mut self) {
        if self.is_oversized() {
            let _ = self.try_move(self.usable_size(), zmalloc::good_size(self.byte_len()));
        }
    }

    /// Moves the block of `capacity` bytes to one of `size` bytes. Returns `None` if there is no memory.
    fn try_move(&mut self, capacity: usize, size: usize) -> Option<()> {
        // SAFETY: the block is owned. By invariant 3, `capacity` is its size class, or it comes from the
        // allocator.
        let (block, _) = unsafe { zmalloc::ztryrealloc_sized(self.base(), capacity, size) }?;
        self.tagged = block; // this clears `OVERSIZED`
        Some(())
    }

    /// Sets or clears the bit [`OVERSIZED`].
    #[inline]
    fn tag(&mut self, is_oversized: bool) {
        let base = self.base();
        self.tagged = if is_oversized { base.map_addr(|address| address | OVERSIZED) } else { base };
    }

    /// Asks the allocator for the size of the block.
    fn usable_size(&self) -> usize {
        // SAFETY: callers call this only for an owned block.
        unsafe { zmalloc::zmalloc_usable_size(self.base()) }
    }

    /// Returns how many bytes the block adds to `used_memory`.
    #[inline]
    pub(crate) fn allocation_size(&self) -> usize {
        let base = self.base();
        if !self.is_owned() {
            0
        } else if self.is_oversized() {
            // SAFETY: the block is owned.
            unsafe { zmalloc::zmalloc_size(base) }
        } else {
            // SAFETY: the block is owned, and it was allocated with this size, by invariant 3.
            unsafe { zmalloc::zmalloc_size_sized(base, zmalloc::good_size(self.byte_len())) }
        }
    }

    /// See [`ListPack::relocate`](crate::ListPack::relocate).
    pub(crate) fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        let (base, byte_len) = (self.base(), self.byte_len());
        if !self.is_owned() || !moves(base, self.allocation_size()) {
            return false;
        }
        // A block that is too large for its list gets the right size here.
        let size = zmalloc::good_size(byte_len);
        // SAFETY: the block is owned and has room for `size` bytes. The old address is not used again.
        let Some(block) = (unsafe { zmalloc::ztryrelocate(base, size) }) else { return false };
        self.tagged = block;
        true
    }
}

impl Buffer for Storage {
    #[inline]
    fn bytes(&self) -> &[u8] {
        // SAFETY: by invariant 1, `byte_len` bytes are initialised. They do not change while `self` is
        // borrowed.
        unsafe { slice::from_raw_parts(self.base().as_ptr(), self.byte_len()) }
    }

    /// Callers may write any bytes, by invariant 1.
    fn entries_mut(&mut self) -> &mut [u8] {
        let len = self.byte_len() - EMPTY_LEN;
        // SAFETY: by invariant 1, `len` bytes after the header are initialised, and `self` is borrowed
        // mutably. For `EMPTY`, `len` is 0.
        unsafe { slice::from_raw_parts_mut(self.base().as_ptr().add(HEADER_LEN), len) }
    }

    #[inline]
    fn count(&self) -> u16 {
        // SAFETY: by invariant 1, bytes 4 and 5 are initialised. They are at an even address.
        u16::from_le(unsafe { self.base().add(4).cast().read() })
    }

    /// Writes the count. An empty list has no block, and keeps its count of 0.
    #[inline]
    fn set_count(&mut self, count: u16) {
        if self.is_owned() {
            // SAFETY: the block is owned, and bytes 4 and 5 are at an even address.
            unsafe { self.base().add(4).cast().write(count.to_le()) };
        }
    }

    /// Replaces bytes. The block is freed if no entry is left.
    #[inline]
    fn try_splice(
        &mut self,
        at: usize,
        removed: usize,
        added: usize,
        fill: impl FnOnce(&mut Writer<'_, '_>),
    ) -> Result<(), ReserveError> {
        let old_len = self.byte_len();
        let new_len = spliced_len(old_len, at, removed, added)?;
        if new_len > old_len {
            self.try_fit(old_len, new_len)?;
        } else if new_len == EMPTY_LEN {
            *self = Self::new();
            return Ok(());
        } else if removed == 0 {
            return Ok(()); // there is nothing to write, and `EMPTY` must not be written to
        }
        // SAFETY: the list owns a block with room for both lengths, so the tail with the end byte stays within it.
        // `Gap` below initialises all bytes of the gap, even if `fill` panics.
        unsafe {
            let gap = self.base().add(at);
            if added != removed {
                match old_len - at - removed {
                    1 => gap.add(added).write(END), // only the end byte, which needs no call of `memmove`
                    tail => gap.add(added).copy_from(gap.add(removed), tail),
                }
                self.set_byte_len(new_len);
            }
        }
        if new_len < old_len {
            self.shrink_if_half_free(old_len, new_len); // invariant 3 must hold before `fill`, which may panic
        }
        // SAFETY: the gap lies within the block, and `self` is borrowed mutably.
        unsafe { fill(&mut Gap::new(self.base().add(at), added).writer()) };
        Ok(())
    }
}

impl Drop for Storage {
    #[inline]
    fn drop(&mut self) {
        if !self.is_owned() {
            return;
        }
        let base = self.base();
        if self.is_oversized() {
            // SAFETY: the block is owned, and it is freed only here.
            unsafe { zmalloc::zfree(base) }
        } else {
            // SAFETY: as above, and it was allocated with this size, by invariant 3.
            unsafe { zmalloc::zfree_sized(base, zmalloc::good_size(self.byte_len())) }
        }
    }
}

/// Allocates a block for `len` bytes.
fn allocate(len: usize) -> Result<NonNull<u8>, ReserveError> {
    let size = zmalloc::good_size(len);
    zmalloc::ztrymalloc(size).ok_or(ReserveError::OutOfMemory { size })
}
