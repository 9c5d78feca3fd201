//! What can be wrong with a trace file. Each message is one line and says where.

use super::zst::Damaged;
use std::fmt;
use std::io;

/// Why a trace could not be read.
///
/// Offsets count bytes from the start of the file; in a `.zst` file, bytes of what it
/// compresses, except in [`TraceError::Zstd`].
#[derive(Debug)]
#[non_exhaustive]
pub enum TraceError {
    /// The operating system did not open the file, or did not go on reading.
    Io {
        /// How far reading had come.
        offset: u64,
        /// Its answer.
        source: io::Error,
    },
    /// There is no request in the file.
    Empty,
    /// The file ends inside a record.
    Truncated {
        /// Where the record begins.
        offset: u64,
        /// How much of it there is, in bytes.
        found: usize,
        /// How much there should be.
        expected: usize,
    },
    /// A binary record cannot be what the format says: most likely the file has another format.
    BadRecord {
        /// Where the record begins.
        offset: u64,
        /// Which field is wrong, and how.
        what: String,
    },
    /// A line of a CSV or text file does not fit the format.
    BadLine {
        /// The line, from 1.
        line: u64,
        /// Where it begins.
        offset: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The compressed data of a `.zst` file is damaged or cut short.
    Zstd {
        /// How far the decoder had read, in bytes of the compressed file.
        offset: u64,
        /// What the decoder says.
        what: String,
    },
    /// More requests or distinct keys than are kept in memory.
    TooLong {
        /// The limit, in requests.
        limit: u64,
    },
}

impl TraceError {
    /// An error of reading, which may be one of unpacking.
    pub(super) fn reading(offset: u64, source: io::Error) -> Self {
        match source.get_ref().and_then(|inner| inner.downcast_ref::<Damaged>()) {
            Some(damaged) => Self::Zstd { offset: damaged.offset, what: damaged.to_string() },
            None => Self::Io { offset, source },
        }
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { offset: 0, source } => write!(f, "cannot be read: {source}"),
            Self::Io { offset, source } => write!(f, "cannot be read beyond byte {offset}: {source}"),
            Self::Empty => f.write_str("holds no request (byte offset 0)"),
            Self::Truncated { offset, found, expected } => {
                write!(f, "truncated: the record at byte offset {offset} has {found} of {expected} bytes")
            }
            Self::BadRecord { offset, what } => {
                write!(f, "not an oracleGeneral trace: the record at byte offset {offset} has {what}")
            }
            Self::BadLine { line, offset, what } => write!(f, "line {line} (byte offset {offset}): {what}"),
            Self::Zstd { offset, what } => {
                write!(f, "damaged or truncated zstd data at byte offset {offset}: {what}")
            }
            Self::TooLong { limit } => write!(f, "more than {limit} requests"),
        }
    }
}

impl std::error::Error for TraceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
