//! Compares a `Dict` with std's `HashMap`: the entries, the memory, and the guarantee of SCAN while the table
//! changes.
//!
//! - The first byte of the input chooses a good or a bad hash. With a bad one, all entries are in a few
//!   chunks, and the chunks overflow.
//! - Values count themselves, so the target finds a value that is lost or dropped twice.
//! - A scan can be in progress at all times, and some of its steps move blocks. When it ends, it must have
//!   shown every key that existed during the whole scan.
//! - The table must respect its owner: it does not split or merge if resizing is forbidden, and does not
//!   allocate if `on_grow` refuses. Maintenance does as much work as it reports.

use crate::harness::{Faults, LeakCheck, Plan, operations};
use crate::hashes::{Hash, RandomSource};
use ::dict::map::Entry;
use ::dict::{Cursor, Dict, ResizePolicy, Stats};
use arbitrary::Arbitrary;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

/// The number of operations between two comparisons of the whole table. The length is compared after each
/// operation.
const COMPARE_EVERY: usize = 32;

/// The number of keys in a batch.
const BATCH: usize = 16;

#[derive(Arbitrary, Debug)]
enum Op {
    Insert { key: u16, value: u32 },
    InsertMany { first: u16, count: u8 },
    Remove { key: u16 },
    RemoveMany { first: u16, count: u8 },
    Get { key: u16 },
    Change { key: u16, value: u32 },
    Entry { key: u16, value: u32 },
    Replace { key: u16, stays: bool },
    GetBatch { first: u16, stride: u16 },
    InsertBatch { first: u16, stride: u16 },
    Extend { first: u16, count: u8 },
    Swap { keys: [u16; 3] },
    Reserve { additional: u8 },
    ReserveTooLarge,
    ShrinkToFit,
    ShrinkTo { min_capacity: u16 },
    RetainOneIn { divisor: u8 },
    ExtractOneIn { divisor: u8, take: u8 },
    Policy(Policy),
    Paused { first: u16, count: u8, removes: bool },
    GrowBy { at_most: u32 },
    GrowFreely,
    Rehash { chunks: u8 },
    RehashFor { ticks: u8 },
    MaintainFully,
    Random(RandomSource),
    FairRandom(RandomSource),
    Sample { n: u8, numbers: RandomSource },
    Scan { calls: u8 },
    Relocate { calls: u8, one_in: u8 },
    Drain { take: u8 },
    Clear,
    ReplaceByClone,
    Follow(Plan),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Policy {
    Allow,
    Avoid,
    Forbid,
}

/// A value with a reference to a counter. The number of references is the number of values.
#[derive(Clone)]
struct Value(u32, Rc<()>);

struct State {
    dict: Dict<u16, Value, Hash>,
    model: HashMap<u16, u32>,
    alive: Rc<()>,
    faults: Faults,
    plan: Plan,
    cursor: Cursor,
    policy: ResizePolicy,
    /// The largest growth in bytes that the owner allows at a time.
    grows_by: Option<usize>,
    /// The keys that have existed since the scan began.
    present_at_start: HashSet<u16>,
    seen: HashSet<u16>,
}

/// Runs the operations that `data` encodes.
pub fn run(data: &[u8]) {
    let leak_check = LeakCheck::open();
    let Some((first, data)) = data.split_first() else { return };
    let hash = Hash::chosen_by(*first);
    let mut state = State {
        dict: Dict::with_hasher(hash),
        model: HashMap::new(),
        alive: Rc::new(()),
        faults: Faults::new(),
        plan: Plan::None,
        cursor: Cursor::START,
        policy: ResizePolicy::Allow,
        grows_by: None,
        present_at_start: HashSet::new(),
        seen: HashSet::new(),
    };
    for (number, op) in operations(data).enumerate() {
        state.step(op);
        state.present_at_start.retain(|key| state.model.contains_key(key));
        assert_eq!(state.dict.len(), state.model.len());
        assert_eq!(Rc::strong_count(&state.alive), state.model.len() + 1, "values lost or kept");
        assert_eq!(leak_check.used(), state.dict.allocation_size());
        assert_eq!(state.dict.resize_policy(), state.policy);
        if number % COMPARE_EVERY == 0 {
            state.compare();
        }
    }
    state.compare();
}

impl State {
    fn value(&self, value: u32) -> Value {
        Value(value, self.alive.clone())
    }

