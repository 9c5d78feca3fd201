//! The search for a victim: a hand that goes round the table, and the [pool](super::pool) that it fills.
//!
//! Chunks that follow each other lie next to each other in memory, and a key's place in the table has nothing
//! to do with its age. So the keys that the hand meets are as good as keys drawn at random. They are cheaper:
//! the blocks that come next are known, and they are prefetched. While the table keeps its size, no key is
//! looked at a second time before all others have been.
//!
//! `maxmemory-samples` is how many keys the hand passes for each victim. It visits whole chunks, and carries
//! the difference over to the next victim.

use super::order::Order;
use super::pool::{Candidate, Pool};
use crate::entry::Entry;
use crate::keyspace::Keyspace;
use core::hash::BuildHasher;
use core::ptr;
use dict::Table;
use dict::prefetch::prefetch;

/// Chunks that the hand passes for one victim, if there is a candidate already.
const CHUNKS_MAX: usize = 64;

/// Where the hand is, and what it has found.
pub(crate) struct Search {
    /// The number of the next chunk.
    hand: usize,
    /// How many more keys are to be looked at; negative if more were looked at than were due. The chunks
    /// that are yet to be split lie next to each other, and have twice as many keys as others. A hand
    /// that passed each chunk in the time of one victim would find them too fast, and leave old keys
    /// there.
    credit: isize,
    pub(crate) pool: Pool,
}

impl Search {
    pub(crate) const fn new() -> Self {
        Self { hand: 0, credit: 0, pool: Pool::new() }
    }

    /// Moves the hand over `samples` more keys, and offers them to the pool. O(samples), but for a table that
    /// is nearly empty, or in which few keys are candidates.
    pub(crate) fn advance(
        &mut self,
        table: &Table<Entry>,
        hasher: &impl BuildHasher,
        order: Order<'_>,
        only_marked: bool,
        (now, samples): (u64, usize),
    ) {
        self.credit = self.credit.saturating_add_unsigned(samples);
        // A pool without a candidate needs one, however far away it is: once round the table at most.
        let chunks = table.stats().chunks;
        for passed in 0..chunks {
            if !self.pool.is_empty() && (self.credit <= 0 || passed >= CHUNKS_MAX) {
                break;
            }
            let (chunk, mut count) = (self.hand, 0);
            self.hand = walk(table, chunk, only_marked, &mut |entry| {
                count += 1;
                self.consider(entry, hasher, order, now);
            });
            // The blocks that come next are asked for now.
            walk(table, self.hand, only_marked, &mut |entry| prefetch(entry.address()));
            self.credit = self.credit.saturating_sub_unsigned(count);
        }
        self.credit = self.credit.min(0);
    }

    fn consider(&mut self, entry: &Entry, hasher: &impl BuildHasher, order: Order<'_>, now: u64) {
        let Some(precedence) = precedence_now(entry, order, now) else { return };
        if self.pool.takes(precedence) {
            let (hash, address) = (hasher.hash_one(entry.key()), entry.address().addr());
            self.pool.offer(Candidate { precedence, hash, address });
        }
    }
}

/// The precedence of an entry. One that has expired goes first.
fn precedence_now(entry: &Entry, order: Order<'_>, now: u64) -> Option<u64> {
    if entry.is_expired(now) { Some(u64::MAX) } else { order.precedence(entry) }
}

fn walk(table: &Table<Entry>, chunk: usize, only_marked: bool, each: &mut dyn FnMut(&Entry)) -> usize {
    if only_marked { table.walk_marked(chunk, each) } else { table.walk(chunk, each) }
}

impl<S: BuildHasher> Keyspace<S> {
    /// The entry of the best candidate, which the pool then no longer has: its hash, and where it lies.
    pub(super) fn best_candidate(&mut self, now: u64) -> Option<(u64, usize)> {
        let Self { table, hasher, options, totals, .. } = self;
        let only_marked = options.get_maxmemory_policy().is_volatile();
        if only_marked && totals.expires == 0 {
            return None;
        }
        let stamp = totals.eviction.stamp();
        let order = Order::of(options, now, stamp)?;
        let protected = totals.eviction.protected;
        let search = &mut totals.eviction.state_mut()?.search;
        // The first time to have candidates at all, the second time because all of them may be gone.
        for _ in 0..2 {
            search.advance(table, hasher, order, only_marked, (now, options.get_maxmemory_samples()));
            while let Some(best) = search.pool.take_best() {
                let is_its = |entry: &Entry| entry.address().addr() == best.address;
                let Some(entry) = table.find(best.hash, is_its) else { continue };
                if best.address == protected || only_marked && !entry.expires() {
                    continue;
                }
                match precedence_now(entry, order, now) {
                    Some(precedence) if precedence >= best.precedence => {
                        if let Some(next) = search.pool.best() {
                            table.prefetch(next.hash);
                            prefetch(ptr::without_provenance::<u8>(next.address));
                        }
                        return Some((best.hash, best.address));
                    }
                    // It was used since it was seen.
                    Some(precedence) => search.pool.offer(Candidate { precedence, ..best }),
                    None => {}
                }
            }
        }
        None
    }
}
