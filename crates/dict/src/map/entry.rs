//! The entry of a key in a [`Dict`](crate::Dict), occupied or vacant.

use core::borrow::Borrow;
use core::fmt;

use crate::{TryInsertError, table};

/// The result of [`Dict::entry`](crate::Dict::entry).
pub enum Entry<'a, K, V> {
    /// The key is in the dict.
    Occupied(OccupiedEntry<'a, K, V>),
    /// The key is not in the dict. It may be added.
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

    /// Returns the key of the entry.
    pub fn key(&self) -> &K {
        match self {
            Self::Occupied(entry) => entry.key(),
            Self::Vacant(entry) => entry.key(),
        }
    }

    /// Sets the value of the entry, which is inserted if it is vacant.
    #[inline]
    pub fn insert_entry(self, value: V) -> OccupiedEntry<'a, K, V> {
        match self {
            Self::Occupied(mut entry) => {
                entry.insert(value);
                entry
            }
            Self::Vacant(entry) => entry.insert_entry(value),
        }
    }

    /// Does what [`Entry::insert_entry`] does, under hashbrown's name.
    #[inline]
    pub fn insert(self, value: V) -> OccupiedEntry<'a, K, V> {
        self.insert_entry(value)
    }

    /// Returns the entry. Inserts `default` if it is vacant.
    #[inline]
    pub fn or_insert_entry(self, default: V) -> OccupiedEntry<'a, K, V> {
        match self {
            Self::Occupied(entry) => entry,
            Self::Vacant(entry) => entry.insert_entry(default),
        }
    }

    /// Returns the value. Inserts `default` if the entry is vacant.
    #[inline]
    pub fn or_insert(self, default: V) -> &'a mut V {
        self.or_insert_with(|| default)
    }

    /// Returns the value. Inserts `default()` if the entry is vacant.
    #[inline]
    pub fn or_insert_with(self, default: impl FnOnce() -> V) -> &'a mut V {
        self.or_insert_with_key(|_| default())
    }

    /// Returns the value. Inserts `default(key)` if the entry is vacant.
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

    /// Returns the value. Inserts `V::default()` if the entry is vacant.
    #[inline]
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }

    /// Does what [`Entry::insert_entry`] does, but returns the key and the value if there is no memory.
    #[inline]
    pub fn try_insert_entry(self, value: V) -> Result<OccupiedEntry<'a, K, V>, TryInsertError<(K, V)>> {
        match self {
            Self::Occupied(mut entry) => {
                entry.insert(value);
                Ok(entry)
            }
            Self::Vacant(entry) => entry.try_insert_entry(value),
        }
    }

    /// Does what [`Entry::or_insert_entry`] does, but returns the key and the value if there is no memory.
    #[inline]
    pub fn try_or_insert_entry(self, default: V) -> Result<OccupiedEntry<'a, K, V>, TryInsertError<(K, V)>> {
        match self {
            Self::Occupied(entry) => Ok(entry),
            Self::Vacant(entry) => entry.try_insert_entry(default),
        }
    }

    /// Does what [`Entry::or_insert`] does, but returns the key and the value if there is no memory.
    #[inline]
    pub fn try_or_insert(self, default: V) -> Result<&'a mut V, TryInsertError<(K, V)>> {
        self.try_or_insert_with(|| default)
    }

    /// Does what [`Entry::or_insert_with`] does, but returns the key and the value if there is no memory.
    #[inline]
    pub fn try_or_insert_with(
        self,
        default: impl FnOnce() -> V,
    ) -> Result<&'a mut V, TryInsertError<(K, V)>> {
        self.try_or_insert_with_key(|_| default())
    }

    /// Does what [`Entry::or_insert_with_key`] does, but returns the key and the value if there is no memory.
    #[inline]
    pub fn try_or_insert_with_key(
        self,
        default: impl FnOnce(&K) -> V,
    ) -> Result<&'a mut V, TryInsertError<(K, V)>> {
        match self {
            Self::Occupied(entry) => Ok(entry.into_mut()),
            Self::Vacant(entry) => {
                let value = default(&entry.key);
                entry.try_insert(value)
            }
        }
    }

    /// Does what [`Entry::or_default`] does, but returns the key and the value if there is no memory.
    #[inline]
    pub fn try_or_default(self) -> Result<&'a mut V, TryInsertError<(K, V)>>
    where
        V: Default,
    {
        self.try_or_insert_with(V::default)
    }

    /// Calls `change` with the value if the entry is occupied.
    pub fn and_modify(mut self, change: impl FnOnce(&mut V)) -> Self {
        if let Self::Occupied(entry) = &mut self {
            change(entry.get_mut());
        }
        self
    }

    /// Calls [`OccupiedEntry::replace_entry_with`] if the entry is occupied.
    pub fn and_replace_entry_with(self, replace: impl FnOnce(&K, V) -> Option<V>) -> Self {
        match self {
            Self::Occupied(entry) => entry.replace_entry_with(replace),
            Self::Vacant(_) => self,
        }
    }
}

