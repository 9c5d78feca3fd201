//! Applies an operation to a keyspace and to its model.

use super::ops::{Action, Bytes, Condition, How, NewExpiry, Op};
use super::oracle::{Answer, Content, Db, OwnedEvent, score_of};
use super::{Pair, TABLES, World, options};
use keyspace::{
    Cursor, Error, ExpireOptions, InEntry, Key, KeyRef, Keyspace, ScanOptions, SetCondition, SetExpiry,
    SetOptions, Value, ValueMut, ValueRef,
};
use std::collections::BTreeSet;
use std::time::Duration;
use testing::NaiveGlob;
use values::list::Side;
use values::zset::{AddOptions, Added};
use values::{
    Collection, Edited, Element, EncodingLimits, Hash, HashView, List, ListView, NoRoom, ObjectType,
    OwnedElement, Room, Set, SetView, WrongType, ZSet, ZSetView, by_type, string,
};

fn text(element: Element<'_>) -> Bytes {
    element.text().to_vec()
}

fn list(list: ListView<'_>) -> Content {
    Content::List(list.iter().map(|item| text(item.element())).collect())
}

fn set(set: SetView<'_>) -> Content {
    Content::Set(set.iter().map(text).collect())
}

fn zset(zset: ZSetView<'_>) -> Content {
    Content::ZSet(zset.iter().map(|(member, score)| (text(member), score as i64)).collect())
}

fn hash(hash: HashView<'_>) -> Content {
    Content::Hash(hash.iter().map(|(field, value)| (text(field), text(value))).collect())
}

pub(crate) fn content_of(value: ValueRef<'_>) -> Content {
    match value {
        ValueRef::String(string) => Content::String(string.to_bytes().to_vec()),
        ValueRef::List(view) => list(view),
        ValueRef::Set(view) => set(view),
        ValueRef::ZSet(view) => zset(view),
        ValueRef::Hash(view) => hash(view),
    }
}

fn owned_content(value: &Value) -> Content {
    match value {
        Value::String(string) => Content::String(text(string.as_element())),
        Value::List(value) => list(value.view()),
        Value::Set(value) => set(value.view()),
        Value::ZSet(value) => zset(value.view()),
        Value::Hash(value) => hash(value.view()),
    }
}

/// A collection that [`Action`]s are applied to.
trait Act: Collection + Into<Value> {
    /// Returns the collection in a value, if the value has this type.
    fn of<'a, 'e>(value: ValueMut<'a, 'e>) -> Option<&'a mut Self::In<InEntry<'e>>>;

    fn act<R: Room>(
        value: &mut Self::In<R>,
        action: &Action,
        limits: &EncodingLimits,
    ) -> Result<Answer, Error>;
}

/// Returns the end of a list that a text stands for.
fn side(text: &[u8]) -> Side {
    if text.len().is_multiple_of(2) { Side::Back } else { Side::Front }
}

fn owned_text(popped: Option<OwnedElement>) -> Answer {
    Answer::Text(popped.map(|element| text(element.as_element())))
}

impl Act for List {
    fn of<'a, 'e>(value: ValueMut<'a, 'e>) -> Option<&'a mut List<InEntry<'e>>> {
        if let ValueMut::List(list) = value { Some(list) } else { None }
    }

    fn act<R: Room>(list: &mut List<R>, action: &Action, limits: &EncodingLimits) -> Result<Answer, Error> {
        Ok(match action {
            Action::Put(element, value) => {
                list.try_push(side(value), &element[..], limits)?;
                Answer::Done
            }
            Action::Take(value) => owned_text(list.try_pop(side(value), limits)?),
            Action::Empty => {
                while list.try_pop(Side::Front, limits)?.is_some() {}
                Answer::Done
            }
        })
    }
}

impl Act for Set {
    fn of<'a, 'e>(value: ValueMut<'a, 'e>) -> Option<&'a mut Set<InEntry<'e>>> {
        if let ValueMut::Set(set) = value { Some(set) } else { None }
    }

    fn act<R: Room>(set: &mut Set<R>, action: &Action, limits: &EncodingLimits) -> Result<Answer, Error> {
        Ok(match action {
            Action::Put(member, _) => Answer::Flag(set.try_insert(&member[..], limits)?),
            Action::Take(member) => Answer::Flag(set.remove(&member[..])),
            Action::Empty => {
                while let Some(member) = set.iter().next().map(text) {
                    assert!(set.remove(&member[..]));
                }
                Answer::Done
            }
        })
    }
}

