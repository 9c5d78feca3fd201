//! [`Ghosts`]: the fingerprints of keys that were evicted while they were on probation.
//!
//! A key that comes back soon after it was evicted should not have been. S3-FIFO remembers such keys, and lets them
//! skip probation. It remembers as many as there are keys that have passed probation.
//!
//! ```text
//!  bucket   [ f0 f1 f2 .. f30 | next ]      31 fingerprints of 16 bits, and where the next one goes: 64 bytes
//! ```
//!
//! A bucket is a queue of its own: a new fingerprint takes the place of the bucket's oldest. All buckets get
//! about as many, so a fingerprint stays for as long as one in a single queue, give or take a fifth.
//!
//! The bits of a hash are scaled to the number of buckets, so that all buckets get the same share. (Linear
//! hashing, by which the table grows, would give some buckets twice the share of others, and their ghosts
//! half the life.) When there is to be room for an eighth more or less, the number of buckets changes, and
//! most ghosts are not found any more. Then they fade away. The number of keys in a store at its limit rarely
//! changes by so much.
//!
//! A fingerprint may be that of another key: one look-up in two thousand finds a ghost that was never there. A key
//! then skips probation by mistake.

use super::queue::Locator;
use allocator_api2::boxed::Box;
use allocator_api2::vec::Vec;
use common::random::{mix, scale};
use zmalloc::Zmalloc;

const FINGERPRINTS: usize = 31;

#[derive(Clone, Copy)]
struct Bucket {
    /// 0 is none.
    fingerprints: [u16; FINGERPRINTS],
    next: u16,
}

const _: () = assert!(size_of::<Bucket>() == 64);

impl Bucket {
    const EMPTY: Self = Self { fingerprints: [0; FINGERPRINTS], next: 0 };
}

const SEGMENT_LEN: usize = 64;
type Segment = Box<[Bucket; SEGMENT_LEN], Zmalloc>;

/// Fingerprints of the keys that were evicted last.
pub(crate) struct Ghosts {
    /// Room for all buckets. A segment is allocated when a ghost comes into it.
    segments: Vec<Option<Segment>, Zmalloc>,
    /// How many buckets there are.
    len: usize,
    segment_bytes: usize,
}

impl Ghosts {
    pub(crate) const fn new() -> Self {
        Self { segments: Vec::new_in(Zmalloc), len: 0, segment_bytes: 0 }
    }

    /// How many ghosts there is room for.
    pub(crate) fn capacity(&self) -> usize {
        self.len * FINGERPRINTS
    }

    /// What the ghosts add to `used_memory`, in bytes.
    pub(crate) fn allocation_size(&self) -> usize {
        self.segment_bytes + Zmalloc::vec_size(&self.segments)
    }

    /// Remembers a key, with room for about `wanted` ghosts in all. Without memory the key is forgotten. O(1), but
    /// for the pointers to segments when there is to be more room.
    pub(crate) fn add(&mut self, locator: Locator, wanted: usize) {
        let change = wanted.abs_diff(self.capacity());
        if self.len == 0 || change > FINGERPRINTS.max(self.capacity() / 8) {
            self.resize(wanted.div_ceil(FINGERPRINTS));
        }
        self.give_back_one();
        let (index, fingerprint) = self.place(locator);
        let Some(segment) = self.segments.get_mut(index / SEGMENT_LEN) else { return };
        if segment.is_none() {
            let Ok(new) = Box::try_new_in([Bucket::EMPTY; SEGMENT_LEN], Zmalloc) else { return };
            self.segment_bytes += Zmalloc::box_size(&new);
            *segment = Some(new);
        }
        let Some(segment) = segment else { return };
        let bucket = &mut segment[index % SEGMENT_LEN];
        let place = usize::from(bucket.next);
        bucket.fingerprints[place] = fingerprint;
        bucket.next = if place + 1 < FINGERPRINTS { bucket.next + 1 } else { 0 };
    }

