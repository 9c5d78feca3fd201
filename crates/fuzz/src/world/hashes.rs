//! Operations on hashes.

use super::input::{Many, Member, Source, Word};
use super::model::{Bytes, Hash, NOT_A_FLOAT, NOT_AN_INTEGER, OVERFLOW, Reply, incr_by_float};
use super::pair::Pair;
use arbitrary::Arbitrary;
use keyspace::{Cursor, Error};
use std::cell::{Cell, RefCell};
use testing::integer;
use values::Element;

#[derive(Arbitrary, Debug)]
pub(crate) enum HashOp {
    Put(Member, Word),
    PutAbsent(Member, Word),
    PutMany(Vec<(Member, Word)>),
    Fill(Many, Word),
    Delete(Member),
    DeleteMany(Many),
    IncrBy(Member, i64),
    IncrBySmall(Member, i8),
    IncrByFloat(Member, i8),
    Get(Member),
    GetMany(Many),
    Random(Source, u8),
    Scan,
}

/// Returns the error of arithmetic on a field. Some of these errors have another text than those of strings.
fn of_a_field(reply: Reply) -> Reply {
    match reply {
        NOT_AN_INTEGER => "ERR hash value is not an integer",
        NOT_A_FLOAT => "ERR hash value is not a float",
        other => other,
    }
}

