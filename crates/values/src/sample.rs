//! Random samples of distinct elements, for sets, hashes and sorted sets.
//!
//! There are two ways. *Selection sampling* (Knuth's algorithm S) walks over all elements and takes each
//! with probability `wanted / left`. It needs no memory. For a few of many elements it would take too long.
//! Those are drawn one by one, and a table holds the ones that were drawn.

use common::random::scale;
use core::hash::{BuildHasher, Hash};
use dict::{DefaultHashBuilder, Table};
use zmalloc::ReserveError;

/// A walk over all elements is used if at least one in this many is wanted. In C:
/// `SRANDMEMBER_SUB_STRATEGY_MUL` and similar constants.
const FEW_DIVISOR: usize = 3;

/// At most `DRAWS_MIN + DRAWS_PER_ELEMENT * wanted` draws are made, far more than a good source of random
/// numbers needs.
const DRAWS_PER_ELEMENT: usize = 4;
const DRAWS_MIN: usize = 64;

/// Returns whether to draw `wanted` of `len` elements one by one with [`try_draw`], instead of walking over
/// all.
pub(crate) fn is_few(wanted: usize, len: usize) -> bool {
    wanted < len / FEW_DIVISOR
}

/// Decides for one element after another whether it is chosen. In the end `wanted` of `left` elements are.
pub(crate) struct Selection {
    wanted: usize,
    left: usize,
}

impl Selection {
    /// Creates a selection. `wanted` must be at most `left`.
    pub(crate) fn new(wanted: usize, left: usize) -> Self {
        Self { wanted, left }
    }

    /// Returns whether more elements are wanted.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.wanted > 0
    }

    pub(crate) fn next(&mut self, rng: &mut impl FnMut() -> u64) -> bool {
        let chosen = scale(rng(), self.left) < self.wanted;
        self.left = self.left.saturating_sub(1);
        self.wanted -= usize::from(chosen);
        chosen
    }
}

/// Draws `wanted` distinct elements one by one. `key` tells them apart. `all` must yield at least `wanted`
/// distinct elements. O(wanted) if `wanted` is small compared with the number of elements.
pub(crate) fn try_draw<T: Copy, K: Hash + Eq>(
    wanted: usize,
    mut draw: impl FnMut() -> Option<T>,
    all: impl Iterator<Item = T>,
    key: impl Fn(&T) -> K,
) -> Result<Table<T>, ReserveError> {
    let hash_builder = DefaultHashBuilder::default();
    let hash = |element: &T| hash_builder.hash_one(key(element));
    let mut drawn = Table::new();
    // A draw hits a new element with a probability of at least two thirds. If the draws are used up,
    // the source of random numbers is bad, and any elements will do.
    let draws = (0..DRAWS_MIN + DRAWS_PER_ELEMENT * wanted).map_while(|_| draw());
    for element in draws.chain(all) {
        if drawn.len() == wanted {
            break;
        }
        if drawn.find(hash(&element), |other| key(other) == key(&element)).is_none() {
            drawn.try_insert_unique(hash(&element), element, hash)?;
        }
    }
    Ok(drawn)
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;

    #[test]
    fn as_many_as_are_wanted_are_chosen_whatever_the_source() {
        for number in [0, 1 << 63, u64::MAX] {
            for wanted in 0..=10 {
                let mut selection = Selection::new(wanted, 10);
                let chosen = (0..10).filter(|_| selection.next(&mut || number)).count();
                assert_eq!((chosen, selection.is_unfinished()), (wanted, false), "{number}");
            }
        }
    }

    #[test]
    fn what_is_drawn_is_different_and_a_source_that_repeats_itself_ends() {
        for wanted in [0, 1, 100] {
            let drawn = try_draw(wanted, || Some(7), 0..1000, |n| *n).unwrap();
            let mut all: Vec<i32> = drawn.iter().copied().collect();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), wanted);
        }
    }
}
