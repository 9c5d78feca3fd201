//! Tests of encodings: what `OBJECT ENCODING` prints, case by case, and the bytes in memory.

use robj::{Encoding, EncodingLimits, ObjectType, Robj, SHARED_REFCOUNT};
use sds::Sds;
use std::cmp::Ordering;

const LIMITS: EncodingLimits = EncodingLimits::DEFAULT;

/// Returns the value as `SET` stores it.
fn stored(text: &str) -> Robj {
    Robj::from_bytes(text.as_bytes(), &LIMITS).encode(&LIMITS)
}

#[test]
fn set_then_object_encoding() {
    let long_digits = "1".repeat(45);
    for (text, encoding) in [
        ("0", "int"),
        ("-1", "int"),
        ("9999", "int"),
        ("10000", "int"),
        ("9223372036854775807", "int"),
        ("-9223372036854775808", "int"),
        ("9223372036854775808", "embstr"),
        ("-9223372036854775809", "embstr"),
        ("100000000000000000000", "embstr"), // 21 digits
        ("-0", "embstr"),
        ("+1", "embstr"),
        ("01", "embstr"),
        (" 1", "embstr"),
        ("1 ", "embstr"),
        ("1.0", "embstr"),
        ("", "embstr"),
        ("hello", "embstr"),
        (&"x".repeat(44), "embstr"),
        (&"x".repeat(45), "raw"),
        (&long_digits, "raw"),
    ] {
        let object = stored(text);
        assert_eq!(object.encoding().as_str(), encoding, "{text:?}");
        assert_eq!(object.object_type(), ObjectType::String);
        assert_eq!(&*object.as_string().unwrap(), text.as_bytes());
        assert_eq!(object.string_len().unwrap(), text.len());
    }
}

#[test]
fn small_integers_are_one_object() {
    let (a, b) = (stored("100"), stored("100"));
    assert!(a.ptr_eq(&b));
    assert_eq!(a.refcount(), SHARED_REFCOUNT);
    assert!(!stored("10000").ptr_eq(&stored("10000")));
    assert!(!stored("-1").is_shared_integer());

    let few = EncodingLimits { shared_integers: 100, ..LIMITS };
    assert!(Robj::from("99").encode(&few).is_shared_integer());
    assert!(!Robj::from("100").encode(&few).is_shared_integer());
    assert_eq!(Robj::from("100").encode(&few).encoding(), Encoding::Int);
}

#[test]
fn an_embedded_string_lies_in_one_block_behind_its_header() {
    let object = Robj::from("aa10000");
    object.touch(0x123456);
    // SAFETY: an embstr object of 7 bytes is one block of 16 + 3 + 7 + 1 bytes, all initialised.
    let block = unsafe { std::slice::from_raw_parts(object.as_ptr(), 27) };
    assert_eq!(block[0..4], 0x12345680u32.to_ne_bytes()); // lru 0x123456, encoding 8, type 0
    assert_eq!(block[4..8], 1u32.to_ne_bytes());
    assert_eq!(block[8..16], (object.as_ptr().addr() as u64 + 19).to_ne_bytes());
    assert_eq!(block[16..19], [7, 7, 1]); // len, alloc, flags: sdshdr8
    assert_eq!(block[19..27], *b"aa10000\0");
    assert_eq!(object.as_string().unwrap().as_ptr(), &raw const block[19]);
}

#[test]
fn a_raw_string_is_the_sds_it_was_made_of() {
    let string = Sds::from_bytes(&[b'x'; 100]);
    let address = string.as_ptr();
    let object = Robj::raw(string);
    assert_eq!(object.as_string().unwrap().as_ptr(), address);
    // SAFETY: the header of a raw object is a block of 16 initialised bytes.
    let header = unsafe { std::slice::from_raw_parts(object.as_ptr(), 16) };
    assert_eq!(header[0..8], [0u32.to_ne_bytes(), 1u32.to_ne_bytes()].concat());
    assert_eq!(header[8..16], (address.addr() as u64).to_ne_bytes());
}

