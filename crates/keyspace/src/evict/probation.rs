//! One key that is evicted under S3-FIFO: from probation if that is full, else from those that have passed.

use super::clock::S3Clock;
use super::ghosts::{Ghosts, Side};
use super::queue::Locator;
use crate::entry::Entry;
use crate::keyspace::Keyspace;
use core::hash::BuildHasher;
use dict::prefetch::prefetch;

/// How many used keys one victim may spare, and how many elements of the queue it may skip. After that many,
/// the best candidate is evicted even if it was used.
const SPARED_MAX: usize = 64;

/// How many elements of the queue one victim may skip if no key has passed probation.
const SKIPPED_MAX: usize = 1_024;

/// Ghosts take at most one part in so many of the bytes that count.
const GHOST_SHARE: usize = 33;

/// What became of the first element of the queue.
#[derive(PartialEq, Eq)]
enum Popped {
    /// There is none.
    Empty,
    /// Its key is no longer there, or has now passed probation.
    Skipped,
    /// Its key was evicted, or had expired.
    Evicted,
}

impl<S: BuildHasher> Keyspace<S> {
    pub(super) fn evict_s3fifo(&mut self, now: u64) -> bool {
        let extent = self.totals.extent(self.table.len());
        let Some(state) = self.totals.eviction.state_mut() else { return self.evict_random(now) };
        state.s3fifo.note_eviction();
        if state.s3fifo.is_full(extent) && self.evict_from_probation(now, SPARED_MAX) {
            return true;
        }
        for spared in 0.. {
            let Some((hash, address)) = self.best_candidate(now) else { break };
            if spared == SPARED_MAX || !self.spare(hash, address, now) {
                return self.evict_passed(hash, address, now);
            }
        }
        // No key has passed probation.
        self.evict_from_probation(now, SKIPPED_MAX) || self.evict_random(now)
    }

    fn evict_from_probation(&mut self, now: u64, skipped_max: usize) -> bool {
        (0..skipped_max)
            .map(|_| self.pop_probation(now))
            .find(|popped| *popped != Popped::Skipped)
            .is_some_and(|popped| popped == Popped::Evicted)
    }

    /// Stamps a candidate anew if it was used, and returns whether it was.
    fn spare(&mut self, hash: u64, address: usize, now: u64) -> bool {
        let extent = self.totals.extent(self.table.len());
        let Some(entry) = self.table.find(hash, |entry| entry.address().addr() == address) else {
            return false;
        };
        let view = entry.view();
        let uses = S3Clock::from_bits(view.clock()).uses();
        if uses == 0 || entry.is_expired(now) {
            return false;
        }
        let Some(state) = self.totals.eviction.state_mut() else { return false };
        view.set_clock(S3Clock::passed(state.s3fifo.next_stamp(extent.keys), uses - 1).to_bits());
        true
    }

    /// Evicts a candidate of the search, and remembers it if it has passed probation. A key that has expired
    /// is not remembered: no share of the store would have kept it.
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
        let (is_volatile, protected) = (self.totals.eviction.is_volatile, self.totals.eviction.protected);
        let Some(state) = self.totals.eviction.state_mut() else { return Popped::Empty };
        let Some((number, locator)) = state.s3fifo.queue.pop() else { return Popped::Empty };
        self.prefetch_probation();
        let is_its = |entry: &Entry| S3Clock::from_bits(entry.view().clock()).has_number(number);
        let Ok(entry) = self.table.find_entry(locator.hash(), is_its) else { return Popped::Skipped };
        let view = entry.get().view();
        let is_protected = entry.get().address().addr() == protected;
        let is_candidate = !is_volatile || entry.get().expires();
        let Some(state) = self.totals.eviction.state_mut() else { return Popped::Empty };
        if is_protected {
            // It waits for another turn.
            let clock = match state.s3fifo.queue.try_push(locator, entry.get().allocation_size()) {
                Ok(number) => S3Clock::on_probation(number),
                Err(_) => S3Clock::passed(state.s3fifo.next_stamp(extent.keys), 0),
            };
            view.set_clock(clock.with_uses_of(S3Clock::from_bits(view.clock())).to_bits());
            return Popped::Skipped;
        }
        if !view.is_expired(now) || !is_candidate {
            let uses = S3Clock::from_bits(view.clock()).uses();
            if !is_candidate || state.s3fifo.passes(uses, extent) {
                view.set_clock(S3Clock::passed(state.s3fifo.next_stamp(extent.keys), 0).to_bits());
                return Popped::Skipped;
            }
            state.s3fifo.note_evicted(uses, extent);
            state.s3fifo.remember(locator, Side::Probation, ghosts_max, extent);
        }
        self.totals.evict(entry, now);
        Popped::Evicted
    }

    /// Asks the processor for what the next three keys need, each a step further: chunk; slot; block and
    /// ghost.
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
    pub(super) fn prefetch_new(&self, hash: u64) {
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
            _ if !self.totals.eviction.has_queue() => 0,
            limit => limit,
        };
        Ghosts::capacity_of(bytes / GHOST_SHARE)
    }
}
