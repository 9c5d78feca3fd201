//! A dict beside std's `HashMap`: entries, memory, and the guarantee of SCAN while the table changes.
//!
//! The first byte of the input chooses a hash, good or bad: with a bad one all entries meet in a few
//! chunks and overflow. Values count themselves, so that one lost or dropped twice shows. A scan may be
//! under way all the time; when it ends, every key that was there throughout must have been seen.

use crate::harness::{Books, Faults, Plan, operations};
use ::dict::{Cursor, Dict};
use arbitrary::Arbitrary;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher};
use std::rc::Rc;

/// After so many operations the whole table is compared, and not only its size.
const COMPARE_EVERY: usize = 32;

#[derive(Arbitrary, Debug)]
enum Op {
    Insert { key: u16, value: u32 },
    InsertMany { first: u16, count: u8 },
    Remove { key: u16 },
    RemoveMany { first: u16, count: u8 },
    Get { key: u16 },
    Change { key: u16, value: u32 },
    Entry { key: u16, value: u32 },
    Reserve { additional: u8 },
    ReserveAbsurd,
    ShrinkToFit,
    RetainOneIn { divisor: u8 },
    Random { number: u64 },
    Scan { calls: u8 },
    Drain { take: u8 },
    Clear,
    ReplaceByClone,
    Follow(Plan),
}

/// A number's way into a hash.
#[derive(Clone, Copy, Debug)]
enum Hash {
    /// Every bit depends on every bit.
    Mixed,
    /// The number itself: chunks fill in order, and all tags are alike.
    Identity,
    /// Sixteen hashes for all numbers.
    Few,
    /// The number in the highest bits: all in the first chunk.
    High,
}

impl Hash {
    fn of(self, key: u64) -> u64 {
        match self {
            Self::Mixed => {
                let x = key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                x ^ (x >> 29)
            }
            Self::Identity => key,
            Self::Few => (key % 16).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            Self::High => key << 48,
        }
    }
}

impl BuildHasher for Hash {
    type Hasher = KeyHasher;

    fn build_hasher(&self) -> KeyHasher {
        KeyHasher { way: *self, state: 0 }
    }
}

struct KeyHasher {
    way: Hash,
    state: u64,
}

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.state = self.state << 8 | u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.way.of(self.state)
    }
}

