//! Tests of the encoding of a set after each command. The expected encodings are those of Redis 7.4.

use super::set_common::{numbers, set_of, source, words};
use std::panic::{AssertUnwindSafe, catch_unwind};
use values::Encoding::{HashTable, IntSet, ListPack};
use values::set::{try_diff_store, try_inter_store, try_union_store};
use values::{Collection, Encoding, EncodingLimits, Set};

const LIMITS: EncodingLimits = EncodingLimits::DEFAULT;

#[test]
fn each_member_leaves_the_encoding_that_redis_has() {
    let word64 = "x".repeat(64);
    let word65 = "x".repeat(65);
    // The columns are the members of the set, a new member, and the encoding afterwards.
    let table: &[(Vec<String>, &str, Encoding)] = &[
        (vec![], "1", IntSet),
        (vec![], "-9223372036854775808", IntSet),
        (vec![], "9223372036854775808", ListPack), // one more than the largest integer
        (vec![], "01", ListPack),
        (vec![], "", ListPack),
        (vec![], &word64, ListPack),
        (vec![], &word65, HashTable),
        (numbers(0..511).collect(), "511", IntSet),
        (numbers(0..512).collect(), "511", IntSet), // already present
        (numbers(0..512).collect(), "512", HashTable),
        (numbers(0..127).collect(), "one", ListPack),
        (numbers(0..128).collect(), "one", HashTable),
        (numbers(0..10).collect(), &word64, ListPack),
        (numbers(0..10).collect(), &word65, HashTable),
        (words(127).collect(), "one", ListPack),
        (words(128).collect(), "one", HashTable),
        (words(128).collect(), "word:5", ListPack), // already present
        (words(127).collect(), "7", ListPack),
        (words(128).collect(), "7", HashTable),
        (words(10).collect(), &word64, ListPack),
        (words(10).collect(), &word65, HashTable),
    ];
    for (before, member, encoding) in table {
        let mut set = set_of(before, &LIMITS);
        let is_new = set.insert(member.as_bytes(), &LIMITS);
        assert_eq!(set.encoding(), *encoding, "{} members and {member:?}", before.len());
        assert_eq!(is_new, !before.iter().any(|other| other == member));
        assert_eq!(set.len(), before.len() + usize::from(is_new));
    }
}

#[test]
fn the_limits_are_those_that_are_given() {
    let limits = |intset, entries, value| EncodingLimits {
        set_max_intset_entries: intset,
        set_max_listpack_entries: entries,
        set_max_listpack_value: value,
        ..LIMITS
    };
    let encodings = |limits: &EncodingLimits, members: &[&str]| {
        let mut set = Set::new();
        let after_each = members.iter().map(|member| {
            set.insert(member.as_bytes(), limits);
            set.encoding()
        });
        after_each.collect::<Vec<_>>()
    };
    assert_eq!(encodings(&limits(0, 3, 9), &["1", "x"]), [HashTable, HashTable]);
    assert_eq!(encodings(&limits(9, 0, 9), &["1", "x"]), [IntSet, HashTable]);
    assert_eq!(encodings(&limits(9, 0, 9), &["x"]), [HashTable]);
    assert_eq!(encodings(&limits(9, 2, 9), &["1", "x", "y"]), [IntSet, ListPack, HashTable]);
    assert_eq!(encodings(&limits(9, 9, 1), &["1", "x", "xy"]), [IntSet, ListPack, HashTable]);
    // An integer that is too long for a listpack may be at either end of the intset.
    assert_eq!(encodings(&limits(9, 9, 1), &["1", "10", "x"]), [IntSet, IntSet, HashTable]);
    assert_eq!(encodings(&limits(9, 9, 2), &["1", "-10", "x"]), [IntSet, IntSet, HashTable]);
    assert_eq!(encodings(&limits(9, 9, 3), &["1", "-10", "x"]), [IntSet, IntSet, ListPack]);
    // An intset never becomes a listpack because of its number of members.
    assert_eq!(encodings(&limits(1, 9, 9), &["1", "2"]), [IntSet, HashTable]);
}

