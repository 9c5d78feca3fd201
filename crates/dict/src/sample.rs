//! Entries picked at random: one quickly, one fairly, or several at once.
//!
//! **The trial.** Draw a chunk, each alike, and a position below a *bound* `M`. A chunk of `m` entries has one at the
//! position with probability `m / M`; if it has none, the trial has failed and the next begins:
//!
//! ```text
//!  chunk 0  | x x x x x x x . . . . . |       x  an entry: the trial ends
//!  chunk 1  | x x x x . . . . . . . . |       .  nothing: another trial
//!  chunk 2  | x x x x x x x x x x . . |
//!           0                         M       each place is drawn with probability 1 / (chunks * M)
//! ```
//!
//! As long as no chunk holds more than `M`, every entry has the same chance in every trial, and so in the end,
//! however unevenly the chunks are filled. A trial succeeds with probability `a = len / (chunks * M)`, and `1 / a`
//! trials are made on average. The choice of `M` is all that tells fair from quick:
//!
//! - [`RawTable::fair_bound`] is at least what any chunk holds (below). Four or five trials.
//! - [`RawTable::random_bound`] is twice the mean. Two trials; chunks that hold more are common, and see below.
//!
//! **Chunks that hold more than `M`.** If `M > 15`, each of the fifteen slots keeps its own share `1 / M`, and the
//! `m - 15` entries behind them divide the `M - 15` shares that are left: each comes up `(M - 15) / (m - 15)` times as
//! often as it should. If `M <= 15`, all `m` divide the `M` shares. No entry ever has no chance. That the slots go by the
//! first rule is for speed: the tags and their filter byte then decide, and the chain is not followed.
//!
//! **How long a chunk gets.** With `2^L` chunks or more, but not twice as many, a hash falls on a chunk that has not
//! been split with probability `2^-L`, and on the two halves of one that has with half of it. So the fullest chunks are
//! Poisson with mean `l = len / 2^L` (11 to 23 in a growing table), whose upper tail obeys Bennett's inequality
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
//! **Cache misses** of trials overlap: several are drawn at once and their tags prefetched. They are judged in the order
//! they were drawn, never the promising ones first, which would favour those.
//!
//! **The walk.** Where trials are hopeless (a table all but emptied by `retain`), or pointless (a small one), a
//! rank below `len` is drawn and the tags are counted up to it: exactly uniform for any chunks, O(chunks). A trial costs
//! as much as 16 chunks of a walk (a few in the cache, thirty where it misses), and `chunks / 16` trials are expected
//! to suffice if `16 M <= len`. So with fewer entries the walk comes at once, and with more after `64 + chunks / 16`
//! failures: a small multiple of the better choice at any fill, and bounded with any source of numbers, also one that
//! always answers the same.
//!
//! **Several at once** are a fair one and those that follow it in the order of the table, around the end. The i-th
//! is then as fair as the first, each entry is among `n` with probability exactly `n / len`, and all are distinct. What is
//! not independent are neighbours.
//!
//! Learned from: Redis' `dictGetSomeKeys`, which takes neighbouring buckets for the sake of speed, and
//! `dictGetFairRandomKey`, which evens out chains by taking one of fifteen neighbours; von Neumann's rejection; Lemire's
//! multiplication in place of a remainder.

use core::ptr::NonNull;
use core::{array, iter};

use crate::group::SLOTS;
use crate::layout::CHILD_SLOTS_WITH_NEXT;
use crate::overflow::Chunk;
use crate::raw::RawTable;

/// Chunks that a walk passes in the time of one trial.
const CHUNKS_A_TRIAL: usize = 16;
/// Trials that even the smallest table is given.
const TRIALS_MIN: usize = 64;
/// Trials drawn at once: a little more than are needed on average.
const RANDOM_AHEAD: usize = 4;
const FAIR_AHEAD: usize = 8;

/// The number below `bound` that lies where `fraction` lies below 2^64. Fair if `fraction` is.
#[inline]
pub(crate) fn scale(fraction: u64, bound: usize) -> usize {
    ((u128::from(fraction) * bound as u128) >> 64) as usize
}

/// Asks for the cache line of `byte`, where the processor can be asked.
#[inline]
fn prefetch(byte: NonNull<u8>) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a hint, which reads nothing and may be given any address; SSE is part of x86-64.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(byte.as_ptr().cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = byte;
}

/// Where an entry is: how many of its chunk's come before it.
#[derive(Clone, Copy)]
struct Place {
    chunk: usize,
    index: usize,
}

impl<T> RawTable<T> {
    /// An entry, quickly. See [`crate::Table::random`].
    pub(crate) fn random(&self, mut rng: impl FnMut() -> u64) -> Option<NonNull<T>> {
        let place = self.pick::<RANDOM_AHEAD>(self.random_bound(), &mut rng)?;
        self.entry_at(place)
    }

    /// An entry, fairly. See [`crate::Table::fair_random`].
    pub(crate) fn fair_random(&self, mut rng: impl FnMut() -> u64) -> Option<NonNull<T>> {
        let place = self.pick::<FAIR_AHEAD>(self.fair_bound(), &mut rng)?;
        self.entry_at(place)
    }