#[test]
fn the_embstr_limit_can_be_moved_but_not_beyond_its_header() {
    for (limit, longest) in [(0, 0), (20, 20), (255, 255), (256, 255), (usize::MAX, 255)] {
        let limits = EncodingLimits { embstr_size_limit: limit, ..LIMITS };
        let at = Robj::from_bytes(&vec![b'x'; longest], &limits);
        let above = Robj::from_bytes(&vec![b'x'; longest + 1], &limits);
        assert_eq!((at.encoding(), above.encoding()), (Encoding::EmbStr, Encoding::Raw), "{limit}");
        assert_eq!(at.string_len().unwrap(), longest);
        assert_eq!(above.encode(&limits).encoding(), Encoding::Raw);
    }
}

#[test]
fn doubles_are_text() {
    for (value, text) in [(3.0, "3"), (0.1, "0.1"), (-1.5, "-1.5"), (f64::INFINITY, "inf")] {
        let object = Robj::from_f64(value, &LIMITS);
        assert_eq!((&*object.as_string().unwrap(), object.encoding()), (text.as_bytes(), Encoding::EmbStr));
    }
    let none = EncodingLimits { embstr_size_limit: 0, ..LIMITS };
    assert_eq!(Robj::from_f64(0.5, &none).encoding(), Encoding::Raw);
}

#[test]
fn try_encode_leaves_what_others_hold() {
    let object = Robj::raw(Sds::from("123456"));
    let other = object.clone();
    let object = object.encode(&LIMITS);
    assert!(object.ptr_eq(&other));
    assert_eq!(object.encoding(), Encoding::Raw);
    drop(other);
    assert_eq!(object.encode(&LIMITS).encoding(), Encoding::Int);
}

#[test]
fn try_encode_of_a_raw_integer_keeps_the_header() {
    let object = Robj::raw(Sds::from("123456"));
    let address = object.as_ptr();
    let object = object.encode(&LIMITS);
    assert_eq!((object.as_ptr(), object.as_i64()), (address, Some(123_456)));
}

#[test]
fn try_encode_cuts_free_space_of_more_than_a_tenth() {
    let with_spare = |spare| {
        let mut string = Sds::from_bytes(&[b'x'; 1000]);
        string.make_room_for_non_greedy(spare);
        Robj::raw(string)
    };
    let tight = Robj::from_bytes(&[b'x'; 1000], &LIMITS).allocation_size();
    let with_free_space = with_spare(3000);
    assert!(with_free_space.allocation_size() > tight + 2000);
    assert_eq!(with_free_space.encode(&LIMITS).allocation_size(), tight);
    // A string with less free space stays where it is.
    let nearly = with_spare(10);
    let address = nearly.as_string().unwrap().as_ptr();
    assert_eq!(nearly.encode(&LIMITS).as_string().unwrap().as_ptr(), address);
}

#[test]
fn the_clock_moves_with_the_value() {
    let touched = |object: Robj| {
        object.touch(777);
        object
    };
    let cases = [
        touched(Robj::from("123456")).encode(&LIMITS),
        touched(Robj::raw(Sds::from("123456"))).encode(&LIMITS),
        touched(Robj::raw(Sds::from("short"))).encode(&LIMITS),
        touched(Robj::from(123_456)).decoded(&LIMITS),
        {
            let mut object = touched(Robj::from("short"));
            object.make_mut().unwrap();
            object
        },
        {
            let mut object = touched(Robj::from("text"));
            object.set_i64(1 << 40, &LIMITS).unwrap();
            object
        },
    ];
    for object in cases {
        assert_eq!(object.idle_time(777), 0, "{object:?}");
    }
}

