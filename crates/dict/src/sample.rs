//! Random picks of entries: one quickly, one fairly, or several at once.
//!
//! **The trial.** Draw a chunk, each with the same probability, and a place below a *bound* `M` of 15 or
//! more. A place is one of the chunk's fifteen slots, or one for its overflow. If there is no entry at the
//! place, the trial fails and the next one begins:
//!
//! ```text
//!              slots of the chunk              overflow
//!   chunk 0  | x x . x x . x x . . . . . . . |  . . . . . .       x  an entry: the trial succeeds
//!   chunk 1  | x . . x x . . . . . . . . . . |  . . . . . .       .  no entry: another trial
//!   chunk 2  | x x x x x x x x x x x x x x x |  x x . . . .
//!              0                               15           M     each place: 1 / (chunks * M)
//! ```
//! If no chunk holds more than `M` entries, every entry has the same chance in every trial, and therefore in
//! the end, however unevenly the chunks are filled. A trial succeeds with probability
//! `a = len / (chunks * M)`, and `1 / a` trials are made on average. The fair and the quick pick differ in
//! the choice of `M` only:
//!
//! - [`RawTable::fair_bound`] is at least the number of entries of any chunk (see below). It takes four or
//!   five trials.
//! - [`RawTable::random_bound`] is about twice the mean. It takes two trials, and some chunks hold more
//!   entries.
//!
//! **Chunks that hold more than `M`.** Each of the fifteen slots keeps its own share `1 / M`. The `m - 15`
//! entries in children divide the `M - 15` shares that are left: each comes up `(M - 15) / (m - 15)` times as
//! often as it should. Every entry has a chance. The slots keep their share for speed. A trial at a slot
//! reads one byte of tag. A trial at an overflow place reads the filter byte, and follows the chain only if
//! the chunk has one.
//!
//! **The length of a chunk.** Let the table have at least `2^L` chunks and fewer than `2^(L+1)`. A hash falls
//! on a chunk that has not been split with probability `2^-L`, and on each half of one that has been split
//! with half of it. The fullest chunks are therefore Poisson with mean `l = len / 2^L` (10 to 21 in a growing
//! table). Their upper tail obeys Bennett's inequality
//!
//! ```text
//!   P(m >= l + t) <= exp(-l h(t / l)),     h(u) = (1 + u) ln(1 + u) - u
//! ```
//!
//! With `t = l / 2 + 24`, that is at most 5e-9 for the means of a growing table, and 2e-8 for the worst mean,
//! which is about forty. The exact sum, over the chunks of both kinds, is at most 3e-11 per chunk in a
//! growing table. Of tables of ten million entries, one in fifty thousand has a chunk that is too long, and
//! then usually by one entry.
//!
//! A second limit is certain: `C` children hold at most `6 C + 1` entries together. No chunk therefore holds
//! more than `15 + 6 C + 1` entries, and none more than 15 without children. The code takes the smaller
//! limit. Only chosen hashes, or the hashes that are left after following a scan, make chunks longer than the
//! first limit.
//!
//! **One draw per trial.** `r * chunks`, for a 64-bit `r`, has the chunk in its upper word. The lower word is
//! the place in the chunk, as a fraction. Each place in the drawing above is thus an interval of `r`. All
//! intervals have the same length, except for one part in `2^64 / (chunks * M)`: for 10^9 entries, one in
//! 10^8.
//!
//! **Cache misses** overlap. Several trials are drawn at once. For each, the tags are prefetched, and if the
//! place is a slot, the entry too, because the caller reads it next. The trials are evaluated in the order in
//! which they were drawn. To evaluate the most promising ones first would pick their entries more often.
//!
//! **By rank.** Trials are hopeless in a table that `retain` has nearly emptied, and pointless in a small
//! one. Then a rank below `len` is drawn, and the tags are counted up to it. This is exactly uniform for any
//! chunks, and takes O(chunks). A trial costs as much as counting 16 chunks (a few if the table is in the
//! cache, thirty if it misses), and `chunks / 16` trials are expected to suffice if `16 M <= len`. With fewer
//! entries the rank is therefore drawn at once, and with more after `64 + chunks / 16` failures. The cost is
//! a small multiple of the better choice at any fill. It is bounded with any source of numbers, even one that
//! always returns the same number.
//!
//! **Several at once** are a quick pick and the entries that follow it in the order of the table, continued
//! at the start. The i-th is then as even as the first, and all are distinct. The chance of an entry to be
//! among `n` is the sum of the chances of `n` entries to be the first: the entry itself and those before it.
//! That sum evens out what little is uneven. Neighbours are not independent.
//!
//! Learned from: Redis' `dictGetSomeKeys`, which takes neighbouring buckets for the sake of speed, and
//! `dictGetFairRandomKey`, which evens out chains by taking one of fifteen neighbours; von Neumann's
//! rejection; Lemire's multiplication in place of a remainder.

