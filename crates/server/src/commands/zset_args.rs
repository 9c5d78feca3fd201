//! Arguments and steps that the commands for sorted sets share.

use super::read::{begin_pairs, read as read_as, write_pair};
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::numbers::parse_bound;
use crate::reply::Reply;
use core::ops::Bound;
use values::{Element, ZSet, ZSetView};

/// A range of scores.
pub(super) type ScoreRange = (Bound<f64>, Bound<f64>);
/// A range of members.
pub(super) type LexRange<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// Parses a range of scores. A bound that begins with `(` is not part of the range.
pub(super) fn score_range(min: &[u8], max: &[u8]) -> Result<ScoreRange, CommandError> {
    Ok((score_bound(min)?, score_bound(max)?))
}

fn score_bound(text: &[u8]) -> Result<Bound<f64>, CommandError> {
    let number = |text: &[u8]| parse_bound(text).ok_or(CommandError::new("ERR min or max is not a float"));
    match text {
        [b'(', rest @ ..] => number(rest).map(Bound::Excluded),
        _ => number(text).map(Bound::Included),
    }
}

/// An end of a range of members.
#[derive(Clone, Copy, Debug, PartialEq)]
enum LexEnd<'a> {
    Lowest,
    Highest,
    At(Bound<&'a [u8]>),
}

/// Parses a range of members. Returns `None` if it certainly has no member.
pub(super) fn lex_range<'a>(min: &'a [u8], max: &'a [u8]) -> Result<Option<LexRange<'a>>, CommandError> {
    let (min, max) = (lex_end(min)?, lex_end(max)?);
    let start = match min {
        LexEnd::Lowest => Bound::Unbounded,
        LexEnd::Highest => return Ok(None),
        LexEnd::At(bound) => bound,
    };
    let end = match max {
        LexEnd::Highest => Bound::Unbounded,
        LexEnd::Lowest => return Ok(None),
        LexEnd::At(bound) => bound,
    };
    Ok(Some((start, end)))
}

fn lex_end(text: &[u8]) -> Result<LexEnd<'_>, CommandError> {
    match text {
        b"-" => Ok(LexEnd::Lowest),
        b"+" => Ok(LexEnd::Highest),
        [b'[', member @ ..] => Ok(LexEnd::At(Bound::Included(member))),
        [b'(', member @ ..] => Ok(LexEnd::At(Bound::Excluded(member))),
        _ => Err(CommandError::new("ERR min or max not valid string range item")),
    }
}

/// Calls `found` with the sorted set of the first key, or `absent` if there is no such key. Counts the look-up.
pub(super) fn read(
    call: &mut Call<'_>,
    absent: impl FnOnce(&mut Reply),
    found: impl FnOnce(ZSetView<'_>, &mut Reply),
) -> Outcome {
    read_as::<ZSet>(call, |reply, set| {
        match set {
            Some(set) => found(set, reply),
            None => absent(reply),
        }
        Ok(())
    })
}

/// Writes members, with their scores if these are asked for.
pub(super) fn write_members<'e>(
    reply: &mut Reply,
    members: impl ExactSizeIterator<Item = (Element<'e>, f64)>,
    has_scores: bool,
) {
    begin_pairs(reply, members.len(), has_scores);
    for (member, score) in members {
        write_pair(reply, has_scores, member, |reply| reply.double(score));
    }
}

/// Replaces the value of a key by a sorted set, and writes the number of its members. An empty set removes the
/// key.
pub(super) fn store(call: &mut Call<'_>, key: &[u8], set: ZSet, event: &str) -> Outcome {
    let len = set.view().len();
    super::store::store(call, key, (set, len), (notify::ZSET, event), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_parsed() {
        assert_eq!(score_range(b"(1", b"+inf"), Ok((Bound::Excluded(1.0), Bound::Included(f64::INFINITY))));
        assert!(score_range(b"1", b"x").is_err() && score_range(b"nan", b"1").is_err());
        assert_eq!(lex_range(b"-", b"+"), Ok(Some((Bound::Unbounded, Bound::Unbounded))));
        assert_eq!(lex_range(b"[", b"(b"), Ok(Some((Bound::Included(&b""[..]), Bound::Excluded(&b"b"[..])))));
        assert_eq!((lex_range(b"+", b"[a"), lex_range(b"-", b"-")), (Ok(None), Ok(None)));
        assert!(lex_range(b"a", b"+").is_err() && lex_range(b"-", b"").is_err());
    }
}
