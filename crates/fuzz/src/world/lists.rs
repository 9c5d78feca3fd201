//! Operations on lists.

use super::input::{Index, Indexes, Many, Member, Word, span};
use super::model::{Bytes, List};
use super::pair::Pair;
use super::strings::owned_text;
use arbitrary::Arbitrary;
use keyspace::Error;
use std::cell::Cell;
use std::num::NonZeroI64;
use values::list::{Item, Side};
use values::{Element, SortOptions, sort};

/// One end of a list.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    Front,
    Back,
}

impl End {
    fn side(self) -> Side {
        match self {
            Self::Front => Side::Front,
            Self::Back => Side::Back,
        }
    }
}

#[derive(Arbitrary, Debug)]
pub(crate) enum ListOp {
    Push(End, Word),
    PushMember(End, Member),
    PushAll(End, Vec<Word>),
    Fill(End, Many),
    Pop(End),
    PopMany(End, u8),
    Set(Index, Word),
    Insert(End, Member, Word),
    Remove(i8, Member),
    Trim(Indexes),
    Rotate(End, End),
    Get(Index),
    Range(Indexes),
    Positions(Member, i8, u8),
    Sort(bool),
}

fn push(list: &mut List, end: End, element: Bytes) {
    match end {
        End::Front => list.push_front(element),
        End::Back => list.push_back(element),
    }
}

fn pop(list: &mut List, end: End) -> Option<Bytes> {
    match end {
        End::Front => list.pop_front(),
        End::Back => list.pop_back(),
    }
}

/// Returns the position of a command's index, or `None` if it is out of range.
fn place(index: i64, len: usize) -> Option<usize> {
    let index = if index < 0 { index + len as i64 } else { index };
    usize::try_from(index).ok().filter(|index| *index < len)
}

