//! Intersection, union and difference of several sorted walks.
//!
//! The walks are [`Iter`]s, so a part of a set ([`range`](crate::View::range)) takes part like a whole one. They lie in a
//! slice of the caller's, because only the caller knows how many there are, and nothing here allocates. What comes out
//! is in ascending order, each integer once.
//!
//! A walk does not look at every integer that it skips: [`Iter::seek`] gallops. Where the sets are alike it arrives
//! after a step or two, as a merge would; where one is a thousand times the other, it skips a thousand for ten comparisons.

use crate::item::{Item, Items};
use crate::iter::Iter;
use core::iter::FusedIterator;

/// If one of two walks has so many times the other's integers, the larger is galloped over.
const GALLOP_FROM: usize = 16;

/// Evaluates `$same` with the slices of the walks, if there are two in the same encoding, which is the common case: then the
/// encodings are looked at once, and not for each integer. Otherwise evaluates `$other`.
macro_rules! with_pair {
    ($walks:expr, ($a:ident, $b:ident) => $same:expr, else $other:expr) => {
        match &*$walks {
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

/// The lesser of the heads of two walks, whether it is the head of both, and the walks without it. No branch depends on which it
/// is.
#[inline]
fn step<'a, T: Item>(a: &'a [T], b: &'a [T]) -> Option<(i64, bool, &'a [T], &'a [T])> {
    let ([head_a, rest_a @ ..], [head_b, rest_b @ ..]) = (a, b) else { return None };
    let (number_a, number_b) = (head_a.number(), head_b.number());
    let least = if number_a <= number_b { head_a } else { head_b };
    let a = if number_a <= number_b { rest_a } else { a };
    let b = if number_b <= number_a { rest_b } else { b };
    Some((least.get(), number_a == number_b, a, b))
}

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

/// [`Iterator::fold`] as it is by default.
fn fold_by_next<B>(walk: &mut impl Iterator<Item = i64>, first: B, mut f: impl FnMut(B, i64) -> B) -> B {
    let mut result = first;
    for value in walk {
        result = f(result, value);
    }
    result
}

/// What is in each of `walks`; nothing, if there are none. O(k m log(n / m)) for `k` walks, the smallest of `m` integers and
/// the others of `n`; no allocation. In C: the intset part of `sinterGenericCommand`.
///
/// ```
/// use intset::{IntSet, inter};
/// let (a, b) = (IntSet::from_iter(0..100), IntSet::from_iter([7, 70, 700]));
/// assert_eq!(inter(&mut [a.iter(), b.iter()]).collect::<Vec<_>>(), [7, 70]);
/// assert_eq!(inter(&mut [a.range(..50), b.iter()]).count(), 1); // SINTERCARD's limit would be `take`
/// ```
pub fn inter<'w, 'a>(walks: &'w mut [Iter<'a>]) -> Inter<'w, 'a> {
    // The smallest proposes integers, which the others look for.
    walks.sort_unstable_by_key(Iter::len);
    Inter { walks }
}

/// See [`inter`].
#[derive(Debug)]
pub struct Inter<'w, 'a> {
    walks: &'w mut [Iter<'a>],
}

impl Iterator for Inter<'_, '_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        let (smallest, others) = self.walks.split_first_mut()?;
        let mut candidate = smallest.next()?;
        'candidates: loop {
            for other in &mut *others {
                let found = other.seek(candidate)?;
                if found != candidate {
                    // What lies between is in no intersection.
                    candidate = smallest.seek(found)?;
                    smallest.next();
                    continue 'candidates;
                }
            }
            return Some(candidate);
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.walks.first().map_or(0, Iter::len)))
    }

    fn fold<B, F: FnMut(B, i64) -> B>(mut self, first: B, f: F) -> B {
        if let [a, b] = &*self.walks
            && b.len() / GALLOP_FROM >= a.len()
        {
            return fold_by_next(&mut self, first, f);
        }
        with_pair!(self.walks, (a, b) => fold_inter(a, b, first, f), else fold_by_next(&mut self, first, f))
    }
}

impl FusedIterator for Inter<'_, '_> {}

/// What is in any of `walks`. O(k n) for `k` walks and `n` different integers; no allocation. In C: the intset part of
/// `sunionDiffGenericCommand`.
///
/// ```
/// use intset::{IntSet, union};
/// let (a, b) = (IntSet::from_iter([1, 3]), IntSet::from_iter([2, 3]));
/// assert_eq!(union(&mut [a.iter(), b.iter()]).collect::<Vec<_>>(), [1, 2, 3]);
/// ```
pub fn union<'w, 'a>(walks: &'w mut [Iter<'a>]) -> Union<'w, 'a> {
    Union { walks }
}

/// See [`union`].
#[derive(Debug)]
pub struct Union<'w, 'a> {
    walks: &'w mut [Iter<'a>],
}

impl Iterator for Union<'_, '_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        let least = self.walks.iter().filter_map(Iter::peek).min()?;
        for walk in &mut *self.walks {
            if walk.peek() == Some(least) {
                walk.next();
            }
        }
        Some(least)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let lens = || self.walks.iter().map(Iter::len);
        (lens().max().unwrap_or(0), lens().try_fold(0usize, usize::checked_add))
    }
    fn fold<B, F: FnMut(B, i64) -> B>(mut self, first: B, f: F) -> B {
        with_pair!(self.walks, (a, b) => fold_union(a, b, first, f), else fold_by_next(&mut self, first, f))
    }
}

impl FusedIterator for Union<'_, '_> {}

/// What is in `first` and in none of `others`. O(k m log(n / m)) as for [`inter`], with `m` integers in the first; no
/// allocation. In C: the intset part of `sunionDiffGenericCommand`.
///
/// ```
/// use intset::{IntSet, diff};
/// let (a, b) = (IntSet::from_iter(1..=5), IntSet::from_iter([2, 4]));
/// assert_eq!(diff(a.iter(), &mut [b.iter()]).collect::<Vec<_>>(), [1, 3, 5]);
/// ```
pub fn diff<'w, 'a>(first: Iter<'a>, others: &'w mut [Iter<'a>]) -> Diff<'w, 'a> {
    Diff { first, others }
}

/// See [`diff`].
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
