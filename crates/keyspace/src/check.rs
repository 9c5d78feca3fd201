//! [`Keyspace::check`]: checks all invariants, for tests.

use crate::keyspace::Keyspace;
use core::hash::BuildHasher;

impl<S: BuildHasher> Keyspace<S> {
    /// Looks at every entry and at all sums, for tests of this crate and of stores that are built on it.
    /// O(n).
    ///
    /// # Panics
    /// If an invariant is broken.
    pub fn check(&self) {
        let (mut bytes, mut expires) = (0, 0);
        for entry in self.table.iter() {
            entry.check();
            let found = self.table.find(self.hash_key(entry.key()), |other| other.key() == entry.key());
            assert_eq!(found.map(|found| found.address()), Some(entry.address()), "a key is found, once");
            self.totals.snapshot.check_entry(entry);
            bytes += entry.allocation_size();
            expires += usize::from(entry.expiry().is_some());
        }
        assert_eq!(bytes, self.totals.entry_bytes, "the bytes of all entries are the sum");
        assert_eq!(expires, self.totals.expires, "the keys with an expiry are counted");
        assert!(self.table.iter_marked().all(|entry| entry.expiry().is_some()), "the mark is for an expiry");
        assert_eq!(self.table.iter_marked().count(), expires, "every expiry has a mark");
        self.totals.lazyfree.check();
        self.totals.snapshot.check();
        self.check_probation();
    }
}
