//! Operations on sets.

use super::input::{Count, Many, Member, Source};
use super::model::{Bytes, Plain, Set};
use super::pair::Pair;
use arbitrary::Arbitrary;
use keyspace::{Cursor, Error, Keyspace};
use std::cell::{Cell, RefCell};
use values::{Element, WrongType, set};

#[derive(Arbitrary, Debug)]
pub(crate) enum SetOp {
    Add(Member),
    /// The same as `Add`, so that members are added twice as often.
    AddToo(Member),
    Fill(Many),
    Remove(Member),
    RemoveMany(Many),
    Pop(Source),
    PopMany(Count, Source),
    Contains(Member),
    ContainsMany(Many),
    Random(Source, u8),
    Scan,
    IsSubset,
}

/// An operation of set algebra.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Algebra {
    Inter,
    Union,
    Diff,
}

fn text(element: Element<'_>) -> Bytes {
    element.text().to_vec()
}

/// Keeps members for the model, and returns their number.
fn keep(kept: &RefCell<Vec<Bytes>>, members: Vec<Bytes>) -> usize {
    let len = members.len();
    kept.replace(members);
    len
}

impl Pair<'_> {
    pub(crate) fn on_set(&mut self, key: &[u8], op: &SetOp) {
        let (scale, limits) = (self.context.scale, self.limits());
        match *op {
            SetOp::Add(member) | SetOp::AddToo(member) => {
                let member = member.bytes(key, scale);
                self.edits = true;
                self.run_and_compare(
                    |keyspace, now| keyspace.sadd(key, &member, now),
                    |model| model.edit(key, |set: &mut Set| set.insert(member.clone())),
                );
            }
            SetOp::Fill(many) => {
                let members: Vec<_> = many.members(key, scale).collect();
                let done = Cell::new(0);
                self.edits = true;
                self.run_partial_and_compare(
                    key,
                    |keyspace, now| {
                        keyspace.edit_as::<values::Set, _, Error>(key, now, |set| {
                            set.try_convert_for(members.len(), &limits)?;
                            for member in &members {
                                set.try_insert(member, &limits)?;
                                done.set(done.get() + 1);
                            }
                            Ok(())
                        })
                    },
                    |model, is_kept| {
                        let done = if is_kept { done.get() } else { 0 };
                        model.edit(key, |set: &mut Set| set.extend(members[..done].iter().cloned()))
                    },
                );
            }
            SetOp::Remove(member) => {
                let member = member.bytes(key, scale);
                self.run_and_compare(
                    |keyspace, now| keyspace.srem(key, &member, now),
                    |model| Ok(model.modify(key, |set: &mut Set| set.remove(&member))?.unwrap_or(false)),
                );
            }
            SetOp::RemoveMany(many) => {
                let members: Vec<_> = many.members(key, scale).collect();
                self.run_and_compare(
                    |keyspace, now| {
                        keyspace.modify_as::<values::Set, _, Error>(key, now, |set| {
                            Ok(members.iter().filter(|member| set.remove(*member)).count())
                        })
                    },
                    |model| {
                        model.modify(key, |set: &mut Set| {
                            members.iter().filter(|member| set.remove(*member)).count()
                        })
                    },
                );
            }
            SetOp::Pop(source) => {
                self.pop_members(key, 1, |set| Ok(set.pop(source.numbers(), text).into_iter().collect()))
            }
            SetOp::PopMany(count, source) => {
                let count = count.of(scale);
                self.edits = true;
                self.pop_members(key, count, |set| {
                    let mut popped = Vec::new();
                    let found = set.try_pop_many(count, &limits, source.numbers(), |member| {
                        popped.push(text(member));
                    })?;
                    assert_eq!(found, popped.len());
                    Ok(popped)
                });
            }
            SetOp::Contains(_)
            | SetOp::ContainsMany(_)
            | SetOp::Random(..)
            | SetOp::Scan
            | SetOp::IsSubset => {
                self.read_set(key, op);
            }
        }
    }

    /// Pops random members. The model removes the same ones.
    fn pop_members(
        &mut self,
        key: &[u8],
        count: usize,
        pop: impl FnOnce(&mut values::Set<keyspace::InEntry<'_>>) -> Result<Vec<Bytes>, Error>,
    ) {
        let popped = RefCell::new(Vec::new());
        self.run_and_compare(
            |keyspace, now| {
                let members = keyspace.modify_as::<values::Set, _, _>(key, now, pop)?;
                Ok(members.map(|members| keep(&popped, members)))
            },
            |model| {
                model.modify(key, |set: &mut Set| {
                    let wanted = count.min(set.len());
                    let popped = popped.take();
                    assert!(popped.iter().all(|member| set.remove(member)), "a member that was not there");
                    assert_eq!(popped.len(), wanted);
                    wanted
                })
            },
        );
    }

    fn read_set(&mut self, key: &[u8], op: &SetOp) {
        let scale = self.context.scale;
        match *op {
            SetOp::Contains(member) => {
                let member = member.bytes(key, scale);
                self.read_and_compare(
                    |keyspace, now| keyspace.sismember(key, &member, now),
                    |model| {
                        let set = model.read::<Set>(key)?;
                        Ok(set.is_some_and(|set| set.contains(&member)))
                    },
                );
            }
            SetOp::ContainsMany(many) => {
                let members: Vec<_> = many.members(key, scale).collect();
                self.read_and_compare(
                    |keyspace, now| {
                        let set = keyspace.get_as::<values::Set>(key, now)?;
                        let members: Vec<_> = members.iter().map(Element::from).collect();
                        Ok(set.map(|set| set.contains_many(&members).collect::<Vec<_>>()))
                    },
                    |model| {
                        let set = model.read::<Set>(key)?;
                        Ok(set.map(|set| members.iter().map(|member| set.contains(member)).collect()))
                    },
                );
            }
            SetOp::Random(source, count) => {
                let members = |set: values::SetView<'_>| {
                    let mut members = Vec::new();
                    let found = set.try_random_unique(count.into(), source.numbers(), |member| {
                        members.push(text(member));
                    });
                    assert_eq!(found, Ok(members.len()));
                    members
                };
                self.read_members(
                    key,
                    |keyspace, now| Ok(keyspace.get_as::<values::Set>(key, now)?.map(members)),
                    Some(count.into()),
                );
            }
            SetOp::Scan => {
                let members = |set: values::SetView<'_>| {
                    let (mut cursor, mut members) = (Cursor::START, Vec::new());
                    loop {
                        cursor = set.scan(cursor, |member| members.push(text(member)));
                        if cursor.is_start() {
                            return members;
                        }
                    }
                };
                self.read_members(
                    key,
                    |keyspace, now| Ok(keyspace.get_as::<values::Set>(key, now)?.map(members)),
                    None,
                );
            }
            SetOp::IsSubset => self.read_and_compare(
                |keyspace, now| {
                    let found = keyspace.get_as::<values::Set>(key, now)?;
                    Ok(found.map(|found| set::inter_card(&mut [found, found], 10)))
                },
                |model| Ok(model.read::<Set>(key)?.map(|set| set.len().min(10))),
            ),
            _ => unreachable!("another operation"),
        }
    }

    /// Reads `count` members of a set, or all of them. Checks that none comes twice.
    fn read_members(
        &mut self,
        key: &[u8],
        read_and_compare: impl FnOnce(&Keyspace, u64) -> Result<Option<Vec<Bytes>>, WrongType>,
        count: Option<usize>,
    ) {
        let seen = RefCell::new(Vec::new());
        self.read_and_compare(
            |keyspace, now| Ok(read_and_compare(keyspace, now)?.map(|members| keep(&seen, members))),
            |model| {
                let set = model.read::<Set>(key)?;
                Ok(set.map(|set| {
                    let seen = seen.take();
                    assert!(seen.iter().all(|member| set.contains(member)), "a member that is not there");
                    let (len, distinct) = (seen.len(), seen.into_iter().collect::<Set>().len());
                    assert_eq!(len, distinct, "a member twice");
                    count.unwrap_or(usize::MAX).min(set.len())
                }))
            },
        );
    }

    /// Runs `SINTERSTORE` or a similar command, with two sets and a third one for the result.
    pub(crate) fn set_algebra(&mut self, algebra: Algebra, to: &[u8], [first, second]: [&[u8]; 2]) {
        let limits = self.limits();
        // The model reads the sources first, because the keyspace may evict one to make room for the result.
        let read = |key| self.model.read::<Set>(key).map(|set| set.cloned().unwrap_or_default());
        let result = read(first).and_then(|one| {
            let other = read(second)?;
            Ok(match algebra {
                Algebra::Inter => one.intersection(&other).cloned().collect::<Set>(),
                Algebra::Union => one.union(&other).cloned().collect(),
                Algebra::Diff => one.difference(&other).cloned().collect(),
            })
        });
        self.run_and_compare(
            |keyspace, now| {
                let none = values::Set::new();
                let one = keyspace.get_as::<values::Set>(first, now)?.unwrap_or(none.view());
                let other = keyspace.get_as::<values::Set>(second, now)?.unwrap_or(none.view());
                let result = match algebra {
                    Algebra::Inter => set::try_inter_store(&mut [one, other], &limits),
                    Algebra::Union => set::try_union_store(&[one, other], &limits),
                    Algebra::Diff => set::try_diff_store(one, &mut [other], &limits),
                }?;
                let len = result.len();
                keyspace.insert(to, result, None, now)?;
                Ok(len)
            },
            |model| {
                let result = result?;
                let len = result.len();
                model.store(to, result.into_content());
                Ok(len)
            },
        );
    }
}
