//! Operations on one key of any type.

use super::input::{Kind, Many, When, Word};
use super::model::{Content, NO_SUCH_KEY, Plain, Reply, Set};
use super::pair::{Pair, content_of};
use super::strings::time;
use super::zsets::Score;
use arbitrary::Arbitrary;
use keyspace::{Error, ExpireOptions, Value, ValueMut};
use std::cell::{Cell, RefCell};
use values::list::Side;
use values::string::try_append;
use values::zset::AddOptions;
use values::{Element, EncodingLimits, Hash, List, OwnedElement, ZSet};

#[derive(Arbitrary, Debug)]
pub(crate) enum KeyOp {
    Get,
    Touch,
    Remove,
    Unlink,
    Take,
    Expire(When),
    ExpireIf(When, u8),
    Persist,
    /// Inserts a value that was built outside of the keyspace.
    Insert(Many, Score, Option<When>),
    /// Edits a value of any type.
    Edit(Word),
}

/// Builds a value of the given type, and the same value for the model.
fn built(kind: Kind, key: &[u8], many: Many, score: Score, pair: &Pair<'_>) -> (Value, Content) {
    let (limits, mut members) = (pair.limits(), many.members(key, pair.context.scale));
    let score = score.value();
    match kind {
        Kind::String => {
            let text = members.next().unwrap_or_default();
            let string = OwnedElement::try_from(Element::from(&text)).expect("no allocation fails");
            (string.into(), Content::String(text))
        }
        Kind::List => {
            let (mut list, plain) = (List::new(), members.collect::<super::model::List>());
            plain.iter().for_each(|element| list.push_back(element, &limits));
            (list.into(), plain.into_content())
        }
        Kind::Set => {
            let (mut set, plain) = (values::Set::new(), members.collect::<Set>());
            for member in &plain {
                set.insert(member, &limits);
            }
            (set.into(), plain.into_content())
        }
        Kind::Hash => {
            let (mut hash, mut plain) = (Hash::new(), super::model::Hash::new());
            for field in members {
                hash.insert(&field, &field[..field.len() / 2], &limits);
                let value = field[..field.len() / 2].to_vec();
                plain.insert(field, value);
            }
            (hash.into(), plain.into_content())
        }
        Kind::ZSet => {
            let (mut zset, mut plain) = (ZSet::new(), super::model::ZSet::default());
            for member in members {
                zset.insert(&member, score, &limits).expect("a number");
                plain.insert(member, score);
            }
            (zset.into(), plain.into_content())
        }
    }
}

fn owned_content(value: &Value) -> Content {
    match value {
        Value::String(string) => Content::String(string.as_element().text().to_vec()),
        Value::List(list) => Content::of_list(list.view()),
        Value::Set(set) => Content::of_set(set.view()),
        Value::Hash(hash) => Content::of_hash(hash.view()),
        Value::ZSet(zset) => Content::of_zset(zset.view()),
    }
}

