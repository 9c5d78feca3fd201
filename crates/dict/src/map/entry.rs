//! The entry of a key, occupied or vacant.

use core::fmt;

use crate::table;

/// What [`Dict::entry`](crate::Dict::entry) found.
pub enum Entry<'a, K, V> {
    /// The key is in the dict.
    Occupied(OccupiedEntry<'a, K, V>),
    /// It is not, and may be added.
    Vacant(VacantEntry<'a, K, V>),
}

/// A key in a dict, and its value.
pub struct OccupiedEntry<'a, K, V> {
    entry: table::OccupiedEntry<'a, (K, V)>,
}

/// The place of a key that is not in the dict.
pub struct VacantEntry<'a, K, V> {
    entry: table::VacantEntry<'a, (K, V)>,
    key: K,
}

impl<'a, K, V> Entry<'a, K, V> {
    #[inline]
    pub(super) fn new(entry: table::Entry<'a, (K, V)>, key: K) -> Self {
        match entry {
            table::Entry::Occupied(entry) => Self::Occupied(OccupiedEntry { entry }),
            table::Entry::Vacant(entry) => Self::Vacant(VacantEntry { entry, key }),
        }
    }

    /// The key of the entry.
    pub fn key(&self) -> &K {
        match self {
            Self::Occupied(entry) => entry.key(),
            Self::Vacant(entry) => entry.key(),
        }
    }

    /// The value, which is `default` if there was none.
    #[inline]
    pub fn or_insert(self, default: V) -> &'a mut V {
        self.or_insert_with(|| default)
    }

    /// The value, which is `default()` if there was none.
    #[inline]
    pub fn or_insert_with(self, default: impl FnOnce() -> V) -> &'a mut V {
        self.or_insert_with_key(|_| default())
    }

    /// The value, which is `default(key)` if there was none.
    #[inline]
    pub fn or_insert_with_key(self, default: impl FnOnce(&K) -> V) -> &'a mut V {
        match self {
            Self::Occupied(entry) => entry.into_mut(),
            Self::Vacant(entry) => {
                let value = default(&entry.key);
                entry.insert(value)
            }
        }
    }

    /// The value, which is `V::default()` if there was none.
    #[inline]
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }

    /// Changes the value if there is one.
    pub fn and_modify(mut self, change: impl FnOnce(&mut V)) -> Self {
        if let Self::Occupied(entry) = &mut self {
            change(entry.get_mut());
        }
        self
    }
}

impl<'a, K, V> OccupiedEntry<'a, K, V> {
    /// The key that is in the dict.
    pub fn key(&self) -> &K {
        &self.entry.get().0
    }

    /// The value.
    pub fn get(&self) -> &V {
        &self.entry.get().1
    }

    /// The value, to be changed.
    pub fn get_mut(&mut self) -> &mut V {
        &mut self.entry.get_mut().1
    }

    /// The value for as long as the dict is borrowed.
    #[inline]
    pub fn into_mut(self) -> &'a mut V {
        &mut self.entry.into_mut().1
    }

    /// Sets the value and answers the one there was.
    #[inline]
    pub fn insert(&mut self, value: V) -> V {
        core::mem::replace(self.get_mut(), value)
    }

    /// Removes the entry and answers its value.
    pub fn remove(self) -> V {
        self.remove_entry().1
    }

    /// Removes the entry and answers it.
    pub fn remove_entry(self) -> (K, V) {
        self.entry.remove()
    }
}

impl<'a, K, V> VacantEntry<'a, K, V> {
    /// The key that is not there yet.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// The key back.
    pub fn into_key(self) -> K {
        self.key
    }

    /// Adds the key with `value`.
    #[inline]
    pub fn insert(self, value: V) -> &'a mut V {
        &mut self.entry.insert((self.key, value)).into_mut().1
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Entry<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Occupied(entry) => entry.fmt(f),
            Self::Vacant(entry) => entry.fmt(f),
        }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for OccupiedEntry<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OccupiedEntry").field("key", self.key()).field("value", self.get()).finish()
    }
}

impl<K: fmt::Debug, V> fmt::Debug for VacantEntry<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VacantEntry").field(&self.key).finish()
    }
}