impl Pair<'_> {
    pub(crate) fn on_list(&mut self, key: &[u8], op: &ListOp) {
        let (scale, limits) = (self.context.scale, self.limits());
        let len = self.model.read::<List>(key).ok().flatten().map_or(0, List::len);
        match op {
            ListOp::Push(end, word) => self.push(key, *end, word.bytes()),
            ListOp::PushMember(end, member) => self.push(key, *end, member.bytes(key, scale)),
            ListOp::PushAll(end, words) => {
                let elements: Vec<_> = words.iter().map(Word::bytes).collect();
                self.edits = true;
                self.run_and_compare(
                    |keyspace, now| {
                        keyspace.edit_as::<values::List, _, _>(key, now, |list| {
                            let elements = elements.iter().map(|element| Element::from(&element[..]));
                            list.try_push_all(end.side(), elements, &limits)
                        })
                    },
                    |model| {
                        model.edit(key, |list| {
                            elements.iter().for_each(|element| push(list, *end, element.clone()));
                        })
                    },
                );
            }
            ListOp::Fill(end, many) => {
                let elements: Vec<_> = many.members(key, scale).collect();
                let done = Cell::new(0);
                self.edits = true;
                self.run_partial_and_compare(
                    key,
                    |keyspace, now| {
                        keyspace.edit_as::<values::List, _, Error>(key, now, |list| {
                            for element in &elements {
                                list.try_push(end.side(), &element[..], &limits)?;
                                done.set(done.get() + 1);
                            }
                            Ok(())
                        })
                    },
                    |model, is_kept| {
                        let done = if is_kept { done.get() } else { 0 };
                        model.edit(key, |list| {
                            elements[..done].iter().for_each(|element| push(list, *end, element.clone()));
                        })
                    },
                );
            }
            ListOp::Pop(end) => {
                self.edits = true; // the next node may be decompressed
                self.run_and_compare(
                    |keyspace, now| keyspace.pop(key, end.side(), now).map(owned_text),
                    |model| Ok(model.modify(key, |list| pop(list, *end))?.flatten()),
                );
            }
            ListOp::PopMany(end, count) => self.pop_many(key, *end, usize::from(count % 64)),
            ListOp::Set(index, word) => {
                let (index, element) = (index.of(len), word.bytes());
                self.edits = true;
                self.run_and_compare(
                    |keyspace, now| {
                        keyspace.modify_as::<values::List, _, _>(key, now, |list| {
                            list.try_set(index, &element[..], &limits)
                        })
                    },
                    |model| {
                        model.modify(key, |list: &mut List| {
                            let place = place(index, list.len());
                            if let Some(place) = place {
                                list[place] = element.clone();
                            }
                            place.is_some()
                        })
                    },
                );
            }
            ListOp::Insert(end, pivot, word) => {
                let (pivot, element) = (pivot.bytes(key, scale), word.bytes());
                self.edits = true;
                self.run_and_compare(
                    |keyspace, now| {
                        keyspace.modify_as::<values::List, _, _>(key, now, |list| {
                            list.try_insert(end.side(), &pivot[..], &element[..], &limits)
                        })
                    },
                    |model| {
                        model.modify(key, |list: &mut List| {
                            let place = list.iter().position(|element| *element == pivot);
                            if let Some(place) = place {
                                list.insert(place + usize::from(*end == End::Back), element.clone());
                            }
                            place.is_some()
                        })
                    },
                );
            }
            ListOp::Remove(count, element) => self.remove_equal(key, *count, &element.bytes(key, scale)),
            ListOp::Trim(indexes) => {
                let (start, end) = indexes.of(len);
                self.edits = true; // an owned listpack may replace a quicklist
                self.run_and_compare(
                    |keyspace, now| {
                        keyspace.modify_as::<values::List, _, _>(key, now, |list| {
                            list.try_trim(start, end, &limits)
                        })
                    },
                    |model| {
                        model.modify(key, |list: &mut List| {
                            let kept = span((start, end), list.len());
                            list.truncate(kept.end);
                            list.drain(..kept.start);
                        })
                    },
                );
            }
            ListOp::Rotate(from, to) => {
                self.edits = true;
                self.run_and_compare(
                    |keyspace, now| {
                        keyspace.modify_as::<values::List, _, _>(key, now, |list| {
                            list.try_rotate(from.side(), to.side(), &limits)
                        })
                    },
                    |model| {
                        model.modify(key, |list: &mut List| {
                            let moved = pop(list, *from);
                            let is_moved = moved.is_some();
                            moved.into_iter().for_each(|element| push(list, *to, element));
                            is_moved
                        })
                    },
                );
            }
            ListOp::Get(_) | ListOp::Range(_) | ListOp::Positions(..) | ListOp::Sort(_) => {
                self.read_list(key, len, op);
            }
        }
    }

    fn push(&mut self, key: &[u8], end: End, element: Bytes) {
        self.edits = true;
        self.run_and_compare(
            |keyspace, now| keyspace.push(key, end.side(), &element[..], now),
            |model| model.edit(key, |list| push(list, end, element.clone())),
        );
    }

    fn pop_many(&mut self, key: &[u8], end: End, count: usize) {
        let limits = self.limits();
        self.edits = true;
        self.run_and_compare(
            |keyspace, now| {
                let popped = keyspace.modify_as::<values::List, _, Error>(key, now, |list| {
                    let (mut iter, mut popped) = (list.iter(), Vec::new());
                    while popped.len() < count
                        && let Some(element) = iter.next_element(end.side())?
                    {
                        popped.push(element.text().to_vec());
                    }
                    assert_eq!(list.try_remove_end(end.side(), count, &limits)?, popped.len());
                    Ok(popped)
                })?;
                Ok(popped.unwrap_or_default())
            },
            |model| {
                let take = |list: &mut List| (0..count).map_while(|_| pop(list, end)).collect();
                Ok(model.modify(key, take)?.unwrap_or_default())
            },
        );
    }

    /// Runs `LREM`.
    fn remove_equal(&mut self, key: &[u8], count: i8, element: &[u8]) {
        let limits = self.limits();
        self.edits = true;
        self.run_and_compare(
            |keyspace, now| {
                keyspace.modify_as::<values::List, _, _>(key, now, |list| {
                    list.try_remove(count.into(), element, &limits)
                })
            },
            |model| {
                model.modify(key, |list: &mut List| {
                    let equal = list.iter().filter(|other| **other == element).count();
                    let most = if count == 0 { equal } else { equal.min(count.unsigned_abs().into()) };
                    let gone = if count < 0 { equal - most..equal } else { 0..most };
                    let mut number = 0..;
                    list.retain(|other| *other != element || !gone.contains(&number.next().unwrap_or(0)));
                    most
                })
            },
        );
    }

    fn read_list(&mut self, key: &[u8], len: usize, op: &ListOp) {
        let scale = self.context.scale;
        match *op {
            ListOp::Get(index) => {
                let index = index.of(len);
                self.read_and_compare(
                    |keyspace, now| {
                        let list = keyspace.get_as::<values::List>(key, now)?;
                        let item = list.and_then(|list| list.get(index));
                        Ok(item.map(|item| item.element().text().to_vec()))
                    },
                    |model| {
                        let list = model.read::<List>(key)?;
                        Ok(list.and_then(|list| Some(list[place(index, list.len())?].clone())))
                    },
                );
            }
            ListOp::Range(indexes) => {
                let (start, end) = indexes.of(len);
                self.read_and_compare(
                    |keyspace, now| {
                        let list = keyspace.get_as::<values::List>(key, now)?;
                        let items = list.into_iter().flat_map(|list| list.range(start, end));
                        Ok(items.map(|item| item.element().text().to_vec()).collect::<Vec<_>>())
                    },
                    |model| {
                        let list = model.read::<List>(key)?;
                        let range = |list: &List| list.range(span((start, end), len)).cloned().collect();
                        Ok(list.map(range).unwrap_or_default())
                    },
                );
            }
            ListOp::Positions(element, rank, count) => {
                let element = element.bytes(key, scale);
                let rank = NonZeroI64::new(i64::from(rank % 6)).unwrap_or(NonZeroI64::MAX);
                let count = usize::from(count % 8);
                self.read_and_compare(
                    |keyspace, now| {
                        let list = keyspace.get_as::<values::List>(key, now)?;
                        let found =
                            list.into_iter().flat_map(|list| list.positions(&element[..], rank, usize::MAX));
                        Ok(found.take(count).collect::<Vec<_>>())
                    },
                    |model| {
                        let list = model.read::<List>(key)?;
                        let equal = |list: &List| {
                            (0..list.len()).filter(|place| list[*place] == element).collect::<Vec<_>>()
                        };
                        let mut found = list.map(equal).unwrap_or_default();
                        if rank.is_negative() {
                            found.reverse();
                        }
                        let skipped = rank.unsigned_abs().get() as usize - 1;
                        Ok(found.into_iter().skip(skipped).take(count).collect())
                    },
                );
            }
            ListOp::Sort(desc) => {
                let options = SortOptions { alpha: true, desc, ..SortOptions::default() };
                self.read_and_compare(
                    |keyspace, now| {
                        let list = keyspace.get_as::<values::List>(key, now)?;
                        let items: Vec<_> = list.into_iter().flatten().collect();
                        let sorted =
                            sort(items.iter().map(Item::element), &options).expect("bytes can be compared");
                        Ok(sorted.iter().map(|element| element.text().to_vec()).collect())
                    },
                    |model| {
                        let mut sorted = Vec::from(model.read::<List>(key)?.cloned().unwrap_or_default());
                        sorted.sort();
                        if desc {
                            sorted.reverse();
                        }
                        Ok(sorted)
                    },
                );
            }
            _ => unreachable!("another operation"),
        }
    }
}
