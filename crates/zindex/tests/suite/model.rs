//! A model of a sorted set, made of a map and a set of std, and operations that run on it and on a
//! `ZTable`. The integration tests use it with nodes of full size, and the unit tests with nodes of four.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{self, Excluded, Included, Unbounded};

use proptest::prelude::*;
use zindex::{Cursor, Upsert, ZTable};

/// A score that is `Ord`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Score(pub(crate) f64);

impl Eq for Score {}
impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Score {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.partial_cmp(&other.0).expect("scores are numbers")
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Insert(Vec<u8>, f64),
    InsertAscending(u8),
    Add(Vec<u8>, f64),
    Remove(Vec<u8>),
    RemoveRange(usize, usize),
    Pop(bool),
    Relocate(usize),
    Clone,
    DropInSteps(usize),
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => (0..200_u16).prop_map(|n| format!("{n}").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
        1 => (250..300_usize).prop_map(|len| vec![b'x'; len]),
    ]
}

pub(crate) fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-20..20).prop_map(|n| f64::from(n) / 2.0),
        2 => (0..500).prop_map(|n| 1.7e12 + f64::from(n)),
        2 => -1.0..1.0,
        1 => prop::sample::select(vec![f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0, f64::MAX, 5e-324]),
    ]
}

pub(crate) fn ops(most: usize) -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        20 => (member(), score()).prop_map(|(member, score)| Op::Insert(member, score)),
        2 => any::<u8>().prop_map(|n| Op::InsertAscending(if cfg!(miri) { n % 12 } else { n })),
        6 => (member(), score()).prop_map(|(member, score)| Op::Add(member, score)),
        12 => member().prop_map(Op::Remove),
        1 => (0..100_usize, 0..100_usize).prop_map(|(start, len)| Op::RemoveRange(start, len)),
        2 => any::<bool>().prop_map(Op::Pop),
        1 => (1..5_usize).prop_map(Op::Relocate),
        1 => Just(Op::Clone),
        1 => (0..50_usize).prop_map(Op::DropInSteps),
    ];
    prop::collection::vec(op, if cfg!(miri) { most / 2 } else { 0 }..most)
}

#[derive(Default)]
struct Model {
    scores: BTreeMap<Vec<u8>, Score>,
    order: BTreeSet<(Score, Vec<u8>)>,
}

impl Model {
    fn insert(&mut self, member: &[u8], score: f64) -> Option<f64> {
        let old = self.scores.get(member).copied();
        if old != Some(Score(score)) {
            self.remove(member);
            self.scores.insert(member.to_vec(), Score(score));
            self.order.insert((Score(score), member.to_vec()));
        }
        old.map(|old| old.0)
    }

    fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let old = self.scores.remove(member)?;
        assert!(self.order.remove(&(old, member.to_vec())));
        Some(old.0)
    }
}

