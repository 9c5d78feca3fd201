//! [`Content`]: a value that is to be written into a block.

use super::kind::{Kind, Storage};
use super::view::CodedString;
use super::{length, word};
use core::mem::{self, ManuallyDrop};
use core::ptr::NonNull;
use robj::Robj;
use sds::Sds;
use values::{Collection, Element, Encoding, ObjectType, OwnedElement, ReserveError};

/// The length of the longest string that is stored in an entry's block, in bytes. A longer string is stored
/// as an [`Robj`] around an [`Sds`], which a reply can hold without a copy.
///
/// A string in the block takes 26 bytes less than one in an object, on average and whatever its length. But a
/// reply has to copy it, and for strings of about 1,000 bytes or more the copy costs more than holding an
/// object. A block of 1,024 bytes holds a key of 16 bytes and a string of 1,000. The book's page on the
/// keyspace has the measurements.
pub(crate) const INLINE_LEN_MAX: usize = 1_024;

/// A value that is to be written into a block. If it is dropped before it is written, the memory that it owns
/// is freed.
pub(crate) enum Content<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    Coded(CodedString<'a>),
    /// The bytes of a packed collection.
    Packed(Kind, &'a [u8]),
    Object(Robj),
    Collection(OwnedWord),
}

impl<'a> Content<'a> {
    /// Returns the content for a string in its smallest form: an integer, bytes in the block, or an object.
    /// O(len).
    #[inline]
    pub(crate) fn try_string(string: Element<'a>) -> Result<Self, ReserveError> {
        Ok(match string {
            Element::Int(value) => Self::Int(value),
            Element::Bytes(bytes) => match string.as_i64() {
                Some(value) => Self::Int(value),
                None if bytes.len() <= INLINE_LEN_MAX => Self::Bytes(bytes),
                None => Self::try_object(bytes)?,
            },
        })
    }

    /// Returns whether this is a plain string that is not an integer.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Bytes(_) | Self::Object(_))
    }

    /// Like [`try_string`](Self::try_string), but an object takes over the block of a long string. The string
    /// is then left as the integer 0, because an empty string would need memory.
    pub(crate) fn try_owned_string(string: &'a mut OwnedElement) -> Result<Self, ReserveError> {
        match mem::replace(string, OwnedElement::Int(0)) {
            OwnedElement::Bytes(bytes) if bytes.len() > INLINE_LEN_MAX => {
                let object = Robj::try_raw(bytes).map_err(|(error, _string)| error)?;
                Ok(Self::Object(object))
            }
            other => {
                *string = other;
                Self::try_string(string.as_element())
            }
        }
    }

    #[cold]
    fn try_object(bytes: &[u8]) -> Result<Self, ReserveError> {
        let object = Robj::try_raw(Sds::try_from_bytes(bytes)?).map_err(|(error, _string)| error)?;
        Ok(Self::Object(object))
    }

    /// Returns the content for a collection in its present encoding. Packed bytes are copied into the block,
    /// and any other encoding becomes a word.
    pub(crate) fn collection<C: Collection>(collection: &'a mut C) -> Self {
        let encoding = collection.encoding();
        match Kind::collection(C::TYPE, encoding, Storage::Packed) {
            Some(kind) if collection.as_packed().is_some() => {
                Self::Packed(kind, collection.as_packed().unwrap_or_default())
            }
            _ => Self::word(mem::replace(collection, C::EMPTY)),
        }
    }

    /// Returns the content for packed bytes. The caller has checked their frame.
    ///
    /// # Errors
    /// If a collection of this type and encoding cannot be packed.
    pub(crate) fn packed(
        object_type: ObjectType,
        encoding: Encoding,
        bytes: &'a [u8],
    ) -> Result<Self, values::Error> {
        let kind = Kind::collection(object_type, encoding, Storage::Packed);
        Ok(Self::Packed(kind.ok_or(values::Error::NotPacked { encoding })?, bytes))
    }

    /// Returns the content for a collection as a word, whatever its encoding.
    pub(crate) fn word<C: Collection>(collection: C) -> Self {
        Self::Collection(OwnedWord::new(collection))
    }

    // The next three methods are always inlined, so that only one case of each remains where the variant is
    // known.
    #[inline(always)]
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Int(value) => Kind::int(int_width(*value)),
            Self::Bytes(_) => Kind::BYTES,
            Self::Coded(coded) => Kind::coded(coded.slot),
            Self::Packed(kind, _) => *kind,
            Self::Object(_) => Kind::OBJECT,
            Self::Collection(word) => word.kind,
        }
    }

    /// Returns how many bytes the value takes in a block.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Int(value) => int_width(*value),
            Self::Bytes(bytes) => length::size(bytes.len()) + bytes.len(),
            Self::Coded(coded) => coded.size(),
            Self::Packed(_, bytes) => bytes.len(),
            Self::Object(_) | Self::Collection(_) => word::SIZE,
        }
    }

    /// Writes the value into a block, which owns it from then on.
    ///
    /// # Safety
    /// [`len`](Self::len) bytes at `place` must be valid for writes, and nothing else may read or write them.
    /// `place` must be aligned to [`word::ALIGN`] if the kind is a word.
    #[inline(always)]
    pub(crate) unsafe fn write(self, place: NonNull<u8>) {
        // SAFETY: by contract there is room, and words are aligned. The copied bytes do not overlap with
        // `place`.
        unsafe {
            match self {
                Self::Int(value) => {
                    let bytes = value.to_le_bytes();
                    place.copy_from_nonoverlapping(NonNull::from(&bytes).cast(), int_width(value));
                }
                Self::Bytes(bytes) => {
                    length::write(place, bytes.len());
                    copy(bytes, place.add(length::size(bytes.len())));
                }
                Self::Coded(coded) => {
                    let (len, codes) = (coded.len as usize, coded.codes);
                    length::write(place, len);
                    let place = place.add(length::size(len));
                    length::write(place, codes.len());
                    copy(codes, place.add(length::size(codes.len())));
                }
                Self::Packed(_, bytes) => copy(bytes, place),
                Self::Object(object) => place.cast::<Robj>().write(object),
                Self::Collection(word) => place.cast::<NonNull<u8>>().write(word.into_raw()),
            }
        }
    }
}

