//! Ziplists and zipmaps: the packed lists of Redis before 7.0. They are read, and never written.
//!
//! ```text
//!  ziplist   | bytes 4 | tail 4 | count 2 | entry | entry | ... | 255 |     numbers are little-endian
//!  entry     | length of the entry before, 1 or 5 bytes | encoding | bytes |
//!
//!  zipmap    | count 1 | len | field | len | free 1 | value | free bytes | ... | 255 |
//! ```
//!
//! `new` checks all bytes. The iterator lends the elements. A clone of it starts where the original is.
//!
//! Learned from: the comments of Redis' `ziplist.c` and `zipmap.c`.

use listpack::Value;

/// The last byte of a ziplist and of a zipmap.
const END: u8 = 255;

/// The length of the header of a ziplist, in bytes.
const HEADER: usize = 10;

/// The offset of a fault, in bytes from the start.
pub(crate) type FaultAt = usize;

/// An entry of a ziplist. `before` is the length of the entry before it, and `end` is the offset after it.
struct Entry<'a> {
    before: usize,
    value: Value<'a>,
    end: usize,
}

/// An iterator over the entries of a ziplist that has been checked.
#[derive(Clone)]
pub(crate) struct Ziplist<'a> {
    bytes: &'a [u8],
    at: usize,
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn entry(bytes: &[u8], at: usize) -> Option<Entry<'_>> {
    let (before, at) = match *bytes.get(at)? {
        254 => (u32::from_le_bytes(array(bytes, at + 1)?) as usize, at + 5),
        END => return None,
        before => (usize::from(before), at + 1),
    };
    let encoding = *bytes.get(at)?;
    let (len, at) = match encoding >> 6 {
        0 => (usize::from(encoding), at + 1),
        1 => (usize::from(encoding & 0x3F) << 8 | usize::from(*bytes.get(at + 1)?), at + 2),
        2 => (u32::from_be_bytes(array(bytes, at + 1)?) as usize, at + 5),
        _ => {
            let (value, len) = integer(bytes, encoding, at + 1)?;
            return Some(Entry { before, value: Value::Int(value), end: at + 1 + len });
        }
    };
    let end = at.checked_add(len)?;
    Some(Entry { before, value: Value::from(bytes.get(at..end)?), end })
}

/// Reads an integer. Returns it, and the number of its bytes without the encoding.
fn integer(bytes: &[u8], encoding: u8, at: usize) -> Option<(i64, usize)> {
    Some(match encoding {
        0xC0 => (i16::from_le_bytes(array(bytes, at)?).into(), 2),
        0xD0 => (i32::from_le_bytes(array(bytes, at)?).into(), 4),
        0xE0 => (i64::from_le_bytes(array(bytes, at)?), 8),
        0xF0 => {
            let [low, middle, high] = array(bytes, at)?;
            (i64::from(i32::from_le_bytes([0, low, middle, high]) >> 8), 3)
        }
        0xFE => (i8::from_le_bytes(array(bytes, at)?).into(), 1),
        0xF1..=0xFD => (i64::from(encoding & 0x0F) - 1, 0),
        _ => return None,
    })
}

impl<'a> Ziplist<'a> {
    /// Checks the header, the entries and the end. O(bytes). In C: `ziplistValidateIntegrity`.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, FaultAt> {
        let (len, Some(total)) = (bytes.len(), array(bytes, 0)) else { return Err(0) };
        let (Some(tail), Some(claimed)) = (array(bytes, 4), array(bytes, 8)) else { return Err(len) };
        if u32::from_le_bytes(total) as usize != len {
            return Err(0);
        }
        let Some((&END, body)) = bytes.split_last() else { return Err(len) };
        let (mut at, mut last, mut before, mut count) = (HEADER, HEADER, 0, 0_usize);
        if body.len() < HEADER {
            return Err(len);
        }
        while at < body.len() {
            let Some(entry) = entry(body, at).filter(|entry| entry.before == before) else { return Err(at) };
            (before, last, at, count) = (entry.end - at, at, entry.end, count + 1);
        }
        if u32::from_le_bytes(tail) as usize != last {
            return Err(4);
        }
        match u16::from_le_bytes(claimed) {
            u16::MAX => {}
            claimed if usize::from(claimed) == count => {}
            _ => return Err(8),
        }
        Ok(Self { bytes: body, at: HEADER })
    }

    /// Returns an iterator over entries that have been checked. `bytes` has no header and no end byte.
    pub(crate) fn of_entries(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Returns the offset of the next entry.
    pub(crate) fn at(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Ziplist<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let entry = entry(self.bytes, self.at)?;
        self.at = entry.end;
        Some(entry.value)
    }
}

/// An iterator over the fields and values of a zipmap that has been checked. Each value follows its field.
#[derive(Clone)]
pub(crate) struct Zipmap<'a> {
    bytes: &'a [u8],
    at: usize,
    is_value: bool,
}

