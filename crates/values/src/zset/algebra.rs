//! Unions, intersections and differences of sorted sets. Plain sets count as sorted sets whose scores are
//! all 1.
//!
//! A member of several sources gets one score: the score of each source is multiplied by the weight of the
//! source, and the products are aggregated. The smallest source comes first. Sources of the same size keep
//! the order of the arguments.
//!
//! Infinity times a weight of 0 is NaN, and so is infinity less infinity. Redis has these rules, and so has
//! this module:
//!
//! | | a product that is NaN | a sum that is NaN |
//! |---|---|---|
//! | union | counts as 0 | is 0 |
//! | intersection, first source | counts as 0 | |
//! | intersection, other sources | makes a sum 0; `Min` and `Max` ignore it | is 0 |
//!
//! A result is built as a skiplist, and is packed at the end if it is small enough. So its encoding does
//! not depend on those of the sources.

use super::{Repr, ZSet, ZSetView, packed};
use crate::element::Element;
use crate::limits::EncodingLimits;
use crate::set::{Set, SetView};
use allocator_api2::vec::Vec;
use common::Room;
use core::ops::ControlFlow;
use zindex::{InsertError, ZTable};
use zmalloc::{ReserveError, Zmalloc};

/// A source of members.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// A sorted set.
    ZSet(ZSetView<'a>),
    /// A set, whose members all have a score of 1.
    Set(SetView<'a>),
}

/// The way in which the scores of a member in several sources become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aggregate {
    /// Their sum.
    #[default]
    Sum,
    /// The lowest of them.
    Min,
    /// The highest of them.
    Max,
}

impl Aggregate {
    /// Aggregates `total` with one more score. `total` must not be NaN, but `score` may be. `Min` and `Max`
    /// keep `total` if the scores are equal, even for 0 and -0.
    fn combine(self, total: f64, score: f64) -> f64 {
        match self {
            Self::Sum => number(total + score),
            Self::Min if score < total => score,
            Self::Max if score > total => score,
            Self::Min | Self::Max => total,
        }
    }
}

/// Returns the score, or 0 if it is NaN.
fn number(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

impl<'a> From<ZSetView<'a>> for Source<'a> {
    fn from(set: ZSetView<'a>) -> Self {
        Self::ZSet(set)
    }
}

impl<'a> From<SetView<'a>> for Source<'a> {
    fn from(set: SetView<'a>) -> Self {
        Self::Set(set)
    }
}

impl<'a, R: Room> From<&'a ZSet<R>> for Source<'a> {
    fn from(set: &'a ZSet<R>) -> Self {
        Self::ZSet(set.view())
    }
}

impl<'a, R: Room> From<&'a Set<R>> for Source<'a> {
    fn from(set: &'a Set<R>) -> Self {
        Self::Set(set.view())
    }
}

impl<'a> Source<'a> {
    fn len(self) -> usize {
        match self {
            Self::ZSet(set) => set.len(),
            Self::Set(set) => set.len(),
        }
    }

    fn score(self, member: Element<'_>) -> Option<f64> {
        match self {
            Self::ZSet(set) => set.score(member),
            Self::Set(set) => set.contains(member).then_some(1.0),
        }
    }

    /// Calls `each` with the members and their scores, until it breaks off.
    fn try_for_each<B>(self, mut each: impl FnMut(Element<'a>, f64) -> ControlFlow<B>) -> ControlFlow<B> {
        match self {
            Self::ZSet(set) => set.iter().try_for_each(|(member, score)| each(member, score)),
            Self::Set(set) => set.iter().try_for_each(|member| each(member, 1.0)),
        }
    }
}

/// A result that is being built, and the length of its longest member.
struct Merged {
    table: ZTable,
    longest: usize,
}

impl Merged {
    const fn new() -> Self {
        Self { table: ZTable::new(), longest: 0 }
    }

    /// Adds a member, or aggregates its score with the old one. Breaks off if an allocation fails.
    fn add(&mut self, member: Element<'_>, score: f64, aggregate: Aggregate) -> ControlFlow<ReserveError> {
        self.longest = self.longest.max(member.len());
        let total = |old: Option<f64>| Some(old.map_or(score, |old| aggregate.combine(old, score)));
        match self.table.try_upsert(&member.text(), total) {
            Err(InsertError::Reserve(error)) => ControlFlow::Break(error),
            _added => ControlFlow::Continue(()), // no score here is NaN
        }
    }

