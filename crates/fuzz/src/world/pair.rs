//! [`Pair`]: a keyspace and its model, for one operation.
//!
//! An operation takes these steps:
//!
//! 1. It runs on the keyspace, perhaps with failing allocations. The callback for events records the keys
//!    that the keyspace has evicted, and the expired keys that it has removed.
//! 2. The keys that were removed before the operation's own event are removed from the model.
//! 3. The operation runs on the model.
//! 4. The keys that were removed later are removed from the model.
//!
//! The answers of the keyspace and of the model must be the same. Further rules:
//!
//! - An evicted key must exist, and the policy must allow its eviction.
//! - An operation that fails, because of memory or of `maxmemory`, reports no change. The only exception is
//!   the event of an edit that has changed nothing.
//! - A keyspace without a callback has no limit. It removes keys only in a sweep or an eviction that an
//!   operation requests.

use super::events::{Counts, Log, OwnedEvent, apply_event};
use super::input::Scale;
use super::model::{Bytes, Content, Model, Reply, StoredValue};
use crate::harness::{Faults, Plan};
use keyspace::{Error, Keyspace, MaxmemoryPolicy, Ttl, ValueRef};
use std::fmt::Debug;
use values::{EncodingLimits, WrongType};

/// The state that all operations share.
pub(crate) struct Context {
    pub(crate) scale: Scale,
    pub(crate) now: u64,
    /// The number of milliseconds that are subtracted from the time of reads. It is 0, unless a fault is
    /// planted.
    pub(crate) late: u64,
    /// The plan of failing allocations in this operation.
    pub(crate) plan: Plan,
    pub(crate) counts: Counts,
}

/// The result of an operation on the keyspace.
struct RunResult<T> {
    result: Result<T, Error>,
    /// Whether the plan made an allocation fail.
    failed: bool,
    /// The operation's own events.
    own: Vec<OwnedEvent>,
    /// The events of keys that were removed after the first own event.
    later: Vec<OwnedEvent>,
}

/// A keyspace and its model.
pub(crate) struct Pair<'a> {
    pub(crate) keyspace: &'a mut Keyspace,
    pub(crate) model: &'a mut Model,
    pub(crate) context: &'a mut Context,
    /// `None` for a keyspace without a callback.
    log: Option<&'a Log>,
    /// The number of bytes before the operation.
    before: usize,
    /// Whether the operation adds bytes that the keyspace cannot know in advance, for example in a closure.
    pub(crate) edits: bool,
    /// Whether the check of the limit after the operation is left out.
    pub(crate) is_unlimited: bool,
    /// Whether the operation reads a key that the keyspace may evict to make room for the result.
    pub(crate) is_of_two_keys: bool,
}

/// The maximum number of elements of a collection that is compared in full after each operation on it.
const COMPARED_MAX: usize = 64;
/// The maximum number of bytes of a string that is compared in full after each operation on it.
const COMPARED_BYTES_MAX: usize = 4_096;
/// One of this many longer values is compared in full.
const COMPARED_ONE_IN: u64 = 64;
/// The maximum number of characters that are shown of an answer that differs.
const SHOWN_MAX: usize = 400;
/// The maximum number of bytes that a keyspace leaves free below `maxmemory`, for overflow children of its
/// table and for the eviction itself.
const RESERVE_MAX: usize = 8_192;
impl<'a> Pair<'a> {
    pub(crate) fn new(
        keyspace: &'a mut Keyspace,
        model: &'a mut Model,
        log: Option<&'a Log>,
        context: &'a mut Context,
    ) -> Self {
        let before = keyspace.counted_bytes();
        Self {
            keyspace,
            model,
            context,
            log,
            before,
            edits: false,
            is_unlimited: false,
            is_of_two_keys: false,
        }
    }

    pub(crate) fn now(&self) -> u64 {
        self.context.now
    }

    pub(crate) fn limits(&self) -> EncodingLimits {
        *self.keyspace.options().encoding_limits()
    }

    fn take_log(&self) -> Vec<OwnedEvent> {
        self.log.map(Log::take).unwrap_or_default()
    }

    /// Removes keys from the model that other threads have evicted.
    pub(crate) fn apply_events(&mut self) {
        self.take_log().into_iter().for_each(|logged| self.apply_event(logged));
    }

