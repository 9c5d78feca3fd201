//! Integers of any width at any bit of a string: `BITFIELD`.
//!
//! ```text
//!  u5 at bit 6       bit  0       6 |8   11 |     16
//!                       [ . . . . . . x x ][ x x x . . . . . ]
//!                                     |_highest         |_lowest
//! ```
//!
//! A field of 64 bits spans up to nine bytes. They are read into one `u128`, and written back from it.
//!
//! Learned from: Redis' `bitops.c` (`bitfieldGeneric`, `checkSignedBitfieldOverflow`).

use super::edit::StringMut;
use crate::limits::EncodingLimits;
use listpack::integer;

/// The width of an integer in a string, and whether it is signed. A signed one has 1 to 64 bits, and an
/// unsigned one 1 to 63, because a reply is an `i64`.
///
/// ```
/// use values::string::BitFieldType;
/// assert_eq!(BitFieldType::from_bytes(b"i16"), BitFieldType::signed(16));
/// assert_eq!(BitFieldType::from_bytes(b"u64"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BitFieldType {
    signed: bool,
    /// Invariant: 1 to 64 if signed, else 1 to 63.
    bits: u8,
}

impl BitFieldType {
    /// Creates the type of a signed integer, in two's complement. Returns `None` unless `bits` is 1 to 64.
    /// In C: `i1` to `i64`.
    pub const fn signed(bits: u32) -> Option<Self> {
        if matches!(bits, 1..=64) { Some(Self { signed: true, bits: bits as u8 }) } else { None }
    }

    /// Creates the type of an unsigned integer. Returns `None` unless `bits` is 1 to 63. In C: `u1` to `u63`.
    pub const fn unsigned(bits: u32) -> Option<Self> {
        if matches!(bits, 1..=63) { Some(Self { signed: false, bits: bits as u8 }) } else { None }
    }

    /// Parses a name such as `i16` or `u8`. In C: `getBitfieldTypeFromArgument`.
    pub fn from_bytes(text: &[u8]) -> Option<Self> {
        let bits = |text| integer::parse(text).and_then(|bits| u32::try_from(bits).ok());
        match text {
            [b'i', width @ ..] => Self::signed(bits(width)?),
            [b'u', width @ ..] => Self::unsigned(bits(width)?),
            _ => None,
        }
    }

    /// Returns the number of bits.
    pub const fn bits(self) -> u32 {
        self.bits as u32
    }

    /// Returns the offset in bits of field number `number`, if fields of this type follow each other from
    /// the start of the string. In C: the offset `#number`.
    pub const fn offset_of(self, number: u64) -> Option<u64> {
        number.checked_mul(self.bits as u64)
    }

    const fn min(self) -> i128 {
        if self.signed { -(1 << (self.bits - 1)) } else { 0 }
    }

    const fn max(self) -> i128 {
        (1 << (self.bits - self.signed as u8)) - 1
    }

    /// Returns the integer in the low bits of `word`.
    const fn read(self, word: u64) -> i64 {
        let unused = 64 - self.bits();
        if self.signed { ((word << unused) as i64) >> unused } else { (word << unused >> unused) as i64 }
    }

    /// Returns the value to write for `exact`. `overflow` is the rule for a value that does not fit.
    fn fit(self, exact: i128, overflow: BitOverflow) -> Option<i64> {
        let clamped = exact.clamp(self.min(), self.max());
        match overflow {
            BitOverflow::Wrap => Some(self.read(exact as u64)),
            BitOverflow::Fail if exact != clamped => None,
            BitOverflow::Sat | BitOverflow::Fail => Some(clamped as i64), // within the limits of an `i64`
        }
    }
}

/// The rule for a value that does not fit a field. In C: `OVERFLOW WRAP`, `SAT`, `FAIL`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BitOverflow {
    /// Keep the low bits.
    #[default]
    Wrap,
    /// Use the nearest value that fits.
    Sat,
    /// Write nothing and return `None`.
    Fail,
}

/// Returns the integer at bit `offset`. Bits after the end of the string are 0. Constant time. In C:
/// `BITFIELD GET`.
///
/// ```
/// use values::string::{BitFieldType, bitfield_get};
/// let (u8, i8) = (BitFieldType::unsigned(8).unwrap(), BitFieldType::signed(8).unwrap());
/// assert_eq!(bitfield_get(b"\x0F\xFF", u8, 4), 255);
/// assert_eq!(bitfield_get(b"\x0F\xFF", i8, 4), -1);
/// assert_eq!(bitfield_get(b"\x0F\xFF", u8, 12), 0xF0);
/// ```
pub fn bitfield_get(bytes: &[u8], field: BitFieldType, offset: u64) -> i64 {
    field.read(load(bytes, field, offset))
}

