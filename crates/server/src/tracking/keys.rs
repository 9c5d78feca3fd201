//! [`TrackedKeys`]: which clients may have a copy of a key.
//!
//! ```text
//!  "user:1"  ->  [7, 12]       the numbers of clients, in order
//!  "user:2"  ->  [7]
//! ```
//!
//! A client that leaves stays in the lists until its keys change. To look for it would take a walk over all keys.

use crate::client::ClientId;
use dict::Dict;

type Table = Dict<Box<[u8]>, Vec<ClientId>>;

/// How many entries of a discarded table are dropped at once.
const DROPPED_AT_ONCE: usize = 500;

/// Which clients may have a copy of a key. In C: `TrackingTable`.
#[derive(Default)]
pub(super) struct TrackedKeys {
    table: Table,
    /// The sum of the lengths of all lists.
    items: usize,
    /// Tables that were cleared, and are dropped in steps.
    discarded: Vec<Table>,
}

impl TrackedKeys {
    /// Returns the number of keys.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Returns the sum of the lengths of all lists. In C: `TrackingTableTotalItems`.
    pub(super) fn items(&self) -> usize {
        self.items
    }

    /// Notes that a client may have a copy of a key.
    pub(super) fn insert(&mut self, key: &[u8], id: ClientId) {
        let ids = self.table.entry_ref(key).or_default();
        if let Err(at) = ids.binary_search(&id) {
            ids.insert(at, id);
            self.items += 1;
        }
    }

    /// Removes a key. Returns the clients that may have a copy of it.
    pub(super) fn remove(&mut self, key: &[u8]) -> Option<Vec<ClientId>> {
        let ids = self.table.remove(key)?;
        self.items -= ids.len();
        Some(ids)
    }

    /// Returns a key at random.
    pub(super) fn random(&self, rng: impl FnMut() -> u64) -> Option<Box<[u8]>> {
        self.table.random(rng).map(|(key, _)| key.clone())
    }

    /// Removes all keys. O(1): they are dropped by [`drop_some`](Self::drop_some).
    pub(super) fn clear(&mut self) {
        self.items = 0;
        if !self.table.is_empty() {
            self.discarded.push(std::mem::take(&mut self.table));
        }
    }

    /// Drops some of the keys that were removed by [`clear`](Self::clear). Returns whether there are more.
    pub(super) fn drop_some(&mut self) -> bool {
        if let Some(table) = self.discarded.pop() {
            self.discarded.extend(table.drop_in_steps(DROPPED_AT_ONCE));
        }
        !self.discarded.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_items_are_the_sum_of_all_lists() {
        let mut keys = TrackedKeys::default();
        for (key, id) in [(b"a", 2), (b"a", 1), (b"a", 2), (b"b", 1)] {
            keys.insert(key, id);
        }
        assert_eq!((keys.len(), keys.items()), (2, 3));
        assert_eq!(keys.remove(b"a"), Some(vec![1, 2]));
        assert_eq!(keys.remove(b"a"), None);
        assert_eq!(keys.random(|| 7).as_deref(), Some(&b"b"[..]));
        keys.clear();
        assert_eq!((keys.len(), keys.items(), keys.random(|| 7)), (0, 0, None));
    }

    #[test]
    fn a_large_table_is_dropped_in_steps() {
        let mut keys = TrackedKeys::default();
        (0..50_000_u32).for_each(|n| keys.insert(&n.to_le_bytes(), 1));
        keys.clear();
        assert!(keys.drop_some(), "more than one step is needed");
        assert!((0..400).any(|_| !keys.drop_some()));
    }
}
