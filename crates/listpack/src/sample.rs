//! Picking entries at random.
//!
//! *With repetition*, each pick is independent of the others. A walk over the entries finds the picked one.
//! To shorten the walks, one pass over the list first builds a *sparse index*: up to 64 offsets of entries at
//! equal distances. Each walk begins at the last of them that is not after the picked entry. So a pick from
//! 1,024 entries walks over fewer than 16 of them. Nothing is allocated.
//!
//! *Without repetition*, one pass decides for each entry whether it is picked. If `wanted` more entries are
//! needed, and `left` entries are left, the chance of an entry is `wanted / left`. This is selection
//! sampling, Knuth's algorithm S. Every subset has the same chance. The entries come in the order of the
//! list.
//!
//! The caller provides the random numbers, which should be uniform over 64 bits. A poor source leads to a
//! poor distribution, but never to an endless loop.

use crate::entry;
use crate::format::HEADER_LEN;
use crate::value::Value;
use crate::view::{Offset, View};
use common::random::scale;
use core::iter;

const SPARSE_INDEX_LEN: usize = 64;

/// The offsets of the units 0, `stride`, 2 * `stride`, ... A unit is an entry or a pair of entries.
struct SparseIndex<'a> {
    body: &'a [u8],
    /// How many entries a unit has.
    width: usize,
    /// How many units the list has.
    units: usize,
    stride: usize,
    offsets: [u32; SPARSE_INDEX_LEN],
}

impl<'a> SparseIndex<'a> {
    fn new(list: &'a View, width: usize) -> Self {
        let (body, units) = (list.body(), list.len() / width);
        let stride = units.div_ceil(SPARSE_INDEX_LEN).max(1);
        let mut offsets = [HEADER_LEN as u32; SPARSE_INDEX_LEN];
        let mut at = Some(HEADER_LEN);
        for offset in offsets.iter_mut().take(units / stride + 1) {
            // In a damaged list, this pass may end early. The remaining offsets point to the end, where
            // there is no entry.
            *offset = at.unwrap_or(body.len()) as u32;
            at = at.and_then(|at| skip_entries(body, at, stride * width));
        }
        Self { body, width, units, stride, offsets }
    }

    /// Returns where the unit at `index` begins. `index` is less than `units`.
    fn position(&self, index: usize) -> Option<usize> {
        let at = *self.offsets.get(index / self.stride)?;
        skip_entries(self.body, at as usize, index % self.stride * self.width)
    }
}

/// Returns the position after the next `n` entries.
fn skip_entries(body: &[u8], at: usize, n: usize) -> Option<usize> {
    (0..n).try_fold(at, |at, _| entry::skip(body, at))
}

impl View {
    /// Returns a random entry. Every entry has the same chance. Returns `None` if the list is empty. O(len).
    /// In C: part of `SPOP`.
    pub fn random(&self, mut rng: impl FnMut() -> u64) -> Option<Offset> {
        let len = self.len();
        if len == 0 { None } else { self.seek(scale(rng(), len) as isize) }
    }

    /// Returns a random pair: an entry with an even index and the one after it. Every pair has the same
    /// chance. Returns `None` if the list has fewer than two entries. O(len). In C: `lpRandomPair`.
    pub fn random_pair(&self, mut rng: impl FnMut() -> u64) -> Option<(Value<'_>, Value<'_>)> {
        let pairs = self.len() / 2;
        let first = self.seek(2 * scale(rng(), pairs) as isize)?;
        pair(self.body(), first.at()).map(|(pair, _)| pair)
    }

    /// Returns `n` random entries. Each is picked from the whole list, so an entry may come twice. Returns
    /// nothing if the list is empty. One pass takes O(len), and then each entry takes O(len / 64).
    pub fn random_many(&self, n: usize, mut rng: impl FnMut() -> u64) -> impl Iterator<Item = Value<'_>> {
        let index = SparseIndex::new(self, 1);
        (0..n).map_while(move |_| {
            let at = index.position(scale(rng(), index.units))?;
            Some(entry::decode(index.body, at)?.0)
        })
    }

    /// Returns `n` random pairs of an entry with an even index and the one after it. Each is picked from the
    /// whole list, so a pair may come twice. Returns nothing if the list has fewer than two entries. In C:
    /// `lpRandomPairs`.
    ///
    /// One pass takes O(len), and then each pair takes O(len / 64).
    pub fn random_pairs(
        &self,
        n: usize,
        mut rng: impl FnMut() -> u64,
    ) -> impl Iterator<Item = (Value<'_>, Value<'_>)> {
        let index = SparseIndex::new(self, 2);
        (0..n).map_while(move |_| {
            let at = index.position(scale(rng(), index.units))?;
            pair(index.body, at).map(|(pair, _)| pair)
        })
    }

    /// Returns `n` different entries, in the order of the list. Returns all if there are at most `n`. Every
    /// subset has the same chance. O(len). In C: `lpNextRandom`.
    pub fn random_unique(
        &self,
        n: usize,
        mut rng: impl FnMut() -> u64,
    ) -> impl Iterator<Item = (Offset, Value<'_>)> {
        let (body, mut at, mut left) = (self.body(), HEADER_LEN, self.len());
        let mut wanted = n.min(left);
        iter::from_fn(move || {
            while wanted > 0 {
                let (value, next) = entry::decode(body, at)?;
                let taken = scale(rng(), left) < wanted;
                let offset = Offset::new(at);
                (at, left) = (next, left - 1);
                if taken {
                    wanted -= 1;
                    return Some((offset, value));
                }
            }
            None
        })
    }

    /// Returns `n` different pairs, in the order of the list. Returns all if there are at most `n`. Every
    /// subset has the same chance. O(len). In C: `lpRandomPairsUnique`.
    pub fn random_pairs_unique(
        &self,
        n: usize,
        mut rng: impl FnMut() -> u64,
    ) -> impl Iterator<Item = (Value<'_>, Value<'_>)> {
        let (body, mut at, mut left) = (self.body(), HEADER_LEN, self.len() / 2);
        let mut wanted = n.min(left);
        iter::from_fn(move || {
            while wanted > 0 {
                let (pair, next) = pair(body, at)?;
                let taken = scale(rng(), left) < wanted;
                (at, left) = (next, left - 1);
                if taken {
                    wanted -= 1;
                    return Some(pair);
                }
            }
            None
        })
    }
}

type Pair<'a> = (Value<'a>, Value<'a>);

/// Returns the two values from `at` on, and the position after them.
fn pair(body: &[u8], at: usize) -> Option<(Pair<'_>, usize)> {
    let (first, at) = entry::decode(body, at)?;
    let (second, at) = entry::decode(body, at)?;
    Some(((first, second), at))
}
