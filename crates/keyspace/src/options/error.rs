//! [`ConfError`]: the reason why a text is not a valid redis.conf.

use super::policy::MaxmemoryPolicy;
use core::fmt;
use sds::SplitArgsError;

/// The first line of a redis.conf that is not valid, and the reason. See
/// [`Options::from_conf`](super::Options::from_conf).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfError {
    /// The number of the line. The first line has the number 1.
    pub line: usize,
    /// The reason.
    pub kind: ConfErrorKind,
}

/// The reason why a line of a redis.conf is not valid. `directive` is the name that Redis 7.4 uses, even if
/// the line has an older name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfErrorKind {
    /// The line cannot be split into arguments. The offset in the error counts from the first byte of the
    /// line that is not whitespace.
    Syntax(SplitArgsError),
    /// The directive takes one argument, and the line has none or more than one.
    ArgumentCount {
        /// The name of the directive.
        directive: &'static str,
        /// How many arguments the line has.
        found: usize,
    },
    /// The argument is not an integer in plain decimal form.
    NotAnInteger {
        /// The name of the directive.
        directive: &'static str,
        /// The smallest integer that is allowed.
        min: i64,
        /// The largest integer that is allowed.
        max: i64,
    },
    /// The argument is not an amount of memory, which is written as digits with or without a unit.
    NotAnAmount {
        /// The name of the directive.
        directive: &'static str,
        /// The smallest amount that is allowed, in bytes.
        min: i64,
        /// The largest amount that is allowed, in bytes.
        max: i64,
    },
    /// The number is too small or too large.
    OutOfRange {
        /// The name of the directive.
        directive: &'static str,
        /// The smallest number that is allowed.
        min: i64,
        /// The largest number that is allowed.
        max: i64,
    },
    /// The argument is neither `yes` nor `no`.
    NotYesOrNo {
        /// The name of the directive.
        directive: &'static str,
    },
    /// The argument is not the name of a [`MaxmemoryPolicy`].
    NotAPolicy {
        /// The name of the directive.
        directive: &'static str,
    },
}

impl fmt::Display for ConfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.kind)
    }
}

impl fmt::Display for ConfErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => error.fmt(f),
            Self::ArgumentCount { directive, found } => {
                write!(f, "{directive} takes one argument, not {found}")
            }
            Self::NotAnInteger { directive, min, max } => {
                write!(f, "{directive} must be an integer between {min} and {max}")
            }
            Self::NotAnAmount { directive, min, max } => {
                write!(
                    f,
                    "{directive} must be an amount of memory, such as 64 or 1mb, between {min} and {max} bytes"
                )
            }
            Self::OutOfRange { directive, min, max } => {
                write!(f, "{directive} must be between {min} and {max}")
            }
            Self::NotYesOrNo { directive } => write!(f, "{directive} must be yes or no"),
            Self::NotAPolicy { directive } => {
                write!(f, "{directive} must be one of")?;
                let mut separator = " ";
                for policy in MaxmemoryPolicy::ALL {
                    write!(f, "{separator}{policy}")?;
                    separator = ", ";
                }
                Ok(())
            }
        }
    }
}

impl core::error::Error for ConfError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.kind {
            ConfErrorKind::Syntax(error) => Some(error),
            _ => None,
        }
    }
}
