//! A counter with a slot for each of some threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

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
        // `swap` is one step, so only one thread sees `false`. Acquire: this thread sees the previous owner's count.
        let slot = self.slots.iter().find(|slot| !slot.is_claimed.swap(true, Acquire));
        Handle { slot, shared: &self.shared }
    }

    /// Returns the sum of all counts.
    pub(crate) fn used(&self) -> usize {
        let counts = self.slots.iter().map(|slot| slot.count.load(Relaxed));
        counts.fold(self.shared(), usize::wrapping_add)
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
        match self.slot {
            Some(Slot { count, .. }) => count.store(count.load(Relaxed).wrapping_add(bytes), Relaxed),
            None => _ = self.shared.fetch_add(bytes, Relaxed), // it wraps around, too
        }
    }

    /// Counts `bytes` as freed.
    pub(crate) fn sub(&mut self, bytes: usize) {
        self.add(bytes.wrapping_neg());
    }
}

impl Drop for Handle<'_> {
    /// Gives the slot back.
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            slot.is_claimed.store(false, Release); // Release: the next owner sees this thread's count
        }
    }
}
