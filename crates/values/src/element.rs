//! [`Element`]: a string, or an element of a collection. It is bytes, or an integer that stands for them.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::{Deref, Range};
use listpack::Value;
use listpack::integer::{self, Decimal};
use sds::Sds;
use zmalloc::ReserveError;

/// A borrowed string. It is stored as bytes, or, in encodings that store integers, as the integer whose
/// decimal form it is. Comparison and hash use the bytes, so `Int(5)` equals `Bytes(b"5")`.
///
/// ```
/// use values::Element;
/// assert_eq!(Element::Int(-42), Element::Bytes(b"-42"));
/// assert_eq!(Element::Int(-42).len(), 3);
/// assert_eq!(&*Element::Int(-42).text(), b"-42");
/// assert!(Element::Int(10) < Element::Int(9)); // as text
/// ```
#[derive(Clone, Copy)]
pub enum Element<'a> {
    /// The canonical decimal form of an integer.
    Int(i64),
    /// Any bytes, which may be digits too.
    Bytes(&'a [u8]),
}

impl<'a> Element<'a> {
    /// Returns the bytes. An integer is formatted into the view. Constant time, without an allocation.
    #[inline]
    pub fn text(self) -> StrView<'a> {
        match self {
            Self::Int(value) => StrView::of_int(value),
            Self::Bytes(bytes) => StrView(Repr::Bytes(bytes)),
        }
    }

    /// Returns the number of bytes, without formatting an integer.
    #[inline]
    pub fn len(self) -> usize {
        match self {
            Self::Int(value) => integer::decimal_len(value),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// Returns whether there are no bytes.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Returns the integer, if the element is one or the canonical decimal form of one. In C: `string2ll`.
    #[inline]
    pub fn as_i64(self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(value),
            Self::Bytes(bytes) => integer::parse(bytes),
        }
    }
}

/// An owned string, as its bytes or as the integer whose decimal form it is. Methods that take an element
/// out of a list return it.
///
/// ```
/// use values::{EncodingLimits, List, OwnedElement};
/// let (limits, mut list) = (EncodingLimits::DEFAULT, List::new());
/// list.push_back("7", &limits);
/// assert_eq!(list.pop_back(&limits), Some(OwnedElement::Int(7)));
/// ```
#[derive(Clone, Debug)]
pub enum OwnedElement {
    /// The canonical decimal form of an integer.
    Int(i64),
    /// Any bytes, which may be digits too.
    Bytes(Sds),
}

impl OwnedElement {
    /// Returns the string as a borrowed element.
    #[inline]
    pub fn as_element(&self) -> Element<'_> {
        match self {
            Self::Int(value) => Element::Int(*value),
            Self::Bytes(bytes) => Element::Bytes(bytes),
        }
    }
}

impl TryFrom<Element<'_>> for OwnedElement {
    type Error = ReserveError;

    /// Makes a copy. Fails if there is no memory.
    #[inline]
    fn try_from(element: Element<'_>) -> Result<Self, ReserveError> {
        Ok(match element {
            Element::Int(value) => Self::Int(value),
            Element::Bytes(bytes) => Self::Bytes(Sds::try_from_bytes(bytes)?),
        })
    }
}

/// Two elements are equal if their bytes are.
impl PartialEq for OwnedElement {
    fn eq(&self, other: &Self) -> bool {
        self.as_element() == other.as_element()
    }
}

impl Eq for OwnedElement {}

/// Conversions from and to the values of a listpack.
impl<'a> Element<'a> {
    /// Converts a listpack's value. A double is the score of a sorted set, not an element, and becomes an
    /// empty string.
    #[inline]
    pub(crate) fn from_packed(value: Value<'a>) -> Self {
        match value {
            Value::Int(value) => Self::Int(value),
            Value::Str(bytes) => Self::Bytes(bytes),
            Value::Double(_) => Self::Bytes(b""),
        }
    }

    /// Converts to a listpack's value. Bytes that are an integer's decimal form become an integer.
    #[inline]
    pub(crate) fn packed(self) -> Value<'a> {
        match self {
            Self::Int(value) => Value::Int(value),
            Self::Bytes(bytes) => Value::from(bytes),
        }
    }
}

impl<'a> From<&'a [u8]> for Element<'a> {
    #[inline]
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Element<'a> {
    #[inline]
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a str> for Element<'a> {
    #[inline]
    fn from(text: &'a str) -> Self {
        Self::Bytes(text.as_bytes())
    }
}

impl<'a> From<&'a String> for Element<'a> {
    #[inline]
    fn from(text: &'a String) -> Self {
        Self::Bytes(text.as_bytes())
    }
}

impl<'a> From<&'a Vec<u8>> for Element<'a> {
    #[inline]
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<i64> for Element<'_> {
    #[inline]
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl PartialEq for Element<'_> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            // Parsing is cheaper than formatting: most bytes are refused because of their first one.
            (Self::Int(value), Self::Bytes(bytes)) | (Self::Bytes(bytes), Self::Int(value)) => {
                integer::parse(bytes) == Some(*value)
            }
        }
    }
}

impl Eq for Element<'_> {}

impl Ord for Element<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text().cmp(&*other.text())
    }
}

impl PartialOrd for Element<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Element<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text().hash(state);
    }
}

impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

/// The bytes of a borrowed string. An integer is formatted into the view itself, so a view never allocates.
///
/// ```
/// assert_eq!(&*values::Element::Int(-42).text(), b"-42");
/// ```
#[derive(Clone)]
pub struct StrView<'a>(Repr<'a>);

#[derive(Clone)]
enum Repr<'a> {
    /// The text of an integer, and the range of it that the view shows.
    Int(Decimal, Range<u8>),
    Bytes(&'a [u8]),
}

impl StrView<'_> {
    /// Formats an integer. The function is not inlined, so that code which reads bytes stays small.
    #[inline(never)]
    fn of_int(value: i64) -> Self {
        let decimal = Decimal::new(value);
        let len = decimal.len() as u8;
        Self(Repr::Int(decimal, 0..len))
    }

    /// Returns the part of the view in `range`, which must be inside the view.
    #[inline]
    pub(crate) fn slice(self, range: Range<usize>) -> Self {
        Self(match self.0 {
            Repr::Int(decimal, _) => Repr::Int(decimal, range.start as u8..range.end as u8),
            Repr::Bytes(bytes) => Repr::Bytes(&bytes[range]),
        })
    }
}

impl Deref for StrView<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Repr::Int(decimal, part) => &decimal[usize::from(part.start)..usize::from(part.end)],
            Repr::Bytes(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for StrView<'_> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for StrView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.escape_ascii())
    }
}
