//! Eviction: it makes room when memory is at its limit.
//!
//! - `room`: how much room there is, and how writes stay within it;
//! - `victim`: evicts one key, under any policy;
//! - `search`, `pool`, `order`: the policies that compare keys;
//! - `probation`, `s3fifo`, `queue`, `share`, `ghosts`, `clock`: the policy S3-FIFO.
//!
//! A victim that has expired is removed as an expired key, whatever the policy is.
//!
//! Learned from: Redis' `evict.c` (policies, pool, what a write may do above the limit).

mod clock;
mod ghosts;
mod order;
mod pool;
mod probation;
mod queue;
mod room;
mod s3fifo;
mod search;
mod share;
mod victim;

pub(crate) use clock::S3Clock;
pub use room::Evicted;

use crate::entry::{Entry, EntryView};
use crate::event::Event;
use crate::keyspace::Keyspace;
use crate::totals::Totals;
use allocator_api2::boxed::Box;
use clock::Stamp;
use common::random::mix;
use core::hash::BuildHasher;
use dict::table::OccupiedEntry;
use queue::Locator;
use s3fifo::{Extent, S3Fifo};
use search::Search;
use zmalloc::{Zmalloc, box_size};

/// The least `maxmemory` under which S3-FIFO has a queue and ghosts.
const QUEUE_LIMIT_MIN: usize = 64 << 10;

/// The eviction state of a keyspace. Its larger part is allocated when it is needed.
#[derive(Default)]
pub(crate) struct Eviction {
    /// Bytes outside the keyspace that count towards `maxmemory`.
    other_bytes: usize,
    /// The limit of the counted bytes, or 0 for no limit.
    maxmemory: usize,
    /// The limit of the number of keys, from the last call of [`Keyspace::evict_down_to`], or 0 for no limit.
    keys_max: usize,
    /// The number of evicted keys.
    keys: u64,
    /// The most bytes that a call may leave: `maxmemory`, or more while the keyspace shrinks to a lowered
    /// limit.
    ceiling: usize,
    /// The bytes that calls of `SET` may still add before the room is measured again.
    allowance: usize,
    /// The address of the entry that is being written to, or 0. This entry is not evicted.
    protected: usize,
    /// Whether the policy is S3-FIFO. The entries' clocks are then [`S3Clock`]s.
    is_s3fifo: bool,
    /// Whether only keys with an expiry may be evicted.
    is_volatile: bool,
    /// The state of the random number generator.
    random: u64,
    state: Option<Box<State, Zmalloc>>,
    /// The bytes that the box of the state adds to `used_memory`.
    state_bytes: usize,
}

struct State {
    search: Search,
    s3fifo: S3Fifo,
}

impl Eviction {
    fn state_mut(&mut self) -> Option<&mut State> {
        if self.state.is_none() {
            let state = State { search: Search::new(), s3fifo: S3Fifo::new() };
            self.state = Box::try_new_in(state, Zmalloc).ok();
            self.state_bytes = self.state.as_ref().map_or(0, box_size);
        }
        self.state.as_deref_mut()
    }

    fn stamp(&self) -> Stamp {
        self.state.as_ref().map_or(Stamp::START, |state| state.s3fifo.stamp())
    }

    /// Returns the clock of a new entry under S3-FIFO, and notes the entry.
    fn note_new_key(&mut self, hash: u64, size: usize, extent: Extent) -> S3Clock {
        let full = self.extent_when_full(extent);
        let has_queue = self.has_queue();
        match self.state_mut() {
            Some(state) if has_queue => state.s3fifo.note_new_key(Locator::of(hash), size, extent, full),
            Some(state) => S3Clock::passed(state.s3fifo.next_stamp(extent.keys), 0),
            None => S3Clock::passed(Stamp::START, 0),
        }
    }

    /// Returns whether the limit is large enough for the queue and the ghosts, whose blocks have up to 4 KiB.
    /// If it is not, no key is on probation.
    fn has_queue(&self) -> bool {
        self.maxmemory == 0 || self.maxmemory >= QUEUE_LIMIT_MIN
    }

    /// Returns the size that the store can reach, as far as it is known.
    fn extent_when_full(&self, extent: Extent) -> Extent {
        match (self.keys_max, self.maxmemory) {
            (0, 0) => extent,
            (0, bytes) => Extent { keys: usize::MAX, bytes },
            (keys, 0) => Extent { keys, bytes: usize::MAX },
            (keys, bytes) => Extent { keys, bytes },
        }
    }

    /// Cancels the allowance, because a write begins whose bytes are not known. The next write measures the
    /// room again.
    #[inline]
    pub(crate) fn cancel_allowance(&mut self) {
        self.allowance = 0;
    }

    /// Returns whether there is a limit of the counted bytes.
    pub(crate) fn is_limited(&self) -> bool {
        self.maxmemory > 0
    }

    /// Returns the number of evicted keys.
    pub(crate) fn evicted_keys(&self) -> u64 {
        self.keys
    }

    /// Returns whether the entries' clocks are [`S3Clock`]s.
    #[inline]
    pub(crate) fn is_s3fifo(&self) -> bool {
        self.is_s3fifo
    }

    /// Returns the bytes that the state adds to `used_memory`.
    pub(crate) fn allocation_size(&self) -> usize {
        self.state.as_ref().map_or(0, |state| self.state_bytes + state.s3fifo.allocation_size())
    }

