//! [`Ghosts`]: the fingerprints of keys that were evicted.
//!
//! If a key comes back soon after its eviction, the eviction was a mistake. S3-FIFO remembers the keys that
//! were evicted from probation, and lets them skip probation when they come back. It also remembers one in
//! four of the evicted keys that had passed probation. They show whether probation has
//! [too large a share](super::share).
//!
//! ```text
//!  bucket   [ g0 g1 g2 .. g30 | next ]      31 ghosts of 16 bits, and the index of the next one: 64 bytes
//!
//!  ghost    bit   15       14 ..= 0
//!               | passed | fingerprint |    no ghost: 0
//! ```
//!
//! Each bucket is a queue: a new ghost replaces the oldest ghost of its bucket. All buckets receive about the
//! same number of ghosts. A ghost therefore stays for about as long as in a single queue, within a fifth.
//!
//! The bits of a hash are scaled to the number of buckets, so that all buckets get the same share. The table
//! grows by linear hashing, which would give some buckets twice the share of others. Their ghosts would then
//! stay only half as long.
//!
//! The number of buckets changes when the wanted number of ghosts has changed by more than an eighth. Most
//! ghosts are no longer found after that, and new ghosts overwrite them in time. The number of keys in a
//! store at its limit rarely changes that much.
//!
//! Two keys may have the same fingerprint: one look-up in a thousand finds the ghost of another key. The key
//! then skips probation by mistake, or the share changes a little.

use super::queue::Locator;
use allocator_api2::boxed::Box;
use allocator_api2::vec::Vec;
use common::random::{mix, scale};
use dict::prefetch::prefetch;
use zmalloc::{Zmalloc, box_size, vec_size};

/// One in this many of the evicted keys that had passed probation is remembered.
pub(crate) const PASSED_SAMPLE: usize = 4;

/// The part of the store that a key was evicted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// It was on probation.
    Probation,
    /// It had passed probation.
    Passed,
}

/// The numbers of evicted keys that the ghosts stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GhostCounts {
    pub(crate) probation: usize,
    /// [`PASSED_SAMPLE`] times the number of remembered keys.
    pub(crate) passed: usize,
}

impl GhostCounts {
    fn of(ghost: Ghost) -> Self {
        match ghost.side() {
            _ if ghost == Ghost::NONE => Self::default(),
            Side::Probation => Self { probation: 1, passed: 0 },
            Side::Passed => Self { probation: 0, passed: PASSED_SAMPLE },
        }
    }

    fn add(&mut self, ghost: Ghost) {
        let Self { probation, passed } = Self::of(ghost);
        (self.probation, self.passed) = (self.probation + probation, self.passed + passed);
    }

