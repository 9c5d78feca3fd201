//! Compares a `Table` with a `BTreeMap`, for the features that `Dict` does not have: marks, entries that are
//! taken and put back, and look-ups of several keys with prefetching.
//!
//! A mark must stay with its entry when splits, merges and removals move the entry. The first byte of the
//! input chooses a hash, as for the target `dict`.

use crate::harness::{Faults, LeakCheck, Plan, operations};
use crate::hashes::Hash;
use ::dict::table::{Entry, OccupiedEntry};
use ::dict::{Cursor, ResizePolicy, Table};
use arbitrary::Arbitrary;
use std::collections::{BTreeMap, BTreeSet};

/// The number of numbers in a batch.
const BATCH: usize = 16;

#[derive(Arbitrary, Debug)]
enum Op {
    Insert {
        first: u16,
        count: u8,
        marked: bool,
    },
    Remove {
        first: u16,
        count: u8,
    },
    Mark {
        first: u16,
        count: u8,
        marked: bool,
    },
    /// Takes an entry, and puts a changed one in its place.
    TakeAndPut {
        number: u16,
        marked: bool,
    },
    /// Takes an entry, and leaves its place empty.
    Take {
        number: u16,
    },
    FindMany {
        first: u16,
        stride: u16,
    },
    Prefetch {
        first: u16,
        stride: u16,
    },
    /// Changes up to three entries in place.
    Flip {
        numbers: [u16; 3],
    },
    KeepMarked,
    Rehash {
        chunks: u8,
    },
    Bound {
        is_bounded: bool,
    },
    Reserve {
        additional: u16,
    },
    ShrinkToFit,
    Relocate {
        one_in: u8,
    },
    ReplaceByClone,
    Follow(Plan),
}

/// A number, and how many times it was changed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Item {
    number: u16,
    flips: u8,
}

struct State {
    table: Table<Item>,
    hash: Hash,
    /// The flips and the mark of each number.
    model: BTreeMap<u16, (u8, bool)>,
    faults: Faults,
    plan: Plan,
}

/// Runs the operations that `data` encodes.
pub fn run(data: &[u8]) {
    let leak_check = LeakCheck::open();
    let Some((first, data)) = data.split_first() else { return };
    let mut state = State {
        table: Table::new(),
        hash: Hash::chosen_by(*first),
        model: BTreeMap::new(),
        faults: Faults::new(),
        plan: Plan::None,
    };
    for op in operations(data) {
        state.step(op);
        assert_eq!(state.table.len(), state.model.len());
        assert_eq!(leak_check.used(), state.table.allocation_size());
    }
    state.compare();
}

impl State {
    fn hash_of(&self, number: u16) -> u64 {
        self.hash.of(number.into())
    }

    fn hasher(&self) -> impl Fn(&Item) -> u64 + use<> {
        let hash = self.hash;
        move |item| hash.of(item.number.into())
    }

    /// Returns `true` if no allocation fails. Infallible operations are called only then, because they end
    /// the program if an allocation fails.
    fn allocations_succeed(&self) -> bool {
        matches!(self.plan, Plan::None)
    }

