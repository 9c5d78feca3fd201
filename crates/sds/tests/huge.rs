//! Strings on both sides of 4 GiB. They use almost no memory, because the system provides a page when it is
//! first touched, and this test touches only the first and the last page. The test is a program of its own,
//! because it measures the resident memory of the process.
#![cfg(all(target_pointer_width = "64", not(miri)))]

#[path = "suite/common.rs"]
#[allow(dead_code, reason = "the suite uses the rest")]
mod common;

use std::io::Write;

use common::check;
use sds::Sds;
use sds::layout::HeaderType;

const FOUR_GIB: usize = 1 << 32;

/// Creates a string of `len` zero bytes. Returns `None` and prints a note on a machine that does not
/// overcommit memory.
fn sparse(len: usize) -> Option<Sds> {
    let s = Sds::try_zeroed(len).ok();
    if s.is_none() {
        skipped(&format!("a mapping of {len} bytes"));
    }
    s
}

/// Writes a note to standard error directly. The harness would hide what a passing test prints with
/// `println!`. `.config/nextest.toml` makes nextest show the note.
fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "\nSKIPPED, strings of 4 GiB: this machine refuses {what}");
}

#[test]
fn strings_cross_four_gibibytes() {
    let before = zmalloc::rss();
    a_string_beyond_four_gibibytes_has_the_largest_header();
    the_header_changes_where_the_room_passes_four_gibibytes();
    if let (Some(before), Some(after)) = (before, zmalloc::rss()) {
        assert!(after.saturating_sub(before) < 256 << 20, "the strings were not sparse: {before} to {after}");
    }
}

fn a_string_beyond_four_gibibytes_has_the_largest_header() {
    let Some(mut s) = sparse(FOUR_GIB + 5) else { return };
    assert_eq!((s.header_type(), s.len()), (HeaderType::Sds64, FOUR_GIB + 5));
    assert_eq!((s[0], s[FOUR_GIB + 4]), (0, 0));
    if s.avail() >= 2 {
        s.push(b'x');
        s.push_bytes(b"y");
        assert_eq!((s.len(), &s[FOUR_GIB + 4..]), (FOUR_GIB + 7, &b"\0xy"[..]));
    }
    assert_eq!(s.as_bytes_with_nul().last(), Some(&0));
    s.truncate(FOUR_GIB - 1);
    assert_eq!((s.header_type(), s.len()), (HeaderType::Sds64, FOUR_GIB - 1));
    s.truncate(3);
    s.remove_free_space();
    check(&s, b"\0\0\0");
    assert_eq!(s.allocation_size(), Sds::from_bytes(&s).allocation_size());
}

fn the_header_changes_where_the_room_passes_four_gibibytes() {
    // The largest length that fits into a block of 4 GiB.
    let edge = FOUR_GIB - HeaderType::Sds32.header_len() - 1;
    let Some(mut s) = sparse(edge) else { return };
    assert_eq!((s.header_type(), s.len()), (HeaderType::Sds32, edge));
    // A larger header moves the bytes of the string, which would touch all pages. So the string is cut to
    // three bytes first.
    s[..3].copy_from_slice(b"abc");
    s.truncate(3);
    assert_eq!(s.header_type(), HeaderType::Sds32);
    if s.try_make_room_for_non_greedy(FOUR_GIB).is_err() {
        return skipped("a second mapping of 4 GiB");
    }
    assert_eq!(s.header_type(), HeaderType::Sds64);
    assert!(s.capacity() >= FOUR_GIB + 3);
    check(&s, b"abc");
    s.resize(FOUR_GIB - 100);
    assert_eq!(s.header_type(), HeaderType::Sds32);
    check(&s, b"abc");
    s.resize(100);
    assert_eq!(s.header_type(), HeaderType::Sds8);
    check(&s, b"abc");
}
