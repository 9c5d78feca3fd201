//! Changes by index and by value: `LSET`, `LINSERT`, `LREM`, `LTRIM`.

use super::convert::Growth;
use super::{List, Repr};
use crate::element::Element;
use crate::limits::EncodingLimits;
use common::Room;
use listpack::{ListPack, Offset, Value, View};
use quicklist::Side;
use zmalloc::{ReserveError, or_oom};

impl<R: Room> List<R> {
    /// Replaces the element at `index`. Returns `false` if there is no such element. In C: `LSET`.
    pub fn set<'e>(&mut self, index: i64, element: impl Into<Element<'e>>, limits: &EncodingLimits) -> bool {
        or_oom(self.try_set(index, element, limits))
    }

    /// Does the same as [`set`](Self::set), but returns an error if an allocation fails. The list is then
    /// unchanged. O(elements of a node), or O(bytes) in a listpack.
    pub fn try_set<'e>(
        &mut self,
        index: i64,
        element: impl Into<Element<'e>>,
        limits: &EncodingLimits,
    ) -> Result<bool, ReserveError> {
        let (element, absolute_index) = (element.into(), absolute_index(index, self.len()));
        // Redis converts the list before it checks whether the index exists.
        let done = self.try_with_growth(Growth::of_argument(element), limits, |list| match &mut list.0 {
            Repr::ListPack(pack) => {
                match absolute_index.and_then(|absolute_index| pack.seek(absolute_index as isize)) {
                    Some(offset) => pack.try_replace(offset, element.packed()),
                    None => Ok(false),
                }
            }
            Repr::QuickList(list) => match absolute_index {
                Some(absolute_index) => list.try_replace(absolute_index, element.packed()),
                None => Ok(false),
            },
        })?;
        if done {
            self.convert_if_small(limits);
        }
        Ok(done)
    }

    /// Inserts an element before or after the first one that equals `pivot`. Returns `false` if there is
    /// none. In C: `LINSERT`, with [`Side::Front`] for `BEFORE`.
    pub fn insert<'e>(
        &mut self,
        side: Side,
        pivot: impl Into<Element<'e>>,
        element: impl Into<Element<'e>>,
        limits: &EncodingLimits,
    ) -> bool {
        or_oom(self.try_insert(side, pivot, element, limits))
    }

    /// Does the same as [`insert`](Self::insert), but returns an error if an allocation fails. The list is
    /// then unchanged. O(elements).
    pub fn try_insert<'e>(
        &mut self,
        side: Side,
        pivot: impl Into<Element<'e>>,
        element: impl Into<Element<'e>>,
        limits: &EncodingLimits,
    ) -> Result<bool, ReserveError> {
        let (pivot, element) = (pivot.into(), element.into());
        // As in Redis, the list is converted before the search for the pivot.
        self.try_with_growth(Growth::of_argument(element), limits, |list| match &mut list.0 {
            Repr::ListPack(pack) => {
                let Some(offset) = find(pack, pivot.packed()) else { return Ok(false) };
                match side {
                    Side::Front => pack.try_insert_before(offset, element.packed())?,
                    Side::Back => pack.try_insert_after(offset, element.packed())?,
                };
                Ok(true)
            }
            Repr::QuickList(list) => {
                let (pivot, mut iter, mut index) = (pivot.packed(), list.iter(), 0);
                while let Some(value) = iter.next_value()? {
                    if value == pivot {
                        return list.try_insert(side, index, element.packed());
                    }
                    index += 1;
                }
                Ok(false)
            }
        })
    }

    /// Removes elements that equal `element`, and returns how many were removed. A positive `count` removes
    /// the first `count` of them. A negative `count` removes the last `-count`. A `count` of 0 removes all of
    /// them. In C: `LREM`.
    pub fn remove<'e>(
        &mut self,
        count: i64,
        element: impl Into<Element<'e>>,
        limits: &EncodingLimits,
    ) -> usize {
        or_oom(self.try_remove(count, element, limits))
    }

    /// Does the same as [`remove`](Self::remove), but returns an error if an allocation fails. The list is
    /// then unchanged. Memory is needed only for compressed nodes. O(elements).
    pub fn try_remove<'e>(
        &mut self,
        count: i64,
        element: impl Into<Element<'e>>,
        limits: &EncodingLimits,
    ) -> Result<usize, ReserveError> {
        let element = element.into();
        let side = if count < 0 { Side::Back } else { Side::Front };
        let most = match usize::try_from(count.unsigned_abs()) {
            Ok(0) | Err(_) => usize::MAX,
            Ok(most) => most,
        };
        let removed = match &mut self.0 {
            Repr::ListPack(pack) => remove_equal(pack, side, most, element.packed()),
            Repr::QuickList(list) => list.try_remove_equal(side, most, element.packed())?,
        };
        if removed > 0 {
            self.convert_if_small(limits);
        }
        Ok(removed)
    }

    /// Removes all elements but those from `start` to `end`, both included. In C: `LTRIM`.
    ///
    /// ```
    /// use values::{EncodingLimits, List};
    /// let limits = EncodingLimits::DEFAULT;
    /// let mut recent: List = List::new();
    /// for n in 0..10 {
    ///     recent.push_front(n.to_string().as_bytes(), &limits);
    ///     recent.trim(0, 2, &limits);
    /// }
    /// assert_eq!(format!("{recent:?}"), r#"["9", "8", "7"]"#);
    /// ```
    pub fn trim(&mut self, start: i64, end: i64, limits: &EncodingLimits) {
        or_oom(self.try_trim(start, end, limits));
    }

    /// Does the same as [`trim`](Self::trim), but returns an error if an allocation fails. The list is then
    /// unchanged. Memory is needed only to decompress nodes that lose a part of their elements. O(elements
    /// removed).
    pub fn try_trim(&mut self, start: i64, end: i64, limits: &EncodingLimits) -> Result<(), ReserveError> {
        let (start, count) = span(start, end, self.len());
        match &mut self.0 {
            Repr::ListPack(pack) => {
                pack.truncate(start + count);
                pack.remove_range(0, start);
            }
            Repr::QuickList(list) => list.try_trim(start, count)?,
        }
        self.convert_if_small(limits);
        Ok(())
    }

    /// Removes `count` elements from one end, or all elements if there are fewer. Returns how many were
    /// removed. `LPOP` and `RPOP` do this after they have replied. In C: `listTypeDelRange`.
    pub fn try_remove_end(
        &mut self,
        side: Side,
        count: usize,
        limits: &EncodingLimits,
    ) -> Result<usize, ReserveError> {
        let len = self.len();
        let count = count.min(len);
        if count == 0 {
            return Ok(0); // the encoding stays, as in Redis
        }
        let start = if side == Side::Front { 0 } else { len - count };
        match &mut self.0 {
            Repr::ListPack(pack) => {
                pack.remove_range(start, count);
            }
            Repr::QuickList(list) => {
                list.try_remove_range(start, count)?;
            }
        }
        self.convert_if_small(limits);
        Ok(count)
    }
}