#[test]
fn limits_that_have_changed_show_with_the_next_member() {
    let mut set = set_of(numbers(0..10), &LIMITS);
    let fewer = EncodingLimits { set_max_intset_entries: 5, ..LIMITS };
    assert!(!set.insert(3, &fewer));
    assert_eq!(set.encoding(), IntSet);
    assert!(set.insert(10, &fewer));
    assert_eq!((set.encoding(), set.len()), (HashTable, 11));
}

#[test]
fn a_set_does_not_go_back_when_it_shrinks() {
    let mut set = set_of(words(129), &LIMITS);
    for word in words(128) {
        assert!(set.remove(word.as_bytes()));
    }
    assert_eq!((set.encoding(), set.len()), (HashTable, 1));
    let mut set = set_of(["1", "x"], &LIMITS);
    set.remove(&b"x"[..]);
    assert_eq!(set.encoding(), ListPack);
}

#[test]
fn a_hint_decides_what_a_set_begins_as() {
    // The columns are the first member, the hint, and the encoding.
    for (first, hint, encoding) in [
        ("1", 1, IntSet),
        ("1", 512, IntSet),
        ("1", 513, HashTable),
        ("x", 1, ListPack),
        ("x", 128, ListPack),
        ("x", 129, HashTable),
    ] {
        let set = Set::try_with_hint(first.as_bytes(), hint, &LIMITS).unwrap();
        assert_eq!((set.encoding(), set.len()), (encoding, 0), "{first:?}, {hint}");
    }
    let small_intset = EncodingLimits { set_max_intset_entries: 4, ..LIMITS };
    assert_eq!(Set::try_with_hint(1, 5, &small_intset).unwrap().encoding(), ListPack);

    let after_hint = |mut set: Set, hint| {
        set.try_convert_for(hint, &LIMITS).unwrap();
        set.encoding()
    };
    assert_eq!(after_hint(set_of(["1"], &LIMITS), 512), IntSet);
    assert_eq!(after_hint(set_of(["1"], &LIMITS), 513), HashTable);
    assert_eq!(after_hint(set_of(["x"], &LIMITS), 128), ListPack);
    assert_eq!(after_hint(set_of(["x"], &LIMITS), 129), HashTable);
    assert_eq!(after_hint(set_of(words(200), &LIMITS), 1), HashTable);
}

#[test]
fn popping_nearly_all_packs_what_is_left() {
    let pop = |mut set: Set, count| {
        let mut popped = 0;
        assert_eq!(set.try_pop_many(count, &LIMITS, source(1), |_| popped += 1), Ok(popped));
        (set.encoding(), set.len())
    };
    // The members that stay are copied to a new set if at least five times as many are popped.
    let table = || set_of(words(600), &LIMITS);
    assert_eq!(pop(table(), 499), (HashTable, 101)); // 101 * 5 is more than 499
    assert_eq!(pop(table(), 500), (ListPack, 100));
    assert_eq!(pop(set_of(words(1200), &LIMITS), 1000), (HashTable, 200)); // too many for a listpack
    assert_eq!(pop(set_of(numbers(0..600), &LIMITS), 590), (ListPack, 10)); // not an intset
    assert_eq!(pop(set_of(numbers(0..500), &LIMITS), 490), (IntSet, 10));
    assert_eq!(pop(set_of(words(100), &LIMITS), 90), (ListPack, 10));
    assert_eq!(pop(table(), 600), (IntSet, 0)); // a store would delete the key
}

