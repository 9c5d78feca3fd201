//! Intersection, union and difference of several sets.
//!
//! The operands are [`Iter`]s, so that a part of a set ([`range`](crate::View::range)) can be an operand
//! too. The caller passes the iterators as a slice, because only the caller knows how many there are. Nothing
//! here allocates. The result is in ascending order and has each integer once.
//!
//! An iterator does not look at every integer that it skips: [`Iter::seek`] gallops. If the sets have similar
//! members, a seek ends after one or two steps, as in a merge. If one set is a thousand times as large as the
//! other, a seek skips a thousand integers with about twenty comparisons.

use crate::item::{Item, Items};
use crate::iter::Iter;
use core::iter::FusedIterator;

/// The smallest ratio of two lengths, larger to smaller, at which `Inter::fold` gallops. Below it, `fold`
/// merges the two iterators if both have the same encoding.
const GALLOP_RATIO_MIN: usize = 16;

/// Evaluates `$same` with the slices of the iterators if there are exactly two and both have the same encoding.
/// Otherwise evaluates `$other`.
///
/// Two iterators in the same encoding are the common case. The encoding is then tested once and not for each
/// integer.
macro_rules! with_pair {
    ($iters:expr, ($a:ident, $b:ident) => $same:expr, else $other:expr) => {
        match &*$iters {
            [a, b] => match (a.items(), b.items()) {
                (Items::Int16($a), Items::Int16($b)) => $same,
                (Items::Int32($a), Items::Int32($b)) => $same,
                (Items::Int64($a), Items::Int64($b)) => $same,
                _ => $other,
            },
            _ => $other,
        }
    };
}

/// Performs one step of a merge. Returns the lesser head of two slices, whether both begin with it, and the slices
/// without it. Returns `None` if a slice is empty.
///
/// The simple version branches on which head is the lesser:
///
/// ```text
/// if a[0] < b[0]       { (a[0], false, a[1..], b) }
/// else if a[0] > b[0]  { (b[0], false, a, b[1..]) }
/// else                 { (a[0], true, a[1..], b[1..]) }
/// ```
///
/// A processor cannot predict that branch. So in the code below, each result is selected by its own comparison,
/// and no branch depends on which head is the lesser.
#[inline]
fn step<'a, T: Item>(a: &'a [T], b: &'a [T]) -> Option<(i64, bool, &'a [T], &'a [T])> {
    let ([head_a, rest_a @ ..], [head_b, rest_b @ ..]) = (a, b) else { return None };
    let (number_a, number_b) = (head_a.number(), head_b.number());
    let least = if number_a <= number_b { head_a } else { head_b };
    let a = if number_a <= number_b { rest_a } else { a };
    let b = if number_b <= number_a { rest_b } else { b };
    Some((least.get(), number_a == number_b, a, b))
}

/// Folds the integers that are in both slices, by a merge.
fn fold_inter<'a, T: Item, B>(
    mut a: &'a [T],
    mut b: &'a [T],
    mut result: B,
    mut f: impl FnMut(B, i64) -> B,
) -> B {
    while let Some((value, is_both, rest_a, rest_b)) = step(a, b) {
        (a, b) = (rest_a, rest_b);
        if is_both {
            result = f(result, value);
        }
    }
    result
}

/// Folds the integers that are in at least one of the slices, by a merge.
fn fold_union<'a, T: Item, B>(
    mut a: &'a [T],
    mut b: &'a [T],
    mut result: B,
    mut f: impl FnMut(B, i64) -> B,
) -> B {
    while let Some((value, _, rest_a, rest_b)) = step(a, b) {
        (a, b) = (rest_a, rest_b);
        result = f(result, value);
    }
    a.iter().chain(b).fold(result, |result, item| f(result, item.get()))
}

/// Does what the default implementation of [`Iterator::fold`] does. A type that overrides `fold` cannot call
/// the default.
fn fold_by_next<B>(iter: &mut impl Iterator<Item = i64>, first: B, mut f: impl FnMut(B, i64) -> B) -> B {
    let mut result = first;
    for value in iter {
        result = f(result, value);
    }
    result
}