/// Converts the index of a command, where -1 is the last element, to an index from the front. Returns `None`
/// if there is no such element.
#[inline]
pub(super) fn absolute_index(index: i64, len: usize) -> Option<usize> {
    let index = usize::try_from(index.unsigned_abs())
        .ok()
        .and_then(|steps| if index < 0 { len.checked_sub(steps) } else { Some(steps) })?;
    (index < len).then_some(index)
}

/// Converts the range of a command, from `start` to `end`, both included. Returns the index of the first
/// element in the range, and the number of elements in it.
pub(super) fn span(start: i64, end: i64, len: usize) -> (usize, usize) {
    let clamp = |index: i64| {
        let steps = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
        if index < 0 { len.checked_sub(steps) } else { Some(steps) }
    };
    let start = clamp(start).unwrap_or(0).min(len);
    // If the end is before the first element, nothing is left.
    let end = clamp(end).map_or(0, |end| end.saturating_add(1).min(len));
    (start, end.saturating_sub(start))
}

/// Returns the first entry that equals `value`.
fn find(pack: &View, value: Value<'_>) -> Option<Offset> {
    let mut next = pack.first();
    while let Some(offset) = next {
        if pack.get(offset)? == value {
            return Some(offset);
        }
        next = pack.next(offset);
    }
    None
}

/// Removes the first `most` entries, counted from `side`, that equal `value`. Returns how many were removed.
fn remove_equal<R: Room>(pack: &mut ListPack<R>, side: Side, most: usize, value: Value<'_>) -> usize {
    // A list has fewer entries than bytes. Without this limit, the loop would not end if a faulty [`Room`]
    // removed nothing.
    let most = most.min(pack.byte_len());
    let (mut removed, mut next) = (0, if side == Side::Front { pack.first() } else { pack.last() });
    while let Some(offset) = next.filter(|_| removed < most) {
        let equal = pack.get(offset).is_some_and(|other| other == value);
        let before = pack.prev(offset);
        let after = if equal { pack.remove(offset) } else { pack.next(offset) };
        removed += usize::from(equal);
        next = if side == Side::Front { after } else { before };
    }
    removed
}
