//! What can go wrong, as values.

use core::fmt;
use zmalloc::ReserveError;

/// Why [`Sds::try_push_fmt`](crate::Sds::try_push_fmt) failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// There was no room for the text.
    Reserve(ReserveError),
    /// A value refused to be formatted.
    Display,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reserve(error) => error.fmt(f),
            Self::Display => f.write_str("a value could not be formatted"),
        }
    }
}

impl core::error::Error for FormatError {}

/// Why a line could not be [split into arguments](crate::split_args).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SplitArgsError {
    /// A quote is never closed.
    UnbalancedQuotes {
        /// Where it was opened: bytes from the start of the line.
        offset: usize,
    },
    /// A closing quote is followed by something else than a blank or the end of the line.
    TextAfterQuote {
        /// Where that stands: bytes from the start of the line.
        offset: usize,
    },
    /// There was no room for an argument.
    Reserve(ReserveError),
}

impl fmt::Display for SplitArgsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnbalancedQuotes { offset } => write!(f, "the quote at offset {offset} is never closed"),
            Self::TextAfterQuote { offset } => {
                write!(f, "a blank must follow the closing quote at offset {offset}")
            }
            Self::Reserve(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SplitArgsError {}

impl From<ReserveError> for SplitArgsError {
    fn from(error: ReserveError) -> Self {
        Self::Reserve(error)
    }
}

/// Why a [template](crate::template) could not be expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// A brace is never closed.
    UnclosedBrace {
        /// Where it stands: bytes from the start of the template.
        offset: usize,
    },
    /// The caller has no value for a name.
    UnknownName {
        /// Where its opening brace stands: bytes from the start of the template.
        offset: usize,
    },
    /// There was no room for the result.
    Reserve(ReserveError),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnclosedBrace { offset } => write!(f, "the brace at offset {offset} is never closed"),
            Self::UnknownName { offset } => write!(f, "no value for the name at offset {offset}"),
            Self::Reserve(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for TemplateError {}

impl From<ReserveError> for TemplateError {
    fn from(error: ReserveError) -> Self {
        Self::Reserve(error)
    }
}
