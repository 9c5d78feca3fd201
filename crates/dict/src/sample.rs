//! Entries picked at random: one quickly, one fairly, or several at once.
//!
//! **The trial.** Draw a chunk, each alike, and a place below a *bound* `M` of 15 or more: one of its fifteen slots, or
//! one for its overflow. If there is no entry at the place, the trial has failed and the next begins:
//!
//! ```text
//!             slots of the chunk              overflow
//!  chunk 0  | x x . x x . x x . . . . . . . |  . . . . . .       x  an entry: the trial ends
//!  chunk 1  | x . . x x . . . . . . . . . . |  . . . . . .       .  nothing: another trial
//!  chunk 2  | x x x x x x x x x x x x x x x |  x x . . . .
//!             0                               15           M     each place: 1 / (chunks * M)
//! ```
//!
//! As long as no chunk holds more than `M`, every entry has the same chance in every trial, and so in the end,
//! however unevenly the chunks are filled. A trial succeeds with probability `a = len / (chunks * M)`, and `1 / a`
//! trials are made on average. The choice of `M` is all that tells fair from quick:
//!
//! - [`RawTable::fair_bound`] is at least what any chunk holds (below). Four or five trials.
//! - [`RawTable::random_bound`] is about twice the mean. Two trials; some chunks hold more.
//!
//! **Chunks that hold more than `M`.** Each of the fifteen slots keeps its own share `1 / M`, and the `m - 15` entries
//! behind them divide the `M - 15` shares that are left: each comes up `(M - 15) / (m - 15)` times as often as it should.
//! No entry has no chance. That the slots keep theirs is for speed: a trial reads a byte of tag there, and where a child
//! would have to be, the filter byte, and follows the chain only of a chunk that has one.
//!
//! **How long a chunk gets.** With `2^L` chunks or more, but not twice as many, a hash falls on a chunk that has not
//! been split with probability `2^-L`, and on the two halves of one that has with half of it. So the fullest chunks are
//! Poisson with mean `l = len / 2^L` (10 to 21 in a growing table), whose upper tail obeys Bennett's inequality
//!
//! ```text
//!  P(m >= l + t) <= exp(-l h(t / l)),     h(u) = (1 + u) ln(1 + u) - u
//! ```
//!
//! With `t = l / 2 + 24` that is at most 5e-9 for the means of a growing table, and 2e-8 for the worst mean, some
//! forty. (The sum itself, over the chunks of both kinds, is at most 3e-11 a chunk in a growing table: of tables of ten
//! million entries, one in fifty thousand has a chunk that is too long at all, and then by an entry.) A second limit is
//! certain: `C` children hold at most `6 C + 1` entries together, so no chunk holds more than `15 + 6 C + 1`, and none more
//! than 15 without children. The smaller limit is taken. Only chosen hashes, or those left over by following a scan, make
//! longer chunks than the first.
//!
//! **One draw a trial.** `r * chunks` of a 64-bit `r` has the chunk in its upper word; the lower word is the place in
//! the chunk, as a fraction. A cell of the drawing above is thus an interval of `r`, and all are equally long up to one in
//! `2^64 / (chunks * M)`: for a thousand million entries, one in 10^8.
//!
//! **Cache misses** overlap: several trials are drawn at once, and for each the tags are prefetched, and the entry too if
//! the place is a slot: it is what the caller reads next. They are judged in the order they were drawn, never the
//! promising ones first, which would favour those.
//!
//! **The walk.** Where trials are hopeless (a table all but emptied by `retain`), or pointless (a small one), a
//! rank below `len` is drawn and the tags are counted up to it: exactly uniform for any chunks, O(chunks). A trial costs
//! as much as 16 chunks of a walk (a few in the cache, thirty where it misses), and `chunks / 16` trials are expected
//! to suffice if `16 M <= len`. So with fewer entries the walk comes at once, and with more after `64 + chunks / 16`
//! failures: a small multiple of the better choice at any fill, and bounded with any source of numbers, also one that
//! always answers the same.
//!
//! **Several at once** are a quick pick and those that follow it in the order of the table, around the end. The i-th
//! is then as even as the first, and all are distinct: an entry's chance to be among `n` is the sum of those of the `n`
//! entries up to itself to be the first, which evens out what little is uneven. What is not independent are neighbours.
//!
//! Learned from: Redis' `dictGetSomeKeys`, which takes neighbouring buckets for the sake of speed, and
//! `dictGetFairRandomKey`, which evens out chains by taking one of fifteen neighbours; von Neumann's rejection; Lemire's
//! multiplication in place of a remainder.

