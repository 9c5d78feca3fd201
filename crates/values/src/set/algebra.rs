//! What several sets have in common, or not: `SINTER`, `SUNION`, `SDIFF`, and their `STORE` forms.
//!
//! Each comes in two forms. One *visits* the members, which stay where they are; the other makes a [`Set`] of them, in the
//! encoding that Redis would give it. Visiting an intersection needs no memory. A union asks the earlier sets whether they had
//! a member, and a difference the other sets; where that would be more work than a table of all members, there is a table
//! of references to them, and memory for it may be missing.
//!
//! Sets that are all intsets go together in ascending order instead ([`intset::inter`] and its neighbours).

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

/// A set to be read, as a caller has it: a `&Set` or a [`SetView`].
pub trait AsView<'a>: Copy + Into<SetView<'a>> {}

impl<'a, S: Copy + Into<SetView<'a>>> AsView<'a> for S {}

/// So many intsets are walked over together.
const WALKS_MAX: usize = 8;

/// Members that a listpack compares in the time of one look-up in a table.
const LISTPACK_MEMBERS_A_LOOKUP: usize = 8;

/// Look-ups in the time that it takes to put a member into a table.
const LOOKUPS_AN_INSERT: usize = 3;

/// Runs `go` on the walks over all sets, if these are intsets and no more than [`WALKS_MAX`].
fn as_walks<'a, T>(sets: &[impl AsView<'a>], go: impl FnOnce(&mut [intset::Iter<'a>]) -> T) -> Option<T> {
    static NONE: IntSet = IntSet::new();
    if sets.len() > WALKS_MAX || !sets.iter().all(|&set| matches!(set.into().0, ReprView::IntSet(_))) {
        return None;
    }
    let mut walks: [_; WALKS_MAX] = array::from_fn(|i| match sets.get(i).map(|&set| set.into().0) {
        Some(ReprView::IntSet(set)) => set.iter(),
        _ => NONE.iter(),
    });
    Some(go(&mut walks[..sets.len()]))
}

/// Whether the two are one set: the same memory. Empty ones may be.
fn is_same(one: SetView<'_>, other: SetView<'_>) -> bool {
    match (one.0, other.0) {
        (ReprView::IntSet(one), ReprView::IntSet(other)) => ptr::eq(one, other),
        (ReprView::ListPack(one), ReprView::ListPack(other)) => ptr::eq(one, other),
        (ReprView::HashTable(one), ReprView::HashTable(other)) => one.is_same(other),
        _ => false,
    }
}

/// Visits what is in all of `sets` until `each` breaks off; nothing if there are none. Puts them in the order in which they are asked: the smallest
/// proposes its members, and the others are asked for sixteen at a time.
fn for_each_in_all<'a, B>(
    sets: &mut [impl AsView<'a>],
    mut each: impl FnMut(Element<'a>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let together =
        as_walks(sets, |walks| intset::inter(walks).try_for_each(|value| each(Element::Int(value))));
    if let Some(result) = together {
        return result;
    }
    sets.sort_unstable_by_key(|&set| set.into().len());
    let Some((&smallest, others)) = sets.split_first() else { return ControlFlow::Continue(()) };
    let smallest = smallest.into();
    let mut walk = smallest.iter();
    loop {
        let (mut members, mut left) = walk.next_batch();
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

/// Visits the members that all of `sets` have; none if there are no sets. May reorder the slice. O(m k) for `k` sets, the
/// smallest of `m` members. In C: `sinterGenericCommand`; `SINTER`.
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
    let together = as_walks(sets, |walks| intset::inter(walks).for_each(|value| each(Element::Int(value))));
    if together.is_some() {
        return;
    }
    let _: ControlFlow<()> = for_each_in_all(sets, |member| {
        each(member);
        ControlFlow::Continue(())
    });
}

/// How many members all of `sets` have, but no more than `limit`, at which counting stops; a limit of 0 is none. May reorder
/// the slice. In C: `SINTERCARD`.
pub fn inter_card<'a>(sets: &mut [impl AsView<'a>], limit: usize) -> usize {
    let mut count = 0;
    let _: ControlFlow<()> = for_each_in_all(sets, |_| {
        count += 1;
        if count == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    count
}

/// [`inter`] as a set. In C: `SINTERSTORE`.
pub fn try_inter_store<'a>(
    sets: &mut [impl AsView<'a>],
    limits: &EncodingLimits,
) -> Result<Set, ReserveError> {
    let smallest = sets.iter().map(|&set| set.into()).min_by_key(|set: &SetView<'_>| set.len());
    let mut result = match smallest.map(|set| set.0) {
        Some(ReprView::IntSet(_)) | None => Set::new(),
        _ => Set(Repr::ListPack(ListPack::new())), // appending to it costs least
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

/// Whether it is less work to ask the earlier sets about each member than to put all into a table.
fn union_asks<'a>(sets: &[impl AsView<'a>]) -> bool {
    let (mut work, mut work_a_member, mut total) = (0usize, 0usize, 0usize);
    for &set in sets {
        let set = set.into();
        work = work.saturating_add(set.len().saturating_mul(work_a_member));
        work_a_member += match set.0 {
            ReprView::ListPack(list) => 1 + list.len() / LISTPACK_MEMBERS_A_LOOKUP,
            _ => 1,
        };
        total = total.saturating_add(set.len());
    }
    work <= total.saturating_mul(LOOKUPS_AN_INSERT)
}

/// Visits the members that any of `sets` has, each once. O(n) for `n` members of all sets together. Where there are many sets it allocates, and
/// an error comes before the first visit. In C: `sunionDiffGenericCommand`; `SUNION`.
pub fn union<'a>(sets: &[impl AsView<'a>], mut each: impl FnMut(Element<'a>)) -> Result<(), ReserveError> {
    let together = as_walks(sets, |walks| intset::union(walks).for_each(|value| each(Element::Int(value))));
    if together.is_some() {
        return Ok(());
    }
    if union_asks(sets) {
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

/// [`union`] as a set. In C: `SUNIONSTORE`.
pub fn try_union_store<'a>(sets: &[impl AsView<'a>], limits: &EncodingLimits) -> Result<Set, ReserveError> {
    let mut result = Set::new();
    for member in sets.iter().flat_map(|&set| set.into().iter()) {
        result.try_insert(member, limits)?;
    }
    Ok(result)
}

/// How a difference is made.
enum DiffBy {
    /// It is empty: the first set is among those that are taken away.
    Nothing,
    /// Asking all others about each member of the first. In C: algorithm 1.
    Asking,
    /// Taking all of the first, and away the members of all others. In C: algorithm 2.
    Removing,
}

/// In C: the choice at the head of `sunionDiffGenericCommand`, which decides in what encoding a stored difference is.
fn diff_by<'a>(first: SetView<'_>, others: &mut [impl AsView<'a>]) -> DiffBy {
    if others.iter().any(|&other| is_same(first, other.into())) {
        return DiffBy::Nothing;
    }
    // A set that is empty is a key that does not exist.
    let sets = 1 + others.iter().filter(|&&other| !other.into().is_empty()).count();
    let asking = first.len().saturating_mul(sets) / 2;
    let removing = others.iter().fold(first.len(), |sum, &other| sum.saturating_add(other.into().len()));
    if asking > removing {
        return DiffBy::Removing;
    }
    // The larger a set, the likelier it ends the questions.
    others.sort_unstable_by_key(|&other| core::cmp::Reverse(other.into().len()));
    DiffBy::Asking
}

/// Visits the members that `first` has and none of `others`. May reorder the slice. O(n) for `n` members of all sets
/// together, or O(m k) for `k` sets and `m` members of the first, whichever is less. Where the others are many and small it
/// allocates, and an error comes before the first visit. In C: `sunionDiffGenericCommand`; `SDIFF`.
pub fn diff<'a>(
    first: impl Into<SetView<'a>>,
    others: &mut [impl AsView<'a>],
    mut each: impl FnMut(Element<'a>),
) -> Result<(), ReserveError> {
    let first = first.into();
    let together = match first.0 {
        ReprView::IntSet(first) => as_walks(others, |walks| {
            intset::diff(first.iter(), walks).for_each(|value| each(Element::Int(value)));
        }),
        _ => None,
    };
    if together.is_some() {
        return Ok(());
    }
    match diff_by(first, others) {
        DiffBy::Nothing => {}
        DiffBy::Asking => not_in(first, others).for_each(each),
        DiffBy::Removing => {
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

/// [`diff`] as a set. In C: `SDIFFSTORE`.
pub fn try_diff_store<'a, 'b>(
    first: impl Into<SetView<'a>>,
    others: &mut [impl AsView<'b>],
    limits: &EncodingLimits,
) -> Result<Set, ReserveError> {
    let first = first.into();
    let mut result = Set::new();
    match diff_by(first, others) {
        DiffBy::Nothing => {}
        DiffBy::Asking => {
            for member in not_in(first, others) {
                result.try_insert(member, limits)?;
            }
        }
        DiffBy::Removing => {
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

/// The members of `first` that none of `others` has.
fn not_in<'a, 'b>(first: SetView<'a>, others: &[impl AsView<'b>]) -> impl Iterator<Item = Element<'a>> {
    first.iter().filter(|&member| !others.iter().any(|&other| other.into().contains(member)))
}
