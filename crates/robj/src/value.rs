//! What the value word of a header stands for: a string in one of three encodings, or a collection.

use crate::header::Header;
use core::hint;
use core::mem::ManuallyDrop;
use core::slice;
use sds::layout::{self, HeaderType};
use values::{Collection, Element, Encoding, ObjectType, WrongType, by_type};

/// The header of an embedded string: like C, always the one that counts to 255.
pub(crate) const EMBEDDED_TYPE: HeaderType = HeaderType::Sds8;

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

    /// The collection, to be read.
    ///
    /// # Safety
    /// The type is `C::TYPE`.
    #[inline]
    pub(crate) unsafe fn view<C: Collection>(&self) -> C::View<'_> {
        // SAFETY: encoding and word came from `into_raw` of the type (H1). They stay as they are while the header is
        // borrowed (H2).
        unsafe { C::view_of_raw(self.encoding(), &self.value.collection) }
    }

    /// Frees what the value word owns.
    ///
    /// # Safety
    /// Nobody looks at the value afterwards.
    pub(crate) unsafe fn drop_value(&mut self) {
        by_type!(self.object_type(), string => {
            if self.encoding() == Encoding::Raw {
                // SAFETY: the encoding names the member, and it is owned (H1).
                unsafe { ManuallyDrop::drop(&mut self.value.raw) };
            }
        }, C => {
            // SAFETY: type and encoding say whose pointer it is, and it is owned (H1).
            drop(unsafe { C::from_raw(self.encoding(), self.value.collection) });
        });
    }
}