impl<'a, K, V> OccupiedEntry<'a, K, V> {
    /// Returns the key that is in the dict.
    pub fn key(&self) -> &K {
        &self.entry.get().0
    }

    /// Returns the value.
    pub fn get(&self) -> &V {
        &self.entry.get().1
    }

    /// Returns a mutable reference to the value.
    pub fn get_mut(&mut self) -> &mut V {
        &mut self.entry.get_mut().1
    }

    /// Returns a mutable reference to the value, for as long as the dict is borrowed.
    #[inline]
    pub fn into_mut(self) -> &'a mut V {
        &mut self.entry.into_mut().1
    }

    /// Returns the key and the value, for as long as the dict is borrowed.
    pub fn into_entry(self) -> (&'a K, &'a mut V) {
        let (key, value) = self.entry.into_mut();
        (key, value)
    }

    /// Replaces the key with an equal one, and returns the previous key. In C: `dictSetKeyAtLink`.
    ///
    /// # Panics
    /// If the keys are not equal.
    pub fn replace_key(&mut self, key: K) -> K
    where
        K: Eq,
    {
        assert!(*self.key() == key, "a key is replaced by another that is not equal to it");
        core::mem::replace(&mut self.entry.get_mut().0, key)
    }

    /// Replaces the value with the result of `replace`. If the result is `None`, removes the entry and
    /// returns the vacant place with the key. The entry is not in the dict while `replace` runs. If `replace`
    /// panics, the entry is lost.
    ///
    /// ```
    /// use dict::{Dict, map::Entry};
    /// let mut stock = Dict::from([("apples", 2)]);
    /// let sell = |stock: &mut Dict<_, _>| {
    ///     stock.entry("apples").and_replace_entry_with(|_, count| (count > 1).then(|| count - 1));
    /// };
    /// sell(&mut stock);
    /// assert_eq!(stock["apples"], 1);
    /// sell(&mut stock);
    /// assert!(stock.is_empty());
    /// ```
    pub fn replace_entry_with(self, replace: impl FnOnce(&K, V) -> Option<V>) -> Entry<'a, K, V> {
        let ((key, value), vacancy) = self.entry.take();
        let vacant = VacantEntry { entry: vacancy, key };
        match replace(&vacant.key, value) {
            Some(value) => Entry::Occupied(vacant.insert_entry(value)),
            None => Entry::Vacant(vacant),
        }
    }

    /// Sets the value and returns the previous one.
    #[inline]
    pub fn insert(&mut self, value: V) -> V {
        core::mem::replace(self.get_mut(), value)
    }

    /// Removes the entry and returns its value.
    pub fn remove(self) -> V {
        self.remove_entry().1
    }

    /// Removes the entry and returns it.
    pub fn remove_entry(self) -> (K, V) {
        self.entry.remove()
    }
}

impl<'a, K, V> VacantEntry<'a, K, V> {
    /// Returns the key that is not in the dict yet.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Returns the key by value.
    pub fn into_key(self) -> K {
        self.key
    }