    /// `n` entries that follow each other, or all. See [`crate::Table::sample`].
    pub(crate) fn sample(&self, n: usize, mut rng: impl FnMut() -> u64, mut each: impl FnMut(NonNull<T>)) {
        let mut left = n.min(self.len());
        if left == 0 {
            return;
        }
        let Some(Place { mut chunk, index: mut skip }) = self.pick::<FAIR_AHEAD>(self.fair_bound(), &mut rng)
        else {
            return;
        };
        // Ends: in one round after the first chunk all `len` entries come, and `left` is no more.
        loop {
            // SAFETY: a live chunk of a table that is borrowed.
            for entry in unsafe { entries(self.chunk(chunk)) }.skip(skip).take(left) {
                left -= 1;
                each(entry);
            }
            if left == 0 {
                return;
            }
            skip = 0;
            chunk = if chunk + 1 == self.chunks() { 0 } else { chunk + 1 };
        }
    }

    /// Twice the mean number of entries in a chunk; the table is not empty.
    pub(crate) fn random_bound(&self) -> usize {
        // Each entry has a byte of tag, so that twice their number is no overflow.
        (2 * self.len()).div_ceil(self.chunks().max(1))
    }

    /// At least as many entries as any chunk holds: for certain if the children are few, else with the probability that the
    /// head of this file derives.
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

    /// Trials below `bound`, `AHEAD` of them at a time, then the walk. `None` only if there is no entry.
    #[inline]
    fn pick<const AHEAD: usize>(&self, bound: usize, rng: &mut impl FnMut() -> u64) -> Option<Place> {
        if self.walks_at_once(bound) {
            return self.walk(rng);
        }
        for _ in 0..self.trials() / AHEAD {
            let drawn: [_; AHEAD] = array::from_fn(|_| {
                let product = u128::from(rng()) * self.chunks() as u128;
                let (index, fraction) = ((product >> 64) as usize, product as u64);
                // SAFETY: `index` is below `chunks`: a 64-bit number times `chunks`, over 2^64.
                let chunk = unsafe { self.chunk(index) };
                prefetch(chunk.base().tag);
                (index, fraction, chunk)
            });
            for (chunk, fraction, tried) in drawn {
                // SAFETY: a live chunk.
                if let Some(index) = unsafe { try_chunk(tried, fraction, bound, rng) } {
                    return Some(Place { chunk, index });
                }
            }
        }
        self.walk(rng)
    }

    /// The entry of a rank drawn from `rng`, found by counting. O(chunks).
    #[cold]
    fn walk(&self, rng: &mut impl FnMut() -> u64) -> Option<Place> {
        if self.len() == 0 {
            return None;
        }
        let mut index = scale(rng(), self.len());
        for chunk in 0..self.chunks() {
            // SAFETY: a live chunk.
            let len = unsafe { self.chunk(chunk).len() };
            if index < len {
                return Some(Place { chunk, index });
            }
            index -= len;
        }
        None
    }

    /// The entry at a place that one of the above has found.
    #[inline]
    fn entry_at(&self, Place { chunk, index }: Place) -> Option<NonNull<T>> {
        // SAFETY: places are in live chunks.
        unsafe { entries(self.chunk(chunk)) }.nth(index)
    }
}

/// The entries of a chunk, in the order of the table's iterators. Follows the chain only when asked to go on there.
///
/// # Safety
/// The chunk is live and does not change while the iterator is used.
#[inline]
unsafe fn entries<T>(chunk: Chunk<T>) -> impl Iterator<Item = NonNull<T>> {
    // SAFETY: a live chunk with live children, and slots that hold an entry.
    unsafe {
        let own = chunk.group().occupied().map(move |slot| chunk.slot(slot).entry);
        let children = iter::successors(chunk.child(), |child| child.next());
        own.chain(children.flat_map(|child| child.occupied().map(move |slot| child.slot(slot).entry)))
    }
}

/// One trial at a chunk, with the place drawn as a fraction: the index of the entry it has come upon. `rng` is
/// asked again only for one of the entries that share.
///
/// # Safety
/// The chunk is live.
#[inline]
unsafe fn try_chunk<T>(
    chunk: Chunk<T>,
    fraction: u64,
    bound: usize,
    rng: &mut impl FnMut() -> u64,
) -> Option<usize> {
    let index = scale(fraction, bound);
    // SAFETY: a live chunk. If it has a child, its fifteen slots are full, so that those need no counting.
    let len = unsafe {
        if chunk.child().is_none() {
            chunk.group().occupied().len()
        } else if bound > SLOTS && index < SLOTS {
            return Some(index);
        } else {
            chunk.len()
        }
    };
    if len <= bound {
        (index < len).then_some(index)
    } else if bound > SLOTS {
        Some(SLOTS + scale(rng(), len - SLOTS))
    } else {
        Some(scale(fraction, len))
    }
}
