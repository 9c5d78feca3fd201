//! Member blocks: a score and a member in one allocation.
//!
//! ```text
//!   | score, 8 bytes | len | member ...        up to 254 bytes of member
//!   | score, 8 bytes | 255 | len, 4 | member ...
//! ```
//!
//! A member of 19 bytes lies in a block of 28, for which the allocator gives 32. Whoever has to know the member and the score
//! points here: the leaf of the order, and the table of members. Nothing is stored twice.
//!
//! Invariants of a block: it was allocated here; its length fits its size; what is read through a [`BlockPtr`] has not been
//! freed, which is for whoever holds the pointer to know.

use core::mem;
use core::ptr::NonNull;

use dict::CompactPtr;
use zmalloc::ReserveError;

use crate::score::sort_key;

/// The length byte that says that four more follow.
const LONG: u8 = u8::MAX;
/// Where the length byte is.
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
    /// A new block with a score and a member.
    pub(crate) fn try_new(score: f64, member: &[u8]) -> Result<Self, ReserveError> {
        let too_long = || ReserveError::TooLong { len: 0, additional: member.len() };
        let (short, long) = match u8::try_from(member.len()) {
            Ok(len) if len != LONG => (len, None),
            _ => (LONG, Some(u32::try_from(member.len()).map_err(|_| too_long())?.to_ne_bytes())),
        };
        let size = size_of_block(member.len());
        let block = BlockPtr::allocate(size)?;
        let start = block.start().as_ptr();
        // SAFETY: the block has room for the score, the length and the member; blocks are aligned to 8.
        unsafe {
            start.cast::<f64>().write(score);
            start.add(LEN_AT).write(short);
            let mut at = LEN_AT + 1;
            if let Some(long) = long {
                start.add(at).copy_from_nonoverlapping(long.as_ptr(), long.len());
                at += long.len();
            }
            start.add(at).copy_from_nonoverlapping(member.as_ptr(), member.len());
        }
        Ok(Self { ptr: block })
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
    pub(crate) fn charge(&self) -> usize {
        // SAFETY: an owned block is live.
        unsafe { self.ptr.charge() }
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

/// What is asked of the allocator for a member of so many bytes, at most `u32::MAX`.
fn size_of_block(len: usize) -> usize {
    LEN_AT + 1 + if len < usize::from(LONG) { 0 } else { size_of::<u32>() } + len
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
        let start = self.start().as_ptr();
        // SAFETY: live, so that the length stands where it was written and so many bytes follow it.
        unsafe {
            let short = start.add(LEN_AT).read();
            if short != LONG {
                return core::slice::from_raw_parts(start.add(LEN_AT + 1), short.into());
            }
            let len = start.add(LEN_AT + 1).cast::<u32>().read_unaligned();
            core::slice::from_raw_parts(start.add(LEN_AT + 1 + size_of::<u32>()), len as usize)
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
    pub(crate) unsafe fn charge(self) -> usize {
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
            let mut block = Block::try_new(1.5, &member).unwrap();
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
    fn a_block_without_memory_is_a_typed_error() {
        let _plan = zmalloc::fault::fail_nth(1);
        assert_eq!(Block::try_new(0.0, b"12345").err(), Some(ReserveError::OutOfMemory { size: 14 }));
    }
}
