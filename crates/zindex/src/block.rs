//! Member blocks: a score and a member in one allocation.
//!
//! ```text
//!   | score, 8 bytes | len | member ...                          up to 254 bytes of member
//!   | score, 8 bytes | 255 | len, 4 bytes, little-endian | member ...
//! ```
//!
//! A member of 19 bytes needs a block of 28 bytes, for which the allocator gives 32. The leaf of the order
//! and the table of members both point at the block, so neither score nor member is stored twice.
//!
//! Invariants of a block: it was allocated in this module, with the size that the length in it requires. A
//! [`BlockPtr`] does not keep its block alive. The code that holds the pointer has to make sure that the
//! block has not been freed.

use core::mem;
use core::ptr::NonNull;

use common::length;
use dict::CompactPtr;
use zmalloc::ReserveError;

use crate::score::sort_key;

/// The offset of the length, in bytes.
const LEN_OFFSET: usize = size_of::<f64>();

/// An owned block, which is freed when it is dropped.
pub(crate) struct Block {
    ptr: BlockPtr,
}

/// A pointer to a block, in six bytes on most machines.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockPtr(CompactPtr<f64>);

const _: () = assert!(size_of::<BlockPtr>() == 6 || size_of::<BlockPtr>() == size_of::<usize>());

// SAFETY: a block is plain memory. Code that reads or writes it through the pointer has to hold a matching
// borrow.
unsafe impl Send for BlockPtr {}
// SAFETY: as above.
unsafe impl Sync for BlockPtr {}

impl Block {
    /// Creates a block with a member and its score.
    pub(crate) fn try_new(member: &[u8], score: f64) -> Result<Self, ReserveError> {
        if member.len() > length::LEN_MAX {
            return Err(ReserveError::TooLong { len: 0, additional: member.len() });
        }
        let block = BlockPtr::allocate(size_of_block(member.len()))?;
        // SAFETY: the block has room for the score, the length and the member, and blocks are aligned to 8
        // bytes.
        unsafe {
            block.start().cast::<f64>().write(score);
            let place = length::write(block.start().add(LEN_OFFSET), member.len());
            place.copy_from_nonoverlapping(NonNull::from(member).cast(), member.len());
        }
        Ok(Self { ptr: block })
    }

    /// Creates a block with a score and a member of `len` zeros.
    pub(crate) fn try_zeroed(len: usize, score: f64) -> Result<Self, ReserveError> {
        if len > length::LEN_MAX {
            return Err(ReserveError::TooLong { len: 0, additional: len });
        }
        let size = size_of_block(len);
        let no_memory = ReserveError::OutOfMemory { size };
        let start = zmalloc::ztrycalloc(size).ok_or(no_memory)?;
        // SAFETY: the block was just allocated, and nothing else uses it.
        let ptr = unsafe { BlockPtr::new(start) }.ok_or(no_memory)?;
        // SAFETY: the block has room for the score, the length and the member, and blocks are aligned to 8
        // bytes. The member's bytes are already zeros.
        unsafe {
            start.cast::<f64>().write(score);
            length::write(start.add(LEN_OFFSET), len);
        }
        Ok(Self { ptr })
    }

    /// Returns the member's bytes for writing. The block must not be in an order or a table, because
    /// neither would find the changed member.
    pub(crate) fn member_mut(&mut self) -> &mut [u8] {
        // SAFETY: an owned block is live, and is borrowed for writing. The member follows its length.
        unsafe {
            let (len, place) = length::read(self.ptr.start().add(LEN_OFFSET));
            core::slice::from_raw_parts_mut(place.as_ptr(), len)
        }
    }

    /// Returns the pointer to the block, which is valid until the block is freed or moved.
    #[inline]
    pub(crate) fn ptr(&self) -> BlockPtr {
        self.ptr
    }

    #[inline]
    pub(crate) fn score(&self) -> f64 {
        // SAFETY: an owned block is live.
        unsafe { self.ptr.score() }
    }

    #[inline]
    pub(crate) fn member(&self) -> &[u8] {
        // SAFETY: an owned block is live while it is borrowed.
        unsafe { self.ptr.member() }
    }

    #[inline]
    pub(crate) fn set_score(&mut self, score: f64) {
        // SAFETY: an owned block is live, and is borrowed for writing.
        unsafe { self.ptr.set_score(score) };
    }

    /// Returns the number of bytes that the block adds to `used_memory`.
    pub(crate) fn allocation_size(&self) -> usize {
        // SAFETY: an owned block is live.
        unsafe { self.ptr.allocation_size() }
    }

    /// Drops the block and bypasses the thread's cache, so that the block is free in its slab at once.
    pub(crate) fn free_no_tcache(self) {
        // SAFETY: the block is owned, and it is not used again.
        unsafe { zmalloc::zfree_no_tcache(self.into_ptr().start()) };
    }

    /// Gives up ownership of the block. [`BlockPtr::into_owned`] takes it back.
    #[inline]
    pub(crate) fn into_ptr(self) -> BlockPtr {
        mem::ManuallyDrop::new(self).ptr
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the block is owned and was allocated with this size. Nothing reads it afterwards.
        unsafe { zmalloc::zfree_sized(self.ptr.start(), self.ptr.size()) };
    }
}

/// Returns the size to allocate for a member of `len` bytes, which is at most [`length::LEN_MAX`].
fn size_of_block(len: usize) -> usize {
    LEN_OFFSET + length::size(len) + len
}

impl BlockPtr {
    fn allocate(size: usize) -> Result<Self, ReserveError> {
        let no_memory = ReserveError::OutOfMemory { size };
        let start = zmalloc::ztrymalloc(size).ok_or(no_memory)?;
        // SAFETY: the block was just allocated, and nothing else uses it.
        unsafe { Self::new(start) }.ok_or(no_memory)
    }