impl Act for ZSet {
    fn of<'a, 'e>(value: ValueMut<'a, 'e>) -> Option<&'a mut ZSet<InEntry<'e>>> {
        if let ValueMut::ZSet(zset) = value { Some(zset) } else { None }
    }

    fn act<R: Room>(zset: &mut ZSet<R>, action: &Action, limits: &EncodingLimits) -> Result<Answer, Error> {
        Ok(match action {
            Action::Put(member, value) => {
                let score = score_of(value) as f64;
                let added = zset.try_add(&member[..], score, AddOptions::default(), limits)?;
                Answer::Flag(matches!(added, Added::Added(_)))
            }
            Action::Take(member) => Answer::Flag(zset.remove(&member[..]).is_some()),
            Action::Empty => {
                while let Some(member) = zset.iter().next().map(|(member, _)| text(member)) {
                    assert!(zset.remove(&member[..]).is_some());
                }
                Answer::Done
            }
        })
    }
}

impl Act for Hash {
    fn of<'a, 'e>(value: ValueMut<'a, 'e>) -> Option<&'a mut Hash<InEntry<'e>>> {
        if let ValueMut::Hash(hash) = value { Some(hash) } else { None }
    }

    fn act<R: Room>(hash: &mut Hash<R>, action: &Action, limits: &EncodingLimits) -> Result<Answer, Error> {
        Ok(match action {
            Action::Put(field, value) => Answer::Flag(hash.try_insert(&field[..], &value[..], limits)?),
            Action::Take(field) => Answer::Flag(hash.remove(&field[..])),
            Action::Empty => {
                while let Some(field) = hash.iter().next().map(|(field, _)| text(field)) {
                    assert!(hash.remove(&field[..]));
                }
                Answer::Done
            }
        })
    }
}

/// Applies all actions, and then fails if `fails` is `true`.
fn act_all<C: Act, R: Room>(
    value: &mut C::In<R>,
    actions: &[Action],
    fails: bool,
    limits: &EncodingLimits,
) -> Result<Answer, Error> {
    let answers: Result<_, Error> = actions.iter().map(|action| C::act(value, action, limits)).collect();
    if fails { Err(Error::NoSuchKey) } else { answers.map(Answer::Many) }
}

/// Returns the collection that the actions make, and their answer.
fn built<C: Act>(actions: &[Action], fails: bool, limits: &EncodingLimits) -> (Value, Result<Answer, Error>) {
    let mut value = C::EMPTY.into_in::<NoRoom>();
    let answer = act_all::<C, _>(&mut value, actions, fails, limits);
    match C::from_in(value) {
        Edited::Own(collection) => (collection.into(), answer),
        Edited::InRoom(never) => match never {},
    }
}

fn edit<C: Act>(
    keyspace: &mut Keyspace,
    key: &[u8],
    actions: &[Action],
    fails: bool,
    how: How,
    now: u64,
) -> Result<Answer, Error> {
    let limits = *keyspace.options().encoding_limits();
    match how {
        How::EditAs => {
            keyspace.edit_as::<C, _, _>(key, now, |value| act_all::<C, _>(value, actions, fails, &limits))
        }
        How::ModifyAs => {
            let answer = keyspace
                .modify_as::<C, _, _>(key, now, |value| act_all::<C, _>(value, actions, fails, &limits))?;
            Ok(answer.unwrap_or(Answer::Many(vec![])))
        }
        How::Edit => keyspace.edit(key, now, |value| match value {
            ValueMut::Absent(new) => {
                let (value, answer) = built::<C>(actions, fails, &limits);
                *new = Some(value);
                answer
            }
            value => match C::of(value) {
                Some(value) => act_all::<C, _>(value, actions, fails, &limits),
                None => Err(WrongType::check(C::TYPE, ObjectType::String).unwrap_err().into()),
            },
        }),
    }
}

