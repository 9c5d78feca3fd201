//! The size of the table, in idle time.

use crate::keyspace::Keyspace;
use core::hash::BuildHasher;
use core::time::Duration;
use dict::Work;
use values::ReserveError;

impl<S: BuildHasher> Keyspace<S> {
    /// Makes room in the table for `additional` more keys, and keeps removals from undoing it. The entries'
    /// blocks are not made in advance. Does not look at `maxmemory`: writes evict afterwards what is then too
    /// much. O(keys that move), all in one call. In C: `dictTryExpand`.
    ///
    /// # Errors
    /// If there is no memory. All keys are as they were. The table may be larger than before.
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), ReserveError> {
        let hasher = &self.hasher;
        let reserved = self.table.try_reserve(additional, |entry| hasher.hash_one(entry.key()));
        self.note_limit();
        reserved
    }

    /// Makes the table as small as its keys allow. O(keys that move), all in one call;
    /// [`rehash`](Self::rehash) does it in steps. Fuller chunks may need overflow children; if these exceed
    /// `maxmemory`, the next write evicts. In C: `dictShrink`.
    pub fn shrink_to_fit(&mut self) {
        self.limit_growth_if_limited();
        self.table.shrink_to_fit();
    }

    /// How many chunks [`rehash`](Self::rehash) would split or merge now. Constant time.
    pub fn rehash_debt(&self) -> usize {
        self.table.rehash_debt()
    }

    /// Splits or merges up to `chunks` chunks of the table, towards the size that it should have, and says
    /// what it did. Writes do as much by themselves as they need; this is for the time after many removals.
    /// O(entries of those chunks). In C: `dictRehash`.
    pub fn rehash(&mut self, chunks: usize) -> Work {
        self.limit_growth_if_limited();
        let hasher = &self.hasher;
        self.table.rehash(chunks, |entry| hasher.hash_one(entry.key()))
    }

    /// [`rehash`](Self::rehash) for as long as `budget` lasts by the caller's `clock`, which tells the time
    /// since any moment. In C: `dictRehashMicroseconds`.
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
        let hasher = &self.hasher;
        self.table.rehash_for(budget, clock, |entry| hasher.hash_one(entry.key()))
    }

    /// Under a limit the table grows into what is left only.
    pub(crate) fn limit_growth_if_limited(&mut self) {
        if self.is_limited() {
            self.limit_growth(0);
        }
    }
}