/// Returns the integers that are in all of `iters`. The result is empty if `iters` is empty. In C: the
/// intset part of `sinterGenericCommand`.
///
/// Takes O(k m log(n / m)) for `k` iterators, where the smallest has `m` integers and each of the others has
/// `n`. Does not allocate. Sorts the iterators by length.
///
/// ```
/// use intset::{IntSet, inter};
/// let (a, b) = (IntSet::from_iter(0..100), IntSet::from_iter([7, 70, 700]));
/// assert_eq!(inter(&mut [a.iter(), b.iter()]).collect::<Vec<_>>(), [7, 70]);
/// assert_eq!(inter(&mut [a.range(..50), b.iter()]).count(), 1); // `take` does what SINTERCARD's LIMIT does
/// ```
pub fn inter<'w, 'a>(iters: &'w mut [Iter<'a>]) -> Inter<'w, 'a> {
    // The smallest iterator proposes candidates, and the others seek them.
    iters.sort_unstable_by_key(Iter::len);
    Inter { iters }
}

/// The iterator that [`inter`] returns.
#[derive(Debug)]
pub struct Inter<'w, 'a> {
    iters: &'w mut [Iter<'a>],
}

impl Iterator for Inter<'_, '_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        let (smallest, others) = self.iters.split_first_mut()?;
        let mut candidate = smallest.next()?;
        'candidates: loop {
            for other in &mut *others {
                let found = other.seek(candidate)?;
                if found != candidate {
                    // This iterator has no integer in `candidate..found`, so the next candidate is at least
                    // `found`.
                    candidate = smallest.seek(found)?;
                    smallest.next();
                    continue 'candidates;
                }
            }
            return Some(candidate);
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.iters.first().map_or(0, Iter::len)))
    }

    fn fold<B, F: FnMut(B, i64) -> B>(mut self, first: B, f: F) -> B {
        if let [a, b] = &*self.iters
            && b.len() / GALLOP_RATIO_MIN >= a.len()
        {
            return fold_by_next(&mut self, first, f);
        }
        with_pair!(self.iters, (a, b) => fold_inter(a, b, first, f), else fold_by_next(&mut self, first, f))
    }
}

impl FusedIterator for Inter<'_, '_> {}

/// Returns the integers that are in at least one of `iters`. In C: the intset part of
/// `sunionDiffGenericCommand`.
///
/// Takes O(k n) for `k` iterators and `n` different integers. Does not allocate.
///
/// ```
/// use intset::{IntSet, union};
/// let (a, b) = (IntSet::from_iter([1, 3]), IntSet::from_iter([2, 3]));
/// assert_eq!(union(&mut [a.iter(), b.iter()]).collect::<Vec<_>>(), [1, 2, 3]);
/// ```
pub fn union<'w, 'a>(iters: &'w mut [Iter<'a>]) -> Union<'w, 'a> {
    Union { iters }
}

/// The iterator that [`union`] returns.
#[derive(Debug)]
pub struct Union<'w, 'a> {
    iters: &'w mut [Iter<'a>],
}

impl Iterator for Union<'_, '_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        let least = self.iters.iter().filter_map(Iter::peek).min()?;
        for iter in &mut *self.iters {
            if iter.peek() == Some(least) {
                iter.next();
            }
        }
        Some(least)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let lens = || self.iters.iter().map(Iter::len);
        (lens().max().unwrap_or(0), lens().try_fold(0usize, usize::checked_add))
    }

    fn fold<B, F: FnMut(B, i64) -> B>(mut self, first: B, f: F) -> B {
        with_pair!(self.iters, (a, b) => fold_union(a, b, first, f), else fold_by_next(&mut self, first, f))
    }
}

impl FusedIterator for Union<'_, '_> {}

/// Returns the integers that are in `first` and in none of `others`. In C: the intset part of
/// `sunionDiffGenericCommand`.
///
/// Takes O(k m log(n / m)) for `k` iterators, where `first` has `m` integers and each of the others has `n`.
/// Does not allocate.
///
/// ```
/// use intset::{IntSet, diff};
/// let (a, b) = (IntSet::from_iter(1..=5), IntSet::from_iter([2, 4]));
/// assert_eq!(diff(a.iter(), &mut [b.iter()]).collect::<Vec<_>>(), [1, 3, 5]);
/// ```
pub fn diff<'w, 'a>(first: Iter<'a>, others: &'w mut [Iter<'a>]) -> Diff<'w, 'a> {
    Diff { first, others }
}

/// The iterator that [`diff`] returns.
#[derive(Debug)]
pub struct Diff<'w, 'a> {
    first: Iter<'a>,
    others: &'w mut [Iter<'a>],
}

impl Iterator for Diff<'_, '_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        let others = &mut *self.others;
        self.first.find(|&value| others.iter_mut().all(|other| other.seek(value) != Some(value)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.first.len()))
    }
}

impl FusedIterator for Diff<'_, '_> {}
