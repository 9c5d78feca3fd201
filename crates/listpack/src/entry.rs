//! The bytes of an entry, and how they are written and read. An entry is `encoding, data, backlen`.
//!
//! ```text
//!  first byte   holds                                    bytes without backlen
//!  0xxxxxxx     an integer of 7 bits, 0 to 127           1
//!  10xxxxxx     the length of a string below 64          1 + length
//!  110xxxxx     5 of 13 bits of a signed integer         2
//!  1110xxxx     4 of 12 bits of a string's length        2 + length
//!  0xF0         a string with 4 bytes of length          5 + length
//!  0xF1 to F4   an integer of 16, 24, 32, 64 bits        3, 4, 5, 9
//!  0xF5         a double (an extension of this crate)    9
//!  0xFF         the end of the list
//! ```
//!
//! Numbers of several bytes are little-endian. The 13-bit integer and the 12-bit length are the exceptions:
//! their upper bits come first, in the byte of the encoding. The backlen is the number of bytes in front of
//! it, in seven-bit digits:
//!
//! ```text
//!  300 bytes = 2 * 128 + 44:    | 0 0000010 | 1 0101100 |      read from the right: a set top bit says
//!                                 first        last            that another digit stands to the left
//! ```
//!
//! **Reading is total.** Every function here accepts any bytes and any position, and returns `None` if there
//! is no entry. It trusts neither the bytes nor the position. So a damaged list or an outdated offset leads
//! to wrong values at worst.

use crate::value::Value;
use common::Writer;

const SIX_BIT_STRING: u8 = 0x80;
const THIRTEEN_BIT_INT: u8 = 0xC0;
const TWELVE_BIT_STRING: u8 = 0xE0;
const LONG_STRING: u8 = 0xF0;
const INT_16: u8 = 0xF1;
const INT_24: u8 = 0xF2;
const INT_32: u8 = 0xF3;
const INT_64: u8 = 0xF4;
pub(crate) const DOUBLE: u8 = 0xF5;

/// The strings of [`SIX_BIT_STRING`] and of [`TWELVE_BIT_STRING`] are shorter than these lengths.
const SIX_BIT_LEN_END: usize = 1 << 6;
const TWELVE_BIT_LEN_END: usize = 1 << 12;

/// The length of the longest head: the first byte and an eight-byte number. A head is an entry without its
/// backlen and without the bytes of a string.
const HEAD_LEN_MAX: usize = 9;
const BACKLEN_LEN_MAX: usize = 5;

/// Returns how many bytes the backlen of `len` bytes has.
///
/// As in C, a length whose two, three or four digits would be all ones has one more digit. Readers compute
/// this number and do not read it, so the exception is part of the format.
#[inline]
const fn backlen_len(len: usize) -> usize {
    match len {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

/// Returns the backlen of `len` bytes, and how many bytes of the array it has.
#[inline]
fn backlen(len: usize) -> ([u8; BACKLEN_LEN_MAX], usize) {
    let (mut digits, count) = ([0; BACKLEN_LEN_MAX], backlen_len(len));
    let mut rest = len;
    for at in (0..count).rev() {
        digits[at] = (rest & 127) as u8 | if at == 0 { 0 } else { 128 };
        rest >>= 7;
    }
    (digits, count)
}

/// The number of bytes of a whole entry, by its first byte. It is 0 if the first byte does not determine it.
static SPANS: [u8; 256] = {
    let (mut spans, mut first) = ([0; 256], 0);
    while first < spans.len() {
        let len = match first as u8 {
            0..SIX_BIT_STRING => 1,
            SIX_BIT_STRING..THIRTEEN_BIT_INT => 1 + first - SIX_BIT_STRING as usize,
            THIRTEEN_BIT_INT..TWELVE_BIT_STRING => 2,
            INT_16 => 3,
            INT_24 => 4,
            INT_32 => 5,
            INT_64 | DOUBLE => 9,
            _ => 0,
        };
        spans[first] = if len == 0 { 0 } else { (len + backlen_len(len)) as u8 };
        first += 1;
    }
    spans
};

/// An entry that is ready to be written.
pub(crate) struct Entry<'a> {
    value: Value<'a>,
    /// The number of bytes in front of the backlen.
    len: usize,
}

impl<'a> Entry<'a> {
    #[inline]
    pub(crate) fn new(value: Value<'a>) -> Self {
        let len = match value {
            Value::Int(value) => int_head(value).1,
            Value::Str(bytes) => string_head(bytes.len()).1 + bytes.len(),
            Value::Double(_) => 9,
        };
        Self { value, len }
    }

    /// Returns how many bytes the whole entry has.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len + backlen_len(self.len)
    }

    #[inline(always)] // usually only a copy, with one byte before it and one after it
    pub(crate) fn write(&self, gap: &mut Writer<'_, '_>) {
        match self.value {
            Value::Str(bytes) => {
                match string_head(bytes.len()) {
                    ([first, ..], 1) => gap.push(first),
                    (head, len) => gap.write(&head[..len]),
                }
                gap.write(bytes);
            }
            Value::Int(value) => {
                let (head, len) = int_head(value);
                gap.write(&head[..len]);
            }
            Value::Double(value) => gap.write(&number_head(DOUBLE, value.to_le_bytes())),
        }
        if self.len <= 127 {
            return gap.push(self.len as u8);
        }
        let (digits, count) = backlen(self.len);
        gap.write(&digits[..count]);
    }
}