#[test]
fn make_mut_copies_what_others_hold_and_only_that() {
    let mut object = Robj::raw(Sds::from("one"));
    let address = object.as_ptr();
    object.make_mut().unwrap().push_bytes(b" two");
    assert_eq!(object.as_ptr(), address);

    let old = object.clone();
    object.make_mut().unwrap().push_bytes(b" three");
    assert!(!object.ptr_eq(&old));
    assert_eq!(
        (&*old.as_string().unwrap(), &*object.as_string().unwrap()),
        (&b"one two"[..], &b"one two three"[..])
    );
    assert_eq!((old.refcount(), object.refcount()), (1, 1));

    let mut shared = Robj::from(7);
    shared.make_mut().unwrap().push_bytes(b"7");
    assert_eq!(shared.as_i64(), Some(77));
    assert_eq!(Robj::from(7).as_i64(), Some(7));
}

#[test]
fn set_i64_writes_in_place_only_if_the_object_is_not_shared() {
    let mut counter = Robj::from(20_000);
    let address = counter.as_ptr();
    counter.set_i64(20_001, &LIMITS).unwrap();
    assert_eq!(counter.as_ptr(), address);

    let seen = counter.clone();
    counter.set_i64(20_002, &LIMITS).unwrap();
    assert_eq!((seen.as_i64(), counter.as_i64()), (Some(20_001), Some(20_002)));

    counter.set_i64(5, &LIMITS).unwrap();
    assert!(counter.is_shared_integer());
    counter.set_i64(6, &EncodingLimits::NO_SHARED_INTEGERS).unwrap();
    assert!(!counter.is_shared_integer());
    assert_eq!(Robj::from(5).as_i64(), Some(5));
}

#[test]
fn strings_compare_by_their_bytes_across_encodings() {
    let int = Robj::from(123_456);
    let embedded = Robj::from("123456");
    let raw = Robj::raw(Sds::from("123456"));
    let other = Robj::from("123457");
    for a in [&int, &embedded, &raw] {
        for b in [&int, &embedded, &raw] {
            assert_eq!(a, b);
            assert_eq!(a.cmp_bytes(b).unwrap(), Ordering::Equal);
        }
        assert_ne!(*a, other);
        assert_eq!(a.cmp_bytes(&other).unwrap(), Ordering::Less);
    }
    assert_ne!(int, Robj::from(123_457));
    assert_eq!(Robj::from(10).cmp_bytes(&Robj::from(9)), Ok(Ordering::Less));
}

#[test]
fn the_effort_to_free_counts_blocks_and_pages_of_the_last_reference() {
    assert_eq!(Robj::from(7).free_effort(), 0);
    assert_eq!(Robj::from(1 << 40).free_effort(), 1);
    assert_eq!(Robj::from("short").free_effort(), 1);
    let raw = Robj::raw(Sds::from("x"));
    assert_eq!(raw.free_effort(), 2);
    let other = raw.clone();
    assert_eq!((raw.free_effort(), other.free_effort()), (0, 0));
    let mebibyte = Robj::raw(Sds::from_bytes(&vec![b'x'; 1 << 20]));
    assert!((258..=2 + 320).contains(&mebibyte.free_effort()), "{}", mebibyte.free_effort());
}

#[test]
fn debug_shows_what_object_commands_would() {
    assert_eq!(
        format!("{:?}", Robj::from("a\"\n")),
        r#"Robj { type: String, encoding: EmbStr, refcount: 1, value: "a\"\n" }"#
    );
}

#[test]
fn counting_keeps_the_object_unless_the_sum_is_a_shared_integer() {
    let limits = EncodingLimits::DEFAULT;
    let mut object = Robj::from(10_001);
    object.touch(77);
    let address = object.as_ptr();
    assert_eq!((object.decr_by(1, &limits), object.as_ptr()), (Ok(10_000), address));
    assert_eq!(object.idle_time(78), 1);
    assert_eq!(object.decr_by(1, &limits), Ok(9_999));
    assert!(object.is_shared_integer() && object.as_ptr() != address);
    assert_eq!(object.incr_by(1, &limits), Ok(10_000));
    assert!(!object.is_shared_integer());
}
