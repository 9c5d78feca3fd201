//! Methods for keys whose value is a string: `SET` and its variants, `APPEND`, `INCR` and others.

use crate::access::Access;
use crate::coded::{EditOutcome, add_coding};
use crate::collections::{Edit, RemoveIfEmpty};
use crate::entry::{Content, Entry, EntryString, StringEdit};
use crate::error::Error;
use crate::event::Event;
use crate::expiry::Expiry;
use crate::key::Key;
use crate::keyspace::{Found, Keyspace, try_entry};
use crate::options::Options;
use crate::totals::Totals;
use crate::value::StringRef;
use core::hash::BuildHasher;
use dict::table::{self, OccupiedEntry};
use values::string::{self, LongDouble};
use values::{Element, ObjectType, OwnedElement, WrongType};

/// The condition under which `SET` writes a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetCondition<'a> {
    /// Always.
    #[default]
    Always,
    /// If there is no such key. In C: `NX`.
    IfAbsent,
    /// If there is such a key. In C: `XX`.
    IfPresent,
    /// If there is such a key and its value equals this one. In C: `IFEQ`, of Valkey 8.1 and Redis 8.4.
    IfEqual(&'a [u8]),
    /// If there is no such key, or its value differs from this one. In C: `IFNE`, of Redis 8.4.
    IfDifferent(&'a [u8]),
}

/// What `SET` does with the expiry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SetExpiry {
    /// The key does not expire.
    #[default]
    Clear,
    /// An existing expiry is kept. In C: `KEEPTTL`.
    Keep,
    /// The key gets this expiry. In C: `EX`, `PX`, `EXAT`, `PXAT`.
    To(Expiry),
}

/// The options of `SET`.
///
/// ```
/// use keyspace::{Expiry, Keyspace, SetCondition, SetExpiry, SetOptions, Ttl};
/// let mut keyspace = Keyspace::new();
/// let lock = SetOptions {
///     condition: SetCondition::IfAbsent,
///     expiry: SetExpiry::To(Expiry::InSeconds(10)),
///     ..SetOptions::default()
/// };
/// assert!(keyspace.set_with("lock", "me", &lock, 0)?.is_set);
/// assert!(!keyspace.set_with("lock", "you", &lock, 9_999)?.is_set);
/// assert!(keyspace.set_with("lock", "you", &lock, 10_000)?.is_set);
/// assert_eq!(keyspace.ttl("lock", 10_000), Ttl::Millis(10_000));
/// # Ok::<(), keyspace::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetOptions<'a> {
    /// The condition under which the key is written.
    pub condition: SetCondition<'a>,
    /// The new expiry.
    pub expiry: SetExpiry,
    /// Whether the old string is returned, even if nothing is set. In C: `GET`.
    pub get: bool,
}

/// The result of `SET`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "the conditions may not have allowed the write"]
pub struct SetOutcome {
    /// Whether the condition allowed the write. The key then has the new value, unless its expiry has already
    /// passed.
    pub is_set: bool,
    /// The old string, if there was one and [`SetOptions::get`] is set.
    pub old: Option<OwnedElement>,
}

