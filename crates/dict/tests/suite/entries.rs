//! `Dict`'s entries and its less common methods, compared with std's if std has them.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use dict::Dict;
use dict::map::{Entry, EntryRef, IntoIter, IntoKeys, IntoValues, Iter, IterMut, Keys, Values, ValuesMut};

const FEW: usize = if cfg!(miri) { 40 } else { 500 };
const MANY: u32 = if cfg!(miri) { 100 } else { 1_000 };

/// A key that is equal to others of the same number, but has a name of its own.
#[derive(Clone, Debug)]
struct Key {
    number: u32,
    name: &'static str,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Key {}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

#[test]
fn an_entry_is_set_and_handed_on() {
    let mut dict = Dict::new();
    for n in 0..FEW {
        assert_eq!(dict.entry(n).insert_entry(1).get(), &1);
        assert_eq!(dict.entry(n).insert(2).key(), &n);
        assert_eq!(dict.entry(n).or_insert_entry(9).get(), &2);
        assert_eq!(dict.entry(n + 1_000).or_insert_entry(3).into_entry(), (&(n + 1_000), &mut 3));
        let Entry::Vacant(vacant) = dict.entry(n + 2_000) else { panic!("not there yet") };
        assert_eq!(vacant.insert_entry(4).remove_entry(), (n + 2_000, 4));
    }
    assert_eq!(dict.len(), 2 * FEW);
}

#[test]
fn a_value_is_replaced_by_what_is_made_of_it_or_goes() {
    let mut dict: Dict<usize, usize> = (0..FEW).map(|n| (n, n)).collect();
    let mut model: HashMap<usize, usize> = (0..FEW).map(|n| (n, n)).collect();
    for n in 0..FEW + 10 {
        let replace = |key: &usize, value: usize| (!key.is_multiple_of(3)).then_some(value + 1);
        match dict.entry(n).and_replace_entry_with(replace) {
            Entry::Occupied(entry) => assert_eq!((*entry.key(), *entry.get()), (n, n + 1)),
            Entry::Vacant(vacant) => assert_eq!(vacant.into_key(), n),
        }
        if let Some(value) = model.remove(&n) {
            model.extend(replace(&n, value).map(|value| (n, value)));
        }
        assert_eq!(dict.len(), model.len());
    }
    assert!(dict.iter().all(|(key, value)| model.get(key) == Some(value)));
    // The place of a removed entry takes another value, even if it was the last entry of the dict.
    let mut dict = Dict::from([("key", 1)]);
    let Entry::Vacant(vacant) = dict.entry("key").and_replace_entry_with(|_, _| None) else {
        panic!("it went")
    };
    vacant.insert(2);
    assert_eq!(dict["key"], 2);
}

#[test]
fn an_entry_goes_when_making_its_value_panics() {
    let mut dict: Dict<u32, String> = (0..100).map(|n| (n, n.to_string())).collect();
    let replace = AssertUnwindSafe(|| {
        dict.entry(7).and_replace_entry_with(|_, _| panic!("no other value"));
    });
    assert!(catch_unwind(replace).is_err(), "it was meant to panic");
    assert_eq!((dict.len(), dict.get(&7)), (99, None));
    dict.insert(7, "new".into());
    assert!((0..100).all(|n| dict.contains_key(&n)));
}

#[test]
fn a_key_is_replaced_by_an_equal_one_only() {
    let mut dict = Dict::from([(Key { number: 1, name: "old" }, ())]);
    let Entry::Occupied(mut entry) = dict.entry(Key { number: 1, name: "asked for" }) else {
        panic!("it is there")
    };
    assert_eq!(entry.replace_key(Key { number: 1, name: "new" }).name, "old");
    assert_eq!(entry.key().name, "new");
    let unequal = AssertUnwindSafe(|| entry.replace_key(Key { number: 2, name: "other" }));
    assert!(catch_unwind(unequal).is_err(), "it was meant to panic");
    assert_eq!(dict.keys().next().unwrap().name, "new");
}

/// A borrowed key that counts how often it is copied.
#[derive(PartialEq, Eq, Hash)]
struct Counted(u32);

thread_local!(static COPIES: Cell<u32> = const { Cell::new(0) });

impl From<&Counted> for Counted {
    fn from(key: &Self) -> Self {
        COPIES.set(COPIES.get() + 1);
        Self(key.0)
    }
}

#[test]
fn a_borrowed_key_is_copied_only_if_it_is_added() {
    let mut dict = Dict::<Counted, u32>::new();
    for n in [1, 2, 1, 1, 2] {
        *dict.entry_ref(&Counted(n)).and_modify(|count| *count += 10).or_insert_with_key(|key| key.0) += 0;
    }
    assert_eq!((dict[&Counted(1)], dict[&Counted(2)], COPIES.get()), (21, 12, 2));
    assert_eq!(*dict.entry_ref(&Counted(3)).or_default(), 0);
    assert_eq!(dict.entry_ref(&Counted(3)).insert(5).get(), &5);
    assert_eq!(dict.entry_ref(&Counted(4)).or_default_entry().insert(6), 0);
    assert_eq!(COPIES.get(), 4);
    match dict.entry_ref(&Counted(5)) {
        EntryRef::Vacant(vacant) => assert_eq!(*vacant.insert_with_key(Counted(5), 7), 7),
        EntryRef::Occupied(_) => panic!("not there yet"),
    }
    assert_eq!((dict.len(), COPIES.get()), (5, 4));
    let mut texts = Dict::<String, u32>::new();
    assert_eq!(texts.entry_ref("key").key(), "key");
    assert_eq!(format!("{:?}", texts.entry_ref("key")), r#"VacantEntryRef("key")"#);
    let wrong = AssertUnwindSafe(|| match texts.entry_ref("key") {
        EntryRef::Vacant(vacant) => *vacant.insert_with_key("other".into(), 1),
        EntryRef::Occupied(_) => 0,
    });
    assert!(catch_unwind(wrong).is_err(), "it was meant to panic");
    assert!(texts.is_empty());
}

#[test]
fn several_values_are_changed_together() {
    const KEYS: usize = if cfg!(miri) { 24 } else { 300 };
    let last = KEYS as u32 - 1;
    let mut dict: Dict<u32, u32> = (0..=last).map(|n| (n, n)).collect();
    let [Some(one), None, Some(other)] = dict.get_disjoint_mut([&7, &1_000, &last]) else {
        panic!("two of them")
    };
    std::mem::swap(one, other);
    assert_eq!((dict[&7], dict[&last]), (last, 7));
    assert_eq!(dict.get_disjoint_key_value_mut([&1, &2]), [Some((&1, &mut 1)), Some((&2, &mut 2))]);
    // Two keys may be equal if they are absent, but not if they are in the dict.
    assert_eq!(dict.get_disjoint_mut([&1_000, &1_000]), [None, None]);
    assert!(dict.get_disjoint_mut::<u32, 0>([]).is_empty());
    let twice = AssertUnwindSafe(|| dict.get_disjoint_mut([&1, &2, &1]).len());
    assert!(catch_unwind(twice).is_err(), "it was meant to panic");
    // All entries of a chunk with its overflow, and entries without a size.
    let all: [u32; KEYS] = std::array::from_fn(|n| n as u32);
    assert!(dict.get_disjoint_mut(all.each_ref()).iter().all(Option::is_some));
    let mut set = Dict::from([((), ())]);
    assert_eq!(set.get_disjoint_mut([&()]), [Some(&mut ())]);
}

#[test]
fn entries_are_extracted_as_std_does_it() {
    let mut dict: Dict<u32, u32> = (0..MANY).map(|n| (n, n)).collect();
    let mut model: HashMap<u32, u32> = (0..MANY).map(|n| (n, n)).collect();
    let pick = |key: &u32, value: &mut u32| {
        *value += 1;
        key.is_multiple_of(3)
    };
    let ours: BTreeMap<u32, u32> = dict.extract_if(pick).collect();
    let theirs: BTreeMap<u32, u32> = model.extract_if(pick).collect();
    assert_eq!(ours, theirs);
    assert!(dict.len() == model.len() && dict.iter().all(|(key, value)| model[key] == *value));
    assert_eq!(dict.extract_if(|_, _| true).take(5).count(), 5);
    assert_eq!(dict.len(), model.len() - 5);
}

#[test]
fn a_dict_is_extended_from_every_form() {
    let mut dict = Dict::from([(1, 'a')]);
    dict.extend([(2, 'b')]);
    dict.extend(&[(3, 'c')]);
    dict.extend(&Dict::from([(4, 'd')]));
    assert_eq!(dict, Dict::from([(4, 'd'), (3, 'c'), (2, 'b'), (1, 'a')]));
    *dict.get_key_value_mut(&1).unwrap().1 = 'z';
    assert_eq!((dict[&1], dict.get_key_value_mut(&9)), ('z', None));
    for (_, value) in &mut dict {
        *value = 'y';
    }
    assert!((&dict).into_iter().all(|(_, &value)| value == 'y'));
    assert_ne!(dict, Dict::from([(1, 'y')]));
}

#[test]
fn an_iterator_of_nothing_ends_at_once() {
    assert_eq!(Iter::<u8, u8>::default().len() + IterMut::<u8, u8>::default().len(), 0);
    assert_eq!(Keys::<u8, u8>::default().count() + Values::<u8, u8>::default().count(), 0);
    assert_eq!(ValuesMut::<u8, u8>::default().count() + IntoIter::<u8, String>::default().count(), 0);
    assert_eq!(IntoKeys::<u8, u8>::default().count() + IntoValues::<u8, u8>::default().count(), 0);
}
