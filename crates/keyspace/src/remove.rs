//! Methods that remove keys. The module `lazyfree` describes how large values are freed.

use crate::entry::Entry;
use crate::event::Event;
use crate::garbage::FREE_EFFORT_MAX;
use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::value::ValueRef;
use core::hash::BuildHasher;
use core::mem;
use dict::Table;

impl<S: BuildHasher> Keyspace<S> {
    /// Removes a key, and returns whether there was such a key. Amortised O(1): a value of more than 64
    /// blocks becomes garbage, which is freed later; see [`free_some`](Self::free_some). If the option
    /// `lazyfree-lazy-user-del` is `no`, the value is freed at once, which is O(value). In C: `DEL`.
    #[inline]
    pub fn remove<'k>(&mut self, key: impl Into<Key<'k>>, now: u64) -> bool {
        let is_lazy = self.totals.lazyfree.lazy.user_del;
        self.remove_if_there(&key.into(), now, is_lazy)
    }

    /// Like [`remove`](Self::remove), but amortised O(1) whatever the options are. In C: `UNLINK`.
    pub fn unlink<'k>(&mut self, key: impl Into<Key<'k>>, now: u64) -> bool {
        self.remove_if_there(&key.into(), now, true)
    }

    #[inline]
    pub(crate) fn remove_if_there(&mut self, key: &Key<'_>, now: u64, is_lazy: bool) -> bool {
        let hash = self.hash_of(key);
        let Some((entry, totals, _)) = self.find_mut(hash, key, now) else { return false };
        totals.drop_key(entry, is_lazy);
        true
    }

    /// Keeps the keys for which `keep` returns `true`, and removes the others. Also removes all keys that
    /// have expired; `keep` is not called for them. A call of `keep` does not count as an access. Each
    /// removal is reported as [`Event::Removed`] or [`Event::Expired`].
    ///
    /// O(n). Large values become garbage, as in [`remove`](Self::remove). The table keeps its size; see
    /// [`shrink_to_fit`](Self::shrink_to_fit).
    ///
    /// ```
    /// # let mut keyspace = keyspace::Keyspace::new();
    /// keyspace.set("session:1", "a", 0)?;
    /// keyspace.set("user:1", "b", 0)?;
    /// keyspace.retain(0, |key, _value| !key.starts_with(b"session:"));
    /// assert_eq!(keyspace.keys(b"*", 0).collect::<Vec<_>>(), [b"user:1"]);
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn retain(&mut self, now: u64, mut keep: impl FnMut(&[u8], ValueRef<'_>) -> bool) {
        self.finish_half_saved();
        let (totals, reading) = (&mut self.totals, &self.reading);
        let mut kept = |entry: &mut Entry| {
            !entry.is_expired(now)
                && keep(&entry.key(&reading.tables).text(), ValueRef::of(entry.view(), reading))
        };
        self.table.extract_if(|entry| !kept(entry)).for_each(|entry| {
            totals.before_discard(&entry);
            if entry.is_expired(now) {
                totals.discard_expired(entry);
            } else {
                totals.discard(entry, |key| Event::Removed(key), totals.lazyfree.lazy.user_del);
            }
        });
    }

    /// Removes all keys. O(1): the table becomes garbage with all its entries, which are freed later; see
    /// [`free_some`](Self::free_some). Under S3-FIFO the blocks of its queue and its ghosts are freed at
    /// once. If the option `lazyfree-lazy-user-flush` is `no`, the entries are freed at once, which is O(n).
    /// In C: `FLUSHDB`.
    ///
    /// A snapshot takes the table over, and saves its entries before they become garbage.
    pub fn clear(&mut self) {
        let is_large =
            |table: &Table<Entry>| table.len() > FREE_EFFORT_MAX || table.iter().any(Entry::is_large);
        let is_lazy = self.totals.lazyfree.lazy.user_flush;
        self.clear_table(|table| is_lazy && is_large(table));
    }

    /// Like [`clear`](Self::clear), but all entries become garbage, even if there are few, and whatever the option
    /// `lazyfree-lazy-user-flush` says. Garbage takes no more memory than the entries did, so some tens of them may
    /// be freed at once. They count as freed later. In C: `FLUSHDB ASYNC`.
    ///
    /// ```
    /// let mut keyspace = keyspace::Keyspace::new();
    /// for n in 0..1_000 {
    ///     keyspace.set(&format!("key {n}"), "value", 0)?;
    /// }
    /// keyspace.clear_lazily();
    /// assert!(keyspace.is_empty() && keyspace.lazyfree_pending_objects() > 900);
    /// while !keyspace.free_some(100).is_complete {}
    /// assert_eq!(keyspace.lazyfreed_objects(), 1_000);
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn clear_lazily(&mut self) {
        self.clear_table(|table| !table.is_empty());
    }

    /// Removes all keys. `is_garbage` says whether the table is freed later.
    fn clear_table(&mut self, is_garbage: impl FnOnce(&Table<Entry>) -> bool) {
        let (table, entry_bytes) = (mem::take(&mut self.table), mem::take(&mut self.totals.entry_bytes));
        let (table, entry_bytes) = self.totals.snapshot.take_over_table(table, entry_bytes);
        if is_garbage(&table) {
            let list_bytes = self.totals.list_bytes();
            self.totals.lazyfree.push_table(table, entry_bytes, list_bytes);
        }
        self.totals.expires = 0;
        self.totals.eviction = self.totals.eviction.emptied();
        self.sweep = common::Cursor::START;
        self.totals.notify(Event::Cleared);
    }
}
