//! A sorted set in a listpack: each member is followed by its score, in order. All operations walk over at
//! most a few hundred entries.

use super::score::{StoredScore, score_of};
use core::ops::{Bound, Range, RangeBounds};
use listpack::{ListPack, Offset, Value, View};
use zindex::{InsertError, ZTable};
use zmalloc::ReserveError;

use crate::element::{Element, StrView};
use common::Room;

/// The entry of a member.
pub(super) struct Found {
    /// The offset of the member, and (`score_offset`) that of its score.
    at: Offset,
    score_offset: Offset,
    pub(super) score: f64,
}

/// An iterator over members and scores. It reads only the scores.
struct Scores<'a>(listpack::Iter<'a>);

impl<'a> Scores<'a> {
    fn from(list: &'a View, first: Offset) -> Self {
        Self(list.iter_from(first))
    }
}

impl Iterator for Scores<'_> {
    /// The offset of a member, and its score.
    type Item = (Offset, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let member = self.0.offset()?;
        Some((member, score_of(self.0.nth(1)?)))
    }
}

/// Returns a member's bytes.
fn text(list: &View, member: Offset) -> StrView<'_> {
    list.get(member).map_or(Element::Bytes(b""), Element::from_packed).text()
}

pub(super) fn find(list: &View, member: &[u8]) -> Option<Found> {
    found(list, list.find(list.first()?, member, 1)?)
}

fn found(list: &View, at: Offset) -> Option<Found> {
    let score_offset = list.next(at)?;
    Some(Found { at, score: score_of(list.get(score_offset)?), score_offset })
}

pub(super) fn rank(list: &View, member: &[u8]) -> Option<(usize, f64)> {
    let (at, rank) = list.position(member, 1)?;
    Some((rank, found(list, at)?.score))
}

pub(super) fn remove<R: Room>(list: &mut ListPack<R>, member: &[u8]) -> Option<f64> {
    let found = find(list, member)?;
    list.remove_run(found.at, 2);
    Some(found.score)
}

/// Returns the first member, from `first` on, that stands after this score and name. A name is read only
/// if the scores are equal.
fn first_beyond(list: &View, first: Option<Offset>, score: f64, name: &[u8]) -> Option<Offset> {
    let is_beyond = |&(at, other): &(Offset, f64)| other > score || other == score && &*text(list, at) > name;
    Scores::from(list, first?).find(is_beyond).map(|(at, _)| at)
}

/// Adds a member that must not be present.
pub(super) fn try_insert<R: Room>(
    list: &mut ListPack<R>,
    score: f64,
    member: &[u8],
) -> Result<(), ReserveError> {
    let stored = StoredScore::new(score);
    let pair = [Value::from(member), stored.value()];
    match first_beyond(list, list.first(), score, member) {
        Some(beyond) => list.try_insert_all_before(beyond, pair),
        None => list.try_extend(pair),
    }
}

/// Changes the score of a member.
pub(super) fn try_update<R: Room>(
    list: &mut ListPack<R>,
    found: &Found,
    score: f64,
) -> Result<(), ReserveError> {
    // The score is replaced first, which may need memory. Then the member moves to its new place, which
    // needs none.
    list.try_replace(found.score_offset, StoredScore::new(score).value())?;
    let first = if score > found.score { list.next(found.score_offset) } else { list.first() };
    let beyond = first_beyond(list, first, score, &text(list, found.at));
    list.move_before(found.at, 2, beyond);
    Ok(())
}

/// The members of a range: their ranks, and the offset of the first one.
#[derive(Default)]
pub(super) struct RankRange {
    pub(super) ranks: Range<usize>,
    pub(super) first: Option<Offset>,
}

pub(super) fn by_score(list: &View, scores: impl RangeBounds<f64>) -> RankRange {
    rank_range(list, matches!(scores.end_bound(), Bound::Unbounded), |_, score| {
        let below = match scores.start_bound() {
            Bound::Unbounded => false,
            Bound::Included(&start) => score < start,
            Bound::Excluded(&start) => score <= start,
        };
        (below, scores.contains(&score))
    })
}

pub(super) fn by_lex(list: &View, members: impl RangeBounds<[u8]>) -> RankRange {
    rank_range(list, matches!(members.end_bound(), Bound::Unbounded), |member, _| {
        let text = text(list, member);
        let below = match members.start_bound() {
            Bound::Unbounded => false,
            Bound::Included(start) => &*text < start,
            Bound::Excluded(start) => &*text <= start,
        };
        (below, members.contains(&*text))
    })
}

/// Finds the members of a range. `to_end` tells whether the range has no end. `classify` tells for a member
/// and its score whether it is below the range, and whether it is in it.
#[inline]
fn rank_range(list: &View, to_end: bool, classify: impl Fn(Offset, f64) -> (bool, bool)) -> RankRange {
    let Some(first) = list.first() else { return RankRange::default() };
    let mut scores = Scores::from(list, first);
    let mut start = 0;
    let first = loop {
        let Some((member, score)) = scores.next() else { return RankRange::default() };
        match classify(member, score) {
            (true, _) => start += 1,
            (false, true) => break member,
            (false, false) => return RankRange::default(),
        }
    };
    let end = if to_end {
        list.len() / 2
    } else {
        start + 1 + scores.take_while(|&(member, score)| classify(member, score).1).count()
    };
    RankRange { ranks: start..end, first: Some(first) }
}

/// Returns an iterator over all members and their scores.
fn pairs(list: &View) -> impl Iterator<Item = (Element<'_>, f64)> {
    let mut iter = list.iter();
    core::iter::from_fn(move || Some((Element::from_packed(iter.next()?), score_of(iter.next()?))))
}

/// Returns a table of the same members.
pub(super) fn try_to_table(list: &View) -> Result<ZTable, ReserveError> {
    let mut table = ZTable::new();
    for (member, score) in pairs(list) {
        match table.try_insert(&member.text(), score) {
            Err(InsertError::Reserve(error)) => return Err(error),
            _inserted => {} // `score_of` never returns NaN
        }
    }
    Ok(table)
}

/// Returns a listpack of the same members.
pub(super) fn try_to_listpack(table: &ZTable) -> Result<ListPack, ReserveError> {
    let mut list = ListPack::new();
    for (member, score) in table {
        list.try_push_back(Value::from(member))?;
        list.try_push_back(StoredScore::new(score).value())?;
    }
    Ok(list)
}