/// Writes the integer at bit `offset` and returns the old one. In C: `BITFIELD SET`.
///
/// If the value does not fit under [`BitOverflow::Fail`], the function returns `None` and does not write
/// it. A shorter string is always filled up with zeros, up to the end of the field. Apart from that, it
/// takes constant time. A negative value for an unsigned field counts as its 64 bits, which are too large.
///
/// # Errors
/// [`BitOffset`](super::StringError::BitOffset) if the first bit is at or above `8 *
/// limits.proto_max_bulk_len`. (As in Redis, a field may begin below the limit and end above it.)
///
/// # Difference from Redis
/// Under [`BitOverflow::Sat`], a `value` far below the field's range becomes the least value of the field.
/// Redis finds this out by a subtraction in 64 bits, which overflows. `BITFIELD key OVERFLOW SAT SET i8 0
/// -9223372036854775808` sets 127 in Redis, and -128 here.
///
/// ```
/// use values::EncodingLimits;
/// use values::string::{BitFieldType, BitOverflow, try_bitfield_set};
/// let (u4, limits) = (BitFieldType::unsigned(4).unwrap(), EncodingLimits::DEFAULT);
/// let mut text = sds::Sds::new();
/// assert_eq!(try_bitfield_set(&mut text, u4, 4, 9, BitOverflow::Wrap, &limits), Ok(Some(0)));
/// assert_eq!(try_bitfield_set(&mut text, u4, 4, 17, BitOverflow::Sat, &limits), Ok(Some(9)));
/// assert_eq!(try_bitfield_set(&mut text, u4, 4, 17, BitOverflow::Fail, &limits), Ok(None));
/// assert_eq!(text, "\x0F");
/// ```
pub fn try_bitfield_set<S: StringMut>(
    string: &mut S,
    field: BitFieldType,
    offset: u64,
    value: i64,
    overflow: BitOverflow,
    limits: &EncodingLimits,
) -> Result<Option<i64>, S::Error> {
    let value = if field.signed { i128::from(value) } else { i128::from(value as u64) };
    let change = try_update(string, field, offset, limits, |_| field.fit(value, overflow))?;
    Ok(change.map(|(before, _)| before))
}

/// Adds to the integer at bit `offset` and returns the sum that was written. In C: `BITFIELD INCRBY`.
///
/// If the sum does not fit under [`BitOverflow::Fail`], the function returns `None` and does not write it.
/// As in [`try_bitfield_set`], a shorter string is always made long enough.
///
/// # Errors
/// Those of [`try_bitfield_set`].
///
/// ```
/// use values::EncodingLimits;
/// use values::string::{BitFieldType, BitOverflow, try_bitfield_incr_by};
/// let (i8, limits) = (BitFieldType::signed(8).unwrap(), EncodingLimits::DEFAULT);
/// let mut text = sds::Sds::from_bytes(b"\x7F");
/// assert_eq!(try_bitfield_incr_by(&mut text, i8, 0, 1, BitOverflow::Fail, &limits), Ok(None));
/// assert_eq!(try_bitfield_incr_by(&mut text, i8, 0, 1, BitOverflow::Sat, &limits), Ok(Some(127)));
/// assert_eq!(try_bitfield_incr_by(&mut text, i8, 0, 1, BitOverflow::Wrap, &limits), Ok(Some(-128)));
/// ```
pub fn try_bitfield_incr_by<S: StringMut>(
    string: &mut S,
    field: BitFieldType,
    offset: u64,
    increment: i64,
    overflow: BitOverflow,
    limits: &EncodingLimits,
) -> Result<Option<i64>, S::Error> {
    let sum = |before: i64| field.fit(i128::from(before) + i128::from(increment), overflow);
    let change = try_update(string, field, offset, limits, sum)?;
    Ok(change.map(|(_, after)| after))
}

/// Replaces the integer at bit `offset` by the result of `change`, and returns both. If the result is
/// `None`, writes nothing.
fn try_update<S: StringMut>(
    string: &mut S,
    field: BitFieldType,
    offset: u64,
    limits: &EncodingLimits,
    change: impl FnOnce(i64) -> Option<i64>,
) -> Result<Option<(i64, i64)>, S::Error> {
    let first = limits.check_bit(offset)?;
    let bytes = string.try_make_len(first.saturating_add(bytes_spanned(field, offset)))?;
    let before = field.read(load(bytes, field, offset));
    Ok(change(before).map(|after| {
        store(bytes, field, offset, after as u64);
        (before, after)
    }))
}

/// Returns the number of bytes that the field spans.
fn bytes_spanned(field: BitFieldType, offset: u64) -> usize {
    ((offset % 8) as usize + usize::from(field.bits)).div_ceil(8)
}

/// Returns 16 bytes from byte `first` on, of which only the first nine matter. Bytes after the end are
/// zeros.
fn window(bytes: &[u8], first: u64) -> [u8; 16] {
    let rest = usize::try_from(first).ok().and_then(|first| bytes.get(first..)).unwrap_or(&[]);
    match rest.first_chunk() {
        Some(window) => *window,
        None => {
            let mut window = [0; 16];
            window[..rest.len()].copy_from_slice(rest);
            window
        }
    }
}

