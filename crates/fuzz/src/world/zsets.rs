//! Operations on sorted sets.

use super::input::{Indexes, Many, Member, Source, span};
use super::model::{Bytes, Plain, Reply, ZSet};
use super::pair::Pair;
use super::sets::Algebra;
use arbitrary::Arbitrary;
use keyspace::{Cursor, Error};
use std::cell::{Cell, RefCell};
use std::ops::Bound::{self, Excluded, Included, Unbounded};
use values::zset::{AddOptions, Added, Aggregate, try_diff_store, try_inter_store, try_union_store};
use values::{Element, ZSetView};

/// A score: a number of quarters, or a special value.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Score {
    quarters: i16,
    special: u8,
}

impl Score {
    pub(crate) fn value(self) -> f64 {
        let special = [f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e-300, -0.0, 0.1];
        special.get(usize::from(self.special)).copied().unwrap_or(f64::from(self.quarters % 400) / 4.0)
    }
}

/// The conditions of `ZADD`.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Conditions(u8);

impl Conditions {
    /// Returns the options. Three of four have no condition, so that most members are added.
    fn options(self) -> AddOptions {
        let [nx, xx, gt, lt, incr] = [1, 2, 4, 8, 16].map(|bit| self.0 & bit != 0);
        let options = AddOptions { nx, xx, gt, lt, incr };
        if self.0 & 0x60 == 0 { options } else { AddOptions { incr, ..AddOptions::default() } }
    }
}

/// A range of members by rank, by score, or by bytes.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Part {
    Ranks(Indexes),
    Scores(Score, Score, bool),
    /// A range of bytes. It is meaningful only if all scores are equal.
    Members(Member, Member, bool),
}

#[derive(Arbitrary, Debug)]
pub(crate) enum ZSetOp {
    Add(Member, Score, Conditions),
    AddPlainly(Member, Score),
    Fill(Many, Score, bool),
    Remove(Member),
    RemovePart(Part),
    PopFirst,
    PopLast,
    Rank(Member),
    Range(Part, bool),
    Random(Source, u8),
    Scan,
}

/// Adds a member to the model, as `ZADD` does.
fn add(zset: &mut ZSet, member: &[u8], score: f64, options: AddOptions) -> Result<Added, Reply> {
    const NOT_A_NUMBER: Reply = "ERR resulting score is not a number (NaN)";
    let Some(old) = zset.score(member) else {
        if options.xx {
            return Ok(Added::Skipped);
        }
        zset.insert(member.to_vec(), score);
        return Ok(Added::Added(score));
    };
    if options.nx {
        return Ok(Added::Skipped);
    }
    let new = if options.incr { old + score } else { score };
    if new.is_nan() {
        return Err(NOT_A_NUMBER);
    }
    if options.gt && new <= old || options.lt && new >= old {
        return Ok(Added::Skipped);
    }
    if new == old {
        return Ok(Added::Unchanged(new));
    }
    zset.insert(member.to_vec(), new);
    Ok(Added::Updated(new))
}

/// Returns a member and a score as the model has them.
fn pair(member: Element<'_>, score: f64) -> (Bytes, f64) {
    (member.text().to_vec(), score)
}

fn owned((member, score): (&Bytes, f64)) -> (Bytes, f64) {
    (member.clone(), score)
}

/// The bounds of a [`Part`], as the methods take them.
enum Bounds {
    Ranks(i64, i64),
    Scores(f64, Bound<f64>),
    Members(Bytes, Bound<Bytes>),
}