fn scan(keyspace: &mut Keyspace, options: &ScanOptions<'_>, removes: bool, now: u64) -> BTreeSet<Bytes> {
    let (mut cursor, mut found) = (Cursor::START, BTreeSet::new());
    loop {
        let each = |key: &[u8], value: ValueRef<'_>| {
            assert!(options.object_type.is_none_or(|wanted| wanted == value.object_type()));
            found.insert(key.to_vec());
        };
        cursor = match removes {
            true => keyspace.scan_removing_expired(cursor, options, now, each),
            false => keyspace.scan(cursor, options, now, each),
        };
        if cursor.is_start() {
            return found;
        }
    }
}

/// Returns the keys of a model that match the pattern and the type.
fn matching(db: &Db, pattern: Option<&[u8]>, object_type: Option<ObjectType>) -> BTreeSet<Bytes> {
    let is_match = |key: &[u8]| pattern.is_none_or(|pattern| NaiveGlob::new(pattern).is_match(key));
    let keys = db.keys.iter().filter(|(key, held)| {
        is_match(key) && object_type.is_none_or(|wanted| wanted == held.content.object_type())
    });
    keys.map(|(key, _)| key.clone()).collect()
}

fn into_answer<E: Into<Error>>(result: Result<Answer, E>) -> Answer {
    result.unwrap_or_else(|error| Answer::Error(error.into().reply()))
}

/// Applies `op` to one of the two keyspaces and to its model. Compares the answers, and returns the answer.
pub(crate) fn apply(world: &mut World, op: &Op, index: usize) -> Answer {
    let World { pairs, now, replies } = world;
    if let Op::AdvanceTime(millis) = op {
        *now += millis;
        pairs.iter_mut().for_each(|pair| pair.db.at(*now));
        return Answer::Done;
    }
    let now = *now;
    let [first, second] = pairs;
    let (pair, other) = if index == 0 { (first, second) } else { (second, first) };
    let Pair { keyspace, db, .. } = pair;
    let (answer, expected) = match op {
        Op::Set { .. } | Op::GetExpire(..) => on_expiring_string(keyspace, db, op, now),
        Op::SetMany(_)
        | Op::GetRemove(_)
        | Op::Append(..)
        | Op::SetRange(..)
        | Op::SetBit(..)
        | Op::AppendAndFail(..)
        | Op::IncrBy(..)
        | Op::IncrByFloat(..) => on_string(keyspace, db, op, now),
        Op::Edit { key, object_type, actions, fails, how } => (
            into_answer(by_type!(*object_type, string => unreachable!(), C => {
                edit::<C>(keyspace, key, actions, *fails, *how, now)
            })),
            db.edit(key, *object_type, actions, *fails, *how),
        ),
        Op::Insert { key, object_type, actions, when } => {
            let limits = *keyspace.options().encoding_limits();
            let (value, _) = by_type!(*object_type, string => unreachable!(), C => {
                built::<C>(actions, false, &limits)
            });
            let expiry = when.and_then(|when| when.expiry(now).at(now).ok());
            db.insert(key, *object_type, actions, expiry, now);
            (into_answer(keyspace.insert(key, value, expiry, now).map(|()| Answer::Done)), Ok(Answer::Done))
        }
        Op::CopyTo { .. } | Op::MoveTo(_) => between(pair, other, op, now),
        Op::Reply(key) => {
            let reply = keyspace.get_string(key, now);
            if let Ok(Some(string)) = reply {
                let is_lent = string.len() > 1_024 && string.plain().is_some();
                let mut text = Vec::new();
                string.append_to(&mut text).unwrap();
                replies.push((string.to_bytes(), text, is_lent));
            }
            (Answer::Done, Ok(Answer::Done))
        }
        Op::DropReplies => {
            replies.clear();
            (Answer::Done, Ok(Answer::Done))
        }
        Op::GetMany(_)
        | Op::Scan { .. }
        | Op::Keys(_)
        | Op::RandomKey(_)
        | Op::Clear
        | Op::Retain(_)
        | Op::Resize(_)
        | Op::Sweep(_)
        | Op::SweepFor(_)
        | Op::Maintain(_)
        | Op::Limits(_)
        | Op::Symbols(_) => {
            on_all(keyspace, db, op, now);
            (Answer::Done, Ok(Answer::Done))
        }
        _ => on_key(keyspace, db, op, now),
    };
    assert_eq!(answer, expected.unwrap_or_else(|error| error), "{op:?}");
    answer
}