#[test]
fn a_stored_result_has_the_encoding_that_redis_gives_it() {
    let (few_numbers, many_numbers) = (set_of(numbers(0..100), &LIMITS), set_of(numbers(0..600), &LIMITS));
    let (few_words, many_words) = (set_of(words(100), &LIMITS), set_of(words(200), &LIMITS));
    assert_eq!(
        [&few_numbers, &many_numbers, &few_words, &many_words].map(Set::encoding),
        [IntSet, HashTable, ListPack, HashTable]
    );

    let inter = |mut sets: Vec<&Set>| try_inter_store(&mut sets, &LIMITS).unwrap().encoding();
    assert_eq!(inter(vec![&few_numbers, &many_numbers]), IntSet);
    assert_eq!(inter(vec![&few_words, &many_words]), ListPack);
    assert_eq!(inter(vec![&many_words, &many_words.try_clone().unwrap()]), HashTable);
    // Integers from tables become an intset again.
    let other_numbers = set_of(numbers(300..1000), &LIMITS);
    assert_eq!(other_numbers.encoding(), HashTable);
    assert_eq!(inter(vec![&many_numbers, &other_numbers]), IntSet);
    assert_eq!(inter(vec![&many_numbers, &many_numbers.try_clone().unwrap()]), HashTable); // 600 of them
    // The table has words among its integers, but the result has none.
    let mixed = set_of(words(20).chain(numbers(0..20)), &LIMITS);
    assert_eq!(inter(vec![&mixed, &many_numbers]), IntSet);
    assert_eq!(inter(vec![&mixed, &set_of(words(2).chain(numbers(0..2)), &LIMITS)]), ListPack);

    let union = |sets: &[&Set]| try_union_store(sets, &LIMITS).unwrap().encoding();
    assert_eq!(union(&[&few_numbers, &few_numbers]), IntSet);
    assert_eq!(union(&[&few_numbers, &many_numbers]), HashTable);
    assert_eq!(union(&[&few_numbers, &set_of(words(28), &LIMITS)]), ListPack);
    assert_eq!(union(&[&few_numbers, &set_of(words(29), &LIMITS)]), HashTable);

    let diff = |first: &Set, others: &mut [&Set]| {
        let result = try_diff_store(first, others, &LIMITS).unwrap();
        (result.encoding(), result.len())
    };
    // With one other set, each member is looked up in it, so the result was never larger than it is now.
    assert_eq!(diff(&many_words, &mut [&few_words]), (ListPack, 100));
    // With many small other sets, all members are taken and those of the others are removed, so the result
    // was a table.
    let small: Vec<Set> = (0..4).map(|n| set_of(words(30).skip(n * 5).take(5), &LIMITS)).collect();
    let mut others: Vec<&Set> = small.iter().collect();
    assert_eq!(diff(&set_of(words(140), &LIMITS), &mut others), (HashTable, 120));
    assert_eq!(diff(&set_of(words(140), &LIMITS), &mut others[..1]), (HashTable, 135));
    assert_eq!(diff(&many_words, &mut [&few_numbers, &many_words]), (IntSet, 0)); // empty at once
}

#[test]
fn a_member_whose_visitor_panics_while_it_is_popped_is_gone_in_every_encoding() {
    for (members, encoding) in [
        (numbers(0..8).collect::<Vec<_>>(), IntSet),
        (words(8).collect(), ListPack),
        (words(200).collect(), HashTable),
    ] {
        let mut set = set_of(&members, &LIMITS);
        assert_eq!(set.encoding(), encoding);
        let mut seen = None;
        let popped = catch_unwind(AssertUnwindSafe(|| {
            set.pop(source(3), |member| {
                seen = Some(member.text().to_vec());
                panic!("of the visitor");
            })
        }));
        assert!(popped.is_err());
        let member = seen.expect("a visit");
        assert!(!set.contains(&member[..]), "{encoding:?}");
        assert_eq!(set.len(), members.len() - 1);
        let several = catch_unwind(AssertUnwindSafe(|| {
            set.try_pop_many(2, &LIMITS, source(4), |_| panic!("of the visitor"))
        }));
        assert!(several.is_err());
        assert_eq!(set.len(), members.len() - 2, "{encoding:?}");
    }
}
