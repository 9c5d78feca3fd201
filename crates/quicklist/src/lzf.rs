//! LZF compression, in the stream format that Redis stores and dumps. A list compresses its interior nodes
//! with it. The crate `rdb` compresses the strings of dump files with it.
//!
//! ```text
//!  000LLLLL  L + 1 bytes ...                     literals: 1 to 32 bytes as they are
//!  LLLooooo  oooooooo                            copy L + 2 bytes (3 to 8) from o + 1 back
//!  111ooooo  LLLLLLLL  oooooooo                  copy L + 9 bytes (9 to 264) from o + 1 back
//! ```
//!
//! A copy reaches at most 8 KiB back. It may overlap the bytes that it writes. All code is safe:
//! decompressing a corrupt stream returns `None` or yields wrong bytes.
//!
//! The simple compressor is:
//!
//! ```text
//! at = 0
//! while at < input.len() {
//!     longest = the longest match (3 to 264 bytes) of input[at..] in the 8 KiB before `at`
//!     if there is one {
//!         write a copy of it; at += its length
//!     } else {
//!         write input[at] as a literal; at += 1
//!     }
//! }
//! ```
//!
//! The code differs from it in four points:
//!
//! 1. It tests only one position for a match: the last one whose three bytes have the same hash as those at
//!    `at`. A table has this position for each hash. It is 8 KiB on the stack, so nothing is allocated.
//! 2. The table stores only the low 16 bits of a position. So the position that is computed from an entry may
//!    be wrong, and the bytes at it may differ. A comparison of the bytes rejects such positions.
//! 3. Of the positions in a copy, only the first one and the last two are entered in the table.
//! 4. Literals are written in runs, when a copy follows or the input ends.
//!
//! The decompressor executes the stream item by item. A copy that does not overlap itself is one
//! `copy_within`. Other copies are made byte by byte. The tests compress and decompress repetitive and random
//! input.
//!
//! Learned from: Marc Lehmann's LibLZF.

/// How far back a copy reaches.
const DISTANCE_MAX: usize = 1 << 13;
/// The length of the shortest copy. A copy of three bytes takes two bytes, one less than three literals.
const MATCH_MIN: usize = 3;
/// The maximum number of output bytes for each byte of a stream. The longest copy takes three bytes.
pub const EXPANSION_MAX: usize = MATCH_MAX / 3;
/// The length of the longest copy: 7 from the control byte, 255 from the next byte, and 2.
const MATCH_MAX: usize = 264;
/// The maximum number of literals after one control byte.
const LITERALS_MAX: usize = 32;
const TABLE_BITS: u32 = 12;

/// How far back a copy begins, and how many bytes it has.
struct Match {
    distance: usize,
    len: usize,
}

/// Writes bytes in order. The methods return `None` if there is no room.
struct Writer<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.len.checked_add(bytes.len())?;
        self.out.get_mut(self.len..end)?.copy_from_slice(bytes);
        self.len = end;
        Some(())
    }

    fn literals(&mut self, bytes: &[u8]) -> Option<()> {
        for run in bytes.chunks(LITERALS_MAX) {
            self.put(&[(run.len() - 1) as u8])?;
            self.put(run)?;
        }
        Some(())
    }

    fn copy(&mut self, Match { distance, len }: Match) -> Option<()> {
        let (offset, extra) = (distance - 1, len - 2);
        let high = (offset >> 8) as u8;
        if extra < 7 {
            self.put(&[(extra as u8) << 5 | high, offset as u8])
        } else {
            self.put(&[7 << 5 | high, (extra - 7) as u8, offset as u8])
        }
    }
}

/// For each hash of three bytes, the last position of bytes with that hash.
struct Table([u16; 1 << TABLE_BITS]);

impl Table {
    /// Returns the last position with the same hash as the three bytes at `at`, and enters `at` in its place.
    /// The bytes at the returned position may differ.
    #[inline]
    fn swap(&mut self, input: &[u8], at: usize) -> Option<usize> {
        let bytes: &[u8; 3] = input.get(at..)?.first_chunk()?;
        let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
        let slot = &mut self.0[(word.wrapping_mul(0x9E37_79B1) >> (32 - TABLE_BITS)) as usize];
        let distance = usize::from((at as u16).wrapping_sub(*slot));
        *slot = at as u16;
        (1..=DISTANCE_MAX).contains(&distance).then(|| at.checked_sub(distance)).flatten()
    }
}

/// Returns the length of the common prefix of the slices, up to that of the longest copy.
#[inline]
fn common_len(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take(MATCH_MAX).take_while(|(a, b)| a == b).count()
}

