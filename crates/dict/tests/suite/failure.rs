//! Fallible methods: each of their allocations fails once, and the method must return an error and the entry
//! that was to be added.

use dict::map::EntryRef;
use dict::{Dict, Table, TryInsertError};
use std::hash::{BuildHasherDefault, Hasher};
use zmalloc::{Region, ReserveError, fault};

/// A hasher that returns the same hash for all keys, so that entries need overflow children.
#[derive(Clone, Copy, Default)]
struct Same;

impl Hasher for Same {
    fn write(&mut self, _bytes: &[u8]) {}

    fn finish(&self) -> u64 {
        7
    }
}

type Words = Dict<String, u32, BuildHasherDefault<Same>>;

/// The number of keys of a run, which fill a chunk and its children.
const KEYS: u32 = if cfg!(miri) { 20 } else { 60 };

/// The key that was returned because it could not be added, or `None` if the error does not contain it.
#[derive(Debug, PartialEq)]
struct Refused(Option<String>);

impl From<ReserveError> for Refused {
    fn from(_: ReserveError) -> Self {
        Self(None)
    }
}

impl From<TryInsertError<String>> for Refused {
    fn from(error: TryInsertError<String>) -> Self {
        Self(Some(error.entry))
    }
}

impl From<TryInsertError<(String, u32)>> for Refused {
    fn from(error: TryInsertError<(String, u32)>) -> Self {
        Self(Some(error.entry.0))
    }
}

/// A fallible method and its name. It adds the key with a value of 1.
type Form = (&'static str, fn(&mut Words, String) -> Result<(), Refused>);

const FORMS: [Form; 12] = [
    ("try_insert", |words, key| Ok(words.try_insert(key, 1).map(drop)?)),
    ("Entry::try_insert_entry", |words, key| Ok(words.try_entry(key)?.try_insert_entry(1).map(drop)?)),
    ("Entry::try_or_insert_entry", |words, key| {
        Ok(words.try_entry(key)?.try_or_insert_entry(1).map(drop)?)
    }),
    ("Entry::try_or_insert", |words, key| Ok(words.try_entry(key)?.try_or_insert(1).map(drop)?)),
    ("Entry::try_or_insert_with", |words, key| {
        Ok(words.try_entry(key)?.try_or_insert_with(|| 1).map(drop)?)
    }),
    ("Entry::try_or_insert_with_key", |words, key| {
        Ok(words.try_entry(key)?.try_or_insert_with_key(|_| 1).map(drop)?)
    }),
    ("Entry::try_or_default", |words, key| {
        *words.try_entry(key)?.try_or_default()? += 1;
        Ok(())
    }),
    ("EntryRef::or_try_insert_with", |words, key| {
        let make = |key: &str| Ok::<_, Refused>((key.to_owned(), 1));
        words.try_entry_ref(&*key)?.or_try_insert_with(make).map(drop)
    }),
    ("VacantEntryRef::try_insert_with_key", |words, key| match words.try_entry_ref(&*key.clone())? {
        EntryRef::Vacant(vacant) => Ok(vacant.try_insert_with_key(key, 1).map(drop)?),
        EntryRef::Occupied(_) => unreachable!("a new key"),
    }),
    ("try_insert_many", |words, key| {
        let [result] = words.try_insert_many([(key, 1)]);
        Ok(result.map(drop)?)
    }),
    ("try_reserve", |words, key| {
        words.try_reserve(1)?;
        Ok(words.try_insert(key, 1).map(drop)?)
    }),
    ("try_with_capacity_and_hasher", |words, key| {
        let mut fresh = Words::try_with_capacity_and_hasher(words.len() + 1, BuildHasherDefault::new())?;
        fresh.try_insert_many([(key.clone(), 1)])[0].as_ref().map_err(|_| Refused(None))?;
        Ok(words.try_insert(key, 1).map(drop)?)
    }),
];

#[test]
fn a_copy_and_a_veto_that_find_no_memory_are_errors() {
    let words: Words = (0..KEYS).map(|n| (format!("word {n}"), n)).collect();
    let mut table = Table::new();
    table.on_grow(|_| false);
    let before = table.allocation_size();
    let large = [7_u64; 4];
    for nth in 1.. {
        let plan = fault::fail_nth(nth);
        // A fault may also hit the memory of the words themselves, but that memory is std's.
        let (copied, made) =
            (words.try_clone().is_ok(), Words::try_with_capacity_and_hasher(99, BuildHasherDefault::new()));
        let heard = table.try_on_grow(move |bytes| bytes as u64 > large[3]).is_ok();
        let failures = plan.failures();
        drop(plan);
        assert_eq!(u64::from(!copied) + u64::from(made.is_err()) + u64::from(!heard), failures);
        assert!(heard || table.allocation_size() == before, "the veto of before stays");
        if failures == 0 {
            break;
        }
        table.on_grow(|_| false);
    }
    assert!(table.allocation_size() > before);
    table.insert_unique(1, 1, |n: &u64| *n);
}

#[test]
fn every_form_that_answers_an_error_answers_one_and_gives_the_key_back() {
    for (name, form) in FORMS.into_iter().step_by(if cfg!(miri) { 7 } else { 1 }) {
        let mut refused = 0;
        for nth in 1.. {
            let region = Region::start();
            let mut words = Words::default();
            let plan = fault::fail_nth(nth);
            for n in 0..KEYS {
                let key = format!("word {n}");
                match form(&mut words, key.clone()) {
                    Ok(()) => assert_eq!(words.get(&*key), Some(&1), "{name}"),
                    Err(Refused(back)) => {
                        assert!(back.is_none_or(|back| back == key), "{name}");
                        assert_eq!(words.get(&*key), None, "{name}");
                        refused += 1;
                    }
                }
            }
            let failures = plan.failures();
            drop(plan);
            assert!(words.len() as u32 >= KEYS - 1, "{name}: one failure refuses one entry at most");
            drop(words);
            assert_eq!(region.held(), 0, "{name}");
            if failures == 0 {
                break;
            }
        }
        assert!(refused >= 3, "{name}: {refused} were refused");
    }
}
