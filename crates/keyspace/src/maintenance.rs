//! Methods that change the size of the table: reserve, shrink and rehash.

use crate::keyspace::Keyspace;
use core::hash::BuildHasher;
use core::time::Duration;
use dict::Work;
use values::ReserveError;

impl<S: BuildHasher> Keyspace<S> {
    /// Makes room in the table for `additional` more keys. Removals do not shrink the table below that size
    /// until [`shrink_to_fit`](Self::shrink_to_fit). The blocks of the entries are not allocated in advance.
    /// O(keys that move), all in one call. In C: `dictTryExpand`.
    ///
    /// Ignores `maxmemory`: if the table exceeds the limit, the next writes evict keys.
    ///
    /// # Errors
    /// If there is no memory. The keys are unchanged, but the table may be larger than before.
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), ReserveError> {
        let (hasher, tables) = (&self.hasher, &self.reading.tables);
        let reserved = self.table.try_reserve(additional, |entry| entry.key_hash(hasher, tables));
        self.update_limit();
        reserved
    }

    /// Makes the table as small as its keys allow. O(keys that move), all in one call;
    /// [`rehash`](Self::rehash) does the same in steps. The chunks become fuller, and may need overflow
    /// children. If these exceed `maxmemory`, the next write evicts keys. In C: `dictShrink`.
    pub fn shrink_to_fit(&mut self) {
        self.limit_growth_if_limited();
        self.table.shrink_to_fit();
    }

    /// Returns how many chunks [`rehash`](Self::rehash) would split or merge now. O(1).
    pub fn rehash_debt(&self) -> usize {
        self.table.rehash_debt()
    }

    /// Splits or merges up to `chunks` chunks of the table, so that it approaches the size that it should
    /// have. Returns what was done. Writes already do as much of this work as they need, so the method is
    /// useful after many removals. O(entries of those chunks). In C: `dictRehash`.
    pub fn rehash(&mut self, chunks: usize) -> Work {
        self.limit_growth_if_limited();
        let (hasher, tables) = (&self.hasher, &self.reading.tables);
        self.table.rehash(chunks, |entry| entry.key_hash(hasher, tables))
    }

    /// Like [`rehash`](Self::rehash), but works until `budget` has passed by the caller's `clock`, which
    /// returns the time since any fixed moment. In C: `dictRehashMicroseconds`.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// let mut keyspace = keyspace::Keyspace::new();
    /// for n in 0..10_000 {
    ///     keyspace.set(format!("key:{n}").as_bytes(), n, 0)?;
    /// }
    /// for n in 0..9_900 {
    ///     keyspace.remove(format!("key:{n}").as_bytes(), 0);
    /// }
    /// let (before, start) = (keyspace.allocation_size(), Instant::now());
    /// keyspace.rehash_for(Duration::from_secs(60), || start.elapsed());
    /// assert!(keyspace.rehash_debt() == 0 && keyspace.allocation_size() <= before);
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn rehash_for(&mut self, budget: Duration, clock: impl FnMut() -> Duration) -> Work {
        self.limit_growth_if_limited();
        let (hasher, tables) = (&self.hasher, &self.reading.tables);
        self.table.rehash_for(budget, clock, |entry| entry.key_hash(hasher, tables))
    }

    /// Limits the growth of the table to the room that is left, if there is a limit.
    pub(crate) fn limit_growth_if_limited(&mut self) {
        if self.is_limited() {
            self.limit_growth(0);
        }
    }
}
