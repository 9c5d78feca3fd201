//! [`Error`]: why a file or a payload was refused, and where.

use crate::format::Version;
use core::fmt;
use keyspace::SnapshotError;
use keyspace::values::ReserveError;
use std::io;

/// Why a file or a payload could not be read. Offsets are in bytes from its start.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The underlying reader failed.
    Io {
        /// How many bytes it had given before.
        offset: u64,
        /// Its error.
        error: io::Error,
    },
    /// The bytes are not valid.
    Malformed {
        /// Where the fault is. A fault inside of compressed bytes has the offset of the compressed string.
        offset: u64,
        /// What is wrong there.
        fault: Fault,
    },
    /// This crate does not read this version.
    Version {
        /// Where the number stands.
        offset: u64,
        /// The number in the file.
        version: u16,
    },
    /// The bytes do not have the checksum that stands at their end.
    Checksum {
        /// Where the checksum stands.
        offset: u64,
        /// The checksum there.
        stored: u64,
        /// The checksum of the bytes.
        computed: u64,
    },
    /// No keyspace can hold the value, or this crate does not know the opcode. The options refuse it, or it
    /// cannot be skipped because its length is not known.
    Unsupported {
        /// Where the type's byte or the opcode stands.
        offset: u64,
        /// That byte.
        code: u8,
        /// The version of the file, on which the meaning of the byte depends.
        version: Version,
    },
    /// A key stands twice in the file, or is in the keyspace already.
    DuplicateKey {
        /// Where the key begins.
        offset: u64,
    },
    /// The keyspace did not take a key, or there was no memory.
    Keyspace {
        /// How many bytes had been read.
        offset: u64,
        /// The reason.
        error: keyspace::Error,
    },
}

impl Error {
    /// What memory was refused, if that is the error.
    pub const fn reserve_error(&self) -> Option<ReserveError> {
        match self {
            Self::Keyspace { error, .. } => error.reserve_error(),
            _ => None,
        }
    }

    /// Where in the input it was found, in bytes from the start.
    pub const fn offset(&self) -> u64 {
        match self {
            Self::Io { offset, .. }
            | Self::Malformed { offset, .. }
            | Self::Checksum { offset, .. }
            | Self::Unsupported { offset, .. }
            | Self::DuplicateKey { offset }
            | Self::Version { offset, .. }
            | Self::Keyspace { offset, .. } => *offset,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { offset, error } => write!(f, "reading failed at offset {offset}: {error}"),
            Self::Malformed { offset, fault } => write!(f, "malformed at offset {offset}: {fault}"),
            Self::Version { version, .. } => write!(f, "version {version} cannot be read"),
            Self::Checksum { offset, stored, computed } => {
                write!(
                    f,
                    "the checksum at offset {offset} is {stored:016x}, that of the bytes {computed:016x}"
                )
            }
            Self::Unsupported { offset, code, version } => {
                write!(f, "type or opcode {code} of version {version} at offset {offset} is not supported")
            }
            Self::DuplicateKey { offset } => write!(f, "the key at offset {offset} is there already"),
            Self::Keyspace { offset, error } => write!(f, "{error}, after {offset} bytes"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::Keyspace { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// What is wrong with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The input ends here, in the middle of something.
    Truncated,
    /// The input does not begin with the magic of Redis or Valkey and a number.
    Magic,
    /// The byte begins no length.
    Length,
    /// The encoding of a string is not one of the four that exist.
    StringEncoding,
    /// The bytes are not LZF, or do not have the length that stands in front of them.
    Lzf,
    /// A score is not a number.
    Score,
    /// The byte is no opcode and no type of this version.
    Opcode,
    /// A number that must have one value has another one.
    Number,
    /// An opcode of a module's value is none of the six.
    ModuleOpcode,
    /// The bytes are not a valid listpack, or not one of that type of value.
    Listpack,
    /// The bytes are not a valid intset.
    Intset,
    /// The bytes are not a valid ziplist.
    Ziplist,
    /// The bytes are not a valid zipmap.
    Zipmap,
    /// A packed hash has a field without a value, or a packed sorted set a member without a score.
    OddCount,
    /// A member or a field stands twice in its value.
    Duplicate,
    /// A collection has no element.
    Empty,
    /// Bytes are left behind the value of a payload.
    TrailingBytes,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the input ends too early",
            Self::Magic => "not an RDB file",
            Self::Length => "not a length",
            Self::StringEncoding => "an unknown encoding of a string",
            Self::Lzf => "not valid LZF",
            Self::Score => "a score that is not a number",
            Self::Opcode => "an unknown opcode or type",
            Self::Number => "an unexpected number",
            Self::ModuleOpcode => "an unknown opcode in a module's value",
            Self::Listpack => "not a valid listpack of this type",
            Self::Intset => "not a valid intset",
            Self::Ziplist => "not a valid ziplist",
            Self::Zipmap => "not a valid zipmap",
            Self::OddCount => "an element without its other half",
            Self::Duplicate => "a member or field that stands twice",
            Self::Empty => "a collection without elements",
            Self::TrailingBytes => "bytes behind the end",
        })
    }
}

/// Why a file or a payload could not be written.
#[derive(Debug)]
#[non_exhaustive]
pub enum SaveError {
    /// The underlying writer failed.
    Io {
        /// How many bytes it had taken before.
        offset: u64,
        /// Its error.
        error: io::Error,
    },
    /// A value has another type or another number of elements than when its key was written.
    Changed,
    /// A snapshot could not begin.
    Snapshot(SnapshotError),
    /// Not all keys were saved: a snapshot is still running, has failed, was abandoned, or was never begun.
    Incomplete,
    /// The file has this database already.
    DuplicateDatabase {
        /// Its number.
        database: u64,
    },
    /// There was no memory.
    Memory(ReserveError),
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { offset, error } => write!(f, "writing failed after {offset} bytes: {error}"),
            Self::Changed => f.write_str("a value was changed while it was written"),
            Self::Snapshot(error) => error.fmt(f),
            Self::Incomplete => f.write_str("not all keys were saved"),
            Self::DuplicateDatabase { database } => write!(f, "database {database} was begun before"),
            Self::Memory(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SaveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            // `Display` has printed the inner error already.
            Self::Changed
            | Self::Incomplete
            | Self::DuplicateDatabase { .. }
            | Self::Snapshot(_)
            | Self::Memory(_) => None,
        }
    }
}

impl From<SnapshotError> for SaveError {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Memory(error) => Self::Memory(error),
            error => Self::Snapshot(error),
        }
    }
}

impl From<ReserveError> for SaveError {
    fn from(error: ReserveError) -> Self {
        Self::Memory(error)
    }
}
