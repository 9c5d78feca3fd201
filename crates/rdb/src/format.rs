//! The numbers of the format: versions, types and opcodes.
//!
//! ```text
//!  | REDIS | 0011 |   opcodes, and keys with their values   | 255 | CRC-64, 8 bytes, little-endian |
//!                     250 aux field    254 database    251 resize hint    252 expiry ...
//!                     type | key | value
//! ```
//!
//! Since Redis 7.4 and Valkey 9, the two servers use the same numbers for different things. So the meaning of
//! a number depends on the version, and each version belongs to one of the two families.
//!
//! Learned from: the comments of `rdb.h` in Redis and Valkey.

use core::fmt;
use keyspace::values::ObjectType;

/// The family of servers that a version belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Redis, and the servers of Valkey that write format version 11 or lower.
    Redis,
    /// The servers of Valkey that write format version 80 or higher.
    Valkey,
}

/// A version of files and payloads that this crate can read: 2 to 15, 80 or 81.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u16);

impl Version {
    /// Returns the version with this number, or `None` if this crate cannot read it.
    ///
    /// ```
    /// use rdb::{Family, Version};
    /// assert_eq!(Version::new(11).unwrap().family(), Family::Redis);
    /// assert_eq!(Version::new(80).unwrap().family(), Family::Valkey);
    /// assert!(Version::new(1).is_none() && Version::new(16).is_none() && Version::new(79).is_none());
    /// ```
    pub const fn new(number: u16) -> Option<Self> {
        match number {
            2..=15 | 80 | 81 => Some(Self(number)),
            _ => None,
        }
    }

    /// Returns the number of the version.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Returns the family of servers that the version belongs to.
    pub const fn family(self) -> Family {
        if self.0 < 80 { Family::Redis } else { Family::Valkey }
    }

