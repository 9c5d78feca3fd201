//! [`Kind`]: the type of an entry's value and the form in which it is stored, in five bits.
//!
//! ```text
//!   0 ..= 7   an integer of 1 to 8 bytes           in the block
//!   8         a string                             in the block, after its length
//!   9         a string                             a word: an `Robj`
//!  10 ..= 14  a packed collection                  in the block
//!  15 ..= 23  a collection                         a word, from `Collection::into_raw`
//!  24, 25     a coded string                       in the block, after its two lengths; the table is the first or the second
//!  26        a string that was edited             in the block, after its length
//! ```

use values::{Encoding, ObjectType};

/// How many bits of a head the kind takes.
pub(crate) const KIND_BITS: u32 = 5;

/// Where and how a value is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Storage {
    /// In the block: the bytes of an integer, in little-endian order.
    Int,
    /// In the block: a length and the bytes of a string.
    Bytes,
    /// In the block: the bytes of a listpack or an intset, whose headers contain their length.
    Packed,
    /// Outside of the block, which holds an aligned word.
    Word,
    /// In the block: the length of a string, the length of its codes, and the codes.
    Coded,
}

/// Which of a keyspace's two symbol tables a string or a key is coded with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Slot {
    #[default]
    First = 0,
    Second = 1,
}

/// A kind of value. The numbers are in the table at the top of this file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Kind(u8);

type Facts = (ObjectType, Encoding, Storage);

const FACTS: [Facts; 27] = {
    use {Encoding as E, ObjectType as T, Storage as P};
    const INT: Facts = (T::String, E::Int, P::Int);
    [
        INT,
        INT,
        INT,
        INT,
        INT,
        INT,
        INT,
        INT,
        (T::String, E::EmbStr, P::Bytes),
        (T::String, E::Raw, P::Word),
        (T::List, E::ListPack, P::Packed),
        (T::Set, E::IntSet, P::Packed),
        (T::Set, E::ListPack, P::Packed),
        (T::ZSet, E::ListPack, P::Packed),
        (T::Hash, E::ListPack, P::Packed),
        (T::List, E::ListPack, P::Word),
        (T::List, E::QuickList, P::Word),
        (T::Set, E::IntSet, P::Word),
        (T::Set, E::ListPack, P::Word),
        (T::Set, E::HashTable, P::Word),
        (T::ZSet, E::ListPack, P::Word),
        (T::ZSet, E::SkipList, P::Word),
        (T::Hash, E::ListPack, P::Word),
        (T::Hash, E::HashTable, P::Word),
        (T::String, E::EmbStr, P::Coded),
        (T::String, E::EmbStr, P::Coded),
        (T::String, E::Raw, P::Bytes),
    ]
};

const _: () = assert!(FACTS.len() <= 1 << KIND_BITS);

/// A set of the kinds that are words, with one bit for each kind. This is queried more often than any other
/// fact.
const WORDS: u32 = {
    let (mut words, mut number) = (0, 0);
    while number < FACTS.len() {
        words |= (matches!(FACTS[number].2, Storage::Word) as u32) << number;
        number += 1;
    }
    words
};

impl Kind {
    /// The kind of a string in the block.
    pub(crate) const BYTES: Self = Self(8);

    /// The kind of a string in the block that was edited in place. It differs from [`BYTES`](Self::BYTES) only in
    /// its encoding: in Redis, an edit makes any string raw.
    pub(crate) const EDITED: Self = Self(26);

    /// The kind of a string in its own object.
    pub(crate) const OBJECT: Self = Self(9);

    /// Returns the kind of a string in the block that is coded with the table of this slot.
    #[inline]
    pub(crate) const fn coded(slot: Slot) -> Self {
        Self(Self::CODED_FIRST + slot as u8)
    }

    const CODED_FIRST: u8 = 24;
    const CODED_SECOND: u8 = Self::CODED_FIRST + 1;

    /// Returns the slot of a coded string's table, or `None` for other kinds.
    #[inline]
    pub(crate) const fn slot(self) -> Option<Slot> {
        match self.0 {
            Self::CODED_FIRST => Some(Slot::First),
            Self::CODED_SECOND => Some(Slot::Second),
            _ => None,
        }
    }

    /// Returns the kind of an integer of `width` bytes, from 1 to 8.
    #[inline]
    pub(crate) const fn int(width: usize) -> Self {
        debug_assert!(0 < width && width <= 8);
        Self((width - 1) as u8)
    }

    /// Returns the kind of a collection. Returns `None` if there is no such kind: large encodings cannot be
    /// packed.
    pub(crate) fn collection(object_type: ObjectType, encoding: Encoding, storage: Storage) -> Option<Self> {
        let facts = (object_type, encoding, storage);
        FACTS.iter().position(|other| *other == facts).map(|number| Self(number as u8))
    }

    /// Returns the kind from the lowest five bits of `bits`.
    ///
    /// # Safety
    /// The lowest five bits must come from [`bits`](Self::bits).
    #[inline]
    pub(crate) const unsafe fn from_bits(bits: u32) -> Self {
        Self((bits & ((1 << KIND_BITS) - 1)) as u8)
    }

    /// Returns the number of the kind, which has five bits.
    #[inline]
    pub(crate) const fn bits(self) -> u32 {
        self.0 as u32
    }

    #[inline]
    fn facts(self) -> Facts {
        FACTS[usize::from(self.0)]
    }

    /// Returns the type of the value. In C: `TYPE`.
    #[inline]
    pub(crate) fn object_type(self) -> ObjectType {
        self.facts().0
    }

    /// Returns the encoding of the value. A string in the block that was not edited is [`Encoding::EmbStr`],
    /// whatever its length.
    #[inline]
    pub(crate) fn encoding(self) -> Encoding {
        self.facts().1
    }

    #[inline]
    pub(crate) fn storage(self) -> Storage {
        self.facts().2
    }

    /// Returns the number of bytes of an integer, or `None` for other kinds.
    #[inline]
    pub(crate) fn int_width(self) -> Option<usize> {
        (self.0 < Self::BYTES.0).then_some(usize::from(self.0) + 1)
    }

    /// Returns whether the value is a string in the block, after its length.
    #[inline]
    pub(crate) const fn is_bytes(self) -> bool {
        self.0 == Self::BYTES.0 || self.0 == Self::EDITED.0
    }

    #[inline]
    pub(crate) const fn is_word(self) -> bool {
        WORDS >> self.0 & 1 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_bits_and_comes_back_from_them() {
        for (number, (object_type, encoding, storage)) in FACTS.into_iter().enumerate() {
            // SAFETY: a number of the table.
            let kind = unsafe { Kind::from_bits(number as u32 | 0xFFE0) };
            assert_eq!((kind.bits(), kind.storage()), (number as u32, storage));
            assert_eq!(kind.is_word(), storage == Storage::Word);
            assert_eq!((kind.object_type(), kind.encoding()), (object_type, encoding));
            if object_type != ObjectType::String {
                assert_eq!(Kind::collection(object_type, encoding, storage), Some(kind));
            }
        }
        assert_eq!((1..=8).map(|width| Kind::int(width).int_width()).max(), Some(Some(8)));
        assert_eq!((Kind::BYTES.int_width(), Kind::OBJECT.is_word()), (None, true));
        assert!(
            FACTS.iter().enumerate().all(|(number, facts)| {
                matches!(facts.2, Storage::Bytes) == Kind(number as u8).is_bytes()
            })
        );
        assert_eq!(Kind::collection(ObjectType::Hash, Encoding::HashTable, Storage::Packed), None);
    }
}