use core::ptr::NonNull;
use core::{array, iter};

use common::random::scale;

use crate::chunk::Chunk;
use crate::group::{SLOTS, Slots};
use crate::layout::CHILD_SLOTS_WITH_NEXT;
use crate::prefetch::prefetch;
use crate::raw::RawTable;

/// The number of chunks that a walk passes in the time of one trial.
const CHUNKS_PER_TRIAL: usize = 16;
/// The number of trials for even the smallest table.
const TRIALS_MIN: usize = 64;
/// About twice the mean of a growing table. It must exceed the number of slots, so that overflowed entries
/// have a share.
const RANDOM_BOUND_MIN: usize = 23;
/// The number of trials drawn at once, a little more than are needed on average.
const RANDOM_AHEAD: usize = 3;
const FAIR_AHEAD: usize = 6;

/// The place of an entry: the number of its slot. The slots of children are numbered after the chunk's own.
#[derive(Clone, Copy)]
struct Position {
    chunk: usize,
    slot: usize,
}

impl<T> RawTable<T> {
    /// Picks an entry quickly. See [`crate::Table::random`].
    pub(crate) fn random(&self, mut rng: impl FnMut() -> u64) -> Option<NonNull<T>> {
        let position = self.pick::<RANDOM_AHEAD>(self.random_bound(), &mut rng)?;
        self.entries_from(position).next()
    }

    /// Picks an entry fairly. See [`crate::Table::fair_random`].
    pub(crate) fn fair_random(&self, mut rng: impl FnMut() -> u64) -> Option<NonNull<T>> {
        let position = self.pick::<FAIR_AHEAD>(self.fair_bound(), &mut rng)?;
        self.entries_from(position).next()
    }

    /// Picks `n` consecutive entries, or all. See [`crate::Table::sample`].
    pub(crate) fn sample(&self, n: usize, mut rng: impl FnMut() -> u64, mut each: impl FnMut(NonNull<T>)) {
        let mut left = n.min(self.len());
        if left == 0 {
            return;
        }
        let Some(mut position) = self.pick::<RANDOM_AHEAD>(self.random_bound(), &mut rng) else { return };
        // The loop ends: `left` is at most `len`, and one round after the first chunk visits all `len`
        // entries.
        loop {
            for entry in self.entries_from(position).take(left) {
                left -= 1;
                each(entry);
            }
            if left == 0 {
                return;
            }
            let next = position.chunk + 1;
            position = Position { chunk: if next == self.chunks() { 0 } else { next }, slot: 0 };
        }
    }

    /// Returns twice the mean number of entries in a chunk of a growing table or of this one, whichever is
    /// more. Returns the number of slots in a chunk if there are no children.
    pub(crate) fn random_bound(&self) -> usize {
        if self.stats().children == 0 {
            return SLOTS;
        }
        // Twice the number of entries does not overflow, since each entry has a byte of tag.
        (2 * self.len()).div_ceil(self.chunks().max(1)).max(RANDOM_BOUND_MIN)
    }

