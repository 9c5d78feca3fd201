//! Several look-ups at a time, so that their cache misses overlap.
//!
//! A look-up in a large table waits for memory twice: for the tags, and then for the entry that they lead to.
//! If entries are pointers, it waits a third time. A processor overlaps the misses of neighbouring look-ups
//! by itself, but it sees only a few hundred instructions ahead. Work between two look-ups, or a hash of long
//! latency, hides the next look-up from it. A batch prefetches all tags, then prefetches all entries, and
//! then does the look-ups.

use crate::group::Candidates;
use crate::table::Table;

impl<T> Table<T> {
    /// Prefetches what a look-up of `hash` reads first, and returns at once. This is for callers that know a
    /// hash about a hundred nanoseconds before they need its entry.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        self.raw.prefetch(hash);
    }

    /// Prefetches the slot of the entry that a look-up of `hash` is likely to compare first, and returns the
    /// entry. Waits only for the tags and does not read the slot. Returns `None` if no tag of the chunk is
    /// that of the hash.
    ///
    /// This is for batches over several tables: first prefetch all hashes, then all candidates, then what
    /// they point to, and look up at the end. [`find_many`](Self::find_many) does this for one table.
    #[inline]
    pub fn prefetch_candidate(&self, hash: u64) -> Option<&T> {
        let chunk = self.raw.chunk_for(hash);
        // SAFETY: the chunk is live, or it is the empty one. The entry is that of an occupied slot, and the
        // table is borrowed.
        unsafe { chunk.first_of(chunk.prefetch_candidates(hash)).map(|slot| slot.entry.as_ref()) }
    }

    /// Does what [`Table::find`] does, for `N` hashes at once. `eq` gets the index of the hash for which it
    /// compares an entry. About sixteen hashes are a good number, because a processor has at most about that
    /// many cache misses in flight.
    ///
    /// Before any comparison, `ahead` is called for the first candidate of each hash that has one. If entries
    /// are pointers, `ahead` can prefetch what they point to with [`prefetch`](crate::prefetch::prefetch).
    /// Otherwise it has nothing to do (`|_| ()`).
    ///
    /// ```
    /// use dict::{Table, prefetch::prefetch};
    /// # let hash = |n: &u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    /// let mut table = Table::new();
    /// for n in 0..1000_u64 {
    ///     table.insert_unique(hash(&n), Box::new(n), |n| hash(n));
    /// }
    /// let wanted = [3, 5000, 8];
    /// let hashes = wanted.map(|n| hash(&n));
    /// let found = table.find_many(hashes, |entry| prefetch(&raw const **entry), |i, n| **n == wanted[i]);
    /// assert_eq!(found.map(|entry| entry.is_some()), [true, false, true]);
    /// ```
    #[inline]
    pub fn find_many<const N: usize>(
        &self,
        hashes: [u64; N],
        ahead: impl FnMut(&T),
        mut eq: impl FnMut(usize, &T) -> bool,
    ) -> [Option<&T>; N] {
        let mut found = [None; N];
        self.find_map_many(
            hashes,
            ahead,
            |i, entry| eq(i, entry).then_some(entry),
            |i, entry| found[i] = entry,
        );
        found
    }

    /// Does what [`Table::find_map`] does, for `N` hashes at once. Calls `each` with the index of every hash,
    /// in order, and the result. `f` gets the index of the hash for which it compares an entry. `ahead` is
    /// called as in [`find_many`](Self::find_many).
    ///
    /// ```
    /// # let hash = |n: &u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    /// let mut table = dict::Table::new();
    /// table.insert_unique(hash(&3), 3, hash);
    /// let (wanted, mut found) = ([3, 5], Vec::new());
    /// let doubled = |i: usize, n: &u64| (*n == wanted[i]).then_some(2 * *n);
    /// table.find_map_many(wanted.map(|n| hash(&n)), |_| (), doubled, |_, n| found.push(n));
    /// assert_eq!(found, [Some(6), None]);
    /// ```
    #[inline]
    pub fn find_map_many<'a, const N: usize, R>(
        &'a self,
        hashes: [u64; N],
        mut ahead: impl FnMut(&T),
        mut f: impl FnMut(usize, &'a T) -> Option<R>,
        mut each: impl FnMut(usize, Option<R>),
    ) {
        let chunks = hashes.map(|hash| self.raw.prefetch(hash));
        let mut candidates = [Candidates::NONE; N];
        for i in 0..N {
            // SAFETY: the chunk is live, or it is the empty one.
            candidates[i] = unsafe { chunks[i].prefetch_candidates(hashes[i]) };
        }
        for i in 0..N {
            // SAFETY: the candidates are those of the chunk. The slot is occupied, and the table is borrowed.
            if let Some(entry) = unsafe { chunks[i].first_of(candidates[i]).map(|slot| slot.entry.as_ref()) }
            {
                ahead(entry);
            }
        }
        for i in 0..N {
            // SAFETY: the candidates are those of the chunk and the hash. The slots are occupied, and the
            // table is borrowed.
            let found = unsafe {
                chunks[i].find_map_among(candidates[i], hashes[i], |slot| f(i, slot.entry.as_ref()))
            };
            each(i, found);
        }
    }

    /// Prefetches what inserts of these hashes read and write. Waits only for the tags. The caller then
    /// inserts the entries one by one.
    #[inline]
    pub fn prefetch_inserts(&self, hashes: &[u64]) {
        for &hash in hashes {
            self.raw.prefetch(hash);
        }
        for &hash in hashes {
            self.raw.prefetch_vacancy(hash);
        }
    }
}