/// Returns how many bytes `value` takes in a list, with its backlen. O(1).
///
/// ```
/// use listpack::{Value, encoded_len};
/// assert_eq!(encoded_len(Value::from(b"127")), 2);
/// assert_eq!(encoded_len(Value::raw(b"127")), 5);
/// ```
#[inline]
pub fn encoded_len<'a>(value: impl Into<Value<'a>>) -> usize {
    Entry::new(value.into()).len()
}

type Head = [u8; HEAD_LEN_MAX];

#[inline]
fn number_head<const N: usize>(encoding: u8, number: [u8; N]) -> Head {
    let mut head = [encoding; HEAD_LEN_MAX];
    head[1..=N].copy_from_slice(&number);
    head
}

#[inline]
fn int_head(value: i64) -> (Head, usize) {
    let [b0, b1, b2, b3, ..] = value.to_le_bytes();
    match value {
        0..=127 => (number_head(b0, []), 1),
        -4096..=4095 => (number_head(THIRTEEN_BIT_INT | (b1 & 31), [b0]), 2),
        -0x8000..=0x7FFF => (number_head(INT_16, [b0, b1]), 3),
        -0x80_0000..=0x7F_FFFF => (number_head(INT_24, [b0, b1, b2]), 4),
        -0x8000_0000..=0x7FFF_FFFF => (number_head(INT_32, [b0, b1, b2, b3]), 5),
        _ => (number_head(INT_64, value.to_le_bytes()), 9),
    }
}

#[inline]
fn string_head(len: usize) -> (Head, usize) {
    let [b0, b1, b2, b3] = (len as u32).to_le_bytes();
    match len {
        0..SIX_BIT_LEN_END => (number_head(SIX_BIT_STRING | b0, []), 1),
        SIX_BIT_LEN_END..TWELVE_BIT_LEN_END => (number_head(TWELVE_BIT_STRING | b1, [b0]), 2),
        // The cast above is exact for every string that is written. A longer one does not fit in a list.
        _ => (number_head(LONG_STRING, [b0, b1, b2, b3]), 5),
    }
}

/// Returns the first byte of a string of `len` bytes, if that byte contains the whole length.
#[inline]
pub(crate) fn short_string_head(len: usize) -> Option<u8> {
    (len < SIX_BIT_LEN_END).then_some(SIX_BIT_STRING | len as u8)
}

/// Returns the length of the string in an entry that starts with `first`, if it is a string of less than 64
/// bytes.
#[inline]
pub(crate) fn short_string_len(first: u8) -> Option<usize> {
    (first & 0xC0 == SIX_BIT_STRING).then_some(usize::from(first & 0x3F))
}

/// Returns where the bytes of a string begin, and how many there are. Covers the two encodings with a head of
/// more than one byte.
#[inline]
fn long_string(body: &[u8], at: usize, first: u8) -> Option<(usize, usize)> {
    if first & 0xF0 == TWELVE_BIT_STRING {
        let low = *body.get(at + 1)?;
        Some((at + 2, usize::from(first & 15) << 8 | usize::from(low)))
    } else if first == LONG_STRING {
        let len = u32::from_le_bytes(*body.get(at + 1..)?.first_chunk()?);
        Some((at + 5, usize::try_from(len).ok()?))
    } else {
        None
    }
}

/// Returns the position after the entry at `at`. `body` is a list without its end byte. The result is at
/// most `body.len()`, which is a position without an entry.
#[inline]
pub(crate) fn skip(body: &[u8], at: usize) -> Option<usize> {
    let next = step(body, at, *body.get(at)?)?;
    (next <= body.len()).then_some(next)
}

/// Like [`skip`], for an entry whose first byte has been read. The result may be beyond the end of `body` if
/// the end cuts off the entry.
#[inline]
pub(crate) fn step(body: &[u8], at: usize, first: u8) -> Option<usize> {
    // The next step of a walk waits for this position. Most entries of most lists are short strings, so this
    // branch is predicted, and the position is computed without a load. Integers and doubles use a table,
    // because a branch on the width of an integer would not be predictable.
    if let Some(len) = short_string_len(first) {
        return Some(at + 2 + len);
    }
    let span = SPANS[usize::from(first)];
    if span != 0 { Some(at + usize::from(span)) } else { skip_long(body, at, first) }
}

