//! Commands for sorted sets: ranges.

use super::read::count_reads;
use super::zset_args::{lex_range, score_range, store, write_members};
use crate::args::Args;
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::numbers::integer;
use crate::spec::flags::{DENYOOM, READONLY, WRITE};
use crate::spec::{Keys, Spec, on_key, row};
use core::ops::Range;
use values::{ObjectType, ZSet, ZSetView};

pub(super) const COMMANDS: &[Spec] = &[
    on_key("zrange", -4, READONLY, zrange).doc("1.2.0", "Returns the members of a range."),
    on_key("zrangebylex", -4, READONLY, zrangebylex)
        .doc("2.8.9", "Returns the members in a lexicographical range."),
    on_key("zrangebyscore", -4, READONLY, zrangebyscore)
        .doc("1.0.5", "Returns the members in a range of scores."),
    row("zrangestore", -5, WRITE | DENYOOM, Keys::TWO, zrangestore)
        .doc("6.2.0", "Stores the members of a range."),
    on_key("zremrangebylex", 4, WRITE, zremrangebylex)
        .doc("2.8.9", "Removes the members in a lexicographical range."),
    on_key("zremrangebyrank", 4, WRITE, zremrangebyrank)
        .doc("2.0.0", "Removes the members in a range of ranks."),
    on_key("zremrangebyscore", 4, WRITE, zremrangebyscore)
        .doc("1.2.0", "Removes the members in a range of scores."),
    on_key("zrevrange", -4, READONLY, zrevrange)
        .doc("1.2.0", "Returns the members of a range, the highest score first."),
    on_key("zrevrangebylex", -4, READONLY, zrevrangebylex)
        .doc("2.8.9", "Returns the members in a lexicographical range, in reverse order."),
    on_key("zrevrangebyscore", -4, READONLY, zrevrangebyscore)
        .doc("2.2.0", "Returns the members in a range of scores, the highest score first."),
];

/// How the two ends of a range are given: as indexes, scores or members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum By {
    #[default]
    Index,
    Score,
    Lex,
}

/// The arguments of `ZRANGE` and the commands related to it.
#[derive(Clone, Copy, Debug)]
struct Query<'a> {
    start: &'a [u8],
    end: &'a [u8],
    by: By,
    is_reversed: bool,
    /// The arguments of `LIMIT`: the number of members to skip, and the maximum number to return.
    limit: Option<(i64, i64)>,
    has_scores: bool,
}

impl<'a> Query<'a> {
    /// Parses the arguments, which begin with the start of the range. `fixed` is what the name of the command
    /// determines: the kind of the range, and whether it is reversed. `fixed` is `None` if options determine
    /// them, as for `ZRANGE`. If `takes_scores` is `false`, the members are stored or removed, so `WITHSCORES` is a
    /// syntax error.
    fn parse(args: Args<'a>, fixed: Option<(By, bool)>, takes_scores: bool) -> Result<Self, CommandError> {
        let (by, is_reversed) = fixed.unwrap_or_default();
        let (start, end) = (args.at(0), args.at(1));
        let mut query = Self { start, end, by, is_reversed, limit: None, has_scores: false };
        let mut index = 2;
        while index < args.len() {
            if args.is(index, "WITHSCORES") && takes_scores {
                query.has_scores = true;
            } else if args.is(index, "LIMIT") && index + 2 < args.len() {
                query.limit = Some((integer(args.at(index + 1))?, integer(args.at(index + 2))?));
                index += 2;
            } else if fixed.is_none() && args.is(index, "REV") {
                query.is_reversed = true;
            } else if fixed.is_none() && args.is(index, "BYSCORE") && query.by == By::Index {
                query.by = By::Score;
            } else if fixed.is_none() && args.is(index, "BYLEX") && query.by == By::Index {
                query.by = By::Lex;
            } else {
                return Err(CommandError::SYNTAX);
            }
            index += 1;
        }
        if query.limit.is_some() && query.by == By::Index {
            return Err(CommandError::new(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ));
        }
        if query.has_scores && query.by == By::Lex {
            return Err(CommandError::new(
                "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
            ));
        }
        Ok(query)
    }

