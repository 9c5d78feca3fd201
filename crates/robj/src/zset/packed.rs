//! A sorted set in a listpack: members and scores in turn, in order. Everything is a walk over at most a few hundred entries.

use super::score::{Stored, score_of};
use core::cmp::Ordering;
use core::ops::{Bound, Range, RangeBounds};
use listpack::{ListPack, Offset, Value};
use zindex::{InsertError, ZTable};
use zmalloc::ReserveError;

use crate::element::Element;

/// A member that is there.
pub(super) struct Found {
    member: Offset,
    score_at: Offset,
    pub(super) score: f64,
}

/// Compares two places of the order. Scores are numbers. The other member is spelled out only for the same score.
#[inline]
fn compare(score: f64, member: &[u8], other: f64, other_member: Value<'_>) -> Ordering {
    let scores = score.partial_cmp(&other).unwrap_or(Ordering::Equal);
    scores.then_with(|| member.cmp(&*Element::from_packed(other_member).text()))
}

/// All pairs, and where the member is.
fn pairs(list: &ListPack) -> impl Iterator<Item = (Offset, Value<'_>, f64)> {
    let mut walk = list.iter();
    core::iter::from_fn(move || {
        let (at, member) = walk.next_with_offset()?;
        Some((at, member, score_of(walk.next()?)))
    })
}

pub(super) fn find(list: &ListPack, member: &[u8]) -> Option<Found> {
    let at = list.find(list.first()?, member, 1)?;
    let score_at = list.next(at)?;
    Some(Found { member: at, score_at, score: score_of(list.get(score_at)?) })
}

pub(super) fn rank(list: &ListPack, member: &[u8]) -> Option<(usize, f64)> {
    let found = find(list, member)?;
    Some((rank_of_offset(list, found.member), found.score))
}

pub(super) fn remove(list: &mut ListPack, member: &[u8]) -> Option<f64> {
    let found = find(list, member)?;
    list.remove_many(&[found.member, found.score_at]);
    Some(found.score)
}

/// Adds a member that is not there.
pub(super) fn try_insert(list: &mut ListPack, score: f64, member: &[u8]) -> Result<(), ReserveError> {
    let after = pairs(list)
        .find(|&(_, other, other_score)| compare(score, member, other_score, other).is_lt())
        .map(|pair| pair.0);
    let stored = Stored::new(score);
    let member = Value::from(member);
    let Some(at) = after else { return list.try_extend([member, stored.value()]) };
    let at = list.try_insert_before(at, member)?;
    list.try_insert_after(at, stored.value()).map(drop).inspect_err(|_| {
        list.remove(at);
    })
}

/// Gives a member that is there another score.
pub(super) fn try_update(list: &mut ListPack, found: &Found, score: f64) -> Result<(), ReserveError> {
    let Some(member) = list.get(found.member) else { return Ok(()) };
    let text = Element::from_packed(member).text();
    let neighbour = |score_at: Option<Offset>, member_at: Option<Offset>| {
        Some((score_of(list.get(score_at?)?), list.get(member_at?)?))
    };
    let before = list.prev(found.member);
    let before = neighbour(before, before.and_then(|at| list.prev(at)));
    let behind = list.next(found.score_at);
    let behind = neighbour(behind.and_then(|at| list.next(at)), behind);
    let stays = before.is_none_or(|(other, name)| compare(score, &text, other, name).is_gt())
        && behind.is_none_or(|(other, name)| compare(score, &text, other, name).is_lt());
    if stays {
        return list.try_replace(found.score_at, Stored::new(score).value()).map(drop);
    }
    // The new pair first, for which there may be no memory; a copy of the name, for it lies in the list.
    let mut copy = [0; NAME_LEN_MAX];
    let long;
    let name: &[u8] = if text.len() <= copy.len() {
        copy[..text.len()].copy_from_slice(&text);
        &copy[..text.len()]
    } else {
        long = sds::Sds::try_from_bytes(&text)?;
        &long
    };
    let old = rank_of_offset(list, found.member);
    let new = pairs(list)
        .take_while(|&(_, other, other_score)| compare(score, name, other_score, other).is_gt())
        .count();
    try_insert(list, score, name)?;
    list.remove_range(2 * if new <= old { old + 1 } else { old }, 2);
    Ok(())
}

/// Names up to this length are copied to the stack: all, under the default limits.
const NAME_LEN_MAX: usize = 64;

fn rank_of_offset(list: &ListPack, member: Offset) -> usize {
    list.index_of(member) / 2
}

pub(super) fn ranks_by_score(list: &ListPack, scores: impl RangeBounds<f64>) -> Range<usize> {
    between(list, matches!(scores.end_bound(), Bound::Unbounded), |_, score| {
        let below = match scores.start_bound() {
            Bound::Unbounded => false,
            Bound::Included(&start) => score < start,
            Bound::Excluded(&start) => score <= start,
        };
        (below, scores.contains(&score))
    })
}

pub(super) fn ranks_by_lex(list: &ListPack, members: impl RangeBounds<[u8]>) -> Range<usize> {
    between(list, matches!(members.end_bound(), Bound::Unbounded), |member, _| {
        let text = Element::from_packed(member).text();
        let below = match members.start_bound() {
            Bound::Unbounded => false,
            Bound::Included(start) => &*text < start,
            Bound::Excluded(start) => &*text <= start,
        };
        (below, members.contains(&*text))
    })
}

/// The ranks of the pairs that are in a range, given whether it goes to the end, and for each pair whether it is below it,
/// and whether it is in it.
fn between(list: &ListPack, to_end: bool, at: impl Fn(Value<'_>, f64) -> (bool, bool)) -> Range<usize> {
    let mut pairs = pairs(list).map(|(_, member, score)| at(member, score)).peekable();
    let mut start = 0;
    while pairs.next_if(|pair| pair.0).is_some() {
        start += 1;
    }
    if to_end && pairs.peek().is_some_and(|pair| pair.1) {
        return start..list.len() / 2;
    }
    let len = pairs.take_while(|pair| pair.1).count();
    if len == 0 { 0..0 } else { start..start + len }
}

/// The same members in a table.
pub(super) fn try_unpack(list: &ListPack) -> Result<ZTable, ReserveError> {
    let mut table = ZTable::new();
    for (_, member, score) in pairs(list) {
        match table.try_insert(&Element::from_packed(member).text(), score) {
            Err(InsertError::Reserve(error)) => return Err(error),
            _inserted => {} // `score_of` gives no NaN
        }
    }
    Ok(table)
}

/// The same members in a listpack.
pub(super) fn try_pack(table: &ZTable) -> Result<ListPack, ReserveError> {
    let mut list = ListPack::new();
    for (member, score) in table {
        list.try_push_back(Value::from(member))?;
        list.try_push_back(Stored::new(score).value())?;
    }
    Ok(list)
}
