//! Reading and freeing the value of a header: a string in one of three encodings, or a collection.
//!
//! The safety comments refer to the invariants H1 and H2 of `header.rs`.

use crate::header::Header;
use core::hint;
use core::mem::ManuallyDrop;
use core::slice;
use sds::layout::{self, HeaderType};
use values::{Collection, Element, Encoding, ObjectType, WrongType, by_type};

/// The type of the sds header of an embedded string. As in C, it is always the one for lengths up to 255.
pub(crate) const EMBEDDED_TYPE: HeaderType = HeaderType::Sds8;

impl Header {
    /// Returns the object's string, or an error if it has another type.
    #[inline]
    pub(crate) fn string(&self) -> Result<Element<'_>, WrongType> {
        WrongType::check(ObjectType::String, self.object_type())?;
        // SAFETY: the type was just compared.
        Ok(unsafe { self.string_unchecked() })
    }

    /// Returns the object's string.
    ///
    /// # Safety
    /// The type must be string.
    #[inline]
    pub(crate) unsafe fn string_unchecked(&self) -> Element<'_> {
        match self.encoding() {
            // SAFETY: the encoding tells which member is present (H1).
            Encoding::Int => Element::Int(unsafe { self.value.int }),
            // SAFETY: as above.
            Encoding::EmbStr => Element::Bytes(unsafe { self.embedded_bytes() }),
            // SAFETY: as above. A string has no other encoding (H1).
            _ => Element::Bytes(unsafe { self.value.raw.as_bytes() }),
        }
    }

    /// Returns the bytes that are embedded in the object's own block.
    ///
    /// # Safety
    /// The encoding must be embstr.
    #[inline]
    pub(crate) unsafe fn embedded_bytes(&self) -> &[u8] {
        // SAFETY: the member is present (H1), and every embedded string has this one header type. The bytes
        // do not change while `self` is borrowed (H2).
        unsafe {
            let bytes = self.value.embedded;
            hint::assert_unchecked(layout::header_type(bytes) == EMBEDDED_TYPE);
            slice::from_raw_parts(bytes.as_ptr(), layout::len(bytes))
        }
    }

    /// Returns a view of the collection.
    ///
    /// # Safety
    /// The type must be `C::TYPE`.
    #[inline]
    pub(crate) unsafe fn view<C: Collection>(&self) -> C::View<'_> {
        // SAFETY: encoding and word came from `into_raw` of the type (H1). They do not change while the
        // header is borrowed (H2).
        unsafe { C::view_of_raw(self.encoding(), &self.value.collection) }
    }

    /// Frees the block or the collection that the value owns. An integer and an embedded string own none.
    ///
    /// # Safety
    /// The value must not be used afterwards.
    pub(crate) unsafe fn drop_value(&mut self) {
        by_type!(self.object_type(), string => {
            if self.encoding() == Encoding::Raw {
                // SAFETY: the encoding tells which member is present, and it is owned (H1).
                unsafe { ManuallyDrop::drop(&mut self.value.raw) };
            }
        }, C => {
            // SAFETY: encoding and word came from `into_raw` of this type, and the collection is owned (H1).
            drop(unsafe { C::from_raw(self.encoding(), self.value.collection) });
        });
    }
}