    /// Whether the key is remembered. It is forgotten then. O(1).
    pub(crate) fn take(&mut self, locator: Locator) -> bool {
        let (index, fingerprint) = self.place(locator);
        let Some(Some(segment)) = self.segments.get_mut(index / SEGMENT_LEN) else { return false };
        let mut fingerprints = segment[index % SEGMENT_LEN].fingerprints.iter_mut();
        fingerprints.find(|found| **found == fingerprint).map(|found| *found = 0).is_some()
    }

    /// The bucket of a key, and its fingerprint.
    fn place(&self, locator: Locator) -> (usize, u16) {
        let bits = mix(locator.bits());
        // The highest bits choose the bucket.
        (scale(bits, self.len), (bits as u16).max(1))
    }

    /// Changes the number of buckets. What is in them stays there.
    fn resize(&mut self, len: usize) {
        let segments = len.div_ceil(SEGMENT_LEN);
        let missing = segments.saturating_sub(self.segments.len());
        if self.segments.try_reserve_exact(missing).is_err() {
            return;
        }
        self.segments.resize_with(segments.max(self.segments.len()), || None);
        self.len = len;
    }

    /// Gives back one of the segments that are too many, so that no call frees all of them.
    fn give_back_one(&mut self) {
        if self.segments.len() > self.len.div_ceil(SEGMENT_LEN)
            && let Some(Some(segment)) = self.segments.pop()
        {
            self.segment_bytes -= Zmalloc::box_size(&segment);
        }
    }
}

#[cfg(test)]
#[cfg(not(miri))] // no unsafe code
mod tests {
    use super::*;

    fn locator(n: u64) -> Locator {
        Locator::of(mix(n ^ 0x5555))
    }

    #[test]
    fn a_ghost_is_found_once() {
        let mut ghosts = Ghosts::new();
        assert!(!ghosts.take(locator(1)));
        ghosts.add(locator(1), 1_000);
        assert!(ghosts.take(locator(1)) && !ghosts.take(locator(1)));
    }

    /// Of the last half of the capacity nearly all are found: a bucket of 31 must get 31 or more where 15.5 are
    /// expected, which is 3.9 standard deviations. Of those that came 1.5 capacities ago hardly any are.
    #[test]
    fn the_youngest_ghosts_are_found_and_the_old_ones_are_forgotten() {
        const WANTED: usize = 31 * 1_000;
        let mut ghosts = Ghosts::new();
        let total = 10 * WANTED as u64;
        (0..total).for_each(|n| ghosts.add(locator(n), WANTED));
        assert_eq!(ghosts.capacity(), WANTED);
        let young = (total - WANTED as u64 / 2..total).filter(|n| ghosts.take(locator(*n))).count();
        assert!(young > WANTED / 2 - 50, "{young}");
        let end = total - 3 * WANTED as u64 / 2;
        let old = (end - 10_000..end).filter(|n| ghosts.take(locator(*n))).count();
        assert!(old < 150, "{old}");
    }

    #[test]
    fn a_key_that_was_not_evicted_is_rarely_found() {
        let mut ghosts = Ghosts::new();
        (0..100_000).for_each(|n| ghosts.add(locator(n), 50_000));
        // 31 fingerprints of 65,536: one in 2,114, so 473 of a million, with a standard deviation of 22.
        let found = (1_000_000..2_000_000).filter(|n| ghosts.take(locator(*n))).count();
        assert!((340..610).contains(&found), "{found}");
    }

    #[test]
    fn the_room_follows_what_is_wanted_and_is_given_back() {
        let mut ghosts = Ghosts::new();
        (0..20_000).for_each(|n| ghosts.add(locator(n), 100_000));
        assert!(ghosts.capacity() >= 100_000 && (200_000..240_000).contains(&ghosts.allocation_size()));
        (0..20_000).for_each(|n| ghosts.add(locator(n), 99_000)); // too little less
        assert!(ghosts.capacity() >= 100_000);
        (0..20_000).for_each(|n| ghosts.add(locator(n), 100));
        assert!(ghosts.capacity() < 200 && ghosts.allocation_size() < 20_000);
    }
}
