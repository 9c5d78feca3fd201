//! Random members: `ZRANDMEMBER`.
//!
//! Members are chosen by rank, so each has exactly the same probability. `sample` says how distinct members
//! are chosen.

use super::score::score_of;
use super::{ReprView, ZSet, ZSetView};
use crate::element::Element;
use crate::sample::{Selection, is_few, try_draw};
use common::Room;
use common::random::scale;
use listpack::Value;
use zmalloc::ReserveError;

fn pair<'a>((member, score): (Value<'a>, Value<'a>)) -> (Element<'a>, f64) {
    (Element::from_packed(member), score_of(score))
}

impl<'a> ZSetView<'a> {
    /// See [`ZSet::random`].
    pub fn random(self, mut rng: impl FnMut() -> u64) -> Option<(Element<'a>, f64)> {
        self.by_rank(scale(rng(), self.len()))
    }

    /// See [`ZSet::random_many`].
    pub fn random_many(self, n: usize, mut rng: impl FnMut() -> u64, mut each: impl FnMut(Element<'a>, f64)) {
        match self.0 {
            ReprView::ListPack(list) => {
                list.random_pairs(n, rng).map(pair).for_each(|(member, score)| each(member, score));
            }
            ReprView::SkipList(table) => {
                for _ in 0..if table.is_empty() { 0 } else { n } {
                    if let Some((member, score)) = table.by_rank(scale(rng(), table.len())) {
                        each(Element::Bytes(member), score);
                    }
                }
            }
        }
    }

    /// See [`ZSet::try_random_unique`].
    pub fn try_random_unique(
        self,
        n: usize,
        mut rng: impl FnMut() -> u64,
        mut each: impl FnMut(Element<'a>, f64),
    ) -> Result<usize, ReserveError> {
        let (len, wanted) = (self.len(), n.min(self.len()));
        match self.0 {
            ReprView::ListPack(list) => {
                list.random_pairs_unique(n, rng).map(pair).for_each(|(member, score)| each(member, score));
            }
            ReprView::SkipList(table) if is_few(wanted, len) => {
                let drawn = try_draw(wanted, || Some(scale(rng(), len)), 0..len, |rank| *rank)?;
                for (member, score) in drawn.iter().filter_map(|&rank| table.by_rank(rank)) {
                    each(Element::Bytes(member), score);
                }
            }
            ReprView::SkipList(table) => {
                let mut selection = Selection::new(wanted, len);
                for (member, score) in table {
                    if selection.next(&mut rng) {
                        each(Element::Bytes(member), score);
                    }
                }
            }
        }
        Ok(wanted)
    }
}

impl<R: Room> ZSet<R> {
    /// Returns a random member and its score, or `None` if there is none. Each member has the same
    /// probability. `rng` is a source of uniformly distributed 64-bit numbers. O(log n), or O(n) in a
    /// listpack. In C: `zsetTypeRandomElement`; `ZRANDMEMBER`.
    pub fn random(&self, rng: impl FnMut() -> u64) -> Option<(Element<'_>, f64)> {
        self.view().random(rng)
    }

    /// Calls `each` with `n` random members. Each is drawn from all members, so one may occur twice. An
    /// empty set has none. In C: `ZRANDMEMBER` with a negative count.
    pub fn random_many<'a>(&'a self, n: usize, rng: impl FnMut() -> u64, each: impl FnMut(Element<'a>, f64)) {
        self.view().random_many(n, rng, each);
    }

    /// Calls `each` with `n` distinct members, or with all, in no particular order, and returns how many
    /// there were. Every choice has the same probability. In C: `ZRANDMEMBER` with a positive count.
    ///
    /// Returns an error, before the first call of `each`, if there is no memory for a table of the members
    /// drawn.
    pub fn try_random_unique<'a>(
        &'a self,
        n: usize,
        rng: impl FnMut() -> u64,
        each: impl FnMut(Element<'a>, f64),
    ) -> Result<usize, ReserveError> {
        self.view().try_random_unique(n, rng, each)
    }
}
