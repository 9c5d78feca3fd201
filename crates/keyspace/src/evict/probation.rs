//! Eviction of one key under S3-FIFO: from probation if it is full, and otherwise from the keys that have
//! passed it.

use super::clock::S3Clock;
use super::ghosts::{Ghosts, Side};
use super::queue::Locator;
use crate::entry::Entry;
use crate::keyspace::Keyspace;
use core::hash::BuildHasher;
use dict::prefetch::prefetch;

/// The search for one victim restamps at most this many used keys, and skips at most this many elements of
/// the queue. After that, the best candidate is evicted even if it was used.
const RESTAMPED_MAX: usize = 64;

/// If no key has passed probation, the search for one victim skips at most this many elements of the queue.
const SKIPPED_MAX: usize = 1_024;

/// Ghosts take at most one in this many of the counted bytes.
const GHOST_BYTES_DIVISOR: usize = 33;

/// The result for the first element of the queue.
#[derive(PartialEq, Eq)]
enum Popped {
    /// The queue is empty.
    Empty,
    /// The key of the element is no longer there, or stays in the keyspace.
    Skipped,
    /// The key of the element was evicted, or had expired and was removed.
    Evicted,
}

impl<S: BuildHasher> Keyspace<S> {
    pub(super) fn evict_s3fifo(&mut self, now: u64) -> bool {
        let extent = self.totals.extent(self.table.len());
        let Some(state) = self.totals.eviction.state_mut() else { return self.evict_random(now) };
        state.s3fifo.note_eviction();
        if state.s3fifo.is_full(extent) && self.evict_from_probation(now, RESTAMPED_MAX) {
            return true;
        }
        for restamped in 0.. {
            let Some((hash, address)) = self.take_best_candidate(now) else { break };
            if restamped == RESTAMPED_MAX || !self.restamp_if_used(hash, address, now) {
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

    /// Gives a candidate a new stamp if it was used. Returns whether it was used.
    fn restamp_if_used(&mut self, hash: u64, address: usize, now: u64) -> bool {
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

    /// Evicts a candidate of the search, and remembers its key if it has passed probation. An expired key is
    /// not remembered, because no other share of probation would have kept it.
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

    /// Removes the first element of the queue, and evicts its key unless the key stays.
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
            // The key stays on probation, at the end of the queue.
            let clock = match state.s3fifo.queue.try_push(locator, entry.get().allocation_size()) {
                Ok(number) => S3Clock::on_probation(number),
                Err(_) => S3Clock::passed(state.s3fifo.next_stamp(extent.keys), 0),
            };
            view.set_clock(clock.with_uses_of(S3Clock::from_bits(view.clock())).to_bits());
            return Popped::Skipped;
        }
        if !view.is_expired(now) || !is_candidate {
            let uses = S3Clock::from_bits(view.clock()).uses();
            if !is_candidate || state.s3fifo.passes_probation(uses, extent) {
                view.set_clock(S3Clock::passed(state.s3fifo.next_stamp(extent.keys), 0).to_bits());
                return Popped::Skipped;
            }
            state.s3fifo.note_evicted(uses, extent);
            state.s3fifo.remember(locator, Side::Probation, ghosts_max, extent);
        }
        self.totals.evict(entry, now);
        Popped::Evicted
    }

    /// Prefetches memory for the next three keys of the queue: the chunk of the third key, the slot of the
    /// second one, and the block and the ghosts of the first one.
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

    /// Prefetches the memory that a new key with this hash needs, while other keys are evicted for it.
    #[inline]
    pub(super) fn prefetch_new(&self, hash: u64) {
        self.table.prefetch(hash);
        if self.totals.eviction.is_s3fifo
            && let Some(state) = &self.totals.eviction.state
        {
            state.s3fifo.prefetch(Locator::of(hash));
        }
    }

    /// Returns the most ghosts that may be remembered. They take up to 3 % of the limit, or of the counted
    /// bytes if there is no limit.
    fn ghosts_max(&self) -> usize {
        let bytes = match self.options.get_maxmemory() {
            0 => self.counted_bytes(),
            _ if !self.totals.eviction.has_queue() => 0,
            limit => limit,
        };
        Ghosts::capacity_of(bytes / GHOST_BYTES_DIVISOR)
    }
}
