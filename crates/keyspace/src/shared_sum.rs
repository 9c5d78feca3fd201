//! [`SharedSum`]: a sum of bytes that no longer belong to a keyspace, but are not freed yet.
//!
//! A reply can hold a long string after its key was removed, and another thread can drop garbage. Each of
//! them has a [`CountedBytes`]. Its bytes are subtracted from the sum when it is dropped, on any thread. The
//! keyspace and these values own the counter together, because a value may outlive its keyspace.
//!
//! Limits: the counter is one word for all threads, so threads that create and drop many of these values
//! contend for it. The counter is allocated with the first of them, from the global allocator.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// The sum of all live [`CountedBytes`]. Its counter is allocated with the first one.
#[derive(Default)]
pub(crate) struct SharedSum(OnceLock<Arc<AtomicUsize>>);

impl SharedSum {
    /// Returns the sum, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.0.get().map_or(0, |sum| sum.load(Ordering::Relaxed))
    }

    /// Adds `bytes` to the sum. They are subtracted when the returned value is dropped.
    pub(crate) fn add(&self, bytes: usize) -> CountedBytes {
        let sum = self.0.get_or_init(Arc::default).clone();
        sum.fetch_add(bytes, Ordering::Relaxed);
        CountedBytes { sum, bytes }
    }
}

/// A number of bytes in a [`SharedSum`].
pub(crate) struct CountedBytes {
    sum: Arc<AtomicUsize>,
    bytes: usize,
}

impl CountedBytes {
    /// Changes the number of bytes to `bytes`.
    pub(crate) fn set_to(&mut self, bytes: usize) {
        // The difference may be negative. Wrapping arithmetic then subtracts from the sum.
        self.sum.fetch_add(bytes.wrapping_sub(self.bytes), Ordering::Relaxed);
        self.bytes = bytes;
    }
}

impl Drop for CountedBytes {
    fn drop(&mut self) {
        self.sum.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
