//! [`Block`]: bytes behind one pointer. This is the only `unsafe` code of the crate. Also the rules by which
//! vectors of nodes grow and shrink.
//!
//! ```text
//!  Block -> | len: usize | bytes ... |
//! ```
//!
//! Invariant: the pointer is that of a live block from zmalloc's raw functions, which the value alone owns.
//! Its first word is `len`, and `len` initialised bytes follow. It was allocated with the size
//! `HEADER + len`.
//!
//! A node has only 16 bytes, so the length is in the block and not in a fat pointer.

use allocator_api2::vec::Vec;
use core::ptr::NonNull;
use core::slice;
use zmalloc::{ReserveError, Zmalloc};

const HEADER: usize = size_of::<usize>();

/// Bytes of a fixed length. See the drawing above.
pub(crate) struct Block(NonNull<usize>);

const _: () = assert!(size_of::<Option<Block>>() == size_of::<usize>());

// SAFETY: the value alone owns its block, and the bytes change only through `&mut`.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

impl Block {
    /// Creates a block of the parts, one after the other.
    pub(crate) fn try_new<const N: usize>(parts: [&[u8]; N]) -> Result<Self, ReserveError> {
        let sum = parts.iter().try_fold(HEADER, |sum, part| sum.checked_add(part.len()));
        let Some(size) = sum else {
            return Err(ReserveError::TooLong { len: 0, additional: usize::MAX });
        };
        let block = zmalloc::ztrymalloc(size).ok_or(ReserveError::OutOfMemory { size })?;
        // SAFETY: the new block is aligned to 8 and has `size` bytes, which is the length and all parts. A
        // new block does not overlap the parts.
        unsafe {
            block.cast::<usize>().write(size - HEADER);
            let mut place = block.add(HEADER);
            for part in parts {
                place.copy_from_nonoverlapping(NonNull::from(part).cast(), part.len());
                place = place.add(part.len());
            }
        }
        Ok(Self(block.cast()))
    }

    /// Creates a block of `len` zeros.
    pub(crate) fn try_zeroed(len: usize) -> Result<Self, ReserveError> {
        let size = len.saturating_add(HEADER);
        let block = zmalloc::ztrycalloc(size).ok_or(ReserveError::OutOfMemory { size })?;
        // SAFETY: the new block is aligned to 8 and has room for the length. The bytes after it are zeros.
        unsafe { block.cast::<usize>().write(len) };
        Ok(Self(block.cast()))
    }

    #[inline]
    fn len(&self) -> usize {
        // SAFETY: by the invariant, the first word of the block is the length.
        unsafe { self.0.read() }
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        // SAFETY: by the invariant, `len` bytes are initialised. They do not change while `self` is borrowed.
        unsafe { slice::from_raw_parts(self.0.add(1).cast().as_ptr(), self.len()) }
    }

    #[inline]
    pub(crate) fn as_mut_bytes(&mut self) -> &mut [u8] {
        // SAFETY: by the invariant, `len` bytes are initialised, and `self` is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.0.add(1).cast().as_ptr(), self.len()) }
    }

    /// Returns how many bytes the block adds to `used_memory`.
    pub(crate) fn allocation_size(&self) -> usize {
        // SAFETY: by the invariant, the block is live and was allocated with this size.
        unsafe { zmalloc::zmalloc_size_sized(self.0.cast(), HEADER + self.len()) }
    }

    /// Moves the block if `moves` returns `true` for it and there is memory. Returns whether it has moved.
    pub(crate) fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        if !moves(self.0.cast(), self.allocation_size()) {
            return false;
        }
        // SAFETY: by the invariant, the block was allocated with this size. The old address is not used
        // again.
        let Some(block) = (unsafe { zmalloc::ztryrelocate(self.0.cast(), HEADER + self.len()) }) else {
            return false;
        };
        self.0 = block.cast();
        true
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: by the invariant, the block was allocated with this size. It is freed only here.
        unsafe { zmalloc::zfree_sized(self.0.cast(), HEADER + self.len()) };
    }
}

/// Makes room in a vector for `additional` elements. Does nothing if there is enough room.
///
/// Otherwise the capacity doubles, up to `max`. It exceeds `max` only if the elements need this.
pub(crate) fn try_reserve<T>(
    vec: &mut Vec<T, Zmalloc>,
    additional: usize,
    max: usize,
) -> Result<(), ReserveError> {
    let needed = vec.len().saturating_add(additional);
    if needed <= vec.capacity() {
        return Ok(());
    }
    let capacity = needed.max(vec.capacity().saturating_mul(2).min(max));
    let size = capacity.saturating_mul(size_of::<T>());
    vec.try_reserve_exact(capacity - vec.len()).map_err(|_| ReserveError::OutOfMemory { size })
}

/// Frees most of the unused room of a vector that has at least four times the capacity it needs. An empty
/// vector frees all of it. Does nothing if there is no memory for a smaller block.
pub(crate) fn shrink<T>(vec: &mut Vec<T, Zmalloc>) {
    if vec.len() <= vec.capacity() / 4 {
        let mut other = Vec::new_in(Zmalloc);
        let capacity = vec.len() * 2;
        if try_reserve(&mut other, capacity, capacity).is_ok() {
            other.append(vec);
            *vec = other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_its_parts_in_a_row() {
        let block = Block::try_new([b"one", b"", b"two"]).unwrap();
        assert_eq!(block.as_bytes(), b"onetwo");
        assert!(Block::try_new([]).unwrap().as_bytes().is_empty());
        assert_eq!(Block::try_zeroed(9).unwrap().as_bytes(), [0; 9]);
    }

    #[test]
    fn a_moved_block_has_the_same_bytes_and_one_without_memory_stays() {
        let mut block = Block::try_new([b"bytes"]).unwrap();
        assert!(!block.relocate(&mut |_, _| false));
        assert!(block.relocate(&mut |_, _| true));
        let plan = zmalloc::fault::fail_from(1);
        assert!(!block.relocate(&mut |_, _| true));
        drop(plan);
        assert_eq!(block.as_bytes(), b"bytes");
    }

    #[test]
    fn a_vector_doubles_up_to_its_limit_and_beyond_it_only_as_needed() {
        let mut vec = Vec::new_in(Zmalloc);
        let mut capacities = std::vec![];
        for n in 0..8u64 {
            try_reserve(&mut vec, 1, 5).unwrap();
            vec.push(n);
            capacities.push(vec.capacity());
        }
        assert_eq!(capacities, [1, 2, 4, 4, 5, 6, 7, 8]);
    }
}
