//! [`Ghosts`]: the fingerprints of keys that were evicted.
//!
//! If a key comes back soon after its eviction, evicting it was a mistake. S3-FIFO remembers the keys that
//! were evicted from probation, and lets them skip it. Keys that had passed are remembered too, to see
//! whether probation has [too large a share](super::share). One in four of them is enough for that.
//!
//! ```text
//!  bucket   [ g0 g1 g2 .. g30 | next ]      31 ghosts of 16 bits, and where the next one goes: 64 bytes
//!
//!  ghost    bit   15       14 ..= 0
//!               | passed | fingerprint |    no ghost: 0
//! ```
//!
//! A bucket is a queue of its own: a new ghost takes the place of the bucket's oldest. All buckets get
//! about as many, so a ghost stays for as long as one in a single queue, give or take a fifth.
//!
//! The bits of a hash are scaled to the number of buckets, so that all buckets get the same share. Linear
//! hashing, by which the table grows, would give some buckets twice the share of others. Their ghosts would
//! then live half as long. The number of buckets changes when there has to be room for an eighth more or
//! less. Most ghosts are then not found any more, and new ghosts overwrite them in time. The number of keys
//! in a store at its limit rarely changes by so much.
//!
//! A fingerprint may be that of another key: one look-up in a thousand finds a ghost that was never there. A
//! key then skips probation by mistake, or the share moves a little.

use super::queue::Locator;
use allocator_api2::boxed::Box;
use allocator_api2::vec::Vec;
use common::random::{mix, scale};
use dict::prefetch::prefetch;
use zmalloc::{Zmalloc, box_size, vec_size};

/// One in so many of the keys that had passed is remembered.
pub(crate) const PASSED_SAMPLE: usize = 4;

/// Where a key was when it was evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// It was on probation.
    Probation,
    /// It had passed probation.
    Passed,
}

/// How many evicted keys the ghosts stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) probation: usize,
    /// [`PASSED_SAMPLE`] times as many as are remembered.
    pub(crate) passed: usize,
}

impl Live {
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

/// How many ghosts share a bucket.
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
    /// Room for all buckets. A segment is allocated when a ghost comes into it.
    segments: Vec<Option<Segment>, Zmalloc>,
    /// How many buckets there are.
    len: usize,
    /// Of all segments.
    live: Live,
    /// What segments and pointers add to `used_memory`.
    bytes: usize,
}

impl Ghosts {
    pub(crate) const fn new() -> Self {
        Self { segments: Vec::new_in(Zmalloc), len: 0, live: Live { probation: 0, passed: 0 }, bytes: 0 }
    }

    /// How many ghosts so many bytes hold.
    pub(crate) fn capacity_of(bytes: usize) -> usize {
        bytes / size_of::<Bucket>() * BUCKET_LEN
    }

    /// How many ghosts there is room for.
    pub(crate) fn capacity(&self) -> usize {
        self.len * BUCKET_LEN
    }

    /// What the ghosts add to `used_memory`, in bytes.
    pub(crate) fn allocation_size(&self) -> usize {
        self.bytes
    }

    /// How many evicted keys the ghosts stand for. Constant time.
    pub(crate) fn live(&self) -> Live {
        self.live
    }

