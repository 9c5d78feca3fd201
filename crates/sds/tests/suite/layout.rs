//! The bytes in memory, written out by hand, and the transitions between the headers.

use super::common::{block_of, check, raw_bytes, sample};
use sds::layout::{self, HeaderType};
use sds::{MAX_PREALLOC, Sds};

fn on_jemalloc() -> bool {
    zmalloc::ALLOCATOR.starts_with("jemalloc")
}

#[test]
fn sds5_is_length_and_type_in_one_byte() {
    let s = Sds::from_bytes(b"abc");
    assert_eq!(raw_bytes(&s), b"\x18abc\0"); // 3 << 3 | 0
    let s = Sds::from_bytes(&[b'x'; 31]);
    assert_eq!(raw_bytes(&s)[..2], [31 << 3, b'x']);
}

#[test]
fn sds8_is_len_alloc_flags() {
    let mut s = Sds::from_bytes(&[b'x'; 32]);
    let alloc = s.capacity() as u8;
    assert_eq!(raw_bytes(&s)[..4], [32, alloc, 1, b'x']);
    s.truncate(1);
    assert_eq!(raw_bytes(&s), [1, alloc, 1, b'x', 0]);
}

#[test]
fn the_empty_string_is_sds8_because_it_will_be_appended_to() {
    let s = Sds::new();
    assert_eq!(raw_bytes(&s), [0, s.capacity() as u8, 1, 0]);
    for empty in [Sds::from_bytes(b""), Sds::zeroed(0), Sds::default(), Sds::with_capacity(0)] {
        assert_eq!(empty.header_type(), HeaderType::Sds8);
        check(&empty, b"");
    }
}

/// Returns the bytes of a number in the machine's order. The argument has the low byte first.
fn drawn<const W: usize>(mut bytes: [u8; W]) -> [u8; W] {
    if cfg!(target_endian = "big") {
        bytes.reverse();
    }
    bytes
}

#[test]
fn sds16_and_sds32_count_in_the_machines_order() {
    let s = Sds::from_bytes(&[b'x'; 0x0102]);
    assert_eq!(raw_bytes(&s)[..2], drawn([2, 1]));
    assert_eq!(raw_bytes(&s)[2..4], (s.capacity() as u16).to_ne_bytes());
    assert_eq!(raw_bytes(&s)[4..6], [2, b'x']);

    let s = Sds::from_bytes(&[b'x'; 0x01_02_03]);
    assert_eq!(raw_bytes(&s)[..4], drawn([3, 2, 1, 0]));
    assert_eq!(raw_bytes(&s)[4..8], (s.capacity() as u32).to_ne_bytes());
    assert_eq!(raw_bytes(&s)[8..10], [3, b'x']);
}

#[test]
fn a_new_string_has_the_smallest_header() {
    let edges = [(1, 0), (31, 0), (32, 1), (240, 1), (256, 2), (65_500, 2), (65_536, 3)];
    for (len, ty) in edges {
        let bytes = sample(len);
        let s = Sds::from_bytes(&bytes);
        assert_eq!(s.header_type() as u8, ty, "{len}");
        check(&s, &bytes);
        check(&Sds::zeroed(len), &vec![0; len]);
    }
}

#[test]
fn a_block_larger_than_a_header_can_count_has_the_next_header() {
    for (lens, ty, next) in [(253..=255, 1, 2), (65_531..=65_535, 2, 3)] {
        for len in lens {
            let bytes = sample(len);
            let mut exact = Sds::from_bytes(&bytes);
            exact.resize(len);
            let strings = [
                (Sds::from_bytes(&bytes), bytes.clone()),
                (Sds::zeroed(len), vec![0; len]),
                (Sds::with_capacity(len), Vec::new()),
                (exact, bytes),
            ];
            for (s, holds) in strings {
                if on_jemalloc() {
                    assert_eq!(s.header_type() as u8, next, "{len}");
                    let slack = s.allocation_size() - s.header_type().header_len() - s.capacity() - 1;
                    assert_eq!(slack, 0, "{len}: bytes that nobody can reach");
                } else {
                    assert!((ty..=next).contains(&(s.header_type() as u8)), "{len}");
                }
                check(&s, &holds);
            }
        }
    }
}

