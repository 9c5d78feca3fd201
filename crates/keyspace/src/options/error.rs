//! [`ConfError`]: why a text is not accepted as redis.conf.

use super::policy::MaxmemoryPolicy;
use core::fmt;
use sds::SplitArgsError;

/// Which line of a redis.conf is wrong, and why. See [`Options::from_conf`](super::Options::from_conf).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfError {
    /// The number of the line; the first line has 1.
    pub line: usize,
    /// Why.
    pub kind: ConfErrorKind,
}

/// What is wrong with a line of a redis.conf. `directive` is the name that Redis 7.4 uses, also where the
/// line has an older one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfErrorKind {
    /// The line cannot be split into arguments. Offsets count from its first byte that is not a blank.
    Syntax(SplitArgsError),
    /// The directive takes one argument.
    ArgumentCount {
        /// Which directive.
        directive: &'static str,
        /// How many arguments stand there.
        found: usize,
    },
    /// The argument is not an integer in plain decimal form.
    NotAnInteger {
        /// Which directive.
        directive: &'static str,
        /// The smallest integer that is allowed.
        min: i64,
        /// The largest integer that is allowed.
        max: i64,
    },
    /// The argument is not an amount of memory, which is digits with or without a unit.
    NotAnAmount {
        /// Which directive.
        directive: &'static str,
        /// The smallest amount that is allowed, in bytes.
        min: i64,
        /// The largest amount that is allowed, in bytes.
        max: i64,
    },
    /// The number is too small or too large.
    OutOfRange {
        /// Which directive.
        directive: &'static str,
        /// The smallest number that is allowed.
        min: i64,
        /// The largest number that is allowed.
        max: i64,
    },
    /// The argument is neither `yes` nor `no`.
    NotYesOrNo {
        /// Which directive.
        directive: &'static str,
    },
    /// The argument is not one of the words of [`MaxmemoryPolicy`].
    NotAPolicy {
        /// Which directive.
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
