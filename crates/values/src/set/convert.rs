//! The rules by which a set changes its encoding. They are those of Redis 7.4, so that `OBJECT ENCODING` is
//! the same after each command.
//!
//! ```text
//!  intset    -- an integer too many ----------------------------------> hashtable
//!            -- a member that is not an integer: few, short members ---> listpack
//!                                                otherwise ------------> hashtable
//!  listpack  -- a member too many, or too long ------------------------> hashtable
//! ```
//!
//! A conversion builds the new structure, with the new member in it, beside the old one, and then replaces
//! the old one. So a failure leaves the old one as it was.

use super::{Repr, Set};
use crate::element::Element;
use crate::hashtable::StringTable;
use crate::limits::EncodingLimits;
use common::Room;
use intset::IntSet;
use listpack::{ListPack, Value, integer};
use zmalloc::ReserveError;

/// The largest number of integers of an intset, whatever the limits are. In C: `intsetMaxEntries`.
const INTSET_ENTRIES_MAX: usize = 1 << 30;

pub(super) fn intset_entries_max(limits: &EncodingLimits) -> usize {
    limits.set_max_intset_entries.min(INTSET_ENTRIES_MAX)
}

pub(super) fn intset_takes_one_more(set: &intset::View, limits: &EncodingLimits) -> bool {
    set.len() < intset_entries_max(limits)
}

pub(super) fn listpack_takes_one_more(
    list: &listpack::View,
    member: Element<'_>,
    limits: &EncodingLimits,
) -> bool {
    list.len() < limits.set_max_listpack_entries && member.len() <= limits.set_max_listpack_value
}

/// Returns whether the integers and `member`, which is not an integer, may be a listpack.
fn listpack_takes_all(set: &intset::View, member: Element<'_>, limits: &EncodingLimits) -> bool {
    // The longest integer is one of the two at the ends.
    let longest = set.min().into_iter().chain(set.max()).map(integer::decimal_len).max();
    let lens = longest.into_iter().chain([member.len()]);
    set.len() < limits.set_max_listpack_entries && lens.max() <= Some(limits.set_max_listpack_value)
}

impl Set {
    /// Creates an empty set for `size_hint` members, of which `first` is one. So a set that will be large
    /// is a hash table from the start. In C: `setTypeCreate`.
    ///
    /// The set is an intset if `first` is an integer and `size_hint` is within its limit. Otherwise it is a
    /// listpack if `size_hint` is within that limit, or else a hash table.
    ///
    /// ```
    /// use values::{Collection, Element, Encoding, EncodingLimits, Set};
    /// let encoding = |first: &'static [u8], size_hint| {
    ///     let set = Set::try_with_hint(first, size_hint, &EncodingLimits::DEFAULT)?;
    ///     Ok::<_, values::ReserveError>(set.encoding())
    /// };
    /// assert_eq!(encoding(b"1", 512)?, Encoding::IntSet);
    /// assert_eq!(encoding(b"one", 128)?, Encoding::ListPack);
    /// assert_eq!(encoding(b"1", 513)?, Encoding::HashTable);
    /// # Ok::<(), values::ReserveError>(())
    /// ```
    pub fn try_with_hint<'e>(
        first: impl Into<Element<'e>>,
        size_hint: usize,
        limits: &EncodingLimits,
    ) -> Result<Self, ReserveError> {
        Ok(Self(if size_hint <= limits.set_max_intset_entries && first.into().as_i64().is_some() {
            Repr::IntSet(IntSet::new())
        } else if size_hint <= limits.set_max_listpack_entries {
            Repr::ListPack(ListPack::new())
        } else {
            Repr::HashTable(StringTable::try_new()?)
        }))
    }

    /// Makes the set an intset if the limit allows it. All members must be integers. In C:
    /// `maybeConvertToIntset`.
    pub(super) fn try_into_intset(&mut self, limits: &EncodingLimits) -> Result<(), ReserveError> {
        if matches!(self.0, Repr::IntSet(_)) || self.len() > intset_entries_max(limits) {
            return Ok(());
        }
        let mut set = IntSet::new();
        for value in self.iter().filter_map(Element::as_i64) {
            set.try_insert(value)?;
        }
        self.0 = Repr::IntSet(set);
        Ok(())
    }
}

impl<R: Room> Set<R> {
    /// Prepares for `size_hint` members that are about to be added. If they are more than the encoding may
    /// have, the set becomes a hash table. In C: `setTypeMaybeConvert`.
    pub fn try_convert_for(&mut self, size_hint: usize, limits: &EncodingLimits) -> Result<(), ReserveError> {
        let most = match self.0 {
            Repr::IntSet(_) => limits.set_max_intset_entries,
            Repr::ListPack(_) => limits.set_max_listpack_entries,
            Repr::HashTable(_) => return Ok(()),
        };
        if size_hint > most {
            self.0 = Repr::HashTable(self.try_to_table()?);
        }
        Ok(())
    }

    /// Adds a new member for which the encoding must change. In C: `setTypeConvertAndExpand`.
    #[cold]
    pub(super) fn try_convert_and_insert(
        &mut self,
        member: Element<'_>,
        limits: &EncodingLimits,
    ) -> Result<(), ReserveError> {
        if let (Repr::IntSet(set), None) = (&self.0, member.as_i64())
            && listpack_takes_all(set, member, limits)
        {
            let mut list = ListPack::new();
            match list.try_extend(set.iter().map(Value::Int).chain([member.packed()])) {
                Err(ReserveError::TooLong { .. }) => {} // too long for any list, so a table is needed
                Err(error) => return Err(error),
                Ok(()) => {
                    self.0 = Repr::ListPack(list.into_room_type());
                    return Ok(());
                }
            }
        }
        let mut members = self.try_to_table()?;
        members.try_insert(&member.text())?;
        self.0 = Repr::HashTable(members);
        Ok(())
    }

    /// Returns a table with all members.
    pub(super) fn try_to_table(&self) -> Result<StringTable<1>, ReserveError> {
        let mut members = StringTable::try_new()?;
        for member in self {
            members.try_insert(&member.text())?;
        }
        Ok(members)
    }
}