#[test]
fn growing_changes_the_header_where_the_length_needs_it() {
    for edge in [31, 240, 65_500] {
        let mut bytes = sample(edge);
        let mut s = Sds::from_bytes(&bytes);
        let before = s.header_type();
        s.make_room_for_non_greedy(before.max_len() - edge + 1);
        assert!(s.header_type() > before);
        s.push(b'!');
        bytes.push(b'!');
        check(&s, &bytes);
    }
}

#[test]
fn shrinking_in_place_keeps_the_header() {
    for len in [32, 256, 65_536] {
        let mut s = Sds::from_bytes(&sample(len));
        let (before, capacity) = (s.header_type(), s.capacity());
        s.clear();
        assert_eq!((s.header_type(), s.capacity()), (before, capacity));
        check(&s, b"");
    }
}

#[test]
fn an_sds5_string_cut_within_its_block_stays_sds5() {
    // With the header and the NUL these are 22 bytes, later 21. Both are in the same size class: 24 or 32.
    let mut s = Sds::from_bytes(&sample(20));
    s.truncate(19);
    assert_eq!(s.header_type(), HeaderType::Sds5);
    check(&s, &sample(19));
}

#[test]
fn an_sds5_string_cut_by_a_size_class_remembers_its_block_as_sds8() {
    for new_len in 0..31 {
        let mut s = Sds::from_bytes(&sample(31));
        let (address, charge) = (s.as_ptr().addr(), s.allocation_size());
        s.truncate(new_len);
        check(&s, &sample(new_len));
        assert_eq!(s.allocation_size(), charge);
        if on_jemalloc() && new_len < 16 {
            assert_eq!(s.header_type(), HeaderType::Sds8);
            assert_eq!(s.as_ptr().addr(), address + 2);
            assert_eq!(s.capacity(), charge - 4);
        }
    }
}

#[test]
fn slack_of_an_sds5_block_is_used_before_another_block_is_asked_for() {
    // The string takes 1 + 1 + 1 bytes in a block of 8. As `Sds8`, the block has room for 4.
    let mut s = Sds::from_bytes(b"a");
    let block = block_of(&s);
    s.push_bytes(b"bcd");
    check(&s, b"abcd");
    if on_jemalloc() || cfg!(miri) {
        assert_eq!(block_of(&s), block);
        assert_eq!(raw_bytes(&s), b"\x04\x04\x01abcd\0");
    }
}

#[test]
fn a_string_goes_to_c_and_comes_back() {
    for len in [0, 1, 31, 32, 300, 70_000] {
        let raw = Sds::from_bytes(&sample(len)).into_raw();
        // SAFETY: the pointer is that of a live string and is given back once.
        unsafe {
            assert_eq!(layout::len(raw), len);
            assert_eq!(raw.add(len).read(), 0);
            check(&Sds::from_raw(raw), &sample(len));
        }
    }
}

#[test]
fn a_string_of_type_5_that_c_has_shortened_is_taken_over() {
    let step = if cfg!(miri) { 6 } else { 1 };
    for old_len in (1..32_usize).step_by(step) {
        for new_len in (0..=old_len).step_by(step) {
            let raw = Sds::from_bytes(&sample(old_len)).into_raw();
            // SAFETY: C's `sdssetlen` does the same to a string of type 5, and then a NUL is written.
            let mut s = unsafe {
                raw.sub(1).write((new_len as u8) << 3);
                raw.add(new_len).write(0);
                Sds::from_raw(raw)
            };
            check(&s, &sample(new_len));
            s.push(b'x');
            assert_eq!(s.len(), new_len + 1);
        }
    }
}