impl Pair<'_> {
    pub(crate) fn on_key(&mut self, key: &[u8], kind: Kind, op: &KeyOp) {
        let now = self.now();
        match op {
            KeyOp::Get => self.read_and_compare(
                |keyspace, now| Ok(keyspace.get(key, now).map(|value| value.object_type())),
                |model| Ok(model.get(key).map(|held| held.content.object_type())),
            ),
            KeyOp::Touch => self.touch(key),
            KeyOp::Remove => {
                self.run_and_compare(
                    |keyspace, now| Ok(keyspace.remove(key, now)),
                    |model| Ok(model.remove(key).is_some()),
                );
            }
            KeyOp::Unlink => {
                self.run_and_compare(
                    |keyspace, now| Ok(keyspace.unlink(key, now)),
                    |model| Ok(model.remove(key).is_some()),
                );
            }
            KeyOp::Take => {
                let (taken, content) = (RefCell::new(None), RefCell::new(None));
                self.run_and_compare(
                    |keyspace, now| {
                        let value = keyspace.take(key, now)?;
                        let is_there = value.is_some();
                        taken.replace(value);
                        Ok(is_there)
                    },
                    |model| {
                        let held = model.remove(key);
                        let was_there = held.is_some();
                        content.replace(held.map(|held| held.content));
                        Ok(was_there)
                    },
                );
                // This comparison comes after the operation, because reading a compressed list allocates.
                assert_eq!(taken.take().as_ref().map(owned_content), content.take());
            }
            KeyOp::Expire(when) => self.expire(key, *when, 0),
            KeyOp::ExpireIf(when, conditions) => self.expire(key, *when, *conditions),
            KeyOp::Persist => {
                self.run_and_compare(
                    |keyspace, now| Ok(keyspace.persist(key, now)),
                    |model| Ok(model.get_mut(key).and_then(|held| held.expiry.take()).is_some()),
                );
            }
            KeyOp::Insert(many, score, when) => {
                let (value, content) = built(kind, key, *many, *score, self);
                let expiry = when.and_then(|when| when.expiry(now).at(now).ok());
                self.edits = true; // the memory of the value is allocated already
                self.run_and_compare(
                    |keyspace, now| keyspace.insert(key, value, expiry, now),
                    |model| {
                        model.store(key, content);
                        match model.get_mut(key) {
                            Some(_) if expiry.is_some_and(|at| at <= now) => drop(model.remove(key)),
                            Some(held) => held.expiry = expiry,
                            None => {}
                        }
                        Ok(())
                    },
                );
            }
            KeyOp::Edit(word) => self.edit_any(key, &word.bytes()),
        }
    }

    fn touch(&mut self, key: &[u8]) {
        self.read_and_compare(
            |keyspace, now| {
                let is_there = keyspace.touch(key, now);
                let (idle, freq) = (keyspace.idle_time(key, now), keyspace.freq(key, now));
                let policy = keyspace.options().get_maxmemory_policy();
                assert!(if !is_there {
                    (idle, freq) == (None, None)
                } else if policy.is_lfu() {
                    idle.is_none() && freq.is_some()
                } else if policy.is_s3fifo() {
                    idle.is_none() && (Some(1)..=Some(3)).contains(&freq)
                } else {
                    freq.is_none() && (idle == Some(0) || policy.is_lrm() && idle.is_some())
                });
                Ok(is_there)
            },
            |model| Ok(model.contains(key)),
        );
    }

    fn expire(&mut self, key: &[u8], when: When, conditions: u8) {
        let now = self.now();
        let expiry = when.expiry(now);
        let [nx, xx, gt, lt] = [1, 2, 4, 8].map(|bit| conditions & bit != 0);
        self.run_and_compare(
            |keyspace, now| keyspace.expire(key, expiry, ExpireOptions { nx, xx, gt, lt }, now),
            |model| {
                if nx && (xx || gt || lt) {
                    return Err("ERR NX and XX, GT or LT options at the same time are not compatible");
                }
                if gt && lt {
                    return Err("ERR GT and LT options at the same time are not compatible");
                }
                let at = time(expiry, now, false)?;
                let Some(held) = model.get_mut(key) else { return Ok(false) };
                // A key without an expiry counts as the latest one.
                let old = held.expiry.unwrap_or(u64::MAX);
                let is_there = held.expiry.is_some();
                if nx && is_there || xx && !is_there || gt && at <= old || lt && at >= old {
                    return Ok(false);
                }
                if at <= now {
                    model.remove(key);
                } else {
                    held.expiry = Some(at);
                }
                Ok(true)
            },
        );
    }

    /// Appends to a value of any type.
    fn edit_any(&mut self, key: &[u8], word: &[u8]) {
        let limits = EncodingLimits { proto_max_bulk_len: usize::MAX, ..self.limits() };
        self.edits = true;
        self.run_and_compare(
            |keyspace, now| {
                keyspace.edit(key, now, |value| {
                    match value {
                        ValueMut::Absent(new) => {
                            *new = Some(OwnedElement::try_from(Element::Bytes(word))?.into());
                        }
                        ValueMut::String(text) => drop(try_append(text, word, &limits)?),
                        ValueMut::List(list) => list.try_push(Side::Back, word, &limits)?,
                        ValueMut::Set(set) => drop(set.try_insert(word, &limits)?),
                        ValueMut::Hash(hash) => drop(hash.try_insert(word, word, &limits)?),
                        ValueMut::ZSet(zset) => {
                            zset.try_add(word, 0.5, AddOptions::default(), &limits)?;
                        }
                        other => panic!("a value that the model does not know: {other:?}"),
                    }
                    Ok::<(), Error>(())
                })
            },
            |model| {
                let Some(held) = model.get_mut(key) else {
                    model.put(key, Content::String(word.to_vec()), None);
                    return Ok(());
                };
                match &mut held.content {
                    Content::String(text) => text.extend(word),
                    Content::List(list) => list.push_back(word.to_vec()),
                    Content::Set(set) => drop(set.insert(word.to_vec())),
                    Content::Hash(hash) => drop(hash.insert(word.to_vec(), word.to_vec())),
                    Content::ZSet(zset) => zset.insert(word.to_vec(), 0.5),
                }
                Ok(())
            },
        );
    }

    pub(crate) fn rename(&mut self, from: &[u8], to: &[u8], replace: bool) {
        self.is_of_two_keys = true;
        self.run_and_compare(
            |keyspace, now| {
                if replace {
                    keyspace.rename(from, to, now).map(|()| true)
                } else {
                    keyspace.rename_absent(from, to, now)
                }
            },
            |model| {
                if !model.contains(from) {
                    return Err(NO_SUCH_KEY);
                }
                if !replace && model.contains(to) {
                    return Ok(false);
                }
                if from != to
                    && let Some(held) = model.remove(from)
                {
                    model.put(to, held.content, held.expiry);
                }
                Ok(true)
            },
        );
    }

    pub(crate) fn copy(&mut self, from: &[u8], to: &[u8], replace: bool) {
        self.is_of_two_keys = true;
        // The keyspace may evict the source to make room for the copy, before or after copying.
        let held = self.model.get(from).filter(|_| from != to && (replace || !self.model.contains(to)));
        let (held, is_copied) = (held.cloned(), Cell::new(false));
        self.run_and_compare(
            |keyspace, now| keyspace.copy(from, to, replace, now).inspect(|copies| is_copied.set(*copies)),
            |model| {
                let Some(held) = held.filter(|_| is_copied.get() || model.contains(from)) else {
                    return Ok::<_, Reply>(false);
                };
                model.put(to, held.content, held.expiry);
                Ok(true)
            },
        );
    }

    /// Runs `MGET` with a few keys, and with more keys than a batch has.
    pub(crate) fn get_many(&mut self, keys: &[Vec<u8>; 3]) {
        self.read_and_compare(
            |keyspace, now| {
                let few = keyspace.get_many(keys.each_ref(), now).map(|value| value.map(content_of));
                let many: Vec<_> = keys.iter().cycle().take(19).map(Into::into).collect();
                keyspace.get_each(&many, now, |i, value| {
                    assert_eq!(
                        value.map(|value| value.object_type()),
                        few[i % 3].as_ref().map(Content::object_type)
                    );
                });
                Ok(few)
            },
            |model| Ok(keys.each_ref().map(|key| model.get(key).map(|held| held.content.clone()))),
        );
    }
}