impl Pair<'_> {
    pub(crate) fn on_hash(&mut self, key: &[u8], op: &HashOp) {
        let (scale, limits) = (self.context.scale, self.limits());
        match op {
            HashOp::Put(field, word) => {
                let (field, value) = (field.bytes(key, scale), word.bytes());
                self.edits = true;
                self.run_and_compare(
                    |keyspace, now| keyspace.hset(key, &field[..], &value[..], now),
                    |model| {
                        model.edit(key, |hash: &mut Hash| hash.insert(field.clone(), value.clone()).is_none())
                    },
                );
            }
            HashOp::PutAbsent(field, word) => {
                let (field, value) = (field.bytes(key, scale), word.bytes());
                self.edits = true;
                self.run_and_compare(
                    |keyspace, now| {
                        keyspace.edit_as::<values::Hash, _, _>(key, now, |hash| {
                            hash.try_insert_absent(&field, &value, &limits)
                        })
                    },
                    |model| {
                        model.edit(key, |hash: &mut Hash| {
                            let is_absent = !hash.contains_key(&field);
                            if is_absent {
                                hash.insert(field.clone(), value.clone());
                            }
                            is_absent
                        })
                    },
                );
            }
            HashOp::PutMany(pairs) => {
                let pairs: Vec<_> =
                    pairs.iter().map(|(field, value)| (field.bytes(key, scale), value.bytes())).collect();
                self.put_many(key, &pairs);
            }
            HashOp::Fill(many, word) => {
                let value = word.bytes();
                let pair = |field: Bytes| {
                    // Short values get the field in front, so that they differ.
                    let value = if value.len() < 16 { [&field, &value[..]].concat() } else { value.clone() };
                    (field, value)
                };
                self.fill_hash(key, &many.members(key, scale).map(pair).collect::<Vec<_>>());
            }
            HashOp::Delete(field) => {
                let field = field.bytes(key, scale);
                self.run_and_compare(
                    |keyspace, now| keyspace.hdel(key, &field, now),
                    |model| {
                        let delete = |hash: &mut Hash| hash.remove(&field).is_some();
                        Ok(model.modify(key, delete)?.unwrap_or(false))
                    },
                );
            }
            HashOp::DeleteMany(many) => {
                let fields: Vec<_> = many.members(key, scale).collect();
                self.run_and_compare(
                    |keyspace, now| {
                        keyspace.modify_as::<values::Hash, _, Error>(key, now, |hash| {
                            Ok(fields.iter().filter(|field| hash.remove(*field)).count())
                        })
                    },
                    |model| {
                        model.modify(key, |hash: &mut Hash| {
                            fields.iter().filter(|field| hash.remove(*field).is_some()).count()
                        })
                    },
                );
            }
            HashOp::IncrBy(field, by) => self.incr_field(key, &field.bytes(key, scale), *by),
            HashOp::IncrBySmall(field, by) => self.incr_field(key, &field.bytes(key, scale), (*by).into()),
            HashOp::IncrByFloat(field, by) => self.incr_field_by_float(key, &field.bytes(key, scale), *by),
            HashOp::Get(_) | HashOp::GetMany(_) | HashOp::Random(..) | HashOp::Scan => {
                self.read_hash(key, op)
            }
        }
    }

    /// Runs `HSET` with several pairs. It inserts all of them or none.
    fn put_many(&mut self, key: &[u8], pairs: &[(Bytes, Bytes)]) {
        let limits = self.limits();
        let elements: Vec<_> = pairs.iter().map(|(field, value)| (field.into(), value.into())).collect();
        self.edits = true;
        self.run_and_compare(
            |keyspace, now| {
                keyspace
                    .edit_as::<values::Hash, _, _>(key, now, |hash| hash.try_insert_many(&elements, &limits))
            },
            |model| {
                model.edit(key, |hash: &mut Hash| {
                    let before = hash.len();
                    hash.extend(pairs.iter().cloned());
                    hash.len() - before
                })
            },
        );
    }

    fn fill_hash(&mut self, key: &[u8], pairs: &[(Bytes, Bytes)]) {
        let (limits, done) = (self.limits(), Cell::new(0));
        self.edits = true;
        self.run_partial_and_compare(
            key,
            |keyspace, now| {
                keyspace.edit_as::<values::Hash, _, Error>(key, now, |hash| {
                    for (field, value) in pairs {
                        hash.try_insert(field, value, &limits)?;
                        done.set(done.get() + 1);
                    }
                    Ok(())
                })
            },
            |model, is_kept| {
                let done = if is_kept { done.get() } else { 0 };
                model.edit(key, |hash: &mut Hash| hash.extend(pairs[..done].iter().cloned()))
            },
        );
    }

    fn incr_field(&mut self, key: &[u8], field: &[u8], by: i64) {
        let limits = self.limits();
        self.edits = true;
        self.run_and_compare(
            |keyspace, now| {
                keyspace.edit_as::<values::Hash, _, _>(key, now, |hash| hash.try_incr_by(field, by, &limits))
            },
            |model| {
                model.edit(key, |hash: &mut Hash| {
                    let old = hash.get(field).map_or(Some(0), |text| integer(text));
                    let old = old.ok_or(of_a_field(NOT_AN_INTEGER))?;
                    let sum = old.checked_add(by).ok_or(OVERFLOW)?;
                    hash.insert(field.to_vec(), sum.to_string().into_bytes());
                    Ok(sum)
                })?
            },
        );
    }

    fn incr_field_by_float(&mut self, key: &[u8], field: &[u8], quarters: i8) {
        let (limits, seen) = (self.limits(), RefCell::new(None));
        self.edits = true;
        self.run_and_compare(
            |keyspace, now| {
                let sum = keyspace.edit_as::<values::Hash, _, _>(key, now, |hash| {
                    hash.try_incr_by_float(field, f64::from(quarters) / 4.0, &limits)
                });
                let text = sum.map(|sum| sum.to_string().into_bytes());
                seen.replace(Some(text.clone().map_err(|error| error.reply())));
                text
            },
            |model| {
                model.edit(key, |hash: &mut Hash| {
                    let text = incr_by_float(hash.get(field), quarters, seen.take()).map_err(of_a_field)?;
                    hash.insert(field.to_vec(), text.clone());
                    Ok(text)
                })?
            },
        );
    }

    fn read_hash(&mut self, key: &[u8], op: &HashOp) {
        let scale = self.context.scale;
        let text = |element: Element<'_>| element.text().to_vec();
        match *op {
            HashOp::Get(field) => {
                let field = field.bytes(key, scale);
                self.read_and_compare(
                    |keyspace, now| Ok(keyspace.hget(key, &field, now)?.map(text)),
                    |model| {
                        let hash = model.read::<Hash>(key)?;
                        Ok(hash.and_then(|hash| hash.get(&field).cloned()))
                    },
                );
            }
            HashOp::GetMany(many) => {
                let fields: Vec<_> = many.members(key, scale).collect();
                self.read_and_compare(
                    |keyspace, now| {
                        let hash = keyspace.get_as::<values::Hash>(key, now)?;
                        let fields: Vec<_> = fields.iter().map(Element::from).collect();
                        let all = hash.map(|hash| hash.get_many(&fields).map(|value| value.map(text)));
                        Ok(all.map(Iterator::collect::<Vec<_>>))
                    },
                    |model| {
                        let hash = model.read::<Hash>(key)?;
                        Ok(hash.map(|hash| fields.iter().map(|field| hash.get(field).cloned()).collect()))
                    },
                );
            }
            HashOp::Random(..) | HashOp::Scan => {
                let seen = RefCell::new(Vec::new());
                let pairs = |hash: values::HashView<'_>| {
                    let mut pairs = Vec::new();
                    let mut each = |field, value| pairs.push((text(field), text(value)));
                    if let HashOp::Random(source, count) = *op {
                        hash.try_random_unique(count.into(), source.numbers(), each)
                            .expect("no allocation fails");
                    } else {
                        let mut cursor = Cursor::START;
                        loop {
                            cursor = hash.scan(cursor, &mut each);
                            if cursor.is_start() {
                                break;
                            }
                        }
                    }
                    seen.replace(pairs);
                };
                self.read_and_compare(
                    |keyspace, now| Ok(keyspace.get_as::<values::Hash>(key, now)?.map(pairs)),
                    |model| {
                        let hash = model.read::<Hash>(key)?;
                        Ok(hash.map(|hash| {
                            let seen = seen.take();
                            assert!(seen.iter().all(|(field, value)| hash.get(field) == Some(value)));
                            let (len, distinct) = (seen.len(), seen.into_iter().collect::<Hash>().len());
                            assert_eq!(len, distinct, "a field twice");
                            let wanted =
                                if let HashOp::Random(_, count) = *op { count.into() } else { usize::MAX };
                            assert_eq!(len, wanted.min(hash.len()));
                        }))
                    },
                );
            }
            _ => unreachable!("another operation"),
        }
    }
}
