//! Reading a string object of any encoding.

use crate::object::Robj;
use core::cmp::Ordering;
use values::{Element, StrView, WrongType};

/// Methods that read a string.
impl Robj {
    /// Returns the string's bytes. An integer is formatted into the view. Constant time.
    ///
    /// # Errors
    /// Returns [`WrongType`] if the object is not a string.
    #[inline]
    pub fn as_string(&self) -> Result<StrView<'_>, WrongType> {
        self.as_element().map(Element::text)
    }

    /// Returns the string as it is stored, which is bytes or an integer. Constant time.
    ///
    /// # Errors
    /// Returns [`WrongType`] if the object is not a string.
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

    /// Returns the object's integer, or `None` if its bytes are not the canonical decimal form of an `i64`.
    /// `INCR` accepts the same strings. In C: `getLongLongFromObject`.
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

    /// Returns the length of the string in bytes, without formatting an integer. In C: `stringObjectLen`,
    /// `STRLEN`.
    ///
    /// # Errors
    /// Returns [`WrongType`] if the object is not a string.
    #[inline]
    pub fn string_len(&self) -> Result<usize, WrongType> {
        self.as_element().map(Element::len)
    }

    /// Compares two strings of any encoding byte by byte, so `"10"` comes before `"9"`. In C:
    /// `compareStringObjects`.
    ///
    /// # Errors
    /// Returns [`WrongType`] if one of the objects is not a string.
    pub fn cmp_bytes(&self, other: &Self) -> Result<Ordering, WrongType> {
        Ok(self.as_element()?.cmp(&other.as_element()?))
    }
}
