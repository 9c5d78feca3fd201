//! [`Storage`]: a list's own block.
//!
//! ```text
//!   | byte_len | count | entry 0 | entry 1 | ... | 0xFF | slack |
//!   0                                                           good_size(byte_len)
//! ```
//!
//! Invariants:
//!
//! 1. `byte_len`, in the first four bytes, is at least 7 and at most [`BYTE_LEN_MAX`]; that many bytes are initialised,
//!    and the last is 0xFF. Only this module writes them. What stands between header and end is any bytes.
//! 2. A list without bytes of entries (`byte_len` is 7) owns no block: its pointer is at [`EMPTY`], which is never
//!    written. All others own a block of zmalloc's raw family.
//! 3. `good_size(byte_len)` is a size to free the block with, so that its capacity needs to be stored nowhere; unless the
//!    address has the bit [`LOOSE`]. Then the block is larger, because its list was longer once, and only the allocator
//!    knows by how much.

use crate::buffer::{Buffer, spliced_len};
use crate::format::{BYTE_LEN_MAX, EMPTY_LEN, END, HEADER_LEN};
use common::{Gap, Writer};
use core::ptr::NonNull;
use core::slice;
use zmalloc::ReserveError;

/// The lowest bit of an address: blocks are aligned to 8. See invariant 3.
const LOOSE: usize = 1;

#[repr(align(8))]
struct Aligned([u8; EMPTY_LEN]);

static EMPTY: Aligned = Aligned([EMPTY_LEN as u8, 0, 0, 0, 0, 0, END]);

/// The block of a [`ListPack`](crate::ListPack).
#[repr(transparent)]
pub(crate) struct Storage {
    /// The address of the block, and the bit `LOOSE`.
    tagged: NonNull<u8>,
}

const _: () = assert!(size_of::<Option<Storage>>() == size_of::<usize>());

// SAFETY: the block belongs to the storage alone, and `EMPTY` is never written.
unsafe impl Send for Storage {}
// SAFETY: shared, it can only be read.
unsafe impl Sync for Storage {}

impl Storage {
    pub(crate) const fn new() -> Self {
        Self { tagged: NonNull::from_ref(&EMPTY.0).cast() }
    }

    /// A copy of a list's bytes, whose header and end have been checked. An empty list needs no copy. Its count is 0, even if the
    /// bytes say that the count is not known.
    pub(crate) fn try_from_bytes(bytes: &[u8]) -> Result<Self, ReserveError> {
        assert!((EMPTY_LEN..=BYTE_LEN_MAX).contains(&bytes.len()) && bytes.ends_with(&[END]));
        if bytes.len() == EMPTY_LEN {
            return Ok(Self::new());
        }
        let tagged = allocate(bytes.len())?;
        // SAFETY: the new block has room for the bytes. With the length in front they are a list: invariants 1 to 3.
        unsafe { tagged.copy_from_nonoverlapping(NonNull::from_ref(bytes).cast(), bytes.len()) };
        let mut new = Self { tagged };
        new.set_byte_len(bytes.len());
        Ok(new)
    }

    #[inline]
    fn base(&self) -> NonNull<u8> {
        let base = self.tagged.as_ptr().map_addr(|address| address & !LOOSE);
        // SAFETY: a block's address is a multiple of 8 and not null, so neither is it without the bit.
        unsafe { NonNull::new_unchecked(base) }
    }

    #[inline]
    fn is_loose(&self) -> bool {
        self.tagged.addr().get() & LOOSE != 0
    }

    #[inline]
    pub(crate) fn byte_len(&self) -> usize {
        // SAFETY: the first four bytes are initialised and 8-aligned: invariant 1.
        u32::from_le(unsafe { self.base().cast().read() }) as usize
    }

    /// Whether there is a block: invariant 2.
    #[inline]
    fn is_owned(&self) -> bool {
        self.byte_len() != EMPTY_LEN
    }

    #[inline]
    fn set_byte_len(&mut self, len: usize) {
        debug_assert!((EMPTY_LEN..=BYTE_LEN_MAX).contains(&len));
        // SAFETY: every caller has a block, larger than its first four bytes.
        unsafe { self.base().cast().write((len as u32).to_le()) };
    }

    /// Sees to it that the block has room for `new_len` bytes, which are more. On an error the block is as it was.
    #[inline]
    fn try_fit(&mut self, old_len: usize, new_len: usize) -> Result<(), ReserveError> {
        let (class, size) = (zmalloc::good_size(old_len), zmalloc::good_size(new_len));
        if class == size && old_len != EMPTY_LEN { Ok(()) } else { self.try_grow(old_len, new_len) }
    }

