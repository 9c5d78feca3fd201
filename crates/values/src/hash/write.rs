//! Changing a hash, and its conversion to a hash table.
//!
//! A listpack becomes a hash table with the first write
//!
//! - of a field or value of more than `hash_max_listpack_value` bytes, whether the field is new or not;
//! - after which there would be more than `hash_max_listpack_entries` fields;
//! - of more pairs than that at once, even if they all have the same field, because the fields are not
//!   compared first;
//! - for which the list would be longer than a list may be.
//!
//! The table is built beside the list, with the new pair in it, and replaces the list when it is complete.
//!
//! Learned from: Redis' `t_hash.c` (`hashTypeTryConversion`, `hashTypeSet`).

use super::read::find;
use super::{Hash, HashError, Repr};
use crate::element::Element;
use crate::error::{Error, StringError};
use crate::hashtable::{StringBlock, StringTable};
use crate::limits::EncodingLimits;
use crate::string::{self, LongDouble};
use common::Room;
use listpack::{ListPack, View};
use zmalloc::{ReserveError, or_oom};

/// Returns whether a pair may be in a listpack that then has `len` fields.
fn fits((field, value): (Element<'_>, Element<'_>), len: usize, limits: &EncodingLimits) -> bool {
    let longest = field.len().max(value.len());
    longest <= limits.hash_max_listpack_value && len <= limits.hash_max_listpack_entries
}

/// Writes the value of the field at `offset`, or adds the pair if there is no `offset`. Returns whether the
/// field is new.
fn try_write<R: Room>(
    list: &mut ListPack<R>,
    offset: Option<listpack::Offset>,
    (field, value): (Element<'_>, Element<'_>),
) -> Result<bool, ReserveError> {
    let Some(offset) = offset else {
        return list.try_extend([field.packed(), value.packed()]).map(|()| true);
    };
    match list.next(offset) {
        Some(offset) => list.try_replace(offset, value.packed()).map(|_| false),
        None => list.try_push_back(value.packed()).map(|()| false), // a damaged list may end with a field
    }
}