#[inline(never)]
fn skip_long(body: &[u8], at: usize, first: u8) -> Option<usize> {
    let (data, len) = long_string(body, at, first)?;
    let end = data.checked_add(len)?;
    end.checked_add(backlen_len(end - at))
}

/// Returns whether the entry at `at..next` ends with its backlen, in the only form that a writer produces.
pub(crate) fn has_valid_backlen(body: &[u8], at: usize, next: usize) -> bool {
    backlen_at(body, at, next).is_some()
}

/// Returns the position of the backlen of the entry at `at..next`. Returns `None` if the entry does not end
/// with its backlen in the only form that a writer produces.
pub(crate) fn backlen_at(body: &[u8], at: usize, next: usize) -> Option<usize> {
    let len = (1..=BACKLEN_LEN_MAX.min(next - at)).find(|len| {
        let (digits, count) = backlen(next - at - len);
        count == *len && body.get(next - len..next) == Some(&digits[..*len])
    })?;
    Some(next - len)
}

/// Returns the value of the entry at `at`, and the position after the entry.
#[inline]
pub(crate) fn decode(body: &[u8], at: usize) -> Option<(Value<'_>, usize)> {
    let first = *body.get(at)?;
    // Names are short strings, and scores are doubles. Each of these two has only one bounds check, which
    // covers the data and the backlen.
    if let Some(len) = short_string_len(first) {
        let (data, _) = body.get(at + 1..at + 2 + len)?.split_at(len);
        return Some((Value::Str(data), at + 2 + len));
    }
    if first == DOUBLE {
        let data = body.get(at + 1..at + 10)?.first_chunk()?;
        return Some((Value::Double(f64::from_le_bytes(*data)), at + 10));
    }
    decode_other(body, at, first)
}

/// The part of [`decode`] for all other entries.
#[inline]
fn decode_other(body: &[u8], at: usize, first: u8) -> Option<(Value<'_>, usize)> {
    let next = skip(body, at)?;
    Some((value(body, at, first)?, next))
}

/// Returns only the value of the entry at `at`, whose first byte is `first`.
#[inline]
pub(crate) fn value(body: &[u8], at: usize, first: u8) -> Option<Value<'_>> {
    if let Some(len) = short_string_len(first) {
        return Some(Value::Str(body.get(at + 1..at + 1 + len)?));
    }
    match int(body, at, first) {
        Some(value) => Some(Value::Int(value)),
        None => value_long(body, at, first),
    }
}

/// Returns the integer of the entry at `at`, if it is one.
#[inline(always)] // a few instructions in the loop of `find`
pub(crate) fn int(body: &[u8], at: usize, first: u8) -> Option<i64> {
    match first {
        0..SIX_BIT_STRING => Some(i64::from(first)),
        INT_16..=INT_64 => wide_int(body.get(at + 1..)?, first),
        THIRTEEN_BIT_INT..TWELVE_BIT_STRING => {
            let unsigned = u16::from_be_bytes([first, *body.get(at + 1)?]) << 3;
            Some(i64::from(unsigned as i16 >> 3))
        }
        _ => None,
    }
}

/// Returns the value of an entry that is a double or a string with a long head.
#[inline(never)]
pub(crate) fn value_long(body: &[u8], at: usize, first: u8) -> Option<Value<'_>> {
    if first == DOUBLE {
        return Some(Value::Double(f64::from_le_bytes(*body.get(at + 1..)?.first_chunk()?)));
    }
    let (data, len) = long_string(body, at, first)?;
    Some(Value::Str(body.get(data..data.checked_add(len)?)?))
}

/// Returns the integer at the beginning of `number`. `first` says how many bytes it has.
///
/// The function reads eight bytes for every width, if there are as many. So a list of integers of several
/// widths causes no mispredicted branches.
#[inline(always)] // as for `int`
fn wide_int(number: &[u8], first: u8) -> Option<i64> {
    let width = usize::from([2u8, 3, 4, 8][usize::from(first - INT_16) & 3]);
    let wide = match number.first_chunk() {
        Some(chunk) => i64::from_le_bytes(*chunk),
        None => {
            let mut chunk = [0; 8];
            chunk[..width].copy_from_slice(number.get(..width)?);
            i64::from_le_bytes(chunk)
        }
    };
    let unused = 64 - 8 * width as u32;
    Some(wide << unused >> unused)
}

/// Returns the position of the entry that ends at `end`, if it begins at `start` or after it. Checks that
/// the entry at this position really ends at `end`.
#[inline]
pub(crate) fn previous(body: &[u8], start: usize, end: usize) -> Option<usize> {
    let (mut at, mut len) = (end, 0);
    for digit in 0..BACKLEN_LEN_MAX {
        at = at.checked_sub(1)?;
        let byte = *body.get(at)?;
        len |= u64::from(byte & 127) << (7 * digit);
        if byte & 128 == 0 {
            let at = at.checked_sub(usize::try_from(len).ok()?)?;
            return (at >= start && skip(body, at) == Some(end)).then_some(at);
        }
    }
    None
}
