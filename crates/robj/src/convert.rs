//! Conversions from Rust types, which use the default limits, and to `Bytes`, which share the object's memory.

use crate::object::Robj;
use bytes::Bytes;
use sds::Sds;
use values::{Element, EncodingLimits, OwnedElement, WrongType};

impl From<&[u8]> for Robj {
    /// Does the same as [`Robj::from_bytes`] under the default limits. The fallible form is
    /// [`Robj::try_from_bytes`].
    #[inline]
    fn from(bytes: &[u8]) -> Self {
        Self::from_bytes(bytes, &EncodingLimits::DEFAULT)
    }
}

impl From<&str> for Robj {
    /// Does the same as [`Robj::from_bytes`] under the default limits. The fallible form is
    /// [`Robj::try_from_bytes`].
    #[inline]
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes())
    }
}

impl From<i64> for Robj {
    /// Does the same as [`Robj::from_i64`] under the default limits. The fallible form is
    /// [`Robj::try_from_i64`].
    #[inline]
    fn from(value: i64) -> Self {
        Self::from_i64(value, &EncodingLimits::DEFAULT)
    }
}

impl From<Sds> for Robj {
    /// Does the same as [`Robj::raw`]. The fallible form is [`Robj::try_raw`].
    #[inline]
    fn from(string: Sds) -> Self {
        Self::raw(string)
    }
}

impl From<OwnedElement> for Robj {
    /// Converts an element that was taken out of a list, without copying its bytes. An integer becomes an
    /// object with the encoding `int`, which is a shared one if the default limits allow it. Bytes become an
    /// object with the encoding `raw`. For other limits see [`Robj::from_element`].
    #[inline]
    fn from(element: OwnedElement) -> Self {
        match element {
            OwnedElement::Int(value) => Self::from(value),
            OwnedElement::Bytes(string) => Self::raw(string),
        }
    }
}

/// The object that owns the memory of a `Bytes`: a string that is not stored as an integer.
struct BytesOwner(Robj);

impl AsRef<[u8]> for BytesOwner {
    fn as_ref(&self) -> &[u8] {
        match self.0.as_element() {
            Ok(Element::Bytes(bytes)) => bytes,
            // `try_from` below wraps only such strings, and nobody changes the value of a wrapped object.
            _ => unreachable!("the object is not a string of bytes"),
        }
    }
}

impl TryFrom<Robj> for Bytes {
    type Error = WrongType;

    /// Returns a `Bytes` that keeps the object alive and shares its memory. The bytes do not change, because
    /// [`make_mut`](Robj::make_mut) copies an object that has other references. An integer is formatted and
    /// copied.
    ///
    /// The `Bytes` allocates a small block of its own from the global allocator.
    ///
    /// # Errors
    /// Returns [`WrongType`] if the object is not a string.
    ///
    /// ```
    /// use bytes::Bytes;
    /// let mut object = robj::Robj::from("value");
    /// let reply = Bytes::try_from(object.clone())?;
    /// assert_eq!(reply.as_ptr(), object.as_string()?.as_ptr());
    /// object.make_mut()?.push_bytes(b" changed");
    /// assert_eq!(reply, "value");
    /// # Ok::<(), values::WrongType>(())
    /// ```
    fn try_from(object: Robj) -> Result<Self, WrongType> {
        Ok(match object.as_element()? {
            Element::Int(value) => Self::copy_from_slice(&Element::Int(value).text()),
            Element::Bytes(_) => Self::from_owner(BytesOwner(object)),
        })
    }
}