impl<R: Room> Hash<R> {
    /// Sets the value of `field` and returns whether the field is new. O(1) on average in a hash table,
    /// O(n) in a listpack. In C: `hashTypeSet`; `HSET`.
    ///
    /// In a hash table, a value that needs a block of the same size as the old one replaces it without an
    /// allocation.
    pub fn try_insert<'e>(
        &mut self,
        field: impl Into<Element<'e>>,
        value: impl Into<Element<'e>>,
        limits: &EncodingLimits,
    ) -> Result<bool, ReserveError> {
        let (field, value) = (field.into(), value.into());
        match &mut self.0 {
            Repr::HashTable(members) => members.try_set(&field.text(), &value.text()),
            Repr::ListPack(list) => {
                let offset = find(list, &field.text());
                if fits((field, value), list.len() / 2 + usize::from(offset.is_none()), limits) {
                    match try_write(list, offset, (field, value)) {
                        Err(ReserveError::TooLong { .. }) => {} // too long for any list, so a table is needed
                        result => return result,
                    }
                }
                let mut members = try_to_table(list)?;
                let new = members.try_set(&field.text(), &value.text())?;
                self.0 = Repr::HashTable(members);
                Ok(new)
            }
        }
    }

    /// Adds a field and a value of these lengths, and returns whether the field is new. If the field
    /// exists, it is not changed.
    ///
    /// `fill` writes both into their places. So a caller that decompresses them needs no second copy. The
    /// hash becomes a hash table, so this is for a field or a value of more than `hash_max_listpack_value`
    /// bytes. For others use [`try_insert`](Self::try_insert).
    ///
    /// ```
    /// use values::{Collection, Encoding, Hash, ReserveError};
    /// let mut hash = Hash::new();
    /// let fill = |[field, value]: [&mut [u8]; 2]| {
    ///     field.copy_from_slice(b"name");
    ///     value.fill(b'x');
    ///     Ok::<(), ReserveError>(())
    /// };
    /// assert!(hash.try_insert_with([4, 1_000], fill)?);
    /// assert!(!hash.try_insert_with([4, 2_000], fill)?);
    /// assert_eq!(hash.get("name").map(|value| value.len()), Some(1_000));
    /// assert_eq!(hash.encoding(), Encoding::HashTable);
    /// # Ok::<(), ReserveError>(())
    /// ```
    ///
    /// # Errors
    /// The error of `fill`, or that of an allocation. The hash is then unchanged.
    pub fn try_insert_with<E: From<ReserveError>>(
        &mut self,
        lens: [usize; 2],
        fill: impl FnOnce([&mut [u8]; 2]) -> Result<(), E>,
    ) -> Result<bool, E> {
        let pair = StringBlock::try_new_with(lens, fill)?;
        let list = match &mut self.0 {
            Repr::HashTable(members) => return Ok(members.try_insert_block(pair)?),
            Repr::ListPack(list) => list,
        };
        let mut members = try_to_table(list)?;
        let is_new = members.try_insert_block(pair)?;
        self.0 = Repr::HashTable(members);
        Ok(is_new)
    }

    /// Does the same as [`try_insert`](Self::try_insert), but calls the OOM handler if there is no memory.
    pub fn insert<'e>(
        &mut self,
        field: impl Into<Element<'e>>,
        value: impl Into<Element<'e>>,
        limits: &EncodingLimits,
    ) -> bool {
        or_oom(self.try_insert(field, value, limits))
    }

    /// Sets the value of `field` if the field does not exist, and returns whether it did so. If the field
    /// exists, neither its value nor the encoding changes. In C: `HSETNX`.
    pub fn try_insert_absent<'e>(
        &mut self,
        field: impl Into<Element<'e>>,
        value: impl Into<Element<'e>>,
        limits: &EncodingLimits,
    ) -> Result<bool, ReserveError> {
        let field = field.into();
        if self.contains_key(field) { Ok(false) } else { self.try_insert(field, value, limits) }
    }

    /// Does the same as [`try_insert_absent`](Self::try_insert_absent), but calls the OOM handler if there
    /// is no memory.
    pub fn insert_absent<'e>(
        &mut self,
        field: impl Into<Element<'e>>,
        value: impl Into<Element<'e>>,
        limits: &EncodingLimits,
    ) -> bool {
        or_oom(self.try_insert_absent(field, value, limits))
    }

    /// Sets the values of all fields, or of none on failure, and returns how many fields are new. If a
    /// field occurs twice, the last value counts. In C: `HSET` with several pairs, `HMSET`.
    ///
    /// ```
    /// use values::{Collection, Element, EncodingLimits, Hash};
    /// let mut hash = Hash::new();
    /// let pairs = [("name", "redcore"), ("year", "2026"), ("year", "2027")];
    /// let pairs = pairs.map(|(field, value)| (field.as_bytes().into(), value.as_bytes().into()));
    /// assert_eq!(hash.insert_many(&pairs, &EncodingLimits::DEFAULT), 2);
    /// assert_eq!(hash.get(&b"year"[..]), Some(Element::Int(2027)));
    /// ```
    pub fn try_insert_many(
        &mut self,
        pairs: &[(Element<'_>, Element<'_>)],
        limits: &EncodingLimits,
    ) -> Result<usize, ReserveError> {
        match &mut self.0 {
            Repr::HashTable(members) => members.try_set_many(pairs),
            Repr::ListPack(list) => {
                if pairs.iter().all(|&pair| fits(pair, pairs.len(), limits)) {
                    // The changes are made in a copy, which is small.
                    let mut copy = Hash(Repr::ListPack(list.try_to_owned()?));
                    let mut new = 0;
                    for &(field, value) in pairs {
                        new += usize::from(copy.try_insert(field, value, limits)?);
                    }
                    match copy.0 {
                        Repr::ListPack(copy) => list.try_assign(copy)?,
                        Repr::HashTable(members) => self.0 = Repr::HashTable(members),
                    }
                    return Ok(new);
                }
                let mut members = try_to_table(list)?;
                let new = members.try_set_many(pairs)?;
                self.0 = Repr::HashTable(members);
                Ok(new)
            }
        }
    }

    /// Does the same as [`try_insert_many`](Self::try_insert_many), but calls the OOM handler if there is
    /// no memory.
    pub fn insert_many(&mut self, pairs: &[(Element<'_>, Element<'_>)], limits: &EncodingLimits) -> usize {
        or_oom(self.try_insert_many(pairs, limits))
    }

    /// Prepares for `size_hint` fields that are about to be added. If they are more than a listpack may
    /// have, the hash becomes a hash table. In C: part of `rdbLoadObject`.
    ///
    /// ```
    /// use values::{Collection, Encoding, EncodingLimits, Hash};
    /// let (limits, mut hash) = (EncodingLimits::DEFAULT, Hash::new());
    /// hash.try_convert_for(512, &limits)?;
    /// assert_eq!(hash.encoding(), Encoding::ListPack);
    /// hash.try_convert_for(513, &limits)?;
    /// assert_eq!(hash.encoding(), Encoding::HashTable);
    /// # Ok::<(), values::ReserveError>(())
    /// ```
    pub fn try_convert_for(&mut self, size_hint: usize, limits: &EncodingLimits) -> Result<(), ReserveError> {
        if let Repr::ListPack(list) = &self.0
            && size_hint > limits.hash_max_listpack_entries
        {
            self.0 = Repr::HashTable(try_to_table(list)?);
        }
        Ok(())
    }

    /// Removes `field` and returns whether it existed. O(1) on average in a hash table, O(n) in a listpack.
    /// In C: `hashTypeDelete`; `HDEL`.
    pub fn remove<'e>(&mut self, field: impl Into<Element<'e>>) -> bool {
        let field = field.into();
        match &mut self.0 {
            Repr::HashTable(members) => members.remove(&field.text()).is_some(),
            Repr::ListPack(list) => {
                let Some(offset) = find(list, &field.text()) else { return false };
                list.remove_run(offset, 2) > 0
            }
        }
    }

    /// Adds `increment` to the field's integer and returns the sum. A missing field counts as 0. In C:
    /// `HINCRBY`.
    ///
    /// ```
    /// use values::{EncodingLimits, Hash, hash::HashError};
    /// let (limits, mut hash) = (EncodingLimits::DEFAULT, Hash::new());
    /// assert_eq!(hash.incr_by(&b"visits"[..], 3, &limits), Ok(3));
    /// assert_eq!(hash.incr_by(&b"visits"[..], i64::MAX, &limits), Err(HashError::Overflow { value: 3 }));
    /// ```
    pub fn incr_by<'e>(
        &mut self,
        field: impl Into<Element<'e>>,
        increment: i64,
        limits: &EncodingLimits,
    ) -> Result<i64, HashError> {
        Error::or_oom(self.try_incr_by(field, increment, limits))
    }

    /// Does the same as [`incr_by`](Self::incr_by), but returns an error if an allocation fails.
    pub fn try_incr_by<'e>(
        &mut self,
        field: impl Into<Element<'e>>,
        increment: i64,
        limits: &EncodingLimits,
    ) -> Result<i64, HashError> {
        let field = field.into();
        let sum =
            string::incr_by(self.get(field).unwrap_or(Element::Int(0)), increment).map_err(hash_error)?;
        self.try_insert(field, sum, limits)?;
        Ok(sum)
    }

    /// Adds `increment` to the field's number and returns the sum. A missing field counts as 0. The value
    /// becomes the text of the sum: see [`LongDouble`]. In C: `HINCRBYFLOAT`.
    pub fn incr_by_float<'e>(
        &mut self,
        field: impl Into<Element<'e>>,
        increment: impl Into<LongDouble>,
        limits: &EncodingLimits,
    ) -> Result<LongDouble, HashError> {
        Error::or_oom(self.try_incr_by_float(field, increment, limits))
    }

    /// Does the same as [`incr_by_float`](Self::incr_by_float), but returns an error if an allocation fails.
    pub fn try_incr_by_float<'e>(
        &mut self,
        field: impl Into<Element<'e>>,
        increment: impl Into<LongDouble>,
        limits: &EncodingLimits,
    ) -> Result<LongDouble, HashError> {
        let field = field.into();
        let sum = string::incr_by_float(self.get(field).unwrap_or(Element::Int(0)), increment)
            .map_err(hash_error)?;
        sum.with_text(|text| self.try_insert(field, text, limits))?;
        Ok(sum)
    }
}

/// Converts the error of arithmetic on a field's value.
fn hash_error(error: StringError) -> HashError {
    match error {
        StringError::NotAnInteger => HashError::NotAnInteger,
        StringError::Overflow { value } => HashError::Overflow { value },
        StringError::NotAFloat => HashError::NotAFloat,
        StringError::NotFinite => HashError::NotFinite,
        StringError::Reserve(error) => HashError::Reserve(error),
        StringError::TooLong { .. } | StringError::BitOffset { .. } => {
            unreachable!("not an error of arithmetic")
        }
    }
}

/// Returns a hash table with the list's pairs.
#[cold]
fn try_to_table(list: &View) -> Result<StringTable<2>, ReserveError> {
    let mut members = StringTable::try_new()?;
    let mut iter = list.iter().map(Element::from_packed);
    while let Some((field, value)) = iter.next().zip(iter.next()) {
        members.try_set(&field.text(), &value.text())?;
    }
    Ok(members)
}
