//! Eviction: making room when memory is at its limit.
//!
//! - `room`: how much memory there is, and what a write does about it;
//! - `search`, `pool`, `order`: the policies that compare keys;
//! - `s3fifo`, `queue`, `share`, `ghosts`, `clock`: the policy S3-FIFO.
//!
//! A victim that has expired is removed as an expired key, whatever the policy is.
//!
//! Learned from: Redis' `evict.c` (policies, pool, what a write may do above the limit).

mod clock;
mod ghosts;
mod order;
mod pool;
mod queue;
mod room;
mod s3fifo;
mod search;
mod share;

pub(crate) use clock::S3Clock;
pub use room::Evicted;

use crate::entry::{Entry, EntryView};
use crate::event::Event;
use crate::keyspace::Keyspace;
use crate::options::Ranking;
use crate::totals::Totals;
use allocator_api2::boxed::Box;
use clock::Stamp;
use common::random::{mix, scale};
use core::hash::BuildHasher;
use dict::prefetch::prefetch;
use dict::table::OccupiedEntry;
use ghosts::Side;
use queue::Locator;
use s3fifo::{Extent, S3Fifo};
use search::Search;
use zmalloc::Zmalloc;

/// Keys that one victim may spare, and elements of the queue that it may pass. More would take long; then the best
/// candidate is evicted although it was used.
const SPARED_MAX: usize = 64;

/// Ghosts take at most one part in so many of the bytes that count.
const GHOST_SHARE: usize = 33;

/// What a keyspace knows for eviction. Small until the first victim is looked for.
#[derive(Default)]
pub(crate) struct Eviction {
    /// Bytes of others that count for `maxmemory`.
    other_bytes: usize,
    /// The most bytes, or 0.
    maxmemory: usize,
    /// The most keys, or 0: what [`Keyspace::evict_down_to`] was last told.
    keys_max: usize,
    /// How many keys were evicted.
    keys: u64,
    /// Whether the bytes were above the limit when it was set, and still are.
    is_above: bool,
    /// Whether the policy is S3-FIFO: entries' clocks are [`S3Clock`]s.
    is_s3fifo: bool,
    /// Whether only keys with an expiry may be evicted.
    is_volatile: bool,
    /// A random number, the next one of which is made from it.
    random: u64,
    state: Option<Box<State, Zmalloc>>,
    /// What the box of the state adds to `used_memory`.
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
            self.state_bytes = self.state.as_ref().map_or(0, Zmalloc::box_size);
        }
        self.state.as_deref_mut()
    }

    fn search_mut(&mut self) -> Option<&mut Search> {
        Some(&mut self.state_mut()?.search)
    }

    fn stamp(&self) -> Stamp {
        self.state.as_ref().map_or(Stamp::START, |state| state.s3fifo.stamp())
    }

    /// What a new entry's clock is under S3-FIFO.
    fn arrive(&mut self, hash: u64, size: usize, extent: Extent) -> S3Clock {
        let full = self.extent_when_full(extent);
        match self.state_mut() {
            Some(state) => state.s3fifo.arrive(Locator::of(hash), size, extent, full),
            None => S3Clock::passed(Stamp::START, 0),
        }
    }

    /// How large the store becomes, as far as that is known.
    fn extent_when_full(&self, extent: Extent) -> Extent {
        match (self.keys_max, self.maxmemory) {
            (0, 0) => extent,
            (0, bytes) => Extent { keys: usize::MAX, bytes },
            (keys, 0) => Extent { keys, bytes: usize::MAX },
            (keys, bytes) => Extent { keys, bytes },
        }
    }

    /// How many keys were evicted.
    pub(crate) fn keys(&self) -> u64 {
        self.keys
    }

    /// Whether entries' clocks are those of S3-FIFO.
    #[inline]
    pub(crate) fn is_s3fifo(&self) -> bool {
        self.is_s3fifo
    }

    /// What the state adds to `used_memory`, in bytes.
    pub(crate) fn allocation_size(&self) -> usize {
        self.state.as_ref().map_or(0, |state| self.state_bytes + state.s3fifo.allocation_size())
    }

    /// The same limit and counters, for a keyspace that has become empty.
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
    /// The keys that may be evicted. The bytes of those with an expiry are estimated.
    fn extent(&self, keys: usize) -> Extent {
        if !self.eviction.is_volatile {
            return Extent { keys, bytes: self.entry_bytes };
        }
        let share = self.expires as f64 / keys.max(1) as f64;
        Extent { keys: self.expires, bytes: (self.entry_bytes as f64 * share) as usize }
    }

    /// Sets the clock of a new entry under S3-FIFO, and puts its key on probation or behind it.
    #[inline(never)]
    pub(crate) fn arrive(&mut self, entry: &OccupiedEntry<'_, Entry>, size: usize, hash: u64) {
        let is_candidate = !self.eviction.is_volatile || entry.get().expires();
        let extent = self.extent(entry.table().len());
        let clock = if is_candidate {
            self.eviction.arrive(hash, size, extent)
        } else {
            S3Clock::passed(self.eviction.stamp(), 0)
        };
        // A key under a new name keeps its count.
        let view = entry.get().view();
        view.set_clock(clock.with_uses_of(S3Clock::from_bits(view.clock())).to_bits());
    }

    /// Gives the entry that takes another's place under the same key that entry's place in the order of
    /// eviction, under S3-FIFO: the queue leads to the clock by the key.
    pub(crate) fn keep_place(&self, old: &OccupiedEntry<'_, Entry>, new: EntryView<'_>) {
        if self.eviction.is_s3fifo {
            new.set_clock(S3Clock::from_bits(old.get().view().clock()).used().to_bits());
        }
    }

    /// Takes a victim out of the table, reports it and counts it. One that has expired is reported as such.
    fn evict(&mut self, entry: OccupiedEntry<'_, Entry>, now: u64) {
        if entry.get().is_expired(now) {
            return self.expire(entry);
        }
        self.eviction.keys += 1;
        let entry = entry.remove();
        self.notify(Event::Evicted(entry.key()));
        self.expires -= usize::from(entry.expires());
        self.entry_bytes -= entry.into_freed(); // its size is computed once
    }
}

