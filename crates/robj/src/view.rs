//! Reading a string object, whichever way it is encoded.

use crate::header::Header;
use crate::object::{EMBEDDED_TYPE, Robj};
use crate::types::Encoding;
use core::cmp::Ordering;
use core::fmt;
use core::hint;
use core::ops::Deref;
use core::slice;
use listpack::integer::{self, Decimal};
use sds::layout;

/// What a string object holds.
#[derive(Clone, Copy)]
pub(crate) enum Content<'a> {
    Int(i64),
    Bytes(&'a [u8]),
}

impl Header {
    #[inline]
    pub(crate) fn content(&self) -> Content<'_> {
        match self.encoding() {
            // SAFETY: the encoding names the member (H1).
            Encoding::Int => Content::Int(unsafe { self.value.int }),
            // SAFETY: as above.
            Encoding::EmbStr => Content::Bytes(unsafe { self.embedded_bytes() }),
            // SAFETY: as above. String objects have no other encoding (H1).
            _ => Content::Bytes(unsafe { self.value.raw.as_bytes() }),
        }
    }

    /// The bytes in the object's own block.
    ///
    /// # Safety
    /// The encoding is embstr.
    #[inline]
    pub(crate) unsafe fn embedded_bytes(&self) -> &[u8] {
        // SAFETY: the member is there (H1) and was made with that one header type, so nothing needs to switch
        // over it. The bytes stay unwritten as long as `self` is borrowed (H2).
        unsafe {
            let bytes = self.value.embedded;
            hint::assert_unchecked(layout::header_type(bytes) == EMBEDDED_TYPE);
            slice::from_raw_parts(bytes.as_ptr(), layout::len(bytes))
        }
    }
}

/// The bytes of a string object, borrowed; an integer is spelled out in the view itself. A view never
/// allocates.
///
/// ```
/// let object = robj::Robj::from(-42);
/// assert_eq!(&*object.bytes(), b"-42");
/// ```
#[derive(Clone)]
pub struct StrView<'a>(Repr<'a>);

#[derive(Clone)]
enum Repr<'a> {
    Int(Decimal),
    Bytes(&'a [u8]),
}

impl Deref for StrView<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Repr::Int(decimal) => decimal,
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

/// Reading.
impl Robj {
    /// The string's bytes. Constant time; an integer is formatted on the way.
    #[inline]
    pub fn bytes(&self) -> StrView<'_> {
        StrView(match self.header().content() {
            Content::Int(value) => Repr::Int(Decimal::new(value)),
            Content::Bytes(bytes) => Repr::Bytes(bytes),
        })
    }

    /// The integer, if the object is one or its bytes are the canonical decimal form of one: what `INCR`
    /// accepts. In C: `getLongLongFromObject`.
    ///
    /// ```
    /// use robj::Robj;
    /// assert_eq!(Robj::from("12").as_i64(), Some(12));
    /// assert_eq!(Robj::from("+12").as_i64(), None);
    /// ```
    #[inline]
    pub fn as_i64(&self) -> Option<i64> {
        match self.header().content() {
            Content::Int(value) => Some(value),
            Content::Bytes(bytes) => integer::parse(bytes),
        }
    }

    /// How many bytes the string has, without formatting an integer. In C: `stringObjectLen`, `STRLEN`.
    #[inline]
    pub fn string_len(&self) -> usize {
        match self.header().content() {
            Content::Int(value) => integer::decimal_len(value),
            Content::Bytes(bytes) => bytes.len(),
        }
    }

    /// Compares two strings byte by byte, whatever their encodings; `"10"` stands before `"9"`. In C:
    /// `compareStringObjects`.
    pub fn cmp_bytes(&self, other: &Self) -> Ordering {
        self.bytes().cmp(&other.bytes())
    }
}

/// Equal bytes, whatever the encodings. In C: `equalStringObjects`.
impl PartialEq for Robj {
    fn eq(&self, other: &Self) -> bool {
        match (self.header().content(), other.header().content()) {
            (Content::Int(a), Content::Int(b)) => a == b,
            _ => *self.bytes() == *other.bytes(),
        }
    }
}

impl Eq for Robj {}

impl fmt::Debug for Robj {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Robj")
            .field("type", &self.object_type())
            .field("encoding", &self.encoding())
            .field("refcount", &self.refcount())
            .field("value", &self.bytes())
            .finish()
    }
}
