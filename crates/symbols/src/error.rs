//! Errors of codes, of the bytes of a table, and of symbols that the caller gives.

use core::error::Error;
use core::fmt;
use zmalloc::ReserveError;

/// What is wrong with codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodesFault {
    /// The table has no symbol with this code. The offset is that of the code.
    UnknownCode,
    /// The codes end after an escape. The offset is that of the escape.
    Truncated,
    /// The text is longer than expected. For [`decode`](crate::SymbolTable::decode), the offset is the end of
    /// the code that passes the expected length. For
    /// [`decode_to_slice`](crate::SymbolTable::decode_to_slice), it is the start of the first code for which
    /// fewer than eight bytes are left in the slice.
    TooLong,
    /// The text is shorter than expected. The offset is the end of the codes.
    TooShort,
}

impl fmt::Display for CodesFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownCode => "no symbol has this code",
            Self::Truncated => "the codes end after an escape",
            Self::TooLong => "the text is longer than expected",
            Self::TooShort => "the text is shorter than expected",
        })
    }
}

impl common::Fault for CodesFault {
    const FORMAT: &'static str = "codes";
}

/// The error for codes that are damaged, or that do not decode to a text of the expected length.
/// [`CodesFault`] says what the offset is.
pub type MalformedCodes = common::Malformed<CodesFault>;

/// The error of [`SymbolTable::decode`](crate::SymbolTable::decode).
pub type DecodeError = common::FromBytesError<CodesFault>;

/// What is wrong with the bytes of a table, or with a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableFault {
    /// The bytes end too early.
    Truncated,
    /// The version of the format is not supported.
    Version,
    /// There are more than 255 symbols.
    TooManySymbols,
    /// A symbol is empty, or longer than eight bytes.
    SymbolLen,
    /// A symbol occurs twice.
    Duplicate,
    /// Bytes follow the last symbol.
    TrailingBytes,
}

impl fmt::Display for TableFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the bytes end too early",
            Self::Version => "the version is not supported",
            Self::TooManySymbols => "there are more than 255 symbols",
            Self::SymbolLen => "a symbol is empty or longer than eight bytes",
            Self::Duplicate => "a symbol occurs twice",
            Self::TrailingBytes => "bytes follow the last symbol",
        })
    }
}

impl common::Fault for TableFault {
    const FORMAT: &'static str = "symbol table";
}

/// The error for bytes that are not a valid table. The offset is where the fault begins, or the end of the
/// bytes if they end too early.
pub type MalformedTable = common::Malformed<TableFault>;

/// The error of [`SymbolTable::from_bytes`](crate::SymbolTable::from_bytes).
pub type FromBytesError = common::FromBytesError<TableFault>;

/// The error of [`SymbolTable::from_symbols`](crate::SymbolTable::from_symbols).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FromSymbolsError {
    /// A symbol cannot be in the table.
    Symbol {
        /// The index of the symbol, from 0.
        index: usize,
        /// What is wrong with it.
        fault: TableFault,
    },
    /// There was no memory for the table.
    Reserve(ReserveError),
}

impl fmt::Display for FromSymbolsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symbol { index, fault } => write!(f, "symbol {index}: {fault}"),
            Self::Reserve(error) => error.fmt(f),
        }
    }
}

impl Error for FromSymbolsError {}

impl From<ReserveError> for FromSymbolsError {
    fn from(error: ReserveError) -> Self {
        Self::Reserve(error)
    }
}