    fn find_entry(&mut self, number: u16) -> Option<OccupiedEntry<'_, Item>> {
        let hash = self.hash_of(number);
        self.table.find_entry(hash, |item| item.number == number).ok()
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Insert { first, count, marked } => span(first, count).for_each(|n| self.insert(n, marked)),
            Op::Remove { first, count } => {
                for number in span(first, count) {
                    let removed = self.find_entry(number).map(|entry| {
                        let marked = entry.is_marked();
                        (entry.remove().flips, marked)
                    });
                    assert_eq!(removed, self.model.remove(&number));
                }
            }
            Op::Mark { first, count, marked } => {
                for number in span(first, count) {
                    if let Some(mut entry) = self.find_entry(number) {
                        entry.set_mark(marked);
                    }
                    self.model.entry(number).and_modify(|(_, mark)| *mark = marked);
                }
            }
            Op::TakeAndPut { number, marked } => {
                // The entry may have been the last one of a child. The child is then freed, and allocated
                // again.
                if self.allocations_succeed()
                    && let Some(entry) = self.find_entry(number)
                {
                    let (item, place) = entry.take();
                    let mut entry = place.insert(Item { flips: item.flips.wrapping_add(1), ..item });
                    assert!(!entry.is_marked(), "a new entry is marked");
                    entry.set_mark(marked);
                    self.model.insert(number, (item.flips.wrapping_add(1), marked));
                }
            }
            Op::Take { number } => {
                let taken = self.find_entry(number).map(|entry| entry.take().0.flips);
                assert_eq!(taken, self.model.remove(&number).map(|(flips, _)| flips));
            }
            Op::FindMany { first, stride } => {
                let wanted = batch(first, stride);
                let mut ahead = 0;
                let found = self.table.find_many(
                    wanted.map(|number| self.hash_of(number)),
                    |item| {
                        assert!(self.model.contains_key(&item.number));
                        ahead += 1;
                    },
                    |i, item| item.number == wanted[i],
                );
                assert!(ahead <= BATCH);
                let flips = found.map(|item| item.map(|item| item.flips));
                assert_eq!(flips, wanted.map(|number| self.model.get(&number).map(|(flips, _)| *flips)));
            }
            Op::Prefetch { first, stride } => {
                let hashes = batch(first, stride).map(|number| self.hash_of(number));
                self.table.prefetch(hashes[0]);
                self.table.prefetch_inserts(&hashes);
            }
            Op::Flip { numbers } => {
                let [a, b, c] = numbers;
                // By contract, `get_disjoint_mut` panics if an entry comes twice.
                if a != b && b != c && a != c {
                    let hashes = numbers.map(|number| self.hash_of(number));
                    let found = self.table.get_disjoint_mut(hashes, |i, item| item.number == numbers[i]);
                    for (number, item) in numbers.into_iter().zip(found) {
                        assert_eq!(item.is_some(), self.model.contains_key(&number));
                        if let Some(item) = item {
                            item.flips = item.flips.wrapping_add(1);
                            self.model.insert(number, (item.flips, self.model[&number].1));
                        }
                    }
                }
            }
            Op::KeepMarked => {
                let marked: Vec<u16> = self.table.iter_marked().map(|item| item.number).collect();
                self.table.retain(|item| marked.contains(&item.number));
                self.model.retain(|_, (_, mark)| *mark);
            }
            Op::Rehash { chunks } => {
                let hasher = self.hasher();
                self.table.rehash(chunks.into(), hasher);
            }
            Op::Bound { is_bounded } => {
                self.table.set_resize_policy(if is_bounded {
                    ResizePolicy::Forbid
                } else {
                    ResizePolicy::Allow
                });
            }
            Op::Reserve { additional } => {
                let hasher = self.hasher();
                // The entries stay, even if the call fails. The comparison checks this.
                let _ = self.table.try_reserve(usize::from(additional % 2048), hasher);
            }
            Op::ShrinkToFit => self.table.shrink_to_fit(),
            Op::Relocate { one_in } => self.relocate(one_in),
            Op::ReplaceByClone => {
                if self.allocations_succeed() {
                    self.table = self.table.clone();
                }
            }
            Op::Follow(plan) => {
                self.plan = plan;
                self.faults.follow(plan);
                self.compare();
            }
        }
    }

    fn insert(&mut self, number: u16, marked: bool) {
        let (hash, hasher) = (self.hash_of(number), self.hasher());
        let (item, is_it) = (Item { number, flips: 0 }, |item: &Item| item.number == number);
        if self.allocations_succeed() {
            match self.table.entry(hash, is_it, hasher) {
                Entry::Occupied(entry) => assert!(self.model.contains_key(&entry.get().number)),
                Entry::Vacant(entry) => {
                    entry.insert(item).set_mark(marked);
                    assert_eq!(self.model.insert(number, (0, marked)), None);
                }
            }
        } else if self.table.find(hash, is_it).is_none() {
            let table = &mut self.table;
            let (inserted, failed) =
                self.faults.watch(|| match table.try_insert_unique(hash, item, hasher) {
                    Ok(mut entry) => {
                        entry.set_mark(marked);
                        true
                    }
                    Err(error) => {
                        assert_eq!(error.entry, item);
                        false
                    }
                });
            assert!(inserted || failed);
            if inserted {
                assert_eq!(self.model.insert(number, (0, marked)), None);
            }
        }
    }

    /// Runs a complete scan that moves every block, or every second, third or fourth one.
    fn relocate(&mut self, one_in: u8) {
        let (mut cursor, mut blocks, mut seen) = (Cursor::START, 0, BTreeSet::new());
        loop {
            let mut moves = |_, _| {
                blocks += 1;
                blocks % (u32::from(one_in % 4) + 1) == 0
            };
            cursor = self.table.relocate(cursor, &mut moves, |item| seen.extend([item.number]));
            if cursor == Cursor::START {
                break;
            }
        }
        assert!(seen.iter().eq(self.model.keys()));
    }

    fn compare(&self) {
        let mut items: Vec<_> = self.table.iter().map(|item| (item.number, item.flips)).collect();
        items.sort_unstable();
        assert!(items.into_iter().eq(self.model.iter().map(|(number, (flips, _))| (*number, *flips))));
        let mut marked: Vec<_> = self.table.iter_marked().map(|item| item.number).collect();
        marked.sort_unstable();
        assert!(marked.iter().eq(self.model.iter().filter(|(_, (_, mark))| *mark).map(|(number, _)| number)));
    }
}

fn span(first: u16, count: u8) -> impl Iterator<Item = u16> {
    (0..u16::from(count)).map(move |i| first.wrapping_add(i))
}

/// Returns the numbers of a batch. All of them are equal if `stride` is 0.
fn batch(first: u16, stride: u16) -> [u16; BATCH] {
    std::array::from_fn(|i| first.wrapping_add(stride.wrapping_mul(i as u16)))
}