impl<'a> Zipmap<'a> {
    /// Checks all lengths, the count and the end. O(bytes). In C: `zipmapValidateIntegrity`.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, FaultAt> {
        let len = bytes.len();
        let Some((&END, body)) = bytes.split_last() else { return Err(len) };
        let Some(&claimed) = body.first() else { return Err(0) };
        let mut all = Self { bytes: body, at: 1, is_value: false };
        let start = all.clone();
        let mut count = 0_usize;
        while all.at < body.len() {
            let at = all.at;
            all.next().ok_or(at)?;
            all.next().ok_or(at)?;
            count += 1;
        }
        // A count of 254 or more says only that the number of pairs is not known.
        if claimed < 254 && usize::from(claimed) != count {
            return Err(0);
        }
        Ok(start)
    }

    /// Returns an iterator over fields and values that have been checked. `bytes` has no count and no end
    /// byte.
    pub(crate) fn of_entries(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, is_value: false }
    }

    /// Returns the offset of the next field or value.
    pub(crate) fn at(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Zipmap<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let (len, mut at) = match *self.bytes.get(self.at)? {
            254 => (u32::from_le_bytes(array(self.bytes, self.at + 1)?) as usize, self.at + 5),
            END => return None,
            len => (usize::from(len), self.at + 1),
        };
        let mut free = 0;
        if self.is_value {
            free = usize::from(*self.bytes.get(at)?);
            at += 1;
        }
        let end = at.checked_add(len)?;
        let text = self.bytes.get(at..end)?;
        let behind = end + free;
        if behind > self.bytes.len() {
            return None;
        }
        (self.at, self.is_value) = (behind, !self.is_value);
        Some(Value::from(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a ziplist that has an entry in every encoding.
    fn ziplist() -> Vec<u8> {
        let long = [b'x'; 300];
        let entries: Vec<Vec<u8>> = vec![
            [&[2][..], b"ab"].concat(),
            [&[0x41, 0x2C][..], &long].concat(),
            [&[0x80, 0, 0, 0, 1][..], b"y"].concat(),
            vec![0xC0, 0x00, 0x80],
            vec![0xD0, 0xFF, 0xFF, 0xFF, 0x7F],
            vec![0xE0, 0, 0, 0, 0, 0, 0, 0, 0x80],
            vec![0xF0, 0, 0, 0x80],
            vec![0xFE, 0x80],
            vec![0xF1],
            vec![0xFD],
        ];
        let (mut body, mut before, mut tail) = (Vec::new(), 0, 0);
        let count = entries.len();
        for entry in entries {
            tail = HEADER + body.len();
            let start = body.len();
            if before < 254 {
                body.push(before as u8);
            } else {
                body.push(254);
                body.extend((before as u32).to_le_bytes());
            }
            body.extend(entry);
            before = body.len() - start;
        }
        let mut bytes = ((HEADER + body.len() + 1) as u32).to_le_bytes().to_vec();
        bytes.extend((tail as u32).to_le_bytes());
        bytes.extend((count as u16).to_le_bytes());
        bytes.extend(body);
        bytes.push(END);
        bytes
    }

    #[test]
    fn every_encoding_of_a_ziplist_is_read() {
        let bytes = ziplist();
        let long = [b'x'; 300];
        let expected = [
            Value::raw(b"ab"),
            Value::raw(&long),
            Value::raw(b"y"),
            Value::Int(-32_768),
            Value::Int(i64::from(i32::MAX)),
            Value::Int(i64::MIN),
            Value::Int(-(1 << 23)),
            Value::Int(-128),
            Value::Int(0),
            Value::Int(12),
        ];
        assert!(Ziplist::new(&bytes).unwrap().eq(expected));
        let empty = [11, 0, 0, 0, 10, 0, 0, 0, 0, 0, 255];
        assert_eq!(Ziplist::new(&empty).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_ziplist_is_refused_or_still_has_all_its_entries() {
        let bytes = ziplist();
        for len in 0..bytes.len() {
            assert!(Ziplist::new(&bytes[..len]).is_err(), "{len}");
        }
        for at in 0..bytes.len() {
            for flip in [1, 0x80, 0xFF] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                let read = Ziplist::new(&damaged).map(Iterator::count);
                assert!(read.is_err() || read == Ok(10), "byte {at}");
                assert!(at >= HEADER || read.is_err(), "byte {at} of the header");
            }
        }
    }

    #[test]
    fn a_zipmap_is_read_past_its_free_bytes() {
        let mut bytes = b"\x02\x01a\x02\x03vv...\xFE\x05\0\0\0field\0\0".to_vec();
        bytes.push(END);
        let expected = [b"a".as_slice(), b"vv", b"field", b""];
        assert!(Zipmap::new(&bytes).unwrap().eq(expected.map(Value::raw)));
        for len in 0..bytes.len() {
            assert!(Zipmap::new(&bytes[..len]).is_err(), "{len}");
        }
        assert_eq!(Zipmap::new(b"\x03\xFF").err(), Some(0));
        assert_eq!(Zipmap::new(b"\x01\x01a\xFF").err(), Some(1)); // a field without a value
    }
}
