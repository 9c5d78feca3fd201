//! Different elements at random: how sets, hashes and sorted sets choose them.
//!
//! By *selection sampling* (Knuth's algorithm S): one walk over all, on which each is taken with the chance `wanted / left`. That
//! needs no memory. For few of many it would take too long: those are drawn one by one, and a table says which have come.

use common::random::scale;
use core::hash::{BuildHasher, Hash};
use dict::{DefaultHashBuilder, Table};
use zmalloc::ReserveError;

/// All are walked over if one of so many is wanted. In C: `SRANDMEMBER_SUB_STRATEGY_MUL` and its kin.
const WALK_FROM_ONE_OF: usize = 3;

/// At most `DRAWS_MIN + DRAWS_EACH * wanted` draws are made: far more than a good source needs.
const DRAWS_EACH: usize = 4;
const DRAWS_MIN: usize = 64;

/// Whether to draw `wanted` of `len` one by one, with [`try_draw`], and not to walk.
pub(crate) fn is_few(wanted: usize, len: usize) -> bool {
    wanted < len / WALK_FROM_ONE_OF
}

/// Decides for one element after another whether it is chosen, `wanted` of `left` in the end.
pub(crate) struct Selection {
    wanted: usize,
    left: usize,
}

impl Selection {
    /// `wanted` is at most `left`.
    pub(crate) fn new(wanted: usize, left: usize) -> Self {
        Self { wanted, left }
    }

    /// Whether some are still wanted.
    pub(crate) fn goes_on(&self) -> bool {
        self.wanted > 0
    }

    pub(crate) fn next(&mut self, rng: &mut impl FnMut() -> u64) -> bool {
        let chosen = scale(rng(), self.left) < self.wanted;
        self.left = self.left.saturating_sub(1);
        self.wanted -= usize::from(chosen);
        chosen
    }
}

/// `wanted` different elements, drawn one by one, and told apart by what `key` says; `all` has at least as many. O(wanted), where they
/// are few.
pub(crate) fn try_draw<T: Copy, K: Hash + Eq>(
    wanted: usize,
    mut draw: impl FnMut() -> Option<T>,
    all: impl Iterator<Item = T>,
    key: impl Fn(&T) -> K,
) -> Result<Table<T>, ReserveError> {
    let hash_builder = DefaultHashBuilder::default();
    let hash = |element: &T| hash_builder.hash_one(key(element));
    let mut drawn = Table::new();
    // At least two draws of three hit a new one. When these are used up the source is bad, and any will do.
    let draws = (0..DRAWS_MIN + DRAWS_EACH * wanted).map_while(|_| draw());
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
                assert_eq!((chosen, selection.goes_on()), (wanted, false), "{number}");
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