/// A value that holds on to a counter, so that the counter knows how many there are.
#[derive(Clone)]
struct Value(u32, #[expect(dead_code, reason = "only its count is looked at")] Rc<()>);

struct State {
    dict: Dict<u16, Value, Hash>,
    model: HashMap<u16, u32>,
    alive: Rc<()>,
    faults: Faults,
    plan: Plan,
    cursor: Cursor,
    /// Keys that have been there since the scan began.
    owed: HashSet<u16>,
    seen: HashSet<u16>,
}

/// Runs the operations that `data` spells.
pub fn run(data: &[u8]) {
    let books = Books::open();
    let Some((first, data)) = data.split_first() else { return };
    let hash = [Hash::Mixed, Hash::Identity, Hash::Few, Hash::High][usize::from(first % 4)];
    let mut state = State {
        dict: Dict::with_hasher(hash),
        model: HashMap::new(),
        alive: Rc::new(()),
        faults: Faults::new(),
        plan: Plan::None,
        cursor: Cursor::START,
        owed: HashSet::new(),
        seen: HashSet::new(),
    };
    for (number, op) in operations(data).enumerate() {
        state.step(op);
        state.owed.retain(|key| state.model.contains_key(key));
        assert_eq!(state.dict.len(), state.model.len());
        assert_eq!(Rc::strong_count(&state.alive), state.model.len() + 1, "values lost or kept");
        assert_eq!(books.used(), state.dict.allocation_size());
        if number % COMPARE_EVERY == 0 {
            state.compare();
        }
    }
    state.compare();
}

impl State {
    fn insert(&mut self, key: u16, value: u32) {
        let entry = Value(value, self.alive.clone());
        let (result, failed) = self.faults.watch(|| self.dict.try_insert(key, entry));
        match result {
            // A table that cannot split may still have room, so a failure need not show.
            Ok(old) => assert_eq!(old.map(|old| old.0), self.model.insert(key, value)),
            Err(error) => {
                assert!(failed && !self.model.contains_key(&key));
                assert_eq!((error.entry.0, error.entry.1.0), (key, value));
            }
        }
    }

    fn remove(&mut self, key: u16) {
        assert_eq!(self.dict.remove(&key).map(|value| value.0), self.model.remove(&key));
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Insert { key, value } => self.insert(key, value),
            Op::InsertMany { first, count } => {
                (0..count.into()).for_each(|i: u16| self.insert(first.wrapping_add(i), first.into()));
            }
            Op::Remove { key } => self.remove(key),
            Op::RemoveMany { first, count } => {
                (0..count.into()).for_each(|i: u16| self.remove(first.wrapping_add(i)));
            }
            Op::Get { key } => {
                assert_eq!(self.dict.get(&key).map(|value| value.0), self.model.get(&key).copied());
                assert_eq!(self.dict.contains_key(&key), self.model.contains_key(&key));
            }
            Op::Change { key, value } => {
                if let Some(place) = self.dict.get_mut(&key) {
                    place.0 = value;
                }
                if let Some(place) = self.model.get_mut(&key) {
                    *place = value;
                }
            }
            Op::Entry { key, value } => {
                // Infallible, so not while allocations fail.
                if let Plan::None = self.plan {
                    let entry = self.dict.entry(key).and_modify(|old| old.0 ^= 1);
                    entry.or_insert_with(|| Value(value, self.alive.clone()));
                    self.model.entry(key).and_modify(|old| *old ^= 1).or_insert(value);
                }
            }
            Op::Reserve { additional } => {
                let (result, failed) = self.faults.watch(|| self.dict.try_reserve(additional.into()));
                assert!(result.is_ok() || failed);
            }
            Op::ReserveAbsurd => assert!(self.dict.try_reserve(usize::MAX / 2).is_err()),
            Op::ShrinkToFit => self.dict.shrink_to_fit(),
            Op::RetainOneIn { divisor } => {
                let divisor = u16::from(divisor % 8) + 1;
                self.dict.retain(|key, _| key % divisor == 0);
                self.model.retain(|key, _| key % divisor == 0);
            }
            Op::Random { number } => {
                let mut number = number | 1;
                let picked = self.dict.random(|| {
                    number = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                    number
                });
                match picked {
                    Some((key, value)) => assert_eq!(self.model.get(key), Some(&value.0)),
                    None => assert!(self.model.is_empty()),
                }
            }
            Op::Scan { calls } => (0..calls % 16).for_each(|_| self.scan()),
            Op::Drain { take } => {
                for (key, value) in self.dict.drain().take(take.into()) {
                    assert_eq!(self.model.remove(&key), Some(value.0));
                }
                self.model.clear();
            }
            Op::Clear => {
                self.dict.clear();
                self.model.clear();
            }
            Op::ReplaceByClone => {
                if let Plan::None = self.plan {
                    self.dict = self.dict.clone();
                    // A clone is another table: a scan of the old one ends here.
                    self.cursor = Cursor::START;
                }
            }
            Op::Follow(plan) => {
                self.plan = plan;
                self.faults.follow(plan);
            }
        }
    }

    fn scan(&mut self) {
        if self.cursor == Cursor::START {
            self.owed = self.model.keys().copied().collect();
            self.seen.clear();
        }
        self.cursor = self.dict.scan(self.cursor, |key, value| {
            assert_eq!(self.model.get(key), Some(&value.0));
            self.seen.insert(*key);
        });
        if self.cursor == Cursor::START {
            assert!(self.owed.is_subset(&self.seen), "a scan missed a key that was there all the time");
        }
    }

    fn compare(&self) {
        let entries: HashMap<_, _> = self.dict.iter().map(|(key, value)| (*key, value.0)).collect();
        assert_eq!(entries, self.model);
        assert!(self.model.iter().all(|(key, value)| self.dict[key].0 == *value));
    }
}