    /// Runs an operation on the keyspace. Removes the keys from the model that were removed before the
    /// operation's own event.
    fn run<T>(&mut self, run: impl FnOnce(&mut Keyspace, u64) -> Result<T, Error>) -> RunResult<T> {
        let (now, mut faults) = (self.now(), Faults::new());
        faults.follow(self.context.plan);
        let (result, failed) = faults.watch(|| run(self.keyspace, now));
        drop(faults);
        let mut logged = self.take_log();
        // Without an own event, the keys were evicted to make room for the operation, or at its end because
        // the keyspace was above its limit. The first case matters only if the operation reads a key that may
        // be evicted: all evicted keys then count as removed before the operation. Otherwise they count as
        // removed after it.
        let all = if self.is_of_two_keys { logged.len() } else { 0 };
        let later = logged.split_off(logged.iter().position(OwnedEvent::is_own).unwrap_or(all));
        logged.into_iter().for_each(|logged| self.apply_event(logged));
        let (own, later) = later.into_iter().partition(OwnedEvent::is_own);
        RunResult { result, failed, own, later }
    }

    /// Removes an expired or an evicted key from the model.
    fn apply_event(&mut self, logged: OwnedEvent) {
        let policy = self.keyspace.options().get_maxmemory_policy();
        apply_event(self.model, &mut self.context.counts, policy, logged);
    }

    /// Runs an operation on the keyspace and on the model, and compares the answers. Returns `None` if it
    /// failed because of memory or of `maxmemory`. The model is then unchanged.
    pub(crate) fn run_and_compare<T: PartialEq + Debug>(
        &mut self,
        run: impl FnOnce(&mut Keyspace, u64) -> Result<T, Error>,
        want: impl FnOnce(&mut Model) -> Result<T, Reply>,
    ) -> Option<T> {
        let RunResult { result, failed, own, later } = self.run(run);
        let answer = match result {
            Err(error) if self.is_out_of_memory_or_limit(error, failed) => {
                let is_no_change = |logged: &OwnedEvent| matches!(logged, OwnedEvent::Changed(_));
                assert!(own.iter().all(is_no_change), "{error}, and yet {own:?}");
                None
            }
            result => {
                let (answer, wanted) = (result.map_err(|error| error.reply()), want(self.model));
                assert_same(&answer, &wanted);
                self.context.counts.answers += 1;
                answer.ok()
            }
        };
        later.into_iter().for_each(|logged| self.apply_event(logged));
        answer
    }

    /// Does the same as [`run_and_compare`](Self::run_and_compare), for an edit of `key` that may stop in the
    /// middle. `want` applies the completed part of the edit to the model. Its second argument is `false` if
    /// this part is lost, because there was no room for a new key.
    pub(crate) fn run_partial_and_compare(
        &mut self,
        key: &[u8],
        run: impl FnOnce(&mut Keyspace, u64) -> Result<(), Error>,
        want: impl FnOnce(&mut Model, bool) -> Result<(), Reply>,
    ) {
        let RunResult { result, failed, own, later } = self.run(run);
        let is_kept =
            if self.has_log() { !own.is_empty() } else { self.keyspace.contains_key(key, self.now()) };
        let wanted = want(self.model, is_kept);
        match result {
            Err(error) if self.is_out_of_memory_or_limit(error, failed) => {}
            result => assert_eq!(result.map_err(|error| error.reply()), wanted),
        }
        later.into_iter().for_each(|logged| self.apply_event(logged));
    }

    /// Sets several strings, one after the other. Each set may evict keys that were set before it.
    pub(crate) fn set_many(&mut self, pairs: &[(Bytes, Bytes)]) {
        if self.log.is_none() {
            // Without events, the model cannot know where the operation has stopped.
            self.context.plan = Plan::None;
        }
        let lent: Vec<_> = pairs.iter().map(|(key, value)| (key.into(), (&value[..]).into())).collect();
        let (now, mut faults) = (self.now(), Faults::new());
        faults.follow(self.context.plan);
        let (result, failed) = faults.watch(|| self.keyspace.set_many(&lent, now));
        drop(faults);
        let mut left = pairs.iter();
        for logged in self.take_log() {
            match logged {
                OwnedEvent::Set(key) => {
                    let next = left.next().filter(|(next, _)| *next == key);
                    let (_, value) = next.unwrap_or_else(|| panic!("another key is next: {key:?}"));
                    self.model.put(&key, Content::String(value.clone()), None);
                }
                logged => self.apply_event(logged),
            }
        }
        match result {
            Ok(()) if self.log.is_some() => assert_eq!(left.len(), 0, "pairs that were not set"),
            Ok(()) => left.for_each(|(key, value)| self.model.put(key, Content::String(value.clone()), None)),
            Err(error) => assert!(self.is_out_of_memory_or_limit(error, failed), "{error}"),
        }
    }

    /// Compares the answers of the keyspace and of the model to a read.
    pub(crate) fn read_and_compare<T: PartialEq + Debug>(
        &mut self,
        read: impl FnOnce(&Keyspace, u64) -> Result<T, WrongType>,
        want: impl FnOnce(&Model) -> Result<T, Reply>,
    ) {
        let now = self.now().saturating_sub(self.context.late);
        let answer = read(self.keyspace, now).map_err(|error| Error::from(error).reply());
        assert_same(&answer, &want(self.model));
        self.context.counts.answers += 1;
    }