type Both = (Answer, Result<Answer, Answer>);

fn on_expiring_string(keyspace: &mut Keyspace, db: &mut Db, op: &Op, now: u64) -> Both {
    match op {
        Op::Set { key, value, condition, expiry, get } => {
            let expiry = match expiry {
                NewExpiry::Clear => SetExpiry::Clear,
                NewExpiry::Keep => SetExpiry::Keep,
                NewExpiry::To(when) => SetExpiry::To(when.expiry(now)),
            };
            let options = SetOptions {
                condition: match condition {
                    Condition::Always => SetCondition::Always,
                    Condition::Absent => SetCondition::IfAbsent,
                    Condition::Present => SetCondition::IfPresent,
                    Condition::Equal(value) => SetCondition::IfEqual(value),
                    Condition::Different(value) => SetCondition::IfDifferent(value),
                },
                expiry,
                get: *get,
            };
            let outcome = keyspace.set_with(key, &value[..], &options, now);
            let answer = into_answer(outcome.map(|outcome| Answer::Set {
                is_set: outcome.is_set,
                old: outcome.old.map(|old| text(old.as_element())),
            }));
            (answer, db.set(key, value, condition, expiry, *get, now))
        }
        Op::GetExpire(key, when) => {
            let to = when.map(|when| when.expiry(now));
            (into_answer(keyspace.get_expire(key, to, now).map(owned_text)), db.get_expire(key, to, now))
        }
        _ => unreachable!("another operation"),
    }
}

fn on_string(keyspace: &mut Keyspace, db: &mut Db, op: &Op, now: u64) -> Both {
    let limits = *keyspace.options().encoding_limits();
    let number = |len: usize| Answer::Number(len as i64);
    match op {
        Op::SetMany(pairs) => {
            let lent: Vec<_> =
                pairs.iter().map(|(key, value)| (Key::from(key), Element::from(&value[..]))).collect();
            let answer = into_answer(keyspace.set_many(&lent, now).map(|()| Answer::Done));
            for (key, value) in pairs {
                db.put(key, Content::String(value.clone()), None);
            }
            (answer, Ok(Answer::Done))
        }
        Op::GetRemove(key) => {
            (into_answer(keyspace.get_remove(key, now).map(owned_text)), db.get_remove(key))
        }
        Op::Append(key, bytes) => {
            (into_answer(keyspace.append(key, bytes, now).map(number)), db.append(key, bytes))
        }
        Op::SetRange(key, offset, bytes) => (
            into_answer(keyspace.set_range(key, *offset, bytes, now).map(number)),
            db.set_range(key, *offset, bytes),
        ),
        Op::SetBit(key, offset, bit) => {
            let was =
                keyspace.edit_string(key, now, |text| string::try_set_bit(text, *offset, *bit, &limits));
            (into_answer(was.map(Answer::Flag)), db.set_bit(key, *offset, *bit))
        }
        Op::AppendAndFail(key, bytes) => {
            let failed = keyspace.edit_string::<Answer, _>(key, now, |text| {
                string::try_append(text, bytes, &EncodingLimits::DEFAULT)?;
                Err(Error::NoSuchKey)
            });
            (into_answer(failed), db.append_and_fail(key, bytes))
        }
        Op::IncrBy(key, by) => {
            (into_answer(keyspace.incr_by(key, *by, now).map(Answer::Number)), db.incr_by(key, *by))
        }
        Op::IncrByFloat(key, quarters) => {
            let sum = keyspace.incr_by_float(key, f64::from(*quarters) / 4.0, now);
            let answer = into_answer(sum.map(|sum| Answer::Text(Some(sum.to_string().into_bytes()))));
            let expected = db.incr_by_float(key, *quarters, &answer);
            (answer, expected)
        }
        _ => unreachable!("another operation"),
    }
}

