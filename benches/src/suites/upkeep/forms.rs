//! The data of the churn: the same bytes as strings or as elements of collections.
//!
//! Item `i` is a key of 16 bytes and a value of 32 to 512 bytes. All sizes have the same probability. A
//! thousand consecutive items are the elements of one collection. A member of a set or a sorted set, or an
//! element of a list, is the key followed by the value.

use crate::keys::{KEY_BYTES, Key, key};
use crate::maps::FoldHash;
use keyspace::{Keyspace, Maintained, Options, Sharded};
use std::hash::BuildHasher;
use std::time::Duration;
use values::List;
use values::list::Side;
use values::zset::AddOptions;

/// The size of the smallest value, in bytes, and the number of sizes.
const VALUE_MIN: usize = 32;
const SIZES: u64 = 481;

/// The number of elements of a collection.
const ELEMENTS: u64 = 1_000;

/// The number of shards of [`Form::Sharded`].
const SHARDS: usize = 32;

/// How the items are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Strings,
    Hashes,
    Sets,
    SortedSets,
    Lists,
    Sharded,
}

/// The case in which the allocator has no background thread.
pub(super) const NO_THREAD: &str = "strings without the allocator's thread";

/// The forms, and their names in cases.
pub(super) const FORMS: [(&str, Form); 7] = [
    ("strings", Form::Strings),
    (NO_THREAD, Form::Strings),
    ("hashes", Form::Hashes),
    ("sets", Form::Sets),
    ("sorted sets", Form::SortedSets),
    ("lists", Form::Lists),
    ("strings in 32 shards", Form::Sharded),
];

impl Form {
    /// Returns the order in which items are added, given a random order.
    pub(super) fn order_of_adding(self, mut items: Vec<u32>) -> Vec<u32> {
        if self == Self::Lists {
            items.sort_unstable(); // so that each element has its position
        }
        items
    }

    /// Returns the order in which items are removed, given a random order. A list finds an element by a
    /// search from an end. So the elements near the ends are removed first, list by list.
    pub(super) fn order_of_removal(self, mut items: Vec<u32>) -> Vec<u32> {
        if self == Self::Lists {
            items.sort_unstable_by_key(|&i| (u64::from(i) / ELEMENTS, from_end(i.into()).unsigned_abs()));
        }
        items
    }
}

/// Returns the distance of item `i` from the nearer end of its list. It is at least 1, and negative if it is
/// from the back.
fn from_end(i: u64) -> i64 {
    let place = i % ELEMENTS;
    if place < ELEMENTS / 2 { place as i64 + 1 } else { place as i64 - ELEMENTS as i64 }
}

enum Store {
    One(Box<Keyspace<FoldHash>>),
    Shards(Box<Sharded<FoldHash>>),
}

/// The items in one form.
pub(super) struct Data {
    form: Form,
    store: Store,
    /// A buffer for a member.
    member: [u8; KEY_BYTES + VALUE_MIN + SIZES as usize],
}

/// Returns the size of the value of item `i`, which is random.
fn value_size(i: u64) -> usize {
    VALUE_MIN + (FoldHash::default().hash_one(i) % SIZES) as usize
}

fn collection(i: u64) -> Key {
    key(i / ELEMENTS)
}

impl Data {
    /// Returns a store without items.
    pub(super) fn new(form: Form, options: Options) -> Self {
        let store = if form == Form::Sharded {
            let sharded = Sharded::try_with_options_and_hasher(SHARDS, options, FoldHash::default());
            Store::Shards(Box::new(sharded.expect("there is memory")))
        } else {
            Store::One(Box::new(Keyspace::with_options_and_hasher(options, FoldHash::default())))
        };
        Self { form, store, member: [b'v'; _] }
    }

    /// Adds item `i`.
    pub(super) fn add(&mut self, i: u64) {
        let Self { form, store, member } = self;
        let end = KEY_BYTES + value_size(i);
        member[..KEY_BYTES].copy_from_slice(&key(i));
        let (member, value) = (&member[..end], &member[KEY_BYTES..end]);
        let done = match store {
            Store::Shards(sharded) => sharded.write(&key(i), |store, key| store.set(key, value, 0)),
            Store::One(store) => match form {
                Form::Strings | Form::Sharded => store.set(&key(i), value, 0),
                Form::Hashes => store.hset(&collection(i), &key(i), value, 0).map(drop),
                Form::Sets => store.sadd(&collection(i), member, 0).map(drop),
                Form::SortedSets => {
                    let score = FoldHash::default().hash_one(i) as f64;
                    store.zadd(&collection(i), member, score, AddOptions::default(), 0).map(drop)
                }
                Form::Lists => store.push(&collection(i), Side::Back, member, 0),
            },
        };
        done.expect("there is memory");
    }

