//! [`StringBlock`]: one or two byte strings in one block, behind a pointer of six bytes.
//!
//! ```text
//!  StringBlock<1>, a member of a set     | len | bytes ...                     1 + len bytes
//!  StringBlock<2>, a field of a hash     | len | len | field ... | value ...   2 + len + len bytes
//!
//!  len: one byte below 255; otherwise 255, and then four bytes, little-endian
//! ```
//!
//! There is no NUL, no capacity and no header, so the strings cost only 1 or 2 bytes more. A member of 19
//! bytes is in a block of 24. A field of 18 with a value of 16 is in a block of 40. Redis has a block for
//! each string, and two pointers between them.
//!
//! Invariant: the pointer is that of a live block of zmalloc's raw family, with lengths and strings as
//! drawn. Only this value owns it. It was allocated with the size of the size class that the lengths need.

use common::length;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::slice;
use dict::CompactPtr;
use zmalloc::ReserveError;

/// `N` strings in one block, as drawn above. The first one is the key.
pub(crate) struct StringBlock<const N: usize>(CompactPtr<u8>);

// SAFETY: the block is owned, and its bytes change only through `&mut`.
unsafe impl<const N: usize> Send for StringBlock<N> {}
// SAFETY: as above.
unsafe impl<const N: usize> Sync for StringBlock<N> {}

impl<const N: usize> StringBlock<N> {
    /// Returns the size to allocate: the size class that these strings need. A string that changes within
    /// the class does not change this size.
    fn class_of(lens: [usize; N]) -> Result<usize, ReserveError> {
        let mut size = 0usize;
        for len in lens {
            let more = length::size(len).saturating_add(len);
            if len > length::LEN_MAX || more > isize::MAX as usize - size {
                return Err(ReserveError::TooLong { len: size, additional: len });
            }
            size += more;
        }
        Ok(zmalloc::good_size(size))
    }

    /// Creates a block with copies of the strings.
    pub(crate) fn try_new(parts: [&[u8]; N]) -> Result<Self, ReserveError> {
        let size = Self::class_of(parts.map(<[u8]>::len))?;
        let pointer = pointer(zmalloc::ztrymalloc(size), size)?;
        // SAFETY: the new block has the size that `write` needs.
        unsafe { write(pointer.get(), parts) };
        Ok(Self(pointer))
    }

    /// Creates a block with strings of these lengths. They are zeros until `fill` writes them.
    pub(crate) fn try_new_with<E: From<ReserveError>>(
        lens: [usize; N],
        fill: impl FnOnce([&mut [u8]; N]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let size = Self::class_of(lens)?;
        let pointer = pointer(zmalloc::ztrycalloc(size), size)?;
        // SAFETY: the new block has room for the lengths and for the strings after them, which are zeros.
        let mut place =
            unsafe { lens.into_iter().fold(pointer.get(), |place, len| length::write(place, len)) };
        let block = Self(pointer);
        // SAFETY: the strings follow their lengths, one after the other. No other pointer to the new block
        // exists.
        let parts = lens.map(|len| unsafe {
            let part = slice::from_raw_parts_mut(place.as_ptr(), len);
            place = place.add(len);
            part
        });
        fill(parts)?;
        Ok(block)
    }

    /// Returns the strings.
    #[inline]
    pub(crate) fn parts(&self) -> [&[u8]; N] {
        // SAFETY: the block is live and written (invariant), and does not change while `self` is borrowed.
        unsafe { read(self.0.get()) }
    }

    /// Returns the key, which is the first string.
    #[inline]
    pub(crate) fn key(&self) -> &[u8] {
        const { assert!(N > 0) };
        self.parts()[0]
    }

    /// Returns the address at which reading the key begins, for a prefetch.
    #[inline]
    pub(crate) fn prefetch_address(&self) -> *const u8 {
        self.0.get().as_ptr()
    }

    /// Returns the size with which the block was allocated.
    fn class(&self) -> usize {
        zmalloc::good_size(self.parts().iter().map(|part| length::size(part.len()) + part.len()).sum())
    }

    /// Returns the number of bytes that the block adds to `used_memory`.
    pub(crate) fn allocation_size(&self) -> usize {
        // SAFETY: the block is live and was allocated with this size.
        unsafe { zmalloc::zmalloc_size_sized(self.0.get(), self.class()) }
    }

    /// Frees the block, and returns the number of bytes that it added to `used_memory`. Its lengths are
    /// read only once.
    pub(crate) fn free(self) -> usize {
        let this = ManuallyDrop::new(self);
        let (block, class) = (this.0.get(), this.class());
        // SAFETY: the block is live and was allocated with this size. It is not used afterwards.
        unsafe {
            let freed = zmalloc::zmalloc_size_sized(block, class);
            zmalloc::zfree_sized(block, class);
            freed
        }
    }

    /// Moves the block if `moves` returns `true` and there is memory.
    pub(crate) fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) {
        let (old, class) = (self.0.get(), self.class());
        if !moves(old, self.allocation_size()) {
            return;
        }
        // SAFETY: the block is live and was allocated with this size. If it moves, the old address is not
        // used again.
        let moved = unsafe { zmalloc::ztryrelocate_if(old, class, |new| CompactPtr::new(new).is_some()) };
        if let Some(new) = moved.and_then(CompactPtr::new) {
            self.0 = new;
        }
    }
}

