//! Strings with std's traits and those of `bytes`.

use super::common;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use sds::{ReserveError, Sds};
use std::collections::{BTreeMap, HashMap};
use std::io::{self, IoSlice, Read, Write as _};

#[test]
fn a_map_keyed_by_strings_is_searched_with_slices() {
    let hashed: HashMap<Sds, i32> = [(Sds::from("one"), 1), (Sds::from("two"), 2)].into();
    let ordered: BTreeMap<Sds, i32> = hashed.iter().map(|(key, value)| (key.clone(), *value)).collect();
    assert_eq!(hashed.get(&b"two"[..]), Some(&2));
    assert_eq!(ordered.get(&b"one"[..]), Some(&1));
    assert_eq!(hashed.get(&b"three"[..]), None);
}

#[test]
fn strings_equal_whatever_holds_the_same_bytes() {
    let s = Sds::from("abc");
    assert!(s == "abc" && s == *"abc" && s == b"abc" && s == *b"abc" && s == b"abc"[..]);
    assert!("abc" == s && *"abc" == s && b"abc" == s && *b"abc" == s && b"abc"[..] == s);
    assert!(s != "abd" && s != "ab" && s != "abcd");
    let (text, list) = (String::from("abc"), b"abc".to_vec());
    let (shared, unique) = (Bytes::from("abc"), BytesMut::from("abcd"));
    assert!(s == text && s == list && s == shared && s != unique);
    assert!(text == s && list == s && shared == s && unique != s);
}

#[test]
fn strings_come_from_whatever_holds_bytes() -> Result<(), ReserveError> {
    let all: [Sds; 9] = [
        "abc".parse()?,
        (&b"abc"[..]).into(),
        b"abc".into(),
        (*b"abc").into(),
        String::from("abc").into(),
        b"abc".to_vec().into(),
        Box::<[u8]>::from(&b"abc"[..]).into(),
        Bytes::from("abc").into(),
        b"abc".iter().collect(),
    ];
    for s in all {
        common::check(&s, b"abc");
    }
    assert_eq!(Vec::from(Sds::from("abc")), b"abc");
    Ok(())
}

#[test]
fn bytes_own_the_string_without_a_copy() {
    let s = Sds::from_bytes(&common::sample(1000));
    let address = s.as_ptr();
    let whole = Bytes::from(s);
    assert_eq!(whole.as_ptr(), address);
    let tail = whole.slice(990..);
    drop(whole);
    assert_eq!(std::thread::spawn(move || tail.to_vec()).join().unwrap(), common::sample(1000)[990..]);
    assert!(Bytes::from(Sds::new()).is_empty());
}

#[test]
fn formatted_text_is_appended() {
    let mut s = Sds::from("port ");
    std::fmt::Write::write_fmt(&mut s, format_args!("{}", 6379)).unwrap();
    std::io::Write::write_fmt(&mut s, format_args!(", {:?}", "x")).unwrap();
    common::check(&s, b"port 6379, \"x\"");
}

#[test]
fn a_writer_takes_everything() -> io::Result<()> {
    let mut s = Sds::new();
    assert_eq!(s.write(b"abc")?, 3);
    assert_eq!(s.write_vectored(&[IoSlice::new(b"de"), IoSlice::new(b""), IoSlice::new(b"f")])?, 3);
    s.flush()?;
    assert_eq!(io::copy(&mut &common::sample(5000)[..], &mut s)?, 5000);
    common::check(&s, &[b"abcdef".to_vec(), common::sample(5000)].concat());
    Ok(())
}

#[test]
fn a_reader_fills_the_free_space() {
    let mut source = io::Cursor::new(common::sample(1000));
    let mut s = Sds::new();
    loop {
        // An asynchronous socket does the same: it writes to the chunk and then advances by the number of
        // bytes.
        let chunk = s.chunk_mut();
        // SAFETY: `fill` initialises the chunk, and the slice is no longer than the chunk. Nothing else uses
        // the string while the slice exists.
        let chunk = unsafe {
            chunk.as_uninit_slice_mut().fill(core::mem::MaybeUninit::new(0));
            core::slice::from_raw_parts_mut(chunk.as_mut_ptr(), chunk.len().min(300))
        };
        let count = source.read(chunk).unwrap();
        if count == 0 {
            break;
        }
        // SAFETY: `read` wrote that many bytes.
        unsafe { s.advance_mut(count) };
    }
    assert_eq!(s.as_bytes_with_nul(), [common::sample(1000), vec![0]].concat());
    common::check(&s, &common::sample(1000));
}

