//! [`Block`]: a set's own block.
//!
//! ```text
//!  Block -> | encoding: u32 | length: u32 | integer 0 | integer 1 | ... | free |
//!           0               4             8     encoding bytes each
//! ```
//!
//! The block's size is not stored: Redis' header has no room for it. The block has the allocator's size class for what it
//! must hold, or more if it has held more. So an insert knows without asking how much is certainly free, and asks the
//! allocator when that is used up.

use crate::buffer::{Buffer, bytes_added};
use crate::header::{HEADER_LEN, Header};
use common::{Gap, ReserveError, Writer};
use core::ptr::NonNull;
use core::slice;

/// What every empty block is.
static EMPTY: [u8; HEADER_LEN] = Header::EMPTY.to_bytes();

/// The block of an [`IntSet`](crate::IntSet). The integers are in any order as far as this file is concerned.
#[repr(transparent)]
pub(crate) struct Block {
    /// Invariant: if the header's length is 0, this is [`EMPTY`], which is never written to. Otherwise it is a block of
    /// zmalloc's raw family owned by this value alone, which begins with the bytes of a [`Header`], and whose first
    /// [`Header::byte_len`] bytes are initialised; that is no overflow.
    start: NonNull<u8>,
}

const _: () = assert!(size_of::<Option<Block>>() == size_of::<usize>());

// SAFETY: the block is owned by the value alone, and the allocator frees from any thread.
unsafe impl Send for Block {}
// SAFETY: nothing changes through a shared reference.
unsafe impl Sync for Block {}

impl Block {
    /// No integers, no allocation.
    pub(crate) const EMPTY: Self = Self { start: NonNull::from_ref(&EMPTY).cast() };

    /// A copy of a set's bytes.
    ///
    /// # Panics
    /// If the header is not right about the number of bytes.
    pub(crate) fn try_from_bytes(bytes: &[u8]) -> Result<Self, ReserveError> {
        let header = Header::of(bytes);
        assert!(header.byte_len() == Some(bytes.len()));
        if bytes.len() == HEADER_LEN {
            return Ok(Self::EMPTY);
        }
        let size = zmalloc::good_size(bytes.len());
        let start = zmalloc::ztrymalloc(size).ok_or(ReserveError::OutOfMemory { size })?;
        // SAFETY: the new block has room for the bytes. The header that is written into it is right about their number.
        unsafe {
            start.copy_from_nonoverlapping(NonNull::from_ref(bytes).cast(), bytes.len());
            start.cast().write(header.to_bytes());
        }
        Ok(Self { start })
    }

    /// The two numbers of the header: the encoding, which is the bytes of one integer, and how many integers there are.
    #[inline]
    fn numbers(&self) -> [u32; 2] {
        // SAFETY: by the invariant a header is there, and nothing writes it while it is borrowed.
        unsafe { self.start.cast::<[[u8; 4]; 2]>().read() }.map(u32::from_le_bytes)
    }

    /// Bytes in use, those of the header among them.
    #[inline]
    fn byte_len(&self) -> usize {
        let [size, len] = self.numbers().map(|number| number as usize);
        HEADER_LEN + len * size // no overflow, by the invariant
    }

    #[inline]
    fn is_owned(&self) -> bool {
        let [_, len] = self.numbers();
        len > 0
    }

    /// Makes room for `new_len` bytes, which are more than `old_len`, in a block that is owned. On an error the block is as it
    /// was. A block that was not owned has no header yet.
    #[inline]
    fn try_fit(&mut self, old_len: usize, new_len: usize) -> Result<(), ReserveError> {
        // The block has at least the class of what it holds.
        if old_len > HEADER_LEN && new_len <= zmalloc::good_size(old_len) {
            return Ok(());
        }
        let size = zmalloc::good_size(new_len);
        self.try_grow(old_len, new_len, size).ok_or(ReserveError::OutOfMemory { size })
    }

