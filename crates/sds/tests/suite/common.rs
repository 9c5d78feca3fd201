//! The invariants of every string, and sample bytes.

use core::ptr::NonNull;
use core::slice;
use sds::layout::HeaderType;
use sds::{Sds, layout};

/// Returns the block of a string.
pub(crate) fn block_of(s: &Sds) -> NonNull<u8> {
    let first = NonNull::new(s.as_ptr().cast_mut()).expect("no string is at null");
    // SAFETY: the header lies in front of the bytes, in the same block.
    unsafe { first.sub(s.header_type().header_len()) }
}

/// Returns the header, the bytes and the NUL as they are in memory.
pub(crate) fn raw_bytes(s: &Sds) -> &[u8] {
    let len = s.header_type().header_len() + s.len() + 1;
    // SAFETY: all of these bytes are in the string's block and initialised.
    unsafe { slice::from_raw_parts(block_of(s).as_ptr(), len) }
}

/// Panics unless every invariant of the layout holds and the string is `expected`.
pub(crate) fn check(s: &Sds, expected: &[u8]) {
    assert_eq!(s.as_bytes(), expected);
    assert_eq!(s.len(), expected.len());
    assert_eq!(raw_bytes(s).last(), Some(&0), "no NUL");
    assert!(s.len() <= s.capacity() && s.capacity() <= s.header_type().max_len());
    assert_eq!(s.avail(), s.capacity() - s.len());
    if s.header_type() == HeaderType::Sds5 {
        assert_eq!(s.avail(), 0, "Sds5 knows no free space");
    }
    let first = NonNull::new(s.as_ptr().cast_mut()).expect("no string is at null");
    // SAFETY: `first` is a live string, and its block is a raw block of zmalloc.
    unsafe {
        assert_eq!(layout::len(first), s.len());
        assert_eq!(layout::capacity(first), s.capacity());
        assert_eq!(s.allocation_size(), zmalloc::zmalloc_size(block_of(s)), "freed with a wrong size");
        let size = s.header_type().header_len() + s.capacity() + 1;
        assert!(size <= zmalloc::zmalloc_usable_size(block_of(s)), "the capacity is outside the block");
    }
}

/// The pattern repeats after 251 bytes, which is no header length and no size class.
const PATTERN: [u8; 251] = {
    let mut pattern = [0; 251];
    let mut at = 0;
    while at < pattern.len() {
        pattern[at] = at as u8;
        at += 1;
    }
    pattern
};

/// Returns `len` bytes that are not all equal. They are copied in bulk, which is fast under Miri.
pub(crate) fn sample(len: usize) -> Vec<u8> {
    let mut bytes = PATTERN.repeat(len / PATTERN.len() + 1);
    bytes.truncate(len);
    bytes
}
