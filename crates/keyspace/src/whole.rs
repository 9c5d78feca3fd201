//! Methods that insert, edit or take a value of any type.

use crate::access::Access;
use crate::coded::EditOutcome;
use crate::collections::{RemoveIfEmpty, edit_found};
use crate::entry::{Content, Entry};
use crate::error::Error;
use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::reading::Tables;
use crate::rename::Coding;
use crate::strings::{edit_found_string, string_len};
use crate::value::{Value, ValueMut};
use core::hash::BuildHasher;
use values::{Hash, List, ObjectType, ReserveError, Set, ZSet, by_type};

impl<S: BuildHasher> Keyspace<S> {
    /// Stores a value that was built elsewhere, with an absolute expiry in milliseconds or none. Replaces the
    /// key's value and expiry. An empty collection, or an expiry that has passed, removes the key. O(1) for a
    /// large collection, and O(bytes) for a value that is stored in the entry's block. In C: the body of
    /// `RESTORE`.
    ///
    /// ```
    /// use keyspace::Keyspace;
    /// use values::{EncodingLimits, Set};
    /// let (mut keyspace, mut primes) = (Keyspace::new(), Set::new());
    /// [2, 3, 5, 7].map(|n| primes.insert(n, &EncodingLimits::DEFAULT));
    /// keyspace.insert("primes", primes, None, 0)?;
    /// assert!(keyspace.sismember("primes", 7, 0)?);
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::KeyTooLong`]; no memory. The value is dropped.
    pub fn insert<'k>(
        &mut self,
        key: impl Into<Key<'k>>,
        value: impl Into<Value>,
        expiry: Option<u64>,
        now: u64,
    ) -> Result<(), Error> {
        let (key, mut value) = (key.into(), value.into());
        if value.is_empty() || expiry.is_some_and(|expiry| expiry <= now) {
            self.remove_if_there(&key, now, self.options.get_lazyfree_lazy_server_del());
            return Ok(());
        }
        key.check()?;
        let clock = Access::at(&self.options, now).initial();
        let entry = Entry::try_new(key.bytes(), expiry, clock, try_content(&mut value)?)?;
        self.put(&key, entry, now, Coding::Try)
    }

    /// Calls `f` to edit the value of a key in place, whatever its type, with one look-up. If the key is
    /// absent, `f` can store a new value. If a collection is empty afterwards, its key is removed, even when
    /// `f` fails or panics. Changes that `f` made before it failed are kept. If the type is known,
    /// [`edit_as`](Self::edit_as) and [`edit_string`](Self::edit_string) are simpler.
    ///
    /// ```
    /// use keyspace::{Error, Keyspace, ValueMut};
    /// use values::{Element, EncodingLimits, OwnedElement, string};
    ///
    /// /// Adds `word` to a text or to a set. Creates a string if the key is absent. Leaves other values as they are.
    /// fn add(keyspace: &mut Keyspace, key: &str, word: &str) -> Result<(), Error> {
    ///     let limits = EncodingLimits::DEFAULT;
    ///     keyspace.edit(key, 0, |value| {
    ///         match value {
    ///             ValueMut::Absent(new) => *new = Some(OwnedElement::try_from(Element::from(word))?.into()),
    ///             ValueMut::String(text) => drop(string::try_append(text, word.as_bytes(), &limits)?),
    ///             ValueMut::Set(words) => drop(words.try_insert(word, &limits)?),
    ///             _ => {}
    ///         }
    ///         Ok::<(), Error>(())
    ///     })
    /// }
    ///
    /// let mut keyspace = Keyspace::new();
    /// keyspace.sadd("set", "one", 0)?;
    /// for key in ["set", "text", "text"] {
    ///     add(&mut keyspace, key, "two")?;
    /// }
    /// assert!(keyspace.sismember("set", "two", 0)?);
    /// assert_eq!(keyspace.get_string("text", 0)?.unwrap(), b"twotwo");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// The error that `f` returns; [`Error::KeyTooLong`]; no memory for a new key, after `f` has been called.
    /// A [coded string](Self::set_symbols) is decoded before `f` is called. This can fail because there is no
    /// memory for the text, or with [`Error::MaxmemoryReached`].
    pub fn edit<'k, T, E: Into<Error>>(
        &mut self,
        key: impl Into<Key<'k>>,
        now: u64,
        f: impl FnOnce(ValueMut<'_, '_>) -> Result<T, E>,
    ) -> Result<T, Error> {
        let key = key.into();
        let hash = self.hash_of(&key);
        self.begin_write();
        let was_coded = self.decode_before_edit(&key, hash, now)?;
        let mut guard = RemoveIfEmpty::new(self, &key, hash);
        if let Some((entry, totals, state)) = guard.find(now) {
            let old_len = was_coded.then(|| string_len(entry));
            let result = match entry.object_type() {
                ObjectType::String => {
                    edit_found_string(entry, totals, state, |text| f(ValueMut::String(text)))
                }
                ObjectType::List => {
                    edit_found::<List, _, _>(entry, totals, state, |list| f(ValueMut::List(list)))
                }
                ObjectType::Set => edit_found::<Set, _, _>(entry, totals, state, |set| f(ValueMut::Set(set))),
                ObjectType::ZSet => {
                    edit_found::<ZSet, _, _>(entry, totals, state, |zset| f(ValueMut::ZSet(zset)))
                }
                ObjectType::Hash => {
                    edit_found::<Hash, _, _>(entry, totals, state, |hash| f(ValueMut::Hash(hash)))
                }
            };
            let has_grown = old_len.is_some_and(|old_len| string_len(entry) > old_len);
            drop(guard);
            self.code_edited(&key, hash, EditOutcome { was_coded, has_grown, has_failed: result.is_err() });
            self.evict_excess(&key, hash, now);
            return result;
        }
        drop(guard);
        key.check()?;
        let mut new = None;
        let result = f(ValueMut::Absent(&mut new));
        if let Some(mut value) = new.filter(|value| !value.is_empty()) {
            self.add_absent(&key, hash, try_content(&mut value)?, now)?;
        }
        result.map_err(Into::into)
    }

    /// Removes a key and returns its value. O(1) for a large collection, and O(bytes) for a string or for a
    /// value that is stored in the entry's block.
    ///
    /// # Errors
    /// No memory for the copy of a string, or of a value in the entry's block. The key is then not removed.
    pub fn take<'k>(&mut self, key: impl Into<Key<'k>>, now: u64) -> Result<Option<Value>, Error> {
        let key = key.into();
        let hash = self.hash_of(&key);
        let Some((entry, totals, _)) = self.find_mut(hash, &key, now) else { return Ok(None) };
        let copy = match entry.get() {
            entry if entry.kind().is_word() && entry.object().is_none() => None,
            entry => Some(try_copy(entry, totals.tables())?),
        };
        let entry = totals.remove_key(entry);
        Ok(copy.or_else(
            || by_type!(entry.object_type(), string => None, C => entry.into_word::<C>().map(Value::from)),
        ))
    }
}

/// Returns the content of a block for a value. If the content takes over a part of the value, that part is
/// left empty.
pub(crate) fn try_content(value: &mut Value) -> Result<Content<'_>, ReserveError> {
    Ok(match value {
        Value::String(string) => Content::try_owned_string(string)?,
        Value::List(list) => Content::collection(list),
        Value::Set(set) => Content::collection(set),
        Value::ZSet(zset) => Content::collection(zset),
        Value::Hash(hash) => Content::collection(hash),
    })
}

/// Returns a copy of the value of an entry.
fn try_copy(entry: &Entry, tables: &Tables) -> Result<Value, Error> {
    Ok(by_type!(entry.object_type(), string => Value::String(tables.try_to_owned(entry.string()?)?), C => {
        Value::from(entry.try_to_owned::<C>()?)
    }))
}