#[test]
fn numbers_are_put_like_into_any_buffer() {
    let mut s = Sds::from("x");
    s.put_u16(0x0102);
    s.put_slice(b"abc");
    s.put_bytes(7, 3);
    s.put(Bytes::from("tail").chain(&b"!"[..]));
    common::check(&s, b"x\x01\x02abc\x07\x07\x07tail!");
}

#[test]
fn a_string_is_read_like_any_buffer() {
    let s = Sds::from(b"\x01\x02\0\0\0\x03key value");
    // Borrowed: a slice implements `Buf`.
    let mut view = &s[..];
    assert_eq!((view.get_u16(), view.get_u32()), (0x0102, 3));
    assert_eq!(view.copy_to_bytes(3), "key");
    assert_eq!(view.remaining(), 6);
    // Owned: a cursor over the string implements `Buf`, and so does a `Bytes` that takes the string over
    // without a copy.
    let mut cursor = io::Cursor::new(s);
    cursor.advance(6);
    assert_eq!(cursor.chunk(), b"key value");
    let s = cursor.into_inner();
    let address = s.as_ptr();
    let mut owned = Bytes::from(s);
    owned.advance(10);
    assert_eq!((owned.as_ptr(), &owned[..]), (address.wrapping_add(10), &b"value"[..]));
}

#[test]
fn formatted_text_that_fails_is_not_written() {
    struct Refuses;
    impl std::fmt::Display for Refuses {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("half")?;
            Err(std::fmt::Error)
        }
    }
    let mut s = Sds::from("kept");
    let error = io::Write::write_fmt(&mut s, format_args!("some {Refuses}")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Other);
    common::check(&s, b"kept");
}

#[test]
#[should_panic(expected = "cannot advance past the free space")]
fn advancing_past_the_free_space_is_a_bug() {
    let mut s = Sds::from("x");
    // SAFETY: the call violates the contract, and a check panics before any memory is accessed.
    unsafe { s.advance_mut(1) };
}

#[test]
fn strings_are_changed_as_slices() {
    let mut s = Sds::from("Hello World");
    s.make_ascii_lowercase();
    s[..5].make_ascii_uppercase();
    s.reverse();
    common::check(&s, b"dlrow OLLEH");
    AsMut::<[u8]>::as_mut(&mut s)[0] = b'D';
    assert_eq!((&s).into_iter().next(), Some(&b'D'));
}

#[test]
fn an_iterator_that_promises_too_little_or_much_is_believed_neither_way() {
    let s: Sds = (0..100u8).filter(|byte| byte % 2 == 0).collect();
    common::check(&s, &(0..100).step_by(2).collect::<Vec<u8>>());
    let mut s = Sds::from("x");
    s.extend(core::iter::empty::<u8>());
    s.extend([b'y']);
    common::check(&s, b"xy");
}

#[test]
fn strings_go_between_threads() {
    let s = Sds::from_bytes(&common::sample(100));
    std::thread::scope(|scope| {
        scope.spawn(|| common::check(&s, &common::sample(100)));
        common::check(&s, &common::sample(100));
    });
    std::thread::spawn(move || drop(s)).join().unwrap();
}

#[cfg(feature = "serde")]
mod serde {
    use super::*;

    #[test]
    fn json_holds_numbers_and_may_hold_text() {
        let s = Sds::from(b"a\x00\xff");
        let json = serde_json::to_string(&s).unwrap();
        assert_eq!(json, "[97,0,255]");
        assert_eq!(serde_json::from_str::<Sds>(&json).unwrap(), s);
        assert_eq!(serde_json::from_str::<Sds>(r#""te\u0078t""#).unwrap(), "text");
    }

    #[test]
    fn what_is_not_bytes_is_an_error() {
        for json in ["17", "[256]", "[1,", "{}", "null", "[\"a\"]"] {
            assert!(serde_json::from_str::<Sds>(json).is_err(), "{json}");
        }
    }
}
