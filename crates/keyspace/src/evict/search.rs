//! The search for a victim: a hand moves round the table, and fills the [pool](super::pool) of candidates.
//!
//! A key's place in the table follows from its hash, and does not depend on its age. So the keys that the
//! hand visits are as good as random ones. They are cheaper, because the next chunks and blocks are known and
//! can be prefetched. While the table keeps its size, no key is visited a second time before all others were
//! visited once.
//!
//! `maxmemory-samples` is the number of keys that the hand visits for each victim. The hand visits whole
//! chunks, and carries the difference over to the next victim.

use super::order::Order;
use super::pool::{Candidate, Pool};
use crate::entry::Entry;
use crate::keyspace::Keyspace;
use core::hash::BuildHasher;
use core::ptr;
use dict::Table;
use dict::prefetch::prefetch;

/// The most chunks that the hand visits for one victim if the pool already has a candidate.
const CHUNKS_MAX: usize = 64;

/// The position of the hand, and the candidates that it has found.
pub(crate) struct Search {
    /// The number of the next chunk.
    hand: usize,
    /// The number of keys that are due to be visited. Negative if more were visited than were due.
    ///
    /// The hand counts keys and not chunks. Chunks that are yet to be split lie next to each other, and have
    /// twice as many keys as the others. With one chunk per victim, the hand would pass these keys too fast,
    /// and would leave old keys behind.
    credit: isize,
    pub(crate) pool: Pool,
}

impl Search {
    pub(crate) const fn new() -> Self {
        Self { hand: 0, credit: 0, pool: Pool::new() }
    }

    /// Moves the hand over `samples` more keys, and offers them to the pool. O(`samples`), and longer in a
    /// table that is nearly empty or has few candidates.
    pub(crate) fn advance(
        &mut self,
        table: &Table<Entry>,
        hash_of: &impl Fn(&Entry) -> u64,
        order: Order<'_>,
        only_marked: bool,
        (now, samples): (u64, usize),
    ) {
        self.credit = self.credit.saturating_add_unsigned(samples);
        // An empty pool needs a candidate, however far away it is. The hand goes round the table once at
        // most.
        let chunks = table.stats().chunks;
        for passed in 0..chunks {
            if !self.pool.is_empty() && (self.credit <= 0 || passed >= CHUNKS_MAX) {
                break;
            }
            let (chunk, mut count) = (self.hand, 0);
            self.hand = walk(table, chunk, only_marked, &mut |entry| {
                count += 1;
                self.consider(entry, hash_of, order, now);
            });
            // Prefetch the blocks of the next chunk.
            walk(table, self.hand, only_marked, &mut |entry| prefetch(entry.address()));
            self.credit = self.credit.saturating_sub_unsigned(count);
        }
        self.credit = self.credit.min(0);
    }

    fn consider(&mut self, entry: &Entry, hash_of: &impl Fn(&Entry) -> u64, order: Order<'_>, now: u64) {
        let Some(precedence) = precedence_now(entry, order, now) else { return };
        if self.pool.accepts(precedence) {
            let (hash, address) = (hash_of(entry), entry.address().addr());
            self.pool.offer(Candidate { precedence, hash, address });
        }
    }
}

/// Returns the precedence of an entry. An expired entry has the highest one.
fn precedence_now(entry: &Entry, order: Order<'_>, now: u64) -> Option<u64> {
    if entry.is_expired(now) { Some(u64::MAX) } else { order.precedence(entry) }
}

fn walk(table: &Table<Entry>, chunk: usize, only_marked: bool, each: &mut dyn FnMut(&Entry)) -> usize {
    if only_marked { table.walk_marked(chunk, each) } else { table.walk(chunk, each) }
}

impl<S: BuildHasher> Keyspace<S> {
    /// Removes the best candidate from the pool. Returns the hash and the address of its entry.
    pub(super) fn take_best_candidate(&mut self, now: u64) -> Option<(u64, usize)> {
        let Self { table, hasher, options, totals, reading, .. } = self;
        let only_marked = options.get_maxmemory_policy().is_volatile();
        if only_marked && totals.expires == 0 {
            return None;
        }
        let stamp = totals.eviction.stamp();
        let order = Order::of(options, now, stamp)?;
        let protected = totals.eviction.protected;
        let search = &mut totals.eviction.state_mut()?.search;
        let hash_of = |entry: &Entry| entry.key_hash(hasher, &reading.tables);
        // The second attempt is for the case that all candidates of the pool are gone.
        for _ in 0..2 {
            search.advance(table, &hash_of, order, only_marked, (now, options.get_maxmemory_samples()));
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
                    // The entry was used since the hand visited it.
                    Some(precedence) => search.pool.offer(Candidate { precedence, ..best }),
                    None => {}
                }
            }
        }
        None
    }
}