    /// [`try_fit`](Self::try_fit) if the size class of the old length is not enough.
    #[inline(never)]
    fn try_grow(&mut self, old_len: usize, new_len: usize) -> Result<(), ReserveError> {
        if old_len == EMPTY_LEN {
            let block = allocate(new_len)?;
            // SAFETY: both have as many bytes, and the new block overlaps nothing.
            unsafe { block.copy_from_nonoverlapping(self.base(), EMPTY_LEN) };
            self.tagged = block;
            return Ok(());
        }
        let (class, size) = (zmalloc::good_size(old_len), zmalloc::good_size(new_len));
        let capacity = if self.is_loose() { self.usable_size() } else { class };
        // Also if it is half empty: there was no memory when it was to be given back.
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

    /// Gives back what a list that has become shorter does not need, once that is half of the block: who takes
    /// elements out one by one would otherwise pay for a new block every few of them.
    #[inline]
    fn give_back(&mut self, old_len: usize, new_len: usize) {
        let (class, size) = (zmalloc::good_size(old_len), zmalloc::good_size(new_len));
        if class == size {
            return;
        }
        let capacity = if self.is_loose() { self.usable_size() } else { class };
        if size > capacity / 2 || self.try_move(capacity, size).is_none() {
            self.tag(true);
        }
    }

    /// Gives back all that the list does not need, if there is memory for the copy.
    pub(crate) fn shrink_to_fit(&mut self) {
        if self.is_loose() {
            let _ = self.try_move(self.usable_size(), zmalloc::good_size(self.byte_len()));
        }
    }

    /// Moves the block of `capacity` bytes to one of `size`. `None` if there is no memory for it.
    fn try_move(&mut self, capacity: usize, size: usize) -> Option<()> {
        // SAFETY: a live block of our own, and a size to free it with: invariant 3, or what the allocator says.
        let (block, _) = unsafe { zmalloc::ztryrealloc_sized(self.base(), capacity, size) }?;
        self.tagged = block; // not loose
        Some(())
    }

    /// Says whether the block is larger than the list's length tells.
    #[inline]
    fn tag(&mut self, is_loose: bool) {
        let base = self.base();
        self.tagged = if is_loose { base.map_addr(|address| address | LOOSE) } else { base };
    }

    /// What the allocator says of the block's size.
    fn usable_size(&self) -> usize {
        // SAFETY: every caller has a live block of its own.
        unsafe { zmalloc::zmalloc_usable_size(self.base()) }
    }

    /// What the block adds to `used_memory`, in bytes.
    #[inline]
    pub(crate) fn allocation_size(&self) -> usize {
        let base = self.base();
        if !self.is_owned() {
            0
        } else if self.is_loose() {
            // SAFETY: a live block of our own.
            unsafe { zmalloc::zmalloc_size(base) }
        } else {
            // SAFETY: a live block of our own, which was asked for with this size: invariant 3.
            unsafe { zmalloc::zmalloc_size_sized(base, zmalloc::good_size(self.byte_len())) }
        }
    }

    /// Asks about the block, and moves it if told so and there is memory. Whether it has moved.
    pub(crate) fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        let (base, byte_len) = (self.base(), self.byte_len());
        if !self.is_owned() || !moves(base, self.allocation_size()) {
            return false;
        }
        // A block that is too large for its list gets the right size on this occasion.
        let size = zmalloc::good_size(byte_len);
        // SAFETY: a live block of our own with room for that many bytes; the old address is forgotten.
        let Some(block) = (unsafe { zmalloc::ztryrelocate(base, size) }) else { return false };
        self.tagged = block;
        true
    }
}

impl Buffer for Storage {
    #[inline]
    fn bytes(&self) -> &[u8] {
        // SAFETY: `byte_len` bytes are initialised: invariant 1. They are not written while `self` is borrowed.
        unsafe { slice::from_raw_parts(self.base().as_ptr(), self.byte_len()) }
    }

    /// These may be any bytes: invariant 1.
    fn entries_mut(&mut self) -> &mut [u8] {
        let len = self.byte_len() - EMPTY_LEN;
        // SAFETY: that many bytes behind the header are initialised, in a block that is borrowed mutably; `EMPTY`
        // has none of them.
        unsafe { slice::from_raw_parts_mut(self.base().as_ptr().add(HEADER_LEN), len) }
    }

    #[inline]
    fn count(&self) -> u16 {
        // SAFETY: bytes 4 and 5 are initialised, at an even address: invariant 1.
        u16::from_le(unsafe { self.base().add(4).cast().read() })
    }

    /// The empty list has no block and keeps its count of 0.
    #[inline]
    fn set_count(&mut self, count: u16) {
        if self.is_owned() {
            // SAFETY: bytes 4 and 5 of a block of our own.
            unsafe { self.base().add(4).cast().write(count.to_le()) };
        }
    }

    /// A list that is left without entries gives its block back.
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
            return Ok(()); // nothing for nothing, perhaps in `EMPTY`
        }
        // SAFETY: there is a block by now, with room for both lengths. The tail, the end byte in it, is initialised and
        // stays within them. Where bytes are added, the gap is filled before it is read: by `Gap`, even if `fill` panics. Where
        // bytes are removed, those of the gap are initialised already.
        unsafe {
            let gap = self.base().add(at);
            if added != removed {
                match old_len - at - removed {
                    1 => gap.add(added).write(END), // at the end of the list: not worth a call
                    tail => gap.add(added).copy_from(gap.add(removed), tail),
                }
                self.set_byte_len(new_len);
            }
        }
        if new_len < old_len {
            self.give_back(old_len, new_len); // before `fill`, which may panic: invariant 3
        }
        // SAFETY: the gap lies within the block, which nothing else reads or writes meanwhile.
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
        if self.is_loose() {
            // SAFETY: a live block of our own, freed once.
            unsafe { zmalloc::zfree(base) }
        } else {
            // SAFETY: likewise, and it was asked for with this size: invariant 3.
            unsafe { zmalloc::zfree_sized(base, zmalloc::good_size(self.byte_len())) }
        }
    }
}

/// A block for `len` bytes.
fn allocate(len: usize) -> Result<NonNull<u8>, ReserveError> {
    let size = zmalloc::good_size(len);
    zmalloc::ztrymalloc(size).ok_or(ReserveError::OutOfMemory { size })
}
