//! One-line methods named after Redis' commands on collections. All other operations are methods of
//! [`Hash`](struct@Hash), [`Set`](struct@Set) and so on. Call them through [`Keyspace::get_as`] and
//! [`Keyspace::edit_as`].
//!
//! If there is a limit, a method that adds elements makes room for them first.

use crate::error::Error;
use crate::key::Key;
use crate::keyspace::Keyspace;
use core::hash::BuildHasher;
use values::list::Side;
use values::zset::{AddOptions, Added};
use values::{Element, Hash, List, Set, WrongType, ZSet};

/// Hashes.
impl<S: BuildHasher> Keyspace<S> {
    /// Sets a field of a hash to a value, and returns whether the field is new. In C: `HSET`.
    ///
    /// # Errors
    /// [`WrongType`]; [`Error::KeyTooLong`]; no memory.
    pub fn hset<'k, 'e>(
        &mut self,
        key: impl Into<Key<'k>>,
        field: impl Into<Element<'e>>,
        value: impl Into<Element<'e>>,
        now: u64,
    ) -> Result<bool, Error> {
        let (key, field, value) = (key.into(), field.into(), value.into());
        let limits = *self.options.encoding_limits();
        self.make_room_for_elements(&key, [field, value], now)?;
        self.edit_as::<Hash, _, _>(key, now, |hash| hash.try_insert(field, value, &limits))
    }

    /// Returns the value of a field, borrowed. In C: `HGET`.
    ///
    /// # Errors
    /// [`WrongType`].
    pub fn hget<'k, 'e>(
        &self,
        key: impl Into<Key<'k>>,
        field: impl Into<Element<'e>>,
        now: u64,
    ) -> Result<Option<Element<'_>>, WrongType> {
        Ok(self.get_as::<Hash>(key, now)?.and_then(|hash| hash.get(field)))
    }

    /// Removes a field, and returns whether there was such a field. In C: `HDEL`.
    ///
    /// # Errors
    /// [`WrongType`].
    pub fn hdel<'k, 'e>(
        &mut self,
        key: impl Into<Key<'k>>,
        field: impl Into<Element<'e>>,
        now: u64,
    ) -> Result<bool, Error> {
        let removed = self.modify_as::<Hash, _, Error>(key, now, |hash| Ok(hash.remove(field)))?;
        Ok(removed.unwrap_or(false))
    }
}

/// Sets.
impl<S: BuildHasher> Keyspace<S> {
    /// Adds a member to a set, and returns whether it is new. In C: `SADD`.
    ///
    /// # Errors
    /// [`WrongType`]; [`Error::KeyTooLong`]; no memory.
    pub fn sadd<'k, 'e>(
        &mut self,
        key: impl Into<Key<'k>>,
        member: impl Into<Element<'e>>,
        now: u64,
    ) -> Result<bool, Error> {
        let (key, member, limits) = (key.into(), member.into(), *self.options.encoding_limits());
        self.make_room_for_elements(&key, [member], now)?;
        self.edit_as::<Set, _, _>(key, now, |set| set.try_insert(member, &limits))
    }

    /// Returns whether a set has a member. In C: `SISMEMBER`.
    ///
    /// # Errors
    /// [`WrongType`].
    pub fn sismember<'k, 'e>(
        &self,
        key: impl Into<Key<'k>>,
        member: impl Into<Element<'e>>,
        now: u64,
    ) -> Result<bool, WrongType> {
        Ok(self.get_as::<Set>(key, now)?.is_some_and(|set| set.contains(member)))
    }

    /// Removes a member, and returns whether there was such a member. In C: `SREM`.
    ///
    /// # Errors
    /// [`WrongType`].
    pub fn srem<'k, 'e>(
        &mut self,
        key: impl Into<Key<'k>>,
        member: impl Into<Element<'e>>,
        now: u64,
    ) -> Result<bool, Error> {
        let removed = self.modify_as::<Set, _, Error>(key, now, |set| Ok(set.remove(member)))?;
        Ok(removed.unwrap_or(false))
    }
}

/// Sorted sets.
impl<S: BuildHasher> Keyspace<S> {
    /// Sets the score of a member of a sorted set, if the conditions of `options` hold. In C: `ZADD`,
    /// `ZINCRBY`.
    ///
    /// # Errors
    /// [`WrongType`]; [`Error::IncompatibleOptions`]; a score that is not a number; [`Error::KeyTooLong`]; no
    /// memory.
    pub fn zadd<'k, 'e>(
        &mut self,
        key: impl Into<Key<'k>>,
        member: impl Into<Element<'e>>,
        score: f64,
        options: AddOptions,
        now: u64,
    ) -> Result<Added, Error> {
        if !options.are_compatible() {
            return Err(Error::IncompatibleOptions(if options.nx && options.xx {
                "ERR XX and NX options at the same time are not compatible"
            } else {
                "ERR GT, LT, and/or NX options at the same time are not compatible"
            }));
        }
        let (key, member, limits) = (key.into(), member.into(), *self.options.encoding_limits());
        self.make_room_for_elements(&key, [member], now)?;
        self.edit_as::<ZSet, _, _>(key, now, |zset| zset.try_add(member, score, options, &limits))
    }

    /// Returns the score of a member. In C: `ZSCORE`.
    ///
    /// # Errors
    /// [`WrongType`].
    pub fn zscore<'k, 'e>(
        &self,
        key: impl Into<Key<'k>>,
        member: impl Into<Element<'e>>,
        now: u64,
    ) -> Result<Option<f64>, WrongType> {
        Ok(self.get_as::<ZSet>(key, now)?.and_then(|zset| zset.score(member)))
    }

    /// Removes a member, and returns whether there was such a member. In C: `ZREM`.
    ///
    /// # Errors
    /// [`WrongType`].
    pub fn zrem<'k, 'e>(
        &mut self,
        key: impl Into<Key<'k>>,
        member: impl Into<Element<'e>>,
        now: u64,
    ) -> Result<bool, Error> {
        let removed = self.modify_as::<ZSet, _, Error>(key, now, |zset| Ok(zset.remove(member).is_some()))?;
        Ok(removed.unwrap_or(false))
    }
}

/// Lists.
impl<S: BuildHasher> Keyspace<S> {
    /// Adds an element at one end of a list. In C: `LPUSH`, `RPUSH`.
    ///
    /// # Errors
    /// [`WrongType`]; [`Error::KeyTooLong`]; no memory.
    pub fn push<'k, 'e>(
        &mut self,
        key: impl Into<Key<'k>>,
        side: Side,
        element: impl Into<Element<'e>>,
        now: u64,
    ) -> Result<(), Error> {
        let (key, element, limits) = (key.into(), element.into(), *self.options.encoding_limits());
        self.make_room_for_elements(&key, [element], now)?;
        self.edit_as::<List, _, _>(key, now, |list| list.try_push(side, element, &limits))
    }

    /// Removes the element at one end of a list, and returns it. In C: `LPOP`, `RPOP`.
    ///
    /// # Errors
    /// [`WrongType`]; no memory for the element, which then stays in the list.
    pub fn pop<'k>(
        &mut self,
        key: impl Into<Key<'k>>,
        side: Side,
        now: u64,
    ) -> Result<Option<values::OwnedElement>, Error> {
        let limits = *self.options.encoding_limits();
        Ok(self.modify_as::<List, _, _>(key, now, |list| list.try_pop(side, &limits))?.flatten())
    }
}
