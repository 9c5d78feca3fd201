//! Compares a list, a set, a hash and a sorted set with collections of std. Each value is in an object of its own. The
//! input chooses the encoding limits.
//!
//! After each operation, the elements must be those of the model, and the sum of the objects'
//! `allocation_size` must be the number of bytes in use. An operation may fail only because of a failed
//! allocation, and then changes nothing.

use crate::harness::{Faults, LeakCheck, Plan, Text, operations};
use ::common::Cursor;
use ::robj::{EncodingLimits, Robj};
use ::values::list::Side;
use ::values::zset::{AddError, AddOptions};
use ::values::{Hash, List, Set, ZSet};

use arbitrary::Arbitrary;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The text of an element, a member, a field or a value. The small integers are few, so that the same text occurs
/// several times.
#[derive(Arbitrary, Clone, Debug)]
enum Name {
    Small(i8),
    Large(i64),
    Bytes(Text),
}

impl Name {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Small(n) => (n % 16).to_string().into_bytes(),
            Self::Large(n) => n.to_string().into_bytes(),
            Self::Bytes(Text(bytes)) => bytes.clone(),
        }
    }
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Kind {
    List,
    Set,
    Hash,
    ZSet,
}

#[derive(Arbitrary, Debug)]
enum Op {
    Push(bool, Name),
    Pop(bool),
    SetAt(i8, Name),
    InsertAt(bool, Name, Name),
    RemoveEqual(i8, Name),
    Trim(i8, i8),
    Add(Name),
    AddMany(u8),
    Remove(Name),
    PopRandom(u64),
    Put(Name, Name),
    PutMany(Vec<(Name, Name)>),
    Delete(Name),
    Score(Name, i8),
    Unscore(Name),
    RemoveRanks(u8, u8),
    PopScore(bool),
    Relocate(Kind, u8),
    Duplicate(Kind),
    DropInSteps(Kind, u8),
    Limits(Small),
    Follow(Plan),
}

/// Limits near the sizes that inputs reach. Lists are not compressed, because reading a compressed list allocates.
/// The target `quicklist` tests compression.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Small {
    entries: u8,
    value: u8,
    list: i8,
}

impl From<Small> for EncodingLimits {
    fn from(Small { entries, value, list }: Small) -> Self {
        let (entries, value) = (usize::from(entries % 40), usize::from(value));
        Self {
            list_max_listpack_size: i32::from(list % 20),
            set_max_intset_entries: entries,
            set_max_listpack_entries: entries / 2,
            set_max_listpack_value: value,
            hash_max_listpack_entries: entries,
            hash_max_listpack_value: value,
            zset_max_listpack_entries: entries,
            zset_max_listpack_value: value,
            ..Self::DEFAULT
        }
    }
}

struct State {
    list: (Robj, VecDeque<Vec<u8>>),
    set: (Robj, BTreeSet<Vec<u8>>),
    hash: (Robj, BTreeMap<Vec<u8>, Vec<u8>>),
    zset: (Robj, BTreeMap<Vec<u8>, i8>),
    limits: EncodingLimits,
    faults: Faults,
}

/// Runs the operations that `data` encodes.
pub fn run(data: &[u8]) {
    let leak_check = LeakCheck::open();
    let mut state = State {
        list: (Robj::from(List::new()), VecDeque::new()),
        set: (Robj::from(Set::new()), BTreeSet::new()),
        hash: (Robj::from(Hash::new()), BTreeMap::new()),
        zset: (Robj::from(ZSet::new()), BTreeMap::new()),
        limits: EncodingLimits::DEFAULT,
        faults: Faults::new(),
    };
    for op in operations(data) {
        state.step(op);
        state.check(&leak_check);
    }
}

/// Returns the result, or `None` if an allocation failed. Panics on any other error.
fn done<T, E>((result, failed): (Result<T, E>, bool)) -> Option<T> {
    assert!(result.is_ok() || failed, "an error without a failed allocation");
    result.ok()
}