    /// Returns whether a file of this version ends with a checksum.
    pub(crate) const fn has_checksum(self) -> bool {
        self.0 >= 5
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of the aux field that has a keyspace's symbol table. The keys and strings that follow are written
/// as text, and the loader may code them with this table.
pub(crate) const SYMBOLS_AUX: &[u8] = b"redcore-symbols";

/// The bytes that stand in the place of a type and are not types. In C: `RDB_OPCODE_EOF` and its neighbours.
pub(crate) mod opcode {
    pub(crate) const SLOT_IMPORT: u8 = 243; // in Valkey; in Redis it is the metadata of a key
    pub(crate) const SLOT_INFO: u8 = 244;
    pub(crate) const FUNCTION2: u8 = 245;
    pub(crate) const FUNCTION_PRE_GA: u8 = 246;
    pub(crate) const MODULE_AUX: u8 = 247;
    pub(crate) const IDLE: u8 = 248;
    pub(crate) const FREQ: u8 = 249;
    pub(crate) const AUX: u8 = 250;
    pub(crate) const RESIZEDB: u8 = 251;
    pub(crate) const EXPIRETIME_MS: u8 = 252;
    pub(crate) const EXPIRETIME: u8 = 253;
    pub(crate) const SELECTDB: u8 = 254;
    pub(crate) const EOF: u8 = 255;
}

/// The numbers of types that this crate writes. In C: `RDB_TYPE_STRING` and its neighbours.
pub(crate) mod code {
    pub(crate) const STRING: u8 = 0;
    pub(crate) const SET: u8 = 2;
    pub(crate) const HASH: u8 = 4;
    pub(crate) const ZSET_2: u8 = 5;
    pub(crate) const SET_INTSET: u8 = 11;
    pub(crate) const HASH_LISTPACK: u8 = 16;
    pub(crate) const ZSET_LISTPACK: u8 = 17;
    pub(crate) const LIST_QUICKLIST_2: u8 = 18;
    pub(crate) const SET_LISTPACK: u8 = 20;
}

/// The type of a value in a file, together with its encoding there. Each comment begins with the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ValueType {
    /// 0: a string or an integer.
    String,
    /// 1: a list, element by element.
    List,
    /// 2: a set, member by member.
    Set,
    /// 3: a sorted set whose scores are text.
    ZSet,
    /// 4: a hash, field by field.
    Hash,
    /// 5: a sorted set whose scores are doubles of eight bytes.
    ZSet2,
    /// 6: a module's value that only the module can read.
    ModulePreGa,
    /// 7: a module's value that can be skipped.
    Module2,
    /// 9: a hash as a zipmap.
    HashZipmap,
    /// 10: a list as a ziplist.
    ListZiplist,
    /// 11: a set as an intset.
    SetIntset,
    /// 12: a sorted set as a ziplist.
    ZSetZiplist,
    /// 13: a hash as a ziplist.
    HashZiplist,
    /// 14: a list as ziplists.
    ListQuicklist,
    /// 15: a stream of Redis 5 or 6.
    Stream,
    /// 16: a hash as a listpack.
    HashListpack,
    /// 17: a sorted set as a listpack.
    ZSetListpack,
    /// 18: a list as listpacks and large elements.
    ListQuicklist2,
    /// 19: a stream of Redis 7.0.
    Stream2,
    /// 20: a set as a listpack.
    SetListpack,
    /// 21: a stream of Redis 7.2.
    Stream3,
    /// 22 in versions of Redis: a hash whose fields may expire. Release candidates of Redis 7.4 wrote it.
    HashMetadataPreGa,
    /// 23 in versions of Redis: the same, as a listpack. Release candidates of Redis 7.4 wrote it.
    HashListpackExPreGa,
    /// 24: a hash whose fields may expire.
    HashMetadata,
    /// 25: a hash whose fields may expire, as a listpack.
    HashListpackEx,
    /// 22 in versions of Valkey: a hash whose fields may expire.
    Hash2,
    /// A type that this crate can neither load nor skip, with its number.
    Unknown(u8),
}

impl ValueType {
    /// Returns the type that has this number in files of this version, or `None` if there is no such type.
    pub(crate) fn from_code(code: u8, version: Version) -> Option<Self> {
        Some(match (code, version.family()) {
            (0, _) => Self::String,
            (1, _) => Self::List,
            (2, _) => Self::Set,
            (3, _) => Self::ZSet,
            (4, _) => Self::Hash,
            (5, _) => Self::ZSet2,
            (6, _) => Self::ModulePreGa,
            (7, _) => Self::Module2,
            (9, _) => Self::HashZipmap,
            (10, _) => Self::ListZiplist,
            (11, _) => Self::SetIntset,
            (12, _) => Self::ZSetZiplist,
            (13, _) => Self::HashZiplist,
            (14, _) => Self::ListQuicklist,
            (15, _) => Self::Stream,
            (16, _) => Self::HashListpack,
            (17, _) => Self::ZSetListpack,
            (18, _) => Self::ListQuicklist2,
            (19, _) => Self::Stream2,
            (20, _) => Self::SetListpack,
            (21, _) => Self::Stream3,
            (22, Family::Redis) => Self::HashMetadataPreGa,
            (23, Family::Redis) => Self::HashListpackExPreGa,
            (24, Family::Redis) => Self::HashMetadata,
            (25, Family::Redis) => Self::HashListpackEx,
            (22, Family::Valkey) => Self::Hash2,
            (26..=33, Family::Redis) | (23, Family::Valkey) => Self::Unknown(code),
            _ => return None,
        })
    }

    /// Returns the type as the command `TYPE` prints it, or `None` for streams, modules and unknown types.
    pub const fn object_type(self) -> Option<ObjectType> {
        Some(match self {
            Self::String => ObjectType::String,
            Self::List | Self::ListZiplist | Self::ListQuicklist | Self::ListQuicklist2 => ObjectType::List,
            Self::Set | Self::SetIntset | Self::SetListpack => ObjectType::Set,
            Self::ZSet | Self::ZSet2 | Self::ZSetZiplist | Self::ZSetListpack => ObjectType::ZSet,
            Self::Hash
            | Self::HashZipmap
            | Self::HashZiplist
            | Self::HashListpack
            | Self::HashMetadataPreGa
            | Self::HashListpackExPreGa
            | Self::HashMetadata
            | Self::HashListpackEx
            | Self::Hash2 => ObjectType::Hash,
            Self::ModulePreGa | Self::Module2 | Self::Stream | Self::Stream2 | Self::Stream3 => return None,
            Self::Unknown(_) => return None,
        })
    }
}
