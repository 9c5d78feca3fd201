//! [`SharedSum`]: a sum of bytes that no longer belong to a keyspace, but are not freed yet.
//!
//! A reply can hold a long string after its key was removed, and another thread can drop garbage. Each of
//! them has a [`CountedBytes`], which is subtracted from the sum when it is dropped, on any thread. The keyspace and
//! its shares own the counter together, because a share may outlive its keyspace.
//!
//! Limits: the counter is one word for all threads, so threads that create and drop many shares contend for
//! it. The counter is allocated with the first share, from the global allocator.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// A sum of shares. Its counter is allocated with the first share.
#[derive(Default)]
pub(crate) struct SharedSum(OnceLock<Arc<AtomicUsize>>);

impl SharedSum {
    /// Returns the sum of all shares, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.0.get().map_or(0, |sum| sum.load(Ordering::Relaxed))
    }

    /// Adds `bytes` to the sum, and returns the share that subtracts them when it is dropped.
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
    /// Changes the share to `bytes`.
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
