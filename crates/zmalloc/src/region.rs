//! [`Region`]: what one thread allocates between two points of a program.

use crate::counter;
use core::marker::PhantomData;

/// Counts what the calling thread allocates and frees from [`start`](Self::start) on, for tests and for embedders who
/// ask what one operation costs. Regions may overlap and nest; each costs about a dozen loads at its start and when asked.
///
/// Sizes are charges, as in [`used_memory`](crate::used_memory): size classes, not requests. What other threads do meanwhile does
/// not show, and a block that was allocated by one thread and freed by another is allocated in the one's region
/// and freed in the other's. On a 32-bit machine a region must not see more than 4 GiB either way.
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
    /// A region belongs to the thread that started it.
    _not_send: PhantomData<*const ()>,
}

impl Region {
    /// Starts counting.
    #[must_use = "a region is asked for what happened since its start"]
    pub fn start() -> Self {
        let (allocated, freed) = counter::thread_totals();
        Self { allocated, freed, _not_send: PhantomData }
    }

    /// Bytes that this thread has allocated since the start.
    pub fn allocated(&self) -> usize {
        counter::thread_totals().0.wrapping_sub(self.allocated)
    }

    /// Bytes that this thread has freed since the start, whoever allocated them and when.
    pub fn freed(&self) -> usize {
        counter::thread_totals().1.wrapping_sub(self.freed)
    }

    /// [`allocated`](Self::allocated) less [`freed`](Self::freed), in bytes: negative where more was freed.
    pub fn held(&self) -> isize {
        let (allocated, freed) = counter::thread_totals();
        (allocated.wrapping_sub(self.allocated)).wrapping_sub(freed.wrapping_sub(self.freed)) as isize
    }
}