impl Part {
    /// Returns the bounds of a part. A range of bytes becomes a range of ranks if the scores are not equal.
    fn bounds(self, key: &[u8], zset: Option<&ZSet>, pair: &Pair<'_>) -> Bounds {
        let is_one_score = |zset: &ZSet| {
            let mut scores = zset.iter().map(|(_, score)| score);
            let first = scores.next();
            scores.all(|score| Some(score) == first)
        };
        match self {
            Self::Members(from, to, excluded) if zset.is_none_or(is_one_score) => {
                let [from, to] = [from, to].map(|member| member.bytes(key, pair.context.scale));
                Bounds::Members(from, if excluded { Excluded(to) } else { Included(to) })
            }
            Self::Scores(from, to, excluded) => {
                let to = to.value();
                Bounds::Scores(from.value(), if excluded { Excluded(to) } else { Included(to) })
            }
            Self::Ranks(indexes) => {
                let (start, end) = indexes.of(zset.map_or(0, ZSet::len));
                Bounds::Ranks(start, end)
            }
            Self::Members(..) => Bounds::Ranks(0, 10),
        }
    }
}

impl Bounds {
    fn ranks(&self, zset: ZSetView<'_>) -> std::ops::Range<usize> {
        match self {
            Self::Ranks(start, end) => zset.ranks_by_index(*start, *end),
            Self::Scores(from, to) => zset.ranks_by_score((Included(*from), *to)),
            Self::Members(from, to) => {
                let to = to.as_ref().map(|to| &to[..]);
                zset.ranks_by_lex((Included(&from[..]), to))
            }
        }
    }

    fn members(&self, zset: &ZSet) -> Vec<(Bytes, f64)> {
        let is_in = |index: usize, member: &Bytes, score: f64| match self {
            Self::Ranks(start, end) => span((*start, *end), zset.len()).contains(&index),
            Self::Scores(from, to) => {
                *from <= score
                    && match to {
                        Included(to) => score <= *to,
                        Excluded(to) => score < *to,
                        Unbounded => true,
                    }
            }
            Self::Members(from, to) => {
                from <= member
                    && match to {
                        Included(to) => member <= to,
                        Excluded(to) => member < to,
                        Unbounded => true,
                    }
            }
        };
        let all = zset.iter().enumerate();
        all.filter(|(index, (member, score))| is_in(*index, member, *score))
            .map(|(_, it)| owned(it))
            .collect()
    }
}

