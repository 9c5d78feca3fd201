//! Reading a string object, whichever way it is encoded.

use crate::object::Robj;
use core::cmp::Ordering;
use values::{Element, StrView, WrongType};

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
