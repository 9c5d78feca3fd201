//! Going from entry to entry, in both directions.

use crate::entry;
use crate::format::{COUNT_UNKNOWN, HEADER_LEN};
use crate::value::Value;
use crate::view::{Offset, View};
use core::iter::FusedIterator;

impl View {
    /// The first entry. O(1). In C: `lpFirst`.
    #[inline]
    pub fn first(&self) -> Option<Offset> {
        (!self.is_empty()).then(|| Offset::new(HEADER_LEN))
    }

    /// The last entry. O(1). In C: `lpLast`.
    #[inline]
    pub fn last(&self) -> Option<Offset> {
        let body = self.body();
        entry::previous(body, HEADER_LEN, body.len()).map(Offset::new)
    }

    /// The entry behind the one at `offset`. O(1). In C: `lpNext`.
    #[inline]
    pub fn next(&self, offset: Offset) -> Option<Offset> {
        let body = self.body();
        let next = entry::skip(body, offset.at())?;
        (next < body.len()).then(|| Offset::new(next))
    }

    /// The entry in front of the one at `offset`. O(1). In C: `lpPrev`.
    #[inline]
    pub fn prev(&self, offset: Offset) -> Option<Offset> {
        entry::previous(self.body(), HEADER_LEN, offset.at()).map(Offset::new)
    }

    /// The entry at `index`, from the end if that is negative: -1 is the last. O(n), walking from the nearer end. In C:
    /// `lpSeek`.
    pub fn seek(&self, index: isize) -> Option<Offset> {
        let steps = index.unsigned_abs();
        let (from_end, steps) = match (self.known_len(), index < 0) {
            // From the right, the last entry is the first one: no step.
            (None, false) => (false, steps),
            (None, true) => (true, steps - 1),
            (Some(len), negative) => {
                let index = if negative { len.checked_sub(steps)? } else { steps };
                if index >= len {
                    return None;
                }
                // A step back takes thrice the time of a step forward.
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

    /// The value at `offset`. O(1). In C: `lpGet`.
    #[inline]
    pub fn get(&self, offset: Offset) -> Option<Value<'_>> {
        let body = self.body();
        let at = offset.at();
        entry::value(body, at, *body.get(at)?)
    }

    /// All values, from the first to the last or the other way round.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        let body = self.body();
        Iter { body, front: HEADER_LEN, left: self.known_len().unwrap_or(UNKNOWN) }
    }

    /// The values from the entry at `offset` on.
    #[inline]
    pub fn iter_from(&self, offset: Offset) -> Iter<'_> {
        Iter { body: self.body(), front: offset.at(), left: UNKNOWN }
    }

    /// `n` values from the entry at index `start` on, or as many as there are. O(start + n). In C: what `LRANGE` does.
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

/// [`Iter::left`] where the number of entries is not known. Counting a list's entries down from here, or below 0, never ends at a
/// number that a header can say.
const UNKNOWN: usize = usize::MAX;

/// The values of a list. Knows how many there are if the list's header does and the walk began at the first.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    /// The list up to the end of the last entry that is still to come.
    body: &'a [u8],
    /// Where the next entry begins.
    front: usize,
    /// How many are to come, if that is a number that a list's header can say.
    left: usize,
}

impl<'a> Iter<'a> {
    /// The next entry: where it is, and its value.
    #[inline]
    pub fn next_with_offset(&mut self) -> Option<(Offset, Value<'a>)> {
        let at = self.front;
        let Some((value, next)) = entry::decode(self.body, at) else { return self.end() };
        self.front = next;
        self.left = self.left.wrapping_sub(1);
        Some((Offset::new(at), value))
    }

    /// Where the next entry begins, if the walk is not at its end.
    #[inline]
    pub fn offset(&self) -> Option<Offset> {
        (self.front < self.body.len()).then(|| Offset::new(self.front))
    }

    /// Nothing more is to come: of the list, or of what can be read of it.
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

    /// Passes `n` entries by without a look at their values.
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
