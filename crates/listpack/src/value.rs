//! [`Value`]: the value of an entry, and when two values are equal.

use crate::integer;

/// The value of an entry: an integer, bytes, or a double. Doubles are an extension of the format.
///
/// An integer equals the bytes of its decimal form. So `Int(7)` equals `Str(b"7")`, because a client cannot
/// tell them apart. A double equals only a double of the same number. It does not equal any bytes.
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
    /// Bytes, stored as they are, even if they are the decimal form of an integer.
    Str(&'a [u8]),
    /// A double, stored in nine bytes. Antirez' format does not have it, so other readers do not know it.
    Double(f64),
}

impl<'a> Value<'a> {
    /// Returns the bytes as [`Str`](Self::Str). [`From`] would convert the decimal form of an integer to
    /// [`Int`](Self::Int).
    #[inline]
    pub fn raw(bytes: &'a [u8]) -> Self {
        Self::Str(bytes)
    }
}

/// Converts the bytes to an integer if they are the decimal form of one. O(1), because more than 20 bytes are
/// never parsed.
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
