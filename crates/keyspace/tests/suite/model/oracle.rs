//! A keyspace of std's maps that follows the documentation of Redis' commands.

use super::ops::{Action, Bytes, Condition, How};
use keyspace::{Expiry, SetExpiry};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use testing::{FloatSum, integer};
use values::ObjectType;

pub(crate) const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
pub(crate) const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
pub(crate) const NOT_A_FLOAT: &str = "ERR value is not a valid float";
pub(crate) const OVERFLOW: &str = "ERR increment or decrement would overflow";
pub(crate) const TOO_LONG: &str = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
pub(crate) const NO_SUCH_KEY: &str = "ERR no such key";
pub(crate) const INVALID_TIME: &str = "ERR invalid expire time";

/// The maximum length of a string, in bytes.
pub(crate) const LEN_MAX: usize = 1 << 20;

/// The answer of an operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Done,
    Flag(bool),
    Number(i64),
    Text(Option<Bytes>),
    Value(Option<Content>),
    Set { is_set: bool, old: Option<Bytes> },
    Many(Vec<Answer>),
    Error(&'static str),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    String(Bytes),
    List(VecDeque<Bytes>),
    Set(BTreeSet<Bytes>),
    ZSet(BTreeMap<Bytes, i64>),
    Hash(BTreeMap<Bytes, Bytes>),
}

/// Returns the score that a value stands for.
pub(crate) fn score_of(value: &[u8]) -> i64 {
    value.len() as i64 - 20
}

impl Content {
    fn empty(object_type: ObjectType) -> Self {
        match object_type {
            ObjectType::String => Self::String(Bytes::new()),
            ObjectType::List => Self::List(VecDeque::new()),
            ObjectType::Set => Self::Set(BTreeSet::new()),
            ObjectType::ZSet => Self::ZSet(BTreeMap::new()),
            ObjectType::Hash => Self::Hash(BTreeMap::new()),
        }
    }

    pub(crate) fn object_type(&self) -> ObjectType {
        match self {
            Self::String(_) => ObjectType::String,
            Self::List(_) => ObjectType::List,
            Self::Set(_) => ObjectType::Set,
            Self::ZSet(_) => ObjectType::ZSet,
            Self::Hash(_) => ObjectType::Hash,
        }
    }

    fn is_empty_collection(&self) -> bool {
        match self {
            Self::String(_) => false,
            Self::List(list) => list.is_empty(),
            Self::Set(set) => set.is_empty(),
            Self::ZSet(zset) => zset.is_empty(),
            Self::Hash(hash) => hash.is_empty(),
        }
    }