    /// Returns `true` if no allocation fails. Infallible operations are called only then, because they end
    /// the program if an allocation fails.
    fn allocations_succeed(&self) -> bool {
        matches!(self.plan, Plan::None)
    }

    fn insert(&mut self, key: u16, value: u32) {
        let entry = self.value(value);
        let before = self.dict.stats();
        let (result, failed) = self.faults.watch(|| self.dict.try_insert(key, entry));
        match result {
            // A table that cannot split may still have room, so the operation can succeed after a failed
            // allocation.
            Ok(old) => assert_eq!(old.map(|old| old.0), self.model.insert(key, value)),
            Err(error) => {
                assert!(failed && !self.model.contains_key(&key));
                assert_eq!((error.entry.0, error.entry.1.0), (key, value));
            }
        }
        self.check_growth(before);
    }

    fn remove(&mut self, key: u16) {
        let before = self.dict.stats();
        assert_eq!(self.dict.remove(&key).map(|value| value.0), self.model.remove(&key));
        let work = self.dict.stats().work.since(before.work);
        assert!(work.chunks_split == 0 && work.chunks_merged <= 1);
        assert!(work.chunks_merged == 0 || self.policy != ResizePolicy::Forbid);
    }

    /// Checks the growth after one insertion: at most one split, no split if it is forbidden, and no
    /// allocation if the owner refuses it.
    fn check_growth(&self, before: Stats) {
        let now = self.dict.stats();
        let work = now.work.since(before.work);
        assert!(work.chunks_split <= 1 && work.chunks_merged == 0);
        if before.chunks > 0 {
            assert!(work.chunks_split == 0 || self.policy != ResizePolicy::Forbid);
            assert!(now.chunks_allocated == before.chunks_allocated || self.grows_by != Some(0));
        }
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
                if self.allocations_succeed() {
                    let alive = &self.alive;
                    let entry = self.dict.entry(key).and_modify(|old| old.0 ^= 1);
                    entry.or_insert_with(|| Value(value, alive.clone()));
                    self.model.entry(key).and_modify(|old| *old ^= 1).or_insert(value);
                }
            }
            Op::Replace { key, stays } => self.replace(key, stays),
            Op::GetBatch { first, stride } => {
                let keys = batch(first, stride);
                let found = self.dict.get_many(keys.each_ref()).map(|value| value.map(|value| value.0));
                assert_eq!(found, keys.map(|key| self.model.get(&key).copied()));
            }
            Op::InsertBatch { first, stride } => {
                if self.allocations_succeed() {
                    let keys = batch(first, stride);
                    let old = self.dict.insert_many(keys.map(|key| (key, Value(1, self.alive.clone()))));
                    let old = old.map(|old| old.map(|old| old.0));
                    assert_eq!(old, keys.map(|key| self.model.insert(key, 1)));
                }
            }
            Op::Extend { first, count } => {
                if self.allocations_succeed() {
                    let keys = (0..u16::from(count)).map(|i| first.wrapping_add(i));
                    let alive = &self.alive;
                    self.dict.extend(keys.clone().map(|key| (key, Value(2, alive.clone()))));
                    self.model.extend(keys.map(|key| (key, 2)));
                }
            }
            Op::Swap { keys } => self.swap(keys),
            Op::Reserve { additional } => {
                let (result, failed) = self.faults.watch(|| self.dict.try_reserve(additional.into()));
                assert!(result.is_ok() || failed);
                assert!(result.is_err() || self.dict.capacity() >= self.dict.len() + usize::from(additional));
            }
            Op::ReserveTooLarge => assert!(self.dict.try_reserve(usize::MAX / 2).is_err()),
            Op::ShrinkToFit => self.dict.shrink_to_fit(),
            Op::ShrinkTo { min_capacity } => {
                let enough = self.dict.capacity().min(min_capacity.into());
                self.dict.shrink_to(min_capacity.into());
                assert!(self.dict.capacity() >= enough);
            }
            Op::RetainOneIn { divisor } => {
                let divisor = u16::from(divisor % 8) + 1;
                self.dict.retain(|key, _| key % divisor == 0);
                self.model.retain(|key, _| key % divisor == 0);
            }
            Op::ExtractOneIn { divisor, take } => {
                let divisor = u16::from(divisor % 8) + 1;
                let picked = self.dict.extract_if(|key, _| key % divisor == 0);
                for (key, value) in picked.take(take.into()) {
                    assert_eq!(key % divisor, 0);
                    assert_eq!(self.model.remove(&key), Some(value.0));
                }
                let rest = self.dict.keys().filter(|key| **key % divisor == 0).count();
                assert_eq!(rest, self.model.keys().filter(|key| **key % divisor == 0).count());
            }
            Op::Policy(policy) => {
                self.policy = match policy {
                    Policy::Allow => ResizePolicy::Allow,
                    Policy::Avoid => ResizePolicy::Avoid,
                    Policy::Forbid => ResizePolicy::Forbid,
                };
                self.dict.set_resize_policy(self.policy);
            }
            Op::Paused { first, count, removes } => self.while_paused(first, count, removes),
            Op::GrowBy { at_most } => {
                // The dict allocates a box for the closure.
                if self.allocations_succeed() {
                    let at_most = at_most as usize % 8192 / 1024 * 1024;
                    self.dict.on_grow(move |bytes| bytes <= at_most);
                    self.grows_by = Some(at_most);
                }
            }
            Op::GrowFreely => {
                self.dict.clear_on_grow();
                self.grows_by = None;
            }
            Op::Rehash { chunks } => {
                let before = self.dict.stats();
                let work = self.dict.rehash(chunks.into());
                self.maintained(before, work.chunks_split + work.chunks_merged, chunks.into());
                assert_eq!(work, self.dict.stats().work.since(before.work));
            }
            Op::RehashFor { ticks } => {
                let (before, mut now) = (self.dict.stats(), Duration::ZERO);
                let clock = || {
                    now += Duration::from_micros(1);
                    now
                };
                let work = self.dict.rehash_for(Duration::from_micros(ticks.into()), clock);
                self.maintained(before, work.chunks_split + work.chunks_merged, 16 * u64::from(ticks));
            }
            Op::MaintainFully => self.maintain_fully(),
            Op::Random(numbers) => {
                let picked = self.dict.random(numbers.source());
                self.is_entry(picked);
            }
            Op::FairRandom(numbers) => {
                let picked = self.dict.fair_random(numbers.source());
                self.is_entry(picked);
            }
            Op::Sample { n, numbers } => {
                let mut keys = HashSet::new();
                self.dict.sample(n.into(), numbers.source(), |key, value| {
                    assert_eq!(self.model.get(key), Some(&value.0));
                    assert!(keys.insert(*key), "the same entry twice in a sample");
                });
                assert_eq!(keys.len(), self.model.len().min(n.into()));
            }
            Op::Scan { calls } => (0..calls % 16).for_each(|_| self.scan()),
            Op::Relocate { calls, one_in } => (0..calls % 16).for_each(|_| self.relocate(one_in)),
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
                if self.allocations_succeed() {
                    self.dict = self.dict.clone();
                    // A clone is another table. A scan of the old table ends here, and the clone has no
                    // `on_grow`.
                    (self.cursor, self.grows_by) = (Cursor::START, None);
                }
            }
            Op::Follow(plan) => {
                self.plan = plan;
                self.faults.follow(plan);
            }
        }
    }

    fn replace(&mut self, key: u16, stays: bool) {
        if !self.allocations_succeed() {
            return;
        }
        if let Entry::Occupied(entry) = self.dict.entry(key) {
            let replaced = entry.replace_entry_with(|_, value| stays.then_some(Value(!value.0, value.1)));
            assert_eq!(matches!(replaced, Entry::Occupied(_)), stays);
        }
        match self.model.get_mut(&key) {
            Some(value) if stays => *value = !*value,
            _ => _ = self.model.remove(&key),
        }
    }

    fn swap(&mut self, keys: [u16; 3]) {
        let [a, b, c] = keys;
        // By contract, `get_disjoint_mut` panics if a key comes twice.
        if a == b || b == c || a == c {
            return;
        }
        let expected = keys.map(|key| self.model.get(&key).copied());
        let mut found = self.dict.get_disjoint_mut(keys.each_ref());
        assert_eq!(found.each_ref().map(|value| value.as_ref().map(|value| value.0)), expected);
        if let [Some(first), .., Some(last)] = &mut found {
            std::mem::swap(*first, *last);
        }
        if let [Some(first), _, Some(last)] = expected {
            self.model.insert(a, last);
            self.model.insert(c, first);
        }
    }

    fn while_paused(&mut self, first: u16, count: u8, removes: bool) {
        let before = self.dict.stats();
        let mut paused = self.dict.pause_resize();
        for key in (0..u16::from(count)).map(|i| first.wrapping_add(i)) {
            if removes {
                assert_eq!(paused.remove(&key).map(|value| value.0), self.model.remove(&key));
            } else if paused.try_insert(key, Value(3, self.alive.clone())).is_ok() {
                self.model.insert(key, 3);
            }
        }
        drop(paused);
        let now = self.dict.stats();
        assert!(now.chunks == before.chunks || before.chunks == 0 && now.chunks == 1);
    }

    /// Checks the table after maintenance that reports `chunks` split or merged chunks. The call allows at
    /// most `most`.
    fn maintained(&self, before: Stats, chunks: u64, most: u64) {
        let now = self.dict.stats();
        assert!(chunks <= most && now.chunks.abs_diff(before.chunks) as u64 == chunks);
        assert!(chunks == 0 || self.policy != ResizePolicy::Forbid);
        assert!(now.chunks_allocated <= before.chunks_allocated || self.grows_by != Some(0));
    }

    /// Runs maintenance until nothing is left to do. Checks that it ends, and that it completes unless
    /// resizing is forbidden, the owner limits growth, or allocations fail.
    fn maintain_fully(&mut self) {
        let mut rounds = self.dict.rehash_debt();
        while self.dict.rehash_debt() > 0 {
            let work = self.dict.rehash(1);
            if work.chunks_split + work.chunks_merged == 0 {
                let hindered = self.policy == ResizePolicy::Forbid
                    || self.grows_by.is_some()
                    || !self.allocations_succeed();
                assert!(hindered, "a table that nothing hinders does not reach its size");
                return;
            }
            assert!(rounds > 0, "maintenance undoes itself");
            rounds -= 1;
        }
    }

    fn is_entry(&self, picked: Option<(&u16, &Value)>) {
        match picked {
            Some((key, value)) => assert_eq!(self.model.get(key), Some(&value.0)),
            None => assert!(self.model.is_empty()),
        }
    }

    fn begin_scan(&mut self) {
        if self.cursor == Cursor::START {
            self.present_at_start = self.model.keys().copied().collect();
            self.seen.clear();
        }
    }

    fn end_scan(&self) {
        if self.cursor == Cursor::START {
            assert!(
                self.present_at_start.is_subset(&self.seen),
                "a scan missed a key that was there all the time"
            );
        }
    }

    fn scan(&mut self) {
        self.begin_scan();
        self.cursor = self.dict.scan(self.cursor, |key, value| {
            assert_eq!(self.model.get(key), Some(&value.0));
            self.seen.insert(*key);
        });
        self.end_scan();
    }

    /// Runs a step of the scan. It moves every block, or every second, third or fourth one, and changes all
    /// values that it shows.
    fn relocate(&mut self, one_in: u8) {
        self.begin_scan();
        let (before, mut blocks) = (self.dict.stats(), 0);
        let mut moves = |_, size| {
            assert!(size > 0);
            blocks += 1;
            blocks % (u32::from(one_in % 4) + 1) == 0
        };
        self.cursor = self.dict.relocate(self.cursor, &mut moves, |key, value| {
            assert_eq!(self.model.insert(*key, value.0 ^ 2), Some(value.0));
            value.0 ^= 2;
            self.seen.insert(*key);
        });
        let now = self.dict.stats();
        let unchanged = (now.chunks, now.children) == (before.chunks, before.children);
        assert!(unchanged || now.chunks + 1 == before.chunks, "{before:?}, then {now:?}");
        self.end_scan();
    }

    fn compare(&self) {
        let entries: HashMap<_, _> = self.dict.iter().map(|(key, value)| (*key, value.0)).collect();
        assert_eq!(entries, self.model);
        assert!(self.model.iter().all(|(key, value)| self.dict[key].0 == *value));
    }
}

/// Returns the keys of a batch. All of them are equal if `stride` is 0.
fn batch(first: u16, stride: u16) -> [u16; BATCH] {
    std::array::from_fn(|i| first.wrapping_add(stride.wrapping_mul(i as u16)))
}
