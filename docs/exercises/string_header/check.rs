//! Checks the bytes of a string's block.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{read, write};

/// Returns a text with this length. It contains bytes of 0.
fn text_of(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7) as u8).collect()
}

#[test]
fn a_short_string_has_a_header_of_one_byte() {
    assert_eq!(write(b"hello", 5), b"\x28hello\0");
    assert_eq!(write(b"hello", 7), b"\x05\x07\x01hello\0\0\0");
    assert_eq!(write(b"", 0), b"\0\0\x01\0");
}

#[test]
fn the_header_is_the_smallest_that_can_count_the_capacity() {
    for (len, capacity, header_len) in
        [(31, 31, 1), (30, 31, 3), (32, 32, 3), (0, 255, 3), (255, 256, 5), (1, 65_535, 5), (1, 65_536, 9)]
    {
        let block = write(&text_of(len), capacity);
        assert_eq!(block.len(), header_len + capacity + 1, "{len} bytes, capacity {capacity}");
    }
}

#[test]
fn what_is_written_is_read_and_no_shorter_block_is_valid() {
    for len in 0..300 {
        for capacity in [len, len + 1, len + 40, 2 * len, 65_536] {
            let (text, block) = (text_of(len), write(&text_of(len), capacity));
            let at = block.len() - capacity - 1;
            assert_eq!(read(&block, at), Some((&text[..], capacity)), "{len} bytes, capacity {capacity}");
            assert_eq!(read(&block[..block.len() - 1], at), None, "{len} bytes, capacity {capacity}");
            assert_eq!(read(&block[1..], at - 1), None, "{len} bytes, without a first byte");
        }
    }
}

#[test]
fn a_block_that_is_not_valid_is_refused() {
    for block in
        [&b"\x05\x04\x01hello\0"[..], b"\x05\x05\x05hello\0", b"\x05\x05\x07hello\0", b"\x05\x05\x01hello!"]
    {
        assert_eq!(read(block, 3), None, "{}", block.escape_ascii());
    }
    let longest = [[0xff; 16].as_slice(), b"\x04text\0"].concat();
    assert_eq!(read(&longest, 17), None);
    assert_eq!(
        (read(b"", 0), read(b"\0\0", 0), read(b"\0\0", 3), read(b"", usize::MAX)),
        (None, None, None, None)
    );
}

#[test]
#[cfg(target_endian = "little")]
fn the_bytes_are_those_of_an_sds() {
    use sds::{Sds, layout::HeaderType};
    for len in (0..600).chain([65_000, 65_600, 70_000]) {
        let mut sds = Sds::from_bytes(&text_of(len));
        for _ in 0..2 {
            // A string that has grown may have a larger header than it needs. It is left out.
            let is_sds5 = sds.avail() == 0 && (1..=31).contains(&sds.len());
            let smallest = if is_sds5 { HeaderType::Sds5 } else { HeaderType::Sds8 };
            if sds.header_type() == HeaderType::for_len(sds.capacity()).max(smallest) {
                let parts = sds.parts();
                let written = parts.iter().flat_map(|part| match &part.bytes {
                    sds::PartBytes::Written(bytes) | sds::PartBytes::Text(bytes) => &bytes[..],
                    _ => &[],
                });
                let block = write(&sds, sds.capacity());
                assert!(block.iter().zip(written).all(|(a, b)| a == b), "{len} bytes: {block:?}");
            }
            sds.push_bytes(b"more");
        }
    }
}
