//! [`Keyspace::check`]: checks all invariants, for tests.

use crate::entry::EntryString;
use crate::keyspace::Keyspace;
use core::hash::BuildHasher;
use values::Element;

impl<S: BuildHasher> Keyspace<S> {
    /// Checks every entry and all sums, for tests of this crate and of stores that are built on it. O(n).
    ///
    /// # Panics
    /// If an invariant is broken.
    pub fn check(&self) {
        let (mut bytes, mut expires) = (0, 0);
        for entry in self.table.iter() {
            entry.check();
            let tables = &self.reading.tables;
            let key = entry.key(tables).text();
            let found = self.table.find(self.hash_key(&key), |other| other.has_key(&key, tables));
            assert_eq!(found.map(|found| found.address()), Some(entry.address()), "a key is found, once");
            self.totals.snapshot.check_entry(entry);
            if let Ok(EntryString::Coded(coded)) = entry.string() {
                let text: Vec<u8> = self.reading.tables.pieces(coded).flatten().copied().collect();
                assert_eq!(text.len(), coded.len(), "codes are those of a text of that length");
                assert_eq!(Element::Bytes(&text).as_i64(), None, "an integer is not coded");
                let is_current = self.coder.current() == Some(coded.slot());
                assert!(is_current || self.coder.pass.is_some(), "only a pass leaves codes of another table");
            }
            bytes += entry.allocation_size();
            expires += usize::from(entry.expiry().is_some());
        }
        assert_eq!(bytes, self.totals.entry_bytes, "the bytes of all entries are the sum");
        assert_eq!(expires, self.totals.expires, "the keys with an expiry are counted");
        assert!(self.table.iter_marked().all(|entry| entry.expiry().is_some()), "the mark is for an expiry");
        assert_eq!(self.table.iter_marked().count(), expires, "every expiry has a mark");
        assert!(self.totals.tables().is_same(&self.reading.tables));
        self.totals.lazyfree.check();
        self.totals.snapshot.check();
        self.check_probation();
    }
}
