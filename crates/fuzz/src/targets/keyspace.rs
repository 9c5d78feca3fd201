//! A keyspace beside a map of std's collections: what lies in an entry's block, and all that moves it between blocks.
//!
//! Keys and values have lengths around the limits of length fields and of what lies in a block, and expiries come and go in front of
//! them. After each operation the contents are those of the model, and every byte is accounted for. An operation that fails, for a failed
//! allocation or because the command refuses, has changed neither.

use crate::harness::{Books, Faults, Len, Plan, Text, operations};
use ::keyspace::{
    Error, ExpireOptions, Expiry, Keyspace, MaxmemoryPolicy, Options, SetExpiry, SetOptions, ValueRef,
};
use ::values::list::Side;
use ::values::zset::AddOptions;
use ::values::{EncodingLimits, Hash, HashView, List, ListView, Set, SetView, ZSet, ZSetView};
use arbitrary::Arbitrary;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// One of a few keys, some of which are long.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Key(u8);

impl Key {
    fn bytes(self) -> Vec<u8> {
        let len = [1, 2, 16, 0, 253, 254, 255, 300][usize::from(self.0 % 8)];
        vec![b'k'; len]
    }
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum Kind {
    List,
    Set,
    Hash,
    ZSet,
}

#[derive(Arbitrary, Debug)]
enum Op {
    Set(Key, Text, u8),
    SetInt(Key, i64, u8),
    Append(Key, Text),
    SetRange(Key, Len, Text),
    IncrBy(Key, i64),
    Add(Key, Kind, Text, Text),
    AddInt(Key, Kind, i16),
    Delete(Key, Kind, Text),
    Expire(Key, u16),
    Persist(Key),
    Rename(Key, Key),
    Copy(Key, Key),
    Remove(Key),
    Take(Key),
    Sweep(u8),
    Limits(u8),
    Policy(u8),
    Evict(u8),
    Later(u16),
}

/// An operation, and the allocation that fails in it. Only there: the checks allocate too.
#[derive(Arbitrary, Debug)]
struct Step {
    plan: Plan,
    op: Op,
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Text(Vec<u8>),
    List(VecDeque<Vec<u8>>),
    Set(BTreeSet<Vec<u8>>),
    Hash(BTreeMap<Vec<u8>, Vec<u8>>),
    ZSet(BTreeMap<Vec<u8>, i64>),
}

impl Value {
    fn empty(kind: Kind) -> Self {
        match kind {
            Kind::List => Self::List(VecDeque::new()),
            Kind::Set => Self::Set(BTreeSet::new()),
            Kind::Hash => Self::Hash(BTreeMap::new()),
            Kind::ZSet => Self::ZSet(BTreeMap::new()),
        }
    }

    fn kind(&self) -> Option<Kind> {
        match self {
            Self::Text(_) => None,
            Self::List(_) => Some(Kind::List),
            Self::Set(_) => Some(Kind::Set),
            Self::Hash(_) => Some(Kind::Hash),
            Self::ZSet(_) => Some(Kind::ZSet),
        }
    }

    fn add(&mut self, member: &[u8], value: &[u8]) {
        match self {
            Self::Text(_) => unreachable!("no collection"),
            Self::List(list) => list.push_back(member.to_vec()),
            Self::Set(set) => drop(set.insert(member.to_vec())),
            Self::Hash(hash) => drop(hash.insert(member.to_vec(), value.to_vec())),
            Self::ZSet(zset) => drop(zset.insert(member.to_vec(), value.len() as i64)),
        }
    }

    /// Removes a member, or the first element. Whether the collection is empty then.
    fn delete(&mut self, member: &[u8]) -> bool {
        match self {
            Self::Text(_) => unreachable!("no collection"),
            Self::List(list) => {
                list.pop_front();
                list.is_empty()
            }
            Self::Set(set) => {
                set.remove(member);
                set.is_empty()
            }
            Self::Hash(hash) => {
                hash.remove(member);
                hash.is_empty()
            }
            Self::ZSet(zset) => {
                zset.remove(member);
                zset.is_empty()
            }
        }
    }

    fn of(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::String(string) => Self::Text(string.text().to_vec()),
            ValueRef::List(list) => Self::of_list(list),
            ValueRef::Set(set) => Self::of_set(set),
            ValueRef::Hash(hash) => Self::of_hash(hash),
            ValueRef::ZSet(zset) => Self::of_zset(zset),
        }
    }

