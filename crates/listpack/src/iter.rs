//! Walking from entry to entry, in both directions.

use crate::entry;
use crate::format::{COUNT_UNKNOWN, HEADER_LEN};
use crate::value::Value;
use crate::view::{Offset, View};
use core::iter::FusedIterator;

impl View {
    /// Returns the offset of the first entry. O(1). In C: `lpFirst`.
    #[inline]
    pub fn first(&self) -> Option<Offset> {
        (!self.is_empty()).then(|| Offset::new(HEADER_LEN))
    }

    /// Returns the offset of the last entry. O(1). In C: `lpLast`.
    #[inline]
    pub fn last(&self) -> Option<Offset> {
        let body = self.body();
        entry::previous(body, HEADER_LEN, body.len()).map(Offset::new)
    }

    /// Returns the offset of the entry after the one at `offset`. O(1). In C: `lpNext`.
    #[inline]
    pub fn next(&self, offset: Offset) -> Option<Offset> {
        let body = self.body();
        let next = entry::skip(body, offset.at())?;
        (next < body.len()).then(|| Offset::new(next))
    }

    /// Returns the offset of the entry in front of the one at `offset`. O(1). In C: `lpPrev`.
    #[inline]
    pub fn prev(&self, offset: Offset) -> Option<Offset> {
        entry::previous(self.body(), HEADER_LEN, offset.at()).map(Offset::new)
    }

    /// Returns the offset of the entry at `index`. A negative index counts from the end: -1 is the last
    /// entry. O(n). If the header contains the count, the list is walked from the end that takes less time.
    /// In C: `lpSeek`.
    pub fn seek(&self, index: isize) -> Option<Offset> {
        let steps = index.unsigned_abs();
        let (from_end, steps) = match (self.known_len(), index < 0) {
            // A walk from the end begins at the last entry, so the index -1 needs no step.
            (None, false) => (false, steps),
            (None, true) => (true, steps - 1),
            (Some(len), negative) => {
                let index = if negative { len.checked_sub(steps)? } else { steps };
                if index >= len {
                    return None;
                }
                // A step backwards takes three times as long as a step forwards.
                if index / 3 < len - index { (false, index) } else { (true, len - 1 - index) }
            }
        };
        let body = self.body();
        if from_end {
            let at = (0..steps).try_fold(self.last()?.at(), |at, _| entry::previous(body, HEADER_LEN, at))?;
            Some(Offset::new(at))
        } else {
            let at = (0..steps).try_fold(HEADER_LEN, |at, _| entry::skip(body, at))?;
            (at < body.len()).then(|| Offset::new(at))
        }
    }

    /// Returns the value of the entry at `offset`. O(1). In C: `lpGet`.
    #[inline]
    pub fn get(&self, offset: Offset) -> Option<Value<'_>> {
        let body = self.body();
        let at = offset.at();
        entry::value(body, at, *body.get(at)?)
    }

    /// Returns an iterator over all values. It can be walked from both ends.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        let body = self.body();
        Iter { body, front: HEADER_LEN, left: self.known_len().unwrap_or(UNKNOWN) }
    }

    /// Returns an iterator over the values from the entry at `offset` on.
    #[inline]
    pub fn iter_from(&self, offset: Offset) -> Iter<'_> {
        Iter { body: self.body(), front: offset.at(), left: UNKNOWN }
    }

    /// Returns an iterator over up to `n` values, beginning with the one at index `start`. O(start + n). In
    /// C: part of `LRANGE`.
    pub fn range(&self, start: usize, n: usize) -> impl Iterator<Item = Value<'_>> {
        let first = isize::try_from(start).ok().and_then(|start| self.seek(start));
        first.map(|offset| self.iter_from(offset)).into_iter().flatten().take(n)
    }
}

impl<'a> IntoIterator for &'a View {
    type Item = Value<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The value of [`Iter::left`] if the number of entries is not known.
///
/// `left` is decremented from here. No list has enough entries to bring `left` below 65,535. So a value of
/// 65,535 or more always means that the count is unknown. If a damaged list has more entries than its header
/// says, `left` wraps around from 0 to this value.
const UNKNOWN: usize = usize::MAX;

/// An iterator over the values of a list. Its size hint is exact if [`View::iter`] has returned it and the
/// header contains the count.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    /// The list up to the end of the last entry that has not been returned yet.
    body: &'a [u8],
    /// The position of the next entry.
    front: usize,
    /// How many entries are left, if this is less than 65,535. Otherwise the number is not known.
    left: usize,
}

impl<'a> Iter<'a> {
    /// Advances the iterator. Returns the offset and the value of the next entry.
    #[inline]
    pub fn next_with_offset(&mut self) -> Option<(Offset, Value<'a>)> {
        let at = self.front;
        let Some((value, next)) = entry::decode(self.body, at) else { return self.end() };
        self.front = next;
        self.left = self.left.wrapping_sub(1);
        Some((Offset::new(at), value))
    }

    /// Returns the offset of the next entry, if the iterator is not at its end.
    #[inline]
    pub fn offset(&self) -> Option<Offset> {
        (self.front < self.body.len()).then(|| Offset::new(self.front))
    }

    /// Ends the iterator. The list has no more entries, or no more that can be read.
    fn end<T>(&mut self) -> Option<T> {
        self.front = self.body.len();
        self.left = 0;
        None
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Value<'a>;

    #[inline]
    fn next(&mut self) -> Option<Value<'a>> {
        self.next_with_offset().map(|(_, value)| value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.left < usize::from(COUNT_UNKNOWN)).then_some(self.left);
        (left.unwrap_or(0), left)
    }

    /// Skips `n` entries without decoding their values.
    #[inline]
    fn nth(&mut self, n: usize) -> Option<Value<'a>> {
        for _ in 0..n {
            let Some(next) = entry::skip(self.body, self.front) else { return self.end() };
            self.front = next;
            self.left = self.left.wrapping_sub(1);
        }
        self.next()
    }

    #[inline]
    fn fold<B, F: FnMut(B, Value<'a>) -> B>(self, first: B, mut each: F) -> B {
        let (mut result, mut at) = (first, self.front);
        while let Some((value, next)) = entry::decode(self.body, at) {
            result = each(result, value);
            at = next;
        }
        result
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let found = entry::previous(self.body, self.front, self.body.len())
            .and_then(|at| Some((at, entry::value(self.body, at, *self.body.get(at)?)?)));
        let Some((at, value)) = found else { return self.end() };
        self.body = &self.body[..at];
        self.left = self.left.wrapping_sub(1);
        Some(value)
    }
}

impl FusedIterator for Iter<'_> {}
