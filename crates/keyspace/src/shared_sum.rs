//! [`SharedSum`]: a sum of bytes that belong to a keyspace no longer, but are not free yet.
//!
//! A reply can hold a long string after its key was removed, and another thread can drop garbage. Each of
//! them is a [`Share`] of the sum, which it leaves when it is dropped, on whatever thread. Keyspace and
//! shares own the counter together, because a share may outlive its keyspace.
//!
//! Limits: the counter is one word for all threads, so many shares that come and go on several threads at
//! once wait for it. It is allocated with the first share, through the global allocator.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// The counter, which is made with the first share.
#[derive(Default)]
pub(crate) struct SharedSum(OnceLock<Arc<AtomicUsize>>);

impl SharedSum {
    /// The sum of all shares, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.0.get().map_or(0, |sum| sum.load(Ordering::Relaxed))
    }

    /// A share of `bytes` bytes.
    pub(crate) fn add(&self, bytes: usize) -> Share {
        let sum = self.0.get_or_init(Arc::default).clone();
        sum.fetch_add(bytes, Ordering::Relaxed);
        Share { sum, bytes }
    }
}

/// What somebody has added to a [`SharedSum`].
pub(crate) struct Share {
    sum: Arc<AtomicUsize>,
    bytes: usize,
}

impl Share {
    /// Changes the share to `bytes`.
    pub(crate) fn set_to(&mut self, bytes: usize) {
        // The sum wraps around both ways, and comes out right.
        self.sum.fetch_add(bytes.wrapping_sub(self.bytes), Ordering::Relaxed);
        self.bytes = bytes;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.sum.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