use core::ptr::NonNull;
use core::{array, iter};

use common::random::scale;

use crate::chunk::Chunk;
use crate::group::{SLOTS, Slots};
use crate::layout::CHILD_SLOTS_WITH_NEXT;
use crate::prefetch::prefetch;
use crate::raw::RawTable;

/// Chunks that a walk passes in the time of one trial.
const CHUNKS_A_TRIAL: usize = 16;
/// Trials that even the smallest table is given.
const TRIALS_MIN: usize = 64;
/// About twice the mean of a growing table. It must be more than the slots, for what has overflowed to have a share.
const RANDOM_BOUND_MIN: usize = 23;
/// Trials drawn at once: a little more than are needed on average.
const RANDOM_AHEAD: usize = 3;
const FAIR_AHEAD: usize = 6;

/// Where an entry is: the number of its slot, those of the children being numbered after the chunk's own.
#[derive(Clone, Copy)]
struct Position {
    chunk: usize,
    slot: usize,
}

impl<T> RawTable<T> {
    /// An entry, quickly. See [`crate::Table::random`].
    pub(crate) fn random(&self, mut rng: impl FnMut() -> u64) -> Option<NonNull<T>> {
        let place = self.pick::<RANDOM_AHEAD>(self.random_bound(), &mut rng)?;
        self.entries_from(place).next()
    }

    /// An entry, fairly. See [`crate::Table::fair_random`].
    pub(crate) fn fair_random(&self, mut rng: impl FnMut() -> u64) -> Option<NonNull<T>> {
        let place = self.pick::<FAIR_AHEAD>(self.fair_bound(), &mut rng)?;
        self.entries_from(place).next()
    }

    /// `n` entries that follow each other, or all. See [`crate::Table::sample`].
    pub(crate) fn sample(&self, n: usize, mut rng: impl FnMut() -> u64, mut each: impl FnMut(NonNull<T>)) {
        let mut left = n.min(self.len());
        if left == 0 {
            return;
        }
        let Some(mut place) = self.pick::<RANDOM_AHEAD>(self.random_bound(), &mut rng) else { return };
        // Ends: in one round after the first chunk all `len` entries come, and `left` is no more.
        loop {
            for entry in self.entries_from(place).take(left) {
                left -= 1;
                each(entry);
            }
            if left == 0 {
                return;
            }
            let next = place.chunk + 1;
            place = Position { chunk: if next == self.chunks() { 0 } else { next }, slot: 0 };
        }
    }

    /// Twice the mean number of entries in a chunk of a growing table or of this one, whichever is more; a chunk's slots if
    /// there are no children.
    pub(crate) fn random_bound(&self) -> usize {
        if self.stats().children == 0 {
            return SLOTS;
        }
        // Each entry has a byte of tag, so that twice their number is no overflow.
        (2 * self.len()).div_ceil(self.chunks().max(1)).max(RANDOM_BOUND_MIN)
    }

    /// At least as many entries as any chunk holds: for certain if the children are few, else with the probability that
    /// the head of this file derives.
    pub(crate) fn fair_bound(&self) -> usize {
        let children = self.stats().children;
        if children == 0 {
            return SLOTS;
        }
        let mean = (self.len() >> self.chunks().max(1).ilog2()) + 1;
        let likely = mean + mean / 2 + 24;
        likely.min((SLOTS + 1).saturating_add(children.saturating_mul(CHILD_SLOTS_WITH_NEXT)))
    }

    /// The trials that may fail before the walk.
    pub(crate) fn trials(&self) -> usize {
        TRIALS_MIN + self.chunks() / CHUNKS_A_TRIAL
    }

