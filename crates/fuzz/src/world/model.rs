//! The model: a keyspace made of std's maps. It has no encodings, no memory limits and no policies.
//!
//! The model removes a key at its expiry. The key is then *stale* until the keyspace reports that it has
//! removed it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use testing::FloatSum;
use values::{HashView, ListView, ObjectType, SetView, ZSetView};

pub(crate) type Bytes = Vec<u8>;

/// The text of an error of Redis.
pub(crate) type Reply = &'static str;

pub(crate) const WRONG_TYPE: Reply = "WRONGTYPE Operation against a key holding the wrong kind of value";
pub(crate) const NOT_AN_INTEGER: Reply = "ERR value is not an integer or out of range";
pub(crate) const NOT_A_FLOAT: Reply = "ERR value is not a valid float";
pub(crate) const OVERFLOW: Reply = "ERR increment or decrement would overflow";
pub(crate) const TOO_LONG: Reply = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
pub(crate) const NO_SUCH_KEY: Reply = "ERR no such key";
pub(crate) const INVALID_TIME: Reply = "ERR invalid expire time";

pub(crate) type List = VecDeque<Bytes>;
pub(crate) type Set = BTreeSet<Bytes>;
pub(crate) type Hash = BTreeMap<Bytes, Bytes>;

/// A sorted set: the score of each member, and the order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ZSet {
    scores: BTreeMap<Bytes, f64>,
    order: BTreeSet<(i64, Bytes)>,
}

/// Returns an integer that has the same order as the score. 0 and -0 give the same integer.
fn ordered(score: f64) -> i64 {
    let bits = (score + 0.0).to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

impl ZSet {
    pub(crate) fn len(&self) -> usize {
        self.scores.len()
    }

    pub(crate) fn score(&self, member: &[u8]) -> Option<f64> {
        self.scores.get(member).copied()
    }

    pub(crate) fn insert(&mut self, member: Bytes, score: f64) {
        if let Some(old) = self.scores.insert(member.clone(), score) {
            self.order.remove(&(ordered(old), member.clone()));
        }
        self.order.insert((ordered(score), member));
    }

    pub(crate) fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let score = self.scores.remove(member)?;
        self.order.remove(&(ordered(score), member.to_vec()));
        Some(score)
    }

    /// Returns the members in the order of scores, then of bytes.
    pub(crate) fn members(&self) -> impl DoubleEndedIterator<Item = &Bytes> {
        self.order.iter().map(|(_, member)| member)
    }

    /// Returns the members and scores in the order of scores, then of bytes.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&Bytes, f64)> {
        self.members().map(|member| (member, self.scores[member]))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    String(Bytes),
    List(List),
    Set(Set),
    Hash(Hash),
    ZSet(ZSet),
}

impl Content {
    pub(crate) fn object_type(&self) -> ObjectType {
        match self {
            Self::String(_) => ObjectType::String,
            Self::List(_) => ObjectType::List,
            Self::Set(_) => ObjectType::Set,
            Self::Hash(_) => ObjectType::Hash,
            Self::ZSet(_) => ObjectType::ZSet,
        }
    }

    /// Returns the number of bytes of a string, or of elements of a collection.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::String(text) => text.len(),
            Self::List(list) => list.len(),
            Self::Set(set) => set.len(),
            Self::Hash(hash) => hash.len(),
            Self::ZSet(zset) => zset.len(),
        }
    }

    /// Returns `true` for an empty collection. No key can have one.
    fn is_empty_collection(&self) -> bool {
        self.len() == 0 && self.object_type() != ObjectType::String
    }

    pub(crate) fn of_list(list: ListView<'_>) -> Self {
        Self::List(list.iter().map(|item| item.element().text().to_vec()).collect())
    }

    pub(crate) fn of_set(set: SetView<'_>) -> Self {
        Self::Set(set.iter().map(|member| member.text().to_vec()).collect())
    }

    pub(crate) fn of_hash(hash: HashView<'_>) -> Self {
        let fields = hash.iter().map(|(field, value)| (field.text().to_vec(), value.text().to_vec()));
        Self::Hash(fields.collect())
    }

    pub(crate) fn of_zset(view: ZSetView<'_>) -> Self {
        let mut zset = ZSet::default();
        view.iter().for_each(|(member, score)| zset.insert(member.text().to_vec(), score));
        Self::ZSet(zset)
    }
}

/// A type of content.
pub(crate) trait Plain: Default {
    fn of(content: &Content) -> Option<&Self>;
    fn of_mut(content: &mut Content) -> Option<&mut Self>;
    fn into_content(self) -> Content;
}