    /// Removes item `i`, which must be there.
    pub(super) fn remove(&mut self, i: u64) {
        let Self { form, store, member } = self;
        member[..KEY_BYTES].copy_from_slice(&key(i));
        let member = &member[..KEY_BYTES + value_size(i)];
        let removed = match store {
            Store::Shards(sharded) => sharded.write(&key(i), |store, key| Ok(store.remove(key, 0))),
            Store::One(store) => match form {
                Form::Strings | Form::Sharded => Ok(store.remove(&key(i), 0)),
                Form::Hashes => store.hdel(&collection(i), &key(i), 0),
                Form::Sets => store.srem(&collection(i), member, 0),
                Form::SortedSets => store.zrem(&collection(i), member, 0),
                Form::Lists => {
                    let limits = *store.options().encoding_limits();
                    store
                        .modify_as::<List, _, _>(&collection(i), 0, |list| {
                            list.try_remove(from_end(i).signum(), member, &limits)
                        })
                        .map(|found| found == Some(1))
                }
            },
        };
        assert_eq!(removed, Ok(true), "item {i} is there");
    }

    /// Reads item `i`, which must be there. In a list, reads any element.
    #[inline]
    pub(super) fn read(&mut self, i: u64) {
        let Self { form, store, member } = self;
        member[..KEY_BYTES].copy_from_slice(&key(i));
        let found = match store {
            Store::Shards(sharded) => {
                sharded.read(&key(i), |store, key| store.get_string(key, 0).map(|value| value.is_some()))
            }
            Store::One(store) => match form {
                Form::Strings | Form::Sharded => store.get_string(&key(i), 0).map(|value| value.is_some()),
                Form::Hashes => store.hget(&collection(i), &key(i), 0).map(|value| value.is_some()),
                Form::Sets => store.sismember(&collection(i), &member[..KEY_BYTES + value_size(i)], 0),
                Form::SortedSets => {
                    let member = &member[..KEY_BYTES + value_size(i)];
                    store.zscore(&collection(i), member, 0).map(|score| score.is_some())
                }
                Form::Lists => store
                    .get_as::<List>(&collection(i), 0)
                    .map(|list| list.is_some_and(|list| list.get((i % list.len() as u64) as i64).is_some())),
            },
        };
        assert_eq!(found, Ok(true), "item {i} is there");
    }

    pub(super) fn maintain(
        &mut self,
        now: u64,
        budget: Duration,
        clock: impl FnMut() -> Duration,
    ) -> Maintained {
        match &mut self.store {
            Store::One(store) => store.maintain(now, budget, clock),
            Store::Shards(sharded) => sharded.maintain(now, budget, clock),
        }
    }

    /// Returns the share of the time that defragmentation takes now, in percent, or 0 if it is not running.
    pub(super) fn running_share(&self) -> usize {
        match &self.store {
            Store::One(store) => store.active_defrag_running(),
            Store::Shards(sharded) => sharded.active_defrag_running(),
        }
    }

    /// Calls `f` with each keyspace.
    pub(super) fn for_each(&self, mut f: impl FnMut(&Keyspace<FoldHash>)) {
        match &self.store {
            Store::One(store) => f(store),
            Store::Shards(sharded) => sharded.for_each(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_adds_reads_and_removes_items() {
        for (name, form) in FORMS {
            let mut data = Data::new(form, Options::new());
            (0..3_000).for_each(|i| data.add(i));
            (0..3_000).filter(|i| i % 3 > 0).for_each(|i| data.remove(i));
            (0..3_000).filter(|i| i % 3 == 0).for_each(|i| data.read(i));
            let mut keys = 0;
            data.for_each(|store| keys += store.len());
            assert_eq!(keys, if matches!(form, Form::Strings | Form::Sharded) { 1_000 } else { 3 }, "{name}");
        }
    }

    /// The mean of the sizes has a standard deviation of 139 / sqrt(100,000) = 0.44 bytes.
    #[test]
    fn sizes_are_spread_evenly() {
        let sizes: Vec<usize> = (0..100_000).map(value_size).collect();
        let mean = sizes.iter().sum::<usize>() as f64 / sizes.len() as f64;
        assert!((mean - 272.0).abs() < 2.5, "{mean}");
        assert_eq!((sizes.iter().min(), sizes.iter().max()), (Some(&32), Some(&512)));
    }
}