/// # Safety
/// `bytes.len()` bytes at `place` must be valid for writes, and nothing else may read or write them.
#[inline]
unsafe fn copy(bytes: &[u8], place: NonNull<u8>) {
    // SAFETY: by contract.
    unsafe { place.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) }
}

/// Returns how many bytes an integer needs, including its sign: 1 to 8.
#[inline]
pub(crate) const fn int_width(value: i64) -> usize {
    // The number of bits up to the highest one that differs from the sign, and one bit for the sign.
    let bits = i64::BITS - (value ^ (value >> (i64::BITS - 1))).leading_zeros() + 1;
    bits.div_ceil(8) as usize
}

/// A collection as a word that is not in a block yet.
pub(crate) struct OwnedWord {
    kind: Kind,
    word: NonNull<u8>,
}

impl OwnedWord {
    fn new<C: Collection>(collection: C) -> Self {
        let (encoding, word) = collection.into_raw();
        let kind = Kind::collection(C::TYPE, encoding, Storage::Word);
        Self { kind: kind.expect("every encoding of a collection can be a word"), word }
    }

    fn into_raw(self) -> NonNull<u8> {
        ManuallyDrop::new(self).word
    }
}

impl Drop for OwnedWord {
    fn drop(&mut self) {
        // SAFETY: the kind and the word come from the same call of `into_raw`, and this is the word's only
        // owner.
        unsafe { word::drop_value(self.kind, NonNull::from(&mut self.word).cast()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_has_the_fewest_bytes_that_keep_its_sign() {
        for width in 1..=8 {
            let most = i64::MAX >> (64 - 8 * width);
            for value in [most, -most - 1] {
                assert_eq!(int_width(value), width, "{value}");
            }
            for value in [most.checked_add(1), most.checked_neg().and_then(|value| value.checked_sub(2))] {
                assert!(value.is_none_or(|value| int_width(value) == width + 1), "{value:?}");
            }
        }
        assert_eq!([0, -1, 127, -128].map(int_width), [1; 4]);
    }
}