impl StringBlock<2> {
    /// Returns the value of a field.
    #[inline]
    pub(crate) fn value(&self) -> &[u8] {
        self.parts()[1]
    }

    /// Replaces the value. It is written in place if it needs a block of the same size class. On failure
    /// the old value stays.
    pub(crate) fn try_set_value(&mut self, value: &[u8]) -> Result<(), ReserveError> {
        let parts = [self.key(), value];
        let key_len = self.key().len();
        if self.class() != Self::class_of(parts.map(<[u8]>::len))?
            || length::size(self.value().len()) != length::size(value.len())
        {
            *self = Self::try_new(parts)?;
            return Ok(());
        }
        let block = self.0.get();
        // SAFETY: the block has room, because it was allocated with the class that is needed now. The key
        // stays where it is, because the new length takes as many bytes as the old one. `value` is the
        // caller's and overlaps nothing here.
        unsafe {
            let place = block.add(length::size(key_len));
            let place = length::write(place, value.len()).add(key_len);
            place.copy_from_nonoverlapping(NonNull::from(value).cast(), value.len());
        }
        Ok(())
    }
}

impl<const N: usize> Drop for StringBlock<N> {
    fn drop(&mut self) {
        // SAFETY: the block is live and was allocated with this size (invariant). It is not used afterwards.
        unsafe { zmalloc::zfree_sized(self.0.get(), self.class()) };
    }
}

/// Returns the pointer to a new block of that size. An address that does not fit six bytes counts as
/// missing memory.
fn pointer(block: Option<NonNull<u8>>, size: usize) -> Result<CompactPtr<u8>, ReserveError> {
    let out_of_memory = ReserveError::OutOfMemory { size };
    let block = block.ok_or(out_of_memory)?;
    CompactPtr::new(block).ok_or_else(|| {
        // SAFETY: the block was just allocated with this size.
        unsafe { zmalloc::zfree_sized(block, size) };
        out_of_memory
    })
}

/// Writes all lengths, then all strings.
///
/// # Safety
/// `block` must have as many bytes as `class_of` returns for the lengths of `parts`. All of them must be
/// valid for writes, and must not overlap `parts`.
unsafe fn write<const N: usize>(block: NonNull<u8>, parts: [&[u8]; N]) {
    // SAFETY: the caller guarantees the room, and that nothing overlaps.
    unsafe {
        let place = parts.iter().fold(block, |place, part| length::write(place, part.len()));
        parts.iter().fold(place, |place, part| {
            place.copy_from_nonoverlapping(NonNull::from(*part).cast(), part.len());
            place.add(part.len())
        });
    }
}

/// Reads the strings of a block.
///
/// # Safety
/// The block must have been written by [`write()`] with the same `N`, and its bytes must not change for `'a`.
#[inline]
unsafe fn read<'a, const N: usize>(block: NonNull<u8>) -> [&'a [u8]; N] {
    let mut place = block;
    // SAFETY: the caller guarantees that `N` lengths are at the start of the block.
    let lens = [(); N].map(|()| unsafe {
        let (len, next) = length::read(place);
        place = next;
        len
    });
    // SAFETY: the strings follow their lengths, one after the other.
    lens.map(|len| unsafe {
        let part = slice::from_raw_parts(place.as_ptr(), len);
        place = place.add(len);
        part
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENS: &[usize] =
        if cfg!(miri) { &[0, 254, 255, 300] } else { &[0, 1, 16, 254, 255, 256, 300, 70_000] };

    #[test]
    fn strings_come_back_as_they_were_given() {
        for key in LENS.iter().map(|&len| vec![b'k'; len]) {
            let member = StringBlock::try_new([&key]).unwrap();
            assert_eq!(member.key(), key);
            assert_eq!(member.class(), zmalloc::good_size(key.len() + if key.len() < 255 { 1 } else { 5 }));
            for value in LENS.iter().map(|&len| vec![b'v'; len]) {
                let pair = StringBlock::try_new([&key, &value]).unwrap();
                assert_eq!(pair.parts(), [&key[..], &value[..]]);
            }
        }
    }

    #[test]
    fn a_value_is_replaced_whatever_the_lengths() {
        for &from in LENS {
            for to in LENS.iter().copied().chain([from + 1, from.saturating_sub(1)]) {
                let mut pair = StringBlock::try_new([b"field", &vec![b'a'; from]]).unwrap();
                let value = vec![b'b'; to];
                pair.try_set_value(&value).unwrap();
                assert_eq!(pair.parts(), [b"field", &value[..]], "{from} to {to}");
            }
        }
    }

    #[test]
    fn a_value_of_the_same_class_stays_where_it_is() {
        let mut pair = StringBlock::try_new([b"field", b"12345"]).unwrap();
        let address = pair.0.get();
        pair.try_set_value(b"123456").unwrap();
        assert!(zmalloc::good_size(12) != zmalloc::good_size(13) || pair.0.get() == address);
        assert_eq!(pair.value(), b"123456");
    }

    #[test]
    fn a_moved_block_has_the_same_strings() {
        let mut pair = StringBlock::try_new([b"field", b"value"]).unwrap();
        let mut asked = 0;
        pair.relocate(&mut |_, size| {
            asked = size;
            true
        });
        assert_eq!(asked, pair.allocation_size());
        assert_eq!(pair.parts(), [b"field", b"value"]);
    }
}