fn between(pair: &mut Pair, other: &mut Pair, op: &Op, now: u64) -> Both {
    match op {
        Op::CopyTo { from, to, replace } => {
            let answer =
                pair.keyspace.copy_to(from, &mut other.keyspace, to, *replace, now).map(Answer::Flag);
            let held = pair.db.keys.get(from).filter(|_| *replace || !other.db.keys.contains_key(to));
            if let Some(held) = held {
                other.db.put(to, held.content.clone(), held.expiry);
            }
            (into_answer(answer), Ok(Answer::Flag(held.is_some())))
        }
        Op::MoveTo(key) => {
            let answer = pair.keyspace.move_to(key, &mut other.keyspace, now).map(Answer::Flag);
            let moves = pair.db.keys.contains_key(key) && !other.db.keys.contains_key(key);
            if moves && let Some(held) = pair.db.remove(key) {
                other.db.put_stored(key, held);
                other.db.had_symbols |= pair.db.had_symbols;
            }
            (into_answer(answer), Ok(Answer::Flag(moves)))
        }
        _ => unreachable!("another operation"),
    }
}

fn on_key(keyspace: &mut Keyspace, db: &mut Db, op: &Op, now: u64) -> Both {
    match op {
        Op::Remove(key) => {
            (Answer::Flag(keyspace.remove(key, now)), Ok(Answer::Flag(db.remove(key).is_some())))
        }
        Op::Unlink(key, steps) => {
            let answer = Answer::Flag(keyspace.unlink(key, now));
            let mut left = keyspace.take_garbage();
            while let Some(garbage) = left {
                assert_eq!(keyspace.lazyfree_pending_bytes(), garbage.allocation_size());
                left = garbage.drop_in_steps(*steps);
            }
            assert_eq!(keyspace.lazyfree_pending_bytes(), 0);
            (answer, Ok(Answer::Flag(db.remove(key).is_some())))
        }
        Op::Take(key) => {
            let taken = keyspace.take(key, now).map(|value| Answer::Value(value.as_ref().map(owned_content)));
            (into_answer(taken), Ok(Answer::Value(db.remove(key).map(|held| held.content))))
        }
        Op::Rename { from, to, replace } => {
            let answer = if *replace {
                keyspace.rename(from, to, now).map(|()| Answer::Flag(true))
            } else {
                keyspace.rename_absent(from, to, now).map(Answer::Flag)
            };
            (into_answer(answer), db.rename(from, to, *replace))
        }
        Op::Copy { from, to, replace } => {
            let answer = into_answer(keyspace.copy(from, to, *replace, now).map(Answer::Flag));
            let held = db.keys.get(from).filter(|_| from != to && (*replace || !db.keys.contains_key(to)));
            let held = held.cloned();
            let copies = held.is_some();
            if let Some(held) = held {
                db.put(to, held.content, held.expiry);
            }
            (answer, Ok(Answer::Flag(copies)))
        }
        Op::Touch(key) => {
            let is_there = keyspace.touch(key, now);
            if is_there {
                let (idle, freq) = (keyspace.idle_time(key, now), keyspace.freq(key, now));
                let policy = keyspace.options().get_maxmemory_policy();
                assert!(if policy.is_lfu() {
                    idle.is_none() && freq > Some(0)
                } else if policy.is_s3fifo() {
                    idle.is_none() && (Some(1)..=Some(3)).contains(&freq)
                } else {
                    freq.is_none() && (idle == Some(0) || policy.is_lrm() && idle.is_some())
                });
            }
            (Answer::Flag(is_there), Ok(Answer::Flag(db.keys.contains_key(key))))
        }
        Op::Expire { key, when, conditions } => {
            let [nx, xx, gt, lt] = [1, 2, 4, 8].map(|bit| conditions & bit != 0);
            let expiry = when.expiry(now);
            let answer =
                keyspace.expire(key, expiry, ExpireOptions { nx, xx, gt, lt }, now).map(Answer::Flag);
            (into_answer(answer), db.expire(key, expiry, [nx, xx, gt, lt], now))
        }
        Op::Persist(key) => (Answer::Flag(keyspace.persist(key, now)), Ok(db.persist(key))),
        Op::RemoveExpired(key) => {
            // The event, or a look-up if there is no callback, takes the key from those that are stale.
            (Answer::Flag(keyspace.remove_expired(key, now)), Ok(Answer::Flag(db.stale.contains(key))))
        }
        _ => unreachable!("another operation"),
    }
}