    /// Adds the key with `value`, and returns a mutable reference to the value.
    #[inline]
    pub fn insert(self, value: V) -> &'a mut V {
        self.insert_entry(value).into_mut()
    }

    /// Adds the key with `value`, and returns the entry.
    #[inline]
    pub fn insert_entry(self, value: V) -> OccupiedEntry<'a, K, V> {
        OccupiedEntry { entry: self.entry.insert((self.key, value)) }
    }

    /// Does what [`VacantEntry::insert`] does, but returns the key and the value if there is no memory.
    #[inline]
    pub fn try_insert(self, value: V) -> Result<&'a mut V, TryInsertError<(K, V)>> {
        self.try_insert_entry(value).map(OccupiedEntry::into_mut)
    }

    /// Does what [`VacantEntry::insert_entry`] does, but returns the key and the value if there is no memory.
    #[inline]
    pub fn try_insert_entry(self, value: V) -> Result<OccupiedEntry<'a, K, V>, TryInsertError<(K, V)>> {
        Ok(OccupiedEntry { entry: self.entry.try_insert((self.key, value))? })
    }
}

/// The result of [`Dict::entry_ref`](crate::Dict::entry_ref): an [`Entry`] that creates the key only if it is
/// inserted.
pub enum EntryRef<'a, 'q, K, Q: ?Sized, V> {
    /// The key is in the dict.
    Occupied(OccupiedEntry<'a, K, V>),
    /// The key is not in the dict. It may be added.
    Vacant(VacantEntryRef<'a, 'q, K, Q, V>),
}

/// The place of a key that is not in the dict and does not exist yet.
pub struct VacantEntryRef<'a, 'q, K, Q: ?Sized, V> {
    entry: table::VacantEntry<'a, (K, V)>,
    key: &'q Q,
}

impl<'a, 'q, K: Borrow<Q>, Q: ?Sized, V> EntryRef<'a, 'q, K, Q, V> {
    #[inline]
    pub(super) fn new(entry: table::Entry<'a, (K, V)>, key: &'q Q) -> Self {
        match entry {
            table::Entry::Occupied(entry) => Self::Occupied(OccupiedEntry { entry }),
            table::Entry::Vacant(entry) => Self::Vacant(VacantEntryRef { entry, key }),
        }
    }

    /// Returns the key of the entry.
    pub fn key(&self) -> &Q {
        match self {
            Self::Occupied(entry) => entry.key().borrow(),
            Self::Vacant(entry) => entry.key(),
        }
    }

    /// Calls `change` with the value if the entry is occupied.
    pub fn and_modify(mut self, change: impl FnOnce(&mut V)) -> Self {
        if let Self::Occupied(entry) = &mut self {
            change(entry.get_mut());
        }
        self
    }
}

impl<'a, 'q, K: Borrow<Q> + From<&'q Q>, Q: ?Sized, V> EntryRef<'a, 'q, K, Q, V> {
    /// Sets the value of the entry, which is inserted if it is vacant.
    #[inline]
    pub fn insert(self, value: V) -> OccupiedEntry<'a, K, V> {
        match self {
            Self::Occupied(mut entry) => {
                entry.insert(value);
                entry
            }
            Self::Vacant(entry) => entry.insert_entry(value),
        }
    }

    /// Returns the value. Inserts `default` if the entry is vacant.
    #[inline]
    pub fn or_insert(self, default: V) -> &'a mut V {
        self.or_insert_with(|| default)
    }

    /// Returns the value. Inserts `default()` if the entry is vacant.
    #[inline]
    pub fn or_insert_with(self, default: impl FnOnce() -> V) -> &'a mut V {
        self.or_insert_with_key(|_| default())
    }

    /// Returns the value. Inserts `default(key)` if the entry is vacant.
    #[inline]
    pub fn or_insert_with_key(self, default: impl FnOnce(&Q) -> V) -> &'a mut V {
        match self {
            Self::Occupied(entry) => entry.into_mut(),
            Self::Vacant(entry) => {
                let value = default(entry.key);
                entry.insert(value)
            }
        }
    }

    /// Returns the value. Inserts `V::default()` if the entry is vacant.
    #[inline]
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }

    /// Returns the entry. Inserts `V::default()` if it is vacant.
    #[inline]
    pub fn or_default_entry(self) -> OccupiedEntry<'a, K, V>
    where
        V: Default,
    {
        match self {
            Self::Occupied(entry) => entry,
            Self::Vacant(entry) => entry.insert_entry(V::default()),
        }
    }
}

