//! The type of a value ([`ObjectType`]) and how it is stored ([`Encoding`]).
//!
//! Numbers and words are those of Redis. The numbers stand in the headers of objects and in dump files.
//! `TYPE` and `OBJECT ENCODING` print the words. There are no variants for encodings that Redis has retired
//! (zipmap 3, linked list 4, ziplist 5), nor for those of streams (10).

use core::fmt;

/// The type of a value, as `TYPE` prints it. In C: `OBJ_STRING` and similar constants.
///
/// The list is complete for this version. Code that handles values of any type should match all of them, so
/// that a type that is added later cannot be forgotten.
///
/// ```
/// use values::ObjectType;
/// assert_eq!(ObjectType::ZSet as u8, 3);
/// assert_eq!(ObjectType::ZSet.as_str(), "zset");
/// assert_eq!(ObjectType::from_number(3), Some(ObjectType::ZSet));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ObjectType {
    /// A byte string or an integer.
    String = 0,
    /// A list.
    List = 1,
    /// A set.
    Set = 2,
    /// A sorted set.
    ZSet = 3,
    /// A hash.
    Hash = 4,
}

impl ObjectType {
    /// All types, by number.
    pub const ALL: [Self; 5] = [Self::String, Self::List, Self::Set, Self::ZSet, Self::Hash];

    /// Returns the type with this number, or `None` if there is none.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::String,
            1 => Self::List,
            2 => Self::Set,
            3 => Self::ZSet,
            4 => Self::Hash,
            _ => return None,
        })
    }

    /// Returns the word that `TYPE` prints.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::ZSet => "zset",
            Self::Hash => "hash",
        }
    }
}

impl fmt::Display for ObjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a value is stored, as `OBJECT ENCODING` prints it. In C: `OBJ_ENCODING_RAW` and similar constants.
///
/// ```
/// use values::Encoding;
/// assert_eq!(Encoding::EmbStr as u8, 8);
/// assert_eq!(Encoding::EmbStr.as_str(), "embstr");
/// assert_eq!(Encoding::from_number(5), None); // ziplist, retired
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Encoding {
    /// A string in a block of its own, an [`sds::Sds`].
    Raw = 0,
    /// An integer in the value word.
    Int = 1,
    /// A hash table.
    HashTable = 2,
    /// A sorted array of integers.
    IntSet = 6,
    /// An ordered index with a hash table of its members.
    SkipList = 7,
    /// A string in the object's own block.
    EmbStr = 8,
    /// A list whose nodes are listpacks.
    QuickList = 9,
    /// A packed list of strings and integers.
    ListPack = 11,
}

impl Encoding {
    /// All encodings, by number.
    pub const ALL: [Self; 8] = [
        Self::Raw,
        Self::Int,
        Self::HashTable,
        Self::IntSet,
        Self::SkipList,
        Self::EmbStr,
        Self::QuickList,
        Self::ListPack,
    ];

    /// Returns the encoding with this number, or `None` if there is none.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Raw,
            1 => Self::Int,
            2 => Self::HashTable,
            6 => Self::IntSet,
            7 => Self::SkipList,
            8 => Self::EmbStr,
            9 => Self::QuickList,
            11 => Self::ListPack,
            _ => return None,
        })
    }

    /// Returns the word that `OBJECT ENCODING` prints. In C: `strEncoding`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Int => "int",
            Self::HashTable => "hashtable",
            Self::IntSet => "intset",
            Self::SkipList => "skiplist",
            Self::EmbStr => "embstr",
            Self::QuickList => "quicklist",
            Self::ListPack => "listpack",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Evaluates `$string` for strings. For collections, evaluates `$collection` with `$C` as the type that
/// `$object_type` names.
///
/// ```
/// use values::{Collection, ObjectType, by_type};
/// fn is_empty_by_default(object_type: ObjectType) -> bool {
///     by_type!(object_type, string => false, C => C::EMPTY.is_empty())
/// }
/// assert!(is_empty_by_default(ObjectType::Hash) && !is_empty_by_default(ObjectType::String));
/// ```
#[macro_export]
macro_rules! by_type {
    ($object_type:expr, string => $string:expr, $C:ident => $collection:expr) => {
        match $object_type {
            $crate::ObjectType::String => $string,
            $crate::ObjectType::List => {
                type $C = $crate::List;
                $collection
            }
            $crate::ObjectType::Set => {
                type $C = $crate::Set;
                $collection
            }
            $crate::ObjectType::ZSet => {
                type $C = $crate::ZSet;
                $collection
            }
            $crate::ObjectType::Hash => {
                type $C = $crate::Hash;
                $collection
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_four_bits_means_one_variant_or_none() {
        for number in 0..16 {
            let types: Vec<_> = ObjectType::ALL.into_iter().filter(|t| *t as u8 == number).collect();
            assert_eq!(ObjectType::from_number(number), types.first().copied(), "type {number}");
            let encodings: Vec<_> = Encoding::ALL.into_iter().filter(|e| *e as u8 == number).collect();
            assert_eq!(Encoding::from_number(number), encodings.first().copied(), "encoding {number}");
        }
        assert_eq!(ObjectType::from_number(16), None);
        assert_eq!(Encoding::from_number(16), None);
    }

    #[test]
    fn the_words_are_those_that_clients_parse() {
        let types = ObjectType::ALL.map(|t| t.to_string());
        assert_eq!(types, ["string", "list", "set", "zset", "hash"]);
        let encodings = Encoding::ALL.map(|e| (e as u8, e.to_string()));
        let expected = [
            (0, "raw"),
            (1, "int"),
            (2, "hashtable"),
            (6, "intset"),
            (7, "skiplist"),
            (8, "embstr"),
            (9, "quicklist"),
            (11, "listpack"),
        ];
        assert_eq!(encodings, expected.map(|(number, word)| (number, word.to_string())));
    }
}