macro_rules! plain {
    ($($Plain:ty, $variant:ident;)*) => { $(
        impl Plain for $Plain {
            fn of(content: &Content) -> Option<&Self> {
                if let Content::$variant(plain) = content { Some(plain) } else { None }
            }

            fn of_mut(content: &mut Content) -> Option<&mut Self> {
                if let Content::$variant(plain) = content { Some(plain) } else { None }
            }

            fn into_content(self) -> Content {
                Content::$variant(self)
            }
        }
    )* };
}

plain! { Bytes, String; List, List; Set, Set; Hash, Hash; ZSet, ZSet; }

#[derive(Clone, Debug)]
pub(crate) struct StoredValue {
    pub(crate) content: Content,
    pub(crate) expiry: Option<u64>,
}

/// Returns the text of a number plus `quarters` quarters, or the error. If [`FloatSum`] is `Unknown`, the
/// model takes the result of the keyspace, which is `seen`.
pub(crate) fn incr_by_float(
    old: Option<&Bytes>,
    quarters: i8,
    seen: Option<Result<Bytes, Reply>>,
) -> Result<Bytes, Reply> {
    match (FloatSum::of(old.map_or(b"0", |text| text), quarters), seen) {
        (FloatSum::NotAFloat, _) => Err(NOT_A_FLOAT),
        (FloatSum::Unknown, Some(seen)) => seen,
        (FloatSum::Text(text), _) => Ok(text),
        (FloatSum::Unknown, None) => unreachable!("the operation has run"),
    }
}

/// The model of a database.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) keys: BTreeMap<Bytes, StoredValue>,
    /// Keys that have expired, but that the keyspace has not reported as removed.
    pub(crate) stale: BTreeSet<Bytes>,
    /// Keys that the current scan must still show.
    pub(crate) unseen: BTreeSet<Bytes>,
}

impl Model {
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&StoredValue> {
        self.keys.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &[u8]) -> Option<&mut StoredValue> {
        self.keys.get_mut(key)
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.keys.contains_key(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Bytes, &StoredValue)> {
        self.keys.iter()
    }

    /// Returns the content of a key, or an error if it has another type.
    pub(crate) fn read<P: Plain>(&self, key: &[u8]) -> Result<Option<&P>, Reply> {
        self.get(key).map(|held| P::of(&held.content).ok_or(WRONG_TYPE)).transpose()
    }

    /// Sets the time. Keys that have expired become stale.
    pub(crate) fn at(&mut self, now: u64) {
        let due = |held: &StoredValue| held.expiry.is_some_and(|expiry| expiry <= now);
        for (key, _) in self.keys.extract_if(.., |_, held| due(held)) {
            self.unseen.remove(&key);
            self.stale.insert(key);
        }
    }

    pub(crate) fn put(&mut self, key: &[u8], content: Content, expiry: Option<u64>) {
        self.keys.insert(key.to_vec(), StoredValue { content, expiry });
    }

    /// Stores a content without an expiry, or removes the key if the content is an empty collection.
    pub(crate) fn store(&mut self, key: &[u8], content: Content) {
        if content.is_empty_collection() {
            self.remove(key);
        } else {
            self.put(key, content, None);
        }
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<StoredValue> {
        self.unseen.remove(key);
        self.keys.remove(key)
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&[u8]) -> bool) {
        let Self { keys, unseen, .. } = self;
        keys.retain(|key, _| {
            let stays = keep(key);
            if !stays {
                unseen.remove(key);
            }
            stays
        });
    }

    /// Replaces the content of a key. Keeps the expiry.
    pub(crate) fn write(&mut self, key: &[u8], content: Content) {
        match self.keys.get_mut(key) {
            Some(held) => held.content = content,
            None => self.put(key, content, None),
        }
    }

    /// Changes the content of an existing key. Removes the key if the content is then an empty collection.
    pub(crate) fn modify<P: Plain, T>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&mut P) -> T,
    ) -> Result<Option<T>, Reply> {
        let Some(held) = self.keys.get_mut(key) else { return Ok(None) };
        let result = change(P::of_mut(&mut held.content).ok_or(WRONG_TYPE)?);
        if held.content.is_empty_collection() {
            self.remove(key);
        }
        Ok(Some(result))
    }

    /// Like [`modify`](Self::modify), but a missing key begins with an empty content.
    pub(crate) fn edit<P: Plain, T>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&mut P) -> T,
    ) -> Result<T, Reply> {
        if self.contains(key) {
            return self.modify(key, change).map(|result| result.expect("the key is there"));
        }
        let mut new = P::default();
        let result = change(&mut new);
        self.store(key, new.into_content());
        Ok(result)
    }
}