/// Returns the field's bits as the low bits of a word. The other bits are 0.
fn load(bytes: &[u8], field: BitFieldType, offset: u64) -> u64 {
    let word = u128::from_be_bytes(window(bytes, offset / 8));
    (word << (offset % 8) >> (u128::BITS - field.bits())) as u64
}

/// Writes the low bits of `value` to the field, which must lie inside `bytes`.
fn store(bytes: &mut [u8], field: BitFieldType, offset: u64, value: u64) {
    let shift = u128::BITS - field.bits() - (offset % 8) as u32;
    let mask = (u128::MAX >> (u128::BITS - field.bits())) << shift;
    let word = u128::from_be_bytes(window(bytes, offset / 8));
    let word = (word & !mask) | (u128::from(value) << shift & mask);
    let (first, len) = ((offset / 8) as usize, bytes_spanned(field, offset));
    bytes[first..first + len].copy_from_slice(&word.to_be_bytes()[..len]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_types() -> impl Iterator<Item = BitFieldType> {
        let step = if cfg!(miri) { 13 } else { 1 };
        (1..=64)
            .step_by(step)
            .flat_map(|bits| [BitFieldType::signed(bits), BitFieldType::unsigned(bits)])
            .flatten()
    }

    /// Reads the field bit by bit, the highest first.
    fn load_naive(bytes: &[u8], field: BitFieldType, offset: u64) -> u64 {
        (offset..offset + u64::from(field.bits())).fold(0, |word, at| {
            let byte = bytes.get((at / 8) as usize).copied().unwrap_or(0);
            word << 1 | u64::from(byte >> (7 - at % 8) & 1)
        })
    }

    #[test]
    #[cfg_attr(all(miri, target_endian = "little"), ignore = "no unsafe code")]
    fn every_width_at_every_bit_reads_and_writes_its_own_bits_only() {
        let noise: [u8; 12] = std::array::from_fn(|i| (i as u32).wrapping_mul(0x9E37_79B9).to_be_bytes()[1]);
        let step = if cfg!(miri) { 9 } else { 1 };
        for field in all_types() {
            for offset in (0..32).step_by(step) {
                assert_eq!(
                    load(&noise, field, offset),
                    load_naive(&noise, field, offset),
                    "{field:?} {offset}"
                );
                let bits = u64::from(field.bits());
                let mask = u64::MAX >> (64 - bits);
                for value in [0, u64::MAX, 0x0123_4567_89AB_CDEF] {
                    let mut bytes = noise;
                    store(&mut bytes, field, offset, value);
                    assert_eq!(load_naive(&bytes, field, offset), value & mask, "{field:?} {offset}");
                    // With the old bits of the field back, the bytes must be the noise again.
                    for at in offset..offset + bits {
                        let bit = 0x80 >> (at % 8);
                        let byte = &mut bytes[(at / 8) as usize];
                        *byte = (*byte & !bit) | (noise[(at / 8) as usize] & bit);
                    }
                    assert_eq!(bytes, noise, "{field:?} {offset}");
                }
            }
            for offset in [90, 95, 96, 1000] {
                assert_eq!(load(&noise, field, offset), load_naive(&noise, field, offset));
            }
            assert_eq!(load(&noise, field, u64::MAX), 0);
        }
    }

    #[test]
    fn what_does_not_fit_wraps_or_stops_or_fails() {
        use BitOverflow::{Fail, Sat, Wrap};
        for field in all_types() {
            let (min, max) = (field.min(), field.max());
            assert_eq!(max - min, (1i128 << field.bits()) - 1);
            for inside in [min, max, 0] {
                for overflow in [Wrap, Sat, Fail] {
                    assert_eq!(field.fit(inside, overflow).map(i128::from), Some(inside), "{field:?}");
                }
            }
            for (outside, wrapped, nearest) in
                [(max + 1, min, max), (min - 1, max, min), (max + 2, min + 1, max)]
            {
                if field.bits() == 1 && outside == max + 2 {
                    continue; // the sum wraps all the way round
                }
                assert_eq!(field.fit(outside, Wrap).map(i128::from), Some(wrapped), "{field:?}");
                assert_eq!(field.fit(outside, Sat).map(i128::from), Some(nearest), "{field:?}");
                assert_eq!(field.fit(outside, Fail), None, "{field:?}");
            }
        }
    }

    #[test]
    fn types_are_read_from_their_names() {
        for (text, field) in [
            ("i1", BitFieldType::signed(1)),
            ("i64", BitFieldType::signed(64)),
            ("u63", BitFieldType::unsigned(63)),
            ("u64", None),
            ("i65", None),
            ("i0", None),
            ("u-1", None),
            ("i01", None),
            ("I8", None),
            ("8", None),
            ("i", None),
            ("", None),
            ("i4294967297", None),
        ] {
            assert_eq!(BitFieldType::from_bytes(text.as_bytes()), field, "{text:?}");
        }
        assert_eq!(BitFieldType::signed(5).unwrap().offset_of(100), Some(500));
        assert_eq!(BitFieldType::signed(64).unwrap().offset_of(u64::MAX), None);
    }
}
