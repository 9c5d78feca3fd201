//! Compares an intset with a `BTreeSet`. The set is created from arbitrary bytes, or is empty at first.
//!
//! An input begins with bytes that may be an intset. If they are accepted, the set must have the same bytes.
//! Operations follow. After each one, the integers and the counted bytes must be right. An allocation that
//! fails changes neither.

use crate::harness::{Faults, LeakCheck, Plan, operations};
use ::intset::{Editor, Encoding, IntSet, View, diff, inter, union};
use arbitrary::Arbitrary;
use std::collections::BTreeSet;

/// An integer. It is mostly one of a few, so that the same one comes several times. Otherwise it is near a
/// limit of the encodings, or any integer.
#[derive(Clone, Copy, Debug)]
struct Int(i64);

impl<'a> Arbitrary<'a> for Int {
    fn arbitrary(input: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        const EDGES: [i64; 4] = [i16::MAX as i64, i16::MIN as i64, i32::MAX as i64, i32::MIN as i64];
        Ok(Self(match input.arbitrary::<u8>()? {
            0..200 => input.arbitrary::<i8>()?.into(),
            200..220 => input.arbitrary::<i16>()?.into(),
            220..245 => *input.choose(&EDGES)? + i64::from(input.arbitrary::<i8>()? % 3),
            245.. => input.arbitrary()?,
        }))
    }
}

#[derive(Arbitrary, Debug)]
enum Op {
    Insert(Int),
    InsertRun(Int, u8),
    Remove(Int),
    RemoveAt(u8),
    RemoveRange(u8, u8),
    Contains(Int),
    Random(u64),
    Range(Int, Int),
    Seek(Int, Int),
    Algebra(Vec<i8>, Int, Int),
    ReplaceByClone,
    ThroughBytes,
    Relocate(bool),
    Clear,
    Follow(Plan),
}

/// Runs the operations that `data` encodes. They begin with the set at the start of `data`, or with an empty
/// one.
pub fn run(data: &[u8]) {
    let leak_check = LeakCheck::open();
    let mut faults = Faults::new();
    let (foreign, data) = data.split_at(data.first().map_or(0, |&len| usize::from(len).min(data.len())));
    let mut set = foreign_set(foreign);
    let mut model: BTreeSet<i64> = set.iter().collect();
    check(&set, &model, &leak_check);
    for op in operations(data) {
        step(&mut set, &mut model, &mut faults, op);
        check(&set, &model, &leak_check);
    }
}

/// Returns the set with these bytes, or an empty set if they are not valid. The first byte has been used as a
/// length. It is replaced by an encoding here, because otherwise hardly any input would begin with a set.
fn foreign_set(bytes: &[u8]) -> IntSet {
    let Some((&first, rest)) = bytes.split_first() else { return IntSet::new() };
    let mut bytes = vec![[2, 4, 8, first][usize::from(first) % 4]];
    bytes.extend(rest);
    if let [_, a, b, c, length, ..] = &mut bytes[..]
        && first % 8 != 7
    {
        (*a, *b, *c) = (0, 0, 0);
        *length %= 32;
    }
    in_a_block(&bytes);
    match IntSet::try_from_bytes(&bytes) {
        Ok(set) => {
            assert!(set.is_empty() || set.as_bytes() == bytes);
            set
        }
        Err(::intset::FromBytesError::Malformed(error)) => {
            assert!(error.offset <= bytes.len(), "{error}");
            IntSet::new()
        }
        Err(error) => panic!("no fault was injected: {error}"),
    }
}

/// Edits the set between other bytes of a block, and checks that these bytes stay unchanged. Only the header
/// of the set is valid.
fn in_a_block(bytes: &[u8]) {
    let Ok(view) = View::new(bytes) else { return };
    let values: Vec<i64> = view.iter().take(8).collect();
    let mut entry = testing::Entry::new(b"8 bytes:", bytes, b"key", bytes.len() + 40);
    for (n, &value) in values.iter().enumerate() {
        let mut set = Editor::new(&mut entry).expect("an edit keeps the header right");
        let _ = (set.contains(value), set.rank(value), set.get(n), set.try_insert(value ^ 1));
        let _ = set.try_insert(value << (8 * n));
        match n % 3 {
            0 => drop(set.remove(value)),
            1 => drop(set.remove_at(n)),
            _ => drop(set.remove_range(n, 2)),
        }
    }
    let block = entry.block();
    assert!(block.starts_with(b"8 bytes:"));
    let (_, behind) = View::from_prefix(&block[8..]).expect("a set, and the key behind it");
    assert_eq!(behind, b"key");
}

fn check(set: &IntSet, model: &BTreeSet<i64>, leak_check: &LeakCheck) {
    assert!(set.iter().eq(model.iter().copied()));
    assert!(set.iter().rev().eq(model.iter().rev().copied()));
    assert_eq!(
        (set.len(), set.min(), set.max()),
        (model.len(), model.first().copied(), model.last().copied())
    );
    assert!(model.iter().all(|&value| Encoding::of(value) <= set.encoding()));
    assert_eq!(set.as_bytes().len(), 8 + set.len() * set.encoding().size());
    assert_eq!(leak_check.used(), set.allocation_size());
}