impl<S: BuildHasher> Keyspace<S> {
    /// Returns the string of a key. O(1).
    ///
    /// # Errors
    /// [`WrongType`] if the value is not a string.
    ///
    /// ```
    /// # let mut keyspace = keyspace::Keyspace::new();
    /// keyspace.set("name", "redcore", 0)?;
    /// assert_eq!(keyspace.get_string("name", 0)?.unwrap(), b"redcore");
    /// assert!(keyspace.get_string("other", 0)?.is_none());
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    #[inline]
    pub fn get_string<'k>(
        &self,
        key: impl Into<Key<'k>>,
        now: u64,
    ) -> Result<Option<StringRef<'_>>, WrongType> {
        self.access(&key.into(), now).map(|entry| StringRef::of(entry, &self.reading)).transpose()
    }

    /// Appends the string of a key to `out`, and returns whether there is such a key. O(len). In C: `GET`.
    ///
    /// ```
    /// # let mut keyspace = keyspace::Keyspace::new();
    /// keyspace.set("name", "redcore", 0)?;
    /// let mut reply = b"+".to_vec();
    /// assert!(keyspace.get_into("name", &mut reply, 0)?);
    /// assert_eq!(reply, b"+redcore");
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`WrongType`]; no memory. Then `out` is as it was.
    #[inline]
    pub fn get_into<'k>(&self, key: impl Into<Key<'k>>, out: &mut Vec<u8>, now: u64) -> Result<bool, Error> {
        let Some(string) = self.get_string(key, now)? else { return Ok(false) };
        string.append_to(out)?;
        Ok(true)
    }

    /// Returns the length of a key's string in bytes, or 0 if there is no such key. The length of an integer
    /// is that of its decimal form, which is not written out. O(1). In C: `STRLEN`.
    ///
    /// # Errors
    /// [`WrongType`] if the value is not a string.
    pub fn strlen<'k>(&self, key: impl Into<Key<'k>>, now: u64) -> Result<usize, WrongType> {
        Ok(self.get_string(key, now)?.map_or(0, StringRef::len))
    }

    /// Sets the string of a key. Replaces the key's value and expiry. O(len), plus the time to drop the old
    /// value. In C: `SET`.
    ///
    /// The decimal text of an integer is stored as an integer. A string of up to 1,024 bytes lies in the
    /// entry's own block, and so do the codes of a [coded string](Self::set_symbols). The new string is
    /// written in place if it needs a block of the same size as the old one.
    ///
    /// # Errors
    /// [`Error::KeyTooLong`]; no memory. The key is then as it was.
    #[inline]
    pub fn set<'k, 'e>(
        &mut self,
        key: impl Into<Key<'k>>,
        value: impl Into<Element<'e>>,
        now: u64,
    ) -> Result<(), Error> {
        let (key, value) = (key.into(), value.into());
        let hash = self.hash_of(&key);
        if self.limits_writes() && !self.try_use_allowance(&key, value) {
            return self.set_at_limit(&key, hash, value, now);
        }
        self.set_hashed(&key, hash, value, now)
    }

    /// Does the same as [`set`](Self::set), but makes room first.
    #[inline(never)]
    fn set_at_limit(&mut self, key: &Key<'_>, hash: u64, value: Element<'_>, now: u64) -> Result<(), Error> {
        self.make_room_for(key, hash, Entry::size_of_string(key.plain_layout(), false, value), now)?;
        self.set_hashed(key, hash, value, now)?;
        self.evict_excess(key, hash, now);
        self.renew_allowance();
        Ok(())
    }

    /// Does the same as [`set`](Self::set), but makes no room.
    #[inline]
    fn set_hashed(&mut self, key: &Key<'_>, hash: u64, value: Element<'_>, now: u64) -> Result<(), Error> {
        if self.coder.is_on() {
            return self.set_coding(key, hash, value, now);
        }
        self.set_plain(key, hash, value, now)
    }

    /// Does the same as [`set`](Self::set), and codes the value if its block becomes smaller.
    #[inline(never)]
    fn set_coding(&mut self, key: &Key<'_>, hash: u64, value: Element<'_>, now: u64) -> Result<(), Error> {
        self.with_codes((key, hash), false, value, |keyspace, content| {
            let content = content.map_or_else(|| Content::try_string(value), Ok)?;
            keyspace.set_content(key, hash, content, now)
        })
    }

    /// Does the same as [`set`](Self::set), with a content that is ready to be written.
    fn set_content(&mut self, key: &Key<'_>, hash: u64, content: Content<'_>, now: u64) -> Result<(), Error> {
        match try_entry(&mut self.table, &self.hasher, &self.reading.tables, (key, hash))? {
            table::Entry::Vacant(place) => {
                let clock = Access::at(&self.options, now).initial();
                let coding = (&mut self.coder, &self.reading.tables);
                Ok(add_coding(&mut self.totals, coding, place, (key.bytes(), hash), (None, clock), content)?)
            }
            table::Entry::Occupied(entry) => {
                if set_present(entry, &mut self.totals, &self.options, (key, hash), content, now)? {
                    self.code_new_key(key, hash);
                }
                Ok(())
            }
        }
    }

    /// Does the same as [`set`](Self::set), but never codes the value.
    #[inline(always)]
    fn set_plain(&mut self, key: &Key<'_>, hash: u64, value: Element<'_>, now: u64) -> Result<(), Error> {
        match try_entry(&mut self.table, &self.hasher, &self.reading.tables, (key, hash))? {
            table::Entry::Vacant(place) => {
                let clock = Access::at(&self.options, now).initial();
                let content = Content::try_string(value)?;
                self.totals.add_new(place, (key.bytes(), hash), None, clock, content)?;
                self.code_new_key(key, hash);
                Ok(())
            }
            table::Entry::Occupied(mut entry) => {
                // If the old string has the same length, the key has no expiry, and the entry is saved,
                // `overwrite` changes only the bytes.
                if let Element::Bytes(bytes) = value
                    && value.as_i64().is_none()
                    && entry.get_mut().overwrite(bytes, self.totals.snapshot.bit())
                {
                    Access::write_at(&self.options, now).touch(entry.get().view(), hash);
                    self.totals.notify(Event::Set(key.bytes()));
                    return Ok(());
                }
                let content = Content::try_string(value)?;
                if set_present(entry, &mut self.totals, &self.options, (key, hash), content, now)? {
                    self.code_new_key(key, hash);
                }
                Ok(())
            }
        }
    }

    /// Does the same as [`set`](Self::set), with all options of `SET`. An expiry that has already passed
    /// removes the key.
    ///
    /// # Errors
    /// [`WrongType`] if `get`, `IfEqual` or `IfDifferent` is used and the value is not a string;
    /// [`Error::InvalidExpireTime`]; [`Error::KeyTooLong`]; no memory.
    pub fn set_with<'k, 'e>(
        &mut self,
        key: impl Into<Key<'k>>,
        value: impl Into<Element<'e>>,
        options: &SetOptions<'_>,
        now: u64,
    ) -> Result<SetOutcome, Error> {
        let (key, value) = (key.into(), value.into());
        let at = match options.expiry {
            SetExpiry::To(expiry) => Some(expiry.positive_at(now)?),
            SetExpiry::Clear | SetExpiry::Keep => None,
        };
        let hash = self.hash_of(&key);
        self.make_room_for(&key, hash, Entry::size_of_string(key.plain_layout(), true, value), now)?;
        let expires = match options.expiry {
            SetExpiry::Keep => self.coder.is_on() && self.find(hash, &key, now).is_some_and(Entry::expires),
            SetExpiry::Clear | SetExpiry::To(_) => at.is_some(),
        };
        let outcome = if options.condition == SetCondition::Always {
            self.with_codes((&key, hash), expires, value, |keyspace, codes| {
                keyspace.set_with_hashed(&key, hash, (value, codes), (options, at), now)
            })
        } else {
            // The condition may refuse the write, so the string is coded afterwards.
            let outcome = self.set_with_hashed(&key, hash, (value, None), (options, at), now);
            if outcome.as_ref().is_ok_and(|outcome| outcome.is_set) {
                self.code_written(&key, hash);
            }
            outcome
        };
        self.evict_excess(&key, hash, now);
        outcome
    }

    fn set_with_hashed(
        &mut self,
        key: &Key<'_>,
        hash: u64,
        (value, codes): (Element<'_>, Option<Content<'_>>),
        (options, at): (&SetOptions<'_>, Option<u64>),
        now: u64,
    ) -> Result<SetOutcome, Error> {
        let try_content = || codes.map_or_else(|| Content::try_string(value), Ok);
        let (found, totals, settings) = self.find_or_vacant(hash, key, now)?;
        let mut outcome = SetOutcome::default();
        match found {
            Found::Live(mut entry) => {
                if options.get {
                    outcome.old = Some(totals.tables().try_to_owned(entry.get().string()?)?);
                }
                outcome.is_set = match options.condition {
                    SetCondition::Always | SetCondition::IfPresent => true,
                    SetCondition::IfAbsent => false,
                    SetCondition::IfEqual(old) => {
                        totals.tables().is_equal(entry.get().string()?, Element::Bytes(old))
                    }
                    SetCondition::IfDifferent(old) => {
                        !totals.tables().is_equal(entry.get().string()?, Element::Bytes(old))
                    }
                };
                if !outcome.is_set {
                    return Ok(outcome);
                }
                if at.is_some_and(|at| at <= now) {
                    totals.drop_key(entry, totals.lazyfree.lazy.expire);
                    return Ok(outcome);
                }
                let expiry = if options.expiry == SetExpiry::Keep { entry.get().expiry() } else { at };
                totals.try_set(&mut entry, expiry, try_content()?)?;
                Access::write_at(settings, now).touch(entry.get().view(), hash);
                totals.notify(Event::Set(key.bytes()));
            }
            Found::Absent(place) => {
                outcome.is_set =
                    !matches!(options.condition, SetCondition::IfPresent | SetCondition::IfEqual(_));
                if !outcome.is_set || at.is_some_and(|at| at <= now) {
                    return Ok(outcome);
                }
                let clock = Access::at(settings, now).initial();
                totals.add_new(place, (key.bytes(), hash), at, clock, try_content()?)?;
                self.code_new_key(key, hash);
            }
        }
        Ok(outcome)
    }

    /// Returns the string of a key and sets the key's expiry. `None` removes the expiry. In C: `GETEX` with
    /// `EX`, `PX`, `EXAT`, `PXAT` or `PERSIST`.
    ///
    /// # Errors
    /// [`WrongType`]; [`Error::InvalidExpireTime`]; no memory.
    pub fn get_expire<'k>(
        &mut self,
        key: impl Into<Key<'k>>,
        expiry: Option<Expiry>,
        now: u64,
    ) -> Result<Option<OwnedElement>, Error> {
        let key = key.into();
        let hash = self.hash_of(&key);
        let adds_expiry = expiry.is_some();
        self.make_room_in(&key, hash, now, |entry| {
            entry.map_or(0, |entry| entry.growth_by_expiry(adds_expiry))
        })?;
        let Some((mut entry, totals, settings)) = self.find_mut(hash, &key, now) else { return Ok(None) };
        let string = entry.get().string()?;
        let at = expiry.map(|expiry| expiry.positive_at(now)).transpose()?;
        let string = totals.tables().try_to_owned(string)?;
        if at.is_some_and(|at| at <= now) {
            totals.drop_key(entry, totals.lazyfree.lazy.expire);
            return Ok(Some(string));
        }
        let access = if entry.get().expiry() == at {
            Access::read_at(settings, now)
        } else {
            totals.change(&mut entry, |entry, total_bytes| entry.try_set_expiry(at, total_bytes))?;
            totals.notify(Event::Changed(key.bytes()));
            Access::write_at(settings, now)
        };
        access.touch(entry.get().view(), hash);
        self.evict_excess(&key, hash, now);
        Ok(Some(string))
    }

    /// Removes a key and returns its string. In C: `GETDEL`.
    ///
    /// # Errors
    /// [`WrongType`], or no memory for the copy. The key then still exists.
    pub fn get_remove<'k>(
        &mut self,
        key: impl Into<Key<'k>>,
        now: u64,
    ) -> Result<Option<OwnedElement>, Error> {
        let key = key.into();
        let Some((entry, totals, _)) = self.find_mut(self.hash_of(&key), &key, now) else { return Ok(None) };
        let string = totals.tables().try_to_owned(entry.get().string()?)?;
        totals.drop_key(entry, totals.lazyfree.lazy.user_del);
        Ok(Some(string))
    }

    /// Calls `f` with the string of a key, which the operations of [`values::string`] change in place. If
    /// there is no such key, `f` gets an empty string. If `f` then fails or leaves the string empty, no key
    /// is created.
    ///
    /// ```
    /// use keyspace::Keyspace;
    /// use values::{EncodingLimits, string};
    /// let (mut keyspace, limits) = (Keyspace::new(), EncodingLimits::DEFAULT);
    /// keyspace.edit_string("bits", 0, |bits| string::try_set_bit(bits, 7, true, &limits))?;
    /// assert_eq!(keyspace.get_string("bits", 0)?.unwrap(), b"\x01");
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    ///
    /// # Errors
    /// The error that `f` returns; [`WrongType`]; [`Error::KeyTooLong`]; no memory for a new key. A [coded
    /// string](Self::set_symbols) is decoded before `f` is called. This can fail because there is no memory
    /// for the text, or with [`Error::MaxmemoryReached`].
    pub fn edit_string<'k, T, E: Into<Error>>(
        &mut self,
        key: impl Into<Key<'k>>,
        now: u64,
        f: impl FnOnce(&mut StringEdit<'_>) -> Result<T, E>,
    ) -> Result<T, Error> {
        let key = key.into();
        let hash = self.hash_of(&key);
        self.begin_write();
        let was_coded = self.decode_before_edit(&key, hash, now)?;
        let mut guard = RemoveIfEmpty::new(self, &key, hash);
        if let Some((entry, totals, state)) = guard.find(now) {
            let old_len = was_coded.then(|| string_len(entry));
            let result = edit_found_string(entry, totals, state, f);
            let has_grown = old_len.is_some_and(|old_len| string_len(entry) > old_len);
            drop(guard);
            self.code_edited(&key, hash, EditOutcome { was_coded, has_grown, has_failed: result.is_err() });
            self.evict_excess(&key, hash, now);
            return result;
        }
        drop(guard);
        key.check()?;
        let clock = Access::at(&self.options, now).initial();
        let mut entry = Entry::try_new(key.bytes(), None, clock, Content::Bytes(b""))?;
        // These bytes are added to the totals when the entry is in the table.
        let mut total_bytes = entry.allocation_size();
        let result = f(&mut StringEdit::new(&mut entry, &mut total_bytes)).map_err(Into::into)?;
        if entry.string().is_ok_and(|string| !string.is_empty()) {
            self.add_absent_entry(hash, (entry, total_bytes), &key, now)?;
        }
        Ok(result)
    }

    /// Appends bytes to a string and returns the new length. If there is no such key, it is created with
    /// `bytes`, even if they are empty. Amortised O(length of `bytes`). In C: `APPEND`.
    ///
    /// # Errors
    /// [`WrongType`]; [`TooLong`](values::string::StringError::TooLong); [`Error::KeyTooLong`]; no memory.
    pub fn append<'k>(&mut self, key: impl Into<Key<'k>>, bytes: &[u8], now: u64) -> Result<usize, Error> {
        let (key, limits) = (key.into(), *self.options.encoding_limits());
        if bytes.is_empty() && self.peek(&key, now).is_none() {
            return self.set(key, bytes, now).map(|()| 0);
        }
        self.make_room_for_string(&key, (None, bytes.len()), true, now)?;
        self.edit_string(key, now, |string| string::try_append(string, bytes, &limits))
    }

    /// Overwrites a string with `bytes` from `offset` on, and returns the new length. In C: `SETRANGE`.
    ///
    /// # Errors
    /// [`WrongType`]; [`TooLong`](values::string::StringError::TooLong); [`Error::KeyTooLong`]; no memory.
    pub fn set_range<'k>(
        &mut self,
        key: impl Into<Key<'k>>,
        offset: usize,
        bytes: &[u8],
        now: u64,
    ) -> Result<usize, Error> {
        let (key, limits) = (key.into(), *self.options.encoding_limits());
        self.make_room_for_string(&key, (Some(offset.saturating_add(bytes.len())), bytes.len()), false, now)?;
        self.edit_string(key, now, |string| string::try_set_range(string, offset, bytes, &limits))
    }

    /// Makes room for a string that becomes `end` bytes long. If `end` is `None`, the string becomes longer
    /// by `added` bytes. If `with_spare` is set, the string also gets spare room to grow into. No room is
    /// made for an operation that will be refused.
    fn make_room_for_string(
        &mut self,
        key: &Key<'_>,
        (end, added): (Option<usize>, usize),
        with_spare: bool,
        now: u64,
    ) -> Result<(), Error> {
        let len_max = self.options.encoding_limits().proto_max_bulk_len;
        self.make_room_in(key, self.hash_of(key), now, |entry| {
            let Ok(old) = entry.map_or(Ok(0), |entry| entry.string().map(EntryString::len)) else { return 0 };
            let new_len = end.unwrap_or(old.saturating_add(added));
            let is_coded = entry.is_some_and(|entry| matches!(entry.string(), Ok(EntryString::Coded(_))));
            // A coded string is decoded before an edit, so it needs room even if it does not grow.
            if new_len > len_max || !is_coded && (added == 0 || new_len <= old) {
                return 0;
            }
            let new_len = new_len.max(old);
            match entry {
                Some(entry) => entry.growth_of_string(new_len, with_spare),
                None => Entry::size_of_len(key.plain_layout(), false, new_len, with_spare),
            }
        })
    }

    /// Adds to an integer and returns the sum. A key that does not exist counts as 0. The expiry stays. In C:
    /// `INCRBY`, `INCR`, `DECR`.
    ///
    /// ```
    /// # let mut keyspace = keyspace::Keyspace::new();
    /// assert_eq!(keyspace.incr_by("visits", 3, 0)?, 3);
    /// assert_eq!(keyspace.incr_by("visits", -1, 0)?, 2);
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`WrongType`]; the string is not an integer, or the sum does not fit; [`Error::KeyTooLong`]; no
    /// memory.
    pub fn incr_by<'k>(&mut self, key: impl Into<Key<'k>>, increment: i64, now: u64) -> Result<i64, Error> {
        let (key, longest) = (key.into(), Element::Int(i64::MIN));
        let (size, hash) = (Entry::size_of_string(key.plain_layout(), true, longest), self.hash_of(&key));
        self.make_room_for(&key, hash, size, now)?;
        let sum = self.replace_string(&key, now, |old| {
            let sum = string::incr_by(old, increment)?;
            Ok((Content::Int(sum), sum))
        });
        self.evict_excess(&key, hash, now);
        sum
    }

    /// Adds to a number and returns the sum. The key then has the text of the sum as its value. A key that
    /// does not exist counts as 0. The expiry stays. In C: `INCRBYFLOAT`.
    ///
    /// # Errors
    /// [`WrongType`]; the string is not a number, or the sum is not finite; [`Error::KeyTooLong`]; no memory.
    pub fn incr_by_float<'k>(
        &mut self,
        key: impl Into<Key<'k>>,
        increment: impl Into<LongDouble>,
        now: u64,
    ) -> Result<LongDouble, Error> {
        let key = key.into();
        let mut buffer = Vec::new();
        let old = match self.peek(&key, now) {
            Some(entry) => self.reading.tables.element(entry.string()?, &mut buffer)?,
            None => Element::Int(0),
        };
        let sum = string::incr_by_float(old, increment)?;
        let text = sum.with_text(sds::Sds::try_from_bytes)?;
        let hash = self.hash_of(&key);
        let size = Entry::size_of_string(key.plain_layout(), true, Element::Bytes(&text));
        self.make_room_for(&key, hash, size, now)?;
        let written =
            self.replace_string(&key, now, |_old| Ok((Content::try_string(Element::Bytes(&text))?, sum)));
        self.evict_excess(&key, hash, now);
        written
    }

    /// Replaces a string with a content that `make` makes from it. `make` gets 0 if there is no such key. The
    /// expiry stays.
    fn replace_string<'c, T>(
        &mut self,
        key: &Key<'_>,
        now: u64,
        make: impl FnOnce(Element<'_>) -> Result<(Content<'c>, T), Error>,
    ) -> Result<T, Error> {
        let hash = self.hash_of(key);
        let (found, totals, settings) = self.find_or_vacant(hash, key, now)?;
        match found {
            Found::Live(mut entry) => {
                let mut buffer = Vec::new();
                let old = totals.tables().element(entry.get().string()?, &mut buffer)?;
                let (content, result) = make(old)?;
                totals.change(&mut entry, |entry, total_bytes| {
                    entry.try_set(entry.expiry(), content, total_bytes)
                })?;
                Access::write_at(settings, now).touch(entry.get().view(), hash);
                totals.notify(Event::Changed(key.bytes()));
                Ok(result)
            }
            Found::Absent(place) => {
                let (content, result) = make(Element::Int(0))?;
                let clock = Access::at(settings, now).initial();
                totals.add_new(place, (key.bytes(), hash), None, clock, content)?;
                self.code_new_key(key, hash);
                Ok(result)
            }
        }
    }
}