    /// Returns `true` if the error is about memory or `maxmemory`. The model has no such errors. Panics if no
    /// allocation has failed and there was room.
    fn is_out_of_memory_or_limit(&mut self, error: Error, failed: bool) -> bool {
        if error.reserve_error().is_some() {
            assert!(failed, "no allocation has failed, and yet: {error}");
            self.context.counts.without_memory += 1;
            return true;
        }
        let Error::MaxmemoryReached { additional, maxmemory } = error else { return false };
        let policy = self.keyspace.options().get_maxmemory_policy();
        // The written key is not evicted to make room for itself.
        let victims = self.victims().saturating_sub(1);
        let most = maxmemory.saturating_sub(RESERVE_MAX + self.keyspace.other_bytes());
        assert!(
            failed || victims == 0 || additional > most,
            "{error}, under {policy} with {} keys and {} expiries",
            self.keyspace.len(),
            self.keyspace.expires()
        );
        self.context.counts.refused += 1;
        true
    }

    /// Returns the number of keys that the policy may evict.
    fn victims(&self) -> usize {
        match self.keyspace.options().get_maxmemory_policy() {
            MaxmemoryPolicy::Noeviction => 0,
            policy if policy.is_volatile() => self.keyspace.expires(),
            _ => self.keyspace.len(),
        }
    }

    /// Returns `true` if the keyspace has a callback for events.
    pub(crate) fn has_log(&self) -> bool {
        self.log.is_some()
    }

    /// Finds the evicted keys of a keyspace without a callback, and removes them from the model.
    pub(crate) fn find_evicted_keys(&mut self) {
        if self.log.is_none() {
            let keys = self.model.iter().map(|(key, _)| key);
            let gone: Vec<_> =
                keys.filter(|key| !self.keyspace.contains_key(*key, self.now())).cloned().collect();
            gone.into_iter().for_each(|key| self.apply_event(OwnedEvent::Evicted(key)));
        }
    }

    /// Compares a key. Compares all of a small value, and mostly only the length of a large one.
    pub(crate) fn compare(&mut self, key: &[u8]) {
        let is_next = self.context.counts.answers.is_multiple_of(COMPARED_ONE_IN);
        self.compare_some(key, is_next);
    }

    /// Compares a key in full.
    pub(crate) fn compare_in_full(&mut self, key: &[u8]) {
        self.compare_some(key, true);
    }

    /// Compares a key. Compares a large value in full only if `in_full` is set.
    fn compare_some(&mut self, key: &[u8], in_full: bool) {
        let now = self.now().saturating_sub(self.context.late);
        let (found, held) = (self.keyspace.get(key, now), self.model.get(key));
        let (value, held) = match (found, held) {
            (Some(value), Some(held)) => (value, held),
            (None, None) => return,
            (found, held) => panic!(
                "{}: the keyspace has {:?}, the model {:?}",
                key.escape_ascii(),
                found.map(|value| value.object_type()),
                held.map(|held| (held.content.object_type(), held.expiry))
            ),
        };
        let is_short = match &held.content {
            Content::String(text) => text.len() <= COMPARED_BYTES_MAX,
            content => content.len() <= COMPARED_MAX,
        };
        let counts = &mut self.context.counts;
        counts.answers += 1;
        if is_short || in_full {
            compare_held(self.keyspace, key, value, held, now);
            counts.values += 1;
        } else {
            assert_eq!(len_of(value), held.content.len(), "{}", key.escape_ascii());
        }
    }

    /// Checks the number of keys and the limit after an operation.
    pub(crate) fn end(self) {
        if self.log.is_none() && self.keyspace.len() != self.model.len() + self.model.stale.len() {
            // Without events, the model looks up which stale keys are left.
            let Model { keys, stale, .. } = &mut *self.model;
            stale.retain(|key| !keys.contains_key(key) && self.keyspace.contains_key(key, 0));
        }
        assert_eq!(
            self.keyspace.len(),
            self.model.len() + self.model.stale.len(),
            "the keys of the keyspace, and of the model"
        );
        self.check_limit();
    }

