//! Keys whose value is a collection: methods that read and edit it in place.

use crate::access::Access;
use crate::entry::{Content, Entry, EntryView, InEntry};
use crate::error::Error;
use crate::event::Event;
use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::totals::Totals;
use crate::value::ValueRef;
use core::hash::BuildHasher;
use values::{Collection, Edited, WrongType};

impl<S: BuildHasher> Keyspace<S> {
    /// Returns the value of a key, borrowed. Returns `None` if there is no such key, or if it has expired. An
    /// expired key is not removed here: a [sweep](Self::expire_some), a write, or
    /// [`remove_expired`](Self::remove_expired) removes it. O(1).
    ///
    /// Several threads can call this method at once. It does not count hits and misses.
    #[inline]
    pub fn get<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> Option<ValueRef<'_>> {
        self.access(&key.into(), now).map(|entry| ValueRef::of(entry, &self.reading))
    }

    /// Returns the collection of a key, borrowed. A field of a hash, a score or a range can be read from it
    /// without a copy. O(1).
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
        self.access(&key.into(), now).map(EntryView::collection::<C>).transpose()
    }

    /// Calls `f` to edit the collection of a key in place, with one look-up. If the key is absent, `f` gets
    /// an empty collection. If the collection is empty afterwards, the key is removed, even when `f` fails or
    /// panics. Changes that `f` made before it failed are kept. In C: the common part of commands such as
    /// `HSET` and `SREM`.
    ///
    /// `f` can call the methods of [`Hash`](struct@values::Hash), [`Set`](struct@values::Set) and so on.
    /// Their `try_` forms return an error if there is no memory.
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
    /// The error that `f` returns; [`WrongType`]; [`Error::KeyTooLong`]; no memory for a new key, after `f`
    /// has been called.
    #[inline]
    pub fn edit_as<'k, C: Collection, T, E: Into<Error>>(
        &mut self,
        key: impl Into<Key<'k>>,
        now: u64,
        f: impl FnOnce(&mut C::In<InEntry<'_>>) -> Result<T, E>,
    ) -> Result<T, Error> {
        let key = key.into();
        let hash = self.hash_of(&key);
        self.begin_write();
        let mut guard = RemoveIfEmpty::new(self, &key, hash);
        match guard.find(now) {
            Some((entry, totals, state)) => {
                let result = edit_found::<C, T, E>(entry, totals, state, f);
                drop(guard);
                self.evict_excess(&key, hash, now);
                result
            }
            None => {
                drop(guard);
                self.create_as::<C, T, E>(&key, hash, now, f)
            }
        }
    }

    /// Like [`edit_as`](Self::edit_as), but adds no key. Returns `None` without calling `f` if there is no
    /// such key.
    ///
    /// # Errors
    /// The error that `f` returns; [`WrongType`].
    #[inline]
    pub fn modify_as<'k, C: Collection, T, E: Into<Error>>(
        &mut self,
        key: impl Into<Key<'k>>,
        now: u64,
        f: impl FnOnce(&mut C::In<InEntry<'_>>) -> Result<T, E>,
    ) -> Result<Option<T>, Error> {
        let key = key.into();
        let hash = self.hash_of(&key);
        self.begin_write();
        let mut guard = RemoveIfEmpty::new(self, &key, hash);
        let Some((entry, totals, state)) = guard.find(now) else { return Ok(None) };
        let result = edit_found::<C, T, E>(entry, totals, state, f).map(Some);
        drop(guard);
        self.evict_excess(&key, hash, now);
        result
    }

    /// The part of [`edit_as`](Self::edit_as) for a key that is absent.
    #[inline(never)]
    fn create_as<C: Collection, T, E: Into<Error>>(
        &mut self,
        key: &Key<'_>,
        hash: u64,
        now: u64,
        f: impl FnOnce(&mut C::In<InEntry<'_>>) -> Result<T, E>,
    ) -> Result<T, Error> {
        key.check()?;
        let mut value = C::EMPTY.into_in();
        let result = f(&mut value);
        let mut collection = match C::from_in(value) {
            Edited::Own(collection) => collection,
            Edited::InRoom(_) => C::EMPTY, // no room was lent
        };
        if !collection.is_empty() {
            self.add_absent(key, hash, Content::collection(&mut collection), now)?;
        }
        result.map_err(Into::into)
    }

    /// Adds a key that is known to be absent, without a look-up.
    pub(crate) fn add_absent(
        &mut self,
        key: &Key<'_>,
        hash: u64,
        content: Content<'_>,
        now: u64,
    ) -> Result<(), Error> {
        let clock = Access::at(&self.options, now).initial();
        let is_text = content.is_text();
        self.add_absent_entry(hash, Entry::try_new_sized(key.bytes(), None, clock, content)?, key, now)?;
        if is_text {
            self.code_written(key, hash);
        }
        Ok(())
    }

    /// Like [`add_absent`](Self::add_absent), for an entry whose allocation size is known.
    pub(crate) fn add_absent_entry(
        &mut self,
        hash: u64,
        (entry, size): (Entry, usize),
        key: &Key<'_>,
        now: u64,
    ) -> Result<(), Error> {
        self.make_room_for(key, hash, size, now)?;
        let (hasher, tables) = (&self.hasher, &self.reading.tables);
        let added = self.table.try_insert_unique(hash, entry, |entry| entry.key_hash(hasher, tables));
        self.totals.add_sized(added.map_err(|error| error.error)?, size, hash);
        self.totals.notify(Event::Set(key.bytes()));
        self.code_new_key(key, hash);
        self.evict_excess(key, hash, now);
        Ok(())
    }
}

