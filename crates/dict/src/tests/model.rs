//! Random operations, after each of which the table is compared with a std collection.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::mix;
use crate::{Cursor, ResizePolicy, Table};

/// How keys are hashed: well, or so that many of them share a chunk or a tag.
#[derive(Clone, Copy, Debug)]
enum Hashing {
    Good,
    /// The bits that choose the chunk have few values.
    FewChunks,
    /// All keys have the same tag.
    OneTag,
    Same,
}

impl Hashing {
    fn hash(self, key: u16) -> u64 {
        match self {
            Self::Good => mix(key.into()),
            Self::FewChunks => mix(key.into()) & !0xff | u64::from(key % 3),
            Self::OneTag => mix(key.into()) >> 8,
            Self::Same => 42,
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
    Insert(u16, u32),
    Remove(u16),
    Find(u16),
    Mark(u16, bool),
    Reserve(u16),
    Shrink(u16),
    Retain(u16),
    Drain,
    Clear,
    Clone,
    Scan,
    Random(u64),
    Policy(ResizePolicy),
    /// Sets a closure with [`Table::on_grow`] that always returns this value.
    Veto(bool),
    Rehash(u8),
    RemovePaused(u16, u16),
    ExtractIf(u16, u8),
    FindMany(u16),
    Relocate(u8),
}

fn op(keys: u16) -> impl Strategy<Value = Op> {
    prop_oneof![
        60 => (0..keys, any::<u32>()).prop_map(|(key, value)| Op::Insert(key, value)),
        30 => (0..keys).prop_map(Op::Remove),
        10 => (0..keys).prop_map(Op::Find),
        10 => (0..keys, any::<bool>()).prop_map(|(key, mark)| Op::Mark(key, mark)),
        1 => (0..200_u16).prop_map(Op::Reserve),
        1 => (0..200_u16).prop_map(Op::Shrink),
        1 => (1..8_u16).prop_map(Op::Retain),
        1 => Just(Op::Drain),
        1 => Just(Op::Clear),
        1 => Just(Op::Clone),
        3 => Just(Op::Scan),
        3 => any::<u64>().prop_map(Op::Random),
        1 => prop_oneof![
            4 => Just(ResizePolicy::Allow),
            1 => Just(ResizePolicy::Avoid),
            1 => Just(ResizePolicy::Forbid)
        ].prop_map(Op::Policy),
        1 => any::<bool>().prop_map(Op::Veto),
        4 => any::<u8>().prop_map(Op::Rehash),
        1 => (0..keys, 0..keys).prop_map(|(first, count)| Op::RemovePaused(first, count)),
        1 => (1..8_u16, any::<u8>()).prop_map(|(divisor, most)| Op::ExtractIf(divisor, most)),
        3 => (0..keys).prop_map(Op::FindMany),
        2 => any::<u8>().prop_map(Op::Relocate),
    ]
}

/// Key and value. The value is boxed so that Miri reports a leak or a double drop.
type Pair = (u16, Box<u32>);

struct Both {
    hashing: Hashing,
    table: Table<Pair>,
    /// The value and the mark of each key.
    model: BTreeMap<u16, (u32, bool)>,
}

impl Both {
    fn hasher(&self) -> impl Fn(&Pair) -> u64 + 'static {
        let hashing = self.hashing;
        move |pair| hashing.hash(pair.0)
    }

    fn apply(&mut self, op: Op) {
        let hasher = self.hasher();
        match op {
            Op::Insert(key, value) => {
                let hash = self.hashing.hash(key);
                let mut entry = self
                    .table
                    .entry(hash, |pair| pair.0 == key, hasher)
                    .or_insert_with(|| (key, Box::new(value)));
                *entry.get_mut().1 = value;
                self.model.entry(key).or_insert((0, false)).0 = value;
            }
            Op::Remove(key) => {
                let removed = self
                    .table
                    .find_entry(self.hashing.hash(key), |pair| pair.0 == key)
                    .map(|entry| *entry.remove().1);
                assert_eq!(removed.ok(), self.model.remove(&key).map(|(value, _)| value));
            }
            Op::Find(key) => {
                let found = self.table.find(self.hashing.hash(key), |pair| pair.0 == key).map(|pair| *pair.1);
                assert_eq!(found, self.model.get(&key).map(|&(value, _)| value));
            }
            Op::Mark(key, mark) => {
                if let Ok(mut entry) = self.table.find_entry(self.hashing.hash(key), |pair| pair.0 == key) {
                    let known = self.model.get_mut(&key).unwrap();
                    assert_eq!(entry.is_marked(), known.1);
                    entry.set_mark(mark);
                    known.1 = mark;
                }
            }
            Op::Reserve(additional) => {
                self.table.reserve(additional.into(), hasher);
                assert!(self.table.capacity() >= self.table.len() + usize::from(additional));
            }
            Op::Shrink(capacity) => self.table.shrink_to(capacity.into()),
            Op::Retain(divisor) => {
                let mut seen = Vec::new();
                self.table.retain(|pair| {
                    seen.push(pair.0);
                    pair.0 % divisor != 0
                });
                seen.sort_unstable();
                assert_eq!(
                    seen,
                    self.model.keys().copied().collect::<Vec<_>>(),
                    "retain looks at each entry once"
                );
                self.model.retain(|key, _| key % divisor != 0);
            }
            Op::Drain => {
                let mut drained: Vec<_> = self.table.drain().map(|(key, value)| (key, *value)).collect();
                drained.sort_unstable();
                let model = std::mem::take(&mut self.model);
                assert_eq!(
                    drained,
                    model.into_iter().map(|(key, (value, _))| (key, value)).collect::<Vec<_>>()
                );
            }
            Op::Clear => {
                self.table.clear_on_grow();
                self.table.clear();
                self.model.clear();
                assert_eq!(self.table.allocation_size(), 0);
            }
            Op::Clone => self.table = self.table.clone(),
            Op::Scan => {
                let (mut cursor, mut seen) = (Cursor::START, Vec::new());
                loop {
                    cursor = self.table.scan(cursor, |pair| seen.push(pair.0));
                    if cursor == Cursor::START {
                        break;
                    }
                }
                seen.sort_unstable();
                assert_eq!(seen, self.model.keys().copied().collect::<Vec<_>>());
            }
            Op::Policy(policy) => {
                self.table.set_resize_policy(policy);
                assert_eq!(self.table.resize_policy(), policy);
            }
            Op::Veto(allows) => self.table.on_grow(move |_| allows),
            Op::Rehash(chunks) => {
                let debt = self.table.rehash_debt();
                let work = self.table.rehash(chunks.into(), hasher);
                let done = (work.chunks_split + work.chunks_merged) as usize;
                assert!(done <= debt.min(chunks.into()));
                assert_eq!(self.table.rehash_debt(), debt - done);
            }
            Op::RemovePaused(first, count) => {
                let mut paused = self.table.pause_resize();
                let chunks = paused.stats().chunks;
                for key in first..first.saturating_add(count) {
                    let hash = self.hashing.hash(key);
                    let removed = paused.find_entry(hash, |pair| pair.0 == key).map(|entry| entry.remove());
                    assert_eq!(removed.is_ok(), self.model.remove(&key).is_some());
                }
                assert_eq!(paused.stats().chunks, chunks);
            }
            Op::ExtractIf(divisor, most) => {
                let picks = |key: u16| key.is_multiple_of(divisor);
                let extracted: Vec<_> =
                    self.table.extract_if(|pair| picks(pair.0)).take(most.into()).collect();
                for (key, value) in extracted {
                    assert!(picks(key));
                    assert_eq!(self.model.remove(&key).map(|(value, _)| value), Some(*value));
                }
                if most == u8::MAX {
                    assert!(
                        !self.model.keys().any(|&key| picks(key)),
                        "an iterator run to its end misses none"
                    );
                }
            }
            Op::FindMany(first) => {
                let keys: [u16; 5] = std::array::from_fn(|i| first.wrapping_add(i as u16 * 7));
                let mut candidates = 0;
                let found = self.table.find_many(
                    keys.map(|key| self.hashing.hash(key)),
                    |_| candidates += 1,
                    |i, pair| pair.0 == keys[i],
                );
                assert!(candidates <= keys.len());
                for (key, found) in keys.into_iter().zip(found) {
                    let expected = self.model.get(&key).map(|&(value, _)| value);
                    assert_eq!(found.map(|pair| *pair.1), expected);
                    let value = |pair: &Pair| (pair.0 == key).then_some(*pair.1);
                    assert_eq!(self.table.find_map(self.hashing.hash(key), value), expected);
                    // `find_first` may be undecided. Any other result must be right.
                    if let Ok(found) = self.table.find_first(self.hashing.hash(key), value) {
                        assert_eq!(found, expected);
                    }
                }
            }
            Op::Relocate(every) => {
                let before = self.table.allocation_size();
                let (mut cursor, mut seen, mut asked) = (Cursor::START, Vec::new(), 0_u8);
                let mut moves = |_, size| {
                    assert!(size > 0);
                    asked = asked.wrapping_add(1);
                    asked <= every
                };
                loop {
                    cursor = self.table.relocate(cursor, &mut moves, |pair| {
                        *pair = (pair.0, Box::new(*pair.1));
                        seen.push(pair.0);
                    });
                    if cursor == Cursor::START {
                        break;
                    }
                }
                // If chunks were merged between two calls, some entries are visited twice.
                seen.sort_unstable();
                seen.dedup();
                assert_eq!(seen, self.model.keys().copied().collect::<Vec<_>>());
                // With other allocators, two blocks for the same request may differ in size.
                if zmalloc::ALLOCATOR.starts_with("jemalloc") {
                    assert!(self.table.allocation_size() <= before);
                }
            }
            Op::Random(seed) => {
                let mut state = seed;
                let picked = self.table.random(|| {
                    state = mix(state);
                    state
                });
                assert_eq!(picked.is_none(), self.model.is_empty());
                assert!(picked.is_none_or(|pair| self.model.contains_key(&pair.0)));
            }
        }
    }

    fn compare(&mut self) {
        self.table.raw().check(self.hasher());
        assert_eq!(self.table.len(), self.model.len());
        let sorted = |mut pairs: Vec<(u16, u32)>| {
            pairs.sort_unstable();
            pairs
        };
        let all: Vec<_> = self.model.iter().map(|(&key, &(value, _))| (key, value)).collect();
        assert_eq!(sorted(self.table.iter().map(|pair| (pair.0, *pair.1)).collect()), all);
        assert_eq!(sorted(self.table.iter_mut().map(|pair| (pair.0, *pair.1)).collect()), all);
        let marked: Vec<_> = self
            .model
            .iter()
            .filter(|(_, (_, mark))| *mark)
            .map(|(&key, &(value, _))| (key, value))
            .collect();
        assert_eq!(sorted(self.table.iter_marked().map(|pair| (pair.0, *pair.1)).collect()), marked);
    }
}

fn run(hashing: Hashing, ops: Vec<Op>) {
    let mut both = Both { hashing, table: Table::new(), model: BTreeMap::new() };
    for op in ops {
        both.apply(op);
        both.compare();
    }
    let left = both.model.len();
    // The iterator that owns the table is dropped half-way through.
    assert_eq!(both.table.into_iter().take(left / 2).count(), left / 2);
}

const OPS: usize = if cfg!(miri) { 14 } else { 600 };

proptest! {
    #![proptest_config(testing::config(64, 1))]

    #[test]
    fn a_table_does_what_a_map_does(ops in prop::collection::vec(op(400), 0..OPS)) {
        run(Hashing::Good, ops);
    }

    #[test]
    fn a_table_whose_chunks_overflow_does_too(ops in prop::collection::vec(op(150), 0..OPS)) {
        run(Hashing::FewChunks, ops);
    }

    #[test]
    fn a_table_whose_tags_are_all_equal_does_too(ops in prop::collection::vec(op(400), 0..OPS)) {
        run(Hashing::OneTag, ops);
    }

    #[test]
    fn a_table_whose_hashes_are_all_the_same_does_too(ops in prop::collection::vec(op(100), 0..OPS)) {
        run(Hashing::Same, ops);
    }
}

/// Inserts the entries `make(n)`, then finds and removes each. `number` returns the `n` of an entry. Entries
/// of another size or alignment have other offsets in chunks and children.
fn fill_and_empty<T: Clone>(make: impl Fn(u64) -> T, number: impl Fn(&T) -> u64 + Copy) {
    let count = if cfg!(miri) { 34 } else { 3_000 };
    for spread in [7, u64::MAX].into_iter().take(if cfg!(miri) { 1 } else { 2 }) {
        let hash = |entry: &T| mix(number(entry)) & spread;
        let mut table = Table::new();
        for n in 0..count {
            table.insert_unique(hash(&make(n)), make(n), hash);
        }
        table.raw().check(hash);
        for n in 0..count {
            let found = table.find(mix(n) & spread, |entry| number(entry) == n).expect("it was inserted");
            assert!((found as *const T).is_aligned());
        }
        for n in 0..count {
            let entry = table.find_entry(mix(n) & spread, |entry| number(entry) == n).unwrap();
            assert_eq!(number(&entry.remove()), n);
            if n % 16 == 0 {
                table.raw().check(hash);
            }
        }
        assert!(table.is_empty());
    }
}

#[test]
fn entries_of_any_size_and_alignment_are_kept() {
    #[derive(Clone)]
    #[repr(align(64))]
    struct Wide(u64);
    #[derive(Clone)]
    #[repr(align(64))]
    struct TwoLines([u64; 16]);
    fill_and_empty(|n| n, |n| *n);
    fill_and_empty(|n| n as u16, |n| u64::from(*n));
    fill_and_empty(|n| [n as u8, (n >> 8) as u8, 0], |n| u64::from(n[0]) | u64::from(n[1]) << 8);
    fill_and_empty(|n| (n, n.to_string()), |pair| pair.0);
    fill_and_empty(|n| [n; 9], |n| n[4]);
    fill_and_empty(Wide, |wide| wide.0);
    fill_and_empty(|n| [n as u16, (n >> 16) as u16, 0], |n| u64::from(n[0]) | u64::from(n[1]) << 16);
    fill_and_empty(|n| TwoLines([n; 16]), |lines| lines.0[0]);
    fill_and_empty(u128::from, |n| *n as u64);
}

#[test]
fn entries_without_a_size_are_counted() {
    let count = if cfg!(miri) { 34 } else { 100 };
    let mut table = Table::new();
    for _ in 0..count {
        table.insert_unique(1, (), |()| 1);
    }
    assert_eq!((table.len(), table.iter().count()), (count, count));
    for left in (0..count).rev() {
        table.find_entry(1, |()| true).unwrap().remove();
        assert_eq!(table.len(), left);
        table.raw().check(|()| 1);
    }
}

#[test]
fn a_scan_over_a_changing_table_hands_out_all_that_stays() {
    for round in 0..if cfg!(miri) { 2 } else { 300 } {
        let mut state = round;
        let mut random = move || {
            state = mix(state);
            state
        };
        let mut table = Table::new();
        let (staying, most) = if cfg!(miri) { (30, 40) } else { (200, 500) };
        let hash = |n: &u64| mix(*n);
        for n in 0..staying {
            table.insert_unique(hash(&n), n, hash);
        }
        let (mut cursor, mut seen, mut coming) = (Cursor::START, vec![false; staying as usize], Vec::new());
        loop {
            cursor = table.scan(cursor, |&n| {
                if n < staying {
                    seen[n as usize] = true
                }
            });
            if cursor == Cursor::START {
                break;
            }
            // The table grows or shrinks by many chunks between two calls.
            if random() % 2 == 0 {
                for _ in 0..random() % most {
                    let n = staying + random() % 1_000_000_007;
                    table.insert_unique(hash(&n), n, hash);
                    coming.push(n);
                }
            } else {
                for n in coming.drain(..) {
                    table.find_entry(hash(&n), |other| *other == n).unwrap().remove();
                }
                table.shrink_to_fit();
            }
        }
        assert!(seen.iter().all(|&seen| seen), "round {round}");
    }
}