    /// Returns the result in the encoding for its size. In C: `zsetConvertToListpackIfNeeded`.
    fn finish(self, limits: &EncodingLimits) -> Result<ZSet, ReserveError> {
        let set = ZSet(Repr::SkipList(self.table));
        match &set.0 {
            Repr::SkipList(table) if set.is_small(self.longest, limits) => {
                Ok(ZSet(Repr::ListPack(packed::try_to_listpack(table)?)))
            }
            _ => Ok(set),
        }
    }
}

/// Sorts the sources by size. Sources of the same size keep the order of the arguments.
fn sorted_by_size<'a>(sources: &[(Source<'a>, f64)]) -> Result<Vec<Weighted<'a>, Zmalloc>, ReserveError> {
    let mut sorted = Vec::new_in(Zmalloc);
    let size = sources.len().saturating_mul(size_of::<Weighted<'_>>());
    sorted.try_reserve_exact(sources.len()).map_err(|_| ReserveError::OutOfMemory { size })?;
    let weighted = |(index, &(source, weight))| Weighted { index, source, weight };
    sorted.extend(sources.iter().enumerate().map(weighted));
    sorted.sort_unstable_by_key(|one: &Weighted<'_>| (one.source.len(), one.index));
    Ok(sorted)
}

/// A source, its weight, and its number among the arguments.
struct Weighted<'a> {
    index: usize,
    source: Source<'a>,
    weight: f64,
}

fn into_result(flow: ControlFlow<ReserveError>) -> Result<(), ReserveError> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Returns the members that are in any of the sources. The scores of each source are multiplied by the
/// weight beside it. O(n log n) for n members in all. In C: `ZUNIONSTORE`, `ZUNION`.
///
/// ```
/// use values::zset::{Aggregate, try_union_store};
/// # let limits = values::EncodingLimits::DEFAULT;
/// # let (mut a, mut b) = (values::ZSet::new(), values::ZSet::new());
/// a.insert("x", 1.0, &limits)?;
/// b.insert("x", 2.0, &limits)?;
/// let sum = try_union_store(&[((&a).into(), 1.0), ((&b).into(), 10.0)], Aggregate::Sum, &limits)?;
/// assert_eq!(sum.score("x"), Some(21.0));
/// # Ok::<(), values::zset::AddError>(())
/// ```
pub fn try_union_store(
    sources: &[(Source<'_>, f64)],
    aggregate: Aggregate,
    limits: &EncodingLimits,
) -> Result<ZSet, ReserveError> {
    let mut result = Merged::new();
    for Weighted { source, weight, .. } in sorted_by_size(sources)? {
        into_result(
            source.try_for_each(|member, score| result.add(member, number(score * weight), aggregate)),
        )?;
    }
    result.finish(limits)
}

/// Returns the members that are in all sources. The scores of each source are multiplied by the weight
/// beside it. O(n m) look-ups for n members in the smallest source and m other sources. In C:
/// `ZINTERSTORE`, `ZINTER`.
pub fn try_inter_store(
    sources: &[(Source<'_>, f64)],
    aggregate: Aggregate,
    limits: &EncodingLimits,
) -> Result<ZSet, ReserveError> {
    let mut result = Merged::new();
    if let [first, others @ ..] = &*sorted_by_size(sources)? {
        into_result(first.source.try_for_each(|member, score| {
            let mut total = number(score * first.weight);
            for other in others {
                let Some(score) = other.source.score(member) else { return ControlFlow::Continue(()) };
                total = aggregate.combine(total, score * other.weight);
            }
            result.add(member, total, aggregate)
        }))?;
    }
    result.finish(limits)
}

/// Returns how many members are in all sources. Counting stops at `limit`, unless it is 0. Sorts the
/// sources by size. In C: `ZINTERCARD`.
pub fn inter_card(sources: &mut [Source<'_>], limit: usize) -> usize {
    sources.sort_unstable_by_key(|source| source.len());
    let [first, others @ ..] = &*sources else { return 0 };
    let mut count = 0;
    let _full = first.try_for_each(|member, _| {
        count += usize::from(others.iter().all(|other| other.score(member).is_some()));
        if count == limit && limit > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    count
}

/// Returns the members of the first source that are in none of the others, with their scores. The result is
/// empty if there are no sources. In C: `ZDIFFSTORE`, `ZDIFF`.
///
/// It takes O(n m) look-ups for n members in the first source and m other sources. This is Redis' first
/// algorithm. Its second one copies the first source and removes the members of the others. It costs more
/// here, because adding is slower than looking up.
pub fn try_diff_store(sources: &[Source<'_>], limits: &EncodingLimits) -> Result<ZSet, ReserveError> {
    let mut result = Merged::new();
    if let [first, others @ ..] = sources {
        into_result(first.try_for_each(|member, score| {
            if others.iter().any(|other| other.score(member).is_some()) {
                return ControlFlow::Continue(());
            }
            result.add(member, score, Aggregate::Sum)
        }))?;
    }
    result.finish(limits)
}