    /// Returns the pointer to a new block. Six bytes cannot hold every address: if they cannot hold this
    /// one, the block is freed and the result is `None`.
    ///
    /// # Safety
    /// `start` must be a live block from zmalloc's raw functions, and nothing else may use it.
    unsafe fn new(start: NonNull<u8>) -> Option<Self> {
        let compact = CompactPtr::new(start.cast());
        if compact.is_none() {
            // SAFETY: the caller guarantees a live block that nothing else uses.
            unsafe { zmalloc::zfree_no_tcache(start) };
        }
        compact.map(Self)
    }

    #[inline]
    fn start(self) -> NonNull<u8> {
        self.0.get().cast()
    }

    /// Takes ownership of the block.
    ///
    /// # Safety
    /// The pointer must come from [`Block::into_ptr`], and nothing may have taken ownership of the block
    /// since.
    #[inline]
    pub(crate) unsafe fn into_owned(self) -> Block {
        Block { ptr: self }
    }

    /// Returns the score.
    ///
    /// # Safety
    /// The block must be live.
    #[inline]
    pub(crate) unsafe fn score(self) -> f64 {
        // SAFETY: the caller guarantees that the block is live, and the score is at its start.
        unsafe { self.start().cast::<f64>().read() }
    }

    /// Returns the score's sort key.
    ///
    /// # Safety
    /// The block must be live.
    #[inline]
    pub(crate) unsafe fn key(self) -> u64 {
        // SAFETY: the caller guarantees that the block is live.
        sort_key(unsafe { self.score() })
    }

    /// Writes the score.
    ///
    /// # Safety
    /// The block must be live, and nothing may read its score meanwhile.
    #[inline]
    pub(crate) unsafe fn set_score(self, score: f64) {
        // SAFETY: the caller guarantees that the block is live and not read meanwhile. The score is at its
        // start.
        unsafe { self.start().cast::<f64>().write(score) };
    }

    /// Returns the member's bytes.
    ///
    /// # Safety
    /// The block must be live, and its member unchanged, for `'a`.
    #[inline]
    pub(crate) unsafe fn member<'a>(self) -> &'a [u8] {
        // SAFETY: the block is live, so the length is where it was written, and `len` bytes follow it.
        unsafe {
            let (len, member) = length::read(self.start().add(LEN_OFFSET));
            core::slice::from_raw_parts(member.as_ptr(), len)
        }
    }

    /// Returns the size with which the block was allocated.
    ///
    /// # Safety
    /// The block must be live.
    unsafe fn size(self) -> usize {
        // SAFETY: the caller guarantees that the block is live.
        size_of_block(unsafe { self.member().len() })
    }

    /// Returns the number of bytes that the block adds to `used_memory`.
    ///
    /// # Safety
    /// The block must be live.
    pub(crate) unsafe fn allocation_size(self) -> usize {
        // SAFETY: the caller guarantees that the block is live, and it was allocated with this size.
        unsafe { zmalloc::zmalloc_size_sized(self.start(), self.size()) }
    }

    /// Copies the block to a new one for a defragmenter. The allocation bypasses the thread's cache.
    /// Returns `None` if there is no memory.
    ///
    /// The caller then frees the old block with [`Block::free_no_tcache`]. Together the two steps do what
    /// [`zmalloc::ztryrelocate`] does.
    ///
    /// # Safety
    /// The block must be live.
    pub(crate) unsafe fn try_copy_no_tcache(self) -> Option<Block> {
        // SAFETY: the caller guarantees that the block is live, and the new one has the same size.
        unsafe {
            let size = self.size();
            let ptr = Self::new(zmalloc::ztrymalloc_no_tcache(size)?)?;
            ptr.start().copy_from_nonoverlapping(self.start(), size);
            Some(Block { ptr })
        }
    }

    /// Returns the block's address, which a defragmenter uses to decide whether the block should move.
    pub(crate) fn address(self) -> NonNull<u8> {
        self.start()
    }

    /// Prefetches the block's first cache line.
    #[inline]
    pub(crate) fn prefetch(self) {
        dict::prefetch::prefetch(self.start().as_ptr());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_all_lengths_come_back() {
        let lens: Vec<usize> = if cfg!(miri) {
            vec![0, 1, 7, 253, 254, 255, 256, 300]
        } else {
            (0..600).chain([65_535, 65_536, 100_000]).collect()
        };
        for len in lens {
            let member: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let mut block = Block::try_new(&member, 1.5).unwrap();
            block.set_score(-2.5);
            // SAFETY: the block is owned here, so it is live.
            let copy = unsafe { block.ptr().try_copy_no_tcache() }.unwrap();
            assert!(copy.ptr() != block.ptr());
            for block in [block, copy] {
                assert_eq!((block.score(), block.member()), (-2.5, &member[..]));
            }
        }
    }

    #[test]
    fn a_block_is_as_it_is_drawn() {
        for (len, written) in [(2, &[2][..]), (300, &[255, 44, 1, 0, 0])] {
            let member = vec![b'm'; len];
            let block = Block::try_new(&member, 1.5).unwrap();
            let want = [&1.5_f64.to_ne_bytes()[..], written, &member].concat();
            // SAFETY: the block is live and has at least this many bytes.
            let bytes = unsafe { core::slice::from_raw_parts(block.ptr().address().as_ptr(), want.len()) };
            assert_eq!((bytes, size_of_block(len)), (&want[..], want.len()));
        }
    }

    #[test]
    fn a_block_without_memory_is_a_typed_error() {
        let _plan = zmalloc::fault::fail_nth(1);
        assert_eq!(Block::try_new(b"12345", 0.0).err(), Some(ReserveError::OutOfMemory { size: 14 }));
    }
}
