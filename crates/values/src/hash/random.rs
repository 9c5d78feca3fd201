//! Random fields, each with the same probability. The caller passes `rng`, a source of uniform 64-bit
//! numbers.
//!
//! `sample` says how distinct fields are chosen.

use super::iter::elements;
use super::{Hash, HashView, ReprView};
use crate::element::Element;
use crate::sample::{Selection, is_few, try_draw};
use common::Room;
use listpack::Value;
use zmalloc::{ReserveError, or_oom};

fn packed<'a>((field, value): (Value<'a>, Value<'a>)) -> (Element<'a>, Element<'a>) {
    (Element::from_packed(field), Element::from_packed(value))
}

impl<'a> HashView<'a> {
    /// See [`Hash::random`].
    pub fn random(self, rng: impl FnMut() -> u64) -> Option<(Element<'a>, Element<'a>)> {
        match self.0 {
            ReprView::ListPack(list) => list.random_pair(rng).map(packed),
            ReprView::HashTable(table) => table.fair_random(rng).map(elements),
        }
    }

    /// See [`Hash::random_many`].
    pub fn random_many(
        self,
        count: usize,
        mut rng: impl FnMut() -> u64,
        mut each: impl FnMut(Element<'a>, Element<'a>),
    ) {
        match self.0 {
            ReprView::ListPack(list) => {
                list.random_pairs(count, rng).map(packed).for_each(|(field, value)| each(field, value));
            }
            ReprView::HashTable(_) => {
                let drawn = (0..count).map_while(|_| self.random(&mut rng));
                drawn.for_each(|(field, value)| each(field, value));
            }
        }
    }

    /// See [`Hash::try_random_unique`].
    pub fn try_random_unique(
        self,
        count: usize,
        mut rng: impl FnMut() -> u64,
        mut each: impl FnMut(Element<'a>, Element<'a>),
    ) -> Result<usize, ReserveError> {
        let len = self.len();
        let wanted = count.min(len);
        match self.0 {
            ReprView::ListPack(list) => {
                let chosen = list.random_pairs_unique(count, rng);
                chosen.map(packed).for_each(|(field, value)| each(field, value));
            }
            ReprView::HashTable(table) if is_few(wanted, len) => {
                let draw = || table.fair_random(&mut rng);
                for pair in &try_draw(wanted, draw, table.iter(), |pair| pair.key())? {
                    let (field, value) = elements(pair);
                    each(field, value);
                }
            }
            ReprView::HashTable(_) => {
                let mut selection = Selection::new(wanted, len);
                for (field, value) in self {
                    if selection.next(&mut rng) {
                        each(field, value);
                    }
                }
            }
        }
        Ok(wanted)
    }
}

impl<R: Room> Hash<R> {
    /// Returns a random field and its value, or `None` if there is none. O(1) on average, O(n) in a
    /// listpack. In C: `hashTypeRandomElement`; `HRANDFIELD`.
    pub fn random(&self, rng: impl FnMut() -> u64) -> Option<(Element<'_>, Element<'_>)> {
        self.view().random(rng)
    }

    /// Calls `each` with `count` random fields and their values. Each is drawn from all fields, so one may
    /// occur twice. An empty hash has none. In C: `HRANDFIELD` with a negative count.
    pub fn random_many<'a>(
        &'a self,
        count: usize,
        rng: impl FnMut() -> u64,
        each: impl FnMut(Element<'a>, Element<'a>),
    ) {
        self.view().random_many(count, rng, each);
    }

    /// Does the same as [`try_random_unique`](Self::try_random_unique), but calls the OOM handler if there
    /// is no memory.
    pub fn random_unique<'a>(
        &'a self,
        count: usize,
        rng: impl FnMut() -> u64,
        each: impl FnMut(Element<'a>, Element<'a>),
    ) -> usize {
        or_oom(self.try_random_unique(count, rng, each))
    }

    /// Calls `each` with `count` distinct fields and their values, or with all fields if there are fewer.
    /// Returns the number of calls. Every choice has the same probability, but the order is not random. In C:
    /// `HRANDFIELD` with a positive count.
    ///
    /// It takes O(n), or O(count) for a small part of a hash table. Only the latter allocates, and an error
    /// is returned before the first call of `each`.
    pub fn try_random_unique<'a>(
        &'a self,
        count: usize,
        rng: impl FnMut() -> u64,
        each: impl FnMut(Element<'a>, Element<'a>),
    ) -> Result<usize, ReserveError> {
        self.view().try_random_unique(count, rng, each)
    }
}
