//! A string as a sequence of bits: `SETBIT`, `GETBIT`, `BITCOUNT`, `BITPOS`.
//!
//! ```text
//!  bit     0 1 2 3 4 5 6 7   8 9 ..
//!  byte  [ 7 . . . . . . 0 ][ 7 . ..      bit 0 is the highest of byte 0
//! ```
//!
//! Bits after the end are 0. Reading them is not an error. Writing one makes the string longer.
//!
//! Learned from: Redis' `bitops.c`.

use super::edit::StringMut;
use super::range::BitRange;
use super::words::{count_ones, first_bit};
use crate::error::StringError;
use crate::limits::EncodingLimits;
use core::ops::Range;

/// Writes a bit and returns the old one. A shorter string is first filled up with zeros. O(length of the
/// gap). In C: `SETBIT`.
///
/// # Errors
/// [`BitOffset`](StringError::BitOffset) from bit `8 * limits.proto_max_bulk_len` on.
///
/// ```
/// use values::{EncodingLimits, string};
/// let mut text = sds::Sds::from_bytes(b"a"); // 0x61
/// assert_eq!(string::try_set_bit(&mut text, 6, true, &EncodingLimits::DEFAULT), Ok(false));
/// assert_eq!(text, "c");
/// ```
pub fn try_set_bit<S: StringMut>(
    string: &mut S,
    offset: u64,
    bit: bool,
    limits: &EncodingLimits,
) -> Result<bool, S::Error> {
    let at = limits.check_bit(offset)?;
    let byte = &mut string.try_make_len(at.saturating_add(1))?[at];
    let mask = bit_of_byte(offset);
    let before = *byte & mask != 0;
    *byte = if bit { *byte | mask } else { *byte & !mask };
    Ok(before)
}

/// Returns the bit at `offset`. Bits after the end are 0. Constant time. In C: `GETBIT`.
///
/// ```
/// use values::string::get_bit;
/// assert_eq!([0, 1, 6, 7, 8].map(|at| get_bit(b"a", at)), [false, true, false, true, false]); // 0x61
/// ```
#[inline]
pub fn get_bit(bytes: &[u8], offset: u64) -> bool {
    let byte = usize::try_from(offset / 8).ok().and_then(|at| bytes.get(at));
    byte.is_some_and(|byte| byte & bit_of_byte(offset) != 0)
}

/// Returns the number of bits in the range that are 1. In C: `BITCOUNT`.
///
/// It takes O(length of the range). A machine with AVX2 counts some tens of bytes a nanosecond.
///
/// ```
/// use values::string::{BitRange, bit_count};
/// assert_eq!(bit_count(b"foobar", BitRange::All), 26);
/// assert_eq!(bit_count(b"foobar", BitRange::Bytes(1, 1)), 6);
/// assert_eq!(bit_count(b"foobar", BitRange::Bits(5, 30)), 17);
/// ```
pub fn bit_count(bytes: &[u8], range: BitRange) -> u64 {
    match range.bits(bytes.len()) {
        Some(bits) if !range.is_reversed() => count_range(bytes, bits),
        _ => 0,
    }
}

/// Returns the position of the first bit in the range that equals `bit`, counted from the start of the
/// string. Returns `None` if there is none. O(length of the range). In C: `BITPOS`, which returns -1 for
/// `None`.
///
/// A range without an end ([`All`](BitRange::All), [`From`](BitRange::From)) that is not empty goes on
/// after the string, with zeros. So a search for a 0 in a string of ones returns the string's length in
/// bits. A range with an end does not go on.
///
/// If both ends of a range lie before the string, the function uses its first element, even if they are in
/// the wrong order. Redis does the same. [`bit_count`] does not.
///
/// ```
/// use values::string::{BitRange, bit_pos};
/// assert_eq!(bit_pos(b"\xFF\xF0\x00", false, BitRange::All), Some(12));
/// assert_eq!(bit_pos(b"\xFF\xF0\x00", true, BitRange::From(2)), None);
/// assert_eq!(bit_pos(b"\xFF\xFF", false, BitRange::All), Some(16));
/// assert_eq!(bit_pos(b"\xFF\xFF", false, BitRange::Bytes(0, -1)), None);
/// ```
pub fn bit_pos(bytes: &[u8], bit: bool, range: BitRange) -> Option<u64> {
    let bits = range.bits(bytes.len())?;
    let end = bits.end;
    let found = find_range(bytes, bits, bit);
    let endless = matches!(range, BitRange::All | BitRange::From(_));
    if endless && !bit { found.or(Some(end)) } else { found }
}