    fn of_owned(value: &::keyspace::Value) -> Self {
        match value {
            ::keyspace::Value::String(string) => Self::Text(string.as_element().text().to_vec()),
            ::keyspace::Value::List(list) => Self::of_list(list.view()),
            ::keyspace::Value::Set(set) => Self::of_set(set.view()),
            ::keyspace::Value::Hash(hash) => Self::of_hash(hash.view()),
            ::keyspace::Value::ZSet(zset) => Self::of_zset(zset.view()),
        }
    }

    fn of_list(list: ListView<'_>) -> Self {
        Self::List(list.iter().map(|item| item.element().text().to_vec()).collect())
    }

    fn of_set(set: SetView<'_>) -> Self {
        Self::Set(set.iter().map(|member| member.text().to_vec()).collect())
    }

    fn of_hash(hash: HashView<'_>) -> Self {
        let fields = hash.iter().map(|(field, value)| (field.text().to_vec(), value.text().to_vec()));
        Self::Hash(fields.collect())
    }

    fn of_zset(zset: ZSetView<'_>) -> Self {
        Self::ZSet(zset.iter().map(|(member, score)| (member.text().to_vec(), score as i64)).collect())
    }
}

type Model = BTreeMap<Vec<u8>, (Value, Option<u64>)>;

struct State {
    keyspace: Keyspace,
    /// The keys that are there.
    model: Model,
    now: u64,
    faults: Faults,
}

/// Runs the operations that `data` spells.
pub fn run(data: &[u8]) {
    let books = Books::open();
    let mut state = State { keyspace: Keyspace::new(), model: Model::new(), now: 1, faults: Faults::new() };
    for Step { plan, op } in operations(data) {
        state.faults.follow(plan);
        state.step(op);
        state.faults.follow(Plan::None);
        state.check(&books);
    }
}

/// The result. An error comes of a failed allocation, or if the command refuses.
fn done<T, E: Into<Error>>((result, failed): (Result<T, E>, bool), refuses: bool) -> Option<T> {
    match result.map_err(Into::into) {
        Ok(result) => {
            assert!(!refuses, "what the command refuses");
            Some(result)
        }
        Err(error) => {
            let no_memory = error.reserve_error().is_some();
            assert!(if no_memory { failed } else { refuses }, "{error}");
            None
        }
    }
}

fn options(limit: u8) -> Options {
    let (entries, bytes) = (usize::from(limit % 16), usize::from(limit));
    Options::new()
        .hash_max_listpack_entries(entries)
        .hash_max_listpack_value(bytes)
        .list_max_listpack_size(i32::from(limit % 16))
        .set_max_intset_entries(entries)
        .set_max_listpack_entries(entries / 2)
        .set_max_listpack_value(bytes)
        .zset_max_listpack_entries(entries)
        .zset_max_listpack_value(bytes)
}

/// Adds to the collection of a key.
fn add(
    keyspace: &mut Keyspace,
    key: &[u8],
    kind: Kind,
    member: &[u8],
    value: &[u8],
    now: u64,
) -> Result<(), Error> {
    match kind {
        Kind::List => keyspace.push(key, Side::Back, member, now),
        Kind::Set => keyspace.sadd(key, member, now).map(drop),
        Kind::Hash => keyspace.hset(key, member, value, now).map(drop),
        Kind::ZSet => {
            keyspace.zadd(key, member, value.len() as f64, AddOptions::default(), now).map(|_added| ())
        }
    }
}

/// Removes from the collection of a key.
fn delete(
    keyspace: &mut Keyspace,
    limits: &EncodingLimits,
    key: &[u8],
    kind: Kind,
    member: &[u8],
    now: u64,
) -> Result<(), Error> {
    let deleted = match kind {
        Kind::List => keyspace
            .modify_as::<List, _, Error>(key, now, |list| Ok(list.try_pop(Side::Front, limits).map(drop)?)),
        Kind::Set => keyspace.modify_as::<Set, _, Error>(key, now, |set| {
            set.remove(member);
            Ok(())
        }),
        Kind::Hash => keyspace.modify_as::<Hash, _, Error>(key, now, |hash| {
            hash.remove(member);
            Ok(())
        }),
        Kind::ZSet => keyspace.modify_as::<ZSet, _, Error>(key, now, |zset| {
            zset.remove(member);
            Ok(())
        }),
    };
    deleted.map(|_is_there| ())
}

impl State {
    fn text(&self, key: &[u8]) -> Option<Vec<u8>> {
        match self.model.get(key) {
            Some((Value::Text(text), _)) => Some(text.clone()),
            Some(_) => None,
            None => Some(vec![]),
        }
    }