    /// Remembers a key, with room for about `wanted` ghosts in all. Of the keys that had passed only one in
    /// [`PASSED_SAMPLE`] is remembered. Without memory the key is forgotten. O(1), but for the pointers to
    /// segments when there is to be more room.
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
        self.give_back_one();
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
        self.live.subtract(bucket.ghosts[place]);
        self.live.add(ghost);
        bucket.ghosts[place] = ghost;
        bucket.next = if place + 1 < BUCKET_LEN { bucket.next + 1 } else { 0 };
    }

    /// Where the key was when it was evicted, if it is remembered. It is forgotten then. O(1).
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
        self.live.subtract(ghost);
        Some(ghost.side())
    }

    /// Asks the processor for the bucket of a key.
    #[inline]
    pub(crate) fn prefetch(&self, locator: Locator) {
        let index = self.bucket_index(mix(locator.bits()));
        if let Some(Some(segment)) = self.segments.get(index / SEGMENT_LEN) {
            prefetch(&raw const segment[index % SEGMENT_LEN]);
        }
    }

    /// The highest bits choose the bucket.
    fn bucket_index(&self, bits: u64) -> usize {
        scale(bits, self.len)
    }

    /// Changes the number of buckets. What is in them stays there.
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
        // Nothing finds the ghosts behind the last bucket, and nothing takes their places.
        if let Some(Some(last)) = segments.checked_sub(1).and_then(|index| self.segments.get_mut(index)) {
            for bucket in last.iter_mut().skip(len - (segments - 1) * SEGMENT_LEN) {
                bucket.ghosts.iter().for_each(|ghost| self.live.subtract(*ghost));
                *bucket = Bucket::EMPTY;
            }
        }
    }

    /// Gives back one of the segments that are too many, so that no call frees all of them.
    fn give_back_one(&mut self) {
        if self.segments.len() > self.len.div_ceil(SEGMENT_LEN)
            && let Some(Some(segment)) = self.segments.pop()
        {
            segment.iter().flat_map(|bucket| bucket.ghosts).for_each(|ghost| self.live.subtract(ghost));
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

    /// What [`Ghosts::live`] must be.
    fn count(ghosts: &Ghosts) -> Live {
        let mut live = Live::default();
        let buckets = ghosts.segments.iter().flatten().flat_map(|segment| segment.iter());
        buckets.flat_map(|bucket| bucket.ghosts).for_each(|ghost| live.add(ghost));
        live
    }

    #[test]
    fn a_ghost_is_found_once() {
        let mut ghosts = Ghosts::new();
        assert_eq!(ghosts.take(locator(1)), None);
        add(&mut ghosts, 1, 1_000);
        assert_eq!(ghosts.take(locator(1)), Some(Side::Probation));
        assert_eq!(ghosts.take(locator(1)), None);
    }

    /// One in four, so 25,000 of 100,000 with a standard deviation of 137.
    #[test]
    fn one_in_four_of_the_keys_that_had_passed_is_found_as_such() {
        let mut ghosts = Ghosts::new();
        (0..100_000).for_each(|n| ghosts.add(locator(n), Side::Passed, 1_000_000));
        let live = ghosts.live();
        let found = (0..100_000).filter(|n| ghosts.take(locator(*n)) == Some(Side::Passed)).count();
        assert!((24_300..25_700).contains(&found), "{found}");
        assert_eq!((live.probation, live.passed), (0, 4 * found));
        assert_eq!(ghosts.live(), Live::default());
    }

    /// Of the last half of the capacity nearly all are found: a bucket of 31 must get 31 or more where 15.5
    /// are expected, which is 3.9 standard deviations. Of those that came 1.5 capacities ago hardly any are.
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
        // 31 fingerprints of 32,768: one in 1,057, so 946 of a million, with a standard deviation of 31. What
        // is found is gone: 946 of 50,000 ghosts, so up to 2 % fewer.
        let found = (1_000_000..2_000_000).filter(|n| ghosts.take(locator(*n)).is_some()).count();
        assert!((780..1_100).contains(&found), "{found}");
    }

    #[test]
    fn the_room_follows_what_is_wanted_and_is_given_back() {
        let mut ghosts = Ghosts::new();
        (0..20_000).for_each(|n| add(&mut ghosts, n, 100_000));
        assert!(ghosts.capacity() >= 100_000 && (200_000..240_000).contains(&ghosts.allocation_size()));
        (0..20_000).for_each(|n| add(&mut ghosts, n, 99_000)); // too little less
        assert!(ghosts.capacity() >= 100_000);
        (0..20_000).for_each(|n| add(&mut ghosts, n, 100));
        assert!(ghosts.capacity() < 200 && ghosts.allocation_size() < 20_000);
    }

    /// Random additions and look-ups of few keys, with room that changes.
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
            assert_eq!(ghosts.live(), count(&ghosts));
            assert!(wanted > 0 || ghosts.live() == Live::default());
        }
        assert!(hits > 2_000 && ghosts.live().passed > 0, "{hits}");
    }
}