/// What became of the first element of the queue.
enum Popped {
    /// There is none.
    Empty,
    /// Its key is no longer there, or has passed.
    Passed,
    /// Its key was evicted, or had expired.
    Evicted,
}

impl<S: BuildHasher> Keyspace<S> {
    /// Evicts keys by the policy until there are at most `keys`, and returns how many. For a store that is limited by
    /// the number of keys. Such a store calls it with its limit less 1 before it adds a key, from the first
    /// key on: S3-FIFO looks at the limit while the store fills. A key that has expired is removed as such. O(victims),
    /// and the values that are dropped.
    ///
    /// ```
    /// use keyspace::{Keyspace, MaxmemoryPolicy, Options};
    /// let options = Options::new().maxmemory_policy(MaxmemoryPolicy::AllkeysLru);
    /// let mut keyspace = Keyspace::with_options(options);
    /// for second in 0..100 {
    ///     let now = 1_000 * second as u64;
    ///     keyspace.evict_down_to(9, now);
    ///     keyspace.set(format!("key:{second}").as_bytes(), second, now)?;
    /// }
    /// assert_eq!(keyspace.len(), 10);
    /// assert!(keyspace.contains_key("key:99", 100_000));
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn evict_down_to(&mut self, keys: usize, now: u64) -> usize {
        self.totals.eviction.keys_max = keys.saturating_add(1);
        let mut evicted = 0;
        while self.len() > keys && self.evict_one(now) {
            evicted += 1;
        }
        evicted
    }

    /// Evicts one key by the policy, whatever the limit is, and returns whether there was one that may be evicted.
    fn evict_one(&mut self, now: u64) -> bool {
        match self.options.get_maxmemory_policy().ranking() {
            Ranking::None => false,
            Ranking::Random => self.evict_random(now),
            Ranking::S3fifo => self.evict_s3fifo(now),
            Ranking::Lru | Ranking::Lrm | Ranking::Lfu | Ranking::Ttl => self.evict_best(now),
        }
    }

    fn evict_best(&mut self, now: u64) -> bool {
        let Some((hash, address)) = self.best_candidate(now) else { return false };
        self.evict_at(hash, address, now)
    }

