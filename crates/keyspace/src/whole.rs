//! Whole values, put in and taken out.

use crate::entry::{Content, Entry};
use crate::error::Error;
use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::value::Value;
use core::hash::BuildHasher;
use values::{OwnedElement, by_type};

impl<S: BuildHasher> Keyspace<S> {
    /// Stores a value that was built elsewhere, with an absolute expiry in milliseconds or none. Replaces the key's value and expiry. An empty
    /// collection, or an expiry that has passed, removes the key. O(1) for a large collection, O(bytes) for what lies in the entry's
    /// block. In C: the body of `RESTORE`.
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
            self.remove(key, now);
            return Ok(());
        }
        let content = match &mut value {
            Value::String(string) => Content::try_owned_string(string)?,
            Value::List(list) => Content::collection(list),
            Value::Set(set) => Content::collection(set),
            Value::ZSet(zset) => Content::collection(zset),
            Value::Hash(hash) => Content::collection(hash),
        };
        key.check()?;
        let entry = Entry::try_new(key.bytes(), expiry, Self::new_clock(&self.options, now), content)?;
        self.put(&key, entry, now)
    }

    /// Removes a key and returns its value. O(1) for a large collection, O(bytes) for a string and for what lay in the entry's block.
    ///
    /// # Errors
    /// No memory for the copy of a string, or of what lay in the block. The key is still there then.
    pub fn take<'k>(&mut self, key: impl Into<Key<'k>>, now: u64) -> Result<Option<Value>, Error> {
        let key = key.into();
        let hash = self.hash_of(&key);
        let Some((entry, totals, _)) = self.find_mut(hash, &key, now) else { return Ok(None) };
        let copy = match entry.get() {
            entry if entry.kind().is_word() && entry.object().is_none() => None,
            entry => Some(try_copy(entry)?),
        };
        let entry = totals.remove_key(entry);
        Ok(copy.or_else(
            || by_type!(entry.object_type(), string => None, C => entry.into_word::<C>().map(Value::from)),
        ))
    }
}

/// A copy of a value.
fn try_copy(entry: &Entry) -> Result<Value, Error> {
    Ok(
        by_type!(entry.object_type(), string => Value::String(OwnedElement::try_from(entry.string()?)?), C => {
            Value::from(entry.try_to_owned::<C>()?)
        }),
    )
}
