//! Compares `ZTable` and `ZIndex` with std's maps and sets, with allocations that fail and blocks that are
//! moved.

use crate::harness::{Faults, LeakCheck, Plan, operations};
use ::zindex::{Cursor, InsertError, Order, ZIndex, ZTable};
use arbitrary::Arbitrary;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Arbitrary, Debug)]
enum Op {
    Insert {
        member: u16,
        score: Score,
    },
    /// Inserts several members, with scores that ascend by a step.
    InsertMany {
        member: u16,
        count: u8,
        score: Score,
        step: u8,
    },
    Remove {
        member: u16,
    },
    RemoveRange {
        start: u16,
        len: u8,
    },
    Pop {
        last: bool,
    },
    Update {
        member: u16,
        score: Score,
    },
    Range {
        from: Score,
        to: Score,
        inclusive: bool,
    },
    Relocate {
        one_in: u8,
    },
    DropInSteps {
        n: u8,
    },
    ReplaceByClone,
    Follow(Plan),
}

/// A score: one of a few, so that several members have equal scores, or any number.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Score {
    Small(i8),
    Time(u16),
    Any(f64),
}

impl Score {
    fn value(self) -> f64 {
        match self {
            Self::Small(n) => f64::from(n) / 4.0,
            Self::Time(n) => 1.7e12 + f64::from(n),
            Self::Any(n) => n,
        }
    }
}

/// A score that is not NaN, and therefore has an order.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Number(f64);

impl Eq for Number {}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.partial_cmp(&other.0).expect("not NaN")
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Default)]
struct State {
    table: ZTable,
    /// An index with the same members and scores as the table.
    index: ZIndex,
    scores: BTreeMap<Vec<u8>, f64>,
    order: BTreeSet<(Number, Vec<u8>)>,
}

/// Returns a member, which is short or long.
fn name(number: u16) -> Vec<u8> {
    let mut name = number.to_be_bytes().to_vec();
    if number.is_multiple_of(32) {
        name.resize(usize::from(number % 1024), b'x');
    }
    name
}

/// Runs the operations that `data` encodes.
pub fn run(data: &[u8]) {
    let leak_check = LeakCheck::open();
    let (mut state, mut faults) = (State::default(), Faults::new());
    for op in operations(data) {
        match op {
            Op::Follow(plan) => faults.follow(plan),
            op => state.step(op, &faults),
        }
        assert_eq!((state.table.len(), state.index.len()), (state.order.len(), state.order.len()));
        assert_eq!(leak_check.used(), state.table.allocation_size() + state.index.allocation_size());
    }
    state.compare();
}

