//! [`Block`]: header and integers in one allocation. All unsafe code of this crate is here.
//!
//! ```text
//!  Block -> | encoding: u32 | length: u32 | integer 0 | integer 1 | ... | free |
//!           0               4             8     encoding bytes each
//! ```
//!
//! Everything is little-endian, as in Redis. A block is aligned to eight, so the integers are aligned too, whichever size
//! they have, and are read as a slice.
//!
//! How large the block is stands nowhere: Redis' header has no room for it. It has the allocator's size class for what it
//! must hold, or more if it has held more. So an insert knows without asking how much is certainly free, and asks the
//! allocator when that is used up.

use crate::item::{Encoding, Item, Items};
use core::ptr::NonNull;
use core::slice;
use zmalloc::ReserveError;

/// Bytes in front of the integers.
pub(crate) const HEADER_LEN: usize = 8;

#[repr(C, align(8))]
struct Header {
    /// [`Encoding`], the lowest byte first.
    encoding: u32,
    /// How many integers, the lowest byte first.
    length: u32,
}

const _: () = assert!(size_of::<Header>() == HEADER_LEN && align_of::<Header>() >= align_of::<i64>());

/// What every empty block is.
static EMPTY: Header = Header { encoding: (Encoding::Int16 as u32).to_le(), length: 0 };

/// The integers of a set, in any order as far as this file is concerned.
#[repr(transparent)]
pub(crate) struct Block {
    /// Invariant: if the length is 0, this is [`EMPTY`], which is never written to. Otherwise a block of zmalloc's raw family
    /// owned by this value alone, that begins with a [`Header`] with one of the encodings and has room for as many integers
    /// as its length says, all of them initialised; `size` of both is no overflow.
    start: NonNull<Header>,
}

const _: () = assert!(size_of::<Option<Block>>() == size_of::<usize>());

// SAFETY: the block is owned by the value alone, and the allocator frees from any thread.
unsafe impl Send for Block {}
// SAFETY: nothing changes through a shared reference.
unsafe impl Sync for Block {}

/// Bytes that `len` integers need with their header; `None` if no length or no memory can be so large.
#[inline]
fn size(encoding: Encoding, len: usize) -> Option<usize> {
    u32::try_from(len).ok()?;
    let size = len.checked_mul(encoding.size())?.checked_add(HEADER_LEN)?;
    (size < isize::MAX as usize / 2).then_some(size)
}