fn on_all(keyspace: &mut Keyspace, db: &mut Db, op: &Op, now: u64) {
    match op {
        Op::GetMany(keys) => {
            let found = keyspace.get_many(keys.each_ref(), now).map(|value| value.map(content_of));
            let expected = keys.each_ref().map(|key| db.keys.get(key).map(|held| held.content.clone()));
            assert_eq!(found, expected);
            // These are more keys than a batch of sixteen has.
            let many: Vec<_> = keys.iter().cycle().take(19).map(Key::from).collect();
            let mut seen = Vec::new();
            keyspace.get_each(&many, now, |i, value| seen.push((i, value.map(content_of))));
            let expected = expected.into_iter().cycle().take(many.len()).enumerate();
            assert_eq!(seen, expected.collect::<Vec<_>>());
        }
        Op::Scan { pattern, object_type, count, removes } => {
            let options = ScanOptions { pattern: *pattern, object_type: *object_type, count: *count };
            let (before, expired) = (keyspace.len(), keyspace.expired_keys());
            assert_eq!(scan(keyspace, &options, *removes, now), matching(db, *pattern, *object_type));
            assert_eq!((before - keyspace.len()) as u64, keyspace.expired_keys() - expired);
            if !removes {
                assert_eq!(keyspace.len(), before, "a read removes nothing");
            } else if pattern.is_none_or(|pattern| pattern == b"*") && object_type.is_none() {
                assert_eq!(keyspace.len(), db.keys.len(), "an expired key is left");
            }
        }
        Op::Keys(pattern) => {
            let found: Vec<_> = keyspace.keys(pattern, now).map(KeyRef::to_vec).collect();
            let expected = matching(db, Some(pattern), None);
            assert_eq!(found.len(), expected.len(), "a key twice");
            assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
        }
        Op::RandomKey(seed) => {
            let mut state = *seed;
            let key = keyspace.random_key(now, || {
                state = common::random::mix(state.wrapping_add(1));
                state
            });
            assert_eq!(key.is_none(), db.keys.is_empty());
            assert!(key.is_none_or(|key| db.keys.contains_key(&*key.text())));
        }
        Op::Clear => {
            keyspace.clear();
            db.keys.clear();
            db.stale.clear();
            db.expected_events.push(OwnedEvent::Cleared);
        }
        Op::Retain(pattern) => {
            keyspace.retain(now, |key, value| {
                assert_eq!(content_of(value), db.keys[key].content);
                NaiveGlob::new(pattern).is_match(key)
            });
            assert_eq!(keyspace.len(), keyspace.iter(now).count(), "an expired key is left");
            for key in db.keys.keys().cloned().collect::<Vec<_>>() {
                if !NaiveGlob::new(pattern).is_match(&key) {
                    db.remove(&key);
                }
            }
        }
        Op::Resize(additional) => {
            keyspace.try_reserve(*additional).unwrap();
            keyspace.shrink_to_fit();
        }
        Op::Sweep(_) | Op::SweepFor(_) => {
            let before = keyspace.len();
            let mut time = Duration::ZERO;
            let clock = || {
                time += Duration::from_millis(1);
                time
            };
            let swept = match op {
                Op::SweepFor(calls) => {
                    keyspace.expire_for(now, Duration::from_millis((*calls).into()), clock)
                }
                Op::Sweep(budget) => keyspace.expire_some(now, *budget),
                _ => unreachable!("another operation"),
            };
            assert_eq!(before - keyspace.len(), swept.removed);
            assert!(swept.removed <= swept.looked_at && swept.removed <= db.stale.len());
        }
        Op::Maintain(micros) => {
            let mut time = Duration::ZERO;
            let clock = || {
                time += Duration::from_micros(10);
                time
            };
            let before = keyspace.len();
            let done = keyspace.maintain(now, Duration::from_micros((*micros).into()), clock);
            assert_eq!(before - keyspace.len(), done.expired.removed);
        }
        Op::Limits(limit) => {
            let policy = keyspace.options().get_maxmemory_policy();
            keyspace.set_options(options(*limit).maxmemory_policy(policy));
        }
        Op::Symbols(table) => {
            let table = table.map(|which| TABLES[usize::from(which)].clone());
            match keyspace.set_symbols(table) {
                Ok(()) => db.had_symbols = true,
                Err(Error::SymbolsInUse) => {}
                Err(error) => panic!("{error}"),
            }
        }
        _ => unreachable!("another operation"),
    }
}