#[test]
fn a_long_header_on_a_short_string_works_like_any_other() {
    for ty in [HeaderType::Sds16, HeaderType::Sds32, HeaderType::Sds64] {
        let size = ty.header_len() + 3 + 1;
        // SAFETY: the block has room for the header, three bytes and the NUL, and all of them are written.
        let mut s = unsafe {
            let raw = layout::init(zmalloc::zmalloc(size), ty, 3, 3);
            raw.copy_from_nonoverlapping(core::ptr::NonNull::from(b"abc\0").cast(), 4);
            Sds::from_raw(raw)
        };
        check(&s, b"abc");
        s.push_bytes(&[b'd'; 100]);
        assert_eq!(s.header_type(), ty, "growth never makes a header smaller");
        s.range(2, 4);
        check(&s, b"cdd");
        s.remove_free_space();
        check(&s, b"cdd");
        assert!(s.allocation_size() <= zmalloc::good_size(8) + 16, "{} bytes for three", s.allocation_size());
    }
}

#[test]
fn greedy_room_doubles_below_one_mebibyte_and_adds_one_from_there() {
    let mut s = Sds::from_bytes(&sample(1000));
    s.make_room_for(s.avail() + 1);
    let needed = s.capacity() / 2;
    assert!(needed > 1000 && s.capacity() < 2 * 1400, "{}", s.capacity());

    let mut s = Sds::zeroed(MAX_PREALLOC);
    let needed = s.capacity() + 1;
    s.make_room_for(s.avail() + 1);
    assert!(s.capacity() >= needed + MAX_PREALLOC);
    assert!(s.capacity() < needed + 2 * MAX_PREALLOC);
}

#[test]
fn non_greedy_room_is_what_was_asked_for_and_the_slack_of_its_class() {
    let mut s = Sds::from_bytes(&sample(1000));
    s.make_room_for_non_greedy(1000);
    assert!(s.capacity() >= 2000);
    assert!(s.capacity() <= 2000 + 2000 / 4);
    check(&s, &sample(1000));
}

#[test]
fn removing_free_space_brings_the_block_to_its_smallest_class() {
    for len in [0, 1, 5, 20, 31, 32, 200, 255, 256, 5000] {
        let mut s = Sds::with_capacity(70_000);
        s.push_bytes(&sample(len));
        s.remove_free_space();
        check(&s, &sample(len));
        let smallest = Sds::from_bytes(&sample(len)).allocation_size();
        // The C library does not report its classes. There, a gain of less than 16 bytes is not worth a move.
        let left = if zmalloc::good_size(1) > 1 { 0 } else { 16 };
        assert!(
            s.allocation_size() <= smallest + left,
            "{len}: {} bytes, not {smallest}",
            s.allocation_size()
        );
    }
}

#[test]
fn resize_sets_the_room_and_cuts_what_is_longer() {
    let mut s = Sds::from_bytes(&sample(100));
    s.resize(1000);
    assert!(s.capacity() >= 1000);
    check(&s, &sample(100));
    s.resize(40);
    check(&s, &sample(40));
    assert!(s.capacity() < 100);
    s.resize(0);
    check(&s, b"");
}

#[test]
fn a_short_string_that_was_cut_gives_its_block_back() {
    // The C library does not report how it rounds. A difference that may be rounding is accepted.
    let allowance = if zmalloc::good_size(1) > 1 { 0 } else { 16 };
    for len in 2..=31 {
        for cut in (1..len).step_by(if cfg!(miri) { 6 } else { 1 }) {
            let mut s = Sds::from_bytes(&vec![b'x'; len]);
            s.truncate(cut);
            assert_eq!(s, vec![b'x'; cut]);
            s.remove_free_space();
            let fresh = Sds::from_bytes(&vec![b'x'; cut]);
            assert_eq!(s, fresh);
            assert!(
                s.allocation_size() <= fresh.allocation_size() + allowance,
                "{len} cut to {cut}: {} instead of {}",
                s.allocation_size(),
                fresh.allocation_size()
            );
        }
    }
}
