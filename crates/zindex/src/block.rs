//! Member blocks: a score and a member in one allocation.
//!
//! ```text
//!   | score, 8 bytes | len | member ...                          up to 254 bytes of member
//!   | score, 8 bytes | 255 | len, 4 bytes, little-endian | member ...
//! ```
//!
//! A member of 19 bytes lies in a block of 28, for which the allocator gives 32. Whoever has to know the member and the score
//! points here: the leaf of the order, and the table of members. Nothing is stored twice.
//!
//! Invariants of a block: it was allocated here; its length fits its size; what is read through a [`BlockPtr`] has not been
//! freed, which is for whoever holds the pointer to know.

use core::mem;
use core::ptr::NonNull;

use common::length;
use dict::CompactPtr;
use zmalloc::ReserveError;

use crate::score::sort_key;

/// Where the length is.
const LEN_AT: usize = size_of::<f64>();

/// A block that is owned: freed when dropped.
pub(crate) struct Block {
    ptr: BlockPtr,
}

/// A pointer to a block, in six bytes on most machines.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockPtr(CompactPtr<f64>);

const _: () = assert!(size_of::<BlockPtr>() == 6 || size_of::<BlockPtr>() == size_of::<usize>());

// SAFETY: a block is plain memory; whoever reads or writes it through the pointer has to have it borrowed accordingly.
unsafe impl Send for BlockPtr {}
// SAFETY: as above.
unsafe impl Sync for BlockPtr {}

impl Block {
    /// A new block with a member and its score.
    pub(crate) fn try_new(member: &[u8], score: f64) -> Result<Self, ReserveError> {
        if member.len() > length::LEN_MAX {
            return Err(ReserveError::TooLong { len: 0, additional: member.len() });
        }
        let block = BlockPtr::allocate(size_of_block(member.len()))?;
        // SAFETY: the block has room for the score, the length and the member; blocks are aligned to 8.
        unsafe {
            block.start().cast::<f64>().write(score);
            let place = length::write(block.start().add(LEN_AT), member.len());
            place.copy_from_nonoverlapping(NonNull::from(member).cast(), member.len());
        }
        Ok(Self { ptr: block })
    }

    /// A new block with a member of `len` zeros and its score.
    pub(crate) fn try_zeroed(len: usize, score: f64) -> Result<Self, ReserveError> {
        if len > length::LEN_MAX {
            return Err(ReserveError::TooLong { len: 0, additional: len });
        }
        let size = size_of_block(len);
        let no_memory = ReserveError::OutOfMemory { size };
        let start = zmalloc::ztrycalloc(size).ok_or(no_memory)?;
        // SAFETY: just allocated with this size.
        let ptr = unsafe { BlockPtr::new(start) }.ok_or(no_memory)?;
        // SAFETY: the block has room for the score, the length and the member, which is zeros. Blocks are aligned
        // to 8.
        unsafe {
            start.cast::<f64>().write(score);
            length::write(start.add(LEN_AT), len);
        }
        Ok(Self { ptr })
    }

    /// The member's bytes. A table or an order that the block is in would no longer find it.
    pub(crate) fn member_mut(&mut self) -> &mut [u8] {
        // SAFETY: an owned block is live, and borrowed for writing. The member stands behind its length.
        unsafe {
            let (len, place) = length::read(self.ptr.start().add(LEN_AT));
            core::slice::from_raw_parts_mut(place.as_ptr(), len)
        }
    }

    /// The pointer, which stays good as long as the block.
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
        // SAFETY: an owned block is live, as long as it is borrowed.
        unsafe { self.ptr.member() }
    }

    #[inline]
    pub(crate) fn set_score(&mut self, score: f64) {
        // SAFETY: an owned block is live, and borrowed for writing.
        unsafe { self.ptr.set_score(score) };
    }

    /// What the block adds to `used_memory`, in bytes.
    pub(crate) fn allocation_size(&self) -> usize {
        // SAFETY: an owned block is live.
        unsafe { self.ptr.allocation_size() }
    }

    /// Drops the block past the thread's cache, so that it is free in its slab at once.
    pub(crate) fn free_no_tcache(self) {
        // SAFETY: the block is owned, and this is its end.
        unsafe { zmalloc::zfree_no_tcache(self.into_ptr().start()) };
    }

    /// Gives the block away, to be had back from [`BlockPtr::into_owned`].
    #[inline]
    pub(crate) fn into_ptr(self) -> BlockPtr {
        mem::ManuallyDrop::new(self).ptr
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: an owned block, of which nobody else will read.
        unsafe { zmalloc::zfree_sized(self.ptr.start(), self.ptr.size()) };
    }
}