impl Pair<'_> {
    pub(crate) fn on_zset(&mut self, key: &[u8], op: &ZSetOp) {
        let (scale, limits) = (self.context.scale, self.limits());
        match *op {
            ZSetOp::Add(member, score, conditions) => {
                self.add(key, &member.bytes(key, scale), score.value(), conditions.options());
            }
            ZSetOp::AddPlainly(member, score) => {
                self.add(key, &member.bytes(key, scale), score.value(), AddOptions::default());
            }
            ZSetOp::Fill(many, score, same) => {
                let (members, score) = (many.members(key, scale).collect::<Vec<_>>(), score.value());
                let score_of = |n: usize| if same { score } else { score + (n * 7 % 64) as f64 };
                let done = Cell::new(0);
                self.edits = true;
                self.run_partial_and_compare(
                    key,
                    |keyspace, now| {
                        keyspace.edit_as::<values::ZSet, _, Error>(key, now, |zset| {
                            for (n, member) in members.iter().enumerate() {
                                zset.try_add(member, score_of(n), AddOptions::default(), &limits)?;
                                done.set(done.get() + 1);
                            }
                            Ok(())
                        })
                    },
                    |model, is_kept| {
                        let done = if is_kept { done.get() } else { 0 };
                        model.edit(key, |zset: &mut ZSet| {
                            for (n, member) in members[..done].iter().enumerate() {
                                add(zset, member, score_of(n), AddOptions::default()).expect("a number");
                            }
                        })
                    },
                );
            }
            ZSetOp::Remove(member) => {
                let member = member.bytes(key, scale);
                self.run_and_compare(
                    |keyspace, now| keyspace.zrem(key, &member, now),
                    |model| {
                        let remove = |zset: &mut ZSet| zset.remove(&member).is_some();
                        Ok(model.modify(key, remove)?.unwrap_or(false))
                    },
                );
            }
            ZSetOp::RemovePart(part) => {
                let bounds = part.bounds(key, self.model.read(key).ok().flatten(), self);
                self.run_and_compare(
                    |keyspace, now| {
                        keyspace.modify_as::<values::ZSet, _, Error>(key, now, |zset| {
                            let ranks = bounds.ranks(zset.view());
                            Ok(zset.remove_range(ranks))
                        })
                    },
                    |model| {
                        model.modify(key, |zset: &mut ZSet| {
                            let gone = bounds.members(zset);
                            gone.iter().filter(|(member, _)| zset.remove(member).is_some()).count()
                        })
                    },
                );
            }
            ZSetOp::PopFirst | ZSetOp::PopLast => {
                let first = matches!(op, ZSetOp::PopFirst);
                self.run_and_compare(
                    |keyspace, now| {
                        let popped = keyspace.modify_as::<values::ZSet, _, Error>(key, now, |zset| {
                            Ok(if first { zset.pop_first(pair) } else { zset.pop_last(pair) })
                        })?;
                        Ok(popped.flatten())
                    },
                    |model| {
                        let popped = model.modify(key, |zset: &mut ZSet| {
                            let end = if first { zset.iter().next() } else { zset.iter().next_back() };
                            let (member, score) = owned(end?);
                            zset.remove(&member);
                            Some((member, score))
                        })?;
                        Ok(popped.flatten())
                    },
                );
            }
            ZSetOp::Rank(_) | ZSetOp::Range(..) | ZSetOp::Random(..) | ZSetOp::Scan => {
                self.read_zset(key, op)
            }
        }
    }

    fn add(&mut self, key: &[u8], member: &[u8], score: f64, options: AddOptions) {
        self.edits = true;
        self.run_and_compare(
            |keyspace, now| keyspace.zadd(key, member, score, options, now),
            |model| {
                if options.nx && options.xx {
                    return Err("ERR XX and NX options at the same time are not compatible");
                }
                if options.nx && (options.gt || options.lt) || options.gt && options.lt {
                    return Err("ERR GT, LT, and/or NX options at the same time are not compatible");
                }
                model.edit(key, |zset: &mut ZSet| add(zset, member, score, options))?
            },
        );
    }

    fn read_zset(&mut self, key: &[u8], op: &ZSetOp) {
        let scale = self.context.scale;
        match *op {
            ZSetOp::Rank(member) => {
                let member = member.bytes(key, scale);
                self.read_and_compare(
                    |keyspace, now| {
                        let zset = keyspace.get_as::<values::ZSet>(key, now)?;
                        Ok(zset.and_then(|zset| Some((zset.rank(&member)?, zset.rev_rank(&member)?.0))))
                    },
                    |model| {
                        let zset = model.read::<ZSet>(key)?;
                        Ok(zset.and_then(|zset| {
                            let score = zset.score(&member)?;
                            let rank = zset.members().position(|other| *other == member)?;
                            Some(((rank, score), zset.len() - 1 - rank))
                        }))
                    },
                );
            }
            ZSetOp::Range(part, reverse) => {
                let bounds = part.bounds(key, self.model.read(key).ok().flatten(), self);
                self.read_and_compare(
                    |keyspace, now| {
                        let zset = keyspace.get_as::<values::ZSet>(key, now)?;
                        let Some(zset) = zset else { return Ok(Vec::new()) };
                        let range = zset.range(bounds.ranks(zset)).map(|(member, score)| pair(member, score));
                        Ok(if reverse { range.rev().collect() } else { range.collect() })
                    },
                    |model| {
                        let zset = model.read::<ZSet>(key)?;
                        let mut members = zset.map(|zset| bounds.members(zset)).unwrap_or_default();
                        if reverse {
                            members.reverse();
                        }
                        Ok(members)
                    },
                );
            }
            ZSetOp::Random(..) | ZSetOp::Scan => {
                let seen = RefCell::new(Vec::new());
                let members = |zset: ZSetView<'_>| {
                    let mut members = Vec::new();
                    let mut each = |member: Element<'_>, score| members.push(pair(member, score));
                    if let ZSetOp::Random(source, count) = *op {
                        zset.try_random_unique(count.into(), source.numbers(), each)
                            .expect("no allocation fails");
                    } else {
                        let mut cursor = Cursor::START;
                        loop {
                            cursor = zset.scan(cursor, &mut each);
                            if cursor.is_start() {
                                break;
                            }
                        }
                    }
                    seen.replace(members);
                };
                self.read_and_compare(
                    |keyspace, now| Ok(keyspace.get_as::<values::ZSet>(key, now)?.map(members)),
                    |model| {
                        let zset = model.read::<ZSet>(key)?;
                        Ok(zset.map(|zset| {
                            let mut seen = seen.take();
                            assert!(seen.iter().all(|(member, score)| zset.score(member) == Some(*score)));
                            let len = seen.len();
                            seen.sort_by(|(member, _), (other, _)| member.cmp(other));
                            seen.dedup_by(|(member, _), (other, _)| member == other);
                            assert_eq!(len, seen.len(), "a member twice");
                            let wanted =
                                if let ZSetOp::Random(_, count) = *op { count.into() } else { usize::MAX };
                            assert_eq!(len, wanted.min(zset.len()));
                        }))
                    },
                );
            }
            _ => unreachable!("another operation"),
        }
    }

    /// Runs `ZUNIONSTORE` or a similar command, with two sorted sets and a third one for the result.
    pub(crate) fn zset_algebra(
        &mut self,
        algebra: Algebra,
        aggregate: u8,
        to: &[u8],
        [first, second]: [&[u8]; 2],
    ) {
        let limits = self.limits();
        let aggregate = [Aggregate::Sum, Aggregate::Min, Aggregate::Max][usize::from(aggregate % 3)];
        // The model reads the sources first, because the keyspace may evict one to make room for the result.
        let read = |key| self.model.read::<ZSet>(key).map(|zset| zset.cloned().unwrap_or_default());
        let result = read(first).and_then(|one| Ok(merged(algebra, aggregate, &one, &read(second)?)));
        self.run_and_compare(
            |keyspace, now| {
                let none = values::ZSet::new();
                let one = keyspace.get_as::<values::ZSet>(first, now)?.unwrap_or(none.view()).into();
                let other = keyspace.get_as::<values::ZSet>(second, now)?.unwrap_or(none.view()).into();
                let result = match algebra {
                    Algebra::Inter => try_inter_store(&[(one, 1.0), (other, -2.0)], aggregate, &limits),
                    Algebra::Union => try_union_store(&[(one, 1.0), (other, -2.0)], aggregate, &limits),
                    Algebra::Diff => try_diff_store(&[one, other], &limits),
                }?;
                let len = result.len();
                keyspace.insert(to, result, None, now)?;
                Ok(len)
            },
            |model| {
                let result = result?;
                let len = result.len();
                model.store(to, result.into_content());
                Ok(len)
            },
        );
    }
}

/// Returns the union, the intersection or the difference. In a union and an intersection, the second set has
/// the weight -2.
fn merged(algebra: Algebra, aggregate: Aggregate, one: &ZSet, other: &ZSet) -> ZSet {
    let aggregated = |one: f64, other: f64| match aggregate {
        Aggregate::Sum if (one + other).is_nan() => 0.0, // the sum of both infinities
        Aggregate::Sum => one + other,
        Aggregate::Min => one.min(other),
        Aggregate::Max => one.max(other),
    };
    let mut result = ZSet::default();
    for (member, score) in one.iter() {
        match (algebra, other.score(member)) {
            (Algebra::Inter, None) | (Algebra::Diff, Some(_)) => {}
            (_, None) => result.insert(member.clone(), score),
            (_, Some(second)) => result.insert(member.clone(), aggregated(score, -2.0 * second)),
        }
    }
    if let Algebra::Union = algebra {
        for (member, score) in other.iter().filter(|(member, _)| one.score(member).is_none()) {
            result.insert(member.clone(), -2.0 * score);
        }
    }
    result
}
