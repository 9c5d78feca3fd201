//! The errors of reading a trace file. Each message is one line, and says where the error is.

use super::zst::Damaged;
use std::fmt;
use std::io;

/// Why a trace could not be read.
///
/// Offsets are in bytes from the start of the file. In a `.zst` file, they count decompressed bytes, except
/// in [`TraceError::Zstd`].
#[derive(Debug)]
#[non_exhaustive]
pub enum TraceError {
    /// The operating system could not open the file, or could not read it to the end.
    Io {
        /// How many bytes had been read.
        offset: u64,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file has no requests.
    Empty,
    /// The file ends inside a record.
    Truncated {
        /// The offset of the record.
        offset: u64,
        /// How many bytes of the record there are.
        found: usize,
        /// How many bytes a record has.
        expected: usize,
    },
    /// A binary record does not have the format. The file probably has another format.
    BadRecord {
        /// The offset of the record.
        offset: u64,
        /// Which field is wrong, and how.
        what: String,
    },
    /// A line of a CSV or text file does not fit the format.
    BadLine {
        /// The number of the line, from 1.
        line: u64,
        /// The offset of the line.
        offset: u64,
        /// What is wrong with the line.
        what: String,
    },
    /// The compressed data of a `.zst` file is damaged or truncated.
    Zstd {
        /// How many bytes of the compressed file the decoder had read.
        offset: u64,
        /// The message of the decoder.
        what: String,
    },
    /// The trace has more requests than can be kept in memory.
    TooLong {
        /// The limit, in requests.
        limit: u64,
    },
}

impl TraceError {
    /// Converts an error of the reader, which may be an error of decompression.
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
