//! [`Error`]: why a file or a payload was refused, and where.

use crate::format::Version;
use core::fmt;
use keyspace::SnapshotError;
use keyspace::symbols::TableFault;
use keyspace::values::ReserveError;
use std::io;

/// Why a file or a payload could not be read. Offsets are in bytes from its start.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The underlying reader failed.
    Io {
        /// How many bytes it had returned before.
        offset: u64,
        /// The error that it returned.
        error: io::Error,
    },
    /// The bytes are not valid.
    Malformed {
        /// Where the fault is. For a fault inside a compressed string, this is where that string begins.
        offset: u64,
        /// What is wrong there.
        fault: Fault,
    },
    /// This crate cannot read this version.
    Version {
        /// Where the number is.
        offset: u64,
        /// The number in the file.
        version: u16,
    },
    /// The checksum at the end is not the checksum of the bytes before it.
    Checksum {
        /// Where the checksum is.
        offset: u64,
        /// The checksum in the input.
        stored: u64,
        /// The checksum that was computed from the bytes.
        computed: u64,
    },
    /// A keyspace cannot hold the value, or this crate does not know the opcode. Either the options refuse
    /// it, or it cannot be skipped because its length is not known.
    Unsupported {
        /// Where the byte of the type, or the opcode, is.
        offset: u64,
        /// The byte itself.
        code: u8,
        /// The version of the file. The meaning of the byte depends on it.
        version: Version,
    },
    /// A key is in the file twice, or is already in the keyspace.
    DuplicateKey {
        /// Where the key begins.
        offset: u64,
    },
    /// The keyspace refused a key, or there was no memory.
    Keyspace {
        /// How many bytes had been read.
        offset: u64,
        /// The reason.
        error: keyspace::Error,
    },
}

impl Error {
    /// Returns the error of the allocation that failed, or `None` if the reason is another one.
    pub const fn reserve_error(&self) -> Option<ReserveError> {
        match self {
            Self::Keyspace { error, .. } => error.reserve_error(),
            _ => None,
        }
    }

    /// Returns the offset in the input at which the error was found, in bytes from the start.
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

/// What is wrong with the bytes of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The input ends here, although more bytes must follow.
    Truncated,
    /// The input does not begin with the magic of Redis or Valkey and a number.
    Magic,
    /// The byte does not begin a length.
    Length,
    /// The encoding of a string is not one of the four that exist.
    StringEncoding,
    /// The bytes are not valid LZF, or they do not decompress to the length in front of them.
    Lzf,
    /// A score is not a number.
    Score,
    /// The symbol table of a database is not valid.
    SymbolTable(TableFault),
    /// The byte is neither an opcode nor a type in this version.
    Opcode,
    /// A number does not have one of the values that the format allows there.
    Number,
    /// An opcode in a module's value is not one of the six that exist.
    ModuleOpcode,
    /// The bytes are not a valid listpack, or not a valid one for this type of value.
    Listpack,
    /// The bytes are not a valid intset.
    Intset,
    /// The bytes are not a valid ziplist.
    Ziplist,
    /// The bytes are not a valid zipmap.
    Zipmap,
    /// A packed hash has a field without a value, or a packed sorted set has a member without a score.
    OddCount,
    /// A member or a field is in its value twice.
    Duplicate,
    /// A collection has no elements.
    Empty,
    /// A payload has bytes after its value.
    TrailingBytes,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SymbolTable(fault) => return write!(f, "not a valid symbol table: {fault}"),
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
        /// How many bytes it had accepted before.
        offset: u64,
        /// The error that it returned.
        error: io::Error,
    },
    /// The type of a value, or its number of elements, has changed since its key was written.
    Changed,
    /// A snapshot could not begin.
    Snapshot(SnapshotError),
    /// Not all keys were saved: a snapshot is still running, has failed, was abandoned, or was never begun.
    Incomplete,
    /// The file already has this database.
    DuplicateDatabase {
        /// The number of the database.
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
            // `Display` already prints the inner error.
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