impl EncodingLimits {
    /// Returns the index of the byte of a bit, or an error if the bit may not be written.
    #[inline]
    pub(super) fn check_bit(&self, offset: u64) -> Result<usize, StringError> {
        usize::try_from(offset / 8)
            .ok()
            .filter(|at| *at < self.proto_max_bulk_len)
            .ok_or(StringError::BitOffset { offset })
    }
}

/// Returns the mask of a bit in its byte.
#[inline]
fn bit_of_byte(offset: u64) -> u8 {
    0x80 >> (offset % 8)
}

/// Returns the bytes that hold `bits`, and masks of the bits that belong to them in the first and in the
/// last byte. `bits` must not be empty, and must lie inside the string.
#[inline]
fn edges(bytes: &[u8], bits: Range<u64>) -> (&[u8], u8, u8) {
    let last = bits.end - 1;
    let bytes = &bytes[(bits.start / 8) as usize..=(last / 8) as usize];
    (bytes, 0xFF >> (bits.start % 8), 0xFF << (7 - last % 8))
}

fn count_range(bytes: &[u8], bits: Range<u64>) -> u64 {
    let (bytes, first_mask, last_mask) = edges(bytes, bits);
    let outside = |byte: Option<&u8>, mask: u8| byte.map_or(0, |byte| u64::from((byte & !mask).count_ones()));
    count_ones(bytes) - outside(bytes.first(), first_mask) - outside(bytes.last(), last_mask)
}

fn find_range(bytes: &[u8], bits: Range<u64>, bit: bool) -> Option<u64> {
    let start = bits.start - bits.start % 8;
    let (bytes, first_mask, last_mask) = edges(bytes, bits.clone());
    // The bits before the range could hide the first one in it, so the first byte is searched alone. The
    // bits after the range cannot hide one.
    let (&first, rest) = bytes.split_first()?;
    let mut mask = first_mask;
    if rest.is_empty() {
        mask &= last_mask;
    }
    let hits = (if bit { first } else { !first }) & mask;
    let found = match hits {
        0 => 8 + first_bit(rest, bit)?,
        _ => u64::from(hits.leading_zeros()),
    };
    Some(start + found).filter(|at| *at < bits.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares with a loop over bits, for some strings of two and more bytes and all ranges of bits in them.
    #[test]
    #[cfg_attr(miri, ignore = "no unsafe code")]
    fn counting_and_searching_agree_with_a_loop_over_bits() {
        let short = (0..=0xFFFFu32).step_by(7).map(|number| number.to_be_bytes()[2..].to_vec());
        let longer = [vec![0; 10], vec![0xFF; 10], vec![0, 0, 0, 0x10, 0, 0, 0, 0, 0, 1], b"foobar".to_vec()];
        for bytes in short.chain(longer) {
            let len = bytes.len() as u64 * 8;
            let bits: Vec<bool> = (0..len).map(|at| bytes[at as usize / 8] << (at % 8) & 0x80 != 0).collect();
            for start in 0..len {
                for end in start + 1..=len {
                    let inside = || (start..end).zip(&bits[start as usize..end as usize]);
                    let count = inside().filter(|(_, bit)| **bit).count() as u64;
                    assert_eq!(count_range(&bytes, start..end), count, "{bytes:?} {start}..{end}");
                    for bit in [false, true] {
                        let first = inside().find(|(_, other)| **other == bit).map(|(at, _)| at);
                        assert_eq!(
                            find_range(&bytes, start..end, bit),
                            first,
                            "{bytes:?} {start}..{end} {bit}"
                        );
                    }
                }
            }
        }
    }
}