    /// Parses the ends of the range. Returns a function that finds the ranks of the range in a sorted set.
    /// Ranks count in ascending order, even if the range is reversed.
    fn ranks(self) -> Result<impl Fn(ZSetView<'_>) -> Range<usize>, CommandError> {
        // The first argument of a reversed range is its highest end.
        let (low, high) = if self.is_reversed { (self.end, self.start) } else { (self.start, self.end) };
        let indexes = match self.by {
            By::Index => Some((integer(self.start)?, integer(self.end)?)),
            By::Score | By::Lex => None,
        };
        let scores = if self.by == By::Score { Some(score_range(low, high)?) } else { None };
        let members = if self.by == By::Lex { lex_range(low, high)? } else { None };
        Ok(move |set: ZSetView<'_>| {
            let ranks = match (indexes, scores, members) {
                (Some((start, end)), ..) => {
                    let ranks = set.ranks_by_index(start, end);
                    let len = set.len();
                    if self.is_reversed { len - ranks.end..len - ranks.start } else { ranks }
                }
                (_, Some(scores), _) => set.ranks_by_score(scores),
                (.., Some(members)) => set.ranks_by_lex(members),
                (None, None, None) => 0..0,
            };
            self.limited(ranks)
        })
    }

    /// Applies `LIMIT` to a range of ranks. In a reversed range it counts from the end.
    fn limited(self, ranks: Range<usize>) -> Range<usize> {
        let Some((offset, count)) = self.limit else { return ranks };
        let Ok(offset) = usize::try_from(offset) else { return 0..0 };
        let left = ranks.len().saturating_sub(offset);
        // A negative count means all.
        let count = usize::try_from(count).map_or(left, |count| count.min(left));
        if self.is_reversed {
            let end = ranks.end.saturating_sub(offset).max(ranks.start);
            end - count..end
        } else {
            let start = ranks.start.saturating_add(offset).min(ranks.end);
            start..start + count
        }
    }
}

fn zrange(call: &mut Call<'_>) -> Outcome {
    range(call, None)
}

fn zrevrange(call: &mut Call<'_>) -> Outcome {
    range(call, Some((By::Index, true)))
}

fn zrangebyscore(call: &mut Call<'_>) -> Outcome {
    range(call, Some((By::Score, false)))
}

fn zrevrangebyscore(call: &mut Call<'_>) -> Outcome {
    range(call, Some((By::Score, true)))
}

fn zrangebylex(call: &mut Call<'_>) -> Outcome {
    range(call, Some((By::Lex, false)))
}

fn zrevrangebylex(call: &mut Call<'_>) -> Outcome {
    range(call, Some((By::Lex, true)))
}

fn range(call: &mut Call<'_>, fixed: Option<(By, bool)>) -> Outcome {
    let query = Query::parse(call.args.from(2), fixed, true)?;
    let ranks = query.ranks()?;
    super::zset_args::read(
        call,
        |reply| reply.array(0),
        |set, reply| {
            let members = set.range(ranks(set));
            if query.is_reversed {
                write_members(reply, members.rev(), query.has_scores);
            } else {
                write_members(reply, members, query.has_scores);
            }
        },
    )
}

fn zrangestore(call: &mut Call<'_>) -> Outcome {
    let (target, source, now) = (call.args.at(1), call.args.at(2), call.now);
    let query = Query::parse(call.args.from(3), None, false)?;
    let (ranks, limits) = (query.ranks()?, call.limits());
    count_reads(call, call.args.from(2).first(1), &[ObjectType::ZSet])?;
    let mut result = ZSet::new();
    if let Some(set) = call.keys().get_as::<ZSet>(source, now)? {
        let ranks = ranks(set);
        for (number, (member, score)) in set.range(ranks.clone()).enumerate() {
            if number == 0 {
                result = ZSet::with_hint(member, ranks.len(), &limits);
            }
            result.try_add(member, score, Default::default(), &limits)?;
        }
    }
    store(call, target, result, "zrangestore")
}

fn zremrangebyrank(call: &mut Call<'_>) -> Outcome {
    remove(call, By::Index, "zremrangebyrank")
}

fn zremrangebyscore(call: &mut Call<'_>) -> Outcome {
    remove(call, By::Score, "zremrangebyscore")
}

fn zremrangebylex(call: &mut Call<'_>) -> Outcome {
    remove(call, By::Lex, "zremrangebylex")
}

fn remove(call: &mut Call<'_>, by: By, event: &str) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let ranks = Query::parse(call.args.from(2), Some((by, false)), false)?.ranks()?;
    let removed = call.parts().0.modify_as::<ZSet, _, keyspace::Error>(key, now, |set| {
        let ranks = ranks(set.view());
        Ok(set.remove_range(ranks))
    })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        call.changed(notify::ZSET, event, key, removed);
        call.notify_if_removed(key);
    }
    call.reply().count(removed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_counts_from_the_end_that_comes_first() {
        let query = |limit, is_reversed| Query {
            start: b"",
            end: b"",
            by: By::Score,
            is_reversed,
            limit: Some(limit),
            has_scores: false,
        };
        assert_eq!(query((1, 2), false).limited(10..20), 11..13);
        assert_eq!(query((1, 2), true).limited(10..20), 17..19);
        assert_eq!(query((8, 5), false).limited(10..20), 18..20);
        assert_eq!(query((8, 5), true).limited(10..20), 10..12);
        assert_eq!(query((3, -1), false).limited(10..20), 13..20);
        assert!(query((11, 1), true).limited(10..20).is_empty());
        assert!(query((-1, 1), false).limited(10..20).is_empty());
        assert!(query((i64::MAX, i64::MAX), false).limited(10..20).is_empty());
    }
}