    fn subtract(&mut self, ghost: Ghost) {
        let Self { probation, passed } = Self::of(ghost);
        (self.probation, self.passed) = (self.probation - probation, self.passed - passed);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Ghost(u16);

impl Ghost {
    const NONE: Self = Self(0);
    const PASSED: u16 = 1 << 15;

    fn new(bits: u64, side: Side) -> Self {
        let fingerprint = (bits as u16 & !Self::PASSED).max(1);
        Self(if side == Side::Passed { fingerprint | Self::PASSED } else { fingerprint })
    }

    fn side(self) -> Side {
        if self.0 & Self::PASSED == 0 { Side::Probation } else { Side::Passed }
    }

    fn has_fingerprint_of(self, other: Self) -> bool {
        (self.0 ^ other.0) & !Self::PASSED == 0
    }
}

/// The number of ghosts in a bucket.
pub(crate) const BUCKET_LEN: usize = 31;

#[derive(Clone, Copy)]
struct Bucket {
    ghosts: [Ghost; BUCKET_LEN],
    next: u16,
}

const _: () = assert!(size_of::<Bucket>() == 64);

impl Bucket {
    const EMPTY: Self = Self { ghosts: [Ghost::NONE; BUCKET_LEN], next: 0 };
}

const SEGMENT_LEN: usize = 64;
type Segment = Box<[Bucket; SEGMENT_LEN], Zmalloc>;

/// Fingerprints of the keys that were evicted last.
pub(crate) struct Ghosts {
    /// The segments of all buckets. A segment is allocated when its first ghost is added.
    segments: Vec<Option<Segment>, Zmalloc>,
    /// The number of buckets.
    len: usize,
    /// The sum over all segments.
    counts: GhostCounts,
    /// The bytes that the segments and the pointers to them add to `used_memory`.
    bytes: usize,
}

impl Ghosts {
    pub(crate) const fn new() -> Self {
        Self {
            segments: Vec::new_in(Zmalloc),
            len: 0,
            counts: GhostCounts { probation: 0, passed: 0 },
            bytes: 0,
        }
    }

    /// Returns the number of ghosts that fit into `bytes`.
    pub(crate) fn capacity_of(bytes: usize) -> usize {
        bytes / size_of::<Bucket>() * BUCKET_LEN
    }

    /// Returns the number of ghosts that the buckets have room for.
    pub(crate) fn capacity(&self) -> usize {
        self.len * BUCKET_LEN
    }

    /// Returns the bytes that the ghosts add to `used_memory`.
    pub(crate) fn allocation_size(&self) -> usize {
        self.bytes
    }

    /// Returns the numbers of evicted keys that the ghosts stand for. O(1).
    pub(crate) fn counts(&self) -> GhostCounts {
        self.counts
    }

    /// Remembers a key. Keeps room for about `wanted` ghosts in all. Only one in [`PASSED_SAMPLE`] of the
    /// keys that had passed is remembered. If there is no memory, the key is forgotten. O(1), except when the
    /// vector of pointers to segments grows.
    pub(crate) fn add(&mut self, locator: Locator, side: Side, wanted: usize) {
        let bits = mix(locator.bits());
        // Neither the bucket nor the fingerprint depends on these bits.
        if side == Side::Passed && !(bits >> 16).is_multiple_of(PASSED_SAMPLE as u64) {
            return;
        }
        let change = wanted.abs_diff(self.capacity());
        if self.len == 0 || change > BUCKET_LEN.max(self.capacity() / 8) {
            self.resize(wanted.div_ceil(BUCKET_LEN));
        }
        self.free_one_segment();
        let index = self.bucket_index(bits);
        let Some(segment) = self.segments.get_mut(index / SEGMENT_LEN) else { return };
        if segment.is_none() {
            let Ok(new) = Box::try_new_in([Bucket::EMPTY; SEGMENT_LEN], Zmalloc) else { return };
            self.bytes += box_size(&new);
            *segment = Some(new);
        }
        let Some(segment) = segment else { return };
        let bucket = &mut segment[index % SEGMENT_LEN];
        let place = usize::from(bucket.next);
        let ghost = Ghost::new(bits, side);
        self.counts.subtract(bucket.ghosts[place]);
        self.counts.add(ghost);
        bucket.ghosts[place] = ghost;
        bucket.next = if place + 1 < BUCKET_LEN { bucket.next + 1 } else { 0 };
    }

    /// Returns the side that the key was evicted from, or `None` if the key is not remembered. Forgets the
    /// key. O(1).
    pub(crate) fn take(&mut self, locator: Locator) -> Option<Side> {
        let bits = mix(locator.bits());
        let index = self.bucket_index(bits);
        let segment = self.segments.get_mut(index / SEGMENT_LEN)?.as_mut()?;
        let wanted = Ghost::new(bits, Side::Probation);
        let ghosts = &mut segment[index % SEGMENT_LEN].ghosts;
        // Nearly all look-ups find no ghost. So all ghosts are compared first, without a branch.
        if !ghosts.iter().fold(false, |found, ghost| found | ghost.has_fingerprint_of(wanted)) {
            return None;
        }
        let place = ghosts.iter_mut().find(|ghost| ghost.has_fingerprint_of(wanted))?;
        let ghost = core::mem::replace(place, Ghost::NONE);
        self.counts.subtract(ghost);
        Some(ghost.side())
    }

    /// Prefetches the bucket of a key.
    #[inline]
    pub(crate) fn prefetch(&self, locator: Locator) {
        let index = self.bucket_index(mix(locator.bits()));
        if let Some(Some(segment)) = self.segments.get(index / SEGMENT_LEN) {
            prefetch(&raw const segment[index % SEGMENT_LEN]);
        }
    }

    /// Returns the index of a key's bucket, which the highest bits choose.
    fn bucket_index(&self, bits: u64) -> usize {
        scale(bits, self.len)
    }

    /// Changes the number of buckets. The ghosts stay in their buckets.
    fn resize(&mut self, len: usize) {
        let segments = len.div_ceil(SEGMENT_LEN);
        let missing = segments.saturating_sub(self.segments.len());
        let before = vec_size(&self.segments);
        if self.segments.try_reserve_exact(missing).is_err() {
            return;
        }
        self.bytes += vec_size(&self.segments) - before;
        self.segments.resize_with(segments.max(self.segments.len()), || None);
        self.len = len;
        // No look-up finds the ghosts after the last bucket, and no new ghost replaces them.
        if let Some(Some(last)) = segments.checked_sub(1).and_then(|index| self.segments.get_mut(index)) {
            for bucket in last.iter_mut().skip(len - (segments - 1) * SEGMENT_LEN) {
                bucket.ghosts.iter().for_each(|ghost| self.counts.subtract(*ghost));
                *bucket = Bucket::EMPTY;
            }
        }
    }

    /// Frees one segment if there are more than needed. One per call, so that no call frees all of them.
    fn free_one_segment(&mut self) {
        if self.segments.len() > self.len.div_ceil(SEGMENT_LEN)
            && let Some(Some(segment)) = self.segments.pop()
        {
            segment.iter().flat_map(|bucket| bucket.ghosts).for_each(|ghost| self.counts.subtract(ghost));
            self.bytes -= box_size(&segment);
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

    fn add(ghosts: &mut Ghosts, n: u64, wanted: usize) {
        ghosts.add(locator(n), Side::Probation, wanted);
    }

    /// Returns the numbers that [`Ghosts::counts`] must return.
    fn count(ghosts: &Ghosts) -> GhostCounts {
        let mut counts = GhostCounts::default();
        let buckets = ghosts.segments.iter().flatten().flat_map(|segment| segment.iter());
        buckets.flat_map(|bucket| bucket.ghosts).for_each(|ghost| counts.add(ghost));
        counts
    }

    #[test]
    fn a_ghost_is_found_once() {
        let mut ghosts = Ghosts::new();
        assert_eq!(ghosts.take(locator(1)), None);
        add(&mut ghosts, 1, 1_000);
        assert_eq!(ghosts.take(locator(1)), Some(Side::Probation));
        assert_eq!(ghosts.take(locator(1)), None);
    }

    /// One in four keys is remembered: 25,000 of 100,000 are expected, with a standard deviation of 137.
    #[test]
    fn one_in_four_of_the_keys_that_had_passed_is_found_as_such() {
        let mut ghosts = Ghosts::new();
        (0..100_000).for_each(|n| ghosts.add(locator(n), Side::Passed, 1_000_000));
        let counts = ghosts.counts();
        let found = (0..100_000).filter(|n| ghosts.take(locator(*n)) == Some(Side::Passed)).count();
        assert!((24_300..25_700).contains(&found), "{found}");
        assert_eq!((counts.probation, counts.passed), (0, 4 * found));
        assert_eq!(ghosts.counts(), GhostCounts::default());
    }

    /// Nearly all ghosts of the last half capacity are found. One is lost only if its bucket of 31 gets 31 or
    /// more where 15.5 are expected, which is 3.9 standard deviations. Of the ghosts that were added 1.5
    /// capacities ago, hardly any is found.
    #[test]
    fn the_youngest_ghosts_are_found_and_the_old_ones_are_forgotten() {
        const WANTED: usize = 31 * 1_000;
        let mut ghosts = Ghosts::new();
        let total = 10 * WANTED as u64;
        (0..total).for_each(|n| add(&mut ghosts, n, WANTED));
        assert_eq!(ghosts.capacity(), WANTED);
        let young = (total - WANTED as u64 / 2..total).filter(|n| ghosts.take(locator(*n)).is_some()).count();
        assert!(young > WANTED / 2 - 50, "{young}");
        let end = total - 3 * WANTED as u64 / 2;
        let old = (end - 10_000..end).filter(|n| ghosts.take(locator(*n)).is_some()).count();
        assert!(old < 200, "{old}");
    }

    #[test]
    fn a_key_that_was_not_evicted_is_rarely_found() {
        let mut ghosts = Ghosts::new();
        (0..100_000).for_each(|n| add(&mut ghosts, n, 50_000));
        // A bucket has 31 of 32,768 fingerprints. So one look-up in 1,057 finds one: 946 of a million, with a
        // standard deviation of 31. A ghost that is found is removed: 946 of 50,000, so up to 2 % fewer are
        // found.
        let found = (1_000_000..2_000_000).filter(|n| ghosts.take(locator(*n)).is_some()).count();
        assert!((780..1_100).contains(&found), "{found}");
    }

    #[test]
    fn the_room_follows_what_is_wanted_and_is_given_back() {
        let mut ghosts = Ghosts::new();
        (0..20_000).for_each(|n| add(&mut ghosts, n, 100_000));
        assert!(ghosts.capacity() >= 100_000 && (200_000..240_000).contains(&ghosts.allocation_size()));
        (0..20_000).for_each(|n| add(&mut ghosts, n, 99_000)); // too small a change
        assert!(ghosts.capacity() >= 100_000);
        (0..20_000).for_each(|n| add(&mut ghosts, n, 100));
        assert!(ghosts.capacity() < 200 && ghosts.allocation_size() < 20_000);
    }

    /// Adds and looks up few keys at random, with capacities that change.
    #[test]
    fn the_numbers_of_ghosts_are_those_in_the_buckets() {
        let (mut ghosts, mut random, mut hits) = (Ghosts::new(), 1, 0);
        for round in 0..380_u64 {
            let wanted = [10_000, 3_000, 100, 0, 1, 6_000][round as usize / 10 % 6];
            for _ in 0..500 {
                random = mix(random);
                let key = locator(random % 5_000);
                match random >> 62 {
                    0 => hits += usize::from(ghosts.take(key).is_some()),
                    1 => ghosts.add(key, Side::Probation, wanted),
                    _ => ghosts.add(key, Side::Passed, wanted),
                }
            }
            assert_eq!(ghosts.counts(), count(&ghosts));
            assert!(wanted > 0 || ghosts.counts() == GhostCounts::default());
        }
        assert!(hits > 2_000 && ghosts.counts().passed > 0, "{hits}");
    }
}