impl State {
    fn object(&mut self, kind: Kind) -> &mut Robj {
        match kind {
            Kind::List => &mut self.list.0,
            Kind::Set => &mut self.set.0,
            Kind::Hash => &mut self.hash.0,
            Kind::ZSet => &mut self.zset.0,
        }
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Push(..)
            | Op::Pop(_)
            | Op::SetAt(..)
            | Op::InsertAt(..)
            | Op::RemoveEqual(..)
            | Op::Trim(..) => {
                self.on_list(op);
            }
            Op::Add(_) | Op::AddMany(_) | Op::Remove(_) | Op::PopRandom(_) => self.on_set(op),
            Op::Put(..) | Op::PutMany(_) | Op::Delete(_) => self.on_hash(op),
            Op::Score(..) | Op::Unscore(_) | Op::RemoveRanks(..) | Op::PopScore(_) => self.on_zset(op),
            Op::Limits(limits) => self.limits = limits.into(),
            Op::Follow(plan) => self.faults.follow(plan),
            Op::Relocate(kind, one_in) => {
                let (mut cursor, mut asked) = (Cursor::START, 0_u64);
                loop {
                    cursor = self.object(kind).relocate(cursor, &mut |_, _| {
                        asked += 1;
                        asked.is_multiple_of(u64::from(one_in) + 1)
                    });
                    if cursor.is_start() {
                        break;
                    }
                }
            }
            Op::Duplicate(kind) => {
                let object = self.object(kind).clone();
                if let Some(copy) = done(self.faults.watch(|| object.try_duplicate())) {
                    assert_eq!(copy.encoding(), object.encoding());
                    *self.object(kind) = copy;
                }
            }
            Op::DropInSteps(kind, n) => self.drop_in_steps(kind, n.into()),
        }
    }

    fn drop_in_steps(&mut self, kind: Kind, n: usize) {
        self.faults.follow(Plan::None); // creating the new object must not fail
        let empty = match kind {
            Kind::List => Robj::from(List::new()),
            Kind::Set => Robj::from(Set::new()),
            Kind::Hash => Robj::from(Hash::new()),
            Kind::ZSet => Robj::from(ZSet::new()),
        };
        let mut left = std::mem::replace(self.object(kind), empty).drop_in_steps(n);
        while let Some(remains) = left {
            left = remains.drop_in_steps(n);
        }
        match kind {
            Kind::List => self.list.1.clear(),
            Kind::Set => self.set.1.clear(),
            Kind::Hash => self.hash.1.clear(),
            Kind::ZSet => self.zset.1.clear(),
        }
    }

    fn on_list(&mut self, op: Op) {
        let Self { list: (object, model), limits, faults, .. } = self;
        let mut list = object.as_list_mut().expect("an unshared list");
        let at = |index: i8| {
            let index = isize::from(index);
            if index < 0 { model.len().checked_add_signed(index) } else { Some(index as usize) }
        };
        match op {
            Op::Push(front, name) => {
                let (bytes, side) = (name.bytes(), if front { Side::Front } else { Side::Back });
                if done(faults.watch(|| list.try_push(side, &*bytes, limits))).is_some() {
                    if front { model.push_front(bytes) } else { model.push_back(bytes) }
                }
            }
            Op::Pop(front) => {
                let side = if front { Side::Front } else { Side::Back };
                if let Some(popped) = done(faults.watch(|| list.try_pop(side, limits))) {
                    let expected = if front { model.pop_front() } else { model.pop_back() };
                    assert_eq!(popped.map(|element| element.as_element().text().to_vec()), expected);
                }
            }
            Op::SetAt(index, name) => {
                let (bytes, place) = (name.bytes(), at(index).filter(|&place| place < model.len()));
                if let Some(found) = done(faults.watch(|| list.try_set(index.into(), &*bytes, limits))) {
                    assert_eq!(found, place.is_some());
                    if let Some(place) = place {
                        model[place] = bytes;
                    }
                }
            }
            Op::InsertAt(before, pivot, name) => {
                let (pivot, bytes) = (pivot.bytes(), name.bytes());
                let side = if before { Side::Front } else { Side::Back };
                let place = model.iter().position(|element| *element == pivot);
                if let Some(found) = done(faults.watch(|| list.try_insert(side, &*pivot, &*bytes, limits))) {
                    assert_eq!(found, place.is_some());
                    if let Some(place) = place {
                        model.insert(place + usize::from(!before), bytes);
                    }
                }
            }
            Op::RemoveEqual(count, name) => {
                let bytes = name.bytes();
                let limit = if count == 0 { usize::MAX } else { usize::from(count.unsigned_abs()) };
                if let Some(removed) = done(faults.watch(|| list.try_remove(count.into(), &*bytes, limits))) {
                    let places = || (0..model.len()).filter(|&place| model[place] == bytes);
                    let gone: BTreeSet<usize> = if count < 0 {
                        places().rev().take(limit).collect()
                    } else {
                        places().take(limit).collect()
                    };
                    assert_eq!(removed, gone.len());
                    let mut place = 0..;
                    model.retain(|_| !gone.contains(&place.next().unwrap()));
                }
            }
            Op::Trim(start, end) => {
                let len = model.len() as i64;
                let absolute = |index: i8| i64::from(index) + if index < 0 { len } else { 0 };
                let kept = absolute(start).max(0)..=absolute(end);
                if done(faults.watch(|| list.try_trim(start.into(), end.into(), limits))).is_some() {
                    let mut place = 0..;
                    model.retain(|_| kept.contains(&place.next().unwrap()));
                }
            }
            _ => unreachable!("not an operation on lists"),
        }
    }

    fn on_set(&mut self, op: Op) {
        let Self { set: (object, model), limits, faults, .. } = self;
        let mut set = object.as_set_mut().expect("an unshared set");
        match op {
            Op::Add(name) => {
                let bytes = name.bytes();
                if let Some(new) = done(faults.watch(|| set.try_insert(&*bytes, limits))) {
                    assert_eq!(new, model.insert(bytes));
                }
            }
            Op::AddMany(count) => {
                for n in 0..i64::from(count) {
                    if done(faults.watch(|| set.try_insert(n * n, limits))).is_some() {
                        model.insert((n * n).to_string().into_bytes());
                    }
                }
            }
            Op::Remove(name) => {
                let bytes = name.bytes();
                assert_eq!(set.remove(&*bytes), model.remove(&bytes));
            }
            Op::PopRandom(random) => {
                let popped = set.pop(|| random, |member| member.text().to_vec());
                assert_eq!(popped.is_none(), model.is_empty());
                assert!(popped.is_none_or(|member| model.remove(&member)));
            }
            _ => unreachable!("not an operation on sets"),
        }
    }

    fn on_hash(&mut self, op: Op) {
        let Self { hash: (object, model), limits, faults, .. } = self;
        let mut hash = object.as_hash_mut().expect("an unshared hash");
        match op {
            Op::Put(field, value) => {
                let (field, value) = (field.bytes(), value.bytes());
                if let Some(new) = done(faults.watch(|| hash.try_insert(&*field, &*value, limits))) {
                    assert_eq!(new, model.insert(field, value).is_none());
                }
            }
            Op::PutMany(pairs) => {
                let pairs: Vec<_> =
                    pairs.iter().map(|(field, value)| (field.bytes(), value.bytes())).collect();
                let elements: Vec<_> =
                    pairs.iter().map(|(field, value)| ((&**field).into(), (&**value).into())).collect();
                let before = model.len();
                if let Some(new) = done(faults.watch(|| hash.try_insert_many(&elements, limits))) {
                    model.extend(pairs);
                    assert_eq!(new, model.len() - before);
                }
            }
            Op::Delete(field) => {
                let field = field.bytes();
                assert_eq!(hash.remove(&*field), model.remove(&field).is_some());
            }
            _ => unreachable!("not an operation on hashes"),
        }
    }

    fn on_zset(&mut self, op: Op) {
        let Self { zset: (object, model), limits, faults, .. } = self;
        let mut zset = object.as_zset_mut().expect("an unshared sorted set");
        match op {
            Op::Score(name, score) => {
                let (member, plain) = (name.bytes(), AddOptions::default());
                let added = faults.watch(|| zset.try_add(&*member, score.into(), plain, limits));
                assert!(!matches!(added.0, Err(AddError::NotANumber)));
                if done(added).is_some() {
                    model.insert(member, score);
                }
            }
            Op::Unscore(name) => {
                let member = name.bytes();
                assert_eq!(zset.remove(&*member), model.remove(&member).map(f64::from));
            }
            Op::RemoveRanks(start, count) => {
                let (start, end) = (usize::from(start), usize::from(start) + usize::from(count));
                let gone: Vec<_> = sorted(model).into_iter().skip(start).take(count.into()).collect();
                assert_eq!(zset.remove_range(start..end), gone.len());
                gone.iter().for_each(|(_, member)| {
                    model.remove(member);
                });
            }
            Op::PopScore(first) => {
                let all = sorted(model);
                let expected = if first { all.first() } else { all.last() };
                let owned = |member: ::values::Element<'_>, score: f64| (score as i8, member.text().to_vec());
                let popped = if first { zset.pop_first(owned) } else { zset.pop_last(owned) };
                assert_eq!(popped.as_ref(), expected);
                if let Some((_, member)) = popped {
                    model.remove(&member);
                }
            }
            _ => unreachable!("not an operation on sorted sets"),
        }
    }

    fn check(&self, leak_check: &LeakCheck) {
        let list = self.list.0.as_list().expect("a list");
        let elements: VecDeque<_> = list.iter().map(|item| item.element().text().to_vec()).collect();
        assert_eq!(elements, self.list.1);

        let set = self.set.0.as_set().expect("a set");
        assert_eq!(set.len(), self.set.1.len());
        assert!(self.set.1.iter().all(|member| set.contains(&**member)));

        let hash = self.hash.0.as_hash().expect("a hash");
        assert_eq!(hash.len(), self.hash.1.len());
        for (field, value) in &self.hash.1 {
            assert_eq!(hash.get(&**field).map(|value| value.text().to_vec()).as_ref(), Some(value));
        }

        let zset = self.zset.0.as_zset().expect("a sorted set");
        let members = zset.iter().map(|(member, score)| (score as i8, member.text().to_vec()));
        assert_eq!(members.collect::<Vec<_>>(), sorted(&self.zset.1));

        let objects = [&self.list.0, &self.set.0, &self.hash.0, &self.zset.0];
        let sum: usize = objects.into_iter().map(Robj::allocation_size).sum();
        assert_eq!(leak_check.used(), sum, "allocation_size differs from the bytes in use");
    }
}

/// Returns the members ordered by score. Members with the same score are ordered by their bytes.
fn sorted(model: &BTreeMap<Vec<u8>, i8>) -> Vec<(i8, Vec<u8>)> {
    let mut all: Vec<_> = model.iter().map(|(member, score)| (*score, member.clone())).collect();
    all.sort();
    all
}
