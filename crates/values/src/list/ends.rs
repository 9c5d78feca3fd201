//! Operations at both ends: `LPUSH`, `RPUSH`, `LPOP`, `RPOP`, `LMOVE`.

use super::convert::Growth;
use super::{List, Repr};
use crate::element::{Element, OwnedElement};
use crate::limits::EncodingLimits;
use common::Room;
use listpack::encoded_len;
use quicklist::Side;
use zmalloc::{ReserveError, or_oom};

/// Methods that push.
impl<R: Room> List<R> {
    /// Adds an element at the front. In C: `LPUSH`.
    pub fn push_front<'e>(&mut self, element: impl Into<Element<'e>>, limits: &EncodingLimits) {
        or_oom(self.try_push(Side::Front, element, limits));
    }

    /// Adds an element at the back. In C: `RPUSH`.
    pub fn push_back<'e>(&mut self, element: impl Into<Element<'e>>, limits: &EncodingLimits) {
        or_oom(self.try_push(Side::Back, element, limits));
    }

    /// Adds an element at one end. On failure the list is unchanged. Amortised O(1), or O(bytes) in a
    /// listpack.
    pub fn try_push<'e>(
        &mut self,
        side: Side,
        element: impl Into<Element<'e>>,
        limits: &EncodingLimits,
    ) -> Result<(), ReserveError> {
        let element = element.into();
        let growth = Growth::of_argument(element);
        self.try_with_growth(growth, limits, |list| list.try_push_stored(side, element))
    }

    /// Adds elements at one end in their order, as `LPUSH` and `RPUSH` with several arguments do. The encoding
    /// is chosen for all elements before the first is added.
    pub fn push_all<'a>(
        &mut self,
        side: Side,
        elements: impl IntoIterator<Item = Element<'a>, IntoIter: Clone>,
        limits: &EncodingLimits,
    ) {
        or_oom(self.try_push_all(side, elements, limits));
    }

    /// Does the same as [`push_all`](Self::push_all), but returns an error if an allocation fails. On failure
    /// none of the elements are in the list, but it may keep memory that was allocated for them.
    pub fn try_push_all<'a>(
        &mut self,
        side: Side,
        elements: impl IntoIterator<Item = Element<'a>, IntoIter: Clone>,
        limits: &EncodingLimits,
    ) -> Result<(), ReserveError> {
        let elements = elements.into_iter();
        let growth =
            elements.clone().map(Growth::of_argument).fold(Growth::default(), |sum, one| sum.plus(one));
        let values = elements.map(Element::packed);
        self.try_with_growth(growth, limits, |list| match (&mut list.0, side) {
            (Repr::QuickList(list), side) => list.try_push_all(side, values),
            (Repr::ListPack(pack), Side::Back) => pack.try_extend(values),
            (Repr::ListPack(pack), Side::Front) => {
                for (pushed, value) in values.enumerate() {
                    if let Err(error) = pack.try_push_front(value) {
                        pack.remove_range(0, pushed);
                        return Err(error);
                    }
                }
                Ok(())
            }
        })
    }

    pub(super) fn try_push_stored(&mut self, side: Side, element: Element<'_>) -> Result<(), ReserveError> {
        let value = element.packed();
        match (&mut self.0, side) {
            (Repr::ListPack(pack), Side::Front) => pack.try_push_front(value),
            (Repr::ListPack(pack), Side::Back) => pack.try_push_back(value),
            (Repr::QuickList(list), side) => list.try_push(side, value),
        }
    }
}

/// Methods that pop.
impl<R: Room> List<R> {
    /// Removes and returns the first element. In C: `LPOP`.
    pub fn pop_front(&mut self, limits: &EncodingLimits) -> Option<OwnedElement> {
        or_oom(self.try_pop(Side::Front, limits))
    }

    /// Removes and returns the last element. In C: `RPOP`.
    pub fn pop_back(&mut self, limits: &EncodingLimits) -> Option<OwnedElement> {
        or_oom(self.try_pop(Side::Back, limits))
    }

    /// Removes and returns the element at one end. On failure the element stays in the list. In C:
    /// `listTypePop`.
    pub fn try_pop(
        &mut self,
        side: Side,
        limits: &EncodingLimits,
    ) -> Result<Option<OwnedElement>, ReserveError> {
        self.try_pop_with(side, limits, |element| OwnedElement::try_from(element))
    }