/// Runs the operations on a table and on the model, and compares them. `check` checks the table's invariants.
pub(crate) fn run(ops: &[Op], check: impl Fn(&ZTable)) {
    let (mut table, mut model) = (ZTable::new(), Model::default());
    let mut ascending = 0;
    for op in ops {
        match op {
            Op::Insert(member, score) => {
                assert_eq!(table.insert(member, *score), Ok(model.insert(member, *score)));
            }
            Op::InsertAscending(count) => {
                for _ in 0..*count {
                    ascending += 1;
                    let (member, score) = (format!("up{ascending:09}"), 1e6 + f64::from(ascending / 2));
                    assert_eq!(table.insert(member.as_bytes(), score), Ok(None));
                    model.insert(member.as_bytes(), score);
                }
            }
            Op::Add(member, by) => {
                let old = model.scores.get(member).map(|score| score.0);
                let new = old.map(|old| old + by);
                let answer = table.upsert(member, |score| {
                    assert_eq!(score, old);
                    score.map(|score| score + by)
                });
                match new {
                    None => assert_eq!(answer, Ok(Upsert::Absent)),
                    Some(new) if new.is_nan() => assert!(answer.is_err()),
                    Some(new) if Some(new) == old => assert_eq!(answer, Ok(Upsert::Unchanged)),
                    Some(new) => {
                        assert_eq!(answer, Ok(Upsert::Updated));
                        model.insert(member, new);
                    }
                }
            }
            Op::Remove(member) => assert_eq!(table.remove(member), model.remove(member)),
            Op::RemoveRange(start, len) => {
                let gone: Vec<_> =
                    model.order.iter().skip(*start).take(*len).map(|it| it.1.clone()).collect();
                assert_eq!(table.remove_range(*start..start + len), gone.len());
                for member in gone {
                    model.remove(&member);
                }
            }
            Op::Pop(last) => {
                let popped = if *last { table.pop_last() } else { table.pop_first() };
                let want = if *last { model.order.pop_last() } else { model.order.pop_first() };
                assert_eq!(popped.map(|it| (Score(it.score()), it.to_vec())), want);
                if let Some((_, member)) = want {
                    model.scores.remove(&member);
                }
            }
            Op::Relocate(one_in) => {
                let (mut cursor, mut asked) = (Cursor::START, 0_usize);
                loop {
                    cursor = table.relocate(cursor, &mut |_, size| {
                        assert!(size > 0);
                        asked += 1;
                        asked.is_multiple_of(*one_in)
                    });
                    if cursor.is_start() {
                        break;
                    }
                }
                assert!(asked >= table.len());
            }
            Op::Clone => table = table.clone(),
            Op::DropInSteps(n) => {
                let mut left = table.clone().drop_in_steps(*n);
                while let Some(remains) = left {
                    left = remains.drop_in_steps(*n);
                }
            }
        }
        assert_eq!(table.len(), model.order.len());
        check(&table);
    }
    compare(&table, &model);
}

fn compare(table: &ZTable, model: &Model) {
    let all: Vec<(&[u8], f64)> = model.order.iter().map(|(score, member)| (&member[..], score.0)).collect();
    assert!(table.iter().eq(all.iter().copied()));
    assert!(table.iter().rev().eq(all.iter().rev().copied()));
    for (rank, &(member, score)) in all.iter().enumerate() {
        assert_eq!(table.get(member), Some(score));
        assert_eq!((table.rank_of(member), table.rank(member, score)), (Some(rank), Some(rank)));
        assert_eq!(table.by_rank(rank), Some((member, score)));
    }
    assert_eq!(table.get(b"nobody"), None);
    assert_eq!((table.rank_of(b"nobody"), table.by_rank(all.len())), (None, None));

    let edges = [f64::NEG_INFINITY, -10.0, -0.25, 0.0, 3.0, 3.5, 1e6 + 7.0, 1.7e12 + 40.0, f64::INFINITY];
    let bounds = |at: f64| [Unbounded, Included(at), Excluded(at)];
    for start in edges.into_iter().flat_map(bounds) {
        for end in edges.into_iter().flat_map(bounds) {
            let within = |score: f64| starts(start, score) && ends(end, score);
            let want = all.iter().copied().filter(|it| within(it.1));
            let got = table.range_by_score((start, end));
            assert_eq!(got.len(), want.clone().count(), "{start:?} {end:?}");
            assert!(got.eq(want));
        }
    }

    let (mut cursor, mut seen) = (dict::Cursor::START, BTreeSet::new());
    loop {
        cursor = table.scan(cursor, |member, score| {
            assert_eq!(model.scores.get(member), Some(&Score(score)));
            seen.insert(member.to_vec());
        });
        if cursor == dict::Cursor::START {
            break;
        }
    }
    assert_eq!(seen.len(), all.len());
}

pub(crate) fn starts<T: PartialOrd>(start: Bound<T>, at: T) -> bool {
    match start {
        Unbounded => true,
        Included(start) => at >= start,
        Excluded(start) => at > start,
    }
}

pub(crate) fn ends<T: PartialOrd>(end: Bound<T>, at: T) -> bool {
    match end {
        Unbounded => true,
        Included(end) => at <= end,
        Excluded(end) => at < end,
    }
}
