//! Removing keys, at once or little by little.

use crate::entry::Entry;
use crate::event::Event;
use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::totals::Totals;
use crate::value::ValueRef;
use core::fmt;
use core::hash::BuildHasher;
use core::mem;
use dict::Table;
use values::{Collection, Remains, by_type};

/// A removed key and its value, not yet dropped. Drop it in steps, or on another thread.
///
/// ```
/// use keyspace::Keyspace;
/// let mut keyspace = Keyspace::new();
/// for n in 0..10_000 {
///     keyspace.sadd("large", format!("member {n}").as_bytes(), 0)?;
/// }
/// let unlinked = keyspace.unlink("large", 0).unwrap();
/// assert!(unlinked.free_effort() > 10_000);
/// std::thread::spawn(move || drop(unlinked));
/// # Ok::<(), keyspace::Error>(())
/// ```
#[must_use = "the value is dropped at once"]
pub struct Unlinked(Entry);

impl Unlinked {
    /// The key.
    pub fn key(&self) -> &[u8] {
        self.0.key()
    }

    /// About how many blocks dropping it frees. Constant time but for long lists. In C:
    /// `lazyfreeGetFreeEffort`.
    pub fn free_effort(&self) -> usize {
        self.0.free_effort()
    }

    /// What dropping it takes from `used_memory`, in bytes.
    pub fn allocation_size(&self) -> usize {
        self.0.allocation_size()
    }

    /// Frees about `n` elements, and returns the rest.
    #[must_use = "what is left is dropped at once"]
    pub fn drop_in_steps(self, n: usize) -> Option<Remains> {
        by_type!(self.0.object_type(), string => None, C => self.0.into_word::<C>()?.drop_in_steps(n))
    }
}

impl fmt::Debug for Unlinked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unlinked")
            .field("key", &self.key().escape_ascii().to_string())
            .finish_non_exhaustive()
    }
}

impl<S: BuildHasher> Keyspace<S> {
    /// Removes a key and returns whether it was there. O(value). In C: `DEL`.
    #[inline]
    pub fn remove<'k>(&mut self, key: impl Into<Key<'k>>, now: u64) -> bool {
        let key = key.into();
        let hash = self.hash_of(&key);
        let Some((entry, totals, _)) = self.find_mut(hash, &key, now) else { return false };
        totals.drop_key(entry);
        true
    }

    /// Removes a key without dropping its value. O(1). In C: `UNLINK`.
    pub fn unlink<'k>(&mut self, key: impl Into<Key<'k>>, now: u64) -> Option<Unlinked> {
        let key = key.into();
        let hash = self.hash_of(&key);
        let (entry, totals, _) = self.find_mut(hash, &key, now)?;
        Some(Unlinked(totals.remove_key(entry)))
    }

    /// Keeps the keys for which `keep` is true. Removes the others, and all that have expired, for which `keep`
    /// is not called. To look at a key here is no access. Each removal is reported as [`Event::Removed`] or
    /// [`Event::Expired`]. O(n), and the values that are dropped. The table keeps its size: see
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
        let (totals, lent) = (&mut self.totals, &self.lent);
        let mut kept =
            |entry: &mut Entry| !entry.is_expired(now) && keep(entry.key(), ValueRef::of(entry.view(), lent));
        self.table.extract_if(|entry| !kept(entry)).for_each(|entry| {
            totals.subtract(&entry);
            totals.notify(if entry.is_expired(now) {
                Event::Expired(entry.key())
            } else {
                Event::Removed(entry.key())
            });
        });
    }

    /// Removes all keys. O(n). In C: `FLUSHDB`.
    pub fn clear(&mut self) {
        self.table = Table::new();
        let (eviction, on_event) = (self.totals.eviction.emptied(), mem::take(&mut self.totals.on_event));
        self.totals = Totals { eviction, on_event, ..Totals::default() };
        self.sweep = common::Cursor::START;
        self.totals.notify(Event::Cleared);
    }
}
