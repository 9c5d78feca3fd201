//! [`Region`]: the bytes that one thread allocates and frees between two points of a program.

use crate::counter;
use core::marker::PhantomData;

/// Counts the bytes that the calling thread allocates and frees after [`start`](Self::start). It is meant for
/// tests, and for programs that measure the cost of one operation.
///
/// Regions may overlap and nest. The start and each method take constant time, about a dozen loads.
///
/// A block counts as in [`used_memory`](crate::used_memory): with its size class, not with the requested
/// size. A region does not include other threads. If one thread allocates a block and another frees it, the
/// block counts as allocated in the first thread's region and as freed in the second's. On a 32-bit machine,
/// the counts of a region wrap around at 4 GiB.
///
/// ```
/// let region = zmalloc::Region::start();
/// let block = zmalloc::zmalloc(1000);
/// let size = unsafe { zmalloc::zmalloc_size(block) };
/// assert_eq!((region.allocated(), region.freed(), region.held()), (size, 0, size as isize));
/// unsafe { zmalloc::zfree(block) };
/// assert_eq!((region.allocated(), region.freed(), region.held()), (size, size, 0));
/// ```
#[derive(Clone, Debug)]
pub struct Region {
    allocated: usize,
    freed: usize,
    /// Makes the type neither `Send` nor `Sync`: a region reads the counts of the thread that started it.
    _not_send: PhantomData<*const ()>,
}

impl Region {
    /// Starts counting.
    #[must_use = "a region is asked for what happened since its start"]
    pub fn start() -> Self {
        let (allocated, freed) = counter::thread_totals();
        Self { allocated, freed, _not_send: PhantomData }
    }

    /// Returns the bytes that this thread has allocated since the start.
    pub fn allocated(&self) -> usize {
        counter::thread_totals().0.wrapping_sub(self.allocated)
    }

    /// Returns the bytes that this thread has freed since the start, including blocks that other threads or
    /// earlier code allocated.
    pub fn freed(&self) -> usize {
        counter::thread_totals().1.wrapping_sub(self.freed)
    }

    /// Returns [`allocated`](Self::allocated) less [`freed`](Self::freed), in bytes. The result is negative
    /// if more was freed.
    pub fn held(&self) -> isize {
        let (allocated, freed) = counter::thread_totals();
        (allocated.wrapping_sub(self.allocated)).wrapping_sub(freed.wrapping_sub(self.freed)) as isize
    }
}
