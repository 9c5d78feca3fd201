//! What can be wrong with bytes from elsewhere: a coded text, or a table.

use core::fmt;

/// What is wrong with bytes that should be a coded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodedFault {
    /// The table has no symbol with this code.
    Code,
    /// The bytes end behind an escape, which a byte of the text must follow.
    Truncated,
    /// The text is longer than its length says, from this symbol on.
    TooLong,
    /// The text is shorter than its length says. The offset is the end of the bytes.
    TooShort,
}

impl fmt::Display for CodedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Code => "no such code",
            Self::Truncated => "an escape without a byte behind it",
            Self::TooLong => "the text is longer than its length",
            Self::TooShort => "the text is shorter than its length",
        })
    }
}

impl common::Fault for CodedFault {
    const FORMAT: &'static str = "coded text";
}

/// The bytes are not a coded text of this table. The offset is that of the code that is wrong.
pub type MalformedCoded = common::Malformed<CodedFault>;

/// Why no text could be made of codes.
pub type DecodeError = common::FromBytesError<CodedFault>;

/// What is wrong with bytes that should be a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableFault {
    /// The bytes end too early.
    Truncated,
    /// The format has another version.
    Version,
    /// There are more than 255 symbols.
    Count,
    /// A symbol has no bytes, or more than eight.
    Len,
    /// Two symbols are the same.
    Duplicate,
    /// Bytes follow the last symbol.
    Trailing,
}

impl fmt::Display for TableFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the bytes end too early",
            Self::Version => "no such version",
            Self::Count => "more than 255 symbols",
            Self::Len => "a symbol has one to eight bytes",
            Self::Duplicate => "a symbol that is there already",
            Self::Trailing => "bytes behind the last symbol",
        })
    }
}

impl common::Fault for TableFault {
    const FORMAT: &'static str = "symbol table";
}

/// The bytes are not a table. The offset is that of the first byte of what is wrong; if symbols are given one by one, it is
/// the number of the symbol.
pub type MalformedTable = common::Malformed<TableFault>;

/// Why no table could be made of foreign bytes.
pub type FromBytesError = common::FromBytesError<TableFault>;