    fn evict_at(&mut self, hash: u64, address: usize, now: u64) -> bool {
        let Ok(entry) = self.table.find_entry(hash, |entry| entry.address().addr() == address) else {
            return false;
        };
        self.totals.evict(entry, now);
        true
    }

    fn evict_random(&mut self, now: u64) -> bool {
        let Self { table, hasher, options, totals, .. } = self;
        let eviction = &mut totals.eviction;
        let mut victim = None;
        if options.get_maxmemory_policy().is_volatile() {
            if totals.expires == 0 {
                return false;
            }
            // The first marked chunk from a random one on. Keys that follow each other share bits of their hash only.
            let chunks = table.stats().chunks;
            let mut chunk = scale(eviction.next_random(hasher), chunks);
            for _ in 0..=chunks {
                let mut count = 0;
                let random = eviction.next_random(hasher);
                chunk = table.walk_marked(chunk, |entry| {
                    count += 1;
                    // The n-th takes the place of those before it with probability 1 / n.
                    if scale(mix(random ^ count), count as usize) == 0 {
                        victim = Some(entry);
                    }
                });
                if victim.is_some() {
                    break;
                }
            }
        } else {
            victim = table.random(|| eviction.next_random(hasher));
        }
        let place = victim.map(|entry| (hasher.hash_one(entry.key()), entry.address().addr()));
        place.is_some_and(|(hash, address)| self.evict_at(hash, address, now))
    }

    fn evict_s3fifo(&mut self, now: u64) -> bool {
        let extent = self.totals.extent(self.table.len());
        let Some(state) = self.totals.eviction.state_mut() else { return false };
        state.s3fifo.note_eviction();
        if state.s3fifo.is_full(extent) {
            for _ in 0..SPARED_MAX {
                match self.pop_probation(now) {
                    Popped::Evicted => return true,
                    Popped::Passed => {}
                    Popped::Empty => break,
                }
            }
        }
        for spared in 0.. {
            let Some((hash, address)) = self.best_candidate(now) else { break };
            if spared == SPARED_MAX || !self.spare(hash, address, now) {
                return self.evict_passed(hash, address, now);
            }
        }
        // Nothing has passed probation.
        loop {
            match self.pop_probation(now) {
                Popped::Evicted => return true,
                Popped::Passed => {}
                Popped::Empty => break,
            }
        }
        // Only keys are left whose hash is not the one that they were added by, or that have passed just now.
        self.evict_random(now)
    }

    /// Stamps a candidate anew if it was used, and returns whether it was.
    fn spare(&mut self, hash: u64, address: usize, now: u64) -> bool {
        let keys = self.table.len();
        let Some(entry) = self.table.find(hash, |entry| entry.address().addr() == address) else {
            return false;
        };
        let view = entry.view();
        let uses = S3Clock::from_bits(view.clock()).uses();
        if uses == 0 || entry.is_expired(now) {
            return false;
        }
        let Some(state) = self.totals.eviction.state_mut() else { return false };
        view.set_clock(S3Clock::passed(state.s3fifo.next_stamp(keys), uses - 1).to_bits());
        true
    }

    /// Evicts a candidate of the search, and remembers it if it has passed probation. A key that has expired is not
    /// remembered: no share of the store would have kept it.
    fn evict_passed(&mut self, hash: u64, address: usize, now: u64) -> bool {
        let (extent, ghosts_max) = (self.totals.extent(self.table.len()), self.ghosts_max());
        let Ok(entry) = self.table.find_entry(hash, |entry| entry.address().addr() == address) else {
            return false;
        };
        let view = entry.get().view();
        let has_passed = !S3Clock::from_bits(view.clock()).is_on_probation();
        if has_passed
            && !view.is_expired(now)
            && let Some(state) = self.totals.eviction.state_mut()
        {
            state.s3fifo.remember(Locator::of(hash), Side::Passed, ghosts_max, extent);
        }
        self.totals.evict(entry, now);
        true
    }