    /// Returns the state of a keyspace that has become empty, with the same limit and counters.
    pub(crate) fn emptied(&mut self) -> Self {
        Self { state: None, ..core::mem::take(self) }
    }

    fn next_random(&mut self, hasher: &impl BuildHasher) -> u64 {
        if self.random == 0 {
            self.random = hasher.hash_one(0_u64);
        }
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.random)
    }
}

impl Totals {
    /// Returns the number and the bytes of the keys that may be evicted. Under a volatile policy the bytes
    /// are estimated.
    fn extent(&self, keys: usize) -> Extent {
        if !self.eviction.is_volatile {
            return Extent { keys, bytes: self.entry_bytes };
        }
        let share = self.expires as f64 / keys.max(1) as f64;
        Extent { keys: self.expires, bytes: (self.entry_bytes as f64 * share) as usize }
    }

    /// Sets the clock of a new entry under S3-FIFO. Its key begins on probation, or has passed it at once.
    #[inline(never)]
    pub(crate) fn note_new_key(&mut self, entry: &OccupiedEntry<'_, Entry>, size: usize, hash: u64) {
        let is_candidate = !self.eviction.is_volatile || entry.get().expires();
        let extent = self.extent(entry.table().len());
        let clock = if is_candidate {
            self.eviction.note_new_key(hash, size, extent)
        } else {
            S3Clock::passed(self.eviction.stamp(), 0)
        };
        // A renamed key keeps its count of uses.
        let view = entry.get().view();
        view.set_clock(clock.with_uses_of(S3Clock::from_bits(view.clock())).to_bits());
    }

    /// Copies the clock of a replaced entry to the new entry of the same key, under S3-FIFO, and counts a
    /// use. The queue finds an entry by the key's hash and the clock.
    pub(crate) fn copy_s3_clock(&self, old: &OccupiedEntry<'_, Entry>, new: EntryView<'_>) {
        if self.eviction.is_s3fifo {
            new.set_clock(S3Clock::from_bits(old.get().view().clock()).used().to_bits());
        }
    }

    /// Removes a victim from the table, reports it and counts it. An expired victim is reported as expired.
    fn evict(&mut self, entry: OccupiedEntry<'_, Entry>, now: u64) {
        if entry.get().is_expired(now) {
            return self.expire(entry);
        }
        self.before_removal(&entry);
        self.discard_victim(entry.remove());
    }

    /// Reports, counts and frees a victim that has not expired and is no longer in the table.
    fn discard_victim(&mut self, entry: Entry) {
        self.eviction.keys += 1;
        self.discard(entry, |key| Event::Evicted(key), self.lazyfree.lazy.eviction);
    }
}

impl<S> Keyspace<S> {
    /// Returns the number of keys that were evicted since the keyspace was created. In C: `evicted_keys` of
    /// INFO stats.
    pub fn evicted_keys(&self) -> u64 {
        self.totals.eviction.keys
    }

    /// Returns the bytes that eviction itself needs: for candidates and, under S3-FIFO, for the queue of keys
    /// on probation and the fingerprints of evicted keys. [`allocation_size`](Self::allocation_size) includes
    /// them. O(1).
    ///
    /// Returns 0 until the first search for a victim or, under S3-FIFO, until the first key is added.
    pub fn eviction_bytes(&self) -> usize {
        self.totals.eviction.allocation_size()
    }

    /// Panics unless each key on probation has its element in the queue. O(n).
    pub(crate) fn check_probation(&self) {
        if !self.totals.eviction.is_s3fifo {
            return;
        }
        let clock = |entry: &Entry| S3Clock::from_bits(entry.view().clock());
        let on_probation = self.table.iter().filter(|entry| clock(entry).is_on_probation()).count();
        let mut found = 0;
        if let Some(state) = &self.totals.eviction.state {
            for (number, locator) in state.s3fifo.queue.iter() {
                found += usize::from(
                    self.table.find(locator.hash(), |entry| clock(entry).has_number(number)).is_some(),
                );
            }
        }
        assert_eq!(found, on_probation, "every key on probation is in the queue");
    }

    /// Applies the policy and the limit of the options.
    ///
    /// All clocks are reset, which is O(n), if the policy changes to or from S3-FIFO or between its two
    /// policies. Under S3-FIFO they are also reset if a new limit adds or removes the queue.
    pub(crate) fn apply_policy(&mut self) {
        let policy = self.options.get_maxmemory_policy();
        let eviction = &mut self.totals.eviction;
        let (was_s3fifo, had_queue) = (eviction.is_s3fifo, eviction.has_queue());
        let mut is_anew = (policy.is_s3fifo(), policy.is_volatile()) != (was_s3fifo, eviction.is_volatile);
        eviction.maxmemory = self.options.get_maxmemory();
        is_anew |= had_queue != eviction.has_queue();
        if is_anew {
            eviction.state = None;
        } else if let Some(state) = &mut eviction.state {
            state.search.pool.clear(); // Precedence may have another meaning now.
        }
        (eviction.is_s3fifo, eviction.is_volatile) = (policy.is_s3fifo(), policy.is_volatile());
        if is_anew && (was_s3fifo || policy.is_s3fifo()) {
            // The bits of the clocks have another meaning now.
            self.table.iter().for_each(|entry| entry.view().set_clock(0));
        }
    }
}