/// Does the same as [`Keyspace::set`] for an entry that exists. If it has expired, it is replaced by a new
/// entry with a plain key, and the result is `true`.
#[inline(never)]
fn set_present(
    mut entry: OccupiedEntry<'_, Entry>,
    totals: &mut Totals,
    options: &Options,
    (key, hash): (&Key<'_>, u64),
    content: Content<'_>,
    now: u64,
) -> Result<bool, Error> {
    if entry.get().is_expired(now) {
        let place = totals.take_expired(entry);
        let clock = Access::at(options, now).initial();
        totals.add_new(place, (key.bytes(), hash), None, clock, content)?;
        return Ok(true);
    }
    totals.try_set(&mut entry, None, content)?;
    Access::write_at(options, now).touch(entry.get().view(), hash);
    totals.notify(Event::Set(key.bytes()));
    Ok(false)
}

/// Returns the length of an entry's string, or 0 if the value is a collection.
pub(crate) fn string_len(entry: &Entry) -> usize {
    entry.string().map_or(0, EntryString::len)
}

/// Calls `f` with the string of an entry. For `state`, see [`RemoveIfEmpty`].
pub(crate) fn edit_found_string<T, E: Into<Error>>(
    entry: &mut Entry,
    totals: &mut Totals,
    state: &mut Edit,
    f: impl FnOnce(&mut StringEdit<'_>) -> Result<T, E>,
) -> Result<T, Error> {
    WrongType::check(ObjectType::String, entry.object_type())?;
    *state = Edit::Done { is_empty: false }; // an empty string is a value
    f(&mut StringEdit::new(entry, &mut totals.entry_bytes)).map_err(Into::into)
}