impl<'a, K: Borrow<Q>, Q: Eq + ?Sized, V> EntryRef<'a, '_, K, Q, V> {
    /// Returns the value. If the entry is vacant, inserts the key and the value that `make` returns. Of the
    /// methods of this type that insert, this is the only fallible one, since the key is allocated by `make`.
    ///
    /// ```
    /// # fn set(db: &mut dict::Dict<String, u32>, key: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// let copy = |key: &str| -> Result<_, Box<dyn std::error::Error>> {
    ///     let mut copy = String::new();
    ///     copy.try_reserve_exact(key.len())?;
    ///     copy.push_str(key);
    ///     Ok((copy, 0))
    /// };
    /// *db.try_entry_ref(key)?.or_try_insert_with(copy)? += 1;
    /// # Ok(())
    /// # }
    /// # let mut db = dict::Dict::new();
    /// # set(&mut db, "key").unwrap();
    /// # assert_eq!(db["key"], 1);
    /// ```
    ///
    /// # Errors
    /// Returns the error of `make`, or [`TryInsertError`] with the key and the value if there is no memory
    /// for the entry.
    ///
    /// # Panics
    /// If the key is not equal to the one that was looked up.
    #[inline]
    pub fn or_try_insert_with<E: From<TryInsertError<(K, V)>>>(
        self,
        make: impl FnOnce(&Q) -> Result<(K, V), E>,
    ) -> Result<&'a mut V, E> {
        match self {
            Self::Occupied(entry) => Ok(entry.into_mut()),
            Self::Vacant(entry) => {
                let (key, value) = make(entry.key)?;
                Ok(entry.try_insert_with_key(key, value)?)
            }
        }
    }
}

impl<'a, 'q, K, Q: ?Sized, V> VacantEntryRef<'a, 'q, K, Q, V> {
    /// Returns the key that is not in the dict yet.
    pub fn key(&self) -> &'q Q {
        self.key
    }

    /// Adds the key, which `K::from` creates, with `value`. Returns a mutable reference to the value.
    #[inline]
    pub fn insert(self, value: V) -> &'a mut V
    where
        K: From<&'q Q>,
    {
        self.insert_entry(value).into_mut()
    }

    /// Adds the key, which `K::from` creates, with `value`. Returns the entry.
    #[inline]
    pub fn insert_entry(self, value: V) -> OccupiedEntry<'a, K, V>
    where
        K: From<&'q Q>,
    {
        OccupiedEntry { entry: self.entry.insert((K::from(self.key), value)) }
    }

    /// Adds `key` with `value`, for keys that `K::from` does not create.
    ///
    /// # Panics
    /// If `key` is not equal to the one that was looked up.
    #[inline]
    pub fn insert_with_key(self, key: K, value: V) -> &'a mut V
    where
        Q: Eq,
        K: Borrow<Q>,
    {
        assert!(key.borrow() == self.key, "the key is not the one that was looked for");
        &mut self.entry.insert((key, value)).into_mut().1
    }

    /// Does what [`VacantEntryRef::insert_with_key`] does, but returns the key and the value if there is no
    /// memory.
    ///
    /// # Panics
    /// If `key` is not equal to the one that was looked up.
    #[inline]
    pub fn try_insert_with_key(self, key: K, value: V) -> Result<&'a mut V, TryInsertError<(K, V)>>
    where
        Q: Eq,
        K: Borrow<Q>,
    {
        assert!(key.borrow() == self.key, "the key is not the one that was looked for");
        Ok(&mut self.entry.try_insert((key, value))?.into_mut().1)
    }
}

impl<K: fmt::Debug, Q: fmt::Debug + ?Sized, V: fmt::Debug> fmt::Debug for EntryRef<'_, '_, K, Q, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Occupied(entry) => entry.fmt(f),
            Self::Vacant(entry) => entry.fmt(f),
        }
    }
}

impl<K, Q: fmt::Debug + ?Sized, V> fmt::Debug for VacantEntryRef<'_, '_, K, Q, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VacantEntryRef").field(&self.key).finish()
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
