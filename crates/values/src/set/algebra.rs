//! Intersection, union and difference of sets: `SINTER`, `SUNION`, `SDIFF`, and their `STORE` forms.
//!
//! Each operation has two forms. One visits the members, which stay where they are. The other makes a
//! [`Set`] of them, in the encoding that Redis would use. A visit of an intersection needs no memory. A
//! union looks up each member in the earlier sets, and a difference in the other sets. If that would be
//! more work than a table of all members, a table of references to them is made, whose allocation may fail.
//!
//! If all sets are intsets, they are walked over together in ascending order ([`intset::inter`] and similar
//! functions).

use super::{Repr, ReprView, Set, SetView};
use crate::distinct::Distinct;
use crate::element::Element;
use crate::limits::EncodingLimits;
use core::array;
use core::ops::ControlFlow;
use core::ptr;
use intset::IntSet;
use listpack::ListPack;
use zmalloc::ReserveError;

/// A set for reading, as a caller has it: a `&Set` or a [`SetView`].
pub trait AsView<'a>: Copy + Into<SetView<'a>> {}

impl<'a, S: Copy + Into<SetView<'a>>> AsView<'a> for S {}

/// The largest number of intsets that are walked over together.
const INTSET_ITERS_MAX: usize = 8;

/// The number of members that a listpack compares in the time of one look-up in a table.
const LISTPACK_MEMBERS_PER_LOOKUP: usize = 8;

/// The number of look-ups in the time that it takes to insert a member into a table.
const LOOKUPS_PER_INSERT: usize = 3;

