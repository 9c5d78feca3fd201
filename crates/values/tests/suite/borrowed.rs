//! Values that lie elsewhere: as a word and an encoding, or packed inside a block of somebody else's.

use values::{Collection, Element, Encoding, EncodingLimits, Error, Hash, HashView, List, Set, ZSet};

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

/// What is lent lives as long as the value, not as long as the view.
fn hget<'a>(hash: HashView<'a>, field: &[u8]) -> Option<Element<'a>> {
    let view = hash;
    view.get(field)
}

#[test]
fn a_view_lends_for_the_life_of_the_value_wherever_that_lies() {
    let owned = hash();
    assert_eq!(hget(owned.view(), b"name"), Some("redcore".into()));
    let bytes = owned.as_packed().unwrap().to_vec();
    let packed = Hash::view_of_packed(Encoding::ListPack, &bytes).unwrap();
    assert_eq!(hget(packed, b"year"), Some(Element::Int(2026)));
    let mut large = owned;
    large.insert("long", &[b'x'; 65][..], &LIMITS);
    for hash in [hash(), large] {
        let (len, (encoding, word)) = (hash.len(), hash.into_raw());
        // SAFETY: the two of just now. The view ends before the hash is taken back, which happens once.
        let hash = unsafe {
            let view = Hash::view_of_raw(encoding, &word);
            assert_eq!((hget(view, b"name"), view.len()), (Some("redcore".into()), len));
            Hash::from_raw(encoding, word)
        };
        assert_eq!(hash.encoding(), encoding);
    }
}

/// Eight bytes before it, a key behind it, and each of the eight alignments.
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

/// The bytes become an equal value; with a byte changed, an equal one, another one, or an error. Never a panic.
fn from_packed<C: Collection + PartialEq + std::fmt::Debug>(value: &C) {
    let bytes = value.as_packed().expect("packed");
    assert_eq!(C::try_from_packed(value.encoding(), bytes).as_ref(), Ok(value));
    let flips: &[u8] = if cfg!(miri) { &[0xFF] } else { &[1, 0x10, 0x80, 0xFF] };
    for at in 0..bytes.len() {
        for flip in flips {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= flip;
            if let Err(error) = C::try_from_packed(value.encoding(), &damaged) {
                assert!(matches!(error, Error::Malformed { offset } if offset <= bytes.len()), "{error}");
            }
        }
    }
    for encoding in Encoding::ALL {
        let answer = C::try_from_packed(encoding, bytes);
        assert!(encoding == value.encoding() || answer.is_err(), "{encoding}");
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

/// Entries are three bytes long here, behind a header of six.
#[test]
fn a_listpack_that_breaks_a_promise_of_the_type_is_refused_where_it_does() {
    assert_eq!(offset_of::<List>(&packed(&["a", "b", "a"])), None);
    assert_eq!(offset_of::<Set>(&packed(&["a", "b", "a"])), Some(6 + 2 * 3));
    assert_eq!(offset_of::<Hash>(&packed(&["a", "b", "b", "a"])), None);
    assert_eq!(offset_of::<Hash>(&packed(&["a", "b", "a", "c"])), Some(6 + 2 * 3));
    assert_eq!(offset_of::<Hash>(&packed(&["a", "b", "c"])), Some(6 + 3 * 3));
    // Scores: an integer takes two bytes.
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