    /// Returns at least the number of entries that any chunk holds. This is certain if there are few
    /// children. Otherwise it is true with the probability that the head of this file derives.
    pub(crate) fn fair_bound(&self) -> usize {
        let children = self.stats().children;
        if children == 0 {
            return SLOTS;
        }
        let mean = (self.len() >> self.chunks().max(1).ilog2()) + 1;
        let likely = mean + mean / 2 + 24;
        likely.min((SLOTS + 1).saturating_add(children.saturating_mul(CHILD_SLOTS_WITH_NEXT)))
    }

    /// Returns the number of trials that may fail before the walk.
    pub(crate) fn trials(&self) -> usize {
        TRIALS_MIN + self.chunks() / CHUNKS_PER_TRIAL
    }

    /// Returns whether the walk is expected to end before the trials would.
    pub(crate) fn picks_by_rank(&self, bound: usize) -> bool {
        self.len() < bound.saturating_mul(CHUNKS_PER_TRIAL)
    }

    /// Makes trials below `bound`, which is 15 or more, `AHEAD` of them at a time, and then walks. Returns
    /// `None` only if there is no entry.
    #[inline]
    fn pick<const AHEAD: usize>(&self, bound: usize, rng: &mut impl FnMut() -> u64) -> Option<Position> {
        if self.picks_by_rank(bound) {
            return self.pick_by_rank(rng);
        }
        for _ in 0..self.trials() / AHEAD {
            let drawn: [_; AHEAD] = array::from_fn(|_| {
                let product = u128::from(rng()) * self.chunks() as u128;
                let position =
                    Position { chunk: (product >> 64) as usize, slot: scale(product as u64, bound) };
                // SAFETY: the chunk is below `chunks`: it is a 64-bit number times `chunks`, divided by 2^64.
                let base = unsafe { self.chunk(position.chunk) }.base();
                prefetch(base.tag.as_ptr());
                // The entry is needed if the trial succeeds. At an overflow place, the tags are prefetched
                // again, which costs nothing.
                let entry = base.entry.as_ptr().wrapping_add(position.slot);
                prefetch(if position.slot < SLOTS { entry.cast() } else { base.tag.as_ptr() });
                position
            });
            for position in drawn {
                // SAFETY: the chunk is live.
                let slot = unsafe { self.chunk(position.chunk).accept_slot(position.slot, bound, rng) };
                if let Some(slot) = slot {
                    return Some(Position { slot, ..position });
                }
            }
        }
        self.pick_by_rank(rng)
    }

    /// Finds the entry of a rank drawn from `rng`, by counting. O(chunks).
    #[cold]
    fn pick_by_rank(&self, rng: &mut impl FnMut() -> u64) -> Option<Position> {
        if self.len() == 0 {
            return None;
        }
        let mut rank = scale(rng(), self.len());
        for index in 0..self.chunks() {
            // SAFETY: the chunk is live.
            let (len, own) = unsafe { (self.chunk(index).len(), self.chunk(index).group().occupied()) };
            if rank < len {
                // The slots of a chunk with children are all taken, so a rank there is also the number of the
                // slot.
                return Some(Position { chunk: index, slot: { own }.nth(rank).unwrap_or(rank) });
            }
            rank -= len;
        }
        None
    }

    /// Returns the entries of the place's chunk from that place on, in the order of the table's iterators.
    /// The chain is followed only when the iterator reaches it.
    #[inline]
    fn entries_from(&self, Position { chunk, slot: from }: Position) -> impl Iterator<Item = NonNull<T>> {
        // SAFETY: a position is in a live chunk, whose children are live. The slots are occupied.
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
    /// Returns the slots from number `slot` on.
    #[inline]
    fn from(self, slot: usize) -> Self {
        Self(if slot < SLOTS { self.0 & (u32::MAX << slot) } else { 0 })
    }
}

impl<T> Chunk<T> {
    /// Ends a trial at a place below `bound`, and returns the slot of the entry there. Calls `rng` again only
    /// for an entry that shares its place with others.
    ///
    /// # Safety
    /// The chunk is live.
    #[inline]
    unsafe fn accept_slot(self, slot: usize, bound: usize, rng: &mut impl FnMut() -> u64) -> Option<usize> {
        // SAFETY: the chunk is live.
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
