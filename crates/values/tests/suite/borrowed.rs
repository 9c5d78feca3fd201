//! Tests of borrowed values: given as an encoding and a word, or packed inside a block that the caller owns.

use values::list::Item;
use values::{
    Collection, CollectionView, Cursor, Element, Encoding, EncodingLimits, Error, Hash, HashView, List,
    ListView, ObjectType, Set, SetView, ZSet, ZSetView, set as sets,
};

/// The distance of the bytes that are damaged. It is larger under Miri, which is a hundred times slower.
const STEP: usize = if cfg!(miri) { 13 } else { 1 };

const LIMITS: EncodingLimits = EncodingLimits::DEFAULT;

fn hash() -> Hash {
    let mut hash = Hash::new();
    for (field, value) in [("name", "redcore"), ("year", "2026"), ("empty", "")] {
        hash.insert(field, value, &LIMITS);
    }
    hash
}

fn zset() -> ZSet {
    let mut zset = ZSet::new();
    for (member, score) in [("a", 1.0), ("b", 0.5), ("c", -3.25e200), ("d", 1.0)] {
        zset.insert(member, score, &LIMITS).unwrap();
    }
    zset
}

fn list() -> List {
    let mut list = List::new();
    ["one", "2", "one"].into_iter().for_each(|element| list.push_back(element, &LIMITS));
    list
}

fn set(members: &[&str]) -> Set {
    let mut set = Set::new();
    for member in members {
        set.insert(*member, &LIMITS);
    }
    set
}

/// Shows that what a view lends lives as long as the value.
fn hget<'a>(hash: HashView<'a>, field: &[u8]) -> Option<Element<'a>> {
    let view = hash;
    view.get(field)
}

fn lindex<'a>(list: ListView<'a>, index: i64) -> Option<Item<'a>> {
    let view = list;
    view.get(index)
}

fn smallest<'a>(set: SetView<'a>) -> Option<Element<'a>> {
    let view = set;
    view.iter().min()
}

fn lowest<'a>(zset: ZSetView<'a>) -> Option<(Element<'a>, f64)> {
    let view = zset;
    view.by_rank(0)
}

#[test]
fn a_view_lends_for_the_life_of_the_value_wherever_that_lies() {
    let owned = hash();
    assert_eq!(hget(owned.view(), b"name"), Some("redcore".into()));
    let bytes = owned.as_packed().unwrap().to_vec();
    let packed = Hash::view_of_packed(Encoding::ListPack, &bytes).unwrap();
    assert_eq!(hget(packed, b"year"), Some(Element::Int(2026)));
    assert_eq!(lindex(list().view(), -2).unwrap().element(), Element::Int(2));
    assert_eq!(smallest(set(&["x", "7"]).view()), Some(Element::Int(7)));
    assert_eq!(lowest(zset().view()), Some(("c".into(), -3.25e200)));
}

/// Converts a value to a word, reads it there, and takes it back once.
fn check_raw_word<C: Collection + PartialEq + std::fmt::Debug>((value, expected): (C, Encoding)) {
    let (copy, size) = (value.try_clone().unwrap(), value.allocation_size());
    let (encoding, word) = value.into_raw();
    assert_eq!(encoding, expected);
    // SAFETY: both come from `into_raw` above. The view ends before the value is taken back, which happens
    // once.
    let back = unsafe {
        assert_eq!(C::allocation_size_of_raw(encoding, &word), size);
        assert_eq!(C::free_effort_of_raw(encoding, &word), copy.free_effort());
        let view = C::view_of_raw(encoding, &word);
        assert_eq!((view.len(), view.encoding()), (copy.len(), encoding));
        assert_eq!(view.try_to_owned().unwrap(), copy);
        C::from_raw(encoding, word)
    };
    assert_eq!((back.encoding(), &back), (encoding, &copy));
}

