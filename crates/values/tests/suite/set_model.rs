//! Tests of sets against a `BTreeSet`, with limits so small and so different that every conversion happens.

use super::set_common::{Text, numbers, set_of, source, text, texts, words};
use common::Cursor;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use values::set::{diff, inter, inter_card, try_diff_store, try_inter_store, try_union_store, union};
use values::{Collection, Element, Encoding, EncodingLimits, Set};

fn limits() -> impl Strategy<Value = EncodingLimits> {
    (0..12_usize, 0..12_usize, 0..8_usize).prop_map(|(intset, entries, value)| EncodingLimits {
        set_max_intset_entries: intset,
        set_max_listpack_entries: entries,
        set_max_listpack_value: value,
        ..EncodingLimits::DEFAULT
    })
}

/// Generates members from a small range, so that sets have some in common.
fn member() -> impl Strategy<Value = Text> {
    prop_oneof![
        5 => (-9..25_i64).prop_map(|n| n.to_string().into_bytes()),
        1 => any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        3 => (0..25_usize).prop_map(|n| format!("w{n}").into_bytes()),
        1 => prop::collection::vec(0..3_u8, 0..10),
        1 => (200..400_usize).prop_map(|len| vec![b'x'; len]),
    ]
}

fn members(most: usize) -> impl Strategy<Value = BTreeSet<Text>> {
    prop_oneof![
        3 => prop::collection::btree_set(member(), 0..most),
        1 => prop::collection::btree_set((0..40_i64).prop_map(|n| n.to_string().into_bytes()), 0..most),
    ]
}

#[derive(Clone, Debug)]
enum Op {
    Insert(Text),
    InsertInt(i64),
    Remove(Text),
    RemoveInt(i64),
    Pop(u64),
    PopMany(usize, u64),
    ConvertFor(usize),
    Clone,
    Limits(EncodingLimits),
}

fn operation() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => member().prop_map(Op::Insert),
        3 => (-9..25_i64).prop_map(Op::InsertInt),
        4 => member().prop_map(Op::Remove),
        2 => (-9..25_i64).prop_map(Op::RemoveInt),
        1 => any::<u64>().prop_map(Op::Pop),
        1 => (0..20_usize, any::<u64>()).prop_map(|(count, seed)| Op::PopMany(count, seed)),
        1 => (0..14_usize).prop_map(Op::ConvertFor),
        1 => Just(Op::Clone),
        1 => limits().prop_map(Op::Limits),
    ]
}

/// Panics unless all methods that read show that the set equals `model`.
fn check(set: &Set, model: &BTreeSet<Text>) {
    assert_eq!(&texts(set), model);
    assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()));
    let mut scanned = BTreeSet::new();
    let mut cursor = Cursor::START;
    loop {
        cursor = set.scan(cursor, |member| _ = scanned.insert(text(member)));
        if cursor.is_start() {
            break;
        }
    }
    assert_eq!(&scanned, model);
    let asked: Vec<Element<'_>> =
        model.iter().flat_map(|member| [Element::Bytes(member), Element::Bytes(b"nobody")]).collect();
    assert!(set.contains_many(&asked).eq((0..asked.len()).map(|i| i % 2 == 0)));
    let integers = model.iter().all(|member| Element::Bytes(member).as_i64().is_some());
    assert!(set.encoding() != Encoding::IntSet || integers);
}

