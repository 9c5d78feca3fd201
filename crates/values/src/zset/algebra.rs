//! Unions, intersections and differences of sorted sets, and of sets, whose members count with a score of 1.
//!
//! Members of several sources get one score: each source's is multiplied by its weight, and they are aggregated. The smallest
//! source comes first, and sources of the same size keep the order in which they were given.
//!
//! Infinity times a weight of 0, and infinity less infinity, are NaN. As in Redis:
//!
//! | | a product that is NaN | a sum that is NaN |
//! |---|---|---|
//! | union | counts as 0 | is 0 |
//! | intersection, first source | counts as 0 | |
//! | intersection, other sources | makes a sum 0; `Min` and `Max` ignore it | is 0 |
//!
//! Results are built as a skiplist and packed at the end if they are small enough, so that their encoding tells nothing of the
//! sources'.

use super::{Repr, ZSet, ZSetView, packed};
use crate::element::Element;
use crate::limits::EncodingLimits;
use crate::set::{Set, SetView};
use allocator_api2::vec::Vec;
use common::Room;
use core::ops::ControlFlow;
use zindex::{InsertError, ZTable};
use zmalloc::{ReserveError, Zmalloc};

/// Where members come from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// A sorted set.
    ZSet(ZSetView<'a>),
    /// A set, every member with a score of 1.
    Set(SetView<'a>),
}

/// How the scores of a member in several sources become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aggregate {
    /// Their sum.
    #[default]
    Sum,
    /// The lowest.
    Min,
    /// The highest.
    Max,
}

impl Aggregate {
    /// `whole`, which is not NaN, with one more score, which may be. `Min` and `Max` keep `whole` when the scores are equal, so also
    /// for 0 and -0.
    fn of(self, whole: f64, score: f64) -> f64 {
        match self {
            Self::Sum => number(whole + score),
            Self::Min if score < whole => score,
            Self::Max if score > whole => score,
            Self::Min | Self::Max => whole,
        }
    }
}

/// A score that may have come out as none.
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

    /// Shows the members until `each` breaks off.
    fn try_for_each<B>(self, mut each: impl FnMut(Element<'a>, f64) -> ControlFlow<B>) -> ControlFlow<B> {
        match self {
            Self::ZSet(set) => set.iter().try_for_each(|(member, score)| each(member, score)),
            Self::Set(set) => set.iter().try_for_each(|member| each(member, 1.0)),
        }
    }
}

/// A result on the way, and the length of its longest member.
struct Merged {
    table: ZTable,
    longest: usize,
}

impl Merged {
    const fn new() -> Self {
        Self { table: ZTable::new(), longest: 0 }
    }

    /// Adds a member, or aggregates its score with the one it has; breaks off where there is no memory.
    fn add(&mut self, member: Element<'_>, score: f64, aggregate: Aggregate) -> ControlFlow<ReserveError> {
        self.longest = self.longest.max(member.len());
        let whole = |old: Option<f64>| Some(old.map_or(score, |old| aggregate.of(old, score)));
        match self.table.try_upsert(&member.text(), whole) {
            Err(InsertError::Reserve(error)) => ControlFlow::Break(error),
            _added => ControlFlow::Continue(()), // no score here is NaN
        }
    }

    /// The result in the encoding for its size. In C: `zsetConvertToListpackIfNeeded`.
    fn finish(self, limits: &EncodingLimits) -> Result<ZSet, ReserveError> {
        let set = ZSet(Repr::SkipList(self.table));
        match &set.0 {
            Repr::SkipList(table) if set.is_small(self.longest, limits) => {
                Ok(ZSet(Repr::ListPack(packed::try_pack(table)?)))
            }
            _ => Ok(set),
        }
    }
}

/// The sources by size, and those of the same size in the order in which they were given.
fn by_size<'a>(sources: &[(Source<'a>, f64)]) -> Result<Vec<Weighted<'a>, Zmalloc>, ReserveError> {
    let mut sorted = Vec::new_in(Zmalloc);
    let size = sources.len().saturating_mul(size_of::<Weighted<'_>>());
    sorted.try_reserve_exact(sources.len()).map_err(|_| ReserveError::OutOfMemory { size })?;
    let weighted = |(index, &(source, weight))| Weighted { index, source, weight };
    sorted.extend(sources.iter().enumerate().map(weighted));
    sorted.sort_unstable_by_key(|one: &Weighted<'_>| (one.source.len(), one.index));
    Ok(sorted)
}

/// A source, its weight, and its place among those that were given.
struct Weighted<'a> {
    index: usize,
    source: Source<'a>,
    weight: f64,
}

fn unbroken(flow: ControlFlow<ReserveError>) -> Result<(), ReserveError> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// The members of any of the sources; each source's scores are multiplied by the weight beside it.
/// O(n log n) for n members in all. In C: `ZUNIONSTORE`, `ZUNION`.
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
    for Weighted { source, weight, .. } in by_size(sources)? {
        unbroken(source.try_for_each(|member, score| result.add(member, number(score * weight), aggregate)))?;
    }
    result.finish(limits)
}

/// The members of all the sources; each source's scores are multiplied by the weight beside it. O(n m) look-ups for n members in the
/// smallest source and m others. In C: `ZINTERSTORE`, `ZINTER`.
pub fn try_inter_store(
    sources: &[(Source<'_>, f64)],
    aggregate: Aggregate,
    limits: &EncodingLimits,
) -> Result<ZSet, ReserveError> {
    let mut result = Merged::new();
    if let [first, others @ ..] = &*by_size(sources)? {
        unbroken(first.source.try_for_each(|member, score| {
            let mut whole = number(score * first.weight);
            for other in others {
                let Some(score) = other.source.score(member) else { return ControlFlow::Continue(()) };
                whole = aggregate.of(whole, score * other.weight);
            }
            result.add(member, whole, aggregate)
        }))?;
    }
    result.finish(limits)
}

/// How many members are in all the sources, counted up to `limit`; 0 is no limit. Sorts the sources by size. In C: `ZINTERCARD`.
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

/// The members of the first source that are in none of the others, with their scores. Nothing of no sources. O(n m) look-ups for n
/// members in the first and m others: Redis' first algorithm; its second, which copies the first and removes what is in the others,
/// costs more here, where adding is dearer than looking up. In C: `ZDIFFSTORE`, `ZDIFF`.
pub fn try_diff_store(sources: &[Source<'_>], limits: &EncodingLimits) -> Result<ZSet, ReserveError> {
    let mut result = Merged::new();
    if let [first, others @ ..] = sources {
        unbroken(first.try_for_each(|member, score| {
            if others.iter().any(|other| other.score(member).is_some()) {
                return ControlFlow::Continue(());
            }
            result.add(member, score, Aggregate::Sum)
        }))?;
    }
    result.finish(limits)
}