    /// Decides about the key that has been on probation for the longest time.
    fn pop_probation(&mut self, now: u64) -> Popped {
        let (extent, ghosts_max) = (self.totals.extent(self.table.len()), self.ghosts_max());
        let Some(state) = self.totals.eviction.state_mut() else { return Popped::Empty };
        let Some((number, locator)) = state.s3fifo.queue.pop() else { return Popped::Empty };
        self.prefetch_probation();
        let is_its = |entry: &Entry| S3Clock::from_bits(entry.view().clock()).has_number(number);
        let Ok(entry) = self.table.find_entry(locator.hash(), is_its) else { return Popped::Passed };
        let view = entry.get().view();
        let is_candidate = !self.totals.eviction.is_volatile || entry.get().expires();
        let Some(state) = self.totals.eviction.state_mut() else { return Popped::Empty };
        if !view.is_expired(now) {
            let uses = S3Clock::from_bits(view.clock()).uses();
            if !is_candidate || state.s3fifo.passes(uses, extent) {
                view.set_clock(S3Clock::passed(state.s3fifo.next_stamp(extent.keys), 0).to_bits());
                return Popped::Passed;
            }
            state.s3fifo.note_evicted(uses, extent);
            state.s3fifo.remember(locator, Side::Probation, ghosts_max, extent);
        }
        self.totals.evict(entry, now);
        Popped::Evicted
    }

    /// Asks the processor for what the next three keys need, each a step further: chunk; slot; block and ghost.
    #[inline]
    fn prefetch_probation(&self) {
        let Some(state) = &self.totals.eviction.state else { return };
        let queue = &state.s3fifo.queue;
        let (Some(first), Some(second), Some(third)) = (queue.peek(0), queue.peek(1), queue.peek(2)) else {
            return;
        };
        self.table.prefetch(third.hash());
        self.table.prefetch_candidate(second.hash());
        if let Some(entry) = self.table.prefetch_candidate(first.hash()) {
            prefetch(entry.address());
        }
        state.s3fifo.prefetch(first);
    }

    /// Asks the processor for what adding a key with that hash needs, while others are evicted for it.
    #[inline]
    fn prefetch_new(&self, hash: u64) {
        self.table.prefetch(hash);
        if self.totals.eviction.is_s3fifo
            && let Some(state) = &self.totals.eviction.state
        {
            state.s3fifo.prefetch(Locator::of(hash));
        }
    }

    /// How many ghosts may be remembered: they take 3 % of the limit, or of what there is.
    fn ghosts_max(&self) -> usize {
        let bytes = match self.options.get_maxmemory() {
            0 => self.counted_bytes(),
            limit => limit,
        };
        (bytes / GHOST_SHARE) / size_of::<[u16; 32]>() * 31
    }
}

impl<S> Keyspace<S> {
    /// How many keys were evicted since the keyspace was made. In C: `evicted_keys` of INFO stats.
    pub fn evicted_keys(&self) -> u64 {
        self.totals.eviction.keys
    }

    /// Bytes that eviction itself needs, which [`allocation_size`](Self::allocation_size) includes: candidates and, under
    /// S3-FIFO, the queue of keys on probation and the fingerprints of keys that were evicted. 0 until the first
    /// victim is looked for. Constant time.
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

    /// Reads the policy from the options. Under another policy than before, S3-FIFO begins anew. O(n) then.
    pub(crate) fn apply_policy(&mut self) {
        let policy = self.options.get_maxmemory_policy();
        let was_s3fifo = self.totals.eviction.is_s3fifo;
        let eviction = &mut self.totals.eviction;
        if (policy.is_s3fifo(), policy.is_volatile()) != (eviction.is_s3fifo, eviction.is_volatile) {
            eviction.state = None;
        } else if let Some(state) = &mut eviction.state {
            state.search.pool.clear(); // its candidates' standings may mean something else
        }
        eviction.maxmemory = self.options.get_maxmemory();
        (eviction.is_s3fifo, eviction.is_volatile) = (policy.is_s3fifo(), policy.is_volatile());
        if eviction.state.is_none() && (was_s3fifo || policy.is_s3fifo()) {
            // No bit of a clock means what it did.
            self.table.iter().for_each(|entry| entry.view().set_clock(0));
        }
    }
}
