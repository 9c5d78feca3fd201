//! Reading a string object, whichever way it is encoded.

use crate::header::Header;
use crate::object::{EMBEDDED_TYPE, Robj};
use core::cmp::Ordering;
use core::hint;
use core::slice;
use sds::layout;
use values::{Element, Encoding, ObjectType, StrView, WrongType};

impl Header {
    /// The object's string, if it is one.
    #[inline]
    pub(crate) fn string(&self) -> Result<Element<'_>, WrongType> {
        WrongType::check(ObjectType::String, self.object_type())?;
        // SAFETY: a string.
        Ok(unsafe { self.string_unchecked() })
    }

    /// The object's string.
    ///
    /// # Safety
    /// The type is string.
    #[inline]
    pub(crate) unsafe fn string_unchecked(&self) -> Element<'_> {
        match self.encoding() {
            // SAFETY: the encoding names the member (H1).
            Encoding::Int => Element::Int(unsafe { self.value.int }),
            // SAFETY: as above.
            Encoding::EmbStr => Element::Bytes(unsafe { self.embedded_bytes() }),
            // SAFETY: as above. String objects have no other encoding (H1).
            _ => Element::Bytes(unsafe { self.value.raw.as_bytes() }),
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

/// Reading a string.
impl Robj {
    /// The string's bytes. Constant time; an integer is formatted on the way.
    #[inline]
    pub fn as_string(&self) -> Result<StrView<'_>, WrongType> {
        self.as_element().map(Element::text)
    }

    /// The string as it is kept: bytes, or the integer that stands for them. Constant time.
    ///
    /// ```
    /// use robj::Robj;
    /// use values::Element;
    /// assert!(matches!(Robj::from(-42).as_element(), Ok(Element::Int(-42))));
    /// ```
    #[inline]
    pub fn as_element(&self) -> Result<Element<'_>, WrongType> {
        self.header().string()
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
        self.as_element().ok()?.as_i64()
    }

    /// How many bytes the string has, without formatting an integer. In C: `stringObjectLen`, `STRLEN`.
    #[inline]
    pub fn string_len(&self) -> Result<usize, WrongType> {
        self.as_element().map(Element::len)
    }

    /// Compares two strings byte by byte, whatever their encodings; `"10"` stands before `"9"`. In C:
    /// `compareStringObjects`.
    pub fn cmp_bytes(&self, other: &Self) -> Result<Ordering, WrongType> {
        Ok(self.as_element()?.cmp(&other.as_element()?))
    }
}
