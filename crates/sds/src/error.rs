//! The errors of this crate.

use core::fmt;
use zmalloc::ReserveError;

/// The error of [`Sds::try_push_fmt`](crate::Sds::try_push_fmt).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// There is no memory for the text, or it would be too long.
    Reserve(ReserveError),
    /// The `Display` implementation of a value returned an error.
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

/// The error of a line that could not be [split into arguments](crate::split_args).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SplitArgsError {
    /// A quote is never closed.
    UnbalancedQuotes {
        /// The offset of the opening quote, in bytes from the start of the line.
        offset: usize,
    },
    /// A closing quote is followed by something other than a blank or the end of the line.
    TextAfterQuote {
        /// The offset of the byte after the quote, in bytes from the start of the line.
        offset: usize,
    },
    /// There is no memory for an argument, or it would be too long.
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

/// The error of a [template](crate::template) that could not be expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// A brace is never closed.
    UnclosedBrace {
        /// The offset of the brace, in bytes from the start of the template.
        offset: usize,
    },
    /// The caller returned no value for a name.
    UnknownName {
        /// The offset of the opening brace, in bytes from the start of the template.
        offset: usize,
    },
    /// There is no memory for the result, or it would be too long.
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