/// What has been done to the collection of a [`RemoveIfEmpty`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edit {
    Untouched,
    /// The closure has not returned: it is running, or has panicked.
    Begun,
    Done {
        is_empty: bool,
    },
}

/// A guard that holds a keyspace while the entry of one key is edited. When it is dropped, even by a panic,
/// it reports the edit, or removes the key if the collection is empty.
pub(crate) struct RemoveIfEmpty<'s, 'k, S> {
    keyspace: &'s mut Keyspace<S>,
    key: &'s Key<'k>,
    hash: u64,
    state: Edit,
}

impl<'s, 'k, S> RemoveIfEmpty<'s, 'k, S> {
    #[inline]
    pub(crate) fn new(keyspace: &'s mut Keyspace<S>, key: &'s Key<'k>, hash: u64) -> Self {
        Self { keyspace, key, hash, state: Edit::Untouched }
    }

    /// Returns the entry of the key, and the totals and the state that an edit updates. Sets the access clock
    /// of the entry. Removes the entry and returns `None` if it has expired.
    #[inline]
    pub(crate) fn find(&mut self, now: u64) -> Option<(&mut Entry, &mut Totals, &mut Edit)> {
        let Self { keyspace, key, hash, state } = self;
        let (entry, totals, options) = keyspace.find_mut(*hash, key, now)?;
        totals.before_change(&entry);
        let entry = entry.into_mut();
        Access::write_at(options, now).touch(entry.view(), *hash);
        Some((entry, totals, state))
    }

    #[cold]
    fn remove(&mut self) {
        let Keyspace { table, totals, reading, .. } = &mut *self.keyspace;
        let has_key = |entry: &Entry| entry.has_key(self.key.bytes(), &reading.tables);
        if let Ok(entry) = table.find_entry(self.hash, has_key) {
            totals.drop_key(entry, totals.lazyfree.lazy.server_del);
        }
    }

    #[cold]
    fn is_empty(&self) -> bool {
        let Keyspace { table, reading, .. } = &*self.keyspace;
        let entry = table.find(self.hash, |entry| entry.has_key(self.key.bytes(), &reading.tables));
        entry.is_some_and(Entry::is_empty)
    }
}

impl<S> Drop for RemoveIfEmpty<'_, '_, S> {
    #[inline]
    fn drop(&mut self) {
        let is_empty = match self.state {
            Edit::Untouched => return,
            Edit::Begun => self.is_empty(),
            Edit::Done { is_empty } => is_empty,
        };
        if is_empty {
            self.remove();
        } else {
            self.keyspace.totals.notify(Event::Changed(self.key.bytes()));
        }
    }
}

/// Calls `f` with the collection of an entry.
#[inline]
pub(crate) fn edit_found<C: Collection, T, E: Into<Error>>(
    entry: &mut Entry,
    totals: &mut Totals,
    state: &mut Edit,
    f: impl FnOnce(&mut C::In<InEntry<'_>>) -> Result<T, E>,
) -> Result<T, Error> {
    WrongType::check(C::TYPE, entry.object_type())?;
    *state = Edit::Begun;
    let Some((result, is_empty)) = entry.edit::<C, _>(&mut totals.entry_bytes, f) else {
        unreachable!("the type was compared")
    };
    *state = Edit::Done { is_empty };
    result.map_err(Into::into)
}
