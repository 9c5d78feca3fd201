//! Tests that pass strings to C and back (feature `c-shim`). Each side must read what the other side wrote.
//!
//! The C side, `tests/shim/shim.c`, has its own declarations of the five packed headers and shares nothing
//! with `layout.rs`.

use super::common::{check, sample};
use core::ptr::NonNull;
use sds::Sds;
use sds::layout::HeaderType::{self, *};

unsafe extern "C" {
    fn shim_header_len(ty: i32) -> usize;
    fn shim_type(s: *const u8) -> i32;
    fn shim_len(s: *const u8) -> usize;
    fn shim_alloc(s: *const u8) -> usize;
    fn shim_set_len(s: *mut u8, len: usize);
    fn shim_append(s: *mut u8, text: *const u8, len: usize) -> usize;
    fn shim_lay(block: *mut u8, ty: i32, text: *const u8, len: usize, alloc: usize) -> *mut u8;
}

const TYPES: [HeaderType; 5] = [Sds5, Sds8, Sds16, Sds32, Sds64];

/// Lengths on both sides of every transition between header types that is small enough for a test.
const LENGTHS: [usize; 14] = [0, 1, 7, 30, 31, 32, 252, 253, 255, 256, 65_530, 65_535, 65_536, 70_000];

/// Asserts that C code reads the same values from `s` as Rust.
fn check_in_c(s: &Sds) {
    // SAFETY: `s` is a live string with its header and NUL.
    unsafe {
        assert_eq!(shim_type(s.as_ptr()), s.header_type() as i32);
        assert_eq!(shim_len(s.as_ptr()), s.len());
        assert_eq!(shim_alloc(s.as_ptr()), s.capacity());
        assert_eq!(s.as_ptr().add(s.len()).read(), 0);
    }
}

#[test]
fn headers_are_as_long_in_c() {
    for ty in TYPES {
        // SAFETY: the function takes any number and accesses no memory.
        assert_eq!(unsafe { shim_header_len(ty as i32) }, ty.header_len(), "{ty:?}");
    }
}

#[test]
fn c_reads_what_rust_wrote() {
    for len in LENGTHS {
        let mut s = Sds::from_bytes(&sample(len));
        check_in_c(&s);
        s.push(b'x');
        check_in_c(&s);
        s.make_room_for(100);
        check_in_c(&s);
        s.truncate(len / 2);
        check_in_c(&s);
        s.remove_free_space();
        check_in_c(&s);
    }
}

#[test]
fn rust_reads_what_c_appended() {
    for len in LENGTHS {
        let mut s = Sds::from_bytes(&sample(len));
        if len % 2 == 0 {
            s.make_room_for(10);
        }
        let room = s.avail();
        let raw = s.into_raw();
        // SAFETY: `raw` is a live string that C may write to, and the C code appends no more than its free space.
        let (mut s, appended) = unsafe {
            let appended = shim_append(raw.as_ptr(), b"from C".as_ptr(), 6);
            (Sds::from_raw(raw), appended)
        };
        assert_eq!(appended, room.min(6));
        let expected = [&sample(len)[..], &b"from C"[..appended]].concat();
        check(&s, &expected);
        s.push_bytes(b" and Rust");
        check(&s, &[&expected[..], b" and Rust"].concat());
    }
}

#[test]
fn rust_reads_what_c_cut() {
    for len in LENGTHS {
        for new_len in [0, 1, len / 3, len.saturating_sub(1), len] {
            let new_len = new_len.min(len);
            let raw = Sds::from_bytes(&sample(len)).into_raw();
            // SAFETY: `raw` is a live string that C may write to, and `new_len` is at most its length.
            let s = unsafe {
                shim_set_len(raw.as_ptr(), new_len);
                Sds::from_raw(raw)
            };
            check(&s, &sample(new_len));
            check_in_c(&s);
        }
    }
}

#[test]
fn a_block_that_c_laid_out_is_adopted_and_freed() {
    let cases = [
        (Sds5, 0, 0),
        (Sds5, 31, 31),
        (Sds8, 0, 255),
        (Sds8, 100, 120),
        (Sds8, 255, 255),
        (Sds16, 3, 3),
        (Sds16, 65_535, 65_535),
        (Sds32, 3, 70_000),
        (Sds64, 0, 0),
        (Sds64, 1000, 2000),
    ];
    for (ty, len, alloc) in cases {
        let block = zmalloc::zmalloc(ty.header_len() + alloc + 1);
        // SAFETY: the block has room for the header, `alloc` bytes and the NUL. The string is its only owner.
        let mut s = unsafe {
            let s = shim_lay(block.as_ptr(), ty as i32, sample(len).as_ptr(), len, alloc);
            assert_eq!(s.cast_const(), block.as_ptr().add(ty.header_len()));
            Sds::from_raw(NonNull::new(s).expect("a pointer into a block is not null"))
        };
        assert_eq!((s.header_type(), s.capacity()), (ty, alloc));
        check(&s, &sample(len));
        s.push_bytes(b"grown by Rust");
        check(&s, &[&sample(len)[..], b"grown by Rust"].concat());
        check_in_c(&s);
    }
}