    fn act(&mut self, action: &Action) -> Answer {
        match (self, action) {
            (Self::String(_), _) => unreachable!("no collection"),
            (content, Action::Empty) => {
                *content = Self::empty(content.object_type());
                Answer::Done
            }
            (Self::List(list), Action::Put(element, value)) => {
                if value.len().is_multiple_of(2) {
                    list.push_back(element.clone());
                } else {
                    list.push_front(element.clone());
                }
                Answer::Done
            }
            (Self::List(list), Action::Take(value)) => {
                Answer::Text(if value.len().is_multiple_of(2) { list.pop_back() } else { list.pop_front() })
            }
            (Self::Set(set), Action::Put(member, _)) => Answer::Flag(set.insert(member.clone())),
            (Self::Set(set), Action::Take(member)) => Answer::Flag(set.remove(member)),
            (Self::ZSet(zset), Action::Put(member, value)) => {
                Answer::Flag(zset.insert(member.clone(), score_of(value)).is_none())
            }
            (Self::ZSet(zset), Action::Take(member)) => Answer::Flag(zset.remove(member).is_some()),
            (Self::Hash(hash), Action::Put(field, value)) => {
                Answer::Flag(hash.insert(field.clone(), value.clone()).is_none())
            }
            (Self::Hash(hash), Action::Take(field)) => Answer::Flag(hash.remove(field).is_some()),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct StoredValue {
    pub(crate) content: Content,
    pub(crate) expiry: Option<u64>,
    /// Whether a string was changed in place since it was set.
    pub(crate) is_edited: bool,
}

/// An owned event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OwnedEvent {
    Set(Bytes),
    Changed(Bytes),
    Expired(Bytes),
    Removed(Bytes),
    Renamed(Bytes, Bytes),
    Cleared,
}

/// Returns the time of an expiry, in milliseconds. `SET` and `GETEX` take positive numbers only.
pub(crate) fn time(expiry: Expiry, now: u64, positive: bool) -> Result<u64, Answer> {
    let (number, unit, base) = match expiry {
        Expiry::InSeconds(number) => (number, 1_000, i128::from(now)),
        Expiry::InMillis(number) => (number, 1, i128::from(now)),
        Expiry::AtSeconds(number) => (number, 1_000, 0),
        Expiry::AtMillis(number) => (number, 1, 0),
    };
    let millis = i128::from(number) * unit;
    let is_time = i64::try_from(millis).is_ok() && i64::try_from(millis + base).is_ok();
    if !is_time || positive && number <= 0 {
        return Err(Answer::Error(INVALID_TIME));
    }
    Ok((millis + base).max(0) as u64)
}

/// One database.
#[derive(Debug, Default)]
pub(crate) struct Db {
    /// The keys that have not expired.
    pub(crate) keys: BTreeMap<Bytes, StoredValue>,
    /// The keys that have expired and are not removed yet.
    pub(crate) stale: BTreeSet<Bytes>,
    /// Whether a string may have been coded.
    pub(crate) had_symbols: bool,
    /// The expected events.
    pub(crate) expected_events: Vec<OwnedEvent>,
}

impl Db {
    pub(crate) fn at(&mut self, now: u64) {
        let due = |held: &StoredValue| held.expiry.is_some_and(|expiry| expiry <= now);
        self.stale.extend(self.keys.extract_if(.., |_, held| due(held)).map(|(key, _)| key));
    }

    fn string(&self, key: &[u8]) -> Result<Option<&Bytes>, Answer> {
        match self.keys.get(key).map(|held| &held.content) {
            None => Ok(None),
            Some(Content::String(text)) => Ok(Some(text)),
            Some(_) => Err(Answer::Error(WRONG_TYPE)),
        }
    }

    pub(crate) fn put(&mut self, key: &[u8], content: Content, expiry: Option<u64>) {
        self.put_stored(key, StoredValue { content, expiry, is_edited: false });
    }

    pub(crate) fn put_stored(&mut self, key: &[u8], value: StoredValue) {
        self.keys.insert(key.to_vec(), value);
        self.expected_events.push(OwnedEvent::Set(key.to_vec()));
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<StoredValue> {
        let held = self.keys.remove(key)?;
        self.expected_events.push(OwnedEvent::Removed(key.to_vec()));
        Some(held)
    }

    pub(crate) fn set(
        &mut self,
        key: &[u8],
        value: &[u8],
        condition: &Condition,
        expiry: SetExpiry,
        get: bool,
        now: u64,
    ) -> Result<Answer, Answer> {
        let at = match expiry {
            SetExpiry::To(expiry) => Some(time(expiry, now, true)?),
            SetExpiry::Clear | SetExpiry::Keep => None,
        };
        let held = self.keys.get(key);
        let old = if get { self.string(key)?.cloned() } else { None };
        let is_set = match condition {
            Condition::Always => true,
            Condition::Absent => held.is_none(),
            Condition::Present => held.is_some(),
            Condition::Equal(wanted) => self.string(key)? == Some(wanted),
            Condition::Different(wanted) => self.string(key)? != Some(wanted),
        };
        if is_set && at.is_some_and(|at| at <= now) {
            self.remove(key);
        } else if is_set {
            let kept = held.and_then(|held| held.expiry).filter(|_| expiry == SetExpiry::Keep);
            self.put(key, Content::String(value.to_vec()), at.or(kept));
        }
        Ok(Answer::Set { is_set, old })
    }

    pub(crate) fn get_expire(&mut self, key: &[u8], to: Option<Expiry>, now: u64) -> Result<Answer, Answer> {
        let Some(text) = self.string(key)?.cloned() else { return Ok(Answer::Text(None)) };
        let at = to.map(|expiry| time(expiry, now, true)).transpose()?;
        if at.is_some_and(|at| at <= now) {
            self.remove(key);
        } else if let Some(held) = self.keys.get_mut(key)
            && held.expiry != at
        {
            held.expiry = at;
            self.expected_events.push(OwnedEvent::Changed(key.to_vec()));
        }
        Ok(Answer::Text(Some(text)))
    }

    pub(crate) fn get_remove(&mut self, key: &[u8]) -> Result<Answer, Answer> {
        let text = self.string(key)?.cloned();
        self.remove(key);
        Ok(Answer::Text(text))
    }

    /// Replaces the content of a string. The expiry stays.
    fn write(&mut self, key: &[u8], text: Bytes) {
        match self.keys.get_mut(key) {
            Some(held) => {
                held.content = Content::String(text);
                held.is_edited = false;
                self.expected_events.push(OwnedEvent::Changed(key.to_vec()));
            }
            None => self.put(key, Content::String(text), None),
        }
    }

    /// Does the same as [`write`](Self::write) for a command that edits the string in place.
    fn edit_text(&mut self, key: &[u8], text: Bytes) {
        self.write(key, text);
        self.keys.entry(key.to_vec()).and_modify(|held| held.is_edited = true);
    }

    pub(crate) fn append(&mut self, key: &[u8], bytes: &[u8]) -> Result<Answer, Answer> {
        let text = [self.string(key)?.map_or(&[][..], Vec::as_slice), bytes].concat();
        if text.len() > LEN_MAX {
            return Err(Answer::Error(TOO_LONG));
        }
        let len = text.len() as i64;
        // An append to nothing writes a new string.
        if len as usize == bytes.len() {
            self.write(key, text)
        } else {
            self.edit_text(key, text)
        }
        Ok(Answer::Number(len))
    }

    pub(crate) fn set_range(&mut self, key: &[u8], offset: usize, bytes: &[u8]) -> Result<Answer, Answer> {
        let old = self.string(key)?;
        let mut text = old.cloned().unwrap_or_default();
        if bytes.is_empty() && old.is_none() {
            return Ok(Answer::Number(0));
        }
        if !bytes.is_empty() {
            let end = offset + bytes.len();
            if end > LEN_MAX {
                return Err(Answer::Error(TOO_LONG));
            }
            text.resize(text.len().max(end), 0);
            text[offset..end].copy_from_slice(bytes);
        }
        let len = text.len() as i64;
        let was_edited = self.keys.get(key).is_some_and(|held| held.is_edited);
        if bytes.is_empty() && !was_edited {
            self.write(key, text)
        } else {
            self.edit_text(key, text)
        }
        Ok(Answer::Number(len))
    }

    pub(crate) fn set_bit(&mut self, key: &[u8], offset: u64, bit: bool) -> Result<Answer, Answer> {
        let mut text = self.string(key)?.cloned().unwrap_or_default();
        let (byte, mask) = (offset as usize / 8, 0x80 >> (offset % 8));
        text.resize(text.len().max(byte + 1), 0);
        let was = text[byte] & mask != 0;
        text[byte] = if bit { text[byte] | mask } else { text[byte] & !mask };
        self.edit_text(key, text);
        Ok(Answer::Flag(was))
    }

    /// Appends, and then fails. No key is created, and a present key keeps the appended bytes.
    pub(crate) fn append_and_fail(&mut self, key: &[u8], bytes: &[u8]) -> Result<Answer, Answer> {
        if let Some(old) = self.string(key)? {
            let text = [old, bytes].concat();
            if text.len() == bytes.len() { self.write(key, text) } else { self.edit_text(key, text) }
        }
        Err(Answer::Error(NO_SUCH_KEY))
    }

    pub(crate) fn incr_by(&mut self, key: &[u8], by: i64) -> Result<Answer, Answer> {
        let old = self.string(key)?.map_or(Some(0), |text| integer(text));
        let old = old.ok_or(Answer::Error(NOT_AN_INTEGER))?;
        let sum = old.checked_add(by).ok_or(Answer::Error(OVERFLOW))?;
        self.write(key, sum.to_string().into_bytes());
        Ok(Answer::Number(sum))
    }

    /// `answer` is the answer of the keyspace. The model trusts it if [`FloatSum`] is `Unknown`.
    pub(crate) fn incr_by_float(
        &mut self,
        key: &[u8],
        quarters: i8,
        answer: &Answer,
    ) -> Result<Answer, Answer> {
        let old = self.string(key)?.map_or(&b"0"[..], |text| text);
        let text = match (FloatSum::of(old, quarters), answer) {
            (FloatSum::NotAFloat, _) => return Err(Answer::Error(NOT_A_FLOAT)),
            (FloatSum::Text(text), _) => text,
            (FloatSum::Unknown, Answer::Text(Some(text))) => text.clone(),
            (FloatSum::Unknown, error @ Answer::Error(_)) => return Err(error.clone()),
            (FloatSum::Unknown, other) => panic!("{other:?}"),
        };
        self.write(key, text.clone());
        Ok(Answer::Text(Some(text)))
    }

    pub(crate) fn edit(
        &mut self,
        key: &[u8],
        object_type: ObjectType,
        actions: &[Action],
        fails: bool,
        how: How,
    ) -> Result<Answer, Answer> {
        let is_new = !self.keys.contains_key(key);
        if is_new && how == How::ModifyAs {
            return Ok(Answer::Many(vec![]));
        }
        let new = || StoredValue { content: Content::empty(object_type), expiry: None, is_edited: false };
        let held = self.keys.entry(key.to_vec()).or_insert_with(new);
        if held.content.object_type() != object_type {
            if how == How::Edit {
                self.expected_events.push(OwnedEvent::Changed(key.to_vec())); // The closure has got the value.
            }
            return Err(Answer::Error(WRONG_TYPE));
        }
        let answers = actions.iter().map(|action| held.content.act(action)).collect();
        let is_empty = held.content.is_empty_collection();
        if is_empty {
            self.keys.remove(key);
        }
        match (is_new, is_empty) {
            (true, true) => {}
            (true, false) => self.expected_events.push(OwnedEvent::Set(key.to_vec())),
            (false, true) => self.expected_events.push(OwnedEvent::Removed(key.to_vec())),
            (false, false) => self.expected_events.push(OwnedEvent::Changed(key.to_vec())),
        }
        if fails { Err(Answer::Error(NO_SUCH_KEY)) } else { Ok(Answer::Many(answers)) }
    }

    /// Inserts the collection that `actions` make.
    pub(crate) fn insert(
        &mut self,
        key: &[u8],
        object_type: ObjectType,
        actions: &[Action],
        expiry: Option<u64>,
        now: u64,
    ) {
        let mut content = Content::empty(object_type);
        for action in actions {
            content.act(action);
        }
        if content.is_empty_collection() || expiry.is_some_and(|at| at <= now) {
            self.remove(key);
        } else {
            self.put(key, content, expiry);
        }
    }

    pub(crate) fn rename(&mut self, from: &[u8], to: &[u8], replace: bool) -> Result<Answer, Answer> {
        if !self.keys.contains_key(from) {
            return Err(Answer::Error(NO_SUCH_KEY));
        }
        if !replace && self.keys.contains_key(to) {
            return Ok(Answer::Flag(false));
        }
        if from != to
            && let Some(held) = self.keys.remove(from)
        {
            self.keys.insert(to.to_vec(), held);
            self.expected_events.push(OwnedEvent::Renamed(from.to_vec(), to.to_vec()));
        }
        Ok(Answer::Flag(true))
    }

    /// The conditions are `NX`, `XX`, `GT` and `LT`.
    pub(crate) fn expire(
        &mut self,
        key: &[u8],
        expiry: Expiry,
        [nx, xx, gt, lt]: [bool; 4],
        now: u64,
    ) -> Result<Answer, Answer> {
        if nx && (xx || gt || lt) {
            return Err(Answer::Error("ERR NX and XX, GT or LT options at the same time are not compatible"));
        }
        if gt && lt {
            return Err(Answer::Error("ERR GT and LT options at the same time are not compatible"));
        }
        let at = time(expiry, now, false)?;
        let Some(held) = self.keys.get_mut(key) else { return Ok(Answer::Flag(false)) };
        // A key without an expiry counts as expiring after every time.
        let old = held.expiry.unwrap_or(u64::MAX);
        let (is_there, is_later, is_earlier) = (held.expiry.is_some(), at > old, at < old);
        if nx && is_there || xx && !is_there || gt && !is_later || lt && !is_earlier {
            return Ok(Answer::Flag(false));
        }
        if at <= now {
            self.remove(key);
        } else {
            held.expiry = Some(at);
            self.expected_events.push(OwnedEvent::Changed(key.to_vec()));
        }
        Ok(Answer::Flag(true))
    }

    pub(crate) fn persist(&mut self, key: &[u8]) -> Answer {
        let had = self.keys.get_mut(key).and_then(|held| held.expiry.take()).is_some();
        if had {
            self.expected_events.push(OwnedEvent::Changed(key.to_vec()));
        }
        Answer::Flag(had)
    }
}