    /// Calls `f` with the element at one end, and returns the result of `f`. The element is removed unless `f`
    /// fails. O(1), or O(bytes) in a listpack. To pop several elements (`LPOP` with a count), read a
    /// [`range`](Self::range) and then [`trim`](Self::trim) the list.
    pub fn try_pop_with<T, E: From<ReserveError>>(
        &mut self,
        side: Side,
        limits: &EncodingLimits,
        f: impl FnOnce(Element<'_>) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let popped = match &mut self.0 {
            Repr::ListPack(pack) => {
                let end = if side == Side::Front { pack.first() } else { pack.last() };
                let result = end
                    .and_then(|end| pack.get(end))
                    .map(|value| f(Element::from_packed(value)))
                    .transpose()?;
                end.map(|end| pack.remove(end));
                result
            }
            Repr::QuickList(list) => list.try_pop_with(side, |value| f(Element::from_packed(value)))?,
        };
        self.convert_if_small(limits);
        Ok(popped)
    }
}

/// Methods that move an element.
impl<R: Room> List<R> {
    /// Moves the element at the end `from` of this list to the end `to` of another one. Returns `false` if this
    /// list is empty. On failure both lists are unchanged. In C: `LMOVE`, `RPOPLPUSH`.
    ///
    /// ```
    /// use values::{EncodingLimits, List, list::Side};
    /// let limits = EncodingLimits::DEFAULT;
    /// let (mut waiting, mut running) = (List::new(), List::new());
    /// waiting.push_back(b"job 1", &limits);
    /// assert_eq!(waiting.try_move_to(Side::Front, &mut running, Side::Back, &limits), Ok(true));
    /// assert_eq!(running.get(-1).unwrap().element(), b"job 1"[..].into());
    /// ```
    pub fn try_move_to<S: Room>(
        &mut self,
        from: Side,
        other: &mut List<S>,
        to: Side,
        limits: &EncodingLimits,
    ) -> Result<bool, ReserveError> {
        let encoding = self.encoding();
        let moved = self.try_pop_with(from, limits, |element| {
            let growth = Growth::of_moved(element, encoding);
            other.try_with_growth(growth, limits, |other| other.try_push_stored(to, element))
        })?;
        Ok(moved.is_some())
    }

    /// Moves the element at the end `from` to the end `to` of the same list, as a pop and a push would. Returns
    /// `false` if the list is empty. In C: `LMOVE` with one key.
    pub fn try_rotate(
        &mut self,
        from: Side,
        to: Side,
        limits: &EncodingLimits,
    ) -> Result<bool, ReserveError> {
        let index = if from == Side::Front { 0 } else { -1 };
        let Some(item) = self.try_get(index)? else { return Ok(false) };
        let growth = Growth::of_moved(item.element(), self.encoding());
        let removed_bytes = match &self.0 {
            Repr::ListPack(_) => encoded_len(item.element().packed()),
            Repr::QuickList(_) => 0,
        };
        drop(item);
        self.try_with_growth_after_removal(removed_bytes, 1, growth, limits, |list| match &mut list.0 {
            Repr::QuickList(list) => list.try_rotate(from, to),
            Repr::ListPack(pack) if from != to => {
                // The push may move the block that holds the element, so the element is copied first.
                let mut copy = listpack::ListPack::new();
                let end = if from == Side::Front { pack.first() } else { pack.last() };
                if let Some(value) = end.and_then(|end| pack.get(end)) {
                    copy.try_push_back(value)?;
                }
                let copied = copy.first().and_then(|first| copy.get(first));
                match (copied, to) {
                    (Some(value), Side::Front) => pack.try_push_front(value)?,
                    (Some(value), Side::Back) => pack.try_push_back(value)?,
                    (None, _) => return Ok(()),
                }
                let end = if from == Side::Front { pack.first() } else { pack.last() };
                end.map(|end| pack.remove(end));
                Ok(())
            }
            Repr::ListPack(_) => Ok(()),
        })?;
        self.convert_if_small(limits);
        Ok(true)
    }
}