fn step(set: &mut IntSet, model: &mut BTreeSet<i64>, faults: &mut Faults, op: Op) {
    match op {
        Op::Insert(Int(value)) => insert(set, model, faults, value),
        Op::InsertRun(Int(from), count) => {
            for offset in 0..i64::from(count) {
                insert(set, model, faults, from.saturating_add(offset));
            }
        }
        Op::Remove(Int(value)) => assert_eq!(set.remove(value), model.remove(&value)),
        Op::RemoveAt(index) => {
            let value = model.iter().nth(index.into()).copied();
            assert_eq!(set.remove_at(index.into()), value);
            model.retain(|&other| Some(other) != value);
        }
        Op::RemoveRange(start, count) => {
            let gone: Vec<i64> = model.iter().copied().skip(start.into()).take(count.into()).collect();
            assert_eq!(set.remove_range(start.into(), count.into()), gone.len());
            gone.iter().for_each(|value| assert!(model.remove(value)));
        }
        Op::Contains(Int(value)) => {
            let below = model.range(..value).count();
            assert_eq!(set.contains(value), model.contains(&value));
            assert_eq!(set.rank(value), if model.contains(&value) { Ok(below) } else { Err(below) });
            assert_eq!(set.get(below), model.range(value..).next().copied());
        }
        Op::Random(drawn) => {
            let value = set.random(|| drawn);
            assert_eq!(value.is_some(), !model.is_empty());
            assert!(value.is_none_or(|value| model.contains(&value)));
        }
        Op::Range(Int(a), Int(b)) => {
            let (low, high) = (a.min(b), a.max(b));
            assert!(set.range(low..high).eq(model.range(low..high).copied()));
            assert!(set.range(low..=high).eq(model.range(low..=high).copied()));
            assert!(low == high || set.range(high..=low).len() == 0);
        }
        Op::Seek(Int(a), Int(b)) => {
            let mut walk = set.iter();
            for least in [a.min(b), a.max(b)] {
                assert_eq!(walk.seek(least), model.range(least..).next().copied());
            }
        }
        Op::Algebra(values, Int(a), Int(b)) => {
            faults.follow(Plan::None);
            algebra(set, model, &values, a.min(b)..a.max(b));
        }
        Op::ReplaceByClone => {
            let (copy, failed) = faults.watch(|| set.try_clone());
            assert_eq!(copy.is_err(), failed);
            *set = copy.unwrap_or_else(|_| std::mem::take(set));
        }
        Op::ThroughBytes => {
            let (copy, failed) = faults.watch(|| IntSet::try_from_bytes(set.as_bytes()));
            assert_eq!(copy.is_err(), failed);
            *set = copy.unwrap_or_else(|_| std::mem::take(set));
        }
        Op::Relocate(yes) => {
            let mut asked = false;
            let (moved, failed) = faults.watch(|| {
                set.relocate(&mut |_, size| {
                    asked = size > 0;
                    yes
                })
            });
            assert_eq!(asked, !model.is_empty());
            assert_eq!(moved, asked && yes && !failed);
        }
        Op::Clear => {
            set.clear();
            model.clear();
        }
        Op::Follow(plan) => faults.follow(plan),
    }
}

fn insert(set: &mut IntSet, model: &mut BTreeSet<i64>, faults: &Faults, value: i64) {
    let size = set.allocation_size();
    let (inserted, failed) = faults.watch(|| set.try_insert(value));
    // A block that could not shrink before may have room, so the insertion can succeed after a failed
    // allocation.
    assert!(if failed { set.allocation_size() == size } else { inserted.is_ok() });
    if let Ok(new) = inserted {
        assert_eq!(new, model.insert(value));
    }
}

/// Checks operations on the set, a range of it, and another set. No allocation may fail, because the other
/// set is built here.
fn algebra(set: &IntSet, model: &BTreeSet<i64>, values: &[i8], part: std::ops::Range<i64>) {
    let other_model: BTreeSet<i64> = values.iter().map(|&value| i64::from(value)).collect();
    let other: IntSet = other_model.iter().copied().collect();
    let part_model: BTreeSet<i64> = model.range(part.clone()).copied().collect();
    let walks = || [set.iter(), other.iter(), set.range(part.clone())];
    assert!(inter(&mut walks()).eq(&(model & &other_model) & &part_model));
    assert!(union(&mut walks()).eq(&(model | &other_model) | &part_model));
    // `fold` merges two iterators in another way than `next`.
    let mut both = [set.iter(), other.iter()];
    assert_eq!(inter(&mut both.clone()).fold(0, |n, _| n + 1), (model & &other_model).len());
    let joined = union(&mut both).fold(Vec::new(), |mut all, value| {
        all.push(value);
        all
    });
    assert!((model | &other_model).into_iter().eq(joined));
    assert!(diff(set.iter(), &mut walks()[1..]).eq(&(model - &other_model) - &part_model));
}
