//! The model: a keyspace of std's maps, which knows nothing of encodings, memory or policies.
//!
//! A key whose time has come is no longer there. It is *stale* until the keyspace reports that it was removed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use testing::FloatSum;
use values::{HashView, ListView, ObjectType, SetView, ZSetView};

pub(crate) type Bytes = Vec<u8>;

/// An error as Redis words it.
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

/// A score as an integer that sorts the same. 0 and -0 are the same score.
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

    /// Members by score and bytes.
    pub(crate) fn members(&self) -> impl DoubleEndedIterator<Item = &Bytes> {
        self.order.iter().map(|(_, member)| member)
    }

    /// Members and scores, by score and bytes.
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

    /// Bytes of a string, elements of a collection.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::String(text) => text.len(),
            Self::List(list) => list.len(),
            Self::Set(set) => set.len(),
            Self::Hash(hash) => hash.len(),
            Self::ZSet(zset) => zset.len(),
        }
    }

    /// Whether it is a collection that no key can have.
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

/// One type of content.
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
pub(crate) struct Held {
    pub(crate) content: Content,
    pub(crate) expiry: Option<u64>,
}

/// The text of a number and `quarters` quarters more, or the error. The model believes what was `seen` where [`FloatSum`] is
/// `Unknown`.
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

/// One database.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) keys: BTreeMap<Bytes, Held>,
    /// Keys whose time has come, and that have not been reported as removed yet.
    pub(crate) stale: BTreeSet<Bytes>,
    /// Keys that a scan still has to show.
    pub(crate) unseen: BTreeSet<Bytes>,
}

impl Model {
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&Held> {
        self.keys.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &[u8]) -> Option<&mut Held> {
        self.keys.get_mut(key)
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.keys.contains_key(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Bytes, &Held)> {
        self.keys.iter()
    }

    /// The content of a key, if it is of that type.
    pub(crate) fn read<P: Plain>(&self, key: &[u8]) -> Result<Option<&P>, Reply> {
        self.get(key).map(|held| P::of(&held.content).ok_or(WRONG_TYPE)).transpose()
    }

    /// Time passes.
    pub(crate) fn at(&mut self, now: u64) {
        let due = |held: &Held| held.expiry.is_some_and(|expiry| expiry <= now);
        for (key, _) in self.keys.extract_if(.., |_, held| due(held)) {
            self.unseen.remove(&key);
            self.stale.insert(key);
        }
    }

    pub(crate) fn put(&mut self, key: &[u8], content: Content, expiry: Option<u64>) {
        self.keys.insert(key.to_vec(), Held { content, expiry });
    }

    /// Puts a content, or removes the key if no key can have it.
    pub(crate) fn store(&mut self, key: &[u8], content: Content) {
        if content.is_empty_collection() {
            self.remove(key);
        } else {
            self.put(key, content, None);
        }
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<Held> {
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

    /// Gives a key another content. The expiry stays.
    pub(crate) fn write(&mut self, key: &[u8], content: Content) {
        match self.keys.get_mut(key) {
            Some(held) => held.content = content,
            None => self.put(key, content, None),
        }
    }

    /// Changes the content of a key that is there, and removes the key if the content is empty then.
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

    /// [`modify`](Self::modify) that begins with an empty content.
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