/// What is asked of the allocator for a member of so many bytes, at most [`length::LEN_MAX`].
fn size_of_block(len: usize) -> usize {
    LEN_AT + length::size(len) + len
}

impl BlockPtr {
    fn allocate(size: usize) -> Result<Self, ReserveError> {
        let no_memory = ReserveError::OutOfMemory { size };
        let start = zmalloc::ztrymalloc(size).ok_or(no_memory)?;
        // SAFETY: just allocated with this size.
        unsafe { Self::new(start) }.ok_or(no_memory)
    }

    /// The pointer to a new block. `None` for an address that six bytes cannot hold: such a block is of no use here and is freed.
    ///
    /// # Safety
    /// `start` is a live block of the raw family that nobody else uses.
    unsafe fn new(start: NonNull<u8>) -> Option<Self> {
        let compact = CompactPtr::new(start.cast());
        if compact.is_none() {
            // SAFETY: by contract.
            unsafe { zmalloc::zfree_no_tcache(start) };
        }
        compact.map(Self)
    }

    #[inline]
    fn start(self) -> NonNull<u8> {
        self.0.get().cast()
    }

    /// Takes the block over.
    ///
    /// # Safety
    /// It came from [`Block::into_ptr`], and has been taken over by nobody since.
    #[inline]
    pub(crate) unsafe fn into_owned(self) -> Block {
        Block { ptr: self }
    }

    /// # Safety
    /// The block is live.
    #[inline]
    pub(crate) unsafe fn score(self) -> f64 {
        // SAFETY: live, so the score stands at its start.
        unsafe { self.start().cast::<f64>().read() }
    }

    /// The score as an integer of the same order.
    ///
    /// # Safety
    /// The block is live.
    #[inline]
    pub(crate) unsafe fn key(self) -> u64 {
        // SAFETY: by contract.
        sort_key(unsafe { self.score() })
    }

    /// # Safety
    /// The block is live, and nobody reads its score meanwhile.
    #[inline]
    pub(crate) unsafe fn set_score(self, score: f64) {
        // SAFETY: live, so the score stands at its start.
        unsafe { self.start().cast::<f64>().write(score) };
    }

    /// # Safety
    /// The block is live for `'a`.
    #[inline]
    pub(crate) unsafe fn member<'a>(self) -> &'a [u8] {
        // SAFETY: live, so that the length stands where it was written and so many bytes follow it.
        unsafe {
            let (len, member) = length::read(self.start().add(LEN_AT));
            core::slice::from_raw_parts(member.as_ptr(), len)
        }
    }

    /// # Safety
    /// The block is live.
    unsafe fn size(self) -> usize {
        // SAFETY: by contract.
        size_of_block(unsafe { self.member().len() })
    }

    /// What the block adds to `used_memory`, in bytes.
    ///
    /// # Safety
    /// The block is live.
    pub(crate) unsafe fn allocation_size(self) -> usize {
        // SAFETY: by contract, and with the size that it was asked for with.
        unsafe { zmalloc::zmalloc_size_sized(self.start(), self.size()) }
    }

    /// A copy of the block in the place where a defragmenter wants it: past the thread's cache. `None` without memory. The block
    /// itself then goes by [`Block::free_no_tcache`]: the two are [`zmalloc::ztryrelocate`] in two steps.
    ///
    /// # Safety
    /// The block is live.
    pub(crate) unsafe fn try_copy_no_tcache(self) -> Option<Block> {
        // SAFETY: live by contract, and the new one has its size.
        unsafe {
            let size = self.size();
            let ptr = Self::new(zmalloc::ztrymalloc_no_tcache(size)?)?;
            ptr.start().copy_from_nonoverlapping(self.start(), size);
            Some(Block { ptr })
        }
    }

    /// Where the block is, for whoever is to say whether it should lie elsewhere.
    pub(crate) fn address(self) -> NonNull<u8> {
        self.start()
    }

    /// Asks for the block's first cache line.
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
            // SAFETY: a live block.
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
            // SAFETY: a live block of so many bytes.
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
