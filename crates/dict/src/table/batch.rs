//! Several look-ups at a time, so that their cache misses overlap.
//!
//! A look-up in a large table waits for memory twice: for the tags, then for the entry that they point at; a third time
//! where entries are pointers. A processor overlaps the misses of neighbouring look-ups by itself, but only as far
//! ahead as it can see, some hundred instructions: work between two look-ups, or a hash of long latency, hides the next
//! one from it. A batch asks for all tags, then for all entries, then looks.

use crate::group::Candidates;
use crate::table::Table;

impl<T> Table<T> {
    /// Asks the processor for what a look-up of `hash` reads first, and returns at once. For callers that know a hash some
    /// hundred nanoseconds before they need its entry.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        self.raw.prefetch(hash);
    }

    /// The entry that a look-up of `hash` is likely to compare first. Asks the processor for its slot, and
    /// waits only for the tags: the slot is not read. `None` if no tag of the chunk is that of the hash.
    ///
    /// For batches over several tables: prefetch all hashes, then all candidates, then what they point to, and
    /// look up at the end. Over one table, [`find_many`](Self::find_many) does this.
    #[inline]
    pub fn prefetch_candidate(&self, hash: u64) -> Option<&T> {
        let home = self.raw.home(hash);
        // SAFETY: a live chunk, or the empty one; the entry of an occupied slot of a borrowed table.
        unsafe { home.first_of(home.prefetch_candidates(hash)).map(|slot| slot.entry.as_ref()) }
    }

    /// [`Table::find`] for `N` hashes at once; `eq` is told which one an entry is compared for. Sixteen or so are a
    /// good number: there are no more misses than that on their way at a time.
    ///
    /// `ahead` is called, before any comparison, for an entry that is likely to be compared: where entries are
    /// pointers it can ask for what they point to with [`prefetch`](crate::prefetch::prefetch); where they are not it has
    /// nothing to do (`|_| ()`).
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

    /// [`Table::find_map`] for `N` hashes at once. Calls `each` with the index of every hash, in order, and
    /// the result. `f` gets the index of the hash that an entry is compared for. `ahead` is called as in
    /// [`find_many`](Self::find_many).
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
        let homes = hashes.map(|hash| self.raw.prefetch(hash));
        let mut candidates = [Candidates::NONE; N];
        for i in 0..N {
            // SAFETY: a live chunk, or the empty one.
            candidates[i] = unsafe { homes[i].prefetch_candidates(hashes[i]) };
        }
        for i in 0..N {
            // SAFETY: the candidates are those of the chunk; an occupied slot of a table that is borrowed.
            if let Some(entry) = unsafe { homes[i].first_of(candidates[i]).map(|slot| slot.entry.as_ref()) } {
                ahead(entry);
            }
        }
        for i in 0..N {
            // SAFETY: the candidates are those of the chunk and the hash; occupied slots of a table that is
            // borrowed.
            let found = unsafe {
                homes[i].find_map_among(candidates[i], hashes[i], |slot| f(i, slot.entry.as_ref()))
            };
            each(i, found);
        }
    }

    /// Asks the processor for what inserts of these hashes read and write, and waits only for the tags. Then insert
    /// them one by one.
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