#[test]
fn a_word_is_read_in_every_encoding() {
    let long = "x".repeat(65);
    let mut large = hash();
    large.insert("long", &*long, &LIMITS);
    let mut scores = zset();
    scores.insert(&*long, 2.0, &LIMITS).unwrap();
    let mut queue = list();
    let small = EncodingLimits { list_max_listpack_size: 2, ..LIMITS };
    queue.push_back("four", &small);
    [(hash(), Encoding::ListPack), (large, Encoding::HashTable)].into_iter().for_each(check_raw_word);
    [(list(), Encoding::ListPack), (queue, Encoding::QuickList)].into_iter().for_each(check_raw_word);
    check_raw_word((set(&["1", "2"]), Encoding::IntSet));
    check_raw_word((set(&["x", "7"]), Encoding::ListPack));
    check_raw_word((set(&["x", &long]), Encoding::HashTable));
    [(zset(), Encoding::ListPack), (scores, Encoding::SkipList)].into_iter().for_each(check_raw_word);
}

/// Reads a packed value inside a block: up to seven bytes are in front of it, for each of the eight
/// alignments, and a key is after it.
fn in_blocks<C: Collection>(value: &C, check: impl Fn(C::View<'_>)) {
    let bytes = value.as_packed().expect("packed");
    for shift in 0..8 {
        let block = [&[0xEE; 8][..shift], bytes, b"key"].concat();
        check(C::view_of_packed(value.encoding(), &block[shift..][..bytes.len()]).unwrap());
    }
}

#[test]
fn a_packed_value_is_read_at_any_address() {
    let (list, words, hash, zset) = (list(), set(&["x", "7"]), hash(), zset());
    let numbers = set(&["-1", "70000", "5"]);
    in_blocks(&list, |view| assert!(view == list.view() && view.encoding() == Encoding::ListPack));
    in_blocks(&words, |view| assert!(view == words.view() && view.contains(7)));
    in_blocks(&numbers, |view| {
        assert!(view.iter().eq([-1, 5, 70_000].map(Element::Int)) && view.encoding() == Encoding::IntSet);
    });
    in_blocks(&hash, |view| assert_eq!(view, hash.view()));
    in_blocks(&zset, |view| assert_eq!((view, view.rank("b")), (zset.view(), Some((1, 0.5)))));
}

/// Checks that the bytes become an equal value. With one byte changed they must become some value, or an
/// error, but never a panic.
fn from_packed<C: Collection + PartialEq + std::fmt::Debug>(value: &C) {
    let bytes = value.as_packed().expect("packed");
    assert_eq!(C::try_from_packed(value.encoding(), bytes).as_ref(), Ok(value));
    let flips: &[u8] = if cfg!(miri) { &[0xFF] } else { &[1, 0x10, 0x80, 0xFF] };
    for at in (0..bytes.len()).step_by(STEP) {
        for flip in flips {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= flip;
            if let Err(error) = C::try_from_packed(value.encoding(), &damaged) {
                assert!(matches!(error, Error::Malformed { offset } if offset <= bytes.len()), "{error}");
            }
        }
    }
    for encoding in Encoding::ALL {
        let (copy, view) = (C::try_from_packed(encoding, bytes), C::view_of_packed(encoding, bytes));
        if encoding == value.encoding() {
            assert!(copy.is_ok() && view.is_ok());
        } else if encoding == Encoding::ListPack
            || (encoding == Encoding::IntSet && C::TYPE == ObjectType::Set)
        {
            assert!(matches!(copy, Err(Error::Malformed { .. })), "{encoding}");
        } else {
            assert_eq!(
                (copy.err(), view.err()),
                (Some(Error::NotPacked { encoding }), Some(Error::NotPacked { encoding }))
            );
        }
    }
}

#[test]
fn packed_bytes_become_a_value_again_and_damaged_ones_are_refused() {
    from_packed(&list());
    from_packed(&hash());
    from_packed(&zset());
    from_packed(&set(&["x", "7"]));
    from_packed(&set(&["3", "4"]));
}

fn packed(entries: &[&str]) -> Vec<u8> {
    let mut list = listpack::ListPack::new();
    list.extend(entries.iter().copied());
    list.as_bytes().to_vec()
}

fn offset_of<C: Collection>(bytes: &[u8]) -> Option<usize> {
    match C::try_from_packed(Encoding::ListPack, bytes) {
        Ok(_) => None,
        Err(Error::Malformed { offset }) => Some(offset),
        Err(error) => unreachable!("{error}"),
    }
}

/// In this test an entry takes three bytes, and the header six.
#[test]
fn a_listpack_that_breaks_a_promise_of_the_type_is_refused_where_it_does() {
    assert_eq!(offset_of::<List>(&packed(&["a", "b", "a"])), None);
    assert_eq!(offset_of::<Set>(&packed(&["a", "b", "a"])), Some(6 + 2 * 3));
    assert_eq!(offset_of::<Hash>(&packed(&["a", "b", "b", "a"])), None);
    assert_eq!(offset_of::<Hash>(&packed(&["a", "b", "a", "c"])), Some(6 + 2 * 3));
    assert_eq!(offset_of::<Hash>(&packed(&["a", "b", "c"])), Some(6 + 3 * 3));
    // A score that is an integer takes two bytes.
    assert_eq!(offset_of::<ZSet>(&packed(&["a", "1", "b", "1"])), None);
    assert_eq!(offset_of::<ZSet>(&packed(&["b", "1", "a", "1"])), Some(6 + 5));
    assert_eq!(offset_of::<ZSet>(&packed(&["a", "2", "b", "1"])), Some(6 + 5));
    assert_eq!(offset_of::<ZSet>(&packed(&["a", "1", "a", "2"])), Some(6 + 5));
    assert_eq!(offset_of::<ZSet>(&packed(&["a", "x"])), Some(6 + 3));
    assert_eq!(offset_of::<ZSet>(&packed(&["a"])), Some(6 + 3));
    let mut doubles = listpack::ListPack::new();
    doubles.push_back("a");
    doubles.push_back(listpack::Value::Double(0.1));
    assert_eq!(offset_of::<ZSet>(doubles.as_bytes()), None);
    assert_eq!(offset_of::<List>(doubles.as_bytes()), Some(6 + 3));
}

fn same<V: CollectionView>(one: V, other: V) -> bool {
    one == other
}

/// Calls all methods of a view. The results for damaged bytes do not matter, but there must be results.
fn read_all(encoding: Encoding, bytes: &[u8]) {
    let mut number = 0_u64;
    let mut rng = || {
        number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
        number
    };
    if let Ok(list) = List::view_of_packed(encoding, bytes) {
        assert!(list.iter().count() <= bytes.len());
        let _ =
            (list.iter().rev().count(), list.get(-1).is_some(), list.range(1, -2).count(), same(list, list));
        let _ = (list.positions("one", core::num::NonZeroI64::MIN, 9).count(), format!("{list:?}"));
        write_all_of_a_list(list.try_to_owned().unwrap());
    }
    if let Ok(set) = Set::view_of_packed(encoding, bytes) {
        let members: Vec<_> = set.iter().collect();
        let _ = (set.contains("x"), set.contains_many(&members).count(), same(set, set), format!("{set:?}"));
        let _ = (set.random(&mut rng).is_some(), set.scan(Cursor::START, |_| ()));
        set.random_many(3, &mut rng, |_| ());
        let _ = set.try_random_unique(2, &mut rng, |_| ());
        let _ = (sets::inter_card(&mut [set, set], 0), sets::try_union_store(&[set, set], &LIMITS));
        let _ = sets::try_diff_store(set, &mut [set], &LIMITS);
        let mut copy = set.try_to_owned().unwrap();
        let _ = (copy.insert("new", &LIMITS), copy.remove("x"), copy.pop(&mut rng, |_| ()));
        let _ = (copy.insert(&[0; 65], &LIMITS), copy.try_pop_many(1, &LIMITS, &mut rng, |_| ()));
    }
    if let Ok(hash) = Hash::view_of_packed(encoding, bytes) {
        let fields: Vec<_> = hash.keys().collect();
        let _ = (hash.get("name"), hash.get_many(&fields).count(), hash.values().count(), same(hash, hash));
        let _ = (hash.random(&mut rng), hash.scan(Cursor::START, |_, _| ()), format!("{hash:?}"));
        hash.random_many(3, &mut rng, |_, _| ());
        let _ = hash.try_random_unique(2, &mut rng, |_, _| ());
        let mut copy = hash.try_to_owned().unwrap();
        let last = copy.keys().last().map(|field| field.text().to_vec());
        if let Some(last) = last {
            let _ = (
                copy.insert(&last[..], 7, &LIMITS),
                copy.incr_by(&last[..], 1, &LIMITS),
                copy.remove(&last[..]),
            );
        }
        let _ = (copy.insert("new", "value", &LIMITS), copy.insert("long", &[0; 65], &LIMITS));
    }
    if let Ok(zset) = ZSet::view_of_packed(encoding, bytes) {
        let _ = (zset.iter().count(), zset.iter().rev().count(), same(zset, zset), format!("{zset:?}"));
        let _ = (
            zset.score("a"),
            zset.rank("b"),
            zset.rev_rank("d"),
            zset.by_rank(2),
            zset.range(1..3).rev().count(),
        );
        let _ = (zset.range_by_score(0.0..).count(), zset.ranks_by_lex(..).len(), zset.ranks_by_index(0, -1));
        let _ = (zset.random(&mut rng), zset.scan(Cursor::START, |_, _| ()));
        zset.random_many(3, &mut rng, |_, _| ());
        let _ = zset.try_random_unique(2, &mut rng, |_, _| ());
        let mut copy = zset.try_to_owned().unwrap();
        let _ = (copy.insert("new", 1.5, &LIMITS), copy.insert("a", 9.0, &LIMITS), copy.remove("b"));
        let _ = (copy.pop_first(|_, _| ()), copy.remove_range(1..2), copy.insert(&[0; 65], 0.0, &LIMITS));
    }
}

fn write_all_of_a_list(mut list: List) {
    list.push_back("new", &LIMITS);
    let _ = (list.pop_front(&LIMITS), list.set(1, 7, &LIMITS), list.remove(0, "one", &LIMITS));
    list.trim(0, -2, &LIMITS);
    list.push_front(&[0; 10_000], &LIMITS);
}

#[test]
fn reading_damaged_bytes_and_writing_to_copies_of_them_ends_without_a_panic() {
    let values = [
        (Encoding::ListPack, list().as_packed().unwrap().to_vec()),
        (Encoding::ListPack, hash().as_packed().unwrap().to_vec()),
        (Encoding::ListPack, zset().as_packed().unwrap().to_vec()),
        (Encoding::ListPack, set(&["x", "7"]).as_packed().unwrap().to_vec()),
        (Encoding::IntSet, set(&["3", "70000"]).as_packed().unwrap().to_vec()),
    ];
    let flips: &[u8] = if cfg!(miri) { &[0xFF] } else { &[1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0xFF] };
    for (encoding, bytes) in values {
        read_all(encoding, &bytes);
        // Under Miri the first four bytes are left out: they are the length or the encoding, and any change
        // of them is an error.
        for at in (if cfg!(miri) { 4 } else { 0 }..bytes.len()).step_by(2 * STEP - 1) {
            for flip in flips {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                read_all(encoding, &damaged);
            }
        }
    }
}

#[test]
fn missing_memory_is_found_in_every_part_of_an_error() {
    let refused = values::ReserveError::OutOfMemory { size: 7 };
    let errors = [
        Error::Reserve(refused),
        Error::String(values::string::StringError::Reserve(refused)),
        Error::Hash(values::hash::HashError::Reserve(refused)),
        Error::ZSet(values::zset::AddError::Reserve(refused)),
        Error::Sort(values::SortError::Reserve(refused)),
    ];
    assert_eq!(errors.map(|error| error.reserve_error()), [Some(refused); 5]);
    assert_eq!(Error::Shared { refcount: 2 }.reserve_error(), None);
}
