//! A counter with a slot for each of some threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// The count of one thread. The alignment gives each slot a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Slot {
    /// Whether a handle has this slot.
    is_claimed: AtomicBool,
    count: AtomicUsize,
}

/// The bytes in use. Up to `N` threads at a time have a slot.
#[derive(Debug)]
pub(crate) struct Counter<const N: usize> {
    slots: [Slot; N],
    /// The count of the threads without a slot.
    shared: AtomicUsize,
}

/// The part of a counter that one thread writes to.
#[derive(Debug)]
pub(crate) struct Handle<'a> {
    slot: Option<&'a Slot>,
    shared: &'a AtomicUsize,
}

impl<const N: usize> Counter<N> {
    /// Creates a counter of 0 bytes.
    pub(crate) fn new() -> Self {
        Self { slots: std::array::from_fn(|_| Slot::default()), shared: AtomicUsize::new(0) }
    }

    /// Returns a handle for the calling thread, with a slot if one is free.
    pub(crate) fn register(&self) -> Handle<'_> {
        todo!("claim one of {:?}, where {:?} is `false`", self.slots, self.slots[0].is_claimed)
    }

    /// Returns the sum of all counts.
    pub(crate) fn used(&self) -> usize {
        todo!("the sum of {:?}, such as {:?}, and of {:?}", self.slots, self.slots[0].count, self.shared)
    }

    /// Returns the count of the threads without a slot.
    pub(crate) fn shared(&self) -> usize {
        self.shared.load(Relaxed)
    }
}

impl Handle<'_> {
    /// Returns whether this handle has a slot.
    pub(crate) fn has_slot(&self) -> bool {
        self.slot.is_some()
    }

    /// Counts `bytes` as allocated.
    pub(crate) fn add(&mut self, bytes: usize) {
        todo!("add {bytes} to {:?} or to {:?}", self.slot, self.shared)
    }

    /// Counts `bytes` as freed.
    pub(crate) fn sub(&mut self, bytes: usize) {
        todo!("subtract {bytes} from {:?} or from {:?}", self.slot, self.shared)
    }
}

impl Drop for Handle<'_> {
    /// Gives the slot back.
    fn drop(&mut self) {
        // Not written yet.
    }
}
