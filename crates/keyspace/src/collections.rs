//! Keys whose value is a collection: reading and editing it where it lies.

use crate::entry::{Content, Entry, InEntry};
use crate::error::Error;
use crate::event::Event;
use crate::key::Key;
use crate::keyspace::{Found, Keyspace};
use crate::totals::Totals;
use crate::value::ValueRef;
use core::hash::BuildHasher;
use dict::table::OccupiedEntry;
use values::{Collection, Edited, WrongType};

impl<S: BuildHasher> Keyspace<S> {
    /// The value of a key, borrowed. `None` if there is no such key, or if it has expired: then it stays, and
    /// a [sweep](Self::expire_some) or a write removes it. O(1).
    ///
    /// Several threads can call this at once. It counts no hits or misses; the result shows which it was.
    #[inline]
    pub fn get<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> Option<ValueRef<'_>> {
        self.access(&key.into(), now).map(|entry| ValueRef::of(entry, &self.lent))
    }

    /// The collection of a key, borrowed: a field of a hash, a score or a range can be read without a copy.
    /// O(1).
    ///
    /// # Errors
    /// [`WrongType`] if the value is of another type.
    ///
    /// ```
    /// use keyspace::Keyspace;
    /// use values::Hash;
    /// let mut keyspace = Keyspace::new();
    /// keyspace.hset("user", "name", "Ada", 0)?;
    /// let user = keyspace.get_as::<Hash>("user", 0)?.unwrap();
    /// assert_eq!(user.get("name"), Some("Ada".into()));
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    #[inline]
    pub fn get_as<'k, C: Collection>(
        &self,
        key: impl Into<Key<'k>>,
        now: u64,
    ) -> Result<Option<C::View<'_>>, WrongType> {
        self.access(&key.into(), now).map(Entry::collection::<C>).transpose()
    }

    /// Calls `f` to edit the collection of a key in place, with one look-up. If the key is absent, `f` gets
    /// an empty one. If the collection is empty afterwards, the key is removed, even when `f` fails or
    /// panics. What `f` has done before it failed stays done. In C: the frame of commands such as `HSET` and
    /// `SREM`.
    ///
    /// `f` gets the methods of [`Hash`](struct@values::Hash) and its neighbours. Their `try_` forms return an
    /// error where memory is missing.
    ///
    /// ```
    /// use keyspace::Keyspace;
    /// use values::{EncodingLimits, Hash};
    /// let (mut keyspace, limits) = (Keyspace::new(), EncodingLimits::DEFAULT);
    /// let is_new = keyspace.edit_as::<Hash, _, _>("user", 0, |user| user.try_insert("name", "Ada", &limits))?;
    /// assert!(is_new);
    /// keyspace.edit_as::<Hash, _, keyspace::Error>("user", 0, |user| Ok(user.remove("name")))?;
    /// assert!(!keyspace.contains_key("user", 0));
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    ///
    /// # Errors
    /// What `f` returns; [`WrongType`]; no memory for a new key, after `f` has been called.
    #[inline]
    pub fn edit_as<'k, C: Collection, T, E: Into<Error>>(
        &mut self,
        key: impl Into<Key<'k>>,
        now: u64,
        f: impl FnOnce(&mut C::In<InEntry<'_>>) -> Result<T, E>,
    ) -> Result<T, Error> {
        let key = key.into();
        let hash = self.hash_of(&key);
        let (found, totals, options) = self.find_or_place(hash, &key, now)?;
        match found {
            Found::Live(entry) => {
                Self::touch_entry(options, entry.get(), hash, now);
                edit_found::<C, T, E>(totals, entry, &key, f)
            }
            Found::Absent(place) => {
                let mut value = C::EMPTY.into_in();
                let result = f(&mut value);
                let mut collection = match C::from_in(value) {
                    Edited::Own(collection) => collection,
                    Edited::InRoom(_) => C::EMPTY, // no room was lent
                };
                if !collection.is_empty() {
                    let clock = Self::new_clock(options, now);
                    let entry =
                        Entry::try_new(key.bytes(), None, clock, Content::collection(&mut collection))?;
                    totals.add_key(place, entry, key.bytes())?;
                }
                result.map_err(Into::into)
            }
        }
    }

    /// [`edit_as`](Self::edit_as) for a key that is there. Returns `None` without calling `f` if there is no
    /// such key.
    ///
    /// # Errors
    /// What `f` returns; [`WrongType`].
    #[inline]
    pub fn modify_as<'k, C: Collection, T, E: Into<Error>>(
        &mut self,
        key: impl Into<Key<'k>>,
        now: u64,
        f: impl FnOnce(&mut C::In<InEntry<'_>>) -> Result<T, E>,
    ) -> Result<Option<T>, Error> {
        let key = key.into();
        let hash = self.hash_of(&key);
        let Some((entry, totals, options)) = self.find_mut(hash, &key, now) else { return Ok(None) };
        Self::touch_entry(options, entry.get(), hash, now);
        edit_found::<C, T, E>(totals, entry, &key, f).map(Some)
    }
}

/// Lends the collection of an entry to `f`, and removes the entry if the collection is empty afterwards.
#[inline]
pub(crate) fn edit_found<C: Collection, T, E: Into<Error>>(
    totals: &mut Totals,
    entry: OccupiedEntry<'_, Entry>,
    key: &Key<'_>,
    f: impl FnOnce(&mut C::In<InEntry<'_>>) -> Result<T, E>,
) -> Result<T, Error> {
    /// Removes an entry that is left empty, also after a panic.
    struct RemoveIfEmpty<'s, 't, 'k> {
        totals: &'s mut Totals,
        entry: Option<OccupiedEntry<'t, Entry>>,
        key: &'s Key<'k>,
        /// `None` after a panic.
        is_empty: Option<bool>,
    }
    impl Drop for RemoveIfEmpty<'_, '_, '_> {
        #[inline]
        fn drop(&mut self) {
            let Some(entry) = self.entry.take() else { return };
            if self.is_empty.unwrap_or_else(|| entry.get().is_empty()) {
                drop(self.totals.remove_key(entry));
            } else {
                self.totals.notify(Event::Changed(self.key.bytes()));
            }
        }
    }
    WrongType::check(C::TYPE, entry.get().object_type())?;
    let mut guard = RemoveIfEmpty { totals, entry: Some(entry), key, is_empty: None };
    let RemoveIfEmpty { totals, entry: Some(entry), is_empty, .. } = &mut guard else {
        unreachable!("it is there")
    };
    let edited = entry.get_mut().edit::<C, _>(&mut totals.entry_bytes, f);
    *is_empty = edited.as_ref().map(|(_, is_empty)| *is_empty);
    drop(guard);
    match edited {
        Some((result, _)) => result.map_err(Into::into),
        None => unreachable!("the type was compared"),
    }
}