/// Compresses `input` into `out`, and returns the number of bytes written. Returns `None` if `out` is too
/// small. O(input). In C: `lzf_compress`.
///
/// ```
/// use quicklist::lzf::{compress, decompress};
/// let (text, mut stream, mut back) = ([b'x'; 100], [0; 96], [0; 100]);
/// let len = compress(&text, &mut stream).unwrap();
/// assert!(len < 10);
/// assert_eq!(decompress(&stream[..len], &mut back), Some(()));
/// assert_eq!(back, text);
/// ```
pub fn compress(input: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut writer = Writer { out, len: 0 };
    let mut table = Table([0; 1 << TABLE_BITS]);
    let (mut at, mut literals) = (0, 0);
    while at < input.len() {
        let found = table
            .swap(input, at)
            .map(|from| Match { distance: at - from, len: common_len(&input[from..], &input[at..]) });
        let Some(found) = found.filter(|found| found.len >= MATCH_MIN) else {
            at += 1;
            continue;
        };
        writer.literals(&input[literals..at])?;
        let end = at + found.len;
        writer.copy(found)?;
        // The next copy often begins where this one ends.
        table.swap(input, end - 2);
        table.swap(input, end - 1);
        at = end;
        literals = end;
    }
    writer.literals(&input[literals..])?;
    Some(writer.len)
}

/// Decompresses `input` into `out`. Returns `None` if `input` is not well formed or does not fill `out`
/// exactly. O(out). In C: `lzf_decompress`.
pub fn decompress(mut input: &[u8], out: &mut [u8]) -> Option<()> {
    let mut at = 0;
    while let Some((&control, rest)) = input.split_first() {
        let control = usize::from(control);
        if control < LITERALS_MAX {
            let (literals, rest) = rest.split_at_checked(control + 1)?;
            let end = at + literals.len();
            out.get_mut(at..end)?.copy_from_slice(literals);
            at = end;
            input = rest;
            continue;
        }
        let (mut len, mut rest) = ((control >> 5) + 2, rest);
        if control >> 5 == 7 {
            let (&more, tail) = rest.split_first()?;
            len += usize::from(more);
            rest = tail;
        }
        let (&low, rest) = rest.split_first()?;
        let distance = ((control & 0x1F) << 8 | usize::from(low)) + 1;
        let (from, end) = (at.checked_sub(distance)?, at + len);
        if end > out.len() {
            return None;
        }
        if distance >= len {
            out.copy_within(from..from + len, at);
        } else {
            for n in at..end {
                out[n] = out[n - distance]; // the copy overlaps itself and reads bytes that it has written
            }
        }
        at = end;
        input = rest;
    }
    (at == out.len()).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(input: &[u8]) -> usize {
        let mut packed = vec![0; input.len() + input.len() / LITERALS_MAX + 1];
        let len = compress(input, &mut packed).expect("room for literals alone");
        let mut back = vec![0xAA; input.len()];
        assert_eq!(decompress(&packed[..len], &mut back), Some(()));
        assert!(back == input, "{} bytes", input.len());
        // With one byte less of room, the compressor must return `None`.
        if let Some(less) = len.checked_sub(1) {
            assert_eq!(compress(input, &mut packed[..less]), None);
        }
        len
    }

    #[test]
    fn what_repeats_gets_small() {
        assert_eq!(round_trip(b""), 0);
        assert_eq!(round_trip(b"a"), 2);
        assert!(round_trip(&[7; 1_000]) <= 2 + 3 * 1_000usize.div_ceil(MATCH_MAX));
        assert!(round_trip(&b"element:0001 ".repeat(50)) < 40);
    }

    #[test]
    fn a_stream_of_the_format_is_read() {
        let mut out = [0; 12];
        // Two literals, a copy of 3 bytes from 2 back, which overlaps itself, and a copy of 7 bytes from 1
        // back.
        assert_eq!(decompress(&[1, b'a', b'b', 1 << 5, 1, 5 << 5, 0], &mut out), Some(()));
        assert_eq!(&out, b"ababaaaaaaaa");
        let mut out = [0; 11];
        assert_eq!(decompress(&[1, b'a', b'b', 7 << 5, 0, 1], &mut out), Some(()));
        assert_eq!(&out, b"abababababa");
    }

    #[test]
    #[cfg_attr(miri, ignore = "no unsafe code")]
    fn copies_reach_eight_kib_back_and_no_further() {
        let mark = b"a mark to find";
        for gap in [DISTANCE_MAX - mark.len(), DISTANCE_MAX - mark.len() + 1, 3 * DISTANCE_MAX, 65_536] {
            let mut input = mark.to_vec();
            let mut noise = 1u32;
            input.extend((0..gap).map(|_| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (noise >> 24) as u8
            }));
            input.extend(mark);
            round_trip(&input);
        }
    }

    proptest! {
        #![proptest_config(testing::config(256, 2))]

        #[test]
        #[cfg_attr(miri, ignore = "no unsafe code")]
        fn everything_comes_back(words in proptest::collection::vec("[ab]{0,6}|[0-9]{1,20}", 0..200)) {
            round_trip(words.concat().as_bytes());
        }

        #[test]
        #[cfg_attr(miri, ignore = "no unsafe code")]
        fn noise_comes_back(input in proptest::collection::vec(any::<u8>(), 0..600)) {
            round_trip(&input);
        }

        #[test]
        #[cfg_attr(miri, ignore = "no unsafe code")]
        fn a_corrupt_stream_is_refused_or_read_but_never_beyond_its_bytes(
            input in proptest::collection::vec(any::<u8>(), 0..80),
            len in 0usize..400,
        ) {
            let _ = decompress(&input, &mut vec![0; len]);
        }
    }
}