    /// [`try_fit`](Self::try_fit) if the size class of the old length is not enough. `size` is that of the new length.
    #[inline(never)]
    fn try_grow(&mut self, old_len: usize, new_len: usize, size: usize) -> Option<()> {
        if old_len == HEADER_LEN {
            self.start = zmalloc::ztrymalloc(size)?;
            return Some(());
        }
        // SAFETY: not empty, so the block is owned; the allocator says its size.
        unsafe {
            let usable = zmalloc::zmalloc_usable_size(self.start);
            // It may have held more, and be half empty if there was no memory when it was to be given back.
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

    /// Gives back what a set that has become smaller does not need, once that is half of the block and if the allocator has room
    /// for the rest elsewhere.
    #[inline]
    fn give_back(&mut self, old_len: usize, new_len: usize) {
        let size = zmalloc::good_size(new_len);
        if size >= zmalloc::good_size(old_len) {
            return;
        }
        // SAFETY: every caller has a block of its own, whose first `new_len` bytes are what is kept; the allocator says its size.
        unsafe {
            let usable = zmalloc::zmalloc_usable_size(self.start);
            if size <= usable / 2
                && let Some((start, _)) = zmalloc::ztryrealloc_sized(self.start, usable, size)
            {
                self.start = start;
            }
        }
    }

    /// What this has added to `used_memory`, in bytes.
    pub(crate) fn allocation_size(&self) -> usize {
        // SAFETY: the block is owned.
        if self.is_owned() { unsafe { zmalloc::zmalloc_size(self.start) } } else { 0 }
    }

    /// See [`IntSet::relocate`](crate::IntSet::relocate).
    pub(crate) fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        if !self.is_owned() || !moves(self.start, self.allocation_size()) {
            return false;
        }
        // SAFETY: the block is owned and has at least the class of what it holds.
        let moved = unsafe { zmalloc::ztryrelocate(self.start, zmalloc::good_size(self.byte_len())) };
        let Some(start) = moved else { return false };
        self.start = start;
        true
    }
}

impl Buffer for Block {
    #[inline]
    fn bytes(&self) -> &[u8] {
        // SAFETY: header and integers are initialised, by the invariant.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.byte_len()) }
    }

    #[inline]
    fn items_mut(&mut self) -> &mut [u8] {
        let len = self.byte_len() - HEADER_LEN;
        // SAFETY: so many bytes are initialised behind the header, in a block that is borrowed mutably; `EMPTY` has none of
        // them.
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
            return Ok(()); // perhaps in `EMPTY`
        }
        self.try_fit(old_len, old_len + added)?;
        // SAFETY: the block is owned by now, with room for the new length. The tail is initialised and stays within it. The gap
        // is what lies between the tail and what is before `at`. It is filled before it is read: by `Gap`, even if `fill`
        // panics.
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

    /// A set that is left without integers gives its block back.
    fn remove_items(&mut self, start: usize, end: usize) {
        let [size, len] = self.numbers().map(|number| number as usize);
        assert!(start <= end && end <= len);
        let rest = len - (end - start);
        if rest == 0 {
            *self = Self::EMPTY;
            return;
        }
        // SAFETY: the set is not empty, so the block is owned. All indices are within its length. The length is in bytes 4 to 8
        // of the header, and has 32 bits, because the old one had.
        unsafe {
            let items = self.start.add(HEADER_LEN);
            items.add(start * size).copy_from(items.add(end * size), (len - end) * size);
            self.start.add(4).cast().write((rest as u32).to_le_bytes());
        }
        self.give_back(HEADER_LEN + len * size, HEADER_LEN + rest * size);
    }
}

impl Drop for Block {
    #[inline]
    fn drop(&mut self) {
        if self.is_owned() {
            // SAFETY: a live block of our own, freed once.
            unsafe { zmalloc::zfree(self.start) };
        }
    }
}