impl State {
    fn step(&mut self, op: Op, faults: &Faults) {
        match op {
            Op::Insert { member, score } | Op::Update { member, score } => {
                self.insert(&name(member), score.value(), faults);
            }
            Op::InsertMany { member, count, score, step } => {
                for n in 0..count.into() {
                    let score = score.value() + f64::from(n) * f64::from(step);
                    self.insert(&name(member.wrapping_add(n)), score, faults);
                }
            }
            Op::Remove { member } => self.remove(&name(member)),
            Op::RemoveRange { start, len } => {
                let start = usize::from(start) % (self.order.len() + 1);
                let gone: Vec<_> = self.order.iter().skip(start).take(len.into()).cloned().collect();
                assert_eq!(self.table.remove_range(start..start + usize::from(len)), gone.len());
                for (score, member) in gone {
                    assert!(self.index.remove(&member, score.0));
                    self.forget(&member);
                }
            }
            Op::Pop { last } => {
                let popped = if last { self.table.pop_last() } else { self.table.pop_first() };
                let other = if last { self.index.pop_last() } else { self.index.pop_first() };
                let want = if last { self.order.last() } else { self.order.first() }.cloned();
                assert_eq!(popped.map(|it| (Number(it.score()), it.to_vec())), want);
                assert_eq!(other.map(|it| (Number(it.score()), it.to_vec())), want);
                if let Some((_, member)) = want {
                    self.forget(&member);
                }
            }
            Op::Range { from, to, inclusive } => {
                let (from, to) = (from.value(), to.value());
                let within = |score: f64| from <= score && if inclusive { score <= to } else { score < to };
                let want: Vec<_> =
                    self.order.iter().filter(|it| within(it.0.0)).map(|it| (&it.1[..], it.0.0)).collect();
                let got = |order: &Order| {
                    if inclusive { order.ranks_by_score(from..=to) } else { order.ranks_by_score(from..to) }
                };
                for order in [&*self.table, &*self.index] {
                    assert!(order.range(got(order)).eq(want.iter().copied()));
                    assert!(order.range(got(order)).rev().eq(want.iter().rev().copied()));
                }
            }
            Op::Relocate { one_in } => {
                let mut asked = 0_u64;
                let mut moves = |_, _| {
                    asked += 1;
                    asked.is_multiple_of(u64::from(one_in) + 1)
                };
                let mut cursor = Cursor::START;
                loop {
                    cursor = self.table.relocate(cursor, &mut moves);
                    if cursor.is_start() {
                        break;
                    }
                }
                loop {
                    cursor = self.index.relocate(cursor, &mut moves);
                    if cursor.is_start() {
                        break;
                    }
                }
            }
            Op::DropInSteps { n } => {
                let n = usize::from(n);
                let (copy, _failed) = faults.watch(|| self.table.try_clone());
                let mut left = copy.ok().and_then(|copy| copy.drop_in_steps(n));
                while let Some(remains) = left {
                    left = remains.drop_in_steps(n);
                }
                let kept = self.order.len().saturating_sub(n.max(1));
                self.index = std::mem::take(&mut self.index).drop_in_steps(n).unwrap_or_default();
                self.table.remove_range(kept..);
                while self.order.len() > kept
                    && let Some((_, member)) = self.order.last().cloned()
                {
                    self.forget(&member);
                }
            }
            Op::ReplaceByClone => {
                let (copy, failed) = faults.watch(|| self.table.try_clone());
                assert_eq!(copy.is_err(), failed);
                if let Ok(copy) = copy {
                    self.table = copy;
                }
                let (copy, failed) = faults.watch(|| self.index.try_clone());
                assert_eq!(copy.is_err(), failed);
                if let Ok(copy) = copy {
                    self.index = copy;
                }
            }
            Op::Follow(_) => {}
        }
    }

    fn insert(&mut self, member: &[u8], score: f64, faults: &Faults) {
        let old = self.scores.get(member).copied();
        let done = |result: Result<bool, InsertError>, failed: bool| match result {
            Ok(_) => true,
            Err(InsertError::NotANumber(_)) => {
                assert!(score.is_nan());
                false
            }
            Err(error) => {
                assert!(failed, "{error}");
                false
            }
        };
        let (result, failed) = faults.watch(|| self.table.try_insert(member, score));
        let in_table = done(
            result.map(|before| {
                assert_eq!(before, old);
                true
            }),
            failed,
        );
        if !in_table {
            return;
        }
        let (result, failed) = faults.watch(|| match old {
            Some(old) => self.index.try_update_score(member, old, score),
            None => self.index.try_insert(member, score),
        });
        if done(result, failed) {
            self.forget(member);
            self.scores.insert(member.to_vec(), score);
            self.order.insert((Number(score), member.to_vec()));
            return;
        }
        // The operation on the index has failed, so the table gets its old score back. This needs memory too.
        match old {
            None => assert_eq!(self.table.remove(member), Some(score)),
            Some(old) => {
                if faults.watch(|| self.table.try_insert(member, old)).0.is_err() {
                    // There was no memory. So the member is removed from both.
                    self.table.remove(member);
                    self.index.remove(member, old);
                    self.forget(member);
                }
            }
        }
    }

    fn remove(&mut self, member: &[u8]) {
        let score = self.scores.get(member).copied();
        assert_eq!(self.table.remove(member), score);
        assert!(score.is_none_or(|score| self.index.remove(member, score)));
        self.forget(member);
    }

    fn forget(&mut self, member: &[u8]) {
        if let Some(score) = self.scores.remove(member) {
            assert!(self.order.remove(&(Number(score), member.to_vec())));
        }
    }

    fn compare(&self) {
        for order in [&*self.table, &*self.index] {
            assert!(order.iter().eq(self.order.iter().map(|(score, member)| (&member[..], score.0))));
        }
        for (rank, (score, member)) in self.order.iter().enumerate() {
            assert_eq!(self.table.get(member), Some(score.0));
            assert_eq!(self.table.rank_of(member), Some(rank));
            assert_eq!(self.index.rank(member, score.0), Some(rank));
        }
    }
}