/// Calls `f` with iterators over all sets, if they are intsets and no more than [`INTSET_ITERS_MAX`].
fn with_intset_iters<'a, T>(
    sets: &[impl AsView<'a>],
    f: impl FnOnce(&mut [intset::Iter<'a>]) -> T,
) -> Option<T> {
    static NONE: IntSet = IntSet::new();
    if sets.len() > INTSET_ITERS_MAX || !sets.iter().all(|&set| matches!(set.into().0, ReprView::IntSet(_))) {
        return None;
    }
    let mut iters: [_; INTSET_ITERS_MAX] = array::from_fn(|i| match sets.get(i).map(|&set| set.into().0) {
        Some(ReprView::IntSet(set)) => set.iter(),
        _ => NONE.iter(),
    });
    Some(f(&mut iters[..sets.len()]))
}

/// Returns whether both are the same set in memory. Two empty ones may be.
fn is_same(one: SetView<'_>, other: SetView<'_>) -> bool {
    match (one.0, other.0) {
        (ReprView::IntSet(one), ReprView::IntSet(other)) => ptr::eq(one, other),
        (ReprView::ListPack(one), ReprView::ListPack(other)) => ptr::eq(one, other),
        (ReprView::HashTable(one), ReprView::HashTable(other)) => one.is_same(other),
        _ => false,
    }
}

/// Visits the members that are in all of `sets`, until `each` breaks off. Visits nothing if there are no
/// sets. Sorts the sets by size: the members of the smallest are looked up in the others, sixteen at a
/// time.
fn for_each_in_all<'a, B>(
    sets: &mut [impl AsView<'a>],
    mut each: impl FnMut(Element<'a>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let merged =
        with_intset_iters(sets, |iters| intset::inter(iters).try_for_each(|value| each(Element::Int(value))));
    if let Some(result) = merged {
        return result;
    }
    sets.sort_unstable_by_key(|&set| set.into().len());
    let Some((&smallest, others)) = sets.split_first() else { return ControlFlow::Continue(()) };
    let smallest = smallest.into();
    let mut iter = smallest.iter();
    loop {
        let (mut members, mut left) = iter.next_batch();
        if left == 0 {
            return ControlFlow::Continue(());
        }
        for other in others.iter().map(|&other| other.into()).filter(|&other| !is_same(smallest, other)) {
            let found = other.contains_batch(&members[..left]);
            let mut kept = 0;
            for i in (0..left).filter(|&i| found[i]) {
                members[kept] = members[i];
                kept += 1;
            }
            left = kept;
        }
        members[..left].iter().try_for_each(|&member| each(member))?;
    }
}

/// Visits the members that are in all of `sets`, or none if there are no sets. May reorder the slice. O(m
/// k) for `k` sets, of which the smallest has `m` members. In C: `sinterGenericCommand`; `SINTER`.
///
/// ```
/// use values::{EncodingLimits, Set, set};
/// let limits = EncodingLimits::DEFAULT;
/// let (mut a, mut b) = (Set::new(), Set::new());
/// for n in 0..10 {
///     a.insert(n, &limits);
///     b.insert(n * 3, &limits);
/// }
/// let mut both = Vec::new();
/// set::inter(&mut [&a, &b], |member| both.push(member.as_i64()));
/// assert_eq!(both, [0, 3, 6, 9].map(Some));
/// assert_eq!(set::inter_card(&mut [&a, &b], 2), 2);
/// ```
pub fn inter<'a>(sets: &mut [impl AsView<'a>], mut each: impl FnMut(Element<'a>)) {
    let merged =
        with_intset_iters(sets, |iters| intset::inter(iters).for_each(|value| each(Element::Int(value))));
    if merged.is_some() {
        return;
    }
    let _: ControlFlow<()> = for_each_in_all(sets, |member| {
        each(member);
        ControlFlow::Continue(())
    });
}

/// Returns how many members are in all of `sets`. Counting stops at `limit`, unless it is 0. May reorder
/// the slice. In C: `SINTERCARD`.
pub fn inter_card<'a>(sets: &mut [impl AsView<'a>], limit: usize) -> usize {
    let mut count = 0;
    let _: ControlFlow<()> = for_each_in_all(sets, |_| {
        count += 1;
        if count == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    count
}

/// Returns the result of [`inter`] as a set. In C: `SINTERSTORE`.
pub fn try_inter_store<'a>(
    sets: &mut [impl AsView<'a>],
    limits: &EncodingLimits,
) -> Result<Set, ReserveError> {
    let smallest = sets.iter().map(|&set| set.into()).min_by_key(|set: &SetView<'_>| set.len());
    let mut result = match smallest.map(|set| set.0) {
        Some(ReprView::IntSet(_)) | None => Set::new(),
        _ => Set(Repr::ListPack(ListPack::new())), // appending to a listpack costs least
    };
    let mut only_integers = true;
    let done = for_each_in_all(sets, |member| {
        only_integers = only_integers && member.as_i64().is_some();
        match result.try_insert(member, limits) {
            Ok(_) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    });
    if let ControlFlow::Break(error) = done {
        return Err(error);
    }
    if only_integers {
        result.try_into_intset(limits)?;
    }
    Ok(result)
}

/// Returns whether looking up each member in the earlier sets is less work than inserting all members into
/// a table.
fn union_by_lookup<'a>(sets: &[impl AsView<'a>]) -> bool {
    let (mut work, mut work_per_member, mut total) = (0usize, 0usize, 0usize);
    for &set in sets {
        let set = set.into();
        work = work.saturating_add(set.len().saturating_mul(work_per_member));
        work_per_member += match set.0 {
            ReprView::ListPack(list) => 1 + list.len() / LISTPACK_MEMBERS_PER_LOOKUP,
            _ => 1,
        };
        total = total.saturating_add(set.len());
    }
    work <= total.saturating_mul(LOOKUPS_PER_INSERT)
}

/// Visits the members that are in any of `sets`, each once. O(n) for `n` members of all sets together. With
/// many sets it allocates, and an error is returned before the first visit. In C:
/// `sunionDiffGenericCommand`; `SUNION`.
pub fn union<'a>(sets: &[impl AsView<'a>], mut each: impl FnMut(Element<'a>)) -> Result<(), ReserveError> {
    let merged =
        with_intset_iters(sets, |iters| intset::union(iters).for_each(|value| each(Element::Int(value))));
    if merged.is_some() {
        return Ok(());
    }
    if union_by_lookup(sets) {
        for (i, &set) in sets.iter().enumerate() {
            set.into()
                .iter()
                .filter(|&member| !sets[..i].iter().any(|&earlier| earlier.into().contains(member)))
                .for_each(&mut each);
        }
        return Ok(());
    }
    let mut all = Distinct::new();
    for member in sets.iter().flat_map(|&set| set.into().iter()) {
        all.try_insert(member)?;
    }
    all.iter().for_each(each);
    Ok(())
}

/// Returns the result of [`union`] as a set. In C: `SUNIONSTORE`.
pub fn try_union_store<'a>(sets: &[impl AsView<'a>], limits: &EncodingLimits) -> Result<Set, ReserveError> {
    let mut result = Set::new();
    for member in sets.iter().flat_map(|&set| set.into().iter()) {
        result.try_insert(member, limits)?;
    }
    Ok(result)
}