    /// Checks that the keyspace is within its limit, or has no more bytes than before. If nothing can be
    /// evicted, more bytes are allowed.
    fn check_limit(&self) {
        let (limit, bytes) = (self.keyspace.options().get_maxmemory(), self.keyspace.counted_bytes());
        if limit == 0 || self.is_unlimited {
            return;
        }
        let victims = if self.keyspace.other_bytes() >= limit { 0 } else { self.victims() };
        // If no key can be evicted, an edit may exceed the limit. Other operations may exceed it by the
        // reserve, because a keyspace above a limit that was lowered has no reserve. A single key may be the
        // one that is written, which is not evicted before the write.
        let overshoot = match (victims, self.edits) {
            (0, true) => usize::MAX,
            (0 | 1, _) => RESERVE_MAX,
            _ => 0,
        };
        assert!(
            bytes <= limit.max(self.before).saturating_add(overshoot),
            "{bytes} bytes, and {} before, above a limit of {limit} under {}",
            self.before,
            self.keyspace.options().get_maxmemory_policy()
        );
    }

    /// Compares all keys in full, and checks the keyspace's invariants.
    pub(crate) fn compare_all(&mut self) {
        let (keyspace, now) = (&*self.keyspace, self.now());
        keyspace.check();
        let mut found = 0;
        for (key, value) in keyspace.iter(now) {
            let key = &*key.text();
            let held = self.model.get(key);
            let held = held.unwrap_or_else(|| panic!("{} is not to be there", key.escape_ascii()));
            compare_held(keyspace, key, value, held, now);
            found += 1;
        }
        assert_eq!(found, self.model.len(), "the keys that are there");
        self.context.counts.values += found as u64;
        let (mut expires, mut bytes) = (self.model.stale.len(), 0);
        for (key, held) in self.model.iter() {
            expires += usize::from(held.expiry.is_some());
            bytes += keyspace.memory_usage(key, now).expect("a key that was found");
        }
        assert_eq!(keyspace.expires(), expires, "the keys that expire");
        assert!(bytes <= keyspace.allocation_size(), "the bytes of the keys");
        for key in &self.model.stale {
            assert!(keyspace.get(key, now).is_none() && keyspace.memory_usage(key, now).is_none());
        }
    }
}

/// Returns the start of a formatted value.
fn shown(value: &impl Debug) -> String {
    let mut text = format!("{value:?}");
    if let Some((end, _)) = text.char_indices().nth(SHOWN_MAX) {
        text.truncate(end);
        text += " and so on";
    }
    text
}

fn assert_same<T: PartialEq + Debug>(answer: &T, wanted: &T) {
    assert!(answer == wanted, "the keyspace answers {}, the model {}", shown(answer), shown(wanted));
}

/// Returns the number of bytes of a string, or of elements of a collection.
fn len_of(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::String(string) => string.len(),
        ValueRef::List(list) => list.len(),
        ValueRef::Set(set) => set.len(),
        ValueRef::Hash(hash) => hash.len(),
        ValueRef::ZSet(zset) => zset.len(),
    }
}

pub(crate) fn content_of(value: ValueRef<'_>) -> Content {
    match value {
        ValueRef::String(string) => Content::String(string.to_bytes().to_vec()),
        ValueRef::List(list) => Content::of_list(list),
        ValueRef::Set(set) => Content::of_set(set),
        ValueRef::Hash(hash) => Content::of_hash(hash),
        ValueRef::ZSet(zset) => Content::of_zset(zset),
    }
}

/// Compares the elements of a value, without copying them, and its expiry.
fn compare_held(keyspace: &Keyspace, key: &[u8], value: ValueRef<'_>, held: &StoredValue, now: u64) {
    assert_eq!(value.object_type(), held.content.object_type(), "{}", key.escape_ascii());
    assert_eq!(len_of(value), held.content.len(), "the length of {}", key.escape_ascii());
    let is_same = match (value, &held.content) {
        (ValueRef::String(string), Content::String(text)) => string == **text,
        (ValueRef::List(list), Content::List(elements)) => {
            list.iter().zip(elements).all(|(item, element)| *item.element().text() == **element)
        }
        (ValueRef::Set(set), Content::Set(members)) => {
            set.iter().all(|member| members.contains(&*member.text()))
        }
        (ValueRef::Hash(hash), Content::Hash(fields)) => {
            let is_same = |value: &Bytes, other: values::Element<'_>| **value == *other.text();
            hash.iter()
                .all(|(field, value)| fields.get(&*field.text()).is_some_and(|wanted| is_same(wanted, value)))
        }
        (ValueRef::ZSet(zset), Content::ZSet(members)) => zset
            .iter()
            .zip(members.iter())
            .all(|((member, score), (wanted, other))| *member.text() == **wanted && score == other),
        _ => false,
    };
    if !is_same {
        let (content, wanted) = (shown(&content_of(value)), shown(&held.content));
        panic!("{}: the keyspace has {content}, the model {wanted}", key.escape_ascii());
    }
    assert_eq!(
        keyspace.expire_time(key, now),
        held.expiry.map_or(Ttl::Persistent, Ttl::Millis),
        "{}",
        key.escape_ascii()
    );
}