    /// Gives a string another content. The expiry stays.
    fn write(&mut self, key: Vec<u8>, text: Vec<u8>) {
        let expiry = self.model.get(&key).and_then(|(_, expiry)| *expiry);
        self.model.insert(key, (Value::Text(text), expiry));
    }

    fn step(&mut self, op: Op) {
        let now = self.now;
        match op {
            Op::Set(key, Text(text), ttl) => self.set(key, text, ttl),
            Op::SetInt(key, value, ttl) => self.set(key, value.to_string().into_bytes(), ttl),
            Op::Append(..) | Op::SetRange(..) | Op::IncrBy(..) => self.on_string(op),
            Op::Add(key, kind, Text(member), Text(value)) => self.add(key, kind, &member, &value),
            Op::AddInt(key, kind, member) => self.add(key, kind, member.to_string().as_bytes(), b""),
            Op::Delete(key, kind, Text(member)) => {
                let key = key.bytes();
                let limits = *self.keyspace.options().encoding_limits();
                let refuses = self.model.get(&key).is_some_and(|(value, _)| value.kind() != Some(kind));
                let keyspace = &mut self.keyspace;
                let deleted = self.faults.watch(|| delete(keyspace, &limits, &key, kind, &member, now));
                if done(deleted, refuses).is_some()
                    && self.model.get_mut(&key).is_some_and(|(value, _)| value.delete(&member))
                {
                    self.model.remove(&key);
                }
            }
            Op::Sweep(budget) => {
                let (before, live) = (self.keyspace.len(), self.model.len());
                let swept = self.keyspace.expire_some(now, budget.into());
                assert_eq!(self.keyspace.len(), before - swept.removed);
                assert!(self.keyspace.len() >= live);
            }
            Op::Limits(limit) => {
                let policy = self.keyspace.options().get_maxmemory_policy();
                self.keyspace.set_options(options(limit).maxmemory_policy(policy));
            }
            Op::Policy(policy) => {
                let policy = MaxmemoryPolicy::ALL[usize::from(policy) % MaxmemoryPolicy::ALL.len()];
                self.keyspace.set_options(self.keyspace.options().maxmemory_policy(policy));
            }
            Op::Evict(keys) => self.evict(usize::from(keys % 4)),
            Op::Later(millis) => {
                self.now += u64::from(millis);
                let now = self.now;
                self.model.retain(|_, (_, expiry)| expiry.is_none_or(|expiry| expiry > now));
            }
            _ => self.on_key(op),
        }
    }

    /// Evicts up to `keys` keys, expired ones included.
    fn evict(&mut self, keys: usize) {
        let Self { keyspace, model, now, faults } = self;
        let policy = keyspace.options().get_maxmemory_policy();
        let left = keyspace.len().saturating_sub(keys);
        let (evicted, failed) = faults.watch(|| keyspace.evict_down_to(left, *now));
        model.retain(|key, (_, expiry)| {
            let stays = keyspace.contains_key(key, *now);
            assert!(stays || !policy.is_volatile() || expiry.is_some(), "a key without an expiry");
            stays
        });
        assert!(evicted <= keys && (evicted == 0 || policy != MaxmemoryPolicy::Noeviction));
        let may_be_left = failed || policy.is_volatile() || policy == MaxmemoryPolicy::Noeviction;
        assert!(may_be_left || keyspace.len() == left);
    }

    fn set(&mut self, key: Key, text: Vec<u8>, ttl: u8) {
        let (key, now) = (key.bytes(), self.now);
        let expiry = if ttl == 0 { SetExpiry::Clear } else { SetExpiry::To(Expiry::InMillis(ttl.into())) };
        let options = SetOptions { expiry, ..SetOptions::default() };
        let keyspace = &mut self.keyspace;
        let set = self.faults.watch(|| match expiry {
            SetExpiry::Clear => keyspace.set(&key, &text[..], now),
            _ => keyspace.set_with(&key, &text[..], &options, now).map(drop),
        });
        if done(set, false).is_some() {
            self.model.insert(key, (Value::Text(text), (ttl > 0).then(|| now + u64::from(ttl))));
        }
    }

    fn add(&mut self, key: Key, kind: Kind, member: &[u8], value: &[u8]) {
        let (key, now) = (key.bytes(), self.now);
        let refuses = self.model.get(&key).is_some_and(|(value, _)| value.kind() != Some(kind));
        let keyspace = &mut self.keyspace;
        let added = self.faults.watch(|| add(keyspace, &key, kind, member, value, now));
        if done(added, refuses).is_some() {
            self.model.entry(key).or_insert_with(|| (Value::empty(kind), None)).0.add(member, value);
        }
    }

