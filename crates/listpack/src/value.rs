//! What an entry holds, and when two such values are the same.

use crate::integer;

/// What an entry holds: an integer, bytes, or, as an extension of the format, a double.
///
/// A value equals the bytes of its text, and `Int(7)` equals `Str(b"7")`: a client that wrote one cannot tell it from the
/// other. A double has no text here. It equals a double of the same number and nothing else.
///
/// ```
/// use listpack::Value;
/// assert!(matches!(Value::from(b"12"), Value::Int(12)));
/// assert!(matches!(Value::from(b"012"), Value::Str(b"012")));
/// assert!(matches!(Value::raw(b"12"), Value::Str(b"12")));
/// assert_eq!(Value::raw(b"12"), Value::Int(12));
/// assert_eq!(Value::Int(12), b"12"[..]);
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// An integer, stored in one to nine bytes.
    Int(i64),
    /// Bytes, stored as they are, even if they spell an integer.
    Str(&'a [u8]),
    /// A double, stored in nine bytes. Not in antirez' format: no other reader knows it.
    Double(f64),
}

impl<'a> Value<'a> {
    /// The bytes as bytes, whatever they spell. [`From`] would store the text of an integer as an integer.
    #[inline]
    pub fn raw(bytes: &'a [u8]) -> Self {
        Self::Str(bytes)
    }
}

/// An integer if the bytes are the text of one. O(1): texts of more than 20 bytes are not looked at.
impl<'a> From<&'a [u8]> for Value<'a> {
    #[inline]
    fn from(bytes: &'a [u8]) -> Self {
        integer::parse(bytes).map_or(Self::Str(bytes), Self::Int)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    #[inline]
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::from(bytes.as_slice())
    }
}

impl<'a> From<&'a str> for Value<'a> {
    #[inline]
    fn from(text: &'a str) -> Self {
        Self::from(text.as_bytes())
    }
}

impl From<i64> for Value<'_> {
    #[inline]
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Self::Str(bytes), other) | (other, Self::Str(bytes)) => other == *bytes,
            (Self::Int(one), Self::Int(other)) => one == other,
            (Self::Double(one), Self::Double(other)) => one == other,
            _ => false,
        }
    }
}

impl PartialEq<[u8]> for Value<'_> {
    fn eq(&self, bytes: &[u8]) -> bool {
        match *self {
            Self::Int(value) => integer::parse(bytes) == Some(value),
            Self::Str(own) => own == bytes,
            Self::Double(_) => false,
        }
    }
}

impl PartialEq<&[u8]> for Value<'_> {
    fn eq(&self, bytes: &&[u8]) -> bool {
        self == *bytes
    }
}
