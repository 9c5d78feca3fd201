//! Random members, which are visited or removed.
//!
//! Each member has the same probability. The caller passes `rng`, a source of uniform 64-bit numbers.
//! `sample` says how distinct members are chosen.

use super::{Repr, ReprView, Set, SetView};
use crate::collection::Collection;
use crate::element::Element;
use crate::limits::EncodingLimits;
use crate::sample::{Selection, is_few, try_draw};
use common::Room;
use intset::IntSet;
use listpack::{ListPack, Offset};
use zmalloc::ReserveError;

/// The members that stay are copied if at least this many go for each of them. In C:
/// `SPOP_MOVE_STRATEGY_MUL`.
const POPPED_PER_KEPT_MIN: usize = 5;

impl<'a> SetView<'a> {
    /// See [`Set::random`].
    pub fn random(self, rng: impl FnMut() -> u64) -> Option<Element<'a>> {
        match self.0 {
            ReprView::IntSet(set) => set.random(rng).map(Element::Int),
            ReprView::ListPack(list) => list.get(list.random(rng)?).map(Element::from_packed),
            ReprView::HashTable(table) => table.fair_random(rng).map(|member| Element::Bytes(member.key())),
        }
    }

    /// See [`Set::random_many`].
    pub fn random_many(self, count: usize, mut rng: impl FnMut() -> u64, mut each: impl FnMut(Element<'a>)) {
        match self.0 {
            ReprView::ListPack(list) => {
                list.random_many(count, rng).for_each(|value| each(Element::from_packed(value)))
            }
            _ => (0..count).map_while(|_| self.random(&mut rng)).for_each(each),
        }
    }

    /// See [`Set::try_random_unique`].
    pub fn try_random_unique(
        self,
        count: usize,
        mut rng: impl FnMut() -> u64,
        mut each: impl FnMut(Element<'a>),
    ) -> Result<usize, ReserveError> {
        let len = self.len();
        let wanted = count.min(len);
        match self.0 {
            ReprView::HashTable(_) if is_few(wanted, len) => {
                let drawn = try_draw(wanted, || self.random(&mut rng), self.iter(), |member| *member)?;
                drawn.iter().copied().for_each(each);
            }
            _ => {
                let mut selection = Selection::new(wanted, len);
                let mut iter = self.iter();
                while selection.is_unfinished()
                    && let Some(member) = iter.next()
                {
                    if selection.next(&mut rng) {
                        each(member);
                    }
                }
            }
        }
        Ok(wanted)
    }
}

impl<R: Room> Set<R> {
    /// Returns a random member, or `None` if there is none. O(1) on average, O(n) in a listpack. In C:
    /// `setTypeRandomElement`; `SRANDMEMBER`.
    pub fn random(&self, rng: impl FnMut() -> u64) -> Option<Element<'_>> {
        self.view().random(rng)
    }

    /// Calls `each` with `count` random members. Each is drawn from all members, so one may occur twice. An
    /// empty set has none. In C: `SRANDMEMBER` with a negative count.
    pub fn random_many<'a>(&'a self, count: usize, rng: impl FnMut() -> u64, each: impl FnMut(Element<'a>)) {
        self.view().random_many(count, rng, each);
    }

    /// Calls `each` with `count` distinct members, or with all, and returns how many there were. Every
    /// choice has the same probability, but the order is not random. In C: `SRANDMEMBER` with a positive
    /// count.
    ///
    /// It takes O(n), or O(count) for a small part of a hash table. Only the latter allocates, and an error
    /// is returned before the first call of `each`.
    pub fn try_random_unique<'a>(
        &'a self,
        count: usize,
        rng: impl FnMut() -> u64,
        each: impl FnMut(Element<'a>),
    ) -> Result<usize, ReserveError> {
        self.view().try_random_unique(count, rng, each)
    }

    /// Removes a random member, calls `each` with it, and returns the result of `each`. Returns `None` if
    /// the set is empty. If `each` panics, the member is removed as well. Nothing is allocated. In C:
    /// `setTypePopRandom`; `SPOP`.
    ///
    /// ```
    /// use values::{Collection, EncodingLimits, Set};
    /// let mut set = Set::new();
    /// set.insert(&b"only"[..], &EncodingLimits::DEFAULT);
    /// let popped = set.pop(|| 4, |member| member.text().to_vec());
    /// assert_eq!((popped.unwrap(), set.len()), (b"only".to_vec(), 0));
    /// ```
    pub fn pop<T>(&mut self, rng: impl FnMut() -> u64, each: impl FnOnce(Element<'_>) -> T) -> Option<T> {
        match &mut self.0 {
            Repr::IntSet(set) => {
                let value = set.random(rng)?;
                set.remove(value);
                Some(each(Element::Int(value)))
            }
            Repr::ListPack(list) => {
                let removal = Removal { offset: list.random(rng)?, list };
                Some(each(removal.member()?))
            }
            Repr::HashTable(members) => {
                let member = members.pop_random(rng)?;
                Some(each(Element::Bytes(member.key())))
            }
        }
    }

    /// Removes `count` random members, or all, calls `each` with them, and returns how many there were. In
    /// C: `SPOP` with a count.
    ///
    /// If nearly all go, the ones that stay are copied to a new set, which may have a smaller encoding than
    /// before. Only this allocates. If it fails, no member was removed or visited.
    pub fn try_pop_many(
        &mut self,
        count: usize,
        limits: &EncodingLimits,
        mut rng: impl FnMut() -> u64,
        mut each: impl FnMut(Element<'_>),
    ) -> Result<usize, ReserveError> {
        let len = self.len();
        let count = count.min(len);
        if count == len {
            let all = core::mem::replace(self, Set::new().into_in());
            all.iter().for_each(each);
        } else if (len - count).saturating_mul(POPPED_PER_KEPT_MIN) <= count {
            let kept = self.try_choose(len - count, limits, &mut rng)?;
            let mut all = core::mem::replace(self, kept.into_in());
            if matches!(all.0, Repr::HashTable(_)) {
                // The members that stay are few. A look-up in a packed set of them would be a walk.
                for member in self.iter() {
                    all.remove(member);
                }
                all.iter().for_each(each);
            } else {
                all.iter().filter(|&member| !self.contains(member)).for_each(each);
            }
        } else if let Repr::ListPack(list) = &mut self.0 {
            pop_from_list(list, count, &mut rng, each);
        } else {
            for _ in 0..count {
                self.pop(&mut rng, &mut each);
            }
        }
        Ok(count)
    }

    /// Returns a set of `count` distinct random members, in the smallest encoding that the limits allow.
    fn try_choose(
        &self,
        count: usize,
        limits: &EncodingLimits,
        rng: &mut impl FnMut() -> u64,
    ) -> Result<Set, ReserveError> {
        let mut chosen = match &self.0 {
            Repr::IntSet(_) => Set(Repr::IntSet(IntSet::new())),
            _ => Set(Repr::ListPack(ListPack::new())),
        };
        let mut selection = Selection::new(count, self.len());
        for member in self {
            if selection.next(rng) {
                chosen.try_insert(member, limits)?;
            }
        }
        Ok(chosen)
    }
}

/// Removes `count` random members of the list on one walk.
fn pop_from_list<R: Room>(
    list: &mut ListPack<R>,
    count: usize,
    rng: &mut impl FnMut() -> u64,
    mut each: impl FnMut(Element<'_>),
) {
    let mut selection = Selection::new(count, list.len());
    let mut at = list.first();
    while selection.is_unfinished()
        && let Some(offset) = at
    {
        at = if selection.next(rng) {
            let removal = Removal { list, offset };
            removal.member().into_iter().for_each(&mut each);
            removal.finish()
        } else {
            list.next(offset)
        };
    }
}

/// A member that is about to be removed. It is removed when this is dropped, even by a panic of the
/// caller's closure.
struct Removal<'a, R: Room> {
    list: &'a mut ListPack<R>,
    offset: Offset,
}

impl<R: Room> Removal<'_, R> {
    fn member(&self) -> Option<Element<'_>> {
        self.list.get(self.offset).map(Element::from_packed)
    }

    /// Removes the member, and returns the offset of the next one.
    fn finish(self) -> Option<Offset> {
        let next = self.list.next(self.offset).is_some();
        let offset = self.offset;
        drop(self);
        next.then_some(offset)
    }
}

impl<R: Room> Drop for Removal<'_, R> {
    fn drop(&mut self) {
        self.list.remove(self.offset);
    }
}