/// The way to make a difference.
enum DiffAlgorithm {
    /// The difference is empty, because the first set is among the others.
    Empty,
    /// Each member of the first set is looked up in all others. In C: algorithm 1.
    Lookup,
    /// All members of the first set are inserted, and those of all others are removed. In C: algorithm 2.
    Remove,
}

/// Chooses the way, which also decides the encoding of a stored difference. In C: the choice at the start
/// of `sunionDiffGenericCommand`.
fn choose_diff_algorithm<'a>(first: SetView<'_>, others: &mut [impl AsView<'a>]) -> DiffAlgorithm {
    if others.iter().any(|&other| is_same(first, other.into())) {
        return DiffAlgorithm::Empty;
    }
    // An empty set does not count, because for Redis it is a key that does not exist.
    let sets = 1 + others.iter().filter(|&&other| !other.into().is_empty()).count();
    let lookup_cost = first.len().saturating_mul(sets) / 2;
    let remove_cost = others.iter().fold(first.len(), |sum, &other| sum.saturating_add(other.into().len()));
    if lookup_cost > remove_cost {
        return DiffAlgorithm::Remove;
    }
    // A large set is likely to have a member, which ends the look-ups for it. So the largest sets come first.
    others.sort_unstable_by_key(|&other| core::cmp::Reverse(other.into().len()));
    DiffAlgorithm::Lookup
}

/// Visits the members that are in `first` and in none of `others`. May reorder the slice. In C:
/// `sunionDiffGenericCommand`; `SDIFF`.
///
/// It takes O(n) for `n` members of all sets together, or O(m k) for `k` sets and `m` members of the first,
/// whichever is less. If the others are many and small it allocates, and an error is returned before the
/// first visit.
pub fn diff<'a>(
    first: impl Into<SetView<'a>>,
    others: &mut [impl AsView<'a>],
    mut each: impl FnMut(Element<'a>),
) -> Result<(), ReserveError> {
    let first = first.into();
    let merged = match first.0 {
        ReprView::IntSet(first) => with_intset_iters(others, |iters| {
            intset::diff(first.iter(), iters).for_each(|value| each(Element::Int(value)));
        }),
        _ => None,
    };
    if merged.is_some() {
        return Ok(());
    }
    match choose_diff_algorithm(first, others) {
        DiffAlgorithm::Empty => {}
        DiffAlgorithm::Lookup => not_in(first, others).for_each(each),
        DiffAlgorithm::Remove => {
            let mut rest = Distinct::new();
            for member in first {
                rest.try_insert(member)?;
            }
            for member in others.iter().flat_map(|&other| other.into().iter()) {
                rest.remove(member);
            }
            rest.iter().for_each(each);
        }
    }
    Ok(())
}

/// Returns the result of [`diff`] as a set. In C: `SDIFFSTORE`.
pub fn try_diff_store<'a, 'b>(
    first: impl Into<SetView<'a>>,
    others: &mut [impl AsView<'b>],
    limits: &EncodingLimits,
) -> Result<Set, ReserveError> {
    let first = first.into();
    let mut result = Set::new();
    match choose_diff_algorithm(first, others) {
        DiffAlgorithm::Empty => {}
        DiffAlgorithm::Lookup => {
            for member in not_in(first, others) {
                result.try_insert(member, limits)?;
            }
        }
        DiffAlgorithm::Remove => {
            for member in first {
                result.try_insert(member, limits)?;
            }
            for &mut other in others {
                if result.is_empty() {
                    break;
                }
                for member in other.into() {
                    result.remove(member);
                }
            }
        }
    }
    Ok(result)
}

/// Returns an iterator over the members of `first` that are in none of `others`.
fn not_in<'a, 'b>(first: SetView<'a>, others: &[impl AsView<'b>]) -> impl Iterator<Item = Element<'a>> {
    first.iter().filter(|&member| !others.iter().any(|&other| other.into().contains(member)))
}