    fn on_string(&mut self, op: Op) {
        let now = self.now;
        match op {
            Op::Append(key, Text(bytes)) => {
                let (key, keyspace) = (key.bytes(), &mut self.keyspace);
                let appended = self.faults.watch(|| keyspace.append(&key, &bytes, now));
                let old = self.text(&key);
                if let Some(len) = done(appended, old.is_none()) {
                    let text = [old.unwrap_or_default(), bytes].concat();
                    assert_eq!(len, text.len());
                    self.write(key, text);
                }
            }
            Op::SetRange(key, Len(offset), Text(bytes)) => {
                let (key, keyspace) = (key.bytes(), &mut self.keyspace);
                let written = self.faults.watch(|| keyspace.set_range(&key, offset, &bytes, now));
                let old = self.text(&key);
                if let Some(len) = done(written, old.is_none()) {
                    let mut text = old.unwrap_or_default();
                    if !bytes.is_empty() {
                        let end = offset + bytes.len();
                        text.resize(text.len().max(end), 0);
                        text[offset..end].copy_from_slice(&bytes);
                    }
                    assert_eq!(len, text.len());
                    if !bytes.is_empty() {
                        self.write(key, text);
                    }
                }
            }
            Op::IncrBy(key, by) => {
                let (key, keyspace) = (key.bytes(), &mut self.keyspace);
                let counted = self.faults.watch(|| keyspace.incr_by(&key, by, now));
                let is_there = self.model.contains_key(&key);
                let number = |text: Vec<u8>| {
                    let value: i64 = std::str::from_utf8(&text).ok()?.parse().ok()?;
                    (value.to_string().as_bytes() == text).then_some(value)
                };
                let old = if is_there { self.text(&key).and_then(number) } else { Some(0) };
                let sum = old.and_then(|old| old.checked_add(by));
                if let Some(answer) = done(counted, sum.is_none()) {
                    assert_eq!(Some(answer), sum);
                    self.write(key, answer.to_string().into_bytes());
                }
            }
            _ => unreachable!("not of a string"),
        }
    }

    fn on_key(&mut self, op: Op) {
        let Self { keyspace, model, now, faults } = self;
        let now = *now;
        match op {
            Op::Expire(key, millis) => {
                let key = key.bytes();
                let expiry = Expiry::InMillis(millis.into());
                let expired = faults.watch(|| keyspace.expire(&key, expiry, ExpireOptions::default(), now));
                if let Some(is_there) = done(expired, false) {
                    assert_eq!(is_there, model.contains_key(&key));
                    if millis == 0 {
                        model.remove(&key);
                    } else if let Some((_, expiry)) = model.get_mut(&key) {
                        *expiry = Some(now + u64::from(millis));
                    }
                }
            }
            Op::Persist(key) => {
                let key = key.bytes();
                let had = model.get_mut(&key).and_then(|(_, expiry)| expiry.take()).is_some();
                assert_eq!(keyspace.persist(&key, now), had);
            }
            Op::Rename(from, to) => {
                let (from, to) = (from.bytes(), to.bytes());
                let refuses = !model.contains_key(&from);
                if done(faults.watch(|| keyspace.rename(&from, &to, now)), refuses).is_some()
                    && let Some(held) = model.remove(&from)
                {
                    model.insert(to, held);
                }
            }
            Op::Copy(from, to) => {
                let (from, to) = (from.bytes(), to.bytes());
                if let Some(copied) = done(faults.watch(|| keyspace.copy(&from, &to, true, now)), false) {
                    let held = model.get(&from).filter(|_| from != to).cloned();
                    assert_eq!(copied, held.is_some());
                    model.extend(held.map(|held| (to, held)));
                }
            }
            Op::Remove(key) => {
                let key = key.bytes();
                assert_eq!(keyspace.remove(&key, now), model.remove(&key).is_some());
            }
            Op::Take(key) => {
                let key = key.bytes();
                if let Some(taken) = done(faults.watch(|| keyspace.take(&key, now)), false) {
                    let expected = model.remove(&key).map(|(value, _)| value);
                    assert_eq!(taken.as_ref().map(Value::of_owned), expected);
                }
            }
            _ => unreachable!("operations on other things are done in `step`"),
        }
    }

    fn check(&self, books: &Books) {
        let Self { keyspace, model, now, .. } = self;
        keyspace.check();
        let contents: Model = keyspace
            .iter(*now)
            .map(|(key, value)| (key.to_vec(), (Value::of(value), keyspace.expire_time(key, *now).millis())))
            .collect();
        assert_eq!(contents, *model);
        assert_eq!(books.used(), keyspace.allocation_size(), "allocation_size is not what the keys take");
    }
}