    /// Whether the walk is expected to be over before trials would be.
    pub(crate) fn walks_at_once(&self, bound: usize) -> bool {
        self.len() < bound.saturating_mul(CHUNKS_A_TRIAL)
    }

    /// Trials below `bound`, which is 15 or more, `AHEAD` of them at a time; then the walk. `None` only if there is no
    /// entry.
    #[inline]
    fn pick<const AHEAD: usize>(&self, bound: usize, rng: &mut impl FnMut() -> u64) -> Option<Position> {
        if self.walks_at_once(bound) {
            return self.walk(rng);
        }
        for _ in 0..self.trials() / AHEAD {
            let drawn: [_; AHEAD] = array::from_fn(|_| {
                let product = u128::from(rng()) * self.chunks() as u128;
                let place = Position { chunk: (product >> 64) as usize, slot: scale(product as u64, bound) };
                // SAFETY: the chunk is below `chunks`: a 64-bit number times `chunks`, over 2^64.
                let base = unsafe { self.chunk(place.chunk) }.base();
                prefetch(base.tag.as_ptr());
                // The entry is wanted if the trial succeeds. Beyond the slots: the tags again, which costs nothing.
                let entry = base.entry.as_ptr().wrapping_add(place.slot);
                prefetch(if place.slot < SLOTS { entry.cast() } else { base.tag.as_ptr() });
                place
            });
            for place in drawn {
                // SAFETY: a live chunk.
                if let Some(slot) = unsafe { self.chunk(place.chunk).try_slot(place.slot, bound, rng) } {
                    return Some(Position { slot, ..place });
                }
            }
        }
        self.walk(rng)
    }

    /// The entry of a rank drawn from `rng`, found by counting. O(chunks).
    #[cold]
    fn walk(&self, rng: &mut impl FnMut() -> u64) -> Option<Position> {
        if self.len() == 0 {
            return None;
        }
        let mut rank = scale(rng(), self.len());
        for index in 0..self.chunks() {
            // SAFETY: a live chunk.
            let (len, own) = unsafe { (self.chunk(index).len(), self.chunk(index).group().occupied()) };
            if rank < len {
                // The slots of a chunk with children are all taken: entry and slot have the same number.
                return Some(Position { chunk: index, slot: { own }.nth(rank).unwrap_or(rank) });
            }
            rank -= len;
        }
        None
    }

    /// The entries of the place's chunk from there on, in the order of the table's iterators. The chain is followed only
    /// when it is asked for.
    #[inline]
    fn entries_from(&self, Position { chunk, slot: from }: Position) -> impl Iterator<Item = NonNull<T>> {
        // SAFETY: places are in live chunks, whose children are live; slots that hold an entry.
        unsafe {
            let chunk = self.chunk(chunk);
            let own = chunk.group().occupied().from(from).map(move |slot| chunk.slot(slot).entry);
            let children = iter::successors(chunk.child(), |child| child.next());
            let overflow =
                children.flat_map(|child| child.occupied().map(move |slot| child.slot(slot).entry));
            own.chain(overflow.skip(from.saturating_sub(SLOTS)))
        }
    }
}

impl Slots {
    /// Those from number `slot` on.
    #[inline]
    fn from(self, slot: usize) -> Self {
        Self(if slot < SLOTS { self.0 & (u32::MAX << slot) } else { 0 })
    }
}

impl<T> Chunk<T> {
    /// The end of a trial at a slot below `bound`: the slot of the entry it has come upon. `rng` is asked again only
    /// for one of the entries that share.
    ///
    /// # Safety
    /// The chunk is live.
    #[inline]
    unsafe fn try_slot(self, slot: usize, bound: usize, rng: &mut impl FnMut() -> u64) -> Option<usize> {
        // SAFETY: a live chunk.
        unsafe {
            if slot < SLOTS {
                return (self.slot(slot).tag.read() != 0).then_some(slot);
            }
            self.child()?;
            let len = self.len();
            if len <= bound { (slot < len).then_some(slot) } else { Some(SLOTS + scale(rng(), len - SLOTS)) }
        }
    }
}