impl Block {
    /// No integers, no allocation.
    pub(crate) const EMPTY: Self = Self { start: NonNull::from_ref(&EMPTY) };

    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: by the invariant a header is there, and nobody writes while it is borrowed.
        unsafe { self.start.as_ref() }
    }

    #[inline]
    pub(crate) fn encoding(&self) -> Encoding {
        match u32::from_le(self.header().encoding) {
            2 => Encoding::Int16,
            4 => Encoding::Int32,
            _ => Encoding::Int64, // by the invariant
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        u32::from_le(self.header().length) as usize
    }

    /// Bytes in use, those of the header among them.
    #[inline]
    fn byte_len(&self) -> usize {
        HEADER_LEN + self.len() * self.encoding().size() // no overflow, by the invariant
    }

    /// Where the integers are.
    #[inline]
    fn items_ptr(&self) -> NonNull<u8> {
        // SAFETY: a header is in front of them.
        unsafe { self.start.cast::<u8>().add(HEADER_LEN) }
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        // SAFETY: header and integers are initialised, by the invariant.
        unsafe { slice::from_raw_parts(self.start.cast().as_ptr(), self.byte_len()) }
    }

    #[inline]
    pub(crate) fn items(&self) -> Items<'_> {
        let (items, len) = (self.items_ptr().as_ptr(), self.len());
        // SAFETY: so many integers of this encoding are there, by the invariant; any bytes are an integer. They are aligned: the
        // block is to eight, and the header has eight bytes.
        unsafe {
            match self.encoding() {
                Encoding::Int16 => Items::Int16(slice::from_raw_parts(items.cast(), len)),
                Encoding::Int32 => Items::Int32(slice::from_raw_parts(items.cast(), len)),
                Encoding::Int64 => Items::Int64(slice::from_raw_parts(items.cast(), len)),
            }
        }
    }

    /// A block of `len` integers, which `fill` writes: their bytes come to it as zeros.
    pub(crate) fn try_new(
        encoding: Encoding,
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<Self, ReserveError> {
        if len == 0 {
            return Ok(Self::EMPTY);
        }
        let too_long =
            ReserveError::TooLong { len: HEADER_LEN, additional: len.saturating_mul(encoding.size()) };
        let size = size(encoding, len).ok_or(too_long)?;
        let size_class = zmalloc::good_size(size);
        let start = zmalloc::ztrycalloc(size_class)
            .ok_or(ReserveError::OutOfMemory { size: size_class })?
            .cast::<Header>();
        // SAFETY: a new block with room for the header and the integers; zeros are integers.
        unsafe {
            start.write(Header { encoding: (encoding as u32).to_le(), length: (len as u32).to_le() });
            let block = Self { start };
            fill(slice::from_raw_parts_mut(block.items_ptr().as_ptr(), size - HEADER_LEN));
            Ok(block)
        }
    }

    /// Puts `value`, which fits the encoding, before the integer at `index`, or at the end. Panics if the index is beyond
    /// it. After an error nothing has changed.
    pub(crate) fn try_insert(&mut self, index: usize, value: i64) -> Result<(), ReserveError> {
        let (encoding, len) = (self.encoding(), self.len());
        assert!(index <= len);
        self.try_reserve_one(encoding, len)?;
        let item = encoding.size();
        // SAFETY: there is room for one integer more, and the index is no more than the length. The block is owned, as room
        // was made in it.
        unsafe {
            let at = self.items_ptr().add(index * item);
            at.copy_to(at.add(item), (len - index) * item);
            match encoding {
                Encoding::Int16 => at.cast().write(<i16 as Item>::new(value)),
                Encoding::Int32 => at.cast().write(<i32 as Item>::new(value)),
                Encoding::Int64 => at.cast().write(<i64 as Item>::new(value)),
            }
            self.set_len(len + 1);
        }
        Ok(())
    }

    /// Takes out those from index `start` up to before `end`. Panics if `start > end` or `end > len`. What is over is given back
    /// once it is half of the block, if the allocator has room for the rest elsewhere.
    pub(crate) fn remove(&mut self, start: usize, end: usize) {
        let (item, len) = (self.encoding().size(), self.len());
        assert!(start <= end && end <= len);
        let rest = len - (end - start);
        if rest == 0 {
            *self = Self::EMPTY;
            return;
        }
        let before = zmalloc::good_size(HEADER_LEN + len * item);
        let after = zmalloc::good_size(HEADER_LEN + rest * item);
        // SAFETY: not empty, so the block is owned; all indices are within it. Its first `after` bytes have what is kept.
        unsafe {
            let from = self.items_ptr().add(end * item);
            from.copy_to(self.items_ptr().add(start * item), (len - end) * item);
            self.set_len(rest);
            if after < before {
                let usable = zmalloc::zmalloc_usable_size(self.start.cast());
                if after <= usable / 2
                    && let Some((start, _)) = zmalloc::ztryrealloc_sized(self.start.cast(), usable, after)
                {
                    self.start = start.cast();
                }
            }
        }
    }

    /// Room for one more integer, in a block that is owned.
    #[inline]
    fn try_reserve_one(&mut self, encoding: Encoding, len: usize) -> Result<(), ReserveError> {
        let size_now = self.byte_len();
        let too_long = ReserveError::TooLong { len: size_now, additional: encoding.size() };
        let needed = size(encoding, len + 1).ok_or(too_long)?;
        if len > 0 && needed <= zmalloc::good_size(size_now) {
            return Ok(()); // the block has at least the class of what it holds
        }
        let size_class = zmalloc::good_size(needed);
        let grown = if len == 0 {
            zmalloc::ztrymalloc(size_class)
        } else {
            // SAFETY: not empty, so the block is owned; the allocator says its size.
            unsafe {
                let usable = zmalloc::zmalloc_usable_size(self.start.cast());
                // It may have held more, and be half empty if there was no memory when it was to be given back.
                let (fits, wastes) = (needed <= usable, size_class <= usable / 2);
                if fits && !wastes {
                    return Ok(());
                }
                match zmalloc::ztryrealloc_sized(self.start.cast(), usable, size_class) {
                    None if fits => return Ok(()),
                    moved => moved.map(|(start, _)| start),
                }
            }
        };
        self.start = grown.ok_or(ReserveError::OutOfMemory { size: size_class })?.cast();
        if len == 0 {
            // SAFETY: a new block with room for a header. Its length of 0 is not the invariant, but the caller, who adds an
            // integer now, cannot fail.
            unsafe { self.start.write(Header { encoding: (encoding as u32).to_le(), length: 0 }) };
        }
        Ok(())
    }

    /// # Safety
    /// The block is owned and has `len` integers, at least one.
    #[inline]
    unsafe fn set_len(&mut self, len: usize) {
        debug_assert!(len > 0);
        // SAFETY: by contract. The length has 32 bits, as `size` saw to.
        unsafe { self.start.as_mut().length = (len as u32).to_le() };
    }

    /// What this has added to `used_memory`, in bytes.
    pub(crate) fn allocation_size(&self) -> usize {
        // SAFETY: not empty, so the block is owned.
        if self.len() == 0 { 0 } else { unsafe { zmalloc::zmalloc_size(self.start.cast()) } }
    }

    /// See [`IntSet::relocate`](crate::IntSet::relocate).
    pub(crate) fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        let block = self.start.cast::<u8>();
        if self.len() == 0 || !moves(block, self.allocation_size()) {
            return false;
        }
        // SAFETY: the block is owned and has at least the class of what it holds.
        let moved = unsafe { zmalloc::ztryrelocate(block, zmalloc::good_size(self.byte_len())) };
        let Some(new) = moved else { return false };
        self.start = new.cast();
        true
    }
}

impl Drop for Block {
    #[inline]
    fn drop(&mut self) {
        if self.len() > 0 {
            // SAFETY: not empty, so the block is owned.
            unsafe { zmalloc::zfree(self.start.cast()) };
        }
    }
}