proptest! {
    #![proptest_config(testing::config(512, 4))]

    #[test]
    fn it_does_what_a_btreeset_does(start in limits(), operations in prop::collection::vec(operation(), 0..80)) {
        let (mut set, mut model, mut limits) = (Set::new(), BTreeSet::new(), start);
        for operation in operations {
            match operation {
                Op::Insert(member) => {
                    prop_assert_eq!(set.contains(&member[..]), model.contains(&member));
                    prop_assert_eq!(set.insert(&member[..], &limits), model.insert(member));
                }
                Op::InsertInt(value) => {
                    let member = value.to_string().into_bytes();
                    prop_assert_eq!(set.contains(value), model.contains(&member));
                    prop_assert_eq!(set.insert(value, &limits), model.insert(member));
                }
                Op::Remove(member) => prop_assert_eq!(set.remove(&member[..]), model.remove(&member)),
                Op::RemoveInt(value) => {
                    prop_assert_eq!(set.remove(value), model.remove(value.to_string().as_bytes()));
                }
                Op::Pop(seed) => {
                    let popped = set.pop(source(seed), text);
                    prop_assert_eq!(popped.is_some(), !model.is_empty());
                    prop_assert!(popped.is_none_or(|popped| model.remove(&popped)));
                }
                Op::PopMany(count, seed) => {
                    let mut popped = Vec::new();
                    let count_popped = set.try_pop_many(count, &limits, source(seed), |member| popped.push(text(member)));
                    prop_assert_eq!(count_popped, Ok(popped.len()));
                    prop_assert_eq!(popped.len(), count.min(model.len()));
                    prop_assert!(popped.iter().all(|member| model.remove(member)));
                }
                Op::ConvertFor(count) => set.try_convert_for(count, &limits).unwrap(),
                Op::Clone => {
                    let copy = set.try_clone().unwrap();
                    prop_assert_eq!(copy.encoding(), set.encoding());
                    prop_assert_eq!(&copy, &set);
                    set = copy;
                }
                Op::Limits(new) => limits = new,
            }
            check(&set, &model);
        }
    }

    #[test]
    fn random_members_are_members_and_differ_if_that_was_asked(
        limits in limits(), model in members(60), count in 0..80_usize, seed: u64,
    ) {
        let set = set_of(&model, &limits);
        let mut many = Vec::new();
        set.random_many(count, source(seed), |member| many.push(text(member)));
        prop_assert_eq!(many.len(), if model.is_empty() { 0 } else { count });
        prop_assert!(many.iter().all(|member| model.contains(member)));
        let mut unique = Vec::new();
        let visited = set.try_random_unique(count, source(seed), |member| unique.push(text(member)));
        prop_assert_eq!(visited, Ok(unique.len()));
        prop_assert_eq!(unique.len(), count.min(model.len()));
        prop_assert!(unique.iter().all(|member| model.contains(member)));
        prop_assert_eq!(unique.iter().collect::<BTreeSet<_>>().len(), unique.len());
        prop_assert_eq!(set.random(source(seed)).is_some(), !model.is_empty());
    }

    #[test]
    fn algebra_is_that_of_btreesets(
        limits in limits(),
        models in prop::collection::vec(members(40), 1..12),
        sets_limits in prop::collection::vec(self::limits(), 12),
        most in 0..20_usize,
    ) {
        let sets: Vec<Set> = models.iter().zip(&sets_limits).map(|(model, limits)| set_of(model, limits)).collect();
        let refs = || sets.iter().collect::<Vec<&Set>>();
        type Each<'a> = &'a mut dyn FnMut(Element<'_>);
        let visited = |visit: &mut dyn FnMut(Each<'_>)| {
            let mut all = Vec::new();
            visit(&mut |member| all.push(text(member)));
            let set: BTreeSet<Text> = all.iter().cloned().collect();
            assert_eq!(set.len(), all.len(), "a member twice");
            set
        };
        let in_all = models.iter().cloned().reduce(|a, b| &a & &b).unwrap();
        prop_assert_eq!(visited(&mut |each| inter(&mut refs(), each)), in_all.clone());
        prop_assert_eq!(inter_card(&mut refs(), most), if most == 0 { in_all.len() } else { most.min(in_all.len()) });
        prop_assert_eq!(texts(&try_inter_store(&mut refs(), &limits).unwrap()), in_all);

        let in_any = models.iter().fold(BTreeSet::new(), |a, b| &a | b);
        prop_assert_eq!(visited(&mut |each| union(&refs(), each).unwrap()), in_any.clone());
        prop_assert_eq!(texts(&try_union_store(&refs(), &limits).unwrap()), in_any);

        let left = models[1..].iter().fold(models[0].clone(), |a, b| &a - b);
        prop_assert_eq!(visited(&mut |each| diff(&sets[0], &mut refs()[1..], each).unwrap()), left.clone());
        prop_assert_eq!(texts(&try_diff_store(&sets[0], &mut refs()[1..], &limits).unwrap()), left);
        prop_assert_eq!(visited(&mut |each| diff(&sets[0], &mut refs(), each).unwrap()).len(), 0);
    }

    #[test]
    fn equal_members_are_equal_sets_whatever_the_encodings(
        model in members(30), one in limits(), other in limits(), more in member(),
    ) {
        let (a, mut b) = (set_of(&model, &one), set_of(model.iter().rev(), &other));
        prop_assert_eq!(&a, &b);
        if b.insert(&more[..], &other) {
            prop_assert_ne!(&a, &b);
            let mut c = a.try_clone().unwrap();
            prop_assert_eq!(b.try_move(&mut c, &more[..], &one), Ok(true));
            prop_assert_eq!(b.try_move(&mut c, &more[..], &one), Ok(false));
            prop_assert_eq!(&a, &b);
            prop_assert!(c.contains(&more[..]));
        }
    }
}

/// Each of 600 draws takes 5 of 40 members. So a member is expected 75 times, with a standard deviation of
/// about 8. A difference of six of those happens once in 10^9.
#[test]
fn every_member_has_the_same_chance() {
    let limits = |entries| EncodingLimits { set_max_listpack_entries: entries, ..EncodingLimits::DEFAULT };
    let sets =
        [set_of(numbers(0..40), &limits(9)), set_of(words(40), &limits(99)), set_of(words(40), &limits(9))];
    assert_eq!(
        sets.each_ref().map(Set::encoding),
        [Encoding::IntSet, Encoding::ListPack, Encoding::HashTable]
    );
    let draws = if cfg!(miri) { 0 } else { 600 };
    for set in &sets {
        let mut rng = source(7);
        let (mut unique, mut many, mut popped) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for _ in 0..draws {
            let count = |counts: &mut BTreeMap<Text, u32>, member: Element<'_>| {
                *counts.entry(text(member)).or_default() += 1
            };
            set.try_random_unique(5, &mut rng, |member| count(&mut unique, member)).unwrap();
            set.random_many(5, &mut rng, |member| count(&mut many, member));
            let mut copy = set.try_clone().unwrap();
            copy.try_pop_many(5, &limits(9), &mut rng, |member| count(&mut popped, member)).unwrap();
            let before = texts(set);
            copy.try_pop_many(30, &limits(9), &mut rng, |_| ()).unwrap();
            assert!(texts(&copy).is_subset(&before));
        }
        for counts in [unique, many, popped] {
            assert_eq!(counts.len(), if draws == 0 { 0 } else { 40 });
            assert!(
                counts.values().all(|count| (27..123).contains(count)),
                "{:?}: {counts:?}",
                set.encoding()
            );
        }
    }
}

#[test]
fn a_bad_source_ends_nevertheless() {
    let set = set_of(words(1000), &EncodingLimits::DEFAULT);
    for bad in [0, u64::MAX] {
        let mut unique = BTreeSet::new();
        assert_eq!(set.try_random_unique(50, || bad, |member| _ = unique.insert(text(member))), Ok(50));
        assert_eq!(unique.len(), 50);
    }
}
