//! A counter with a slot for each thread.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The number of threads that can count.
pub(crate) const THREADS: usize = 8;

/// The bytes of a cache line.
const LINE: usize = 64;

/// The bytes of the two counts of a slot.
const COUNTS: usize = 2 * size_of::<AtomicUsize>();

/// The counts of one thread. Only this thread writes to them.
#[derive(Debug)]
pub(crate) struct Slot {
    allocated: AtomicUsize,
    freed: AtomicUsize,
    /// Fills the cache line, so that the next slot is not in it.
    _padding: [u8; LINE - COUNTS],
}

/// The bytes in use, counted by each thread for itself.
#[derive(Debug)]
pub(crate) struct Counters {
    /// The largest sum that a reader has found.
    peak: AtomicUsize,
    slots: [Slot; THREADS],
}

impl Slot {
    fn new() -> Self {
        Self { allocated: AtomicUsize::new(0), freed: AtomicUsize::new(0), _padding: [0; LINE - COUNTS] }
    }

    /// Counts `bytes` as allocated.
    pub(crate) fn add(&self, bytes: usize) {
        self.allocated.store(self.allocated.load(Relaxed).wrapping_add(bytes), Relaxed);
    }

    /// Counts `bytes` as freed.
    pub(crate) fn sub(&self, bytes: usize) {
        self.freed.store(self.freed.load(Relaxed).wrapping_add(bytes), Relaxed);
    }
}

impl Counters {
    /// Creates counters of 0 bytes.
    pub(crate) fn new() -> Self {
        Self { peak: AtomicUsize::new(0), slots: std::array::from_fn(|_| Slot::new()) }
    }

    /// Returns the slot of a thread.
    pub(crate) fn slot(&self, thread: usize) -> &Slot {
        &self.slots[thread]
    }

    /// Returns the bytes in use, and records them if they are a new peak.
    pub(crate) fn used(&self) -> usize {
        let of = |slot: &Slot| slot.allocated.load(Relaxed).wrapping_sub(slot.freed.load(Relaxed));
        let used = self.slots.iter().map(of).fold(0, usize::wrapping_add);
        self.peak.fetch_max(used, Relaxed);
        used
    }

    /// Returns the largest sum that [`used`](Self::used) has returned.
    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Relaxed)
    }
}
